//! Acknowledgements: whether one is owed, which code it has, and its bytes.
//!
//! `docs/acknowledgement.md` has the rules in prose and the table of verdicts.

mod batch;
mod message;
mod mode;
mod outcome;
mod verdict;

pub use batch::answers_of_file;
pub use message::{Acknowledgement, OwnControlIds, QUOTED_BYTES_MAX, Says};
pub use mode::{AckMode, AckWhen, Terms, When};
pub use outcome::{Outcome, OutcomeRow};
pub use verdict::{Condition, Row, Verdict};

use memchr::memmem;
use sluice_mappings::hl7::MshRaw;

/// Whether `raw` is itself an answer: MSH-9.1 is ACK (or MCF, its delayed form), or there is an
/// MSA segment. Answers are never answered: two engines would go on for ever.
#[must_use]
pub fn is_acknowledgement(msh: &MshRaw<'_>, raw: &[u8]) -> bool {
    if matches!(msh.component(9, 1).trim_ascii(), b"ACK" | b"MCF") {
        return true;
    }
    let field = msh.separators().field();
    memmem::find_iter(raw, b"MSA").any(|at| {
        let starts_line = at > 0 && matches!(raw[at - 1], b'\r' | b'\n');
        starts_line && raw.get(at + 3) == Some(&field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_its_type_or_its_msa() {
        let known = |raw: &[u8]| is_acknowledgement(&MshRaw::find(raw).unwrap(), raw);
        assert!(known(b"MSH|^~\\&|||||||ACK^A01^ACK|1|P|2.5\rMSA|AA|9"));
        assert!(known(b"MSH|^~\\&|||||||ADR^A19|1|P|2.5\nMSA|AA|9"));
        assert!(!known(b"MSH|^~\\&|||||||ADT^A01|1|P|2.5\rNTE|1||MSA|AA|9"));
    }
}
