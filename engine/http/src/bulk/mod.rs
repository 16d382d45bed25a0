//! Bulk Data Access (IG 2.0): `$export` of the system, of all patients, of a Group; its state, its
//! manifest and its files.
//!
//! - A kick-off writes down what was asked and answers 202; nothing else is done in it.
//! - A job is a folder of `data_dir/exports`: `job.json` and the files. Its state changes by
//!   replacing `job.json`; files are synced before a `job.json` says that they are done.
//! - A job is written at one pin of each EJ ([`cut`]): every file is the same moment, whatever the
//!   feed does meanwhile. One that a stop or a crash broke off begins again, at a new pin.
//! - A job belongs to who asked for it. For anybody else, and for a caller who lost the right to one
//!   of its EJs, there is none.
//!
//! What is written is what a read shows: the same rendering, and the chunks that exports keep
//! (ADR 0054) wherever they are of the pin. ADR-0055.

mod asked;
mod cut;
mod files;
mod job;
mod keeper;
mod kick_off;
mod manifest;
mod order;
mod parameters;
mod retention;
mod select;
mod settings;
mod shelf;
mod write;

pub use settings::BulkSettings;

pub(crate) use files::file;
pub(crate) use job::Failure;
pub(crate) use keeper::keep;
pub(crate) use kick_off::{of_group, of_system, of_type};
pub(crate) use manifest::{cancel, status};
pub(crate) use shelf::Shelf;
