//! What the server tells the HTTP face about the past.

use std::cmp::Reverse;
use std::sync::Arc;

use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::Issue;
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_state::PastRecords;

/// Why a record's past cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// There is no such thing, or not yet.
    Unknown,
    /// It is a type of which only the present is kept, or its messages went with retention.
    NotKept,
    /// More than one answer may cost.
    TooMuch,
    /// The journal cannot be read.
    Unreadable,
}

/// What one message did.
#[derive(Debug, Clone)]
pub struct MessageTold {
    pub received_at: Micros,
    pub verdict: &'static str,
    pub became: &'static str,
    pub issues: Vec<Issue>,
    /// The records that it made or changed.
    pub changed: Vec<(RecordType, ResourceId)>,
}

/// A version that a message made.
#[derive(Debug, Clone)]
pub struct Version {
    pub record: Record,
    /// When the next version came; `None`: it stands.
    pub until: Option<Micros>,
    /// There were versions before it, and they cannot be told.
    pub alone: bool,
}

impl Version {
    /// Its place among those that were made at once.
    #[must_use]
    pub fn order(&self) -> (Reverse<Seq>, RecordType, ResourceId) {
        (Reverse(self.record.stamp().version), self.record.record_type(), self.record.id())
    }
}

/// A step back through the past of an EJ.
#[derive(Debug, Clone)]
pub enum Walked {
    /// What was made at once: at least one version, in their order.
    Made {
        /// To begin again from here.
        place: u64,
        at: Micros,
        versions: Vec<Version>,
    },
    /// As much was read as one walk may: another may begin at this place.
    Rests { place: u64 },
    /// What came before is no longer kept. The last step.
    Forgotten,
}

/// Where a walk begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkFrom {
    /// What is newest.
    Now,
    /// What was there at that moment.
    Time(Micros),
    /// A place that a walk of the same types gave.
    Place(u64),
}

/// A walk, the newest first.
pub type Walk<'a> = Box<dyn Iterator<Item = Result<Walked, Forgotten>> + 'a>;

/// What a search asks of the past: the records that it has to look at as they were.
pub(crate) struct AsOf(pub(crate) Arc<dyn Past>);

impl PastRecords for AsOf {
    fn at(&self, ej: EjId, ty: RecordType, id: ResourceId, pin: Seq) -> Option<Record> {
        let versions = self.0.versions(ej, ty, id).ok()?;
        versions.into_iter().rfind(|record| record.stamp().version <= pin)
    }
}

/// Asked by vread, history, and of messages.
pub trait Past: Send + Sync + 'static {
    /// Every version of the EJ's records of these types, the newest first; of what is no patient's,
    /// and where no more is kept, the present one. Little that was received before `since` is read,
    /// and at most about `messages_max` messages are. Reads the journal as it goes: called where
    /// blocking does no harm.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn walk<'a>(
        &'a self,
        ej: EjId,
        types: &[RecordType],
        from: WalkFrom,
        since: Option<Micros>,
        messages_max: usize,
    ) -> Result<Walk<'a>, Forgotten>;

    /// Every version of a record of the EJ, the oldest first, the present one last. May read the
    /// journal: called where blocking does no harm.
    ///
    /// # Errors
    /// When only the present is known.
    fn versions(
        &self,
        ej: EjId,
        record_type: RecordType,
        id: ResourceId,
    ) -> Result<Vec<Record>, Forgotten>;

    /// What the EJ's message of that number did, and what was found in it. May read the journal.
    ///
    /// # Errors
    /// When there is no such message, or it cannot be told any more.
    fn message(&self, ej: EjId, seq: Seq) -> Result<MessageTold, Forgotten>;
}
