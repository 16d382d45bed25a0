//! Steps as a channel's file writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StepProblem;
use super::key_file::read_key;

/// One `[[step]]`. Places are written `PID-5.1`, `PV1-3[2].4` or `OBX[3]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepSettings {
    /// Sets a message aside: one for which `drop` holds, or one for which `keep` does not.
    Filter {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drop: Option<Condition>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep: Option<Condition>,
    },
    /// Writes a field, a repetition, a component or a subcomponent.
    Set {
        at: String,
        /// What it is to say; separators in it are escaped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Or what it is to be, separators and all, with the message's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raw: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<Condition>,
    },
    /// Writes at `to` what stands at `from`.
    Copy {
        from: String,
        to: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<Condition>,
    },
    /// Takes out a segment (all of that name where none is counted), a field, a repetition or a
    /// part of one.
    Remove {
        at: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<Condition>,
    },
    /// Replaces what stands at a place by what the table gives for it.
    Lookup {
        at: String,
        /// Where the result goes. Default: where it came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        table: BTreeMap<String, String>,
        /// For what the table does not have. Default: it is left as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        otherwise: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<Condition>,
    },
    /// Makes repetitions of a field in which several values stand in one text.
    Split {
        at: String,
        /// What stands between them, e.g. `;`.
        on: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<Condition>,
    },
    /// Puts surrogates in the place of whatever could tell who somebody is.
    Deidentify {
        /// The file with the key that surrogates are made under, from the configuration's folder.
        /// As long as the journal holds messages that passed through this step it stays as it is:
        /// another key is another file.
        key_file: PathBuf,
        /// Tells which key that is. Read from the file; in the journal it says which key was used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<Condition>,
    },
    /// A Rhai script, for the rest.
    Script {
        source: String,
        /// Most operations of one run. Default 100 000: some milliseconds. Counted, and not timed,
        /// so that a message comes out the same on every machine.
        #[serde(default = "operations_max")]
        operations_max: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<Condition>,
    },
}

const fn operations_max() -> u64 {
    100_000
}

impl StepSettings {
    /// Finds what the step reads from files, whose paths count from `folder`: afterwards they are
    /// whole, and the step says what it has read.
    ///
    /// # Errors
    /// When a file cannot be used, or is not the one that the settings mean.
    pub fn resolve(&mut self, folder: &Path) -> Result<(), StepProblem> {
        let Self::Deidentify { key_file, key_id, .. } = self else { return Ok(()) };
        let path = folder.join(&*key_file);
        let path = std::path::absolute(&path).unwrap_or(path);
        let key =
            read_key(&path).map_err(|error| StepProblem::new("key_file", error.to_string()))?;
        let id = key.id();
        if key_id.as_ref().is_some_and(|meant| *meant != id) {
            return Err(StepProblem::new("key_id", format!("the key in that file is {id}")));
        }
        (*key_file, *key_id) = (path, Some(id));
        Ok(())
    }
}

/// What must hold of a message; all of what is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// MSH-9.2 is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event: Vec<String>,
    /// Where the text stands that `equals`, `matches` and `empty` speak of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// It is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub equals: Vec<String>,
    /// This regular expression is found in it (without look-around and back-references, so that
    /// its time is linear); `^` and `$` bind it to the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// It is empty, or is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty: Option<bool>,
}
