//! `sluice replay --audit`: what the engine has of what was sent.

use std::path::{Path, PathBuf};

use sluice_channels::ack::Verdict;
use sluice_fixtures::audit::{
    Audit, Engine, Known, Ledger, OrderAudit, PatientTruth, Seen, against_feed, against_truth,
    read_truth,
};
use sluice_fixtures::feed::Feed;
use sluice_fixtures::replay::Tally;
use sluice_journal::{Kind, records};

use crate::cli;
use crate::engine::holds_journal;
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
    /// Whom the EJ held before.
    known: Known,
}

impl Auditor {
    /// Reads what is needed before anything is sent.
    pub fn prepare(arguments: &cli::Replay) -> Result<Self, Failure> {
        let asked = &arguments.audit;
        if asked.truth.is_some() {
            whole_feed(arguments)?;
        }
        let journal = match &asked.audit_journal {
            None => None,
            Some(data) => {
                let folder = journal_of(data)?;
                let mut last = 0;
                read(&folder, |record| last = record.lsn.get())?;
                Some((folder, last))
            }
        };
        let state = match (&asked.audit, &asked.ej) {
            (Some(url), Some(ej)) => {
                let truth = asked.truth.as_deref().map(|file| truth(file, ej)).transpose()?;
                let engine = Engine::new(url, asked.token.as_deref().map(token).transpose()?);
                let failed = |error| not_so(url, &error);
                let known = match engine.settled(ej).map_err(failed)? {
                    0 => Known::default(),
                    _ => Known::of(&Seen::of(&engine, ej).map_err(failed)?),
                };
                Some(StateAuditor { engine, ej: ej.clone(), truth, known })
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
            let seen = Seen::of(&state.engine, &state.ej).map_err(failed)?;
            audit.state = Some(match &state.truth {
                Some(truth) => against_truth(truth, &state.ej, &seen, &state.known),
                None => against_feed(&feed.messages, tally, &seen, &state.known),
            });
        }
        Ok(audit)
    }
}

/// A truth tells what the whole feed comes to, as it was generated.
fn whole_feed(arguments: &cli::Replay) -> Result<(), Failure> {
    let other = if arguments.deidentify.is_some() {
        "with other people (--deidentify)"
    } else if arguments.shift.is_some() {
        "at other times (--shift)"
    } else if arguments.shard != "1/1" {
        "in part (--shard)"
    } else {
        return Ok(());
    };
    Err(Failure::new(USAGE, format!("--truth: speaks of the feed as it is, not {other}")))
}

/// The journal in an engine's data directory.
fn journal_of(data: &Path) -> Result<PathBuf, Failure> {
    let refused =
        |code, what| Err(Failure::new(code, format!("--audit-journal {}: {what}", data.display())));
    let folder = data.join("journal");
    if !data.is_dir() {
        return refused(USAGE, "is no folder");
    }
    if !holds_journal(&folder) {
        return refused(NOT_SO, "holds no journal");
    }
    Ok(folder)
}

fn read(folder: &Path, each: impl FnMut(&sluice_journal::Record)) -> Result<(), Failure> {
    records(folder, each).map_err(|error| {
        Failure::new(NOT_SO, format!("--audit-journal {}: {error}", folder.display()))
    })
}

fn not_so(what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(NOT_SO, format!("--audit {what}: {error}"))
}

fn truth(file: &Path, ej: &str) -> Result<Vec<PatientTruth>, Failure> {
    let failed = |code, said: &dyn std::fmt::Display| {
        Failure::new(code, format!("--truth {}: {said}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(NOT_SO, &error))?;
    // What serde would say quotes the line.
    let truth = read_truth(&text)
        .map_err(|_| failed(NOT_SO, &"is not what `sluice generate --truth` writes"))?;
    if truth.iter().all(|patient| patient.ej != ej) {
        let said = format!("says nothing of {ej}, so that nothing could be compared");
        return Err(failed(USAGE, &said));
    }
    Ok(truth)
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
