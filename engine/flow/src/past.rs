//! What a record was: its versions, folded again from the messages that it came from.
//!
//! The state holds the present alone. A version is a fold up to a `Seq` (DESIGN §1), and of one
//! patient's records only that patient's messages matter: the sidecars' patient index finds them.
//! A merge or a move names two patients, so that their messages are found from each other until
//! none is new. What comes out last must be the record as it stands; if it is not (messages that
//! retention let go, say), nothing is told of the past rather than something wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sluice_channels::ack::{Outcome, Verdict};
use sluice_ids::{EjId, Micros, Seq};
use sluice_journal::{Journal, KeyIndex, Kind, ReadError};
use sluice_mappings::adt::memory::MemoryRecords;
use sluice_mappings::adt::{Change, Issue, Records};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::hl7::MshRaw;
use sluice_mappings::records::{Identifier, LinkKind, Record, RecordType, ResourceId};
use sluice_state::{Access, EjView, State};

use crate::control_ids::ControlIds;
use crate::ended::Ended;
use crate::epoch::Epoch;
use crate::fold::{Apply, Fold};
use crate::keys::{EPOCH_KEY, control_id_hash, keys_of, patient_hash};
use crate::measures::Become;
use crate::operator::message_of;

/// Messages that are folded again for one answer: a patient of decades has some thousands.
pub(crate) const MESSAGES_MAX: usize = 8_192;

/// Patients' identifiers that are followed for one answer.
const IDENTIFIERS_MAX: usize = 512;

/// Why a record's past cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    #[error("there is no such record")]
    Unknown,
    #[error("the message is not applied yet")]
    NotYet,
    #[error("the record is no patient's, and only its present is kept")]
    NotKept,
    #[error("messages that it came from are no longer kept")]
    Incomplete,
    #[error("more than {limit} messages would have to be read")]
    TooMuch { limit: usize },
    #[error("the journal cannot be read")]
    Journal(#[from] ReadError),
}

/// What one message did, told again.
#[derive(Debug, Clone)]
pub struct MessageTold {
    pub received_at: Micros,
    /// As the intake judged it.
    pub verdict: Verdict,
    /// `applied`, `no_effect`, `not_mapped`, `duplicate`, `poison`, `refused`, `kept_unread` or
    /// `filtered`.
    pub became: &'static str,
    /// What its sender was told where it asked; `None` of what was refused.
    pub outcome: Option<Outcome>,
    pub issues: Vec<Issue>,
    /// The records that it made or changed.
    pub changed: Vec<(RecordType, ResourceId)>,
}

/// Folds one patient's messages again.
pub struct Past {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) state: State,
    pub(crate) apply: Apply,
    /// How far the memory of accepted messages reaches back.
    pub(crate) reach: u64,
}

impl Past {
    /// Every version of a record, the oldest first, the present one last. Blocking: reads the
    /// journal.
    ///
    /// # Errors
    /// When there is no such record, or its past cannot be told.
    pub fn versions(
        &self,
        entity: &LegalEntity,
        ty: RecordType,
        id: ResourceId,
    ) -> Result<Vec<Record>, PastError> {
        let ej = entity.id();
        let scope = self.state.scope(&Access::to([ej]));
        let view = scope.ej(ej).ok_or(PastError::Unknown)?;
        let present = view.get(ty, id).ok_or(PastError::Unknown)?;
        let patient = present.patient().ok_or(PastError::NotKept)?;
        let seqs = self.messages(ej, identifiers(&view, patient), &mut BTreeSet::new())?;
        let folded = self.fold(entity, &view, &seqs)?.remove(&(ty, id));
        let versions = folded.and_then(|versions| come_to(versions, &present));
        Ok(versions.ok_or(PastError::Incomplete)?.into_values().collect())
    }

    /// What a message of the EJ did, and what was found in it: its patients' messages are folded
    /// again. Blocking: reads the journal.
    ///
    /// # Errors
    /// When there is no such message, or messages before it that count are no longer kept.
    pub fn message(&self, entity: &LegalEntity, seq: Seq) -> Result<MessageTold, PastError> {
        let ej = entity.id();
        let scope = self.state.scope(&Access::to([ej]));
        let view = scope.ej(ej).ok_or(PastError::Unknown)?;
        let record = self.journal.get(ej, seq)?.ok_or(PastError::Unknown)?;
        let verdict = Verdict::from_number(record.entry.verdict);
        let verdict = verdict.filter(|_| message_of(&record).is_some());
        let verdict = verdict.ok_or(PastError::Unknown)?;
        if seq > view.applied() {
            return Err(PastError::NotYet);
        }
        let mut seqs = self.messages(ej, keys_of()(&record).patients, &mut BTreeSet::new())?;
        seqs.retain(|other| *other <= view.applied());
        seqs.insert(seq);
        // Under its control id another patient's message may have come.
        let raw = message_of(&record).unwrap_or_default();
        let control_id = MshRaw::find(&raw).map(|msh| msh.control_id().to_vec());
        let hash = control_id_hash(&control_id.unwrap_or_default());
        let namesakes = self.journal.find(ej, KeyIndex::ControlId, hash)?;
        let memory = ControlIds::new(self.reach);
        let mut fold = Fold::new(self.apply, Epoch::bare(entity.clone()));
        let mut records = Then { memory: MemoryRecords::new(), now: &view };
        let mut told = None;
        let mut all: BTreeSet<Seq> =
            seqs.iter().copied().chain(namesakes.iter().copied()).collect();
        all.extend(self.journal.find(ej, KeyIndex::ControlId, EPOCH_KEY)?);
        for at in all {
            let Some(record) = self.journal.get(ej, at)? else { continue };
            let counts = seqs.contains(&at) || record.entry.kind == Kind::ConfigEpoch;
            let step = fold.step(&record, &memory, &records);
            let step = step.map_err(|_| PastError::Incomplete)?;
            if at == seq {
                let became = step.became.map_or("", Become::as_str);
                let ended = step.became.and_then(|became| Ended::of(became, &step.issues));
                let received_at = record.entry.received_at;
                told = Some(MessageTold {
                    received_at,
                    verdict,
                    became,
                    outcome: ended.map(|ended| ended.outcome),
                    changed: changed(&step.changes, seq, &view, received_at),
                    issues: step.issues,
                });
            }
            // A namesake is only remembered.
            if counts {
                records.memory.accept(step.changes);
            }
        }
        // What it comes to must be what stands: else messages are missing, and the issues are others.
        let stands = |record: &Record| {
            record.patient().is_none()
                || view.get(record.record_type(), record.id()).as_ref() == Some(record)
        };
        if !records.memory.all().all(|record| stands(&record)) {
            return Err(PastError::Incomplete);
        }
        told.ok_or(PastError::Unknown)
    }

    /// The messages that name one of the identifiers, or a patient whom such a message names;
    /// `known` gets the identifiers that they name, also where they are too many.
    pub(crate) fn messages(
        &self,
        ej: EjId,
        identifiers: Vec<u64>,
        known: &mut BTreeSet<u64>,
    ) -> Result<BTreeSet<Seq>, PastError> {
        let keys_of = keys_of();
        let mut seqs = BTreeSet::new();
        known.extend(identifiers.iter().copied());
        let mut wanted = identifiers;
        while let Some(hash) = wanted.pop() {
            for seq in self.journal.find(ej, KeyIndex::Patient, hash)? {
                if !seqs.insert(seq) {
                    continue;
                }
                if seqs.len() > MESSAGES_MAX || known.len() > IDENTIFIERS_MAX {
                    return Err(PastError::TooMuch { limit: MESSAGES_MAX });
                }
                let record = self.journal.get(ej, seq)?.ok_or(PastError::Incomplete)?;
                wanted.extend(keys_of(&record).patients.into_iter().filter(|h| known.insert(*h)));
            }
        }
        Ok(seqs)
    }

    /// The versions of each record that is a patient's, as these messages make them.
    pub(crate) fn fold(
        &self,
        entity: &LegalEntity,
        view: &EjView,
        messages: &BTreeSet<Seq>,
    ) -> Result<HashMap<(RecordType, ResourceId), Versions>, PastError> {
        let ej = entity.id();
        let mut seqs = messages.clone();
        seqs.extend(self.journal.find(ej, KeyIndex::ControlId, EPOCH_KEY)?);
        let memory = ControlIds::new(self.reach);
        let mut fold = Fold::new(self.apply, Epoch::bare(entity.clone()));
        let mut records = Then { memory: MemoryRecords::new(), now: view };
        let mut folded: HashMap<_, Versions> = HashMap::new();
        for seq in seqs {
            let Some(record) = self.journal.get(ej, seq)? else { continue };
            let step = fold.step(&record, &memory, &records);
            let step = step.map_err(|_| PastError::Incomplete)?;
            for change in &step.changes {
                if let Change::Put(put) = change
                    && put.record_type().is_of_a_patient()
                {
                    let versions = folded.entry((put.record_type(), put.id())).or_default();
                    versions.insert(put.stamp().version, put.clone());
                }
            }
            records.memory.accept(step.changes);
        }
        Ok(folded)
    }
}

/// What a message put at its place; of what is no patient's, what still stands as it made it.
fn changed(
    changes: &[Change],
    seq: Seq,
    view: &EjView,
    at: Micros,
) -> Vec<(RecordType, ResourceId)> {
    let of_patients = changes.iter().filter_map(|change| match change {
        Change::Put(record) if record.record_type().is_of_a_patient() => Some(record.clone()),
        _ => None,
    });
    let types: Vec<RecordType> =
        RecordType::ALL.into_iter().filter(|ty| !ty.is_of_a_patient()).collect();
    let mut changed: Vec<_> = of_patients
        .chain(view.changed_at(&types, at))
        .filter(|record| record.stamp().version == seq)
        .map(|record| (record.record_type(), record.id()))
        .collect();
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// A record at each of its versions.
pub(crate) type Versions = BTreeMap<Seq, Record>;

/// The versions of a record, if they are all of them: from its first message on, and come to what
/// stands. What was folded while they were being read is the next answer's, and left out.
pub(crate) fn come_to(mut versions: Versions, present: &Record) -> Option<Versions> {
    let stamp = present.stamp();
    versions.retain(|version, _| *version <= stamp.version);
    let (first, _) = versions.first_key_value()?;
    let (_, last) = versions.last_key_value()?;
    (*first == stamp.created && last == present).then_some(versions)
}

/// The hashes of all identifiers of a patient and of those merged with them.
fn identifiers(view: &EjView, patient: ResourceId) -> Vec<u64> {
    let hash = |identifier: &Identifier| patient_hash(identifier.value.as_bytes());
    let mut hashes = Vec::new();
    let mut seen = BTreeSet::from([patient]);
    let mut wanted = vec![patient];
    while let Some(id) = wanted.pop() {
        let Some(Record::Patient(patient)) = view.get(RecordType::Patient, id) else { continue };
        hashes.extend(patient.identifiers.iter().map(hash));
        let merged = patient.links.iter().filter(|link| link.kind != LinkKind::SeeAlso);
        wanted.extend(merged.map(|link| link.other).filter(|other| seen.insert(*other)));
    }
    hashes
}

/// Records as one patient's messages have made them so far. What is no patient's (places,
/// organizations, practitioners) is taken as it is now: of those, a patient's records hold ids
/// alone.
struct Then<'a> {
    memory: MemoryRecords,
    now: &'a EjView,
}

impl Records for Then<'_> {
    fn patient_by_identifier(&self, system: &str, value: &str) -> Option<ResourceId> {
        self.memory.patient_by_identifier(system, value)
    }

    fn by_identifier(&self, ty: RecordType, system: &str, value: &str) -> Option<ResourceId> {
        let now = || self.now.by_identifier(ty, system, value).filter(|_| !ty.is_of_a_patient());
        self.memory.by_identifier(ty, system, value).or_else(now)
    }

    fn record(&self, ty: RecordType, id: ResourceId) -> Option<Record> {
        let now = || self.now.get(ty, id).filter(|_| !ty.is_of_a_patient());
        self.memory.record(ty, id).or_else(now)
    }

    /// No message of a patient asks: only a structure does.
    fn ids_of(&self, ty: RecordType) -> Vec<ResourceId> {
        self.memory.ids_of(ty)
    }

    fn stays_of(&self, patient: ResourceId) -> Vec<ResourceId> {
        self.memory.stays_of(patient)
    }
}
