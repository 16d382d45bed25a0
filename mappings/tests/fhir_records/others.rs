//! One of each record that is neither patient, stay nor place, with every part that it can have.

use sluice_mappings::records::{
    AccountRecord, Address, AllergyRecord, Coded, ConditionRecord, CoverageRecord, HumanName,
    NamedOrganization, ObservationRecord, ObservationValue, OrganizationKind, OrganizationRecord,
    Practitioner, PractitionerRecord, PractitionerRoleRecord, ProcedureRecord, RelatedPersonRecord,
    Telecom,
};

use super::{coded, id, identifier, moment, name, stamp};

/// The patient that they are all of, and the stay.
pub const PATIENT: u8 = 1;
pub const STAY: u8 = 11;

pub fn telecom(value: &str, use_code: &str, equipment: &str) -> Telecom {
    Telecom {
        value: value.into(),
        use_code: use_code.into(),
        equipment: equipment.into(),
        ..Telecom::default()
    }
}

pub fn address(kind: &str, line: &str, city: &str) -> Address {
    Address {
        lines: vec![line.into()],
        city: city.into(),
        address_type: kind.into(),
        ..Address::default()
    }
}

pub fn coded_in(code: &str, text: &str, system: &str) -> Coded {
    Coded { system: system.into(), ..coded(code, text, "") }
}

pub fn doctor(role: &str, record: Option<u8>) -> Practitioner {
    Practitioner {
        role: role.into(),
        practitioner: record.map(id),
        identifier: Some(identifier("urn:oid:1.2.250.1.71.4.2.1", "99999999911", "RPPS")),
        name: HumanName { prefix: "Dr".into(), ..name("DÉMOCRATE", &["Élise"], "") },
        ..Practitioner::default()
    }
}

pub fn named(name: &str, record: Option<u8>) -> NamedOrganization {
    NamedOrganization { organization: record.map(id), name: name.into() }
}

pub fn organization(number: u8) -> OrganizationRecord {
    OrganizationRecord {
        id: id(number),
        stamp: stamp(),
        active: true,
        kind: OrganizationKind::FunctionalUnit,
        identifiers: vec![identifier("urn:x-sluice:EJ1:uf", "3101", "")],
        name: "Cardiologie".into(),
        part_of: Some(id(41)),
        addresses: vec![address("H", "1 quai", "LYON"), address("B", "2 quai", "LYON")],
        telecoms: vec![telecom("0400000000", "WPN", "PH")],
        attributes: vec![("TP_ACTVT".into(), "03".into())],
    }
}

pub fn practitioner(number: u8) -> PractitionerRecord {
    PractitionerRecord {
        id: id(number),
        stamp: stamp(),
        identifiers: vec![identifier("urn:oid:1.2.250.1.71.4.2.1", "99999999911", "")],
        names: vec![HumanName { prefix: "Dr".into(), ..name("DÉMOCRATE", &["Élise"], "") }],
        telecoms: vec![telecom("elise@example.fr", "NET", "Internet")],
        addresses: vec![address("B", "3 rue", "LYON")],
        qualifications: vec![coded("MD", "", "0360")],
    }
}

pub fn practitioner_role(number: u8) -> PractitionerRoleRecord {
    PractitionerRoleRecord {
        id: id(number),
        stamp: stamp(),
        practitioner: id(51),
        identifiers: vec![identifier("urn:oid:1.2.9", "R1", "")],
        organization: Some(id(41)),
        location: Some(id(30)),
        role: coded("AT", "", "0443"),
        specialties: vec![coded_in("SM04", "Cardiologie", "99TRE")],
        telecoms: vec![telecom("0400000001", "WPN", "PH")],
    }
}

pub fn related_person(number: u8) -> RelatedPersonRecord {
    RelatedPersonRecord {
        id: id(number),
        stamp: stamp(),
        patient: id(PATIENT),
        identifiers: vec![identifier("urn:oid:1.2.10", "N1", "")],
        names: vec![name("BRÛLÉ", &["Gaël"], "L")],
        relationships: vec![coded("SPO", "", "0063"), coded("C", "", "0131")],
        telecoms: vec![telecom("0639980034", "PRN", "CP")],
        addresses: vec![address("H", "12 rue", "LYON")],
        gender: "M".into(),
        birth_date: Some(moment("1956-02-01")),
        language: coded("FRA", "", "0296"),
        start: Some(moment("2020")),
        end: None,
    }
}

pub fn account(number: u8) -> AccountRecord {
    AccountRecord {
        id: id(number),
        stamp: stamp(),
        patient: id(PATIENT),
        identifiers: vec![identifier("urn:oid:1.2.5", "26000451", "")],
        active: true,
        void: false,
        merged_into: None,
    }
}

pub fn coverage(number: u8) -> CoverageRecord {
    CoverageRecord {
        id: id(number),
        stamp: stamp(),
        patient: id(PATIENT),
        plan: coded_in("PLAN1", "Régime général", "99AMO"),
        coverage_type: coded("HMO", "", "0086"),
        insurers: vec![named("CPAM du Rhône", Some(42)), named("Mutuelle", None)],
        group_number: "G7".into(),
        group_name: "Groupe 7".into(),
        policy_holder: named("Usine", None),
        start: Some(moment("2026-01-01")),
        end: Some(moment("2026-12-31")),
        subscriber: Some(id(61)),
        subscriber_is_patient: false,
        relationship: coded("SPO", "", "0063"),
        policy_number: "P-99".into(),
        subscriber_number: Some(identifier("urn:oid:1.2.11", "258056999999902", "")),
        order: Some(1),
    }
}

pub fn allergy(number: u8) -> AllergyRecord {
    AllergyRecord {
        id: id(number),
        stamp: stamp(),
        patient: id(PATIENT),
        identifiers: vec![identifier("urn:oid:1.2.12", "A1", "")],
        category: coded("PA", "Plant", "0127"),
        code: coded_in("256259004", "Pollen", "SCT"),
        severity: coded("MO", "", "0128"),
        reactions: vec![coded("", "Rhinite", ""), coded("", "Asthme", "")],
        onset: Some(moment("2019-04")),
        onset_text: "au printemps".into(),
        recorded: Some(moment("2026-03-10T09:00:00+01:00")),
        recorder: Some(doctor("", Some(51))),
        clinical_status: coded("C", "", "0438"),
        void: false,
    }
}

pub fn condition(number: u8) -> ConditionRecord {
    ConditionRecord {
        id: id(number),
        stamp: stamp(),
        patient: id(PATIENT),
        stay: Some(id(STAY)),
        identifiers: vec![identifier("urn:oid:1.2.13", "D1", "")],
        code: coded_in("I50.9", "Insuffisance cardiaque", "I10"),
        onset: Some(moment("2026-03-01")),
        asserted: Some(moment("2026-03-10T10:00:00+01:00")),
        asserters: vec![doctor("", Some(51)), doctor("", None)],
        due_to: Some(id(72)),
        void: false,
    }
}

pub fn procedure(number: u8) -> ProcedureRecord {
    ProcedureRecord {
        id: id(number),
        stamp: stamp(),
        patient: id(PATIENT),
        stay: Some(id(STAY)),
        identifiers: vec![identifier("urn:oid:1.2.14", "P1", "")],
        code: coded_in("DEQP003", "Électrocardiographie", "99CCAM"),
        performed: Some(moment("2026-03-10T11:30:00+01:00")),
        minutes: Some(45),
        category: coded("D", "", "0230"),
        performers: vec![doctor("8", None), doctor("11", Some(51)), doctor("12", None)],
        reason: coded_in("I50.9", "", "I10"),
        modifiers: vec![coded_in("J", "", "99CCAM"), coded_in("K", "", "99CCAM")],
        location: Some(id(30)),
        part_of: Some(id(82)),
        void: false,
    }
}

pub fn observation(number: u8) -> ObservationRecord {
    ObservationRecord {
        id: id(number),
        stamp: stamp(),
        patient: id(PATIENT),
        stay: Some(id(STAY)),
        identifiers: vec![identifier("urn:oid:1.2.15", "O1", "")],
        status: "F".into(),
        category: coded("vital-signs", "", ""),
        code: coded_in("29463-7", "Body weight", "LN"),
        sub_id: "1".into(),
        values: vec![ObservationValue::Number("70.50".into())],
        unit: coded_in("kg", "", "UCUM"),
        reference_range: "50 - 90".into(),
        interpretations: vec![coded("N", "", "0078")],
        effective: Some(moment("2026-03-10T09:30:00+01:00")),
        performers: vec![doctor("", Some(51))],
        method: coded("", "Balance", ""),
        body_site: coded("", "Corps", ""),
    }
}
