//! What an EJ's lane does, as the tests need it.

use std::sync::Arc;

use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::{self, Change, Context, Records};
use sluice_mappings::hl7::Message;
use sluice_mappings::records::{
    LocationRecord, OrganizationKind, OrganizationRecord, PatientRecord, Place, Record, ResourceId,
    Stamp, StayRecord,
};
use sluice_state::EjWriter;

use super::records::{identifier, patient, resource_id, stay};
use super::{Running, ej, entity};

/// What an EJ's lane does, as the tests need it.
pub struct Lane {
    writer: EjWriter,
    ej: EjId,
    seq: Seq,
}

impl Lane {
    pub fn of(server: &Running, name: &str) -> Self {
        let ej = ej(name);
        let writer = server.state.writer(ej).unwrap();
        Self { seq: writer.applied(), writer, ej }
    }

    /// One message that makes or changes several records at once.
    pub fn put_all(&mut self, records: Vec<Record>) {
        self.writer.stage(self.seq, records.into_iter().map(Change::Put).collect()).unwrap();
        self.writer.publish();
    }

    pub fn seq(&self) -> Seq {
        self.seq
    }

    pub fn stamp(&mut self) -> Stamp {
        self.seq = self.seq.next();
        // A millisecond each: the state remembers an hour of the feed's own time.
        let updated_at = Micros::new(1_790_000_000_000_000 + self.seq.get() as i64 * 1_000);
        Stamp { created: self.seq, version: self.seq, updated_at, ..Stamp::default() }
    }

    /// One message, of the stamp made last, that makes or changes a record.
    pub fn put(&mut self, mut record: Record) {
        if let Some(known) = self.writer.record(record.record_type(), record.id()) {
            let created = known.stamp().created;
            match &mut record {
                Record::Patient(patient) => Arc::make_mut(patient).stamp.created = created,
                Record::Stay(stay) => Arc::make_mut(stay).stamp.created = created,
                _ => {}
            }
        }
        self.writer.stage(self.seq, vec![Change::Put(record)]).unwrap();
        self.writer.publish();
    }

    /// A message as the EJ's lane folds it.
    pub fn take(&mut self, text: &str) {
        self.seq = self.seq.next();
        let entity = entity(self.ej.as_str());
        let received_at = Micros::new(1_790_000_000_000_000 + self.seq.get() as i64 * 1_000);
        let context = Context { entity: &entity, seq: self.seq, received_at };
        let message = Message::index(text).unwrap();
        let outcome = adt::apply(&message, &context, &self.writer);
        self.writer.stage(self.seq, outcome.changes).unwrap();
        self.writer.publish();
    }

    /// One message that makes or changes the EJ's patient of that number.
    pub fn patient(&mut self, number: u32, family: &str) -> ResourceId {
        let stamp = self.stamp();
        self.change(number, |patient| {
            patient.stamp = stamp;
            patient.names[0].family = family.to_owned();
        })
    }

    /// One message that does to a patient what `change` does.
    pub fn change(&mut self, number: u32, change: impl FnOnce(&mut PatientRecord)) -> ResourceId {
        let mut record = patient(self.ej, number);
        change(&mut record);
        if record.stamp == Stamp::default() {
            record.stamp = self.stamp();
        }
        let id = record.id;
        self.put(Record::Patient(Arc::new(record)));
        id
    }

    /// One message that names a unit; 0 is the EJ itself, which the first message of a feed makes.
    pub fn unit(&mut self, number: u32, part_of: Option<ResourceId>) -> ResourceId {
        let id = match number {
            0 => entity(self.ej.as_str()).organization,
            _ => resource_id(self.ej, "Unit", number),
        };
        let record = OrganizationRecord {
            id,
            stamp: self.stamp(),
            active: true,
            kind: OrganizationKind::FunctionalUnit,
            identifiers: vec![identifier("urn:oid:1.2.6", format!("UF{number}"))],
            name: format!("{} unit {number}", self.ej),
            part_of,
            addresses: Vec::new(),
            telecoms: Vec::new(),
            attributes: Vec::new(),
        };
        self.put(Record::Organization(Arc::new(record)));
        id
    }

    /// One message that names a place.
    pub fn place(
        &mut self,
        number: u32,
        part_of: Option<ResourceId>,
        unit: Option<ResourceId>,
    ) -> ResourceId {
        let id = resource_id(self.ej, "Room", number);
        let place = Place { room: number.to_string(), ..Place::default() };
        let record = LocationRecord {
            stamp: self.stamp(),
            managing_organization: unit,
            ..LocationRecord::at(id, place, part_of)
        };
        self.put(Record::Location(Arc::new(record)));
        id
    }

    pub fn stay(&mut self, number: u32, patient: ResourceId) -> ResourceId {
        self.change_stay(number, patient, |_| {})
    }

    /// One message that does to a stay what `change` does.
    pub fn change_stay(
        &mut self,
        number: u32,
        patient: ResourceId,
        change: impl FnOnce(&mut StayRecord),
    ) -> ResourceId {
        let stamp = self.stamp();
        let mut record = stay(self.ej, number, patient, stamp);
        change(&mut record);
        let id = record.id;
        self.put(Record::Stay(Arc::new(record)));
        id
    }
}
