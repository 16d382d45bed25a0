//! Original or enhanced acknowledgement, and what of it is owed (HL7 v2.5.1 §2.9).

use serde::{Deserialize, Serialize};
use sluice_mappings::hl7::MshRaw;

use super::Verdict;

/// Which rules a channel follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AckMode {
    /// What MSH-15 and MSH-16 ask for.
    #[default]
    Auto,
    /// Always AA, AE or AR.
    Original,
    /// CA, CE or CR as MSH-15 says (where it is empty: always), and AA, AE or AR when applied as
    /// MSH-16 says (where it is empty: never).
    Enhanced,
}

/// When original mode says AA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AckWhen {
    /// The message is on stable storage, and will be applied.
    #[default]
    Stored,
    /// It was applied, and readers see it: AA, AE or AR says what became of it.
    Applied,
}

/// Table 0155.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// AL.
    Always,
    /// NE.
    Never,
    /// ER.
    OnRefusal,
    /// SU.
    OnSuccess,
}

impl When {
    fn of(code: &[u8]) -> Option<Self> {
        match code.trim_ascii() {
            b"AL" => Some(Self::Always),
            b"NE" => Some(Self::Never),
            b"ER" => Some(Self::OnRefusal),
            b"SU" => Some(Self::OnSuccess),
            _ => None,
        }
    }

    /// Whether an acknowledgement is owed that says so.
    #[must_use]
    pub const fn owes(self, success: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::OnRefusal => !success,
            Self::OnSuccess => success,
        }
    }
}

/// What one message's sender is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// CA, CE, CR, once stored or refused. [`When::Never`] is original mode, or its equivalent.
    pub accept: When,
    /// AA, AE, AR.
    pub application: When,
    /// Of an accepted message it is said once it is applied; else once it is stored.
    pub applied: bool,
}

impl Terms {
    /// The terms of a message; one without a readable MSH asked for nothing.
    ///
    /// In `auto`: MSH-15 and MSH-16 both empty (or outside table 0155) is original mode. MSH-15
    /// AL, ER or SU is enhanced mode. MSH-15 NE or empty with MSH-16 AL, ER or SU is what §2.9.3
    /// calls the equivalent of original mode, and what IHE prescribes: answered as such, by
    /// MSH-16. Otherwise nothing is owed.
    #[must_use]
    pub fn of(mode: AckMode, when: AckWhen, msh: Option<&MshRaw<'_>>) -> Self {
        let accept = msh.and_then(|msh| When::of(msh.component(15, 1)));
        let application = msh.and_then(|msh| When::of(msh.component(16, 1)));
        let (accept, application) = match (mode, accept, application) {
            (AckMode::Original, ..) | (AckMode::Auto, None, None) => (When::Never, When::Always),
            (AckMode::Enhanced, accept, application) => {
                (accept.unwrap_or(When::Always), application.unwrap_or(When::Never))
            }
            (AckMode::Auto, accept, application) => {
                (accept.unwrap_or(When::Never), application.unwrap_or(When::Never))
            }
        };
        let applied = accept != When::Never || when == AckWhen::Applied;
        Self { accept, application, applied }
    }

    /// MSA-1 of what is said at once of a message with that verdict.
    #[must_use]
    pub const fn at_once(self, verdict: Verdict) -> Option<&'static str> {
        let (row, accepted) = (verdict.row(), verdict.is_accepted());
        match self.accept {
            When::Never if accepted && self.applied => None,
            When::Never if self.application.owes(accepted) => Some(row.original),
            When::Never => None,
            accept if accept.owes(accepted) => Some(row.enhanced),
            _ => None,
        }
    }

    /// Whether something may be owed once a message with that verdict was applied. There is no
    /// application acknowledgement of what was not accepted.
    #[must_use]
    pub const fn when_applied(self, verdict: Verdict) -> bool {
        verdict.is_accepted() && self.applied && !matches!(self.application, When::Never)
    }

    /// What is owed when applied is a message of its own, after the accept acknowledgement; else
    /// it is the message's only answer.
    #[must_use]
    pub const fn is_twofold(self) -> bool {
        !matches!(self.accept, When::Never)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(mode: AckMode, when: AckWhen, accept: &str, application: &str) -> Terms {
        let raw = format!("MSH|^~\\&|||||||ADT^A01|1|P|2.5|||{accept}|{application}");
        Terms::of(mode, when, MshRaw::find(raw.as_bytes()).as_ref())
    }

    #[test]
    fn in_auto_the_message_says_which_rules_hold() {
        use When::{Always, Never, OnRefusal, OnSuccess};
        for (accept, application, expected) in [
            ("", "", (Never, Always)),
            ("AL", "", (Always, Never)),
            ("AL", "NE", (Always, Never)),
            ("AL", "AL", (Always, Always)),
            ("ER", "AL", (OnRefusal, Always)),
            ("SU", "", (OnSuccess, Never)),
            ("NE", "", (Never, Never)),
            ("NE", "NE", (Never, Never)),
            ("", "NE", (Never, Never)),
            ("NE", "AL", (Never, Always)),
            ("", "AL", (Never, Always)),
            ("NE", "ER", (Never, OnRefusal)),
            ("0", "0^0", (Never, Always)),
        ] {
            let terms = terms(AckMode::Auto, AckWhen::Stored, accept, application);
            assert_eq!((terms.accept, terms.application), expected, "{accept}|{application}");
            assert_eq!(terms.applied, terms.is_twofold(), "{accept}|{application}");
        }
    }

    #[test]
    fn a_channel_may_settle_the_rules_itself() {
        let original = terms(AckMode::Original, AckWhen::Stored, "NE", "NE");
        assert_eq!(original.at_once(Verdict::Accepted), Some("AA"));
        let enhanced = terms(AckMode::Enhanced, AckWhen::Stored, "", "");
        assert_eq!(enhanced.at_once(Verdict::Accepted), Some("CA"));
        assert!(!enhanced.when_applied(Verdict::Accepted));
        let refusals = terms(AckMode::Enhanced, AckWhen::Stored, "ER", "AL");
        assert_eq!(refusals.at_once(Verdict::Accepted), None);
        assert!(refusals.when_applied(Verdict::Accepted));
    }

    #[test]
    fn when_applied_only_the_acceptance_of_original_mode_waits() {
        let terms = terms(AckMode::Auto, AckWhen::Applied, "", "");
        assert_eq!(terms.at_once(Verdict::Accepted), None);
        assert!(terms.when_applied(Verdict::Accepted) && !terms.is_twofold());
        assert_eq!(terms.at_once(Verdict::PidMissing), Some("AE"));
        assert!(!terms.when_applied(Verdict::PidMissing));
    }

    #[test]
    fn er_is_told_of_refusals_only_and_su_of_acceptance_only() {
        let er = terms(AckMode::Auto, AckWhen::Stored, "ER", "");
        assert_eq!(
            [Verdict::NoSpace, Verdict::Accepted].map(|v| er.at_once(v)),
            [Some("CE"), None]
        );
        let su = terms(AckMode::Auto, AckWhen::Stored, "SU", "");
        assert_eq!(
            [Verdict::NoSpace, Verdict::Accepted].map(|v| su.at_once(v)),
            [None, Some("CA")]
        );
    }
}
