//! The journal: every message durably kept, in order, before it is acknowledged.
//!
//! [`Journal`] is the port. [`EmbeddedJournal`] is the append log behind it: one folder, one
//! owner, one committer thread that writes what waits as a group and syncs once for all of it.
//! `docs/journal.md` tells its layout, operation and recovery.

mod port;
mod slot;

mod settings;

mod attendant;
mod commit;
mod embedded;
mod find;
mod measures;
mod queue;
mod reader;
mod release;
mod segment;
mod shared;
mod shelf;
mod sidecar;
mod tail;

mod accept;
mod damage;
mod examine;
mod losses;
mod records;
mod recover;
mod scan;
mod survey;
mod torn;
mod verify;
mod walk;

mod disk;
mod format;
mod index;

#[cfg(test)]
mod tests;

pub mod conformance;

pub use accept::{AcceptError, OPERATOR_EJ};
pub use damage::{Damage, DamageAccepted, DamageId, DamageIdError, DamageKind, Loss};
pub use embedded::{EmbeddedJournal, OpenError, Owner};
pub use measures::describe_metrics;
pub use port::{
    Append, Appender, Entry, IdempotencyKey, Journal, KeyIndex, Keys, KeysOf, Kind, ReadError,
    Reader, Record, Refusal, Share,
};
pub use records::records;
pub use recover::{OpenReport, TornReport};
pub use release::begins_late;
pub use settings::{JournalSettings, SettingsError};
pub use shared::{Fault, OnFault};
pub use slot::{AppendFuture, Completer, Slots};
pub use verify::{SidecarFault, SidecarFinding, VerifyReport, verify};
pub use walk::EjSpan;
