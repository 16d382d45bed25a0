//! The INS: the national health identity (pam-fr §6, identities).
//!
//! - It goes only with PID-32 `VALI`: a message that brings it otherwise is taken without it, and
//!   a patient whose status falls has it no more.
//! - NIR and NIA together: the NIR is kept, the NIA was for the time before it.
//! - `""` in its place (A47) removes every INS of the patient, NIR and NIA.
//! - It never identifies: two records of one person, or two persons under one number, are
//!   everyday faults.
//! - The number for billing (`NH`) is a NIR too, under the same OID, and no INS; neither is the
//!   INS-C, which was computed. CX-5 tells them apart.

use crate::adt::draft::Draft;
use crate::hl7::datatypes::Cx;
use crate::records::{Identifier, IdentifierUse, PatientRecord};

/// The arc of the national identities.
const ARC: &str = "1.2.250.1.213.1.4.";

/// NIR, NIA, NIR of test, NIR of demonstration.
const OIDS: [&str; 4] = ["8", "9", "10", "11"];

const NAMESPACE: &str = "ASIP-SANTE-INS";

/// A number that is national, an INS or not: kept where the rules allow it, never a key.
pub(in crate::adt) fn is_national_cx(cx: Cx<'_>) -> bool {
    let authority = cx.assigning_authority();
    let oid = authority.universal_id().unwrap_or_default();
    let namespace = authority.namespace().unwrap_or_default();
    let type_code = cx.type_code().unwrap_or_default();
    oid.starts_with(ARC) || namespace.starts_with(NAMESPACE) || is_national_type(&type_code)
}

/// As [`is_national_cx`], of one that is kept: the record has no CX-4, the system and the type
/// say it.
pub(in crate::adt) fn is_national(identifier: &Identifier) -> bool {
    identifier.system.contains(ARC)
        || identifier.system.contains(NAMESPACE)
        || is_national_type(&identifier.type_code)
}

fn is_national_type(type_code: &str) -> bool {
    matches!(type_code, "NH" | "NDP") || type_code.starts_with("INS")
}

/// An INS, by CX-5 first: the OID of the NIR also numbers bills.
pub(crate) fn is_ins(identifier: &Identifier) -> bool {
    match identifier.type_code.as_str() {
        "NH" | "INS-C" | "NDP" => false,
        code if code.starts_with("INS") => true,
        _ => {
            let arc = identifier.system.split_once(ARC);
            arc.is_some_and(|(_, last)| OIDS.contains(&last))
                || identifier.system.contains(NAMESPACE)
        }
    }
}

/// As [`is_ins`], of a repetition whose number is `""`.
pub(in crate::adt) fn is_ins_cx(cx: Cx<'_>) -> bool {
    is_national_cx(cx) && !matches!(&*cx.type_code().unwrap_or_default(), "NH" | "INS-C" | "NDP")
}

/// A NIA, which a NIR replaces.
fn is_nia(identifier: &Identifier) -> bool {
    is_ins(identifier)
        && (identifier.type_code == "INS-NIA"
            || identifier.system.ends_with("1.2.250.1.213.1.4.9")
            || identifier.system.contains("ASIP-SANTE-INS-NIA"))
}

/// Two numbers that are the same digits under the same OID, one of them for billing, are two.
pub(crate) fn is_same_kind(one: &Identifier, other: &Identifier) -> bool {
    (one.type_code == "NH") == (other.type_code == "NH")
}

/// FR Core: the NIR is official, the NIA temporary, the NIR for billing official; the EJ's own
/// number (IPP) is the usual one.
pub(in crate::adt) fn use_of(draft: &Draft<'_>, identifier: &Identifier) -> IdentifierUse {
    if is_nia(identifier) {
        return IdentifierUse::Temp;
    }
    match identifier.type_code.as_str() {
        _ if is_ins(identifier) => IdentifierUse::Official,
        "NH" if draft.is_french() => IdentifierUse::Official,
        "PI" if draft.is_french() => IdentifierUse::Usual,
        _ => identifier.r#use,
    }
}

/// PID-32 says `VALI`; other attributes may stand beside it.
pub(in crate::adt) fn may_hold(draft: &Draft<'_>, patient: &PatientRecord) -> bool {
    !draft.is_french() || patient.reliability.iter().any(|code| code == "VALI")
}

/// The NIR alone, where there is one.
pub(in crate::adt) fn keep_the_nir(identifiers: &mut Vec<Identifier>) {
    if identifiers.iter().any(|own| is_ins(own) && !is_nia(own)) {
        identifiers.retain(|own| !is_nia(own));
    }
}
