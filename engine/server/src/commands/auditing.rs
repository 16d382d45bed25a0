//! `sluice replay --audit`: what the engine has of what was sent.

use std::path::{Path, PathBuf};

use sluice_channels::ack::Verdict;
use sluice_fixtures::audit::{
    Audit, Engine, Ledger, OrderAudit, PatientTruth, against_feed, against_truth, read_truth,
};
use sluice_fixtures::feed::Feed;
use sluice_fixtures::replay::Tally;
use sluice_journal::{Kind, records};

use crate::cli;
use crate::exit::{Failure, NOT_SO, USAGE};

/// Where to look, and how things stood before.
pub struct Auditor {
    state: Option<StateAuditor>,
    /// The journal's folder, and its last record before the replay.
    journal: Option<(PathBuf, u64)>,
}

struct StateAuditor {
    engine: Engine,
    ej: String,
    truth: Option<Vec<PatientTruth>>,
    was_empty: bool,
}

impl Auditor {
    /// Reads what is needed before anything is sent.
    pub fn prepare(arguments: &cli::Replay) -> Result<Self, Failure> {
        let asked = &arguments.audit;
        if asked.truth.is_some() && (arguments.deidentify.is_some() || arguments.shift.is_some()) {
            return Err(Failure::new(
                USAGE,
                "--truth: speaks of the feed as it is, not with other people (--deidentify) or times (--shift)",
            ));
        }
        let journal = match &asked.audit_journal {
            None => None,
            Some(data) => {
                let folder =
                    if data.join("journal").is_dir() { data.join("journal") } else { data.clone() };
                let mut last = 0;
                read(&folder, |record| last = record.lsn.get())?;
                Some((folder, last))
            }
        };
        let state = match (&asked.audit, &asked.ej) {
            (Some(url), Some(ej)) => {
                let engine = Engine::new(url, asked.token.as_deref().map(token).transpose()?);
                let before = engine.settled(ej).map_err(|error| not_so(url, &error))?;
                let truth = asked.truth.as_deref().map(truth).transpose()?;
                Some(StateAuditor { engine, ej: ej.clone(), truth, was_empty: before == 0 })
            }
            _ => None,
        };
        Ok(Self { state, journal })
    }

    /// Looks, once the engine has applied what it acknowledged.
    pub fn look(&self, feed: &Feed, tally: &Tally) -> Result<Audit, Failure> {
        let mut audit = Audit::default();
        if let Some((folder, before)) = &self.journal {
            let mut ledger = Ledger::default();
            read(folder, |record| {
                let accepted =
                    Verdict::from_number(record.entry.verdict).is_some_and(Verdict::is_accepted);
                if record.lsn.get() > *before && record.entry.kind == Kind::Message && accepted {
                    ledger.push(&record.entry.payload);
                }
            })?;
            audit.order = Some(OrderAudit::of(&feed.messages, tally, &ledger));
        }
        if let Some(state) = &self.state {
            let failed = |error| not_so(&state.ej, &error);
            state.engine.settled(&state.ej).map_err(failed)?;
            let seen = state.engine.seen(&state.ej).map_err(failed)?;
            audit.state = Some(match &state.truth {
                Some(truth) => against_truth(truth, &state.ej, &seen, state.was_empty),
                None => against_feed(&feed.messages, tally, &seen),
            });
        }
        Ok(audit)
    }
}

fn read(folder: &Path, each: impl FnMut(&sluice_journal::Record)) -> Result<(), Failure> {
    if !folder.is_dir() {
        let said = format!("--audit-journal {}: is no folder", folder.display());
        return Err(Failure::new(USAGE, said));
    }
    records(folder, each).map_err(|error| {
        Failure::new(NOT_SO, format!("--audit-journal {}: {error}", folder.display()))
    })
}

fn not_so(what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(NOT_SO, format!("--audit {what}: {error}"))
}

fn truth(file: &Path) -> Result<Vec<PatientTruth>, Failure> {
    let failed = |said: String| Failure::new(NOT_SO, format!("--truth {}: {said}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    // What serde would say quotes the line.
    read_truth(&text).map_err(|_| failed("is not what `sluice generate --truth` writes".to_owned()))
}

/// The token itself, or what the file after an `@` holds: an argument can be seen by others on
/// the machine.
pub fn token(text: &str) -> Result<String, Failure> {
    match text.strip_prefix('@') {
        None => Ok(text.to_owned()),
        Some(file) => std::fs::read_to_string(file)
            .map(|token| token.trim().to_owned())
            .map_err(|error| Failure::new(NOT_SO, format!("--token @{file}: {error}"))),
    }
}
