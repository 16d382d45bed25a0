//! What the log says of single messages: those that were refused, and those in which something
//! was found. Seq, code and place; never a value.
//!
//! - At most [`LINES_MAX`] lines in each [`PERIOD`] for each EJ: a feed that is wrong in every
//!   message must not fill a disk. What was left out is counted in one line; the counters
//!   (`sluice_issues_total`, `sluice_intake_verdicts_total`) count all of it.
//! - What is worth knowing but no fault (`Severity::Information`), and what is folded again after
//!   a restart, is told at debug level only.

use std::time::{Duration, Instant};

use sluice_channels::ack::Verdict;
use sluice_ids::{EjId, Seq};
use sluice_mappings::adt::{Issue, Severity};
use sluice_mappings::fields::place;

const LINES_MAX: u32 = 50;
const PERIOD: Duration = Duration::from_secs(10);

/// One EJ's lines.
pub(crate) struct Telling {
    ej: EjId,
    since: Instant,
    told: u32,
    left_out: u64,
}

impl Telling {
    pub fn new(ej: EjId) -> Self {
        Self { ej, since: Instant::now(), told: 0, left_out: 0 }
    }

    /// A message that was journaled with a refusal.
    pub fn refused(&mut self, seq: Seq, verdict: Verdict, again: bool) {
        let (ej, seq, code) = (self.ej, seq.get(), verdict.as_str());
        if again {
            tracing::debug!(%ej, seq, code, "a message was refused");
        } else if self.may_tell() {
            tracing::warn!(%ej, seq, code, "a message was refused");
        }
    }

    /// What was found in a message that was applied.
    pub fn issues(&mut self, seq: Seq, issues: &[Issue], again: bool) {
        for Issue { code, severity, at } in issues {
            let (ej, seq, code, at) = (self.ej, seq.get(), code.as_str(), place(at));
            if again || *severity == Severity::Information {
                tracing::debug!(%ej, seq, code, at, "found in a message");
            } else if self.may_tell() {
                tracing::warn!(%ej, seq, code, at, "found in a message");
            }
        }
    }

    /// Says what was left out, once its time is over. Asked where the lane rests, too.
    pub fn settle(&mut self) {
        if self.since.elapsed() < PERIOD {
            return;
        }
        if self.left_out > 0 {
            tracing::warn!(
                ej = %self.ej,
                count = self.left_out,
                "more was found in messages, or refused, than is told one by one"
            );
        }
        (self.since, self.told, self.left_out) = (Instant::now(), 0, 0);
    }

    fn may_tell(&mut self) -> bool {
        self.settle();
        if self.told < LINES_MAX {
            self.told += 1;
            return true;
        }
        self.left_out += 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use sluice_mappings::hl7::Location;

    use super::*;

    fn ej() -> EjId {
        EjId::new("EJ1").unwrap()
    }

    #[test]
    fn a_feed_that_is_wrong_in_every_message_is_told_so_many_times_and_then_counted() {
        let mut telling = Telling::new(ej());
        let told = (0..LINES_MAX + 7).filter(|_| telling.may_tell()).count();
        assert_eq!((told, telling.left_out), (LINES_MAX as usize, 7));
        telling.since = Instant::now().checked_sub(PERIOD).unwrap();
        assert!(telling.may_tell());
        assert_eq!(telling.left_out, 0);
    }

    #[test]
    fn a_place_is_named_only_where_its_name_cannot_be_a_piece_of_a_message() {
        assert_eq!(place(&Location::parse("PID-5.1").unwrap()), "PID-5.1");
        assert_eq!(place(&Location::parse("DUP-1").unwrap()), "another segment");
    }
}
