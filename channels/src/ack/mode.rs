//! Original or enhanced acknowledgement, and whether one is owed at all (HL7 v2.5.1 §2.9).

use serde::{Deserialize, Serialize};
use sluice_mappings::hl7::MshRaw;

use super::Verdict;

/// Which rules a listener follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AckMode {
    /// What MSH-15 and MSH-16 ask for.
    #[default]
    Auto,
    /// Always AA, AE or AR.
    Original,
    /// Always CA, CE or CR; MSH-15 says when.
    Enhanced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AA, AE, AR.
    Original,
    /// CA, CE, CR.
    Enhanced,
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
}

/// What one message's sender is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub protocol: Protocol,
    pub when: When,
}

impl Terms {
    const ORIGINAL: Self = Self { protocol: Protocol::Original, when: When::Always };

    /// The terms of a message; one without a readable MSH asked for nothing.
    ///
    /// In `auto`: MSH-15 and MSH-16 both empty (or outside table 0155) is original mode. MSH-15
    /// AL, ER or SU is enhanced mode. MSH-15 NE or empty with MSH-16 AL, ER or SU is what §2.9.3
    /// calls the equivalent of original mode, and what IHE prescribes: answered as such, by
    /// MSH-16. Otherwise nothing is owed.
    #[must_use]
    pub fn of(mode: AckMode, msh: Option<&MshRaw<'_>>) -> Self {
        let accept = msh.and_then(|msh| When::of(msh.component(15, 1)));
        match mode {
            AckMode::Original => Self::ORIGINAL,
            AckMode::Enhanced => {
                Self { protocol: Protocol::Enhanced, when: accept.unwrap_or(When::Always) }
            }
            AckMode::Auto => {
                let application = msh.and_then(|msh| When::of(msh.component(16, 1)));
                match (accept, application) {
                    (None, None) => Self::ORIGINAL,
                    (Some(when @ (When::Always | When::OnRefusal | When::OnSuccess)), _) => {
                        Self { protocol: Protocol::Enhanced, when }
                    }
                    (Some(When::Never), None) => {
                        Self { protocol: Protocol::Enhanced, when: When::Never }
                    }
                    (None | Some(When::Never), Some(when)) => {
                        Self { protocol: Protocol::Original, when }
                    }
                }
            }
        }
    }

    /// Whether that verdict is told.
    #[must_use]
    pub const fn owed(self, verdict: Verdict) -> bool {
        match self.when {
            When::Always => true,
            When::Never => false,
            When::OnRefusal => !verdict.is_accepted(),
            When::OnSuccess => verdict.is_accepted(),
        }
    }

    /// MSA-1.
    #[must_use]
    pub const fn code(self, verdict: Verdict) -> &'static str {
        match self.protocol {
            Protocol::Original => verdict.row().original,
            Protocol::Enhanced => verdict.row().enhanced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(mode: AckMode, accept: &str, application: &str) -> (Protocol, When) {
        let raw = format!("MSH|^~\\&|||||||ADT^A01|1|P|2.5|||{accept}|{application}");
        let terms = Terms::of(mode, MshRaw::find(raw.as_bytes()).as_ref());
        (terms.protocol, terms.when)
    }

    #[test]
    fn in_auto_the_message_says_which_rules_hold() {
        use Protocol::{Enhanced, Original};
        use When::{Always, Never, OnRefusal, OnSuccess};
        for (accept, application, expected) in [
            ("", "", (Original, Always)),
            ("AL", "", (Enhanced, Always)),
            ("AL", "NE", (Enhanced, Always)),
            ("AL", "AL", (Enhanced, Always)),
            ("ER", "AL", (Enhanced, OnRefusal)),
            ("SU", "", (Enhanced, OnSuccess)),
            ("NE", "", (Enhanced, Never)),
            ("NE", "NE", (Original, Never)),
            ("", "NE", (Original, Never)),
            ("NE", "AL", (Original, Always)),
            ("", "AL", (Original, Always)),
            ("NE", "ER", (Original, OnRefusal)),
            ("0", "0^0", (Original, Always)),
        ] {
            assert_eq!(
                terms(AckMode::Auto, accept, application),
                expected,
                "{accept}|{application}"
            );
        }
    }

    #[test]
    fn a_listener_may_settle_the_rules_itself() {
        assert_eq!(terms(AckMode::Original, "NE", "NE"), (Protocol::Original, When::Always));
        assert_eq!(terms(AckMode::Enhanced, "", ""), (Protocol::Enhanced, When::Always));
        assert_eq!(terms(AckMode::Enhanced, "ER", ""), (Protocol::Enhanced, When::OnRefusal));
    }

    #[test]
    fn er_is_told_of_refusals_only_and_su_of_acceptance_only() {
        let er = Terms { protocol: Protocol::Enhanced, when: When::OnRefusal };
        assert!(er.owed(Verdict::NoSpace) && !er.owed(Verdict::Accepted));
        let su = Terms { protocol: Protocol::Enhanced, when: When::OnSuccess };
        assert!(su.owed(Verdict::Accepted) && !su.owed(Verdict::NoSpace));
        assert_eq!(su.code(Verdict::Accepted), "CA");
        assert_eq!(su.code(Verdict::NoSpace), "CE");
    }
}
