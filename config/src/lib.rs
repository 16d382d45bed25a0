//! How Sluice is set: every key with its default, read from four layers and checked as a whole.
//!
//! Later layers win: defaults, then the file, then `SLUICE_…` environment variables (`__` between
//! the parts of a key: `SLUICE_HTTP__ADDRESS`), then flags. Each crate owns its settings; this
//! one composes them, and says what is wrong with key, value, source and the nearest known key.

mod alerts;
mod channels;
mod check;
mod keys;
mod load;
mod problem;
mod reload;
mod settings;
mod site;
mod toml_file;

pub use alerts::AlertSettings;
pub use load::{Loaded, Sources, load};
pub use problem::{ConfigError, Problem};
pub use reload::{BadFile, Reloaded, Stamp, Written, reload, stamp};
pub use settings::{Config, LogFormat, LogLevel, LogSettings};
