//! Records of which a test changes what it is about.

use std::sync::Arc;

use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::records::{
    AllergyRecord, Coded, Held, HeldKind, HumanName, Identifier, IdentifierUse, Movement,
    MovementEffect, PatientRecord, PlaceRole, PlaceStatus, Record, ResourceId, Situation, Stamp,
    StayRecord, StayStatus,
};

use super::ej;

pub fn resource_id(ej: EjId, kind: &str, number: u32) -> ResourceId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes[4..7].copy_from_slice(&ej.to_padded()[..3]);
    bytes[8..12].copy_from_slice(&kind.as_bytes()[..4]);
    ResourceId(bytes)
}

pub fn identifier(system: &str, value: String) -> Identifier {
    Identifier {
        system: system.into(),
        value,
        type_code: "PI".into(),
        r#use: IdentifierUse::Usual,
        ..Identifier::default()
    }
}

pub fn patient(ej: EjId, number: u32) -> PatientRecord {
    PatientRecord {
        stamp: Stamp::default(),
        identifiers: vec![identifier("urn:oid:1.2.3", format!("{ej}-{number}"))],
        names: vec![HumanName {
            family: "Unnamed".into(),
            given: vec!["Zoé".into()],
            ..HumanName::default()
        }],
        gender: "F".into(),
        ..PatientRecord::new(resource_id(ej, "Patient", number))
    }
}

pub fn stay(ej: EjId, number: u32, patient: ResourceId, stamp: Stamp) -> StayRecord {
    StayRecord {
        stamp,
        identifiers: vec![identifier("urn:oid:1.2.4", format!("{ej}-S{number}"))],
        situation: Situation {
            status: StayStatus::InProgress,
            class: Coded { code: "I".into(), table: "0004".into(), ..Coded::default() },
            current: None,
            start: None,
            end: None,
            disposition: Coded::default(),
            destination: Coded::default(),
            discharged: false,
            pending_discharge: None,
            expected_return: None,
            medical_unit: None,
            nursing_unit: None,
        },
        ..StayRecord::new(resource_id(ej, "Stay", number), patient)
    }
}

/// A movement of which only a cancel came, at the message of that number.
pub fn awaited(number: u64) -> Movement {
    let at = Seq::new(number);
    Movement {
        identifier: Some(identifier("urn:oid:1.2.5", format!("Zqx{number}"))),
        event: "A12".into(),
        seq: at,
        start: None,
        end: None,
        place: None,
        location: None,
        role: PlaceRole::Assigned,
        nature: String::new(),
        place_status: PlaceStatus::Completed,
        effect: MovementEffect::default(),
        cancelled: None,
        seen: Vec::new(),
        held: Some(Held {
            kind: HeldKind::Cancel,
            received_at: Micros::new(at.get() as i64 * 1_000_000),
        }),
    }
}

/// An allergy, which a later list may come without.
pub fn allergy(id: ResourceId, patient: ResourceId, stamp: Stamp) -> Record {
    Record::AllergyIntolerance(Arc::new(AllergyRecord {
        id,
        stamp,
        patient,
        identifiers: Vec::new(),
        category: Coded::default(),
        code: Coded { text: "Pollen".into(), ..Coded::default() },
        severity: Coded::default(),
        reactions: Vec::new(),
        onset: None,
        onset_text: String::new(),
        recorded: None,
        recorder: None,
        clinical_status: Coded::default(),
        void: false,
    }))
}
