//! Who may deliver: one process at a time.

/// The right to deliver, asked before each attempt and before each cursor's record. Where two
/// believe that they hold it, the terms of the cursors' records decide (see `cursor.rs`).
pub trait Lease: Send + Sync + 'static {
    fn is_held(&self) -> bool;
}

/// The embedded journal's: its folder is locked by the one process that has it open, and nobody
/// else can read it to deliver from it.
pub struct ProcessLock;

impl Lease for ProcessLock {
    fn is_held(&self) -> bool {
        true
    }
}
