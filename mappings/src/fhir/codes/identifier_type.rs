//! Table 0203 (CX-5) → Identifier.type. Passes through, but for the French extension of it.
//!
//! Senders make up codes of their own (`MRN`, `visitid`): one that the table does not have stays
//! visible, without the table's name on it.

use super::super::datatypes::{CodeableConcept, Coding, Text};
use super::systems::{FR_CORE_0203, V2_0203};

const INS: &str = "urn:oid:1.2.250.1.213.1.4.";

/// `default` (a code of the table, or empty) is what the field is about; it stands where nothing
/// was sent, and in front of a code that is the sender's own. `None` where both are empty.
///
/// PAM France sends `INS` for every national identity; its authority's OID tells which (pam-fr
/// §PID-3). The same OID with `NH` is the number for billing, which is no INS.
#[must_use]
pub fn identifier_type<'a>(
    sent: Option<Text<'a>>,
    default: &'static str,
    system: &str,
) -> Option<CodeableConcept<'a>> {
    let Some(code) = sent else {
        return (!default.is_empty()).then(|| of_table(default.into()));
    };
    let french = match (&*code, system.strip_prefix(INS)) {
        ("INS" | "INS-NIR", Some("8")) => "INS-NIR",
        ("INS" | "INS-NIA", Some("9")) => "INS-NIA",
        ("INS" | "INS-NIR-TEST", Some("10")) => "INS-NIR-TEST",
        ("INS" | "INS-NIR-DEMO", Some("11")) => "INS-NIR-DEMO",
        ("INS-NIR", _) => "INS-NIR",
        ("INS-NIA", _) => "INS-NIA",
        ("INS-C", _) => "INS-C",
        ("NDP", _) => "NDP",
        ("FINEJ", _) => "FINEJ",
        ("FINEG", _) => "FINEG",
        ("SIREN", _) => "SIREN",
        ("SIRET", _) => "SIRET",
        ("IDNST", _) => "IDNST",
        ("INTRN", _) => "INTRN",
        ("RPPS", _) => "RPPS",
        ("ADELI", _) => "ADELI",
        ("IDNPS", _) => "IDNPS",
        _ if is_in_table(&code) => return Some(of_table(code)),
        _ => {
            let own = Coding::own(code);
            if default.is_empty() {
                return Some(own.into());
            }
            let mut concept = of_table(default.into());
            concept.coding.push(own);
            return Some(concept);
        }
    };
    Some(CodeableConcept::of(FR_CORE_0203, french, ""))
}

fn of_table(code: Text<'_>) -> CodeableConcept<'_> {
    let display = display(&code);
    Coding { code: Some(code), ..Coding::of(V2_0203, "", display) }.into()
}

/// HL7 v2.5.1 to v2.9, chapter 2C, table 0203. `NN` and a country is a national identifier.
fn is_in_table(code: &str) -> bool {
    if let Some(country) = code.strip_prefix("NN")
        && country.len() == 3
        && country.bytes().all(|b| b.is_ascii_uppercase())
    {
        return true;
    }
    matches!(
        code,
        "ACSN"
            | "AM"
            | "AMA"
            | "AN"
            | "ANC"
            | "AND"
            | "ANON"
            | "ANT"
            | "APRN"
            | "ASID"
            | "BA"
            | "BC"
            | "BCT"
            | "BR"
            | "BRN"
            | "BSNR"
            | "CC"
            | "CONM"
            | "CY"
            | "CZ"
            | "DDS"
            | "DEA"
            | "DFN"
            | "DI"
            | "DL"
            | "DN"
            | "DO"
            | "DP"
            | "DPM"
            | "DR"
            | "DS"
            | "EI"
            | "EN"
            | "ESN"
            | "FI"
            | "GI"
            | "GL"
            | "GN"
            | "HC"
            | "IND"
            | "JHN"
            | "LACSN"
            | "LANR"
            | "LI"
            | "LN"
            | "LR"
            | "MA"
            | "MB"
            | "MC"
            | "MCD"
            | "MCN"
            | "MCR"
            | "MCT"
            | "MD"
            | "MI"
            | "MR"
            | "MRT"
            | "MS"
            | "NBSNR"
            | "NCT"
            | "NE"
            | "NH"
            | "NI"
            | "NII"
            | "NIIP"
            | "NP"
            | "NPI"
            | "OD"
            | "PA"
            | "PC"
            | "PCN"
            | "PE"
            | "PEN"
            | "PI"
            | "PN"
            | "PNT"
            | "PPIN"
            | "PPN"
            | "PRC"
            | "PRN"
            | "PT"
            | "QA"
            | "RI"
            | "RN"
            | "RPH"
            | "RR"
            | "RRI"
            | "RRP"
            | "SID"
            | "SL"
            | "SN"
            | "SP"
            | "SR"
            | "SS"
            | "TAX"
            | "TN"
            | "TPR"
            | "U"
            | "UPIN"
            | "USID"
            | "VN"
            | "VP"
            | "VS"
            | "WC"
            | "WCN"
            | "WP"
            | "XX"
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    fn codings(sent: &str, default: &'static str, system: &str) -> Vec<(String, String)> {
        let sent = (!sent.is_empty()).then(|| sent.into());
        let concept = identifier_type(sent, default, system);
        let text = |t: Option<Text<'_>>| t.map(Text::into_owned).unwrap_or_default();
        let pair = |c: Coding<'_>| (text(c.system), text(c.code));
        concept.into_iter().flat_map(|c| c.coding.to_vec()).map(pair).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn a_code_that_the_table_does_not_have_is_not_said_to_be_of_it() {
        assert_eq!(codings("PI", "", ""), pairs(&[(V2_0203, "PI")]));
        assert_eq!(codings("NNFRA", "", ""), pairs(&[(V2_0203, "NNFRA")]));
        assert_eq!(codings("MRN", "", ""), pairs(&[("", "MRN")]));
        assert_eq!(codings("", "", ""), []);
        assert_eq!(codings("", "VN", ""), pairs(&[(V2_0203, "VN")]));
        assert_eq!(codings("AN", "VN", ""), pairs(&[(V2_0203, "AN")]));
        assert_eq!(codings("visitid", "VN", ""), pairs(&[(V2_0203, "VN"), ("", "visitid")]));
    }

    #[test]
    fn a_french_identity_is_told_by_its_authority() {
        for (sent, oid, code) in [
            ("INS", "8", "INS-NIR"),
            ("INS", "9", "INS-NIA"),
            ("INS", "10", "INS-NIR-TEST"),
            ("INS", "11", "INS-NIR-DEMO"),
            ("INS-C", "2", "INS-C"),
        ] {
            let expected = pairs(&[(FR_CORE_0203, code)]);
            assert_eq!(codings(sent, "", &format!("{INS}{oid}")), expected, "{oid}");
        }
        // The number for billing, under the OID of the NIR.
        assert_eq!(codings("NH", "", &format!("{INS}8")), pairs(&[(V2_0203, "NH")]));
    }
}
