//! Table 0203 (CX-5) → Identifier.type. Passes through, but for the French extension of it.

use super::super::datatypes::{CodeableConcept, Coding, Text};
use super::systems::{FR_CORE_0203, V2_0203};

const INS: &str = "urn:oid:1.2.250.1.213.1.4.";

/// `None` for an empty code.
///
/// PAM France sends `INS` for every national identity; its authority's OID tells which (pam-fr
/// §PID-3). The same OID with `NH` is the number for billing, which is no INS.
#[must_use]
pub fn identifier_type<'a>(code: Text<'a>, system: &str) -> Option<CodeableConcept<'a>> {
    let french = match (&*code, system.strip_prefix(INS)) {
        ("", _) => return None,
        ("INS" | "INS-NIR", Some("8")) => "INS-NIR",
        ("INS" | "INS-NIA", Some("9")) => "INS-NIA",
        ("INS" | "INS-NIR-TEST", Some("10")) => "INS-NIR-TEST",
        ("INS" | "INS-NIR-DEMO", Some("11")) => "INS-NIR-DEMO",
        ("INS-NIR", _) => "INS-NIR",
        ("INS-NIA", _) => "INS-NIA",
        ("INS-C", _) => "INS-C",
        ("NDP", _) => "NDP",
        _ => {
            let display = display(&code);
            let coding = Coding { code: Some(code), ..Coding::of(V2_0203, "", display) };
            return Some(CodeableConcept { coding: vec![coding], text: None });
        }
    };
    Some(CodeableConcept::of(FR_CORE_0203, french, ""))
}

/// The table's own words for the codes that ADT feeds use most.
fn display(code: &str) -> &'static str {
    match code {
        "AN" => "Account number",
        "DL" => "Driver's license number",
        "MR" => "Medical record number",
        "NH" => "National Health Plan Identifier",
        "PI" => "Patient internal identifier",
        "PT" => "Patient external identifier",
        "SS" => "Social Security number",
        "VN" => "Visit number",
        _ => "",
    }
}
