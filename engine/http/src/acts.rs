//! What the server keeps of operators' acts, for the HTTP face.

use sluice_ids::{EjId, Micros, Seq};

use crate::past::Forgotten;

/// An act that was recorded.
#[derive(Debug, Clone)]
pub struct ActTold {
    pub ej: EjId,
    /// Its place in the EJ's order.
    pub seq: Seq,
    pub at: Micros,
    pub by: String,
    /// `act` and what it is about: an object. No patient data but what a reason says.
    pub about: serde_json::Value,
}

/// What is done to the caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheAct {
    Cleared,
    Warmed,
}

/// The act could not be made durable, and so must not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotRecorded;

/// Acts of an EJ, the newest first.
pub type Acts<'a> = Box<dyn Iterator<Item = Result<ActTold, Forgotten>> + 'a>;

/// Asked by `/api/acts`, and told by whatever acts. Reads and writes the journal: called where
/// blocking does no harm.
pub trait ActDesk: Send + Sync + 'static {
    /// # Errors
    /// When the journal cannot be read.
    fn acts(&self, ej: EjId) -> Result<Acts<'_>, Forgotten>;

    /// Records it in every EJ, since caches are of all.
    ///
    /// # Errors
    /// When it is not durable in one of them.
    fn caches(&self, act: CacheAct, by: &str) -> Result<(), NotRecorded>;
}
