//! The verdicts on a message: one table, in code, in the journal (by number) and in
//! `docs/acknowledgement.md` (a test holds the two together).

use sluice_mappings::hl7::Location;

/// What was decided about a message when it came. The number stands in its journal record and
/// never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Verdict {
    Accepted = 1,
    KeptUnread = 2,

    Unreadable = 10,
    Batch = 11,
    MessageTypeMissing = 20,
    MessageTypeUnsupported = 21,
    EventUnsupported = 22,
    ControlIdMissing = 23,
    ControlIdTooLong = 24,
    ProcessingIdMissing = 25,
    ProcessingIdUnsupported = 26,
    TestMessage = 27,
    VersionMissing = 28,
    VersionUnsupported = 29,
    CharsetUnsupported = 30,
    PidMissing = 40,
    PatientIdMissing = 41,
    Pv1Missing = 42,
    MrgMissing = 43,
    MergedIdMissing = 44,
    MfiMissing = 45,
    MfeMissing = 46,
    SenderOfAnotherEj = 50,
    AuthorityOfAnotherEj = 51,
    SenderUnknown = 52,
    SenderOfAnotherClient = 53,
    FrameTooLarge = 60,

    Overloaded = 70,
    NoSpace = 71,
    Stopping = 72,
    EjStopped = 73,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// A closed set of names: metrics labels, ERR-7, lists.
    pub name: &'static str,
    /// MSA-1 in original mode.
    pub original: &'static str,
    /// MSA-1 of the accept acknowledgement in enhanced mode.
    pub enhanced: &'static str,
    /// ERR-3; `None` where the message is accepted.
    pub condition: Option<Condition>,
    /// ERR-2, unless the finding is more precise.
    pub at: Option<Location>,
    /// ERR-4.
    pub severity: &'static str,
    /// The same message can be taken later.
    pub transient: bool,
    /// ERR-8, and MSA-3 before v2.5. Quotes nothing of the message.
    pub text: &'static str,
}

/// Table 0357 (message error condition codes), those in use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    pub code: u16,
    pub text: &'static str,
}

pub(super) const SEGMENT_SEQUENCE: Condition =
    Condition { code: 100, text: "Segment sequence error" };
pub(super) const REQUIRED_FIELD: Condition =
    Condition { code: 101, text: "Required field missing" };
pub(super) const DATA_TYPE: Condition = Condition { code: 102, text: "Data type error" };
pub(super) const TABLE_VALUE: Condition = Condition { code: 103, text: "Table value not found" };
pub(super) const TOO_LONG: Condition = Condition { code: 104, text: "Value too long" };
const MESSAGE_TYPE: Condition = Condition { code: 200, text: "Unsupported message type" };
pub(super) const EVENT_CODE: Condition = Condition { code: 201, text: "Unsupported event code" };
const PROCESSING_ID: Condition = Condition { code: 202, text: "Unsupported processing id" };
const VERSION_ID: Condition = Condition { code: 203, text: "Unsupported version id" };
pub(super) const UNKNOWN_KEY: Condition = Condition { code: 204, text: "Unknown key identifier" };
pub(super) const DUPLICATE_KEY: Condition =
    Condition { code: 205, text: "Duplicate key identifier" };
pub(super) const ACCEPTED: Condition = Condition { code: 0, text: "Message accepted" };
/// In table 0357 from v2.7.1 on.
pub(super) const OTHER: Condition = Condition { code: 199, text: "Other HL7 error" };
pub(super) const INTERNAL: Condition = Condition { code: 207, text: "Application internal error" };

impl Verdict {
    pub const ALL: [Self; 31] = [
        Self::Accepted,
        Self::KeptUnread,
        Self::Unreadable,
        Self::Batch,
        Self::MessageTypeMissing,
        Self::MessageTypeUnsupported,
        Self::EventUnsupported,
        Self::ControlIdMissing,
        Self::ControlIdTooLong,
        Self::ProcessingIdMissing,
        Self::ProcessingIdUnsupported,
        Self::TestMessage,
        Self::VersionMissing,
        Self::VersionUnsupported,
        Self::CharsetUnsupported,
        Self::PidMissing,
        Self::PatientIdMissing,
        Self::Pv1Missing,
        Self::MrgMissing,
        Self::MergedIdMissing,
        Self::MfiMissing,
        Self::MfeMissing,
        Self::SenderOfAnotherEj,
        Self::AuthorityOfAnotherEj,
        Self::SenderUnknown,
        Self::SenderOfAnotherClient,
        Self::FrameTooLarge,
        Self::Overloaded,
        Self::NoSpace,
        Self::Stopping,
        Self::EjStopped,
    ];

    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The verdict of a journal record; `None` for a number that this version does not know.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.number() == number)
    }

    /// Whether the sender is told that its message was taken.
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::KeptUnread)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The table. Original mode: AR where MSH itself, the sender or the moment is refused, AE
    /// where the content is (HL7 v2.5.1 §2.9.2.2). Enhanced mode: CR and CE in the same sense,
    /// but CE for what is transient, since CR says "never" (§2.9.3).
    #[must_use]
    #[rustfmt::skip]
    pub const fn row(self) -> Row {
        match self {
            Self::Accepted => taken("accepted"),
            Self::KeptUnread => taken("kept_unread"),
            Self::Unreadable => reject("unreadable", SEGMENT_SEQUENCE, Location::segment(b"MSH"),
                "The message has no MSH segment that can be read"),
            Self::Batch => reject("batch", MESSAGE_TYPE, Location::segment(b"MSH"),
                "Batches are not taken, send single messages"),
            Self::MessageTypeMissing => reject("message_type_missing", REQUIRED_FIELD, Location::field(b"MSH", 9),
                "The message type is missing"),
            Self::MessageTypeUnsupported => reject("message_type_unsupported", MESSAGE_TYPE, Location::field(b"MSH", 9),
                "Messages of this type are not taken here"),
            Self::EventUnsupported => reject("event_unsupported", EVENT_CODE, Location::field(b"MSH", 9),
                "The trigger event is missing or is none"),
            Self::ControlIdMissing => content("control_id_missing", REQUIRED_FIELD, Location::field(b"MSH", 10),
                "The message control id is missing"),
            Self::ControlIdTooLong => content("control_id_too_long", DATA_TYPE, Location::field(b"MSH", 10),
                "The message control id is longer than 199 bytes"),
            Self::ProcessingIdMissing => reject("processing_id_missing", PROCESSING_ID, Location::field(b"MSH", 11),
                "The processing id is missing"),
            Self::ProcessingIdUnsupported => reject("processing_id_unsupported", PROCESSING_ID, Location::field(b"MSH", 11),
                "The processing id is none of P, T and D"),
            Self::TestMessage => reject("test_message", PROCESSING_ID, Location::field(b"MSH", 11),
                "Test messages are not taken in production"),
            Self::VersionMissing => reject("version_missing", VERSION_ID, Location::field(b"MSH", 12),
                "The version is missing"),
            Self::VersionUnsupported => reject("version_unsupported", VERSION_ID, Location::field(b"MSH", 12),
                "This version of HL7 is not supported"),
            Self::CharsetUnsupported => content("charset_unsupported", TABLE_VALUE, Location::field(b"MSH", 18),
                "The declared character set is not supported"),
            Self::PidMissing => content("pid_missing", SEGMENT_SEQUENCE, Location::segment(b"PID"),
                "The PID segment is missing"),
            Self::PatientIdMissing => content("patient_id_missing", REQUIRED_FIELD, Location::field(b"PID", 3),
                "The patient identifier is missing"),
            Self::Pv1Missing => content("pv1_missing", SEGMENT_SEQUENCE, Location::segment(b"PV1"),
                "The PV1 segment, which this event needs, is missing"),
            Self::MrgMissing => content("mrg_missing", SEGMENT_SEQUENCE, Location::segment(b"MRG"),
                "The MRG segment, which this event needs, is missing"),
            Self::MergedIdMissing => content("merged_id_missing", REQUIRED_FIELD, Location::field(b"MRG", 1),
                "The identifier that is merged is missing"),
            Self::MfiMissing => content("mfi_missing", SEGMENT_SEQUENCE, Location::segment(b"MFI"),
                "The MFI segment, which a master file notification needs, is missing"),
            Self::MfeMissing => content("mfe_missing", SEGMENT_SEQUENCE, Location::segment(b"MFE"),
                "A master file notification needs an MFE segment at least"),
            Self::SenderOfAnotherEj => reject("sender_of_another_ej", TABLE_VALUE, Location::field(b"MSH", 4),
                "The sending facility is another entity than this listener serves"),
            Self::AuthorityOfAnotherEj => reject("authority_of_another_ej", TABLE_VALUE, Location::field(b"PID", 3),
                "An identifier was assigned by another entity than this listener serves"),
            Self::SenderUnknown => reject("sender_unknown", TABLE_VALUE, Location::field(b"MSH", 4),
                "The sending facility is not declared here"),
            Self::SenderOfAnotherClient => reject("sender_of_another_client", TABLE_VALUE, Location::field(b"MSH", 4),
                "The client's certificate does not speak for the sending facility"),
            Self::FrameTooLarge => reject("frame_too_large", TOO_LONG, Location::segment(b"MSH"),
                "The message is larger than this listener takes"),
            Self::Overloaded => later("overloaded", "Too many messages wait, send again later"),
            Self::NoSpace => later("no_space", "There is no room to keep the message, send again later"),
            Self::Stopping => later("stopping", "The service is stopping, send again later"),
            Self::EjStopped => later("ej_stopped", "Messages for this entity are stopped, send again later"),
        }
    }
}

const fn taken(name: &'static str) -> Row {
    Row {
        name,
        original: "AA",
        enhanced: "CA",
        condition: None,
        at: None,
        severity: "I",
        transient: false,
        text: "",
    }
}

const fn reject(name: &'static str, condition: Condition, at: Location, text: &'static str) -> Row {
    Row {
        name,
        original: "AR",
        enhanced: "CR",
        condition: Some(condition),
        at: Some(at),
        severity: "E",
        transient: false,
        text,
    }
}

const fn content(
    name: &'static str,
    condition: Condition,
    at: Location,
    text: &'static str,
) -> Row {
    Row { original: "AE", enhanced: "CE", ..reject(name, condition, at, text) }
}

const fn later(name: &'static str, text: &'static str) -> Row {
    Row {
        name,
        original: "AR",
        enhanced: "CE",
        condition: Some(INTERNAL),
        at: None,
        severity: "E",
        transient: true,
        text,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn every_verdict_has_its_own_number_and_name() {
        for (index, verdict) in Verdict::ALL.into_iter().enumerate() {
            assert_eq!(Verdict::from_number(verdict.number()), Some(verdict));
            for other in &Verdict::ALL[index + 1..] {
                assert_ne!(verdict.as_str(), other.as_str());
                assert!(verdict < *other, "the table is in the order of its numbers");
            }
        }
        assert_eq!(Verdict::from_number(0), None);
    }

    #[test]
    fn what_is_transient_says_so_with_code_207_alone() {
        for verdict in Verdict::ALL {
            let row = verdict.row();
            let internal = row.condition == Some(INTERNAL);
            assert_eq!(row.transient, internal, "{verdict:?}");
            assert_eq!(verdict.is_accepted(), row.condition.is_none(), "{verdict:?}");
        }
    }

    #[test]
    fn the_documented_table_is_the_one_in_code() {
        let mut table = String::new();
        for verdict in Verdict::ALL {
            let row = verdict.row();
            let code = row.condition.map_or("–".to_owned(), |c| c.code.to_string());
            let at = row.at.map_or("–".to_owned(), |at| format!("`{}`", at.erl('^')));
            let transient = if row.transient { "yes" } else { "no" };
            let text = if row.text.is_empty() { "–" } else { row.text };
            writeln!(
                table,
                "| {} | `{}` | {} | {} | {code} | {at} | {transient} | {text} |",
                verdict.number(),
                row.name,
                row.original,
                row.enhanced,
            )
            .unwrap();
        }
        let page = include_str!("../../../docs/acknowledgement.md");
        assert!(page.contains(&table), "docs/acknowledgement.md should have:\n{table}");
    }
}
