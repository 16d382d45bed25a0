//! What one message is about to change: records staged over those that are there, and issues.
//!
//! Reads see what the message has already changed (an A40 or an A50 with several groups). Only what
//! really differs comes out: applying a message a second time changes nothing.

use std::sync::Arc;

use sluice_ids::{EjId, Seq};

use super::systems::{self, Authority, System};
use super::{Change, Context, Effect, ISSUES_MAX, Issue, IssueCode, Outcome, Records, time};
use crate::entity::{AuthorityUse, LegalEntity, Profile};
use crate::hl7::Location;
use crate::hl7::datatypes::{DtmError, Hd, Ts};
use crate::named::uuid_v5;
use crate::records::{
    EventCode, Moment, PatientRecord, Record, RecordType, ResourceId, Stamp, StayRecord,
};

pub(super) struct Draft<'a> {
    pub context: &'a Context<'a>,
    records: &'a dyn Records,
    /// For the stamps of what changes.
    event: EventCode,
    occurred: Option<Moment>,
    patients: Vec<Arc<PatientRecord>>,
    stays: Vec<Arc<StayRecord>>,
    /// All that is neither patient nor stay.
    others: Vec<Record>,
    aliases: Vec<Change>,
    issues: Vec<Issue>,
}

impl<'a> Draft<'a> {
    pub fn new(context: &'a Context<'a>, records: &'a dyn Records) -> Self {
        Self {
            context,
            records,
            event: EventCode::default(),
            occurred: None,
            patients: Vec::new(),
            stays: Vec::new(),
            others: Vec::new(),
            aliases: Vec::new(),
            issues: Vec::new(),
        }
    }

    pub const fn entity(&self) -> &'a LegalEntity {
        self.context.entity
    }

    pub const fn seq(&self) -> Seq {
        self.context.seq
    }

    pub fn is_french(&self) -> bool {
        self.entity().settings.profile == Profile::PamFr
    }

    /// What the message is about and when that took place, as far as it says.
    pub fn about(&mut self, event: EventCode, occurred: Option<Moment>) {
        self.event = event;
        self.occurred = occurred;
    }

    // ---- issues ----

    /// Each is told once for a place.
    pub fn issue(&mut self, code: IssueCode, at: Location) {
        let issue = Issue::new(code, at);
        if self.issues.len() < ISSUES_MAX && !self.issues.contains(&issue) {
            self.issues.push(issue);
        }
    }

    /// A TS as a moment; what cannot be read is left out and told.
    pub fn moment(&mut self, ts: Ts<'_>, at: Location) -> Option<Moment> {
        match ts.dtm() {
            Ok(dtm) => Some(time::moment(&dtm, &self.entity().zone)),
            Err(DtmError::Empty | DtmError::Null) => None,
            Err(_) => {
                self.issue(IssueCode::TimeUnreadable, at);
                None
            }
        }
    }

    pub fn system(&self, authority: Hd<'_>, role: AuthorityUse) -> System {
        let texts = [
            authority.namespace().unwrap_or_default(),
            authority.universal_id().unwrap_or_default(),
            authority.universal_id_type().unwrap_or_default(),
        ];
        self.system_of(&texts, role)
    }

    pub fn system_of<T: AsRef<str>>(&self, hd: &[T; 3], role: AuthorityUse) -> System {
        let [namespace, universal_id, universal_id_type] = hd;
        let authority = Authority {
            namespace: namespace.as_ref(),
            universal_id: universal_id.as_ref(),
            universal_id_type: universal_id_type.as_ref(),
        };
        systems::system(self.entity(), authority, role)
    }

    // ---- reading ----

    pub fn patient_by_identifier(&self, system: &str, value: &str) -> Option<ResourceId> {
        let lists = |patient: &PatientRecord| {
            patient.identifiers.iter().any(|i| i.system == system && i.value == value)
        };
        if let Some(staged) = self.patients.iter().find(|patient| lists(patient)) {
            return Some(staged.id);
        }
        let stored = self.records.patient_by_identifier(system, value)?;
        match self.patients.iter().find(|patient| patient.id == stored) {
            // Merged by an earlier group of this message: its survivor has its identifiers.
            Some(staged) => staged.replaced_by().or(Some(stored)),
            None => Some(stored),
        }
    }

    pub fn stay_by_identifier(&self, system: &str, value: &str) -> Option<ResourceId> {
        let lists = |stay: &&Arc<StayRecord>| {
            stay.identifiers.iter().any(|i| i.system == system && i.value == value)
        };
        let staged = self.stays.iter().find(lists).map(|stay| stay.id);
        staged.or_else(|| self.records.by_identifier(RecordType::Stay, system, value))
    }

    /// An account or another record that is neither patient nor stay; one that is gone too.
    pub fn record(&self, ty: RecordType, id: ResourceId) -> Option<Record> {
        let is_it = |record: &&Record| record.record_type() == ty && record.id() == id;
        let staged = self.others.iter().find(is_it);
        staged.cloned().or_else(|| self.records.record(ty, id))
    }

    pub fn by_identifier(&self, ty: RecordType, system: &str, value: &str) -> Option<ResourceId> {
        let lists = |record: &&Record| {
            record.record_type() == ty
                && record.identifiers().iter().any(|i| i.system == system && i.value == value)
        };
        let staged = self.others.iter().find(lists).map(Record::id);
        staged.or_else(|| self.records.by_identifier(ty, system, value))
    }

    pub fn patient(&self, id: ResourceId) -> Option<Arc<PatientRecord>> {
        let staged = self.patients.iter().find(|patient| patient.id == id);
        staged.cloned().or_else(|| self.records.patient(id))
    }

    pub fn stay(&self, id: ResourceId) -> Option<Arc<StayRecord>> {
        let staged = self.stays.iter().find(|stay| stay.id == id);
        staged.cloned().or_else(|| self.records.stay(id))
    }

    /// In order of creation; with those that this message has given the patient.
    pub fn stays_of(&self, patient: ResourceId) -> Vec<Arc<StayRecord>> {
        let mut ids = self.records.stays_of(patient);
        for stay in &self.stays {
            if !ids.contains(&stay.id) {
                ids.push(stay.id);
            }
        }
        let stays = ids.into_iter().filter_map(|id| self.stay(id));
        stays.filter(|stay| stay.patient == patient).collect()
    }

    pub fn is_taken(&self, ty: RecordType, id: ResourceId) -> bool {
        match ty {
            RecordType::Patient => self.patient(id).is_some(),
            RecordType::Stay => self.stay(id).is_some(),
            _ => self.record(ty, id).is_some(),
        }
    }

    /// Records of a type that is neither Patient nor Encounter, as they were before the message.
    pub fn stored_ids(&self, ty: RecordType) -> Vec<ResourceId> {
        self.records.ids_of(ty)
    }

    // ---- writing ----

    pub fn put_patient(&mut self, patient: PatientRecord) {
        let patient = Arc::new(patient);
        match self.patients.iter_mut().find(|staged| staged.id == patient.id) {
            Some(staged) => *staged = patient,
            None => self.patients.push(patient),
        }
    }

    pub fn put_stay(&mut self, stay: StayRecord) {
        let stay = Arc::new(stay);
        match self.stays.iter_mut().find(|staged| staged.id == stay.id) {
            Some(staged) => *staged = stay,
            None => self.stays.push(stay),
        }
    }

    /// A record that is neither patient nor stay.
    pub fn put(&mut self, record: impl Into<Record>) {
        let record = record.into();
        let same = |staged: &&mut Record| {
            staged.record_type() == record.record_type() && staged.id() == record.id()
        };
        match self.others.iter_mut().find(same) {
            Some(staged) => *staged = record,
            None => self.others.push(record),
        }
    }

    /// Records that are neither patients nor stays, each once and none staged yet.
    pub fn put_all(&mut self, records: impl IntoIterator<Item = Record>) {
        self.others.extend(records);
    }

    /// A record that is neither patient nor stay, and is no more: a snapshot came without it.
    pub fn remove(&mut self, ty: RecordType, id: ResourceId) {
        if let Some(mut record) = self.record(ty, id) {
            record.stamp_mut().gone = true;
            self.put(record);
        }
    }

    pub fn alias(&mut self, system: String, value: String, patient: ResourceId) {
        if self.records.patient_by_identifier(&system, &value) != Some(patient) {
            self.aliases.push(Change::Alias { system, value, patient });
        }
    }

    /// Mints a new record's id from content (DESIGN §3); a counter where it is taken.
    pub fn mint(&self, ty: RecordType, parts: &[&str]) -> ResourceId {
        let mut taken = 0_u32;
        loop {
            let id = mint(self.entity().id(), ty.fhir(), parts, taken);
            if !self.is_taken(ty, id) {
                return id;
            }
            taken += 1;
        }
    }

    /// The id of what is known by `parts` for life: the same whether it is there already or not.
    pub fn id_of(&self, ty: RecordType, parts: &[&str]) -> ResourceId {
        mint(self.entity().id(), ty.fhir(), parts, 0)
    }

    /// The changes: only records that differ from what is there, stamped.
    pub fn finish(self, effect: Effect) -> Outcome {
        let mut changes = Vec::new();
        let records = self.records;
        let stamped = |before: Option<Stamp>| Stamp {
            created: before.map_or(self.context.seq, |stamp| stamp.created),
            version: self.context.seq,
            updated_at: self.context.received_at,
            event: self.event,
            occurred: self.occurred,
            gone: false,
        };
        for mut other in self.others {
            let stored = records.record(other.record_type(), other.id());
            let gone = other.stamp().gone;
            if let Some(stored) = &stored {
                *other.stamp_mut() = Stamp { gone, ..*stored.stamp() };
                if other == *stored {
                    continue;
                }
            }
            *other.stamp_mut() = Stamp { gone, ..stamped(stored.map(|stored| *stored.stamp())) };
            changes.push(Change::Put(other));
        }
        for mut shared in self.patients {
            let stored = records.patient(shared.id);
            // Staged by this message alone, so that nothing is copied here.
            let patient = Arc::make_mut(&mut shared);
            match &stored {
                Some(stored) => {
                    patient.stamp = stored.stamp;
                    if *patient == **stored {
                        continue;
                    }
                    // Which stay was touched last, what is awaited and what belongs to the patient
                    // show nowhere: no new version for them.
                    let parts = std::mem::replace(&mut patient.parts, stored.parts.clone());
                    let touched = std::mem::replace(&mut patient.last_stay, stored.last_stay);
                    let held = std::mem::replace(&mut patient.held, stored.held.clone());
                    if *patient != **stored {
                        patient.stamp = stamped(Some(stored.stamp));
                    }
                    (patient.parts, patient.last_stay, patient.held) = (parts, touched, held);
                }
                None => patient.stamp = stamped(None),
            }
            changes.push(Change::Put(Record::Patient(shared)));
        }
        for mut shared in self.stays {
            let stored = records.stay(shared.id);
            let stay = Arc::make_mut(&mut shared);
            match &stored {
                Some(stored) => {
                    stay.stamp = stored.stamp;
                    if *stay == **stored {
                        continue;
                    }
                    // What belongs to the stay shows with itself.
                    let parts = std::mem::replace(&mut stay.parts, stored.parts.clone());
                    if *stay != **stored {
                        stay.stamp = stamped(Some(stored.stamp));
                    }
                    stay.parts = parts;
                }
                None => stay.stamp = stamped(None),
            }
            changes.push(Change::Put(Record::Stay(shared)));
        }
        changes.extend(self.aliases);
        Outcome { effect, changes, issues: self.issues }
    }

    /// As [`Self::finish`], with nothing changed.
    pub fn leave(self, effect: Effect) -> Outcome {
        Outcome { effect, changes: Vec::new(), issues: self.issues }
    }
}

/// The name space of all ids that this engine mints. Never to be changed: ids are for life.
const NAMESPACE: uuid::Uuid = uuid::uuid!("5c1e8a0b-52a5-4cb5-9d0e-4f3e3f0a7c11");

/// UUIDv5 over the EJ, the type and what names the thing; NUL, which no part holds, between.
fn mint(ej: EjId, kind: &str, parts: &[&str], taken: u32) -> ResourceId {
    let length = parts.iter().map(|part| part.len() + 1).sum::<usize>();
    let mut name = String::with_capacity(ej.as_str().len() + 1 + kind.len() + length);
    name.push_str(ej.as_str());
    name.push('\0');
    name.push_str(kind);
    for part in parts {
        name.push('\0');
        name.push_str(part);
    }
    if taken > 0 {
        name.push_str(&format!("\0{taken}"));
    }
    ResourceId(*uuid_v5(&NAMESPACE, name.as_bytes()).as_bytes())
}

/// The Organization of the EJ itself: one for each, whatever its feed says. Its name and its
/// FINESS number are configuration, and may be corrected.
#[must_use]
pub fn legal_entity_id(ej: EjId) -> ResourceId {
    mint(ej, "Organization", &["EJ"], 0)
}

/// The Group of all the EJ's patients: one for each EJ, as its Organization is.
#[must_use]
pub fn group_id(ej: EjId) -> ResourceId {
    mint(ej, "Group", &["EJ"], 0)
}

#[cfg(test)]
mod tests {
    use sluice_ids::Micros;

    use super::*;
    use crate::adt::memory::MemoryRecords;
    use crate::records::AccountRecord;

    /// An id that is taken is not minted again, though nothing leads to what has it (DESIGN §3).
    #[test]
    fn a_taken_id_gets_a_counter() {
        let entity = crate::adt::testing::entity_of("[]");
        let records = MemoryRecords::new();
        let received_at = Micros::default();
        let context = Context { entity: &entity, seq: Seq::new(1), received_at };
        let mut draft = Draft::new(&context, &records);
        let nobody = ResourceId([0; 16]);
        for ty in [RecordType::Patient, RecordType::Stay, RecordType::Account] {
            let mut minted = Vec::new();
            for _ in 0..3 {
                let id = draft.mint(ty, &["a system", "1"]);
                assert!(!minted.contains(&id), "{ty:?}");
                minted.push(id);
                match ty {
                    RecordType::Patient => draft.put_patient(PatientRecord::new(id)),
                    RecordType::Stay => draft.put_stay(StayRecord::new(id, nobody)),
                    _ => draft.put(AccountRecord {
                        id,
                        stamp: Stamp::default(),
                        patient: nobody,
                        identifiers: Vec::new(),
                        active: true,
                        void: false,
                        merged_into: None,
                    }),
                }
            }
            assert_eq!(minted[0], draft.id_of(ty, &["a system", "1"]), "the first has none");
            let counted = |n| super::mint(entity.id(), ty.fhir(), &["a system", "1"], n);
            assert_eq!(minted, [counted(0), counted(1), counted(2)], "{ty:?}");
        }
    }
}
