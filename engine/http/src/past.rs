//! What the server tells the HTTP face about the past.

use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::Issue;
use sluice_mappings::records::{Record, RecordType, ResourceId};

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
}

/// Asked by vread, history, and of messages.
pub trait Past: Send + Sync + 'static {
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
