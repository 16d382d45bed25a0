//! What an ADT message says of the patient's health: AL1 and IAM, DG1, PR1, OBX.

use serde::{Deserialize, Serialize};

use super::{Coded, Identifier, Moment, Practitioner, ResourceId, Stamp, phi_debug};

/// AL1 or IAM → AllergyIntolerance. Minted by patient and IAM-7, else by what they are allergic to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllergyRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub patient: ResourceId,
    /// IAM-7.
    pub identifiers: Vec<Identifier>,
    /// AL1-2, IAM-2 (table 0127).
    pub category: Coded,
    /// AL1-3, IAM-3.
    pub code: Coded,
    /// AL1-4, IAM-4 (table 0128).
    pub severity: Coded,
    /// AL1-5, IAM-5.
    pub reactions: Vec<Coded>,
    /// AL1-6, IAM-11.
    pub onset: Option<Moment>,
    /// IAM-12.
    pub onset_text: String,
    /// IAM-13.
    pub recorded: Option<Moment>,
    /// IAM-14: who reported it, a number aside; the role is IAM-15 (table 0063: `SEL` is the
    /// patient). IAM-18 where IAM-14 is empty.
    pub recorder: Option<Practitioner>,
    /// IAM-17 (table 0438).
    pub clinical_status: Coded,
    /// IAM-6 = D: entered in error.
    pub void: bool,
}

/// DG1 → Condition. Minted by patient, stay and DG1-20, else by code and type.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub patient: ResourceId,
    pub stay: Option<ResourceId>,
    /// DG1-20.
    pub identifiers: Vec<Identifier>,
    /// DG1-3; DG1-4 as its text where it has none.
    pub code: Coded,
    /// DG1-5.
    pub onset: Option<Moment>,
    /// DG1-19.
    pub asserted: Option<Moment>,
    /// DG1-16.
    pub asserters: Vec<Practitioner>,
    /// DG1-22, where it is the DG1-20 of another of these.
    pub due_to: Option<ResourceId>,
    /// DG1-21 = D: entered in error.
    pub void: bool,
}

/// One `Encounter.diagnosis`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    pub condition: ResourceId,
    /// DG1-6 (table 0052).
    pub diagnosis_type: Coded,
    /// DG1-15; 0 is none.
    pub rank: Option<u32>,
}

/// PR1 → Procedure. Minted by patient, stay and PR1-19, else by code and time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcedureRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub patient: ResourceId,
    pub stay: Option<ResourceId>,
    /// PR1-19.
    pub identifiers: Vec<Identifier>,
    /// PR1-3; PR1-4 as its text where it has none.
    pub code: Coded,
    /// PR1-5.
    pub performed: Option<Moment>,
    /// PR1-7.
    pub minutes: Option<u32>,
    /// PR1-6 (table 0230).
    pub category: Coded,
    /// PR1-8 (anaesthetist), PR1-11 (surgeon), PR1-12; their roles are the field's numbers.
    pub performers: Vec<Practitioner>,
    /// PR1-15.
    pub reason: Coded,
    /// PR1-16.
    pub modifiers: Vec<Coded>,
    /// PR1-23.
    pub location: Option<ResourceId>,
    /// PR1-25, where it is the PR1-19 of another of these.
    pub part_of: Option<ResourceId>,
    /// PR1-20 = D: entered in error.
    pub void: bool,
}

/// OBX-5 by OBX-2.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObservationValue {
    /// NM: a number as JSON writes it, its digits as sent, so that precision is kept. The numbers
    /// of SN and NR are written so too.
    Number(String),
    /// ST, TX, FT, and an NM that is no number.
    Text(String),
    /// CE, CWE, CNE, IS, ID.
    Coded(Coded),
    /// DT, TS, DTM.
    Moment(Moment),
    /// TM, as FHIR writes it.
    Time(String),
    /// SN with a comparator, or without anything but its number.
    Quantity { comparator: String, value: String },
    /// SN `-`, NR.
    Range { low: String, high: String },
    /// SN `:` or `/`.
    Ratio { numerator: String, denominator: String },
    /// DR.
    Period { start: Option<Moment>, end: Option<Moment> },
    /// ED (base64 data; empty where there is more than a record keeps), RP (a URL). The media
    /// type is empty where none is known.
    Attachment { media_type: String, data: String, url: String },
}

/// OBX (PD1-7) → Observation. Minted by patient, stay and OBX-21, else by code, sub-id and time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservationRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub patient: ResourceId,
    pub stay: Option<ResourceId>,
    /// OBX-21.
    pub identifiers: Vec<Identifier>,
    /// OBX-11 (table 0085); empty where none came.
    pub status: String,
    /// OBX-29 (table 0936).
    pub category: Coded,
    /// OBX-3.
    pub code: Coded,
    /// OBX-4: tells it from others of its code.
    pub sub_id: String,
    /// OBX-5: the first is the value, several are components.
    pub values: Vec<ObservationValue>,
    /// OBX-6.
    pub unit: Coded,
    /// OBX-7.
    pub reference_range: String,
    /// OBX-8 (table 0078).
    pub interpretations: Vec<Coded>,
    /// OBX-14.
    pub effective: Option<Moment>,
    /// OBX-16.
    pub performers: Vec<Practitioner>,
    /// OBX-17.
    pub method: Coded,
    /// OBX-20.
    pub body_site: Coded,
}

phi_debug!(
    AllergyRecord,
    ConditionRecord,
    Diagnosis,
    ProcedureRecord,
    ObservationValue,
    ObservationRecord
);
