//! Where the v2-to-FHIR guide is not followed, or is silent, beyond single fields.

/// What the guide says, and what is done instead.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    pub about: &'static str,
    pub guide: &'static str,
    pub ours: &'static str,
    pub source: &'static str,
}

const fn deviation(
    about: &'static str,
    guide: &'static str,
    ours: &'static str,
    source: &'static str,
) -> Deviation {
    Deviation { about, guide, ours, source }
}

/// In the order of a message.
pub const DEVIATIONS: &[Deviation] = &[
    deviation(
        "Encounter.status",
        "by PV1-2, and finished where PV1-45 is valued: an A03 without PV1-45 stays in-progress",
        "by the event first, then PV1-45; PV1-2 never",
        "FACTS §0, §1",
    ),
    deviation("A04", "planned", "in-progress: the patient is there", "FACTS §1"),
    deviation("A08", "status unknown", "the status stays", "FACTS §1"),
    deviation(
        "A28, A31",
        "an Encounter where there is a PV1",
        "no Encounter: a PV1 of class N says that there is no visit",
        "FACTS §1",
    ),
    deviation("merges, moves, links, leaves", "nothing", "the table of events", "FACTS §1, [REC]"),
    deviation(
        "CX-4, HD",
        "HD.1 first, which gives systems that are no URI",
        "the universal id first, then the EJ's own table of authorities, then a local URN",
        "FACTS §4 CX",
    ),
    deviation(
        "XAD-7 BDL, N, F",
        "an address without a use",
        "BDL and N are the birth place, no address",
        "FACTS §4 XAD",
    ),
    deviation(
        "XTN-3 empty",
        "data-absent-reason as the system",
        "email where XTN-4 is there, else phone",
        "FACTS §4 XTN",
    ),
    deviation("XTN-3 CP", "other", "phone, use mobile", "FACTS §4 XTN"),
    deviation(
        "PL",
        "partOf of a building is itself, of a point of care the facility",
        "bed, room, floor, point of care, building, facility, each part of the next that is given",
        "FACTS §4 PL",
    ),
    deviation(
        "SAD",
        "a line each for SAD-1, SAD-2 and SAD-3",
        "SAD-1; SAD-3 and SAD-2, which it is made of, as one line only where it is empty",
        "FACTS §4 XAD",
    ),
    deviation(
        "XTN with a number and an e-mail address",
        "the one that XTN-3 says",
        "both, each a ContactPoint",
        "FACTS §4 XTN",
    ),
    deviation(
        "NK1-30 to NK1-32, NK1-41",
        "contact of the Organization of NK1-13",
        "name, address and telecom of the contact: another patient's employer has another",
        "FACTS §3 NK1",
    ),
    deviation(
        "ROL-5 and ROL-6 before PV1",
        "PractitionerRole.period",
        "not shown: the role is one record for all patients of the doctor",
        "FACTS §3 ROL",
    ),
    deviation(
        "CWE without a code",
        "a coding without a code or system",
        "text only; never an empty system",
        "FACTS §4 CWE",
    ),
    deviation(
        "0001, outside the table",
        "nothing",
        "unknown, and the code as sent in an extension",
        "FACTS §5",
    ),
    deviation(
        "0004 B, C, N, R, U",
        "v2-0004 as the guide has it; converters map B and C to codes of other value sets, N to a \
         cancelled stay",
        "v2-0004; N makes no stay",
        "FACTS §2",
    ),
    deviation("0063 SPO", "a code that v3-RoleCode does not have", "SPS", "FACTS §5"),
    deviation(
        "0112, 0113, 0023",
        "no codes",
        "the sender's own; UB-04 where the EJ's site says so (`hosp` is a hospice)",
        "FACTS §5",
    ),
    deviation(
        "identifiers of records",
        "ids at random or from the message",
        "minted once from content, kept for life; NK1 and AL1 never by their line number",
        "DESIGN §3",
    ),
    deviation(
        "extensions' URLs",
        "several that do not exist",
        "those of the current extension pack",
        "FACTS §6",
    ),
];
