//! What became of an accepted message when it was applied, as its sender is told: one table, in
//! code and in `docs/acknowledgement.md` (a test holds the two together).

use sluice_mappings::adt::{Issue, IssueCode, Severity};

use super::verdict::{
    ACCEPTED, Condition, DATA_TYPE, DUPLICATE_KEY, EVENT_CODE, INTERNAL, OTHER, REQUIRED_FIELD,
    SEGMENT_SEQUENCE, TABLE_VALUE, TOO_LONG, UNKNOWN_KEY,
};

/// How applying a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It changed records, or found them so.
    Applied,
    /// Part of it could not be applied: its issues say which.
    AppliedInPart,
    /// Understood, and nothing to do by the rules.
    NoEffect,
    /// Nothing of it could be applied: its issues say why.
    NotApplied,
    NotMapped,
    KeptUnread,
    Filtered,
    /// The journal has it twice, and the first one's end is not known any more.
    Repeated,
    SetAside,
    /// Not known in time.
    Pending,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeRow {
    /// A closed set of names: metrics labels, ERR-7.
    pub name: &'static str,
    /// MSA-1.
    pub code: &'static str,
    /// ERR-3 of the ERR that tells of the message as a whole; `None` where its issues say it all.
    pub condition: Option<Condition>,
    /// ERR-4 of that.
    pub severity: &'static str,
    /// ERR-8 of that, and MSA-3 before v2.5.
    pub text: &'static str,
}

impl Outcome {
    pub const ALL: [Self; 10] = [
        Self::Applied,
        Self::AppliedInPart,
        Self::NoEffect,
        Self::NotApplied,
        Self::NotMapped,
        Self::KeptUnread,
        Self::Filtered,
        Self::Repeated,
        Self::SetAside,
        Self::Pending,
    ];

    /// Of a message that was applied, by what was found in it. Some issues mean that what it is
    /// about could not be told, or was left alone: then AA would be a lie.
    #[must_use]
    pub fn of_applied(issues: &[Issue]) -> Self {
        if issues.iter().any(leaves_out) { Self::AppliedInPart } else { Self::Applied }
    }

    /// Of a message that changed nothing.
    #[must_use]
    pub fn of_no_effect(issues: &[Issue]) -> Self {
        let fault = |issue: &Issue| {
            issue.severity >= Severity::Warning && issue.code != IssueCode::MovementHeld
        };
        if issues.iter().any(fault) { Self::NotApplied } else { Self::NoEffect }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Whether MSA-1 is AA.
    #[must_use]
    pub const fn is_success(self) -> bool {
        !matches!(self, Self::AppliedInPart | Self::NotApplied | Self::SetAside | Self::Pending)
    }

    /// The table. AE: something in its content kept it, or part of it, from being applied. AR:
    /// it was not applied, for a reason that is not in its content (HL7 v2.5.1 §2.9.2.2).
    #[must_use]
    #[rustfmt::skip]
    pub const fn row(self) -> OutcomeRow {
        match self {
            Self::Applied => row("applied", "AA", None, "I", ""),
            Self::AppliedInPart => row("applied_in_part", "AE", None, "E",
                "The message was applied, but not all of it"),
            Self::NoEffect => row("no_effect", "AA", None, "I", ""),
            Self::NotApplied => row("not_applied", "AE", None, "E",
                "The message changed nothing, since what it is about is not so"),
            Self::NotMapped => row("not_mapped", "AA", Some(ACCEPTED), "I",
                "The message is kept; its event has no effect in this version"),
            Self::KeptUnread => row("kept_unread", "AA", Some(ACCEPTED), "I",
                "The message is kept; its type has no effect here"),
            Self::Filtered => row("filtered", "AA", Some(ACCEPTED), "I",
                "The message is kept; the rules of its channel leave it without effect"),
            Self::Repeated => row("repeated", "AA", Some(ACCEPTED), "I",
                "The same message was taken before"),
            Self::SetAside => row("set_aside", "AR", Some(OTHER), "E",
                "The message could not be applied and was set aside"),
            Self::Pending => row("pending", "AR", Some(INTERNAL), "E",
                "The message is kept and not yet applied, send it again to be told"),
        }
    }
}

/// Told as warnings where the message was applied.
fn leaves_out(issue: &Issue) -> bool {
    issue.severity == Severity::Error
        || matches!(issue.code, IssueCode::StayAmbiguous | IssueCode::StayOfOtherPatient)
}

/// ERR-3 of an issue.
pub(super) const fn condition(code: IssueCode) -> Condition {
    use IssueCode as I;
    match code {
        I::FieldMissing | I::ZbeMissing => REQUIRED_FIELD,
        I::StructureBroken => SEGMENT_SEQUENCE,
        I::TimeUnreadable | I::NumberUnreadable => DATA_TYPE,
        I::CodeUnknown | I::CharsetLies => TABLE_VALUE,
        I::ValueCut | I::StructureTooLarge => TOO_LONG,
        I::EventNotMapped => EVENT_CODE,
        I::StayAmbiguous
        | I::StayNotFound
        | I::NothingToCancel
        | I::MovementHeld
        | I::MergeLoserUnknown
        | I::MergeSurvivorUnknown
        | I::RelationUnknown => UNKNOWN_KEY,
        I::StayOfOtherPatient
        | I::MergeWithSelf
        | I::MergeLoserElsewhere
        | I::IdentifierTaken
        | I::ControlIdReused => DUPLICATE_KEY,
        _ => OTHER,
    }
}

/// ERR-4 of an issue.
pub(super) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Information => "I",
        Severity::Warning => "W",
        Severity::Error => "E",
    }
}

const fn row(
    name: &'static str,
    code: &'static str,
    condition: Option<Condition>,
    severity: &'static str,
    text: &'static str,
) -> OutcomeRow {
    OutcomeRow { name, code, condition, severity, text }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use sluice_mappings::hl7::Location;

    use super::*;

    #[test]
    fn only_what_is_pending_says_send_again() {
        for outcome in Outcome::ALL {
            let row = outcome.row();
            assert_eq!(row.condition == Some(INTERNAL), outcome == Outcome::Pending);
            assert_eq!(outcome.is_success(), row.code == "AA", "{outcome:?}");
        }
    }

    #[test]
    fn what_could_not_be_done_is_an_error_and_what_was_not_to_be_done_is_none() {
        let found = |codes: &[IssueCode]| -> Vec<Issue> {
            codes.iter().map(|code| Issue::new(*code, Location::segment(b"PV1"))).collect()
        };
        for (codes, applied, no_effect) in [
            (&[][..], Outcome::Applied, Outcome::NoEffect),
            (&[IssueCode::StayNotFound], Outcome::Applied, Outcome::NoEffect),
            (&[IssueCode::TimeUnreadable], Outcome::Applied, Outcome::NotApplied),
            (&[IssueCode::MovementHeld], Outcome::Applied, Outcome::NoEffect),
            (&[IssueCode::NothingToCancel], Outcome::Applied, Outcome::NotApplied),
            (&[IssueCode::StayAmbiguous], Outcome::AppliedInPart, Outcome::NotApplied),
            (&[IssueCode::FieldMissing], Outcome::AppliedInPart, Outcome::NotApplied),
        ] {
            let issues = found(codes);
            assert_eq!(Outcome::of_applied(&issues), applied, "{codes:?}");
            assert_eq!(Outcome::of_no_effect(&issues), no_effect, "{codes:?}");
        }
    }

    #[test]
    fn the_documented_tables_are_those_in_code() {
        let page = include_str!("../../../docs/acknowledgement.md");
        let mut table = String::new();
        for outcome in Outcome::ALL {
            let row = outcome.row();
            let condition = row.condition.map_or("–".to_owned(), |c| c.code.to_string());
            let text = if row.text.is_empty() { "–" } else { row.text };
            writeln!(table, "| `{}` | {} | {condition} | {text} |", row.name, row.code).unwrap();
        }
        assert!(page.contains(&table), "docs/acknowledgement.md should have:\n{table}");
        let mut table = String::new();
        for code in IssueCode::ALL.iter().filter(|c| c.severity() >= Severity::Warning) {
            let condition = condition(*code);
            let severity = severity(code.severity());
            writeln!(table, "| `{}` | {severity} | {} |", code.as_str(), condition.code).unwrap();
        }
        assert!(page.contains(&table), "docs/acknowledgement.md should have:\n{table}");
    }
}
