//! ZBE and the French Z-segments (IHE PAM, French extension).

use super::{Rule, Segment};

pub(super) const SEGMENTS: &[Segment] = &[ZBE, ZFA, ZFP, ZFV, ZFM, ZFD, ZFS];

const Z3: &str = "pam-fr §3";
const Z4: &str = "pam-fr §4";
const RECORD: &str = "the record; no element";

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
        Rule::shows(8, "Care Responsibility", &["Encounter.extension(nursing-unit)"], Z3),
        Rule::shows(
            9,
            "Nature of the Movement",
            &["Encounter.location.extension(movement-nature)"],
            Z3,
        ),
    ],
);

const ZFA: Segment = Segment::of(
    "ZFA",
    "Shared Record Status",
    &[
        Rule::kept(1, "Status of the DMP", RECORD, Z4),
        Rule::kept(2, "Date of collection of the DMP status", RECORD, Z4),
        Rule::kept(3, "Date of closure of the DMP", RECORD, Z4),
        Rule::not(4, "Authorization of access (obsolete)", "forbidden since 2.x", Z4),
        Rule::not(5, "Date (obsolete)", "forbidden since 2.x", Z4),
        Rule::not(6, "Opposition (obsolete)", "forbidden since 2.x", Z4),
        Rule::not(7, "Date (obsolete)", "forbidden since 2.x", Z4),
        Rule::not(8, "Opposition (obsolete)", "forbidden since 2.x", Z4),
        Rule::kept(9, "Opposition to feeding", RECORD, Z4),
        Rule::kept(10, "Date of the opposition to feeding", RECORD, Z4),
        Rule::kept(11, "Consent to consultation", RECORD, Z4),
        Rule::kept(12, "Date of the consent", RECORD, Z4),
    ],
);

const ZFP: Segment = Segment::of(
    "ZFP",
    "Occupation",
    &[
        Rule::kept(1, "Socio-professional activity", RECORD, Z4),
        Rule::kept(2, "Socio-professional category", RECORD, Z4),
    ],
);

const ZFV: Segment = Segment::of(
    "ZFV",
    "Visit, French additions",
    &[
        Rule::differs(
            1,
            "Establishment of origin and date",
            &["Encounter.hospitalization.origin"],
            &["Encounter.admission.origin"],
            Z4,
        ),
        Rule::kept(2, "Transport at discharge", RECORD, Z4),
        Rule::not(3, "Type of pre-admission (obsolete)", "forbidden", Z4),
        Rule::kept(4, "Start of psychiatric placement", RECORD, Z4),
        Rule::kept(5, "End of psychiatric placement", RECORD, Z4),
        Rule::kept(6, "Address of origin and destination", RECORD, Z4),
        Rule::kept(7, "Account number of the establishment of origin", RECORD, Z4),
        Rule::kept(8, "Archive number", RECORD, Z4),
        Rule::kept(9, "Mode of discharge, personalised", RECORD, Z4),
        Rule::kept(10, "RIM-P legal mode", RECORD, Z4),
        Rule::kept(11, "Care during transport", RECORD, Z4),
    ],
);

const ZFM: Segment = Segment::of(
    "ZFM",
    "PMSI Movement",
    &[
        Rule::kept(1, "Mode of entry", RECORD, Z4),
        Rule::kept(2, "Mode of exit", RECORD, Z4),
        Rule::kept(3, "Origin", RECORD, Z4),
        Rule::kept(4, "Destination", RECORD, Z4),
        Rule::kept(5, "Passage by the emergency department", RECORD, Z4),
    ],
);

const ZFD: Segment = Segment::of(
    "ZFD",
    "Demographics, French additions",
    &[
        Rule::shows(1, "Lunar birth date", &["Patient.extension(fr-core-lunar-date)"], Z4),
        Rule::kept(2, "Weeks of gestation", RECORD, Z4),
        Rule::kept(3, "Consent to text messages", RECORD, Z4),
        Rule::kept(4, "Corrected birth date", RECORD, Z4),
        Rule::shows(
            5,
            "Mode of obtaining the identity",
            &["Patient.extension(fr-core-identity-reliability)"],
            Z4,
        ),
        Rule::shows(
            6,
            "Date of the INSi query",
            &["Patient.extension(fr-core-identity-reliability)"],
            Z4,
        ),
        Rule::shows(
            7,
            "Kind of identity document",
            &["Patient.extension(fr-core-identity-reliability)"],
            Z4,
        ),
        Rule::kept(8, "End of the document's validity", RECORD, Z4),
    ],
);

const ZFS: Segment = Segment::of(
    "ZFS",
    "Legal Mode of Care",
    &[
        Rule::not(1, "Set ID", "a line number", Z4),
        Rule::kept(2, "Identifier", RECORD, Z4),
        Rule::kept(3, "Start", RECORD, Z4),
        Rule::kept(4, "End", RECORD, Z4),
        Rule::kept(5, "Action", RECORD, Z4),
        Rule::kept(6, "Legal mode", RECORD, Z4),
        Rule::kept(7, "RIM-P code", RECORD, Z4),
        Rule::kept(8, "Comment", RECORD, Z4),
    ],
);
