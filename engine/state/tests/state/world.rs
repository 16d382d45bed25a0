//! Records made up from a seed, and the changes of messages.

use std::sync::Arc;

use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::Change;
use sluice_mappings::records::{
    Address, AllergyRecord, Coded, Contact, Held, HeldKind, HumanName, Identifier, IdentifierUse,
    Link, LinkKind, LocationRecord, Moment, Movement, MovementEffect, ObservationRecord,
    ObservationValue, PatientRecord, Place, PlaceRole, PlaceStatus, Practitioner, Precision,
    Record, RecordType, ResourceId, Situation, Stamp, StayRecord, StayStatus, Telecom,
};

use crate::model::Model;

pub const SYSTEM: &str = "urn:oid:1.2.250.1.213.1.4.8";

/// splitmix64: small, and the same everywhere.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    pub fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }
}

pub fn ej(name: &str) -> EjId {
    EjId::new(name).unwrap()
}

pub fn id(ej: EjId, ty: RecordType, number: u64) -> ResourceId {
    let mut dice = Dice(number ^ (ty as u64) << 40 ^ u64::from(ej.to_padded()[2]) << 50);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&dice.roll().to_be_bytes());
    bytes[8..].copy_from_slice(&dice.roll().to_be_bytes());
    ResourceId(bytes)
}

const FAMILIES: [&str; 12] = [
    "Martin",
    "Marchand",
    "Bernard",
    "Wolfeschlegelsteinhausen",
    "Wolfeschlegelsteinmetz",
    // As long as a row of the index, and going on; then as long as two.
    "Lachapelle",
    "La Chapelle",
    "Lachapelle-Roy",
    "Lachapelle-Durand",
    "Ngô",
    "Lefèvre",
    "O'Brien",
];
const GIVEN: [&str; 5] = ["Anne", "Zoé", "Jean-Baptiste-Emmanuel", "Li", "Paul"];

fn stamp(old: Option<&Record>, seq: Seq) -> Stamp {
    let created = old.map_or(seq, |old| old.stamp().created);
    // The feed's own time: ten seconds a message.
    let updated_at = Micros::new(1_700_000_000_000_000 + seq.get().cast_signed() * 10_000_000);
    Stamp { created, version: seq, updated_at, ..Stamp::default() }
}

pub fn identifier(value: String) -> Identifier {
    Identifier {
        system: SYSTEM.into(),
        value,
        type_code: "PI".into(),
        r#use: IdentifierUse::Usual,
        ..Identifier::default()
    }
}

fn address() -> Address {
    Address { city: "Saint-Étienne".into(), ..Address::default() }
}

fn practitioner(role: &str) -> Practitioner {
    let identifier = Some(identifier("10000000001".into()));
    Practitioner { role: role.into(), identifier, ..Practitioner::default() }
}

fn moment(dice: &mut Dice) -> Moment {
    Moment {
        low: Micros::new(dice.below(2_000_000_000).cast_signed() * 1_000_000),
        precision: Precision::Second,
        offset_minutes: 60,
    }
}

pub fn patient(ej: EjId, number: u64, old: Option<&Record>, seq: Seq, dice: &mut Dice) -> Record {
    let mut identifiers = vec![identifier(format!("P{number}"))];
    if dice.below(3) == 0 {
        identifiers.push(identifier(format!("INS{}", dice.below(40))));
    }
    let names = (0..=dice.below(2)).map(|_| HumanName {
        family: dice.one_of(&FAMILIES).into(),
        given: vec![dice.one_of(&GIVEN).into()],
        ..HumanName::default()
    });
    Record::Patient(Arc::new(PatientRecord {
        stamp: stamp(old, seq),
        identifiers,
        names: names.collect(),
        birth_date: Some(moment(dice)),
        gender: dice.one_of(&["M", "F", "U"]).into(),
        addresses: vec![address()],
        birth_place: Some(address()),
        telecoms: vec![Telecom::default()],
        nationalities: vec![Coded::default()],
        contacts: vec![Contact { address: Some(address()), ..Contact::default() }],
        general_practitioners: vec![practitioner("GP")],
        ..PatientRecord::new(id(ej, RecordType::Patient, number))
    }))
}

pub fn stay(
    ej: EjId,
    number: u64,
    patient: ResourceId,
    old: Option<&Record>,
    seq: Seq,
    dice: &mut Dice,
) -> Record {
    let status = dice.one_of(&[
        StayStatus::Planned,
        StayStatus::InProgress,
        StayStatus::InProgress,
        StayStatus::OnLeave,
        StayStatus::Finished,
        StayStatus::Finished,
        StayStatus::Cancelled,
    ]);
    // Now and then a stay of many movements: more than one value of the store holds.
    let count = if dice.below(12) == 0 { 60 } else { dice.below(4) };
    let movements: Vec<Movement> = (0..count).map(|n| movement(ej, n, seq, dice)).collect();
    Record::Stay(Arc::new(StayRecord {
        stamp: stamp(old, seq),
        identifiers: vec![identifier(format!("V{number}"))],
        situation: Situation {
            status,
            class: Coded { code: dice.one_of(&["I", "O", "E"]).into(), ..Coded::default() },
            current: movements.len().checked_sub(1).and_then(|n| u16::try_from(n).ok()),
            start: Some(moment(dice)),
            end: None,
            disposition: Coded::default(),
            destination: Coded::default(),
            discharged: false,
            pending_discharge: None,
            expected_return: None,
            medical_unit: None,
            nursing_unit: None,
        },
        movements,
        practitioners: vec![practitioner("ATND")],
        ..StayRecord::new(id(ej, RecordType::Stay, number), patient)
    }))
}

fn movement(ej: EjId, number: u64, seq: Seq, dice: &mut Dice) -> Movement {
    let bed = dice.below(12);
    Movement {
        identifier: Some(identifier(format!("M{seq}-{number}"))),
        event: "A02".into(),
        seq,
        start: Some(moment(dice)),
        end: None,
        place: Some(place(bed)),
        location: Some(id(ej, RecordType::Location, bed)),
        role: PlaceRole::Assigned,
        nature: String::new(),
        place_status: PlaceStatus::Active,
        cancelled: None,
        effect: MovementEffect {
            status: Some(StayStatus::InProgress),
            class: Some(Coded::default()),
            ..MovementEffect::default()
        },
        seen: vec![dice.roll()],
        held: (seq.get() + number).is_multiple_of(5).then(|| Held {
            kind: HeldKind::Cancel,
            received_at: Micros::new((seq.get() % 40).cast_signed()),
        }),
    }
}

fn place(bed: u64) -> Place {
    Place { point_of_care: "CARDIO".into(), bed: bed.to_string(), ..Place::default() }
}

pub fn location(ej: EjId, bed: u64, old: Option<&Record>, seq: Seq) -> Record {
    let place = Place { description: format!("bed {bed} since {seq}"), ..place(bed) };
    let whole = (bed > 1).then(|| id(ej, RecordType::Location, bed / 2));
    let location = LocationRecord::at(id(ej, RecordType::Location, bed), place, whole);
    Record::from(LocationRecord { stamp: stamp(old, seq), ..location })
}

/// Comes, changes, goes, and comes back.
pub fn observation(ej: EjId, model: &Model, seq: Seq, patients: u64, dice: &mut Dice) -> Record {
    let id_of = id(ej, RecordType::Observation, dice.below(50));
    let old = model.get(RecordType::Observation, id_of);
    let stamp = Stamp { gone: dice.below(3) == 0, ..stamp(old, seq) };
    Record::from(ObservationRecord {
        id: id_of,
        stamp,
        patient: id(ej, RecordType::Patient, dice.below(patients)),
        stay: None,
        identifiers: vec![identifier(format!("O{}", dice.below(50)))],
        status: "F".into(),
        category: Coded::default(),
        code: Coded { code: "8867-4".into(), ..Coded::default() },
        sub_id: String::new(),
        values: vec![ObservationValue::Number(dice.below(200).to_string())],
        unit: Coded::default(),
        reference_range: String::new(),
        interpretations: Vec::new(),
        effective: Some(moment(dice)),
        performers: Vec::new(),
        method: Coded::default(),
        body_site: Coded::default(),
    })
}

pub fn allergy(ej: EjId, model: &Model, seq: Seq, patients: u64, dice: &mut Dice) -> Record {
    let id_of = id(ej, RecordType::AllergyIntolerance, dice.below(30));
    let old = model.get(RecordType::AllergyIntolerance, id_of);
    let stamp = Stamp { gone: dice.below(3) == 0, ..stamp(old, seq) };
    Record::from(AllergyRecord {
        id: id_of,
        stamp,
        patient: id(ej, RecordType::Patient, dice.below(patients)),
        identifiers: vec![identifier(format!("K{}", dice.below(30)))],
        category: Coded { code: "DA".into(), table: "0127".into(), ..Coded::default() },
        code: Coded { code: format!("C{}", dice.below(9)), ..Coded::default() },
        severity: Coded::default(),
        reactions: vec![Coded { text: "Rash".into(), ..Coded::default() }],
        onset: Some(moment(dice)),
        onset_text: String::new(),
        recorded: Some(moment(dice)),
        recorder: None,
        clinical_status: Coded::default(),
        void: dice.below(4) == 0,
    })
}

/// What one made-up message changes.
pub fn message(ej: EjId, model: &Model, seq: Seq, dice: &mut Dice) -> Vec<Change> {
    let patients = 40;
    match dice.below(16) {
        0 => Vec::new(),
        1..=4 => {
            let number = dice.below(patients);
            let old = model.get(RecordType::Patient, id(ej, RecordType::Patient, number));
            vec![Change::Put(patient(ej, number, old, seq, dice))]
        }
        5 => vec![Change::Put(observation(ej, model, seq, patients, dice))],
        6 => vec![Change::Put(allergy(ej, model, seq, patients, dice))],
        7..=11 => admission(ej, model, seq, patients, dice),
        12 => {
            let bed = dice.below(12);
            let old = model.get(RecordType::Location, id(ej, RecordType::Location, bed));
            vec![Change::Put(location(ej, bed, old, seq))]
        }
        13 => vec![Change::Alias {
            system: SYSTEM.into(),
            value: format!("LOST{}", dice.below(20)),
            patient: id(ej, RecordType::Patient, dice.below(patients)),
        }],
        _ => merge(ej, model, seq, patients, dice),
    }
}

fn admission(ej: EjId, model: &Model, seq: Seq, patients: u64, dice: &mut Dice) -> Vec<Change> {
    let number = dice.below(60);
    let stay_id = id(ej, RecordType::Stay, number);
    let old = model.get(RecordType::Stay, stay_id).cloned();
    let who = dice.below(patients);
    let who_id = old.as_ref().and_then(Record::patient).unwrap_or(id(ej, RecordType::Patient, who));
    let mut changes = Vec::new();
    if model.get(RecordType::Patient, who_id).is_none() {
        changes.push(Change::Put(patient(ej, who, None, seq, dice)));
    }
    changes.push(Change::Put(stay(ej, number, who_id, old.as_ref(), seq, dice)));
    changes
}

/// One patient joins another: identifiers and stays move, the loser links to the survivor.
fn merge(ej: EjId, model: &Model, seq: Seq, patients: u64, dice: &mut Dice) -> Vec<Change> {
    let of = |number| model.get(RecordType::Patient, id(ej, RecordType::Patient, number));
    let pair = (of(dice.below(patients)), of(dice.below(patients)));
    let (Some(Record::Patient(loser)), Some(Record::Patient(survivor))) = pair else {
        return Vec::new();
    };
    let joined = |p: &PatientRecord| p.replaced_by().is_some();
    if loser.id == survivor.id || joined(loser) || joined(survivor) {
        return Vec::new();
    }
    let (mut lost, mut kept) = ((**loser).clone(), (**survivor).clone());
    kept.identifiers.extend(lost.identifiers.drain(..).map(|mut identifier| {
        identifier.r#use = IdentifierUse::Old;
        identifier
    }));
    lost.active = false;
    lost.links.push(Link { kind: LinkKind::ReplacedBy, other: kept.id });
    kept.links.push(Link { kind: LinkKind::Replaces, other: lost.id });
    let mut changes = Vec::new();
    for moved in model.stays_of(lost.id) {
        if let Some(Record::Stay(old)) = model.get(RecordType::Stay, moved) {
            let stamp = stamp(Some(&Record::Stay(old.clone())), seq);
            let moved = StayRecord { patient: kept.id, stamp, ..(**old).clone() };
            changes.push(Change::Put(Record::Stay(Arc::new(moved))));
        }
    }
    for mut patient in [lost, kept] {
        patient.stamp = stamp(model.get(RecordType::Patient, patient.id), seq);
        changes.push(Change::Put(Record::Patient(Arc::new(patient))));
    }
    changes
}
