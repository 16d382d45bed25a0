//! MFN^M05: the structure of an establishment (`docs/structure.md`).

use super::{Rule, Segment};

pub(super) const SEGMENTS: &[Segment] = &[MFI, MFE, LOC, LCH, LRL, LDP, LCC];

const S: &str = "fr-core-and-structure §A";

const MFI: Segment = Segment::of(
    "MFI",
    "Master File Identification",
    &[
        Rule::kept(1, "Master File Identifier", "whether it is the structure", S),
        Rule::not(2, "Master File Application Identifier", "the EJ is the authority", S),
        Rule::shows(3, "File-Level Event Code", &["Organization"], S),
        Rule::not(4, "Entered Date/Time", "the journal says when it came", S),
        Rule::shows(5, "Effective Date/Time", &["Provenance.occurredDateTime"], S),
        Rule::kept(6, "Response Level Code", "which acknowledgement is owed", S),
    ],
);

const MFE: Segment = Segment::of(
    "MFE",
    "Master File Entry",
    &[
        Rule::shows(1, "Record-Level Event Code", &["Organization.active"], S),
        Rule::not(2, "MFN Control ID", "entries are known by their key", S),
        Rule::not(3, "Effective Date/Time", "MFI-5 and LCH say it", S),
        Rule::shows(4, "Primary Key Value", &["Organization.identifier", "Location"], S),
        Rule::not(5, "Primary Key Value Type", "always a PL", S),
    ],
);

const LOC: Segment = Segment::of(
    "LOC",
    "Location Identification",
    &[
        Rule::shows(1, "Primary Key Value", &["Organization.identifier"], S),
        Rule::not(2, "Location Description", "LCH LBL says it", S),
        Rule::shows(3, "Location Type", &["Organization"], S),
        Rule::shows(4, "Organization Name", &["Organization.name"], S),
        Rule::differs(
            5,
            "Location Address",
            &["Organization.address"],
            &["Organization.contact"],
            S,
        ),
        Rule::differs(6, "Location Phone", &["Organization.telecom"], &["Organization.contact"], S),
        Rule::not(7, "License Number", "no element", S),
        Rule::not(8, "Location Equipment", "no element", S),
        Rule::not(9, "Location Service Code", "no element", S),
    ],
);

const LCH: Segment = Segment::of(
    "LCH",
    "Location Characteristic",
    &[
        Rule::not(1, "Primary Key Value", "the entry that it stands in says it", S),
        Rule::not(2, "Segment Action Code", "the entry's own action says it", S),
        Rule::not(3, "Segment Unique Key", "a characteristic is known by its code", S),
        Rule::shows(4, "Location Characteristic ID", &["Organization.name"], S),
        Rule::shows(5, "Location Characteristic Value", &["Organization.name"], S),
    ],
);

const LRL: Segment = Segment::of(
    "LRL",
    "Location Relationship",
    &[
        Rule::not(1, "Primary Key Value", "the entry that it stands in says it", S),
        Rule::not(2, "Segment Action Code", "the entry's own action says it", S),
        Rule::not(3, "Segment Unique Key", "a relation is known by its code and target", S),
        Rule::shows(4, "Location Relationship ID", &["Organization.partOf", "Location.partOf"], S),
        Rule::not(5, "Organizational Location Relationship Value", "LRL-6 says it", S),
        Rule::shows(
            6,
            "Patient Location Relationship Value",
            &["Organization.partOf", "Location.partOf"],
            S,
        ),
    ],
);

const LDP: Segment =
    Segment::unmapped("LDP", "Location Department", "no part of the French structure");
const LCC: Segment = Segment::unmapped("LCC", "Location Charge Code", "billing");
