//! Table 0063 (NK1-3) → v3-RoleCode, and v2-0131 for what is a role (FACTS §5). The rest stays
//! v2-0063. `SPO` is `SPS`: v3-RoleCode has no `SPO`.

use super::super::datatypes::Coding;
use super::systems::{SUBSCRIBER_RELATIONSHIP, V2_0131, V3_ROLE_CODE};

#[must_use]
pub fn relationship(code: &str) -> Option<Coding<'static>> {
    let (code, display) = match code {
        "SEL" => ("ONESELF", "self"),
        "SPO" => ("SPS", "spouse"),
        "DOM" => ("SIGOTHR", "significant other"),
        "CHD" => ("CHILD", "child"),
        "GCH" => ("GRNDCHILD", "grandchild"),
        "NCH" => ("NCHILD", "natural child"),
        "SCH" => ("STPCHLD", "step child"),
        "FCH" => ("CHLDFOST", "foster child"),
        "PAR" => ("PRN", "parent"),
        "MTH" => ("MTH", "mother"),
        "FTH" => ("FTH", "father"),
        "GRP" => ("GRPRN", "grandparent"),
        "EXF" => ("EXT", "extended family member"),
        "SIB" => ("SIB", "sibling"),
        "BRO" => ("BRO", "brother"),
        "SIS" => ("SIS", "sister"),
        "FND" => ("FRND", "unrelated friend"),
        "EMR" => return Some(Coding::of(V2_0131, "E", "Employer")),
        "EMC" => return Some(Coding::of(V2_0131, "C", "Emergency Contact")),
        "UNK" => return Some(Coding::of(V2_0131, "U", "Unknown")),
        "OTH" => return Some(Coding::of(V2_0131, "O", "Other")),
        _ => return None,
    };
    Some(Coding::of(V3_ROLE_CODE, code, display))
}

/// IN1-17 → subscriber-relationship, where it says the same whichever way it is read: the field
/// tells what the insured is to the patient, and FHIR what the patient is to the insured, and
/// senders mix the two up. What has a direction keeps v3-RoleCode.
#[must_use]
pub fn subscriber_relationship(code: &str) -> Option<Coding<'static>> {
    let (code, display) = match code {
        "SEL" => ("self", "Self"),
        "SPO" => ("spouse", "Spouse"),
        "DOM" => ("common", "Common Law Spouse"),
        other => return relationship(other),
    };
    Some(Coding::of(SUBSCRIBER_RELATIONSHIP, code, display))
}
