//! ZBE and the French Z-segments (IHE PAM, French extension).

use super::{Rule, Segment};

pub(super) const SEGMENTS: &[Segment] = &[ZBE, ZFA, ZFP, ZFV, ZFM, ZFD, ZFS];

const Z3: &str = "pam-fr §3";
const Z4: &str = "pam-fr §4";
const NO_ELEMENT: &str = "no element";
const LEGAL: &str = "most sensitive of all; no element";

const ZBE: Segment = Segment::of(
    "ZBE",
    "Movement",
    &[
        Rule::differs(
            1,
            "Movement Identifier",
            &["Encounter.location.extension(movement-identifier)"],
            &["Encounter.location.extension(movement-identifier)"],
            Z3,
        ),
        Rule::shows(2, "Start of Movement", &["Encounter.location.period"], Z3),
        Rule::not(3, "End of Movement", "forbidden in France: the next movement ends it", Z3),
        Rule::shows(4, "Action", &["Encounter"], Z3),
        Rule::shows(5, "Historic Movement", &["Encounter"], Z3),
        Rule::kept(6, "Original Trigger Event", "which event an update or a cancel is about", Z3),
        Rule::shows(7, "Medical Responsibility", &["Encounter.serviceProvider"], Z3),
        Rule::kept(8, "Care Responsibility", "the movement", Z3),
        Rule::kept(9, "Nature of the Movement", "which responsibilities it changes", Z3),
    ],
);

const ZFA: Segment = Segment::of(
    "ZFA",
    "Shared Record Status",
    &[
        Rule::not(1, "Status of the DMP", NO_ELEMENT, Z4),
        Rule::not(2, "Date of collection of the DMP status", NO_ELEMENT, Z4),
        Rule::not(3, "Date of closure of the DMP", NO_ELEMENT, Z4),
        Rule::not(4, "Authorization of access (obsolete)", "forbidden since 2.x", Z4),
        Rule::not(5, "Date (obsolete)", "forbidden since 2.x", Z4),
        Rule::not(6, "Opposition (obsolete)", "forbidden since 2.x", Z4),
        Rule::not(7, "Date (obsolete)", "forbidden since 2.x", Z4),
        Rule::not(8, "Opposition (obsolete)", "forbidden since 2.x", Z4),
        Rule::not(9, "Opposition to feeding", NO_ELEMENT, Z4),
        Rule::not(10, "Date of the opposition to feeding", NO_ELEMENT, Z4),
        Rule::not(11, "Consent to consultation", NO_ELEMENT, Z4),
        Rule::not(12, "Date of the consent", NO_ELEMENT, Z4),
    ],
);

const ZFP: Segment = Segment::of(
    "ZFP",
    "Occupation",
    &[
        Rule::not(1, "Socio-professional activity", NO_ELEMENT, Z4),
        Rule::not(2, "Socio-professional category", NO_ELEMENT, Z4),
    ],
);

const ZFV: Segment = Segment::of(
    "ZFV",
    "Visit, French additions",
    &[
        Rule::not(1, "Establishment of origin and date", NO_ELEMENT, Z4),
        Rule::not(2, "Transport at discharge", NO_ELEMENT, Z4),
        Rule::not(3, "Type of pre-admission (obsolete)", "forbidden", Z4),
        Rule::not(4, "Start of psychiatric placement", NO_ELEMENT, Z4),
        Rule::not(5, "End of psychiatric placement", NO_ELEMENT, Z4),
        Rule::not(6, "Address of origin and destination", NO_ELEMENT, Z4),
        Rule::not(7, "Account number of the establishment of origin", NO_ELEMENT, Z4),
        Rule::not(8, "Archive number", NO_ELEMENT, Z4),
        Rule::not(9, "Mode of discharge, personalised", NO_ELEMENT, Z4),
        Rule::not(10, "RIM-P legal mode", NO_ELEMENT, Z4),
        Rule::not(11, "Care during transport", NO_ELEMENT, Z4),
    ],
);

const ZFM: Segment = Segment::of(
    "ZFM",
    "PMSI Movement",
    &[
        Rule::not(1, "Mode of entry", NO_ELEMENT, Z4),
        Rule::not(2, "Mode of exit", NO_ELEMENT, Z4),
        Rule::not(3, "Origin", NO_ELEMENT, Z4),
        Rule::not(4, "Destination", NO_ELEMENT, Z4),
        Rule::not(5, "Passage by the emergency department", NO_ELEMENT, Z4),
    ],
);

const ZFD: Segment = Segment::of(
    "ZFD",
    "Demographics, French additions",
    &[
        Rule::not(1, "Lunar birth date", NO_ELEMENT, Z4),
        Rule::not(2, "Weeks of gestation", NO_ELEMENT, Z4),
        Rule::not(3, "Consent to text messages", NO_ELEMENT, Z4),
        Rule::not(4, "Corrected birth date", NO_ELEMENT, Z4),
        Rule::not(5, "Mode of obtaining the identity", NO_ELEMENT, Z4),
        Rule::not(6, "Date of the INSi query", NO_ELEMENT, Z4),
        Rule::not(7, "Kind of identity document", NO_ELEMENT, Z4),
        Rule::not(8, "End of the document's validity", NO_ELEMENT, Z4),
    ],
);

const ZFS: Segment = Segment::of(
    "ZFS",
    "Legal Mode of Care",
    &[
        Rule::not(1, "Set ID", "a line number", Z4),
        Rule::not(2, "Identifier", LEGAL, Z4),
        Rule::not(3, "Start", LEGAL, Z4),
        Rule::not(4, "End", LEGAL, Z4),
        Rule::not(5, "Action", LEGAL, Z4),
        Rule::not(6, "Legal mode", LEGAL, Z4),
        Rule::not(7, "RIM-P code", LEGAL, Z4),
        Rule::not(8, "Comment", LEGAL, Z4),
    ],
);
