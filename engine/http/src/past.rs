//! What the server tells the HTTP face about the past.

use sluice_ids::EjId;
use sluice_mappings::records::{Record, RecordType, ResourceId};

/// Why a record's past cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// It is a type of which only the present is kept, or its messages went with retention.
    NotKept,
    /// More than one answer may cost.
    TooMuch,
    /// The journal cannot be read.
    Unreadable,
}

/// Asked by vread and history.
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
}
