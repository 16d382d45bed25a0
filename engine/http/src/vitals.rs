//! What the server tells the HTTP face about itself.

use sluice_ids::{EjId, Seq};

/// Why the server is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable, for machines: `starting`, `stopping`, `disk-full`, `damaged`…
    pub code: &'static str,
    /// The EJ that it touches; `None` for all. Told only to callers with a right to it.
    pub ej: Option<EjId>,
    /// For people; told only to callers with a token. No message content.
    pub text: String,
}

/// Asked on each `/health/ready` and `/api/status`: answers from memory, never waits.
pub trait Vitals: Send + Sync + 'static {
    /// Empty when ready.
    fn not_ready(&self) -> Vec<Reason>;

    /// The EJs whose records are not yet what was acknowledged before the start: a patient that
    /// was seen would be told as unknown, an export would be short. Asked on each read.
    fn folding(&self) -> Vec<EjId>;

    /// The last `Seq` that the journal holds of an EJ; with the state's it gives the lag.
    fn journaled(&self, ej: EjId) -> Option<Seq>;
}
