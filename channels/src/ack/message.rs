//! The bytes of an acknowledgement (HL7 v2.5.1 §2.9.2, §2.15.5, §2.15.8, §2.15.9).
//!
//! Written in the sender's own terms: its separators, version and character set (what is quoted
//! of its MSH is copied byte by byte, the rest is ASCII). Sender and receiver change places.
//!
//! - MSH-9 is `ACK^A01^ACK` from v2.3.1 on, where the third component came; before, `ACK`: the
//!   event is not required of acknowledgements there, and old parsers compare the whole field.
//! - ERR follows MSA from v2.5 on, where it got its present form; before, the text is MSA-3.
//! - At most [`QUOTED_BYTES_MAX`] bytes of a field are quoted, and no control character, so
//!   that an answer cannot be made to break its own frame.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_ids::Micros;
use sluice_mappings::adt::{Issue, Severity};
use sluice_mappings::hl7::{Location, MshRaw, Separators};

use super::outcome::{condition, severity};
use super::verdict::Condition;
use super::{Outcome, Verdict};

/// Most bytes of one field of the sender's MSH that are quoted; a longer one is left out.
/// HL7 v2.7 gives MSH-10 199, and an HD in MSH-3 to 6 227 at most.
pub const QUOTED_BYTES_MAX: usize = 512;

/// Most issues that one acknowledgement tells of, the gravest first.
const ISSUES_TOLD_MAX: usize = 16;

/// Our own MSH-10: unique over restarts, since each start has its own time.
pub struct OwnControlIds {
    started_at: u64,
    last: AtomicU64,
}

impl OwnControlIds {
    #[must_use]
    pub const fn new(started_at: Micros) -> Self {
        Self { started_at: started_at.get().unsigned_abs(), last: AtomicU64::new(0) }
    }

    /// At most 20 characters (the length of MSH-10 up to v2.6): the start in base 36 (10 until
    /// the year 2085), and a count.
    pub(super) fn write_next(&self, out: &mut Vec<u8>) {
        base36(self.started_at, out);
        base36(self.last.fetch_add(1, Ordering::Relaxed) + 1, out);
    }
}

/// An acknowledgement that is owed.
pub struct Acknowledgement<'a> {
    /// The header of what is answered; `None` where none was found.
    pub msh: Option<MshRaw<'a>>,
    /// MSA-1.
    pub code: &'static str,
    pub says: Says<'a>,
    /// It comes after an accept acknowledgement, as a message of its own: MSH-15 and MSH-16 are
    /// NE. Nothing may be said to it at the application level (§2.9.3), and an accept
    /// acknowledgement of it would have nothing to release.
    pub of_its_own: bool,
    pub now: Micros,
}

/// What an acknowledgement tells.
#[derive(Clone, Copy)]
pub enum Says<'a> {
    /// And where in the message, if that is known better than the verdict's row tells.
    Verdict(Verdict, Option<Location>),
    /// And what was found in the message, warnings and errors: code and place, never a value.
    Outcome(Outcome, &'a [Issue]),
}

/// One ERR.
struct Told<'a> {
    at: Option<&'a Location>,
    condition: Condition,
    severity: &'static str,
    name: &'static str,
    text: &'static str,
}

impl Acknowledgement<'_> {
    /// The message, without frame.
    #[must_use]
    pub fn write(&self, own: &OwnControlIds) -> Bytes {
        let mut out = Vec::with_capacity(320);
        let separators = self.msh.map_or(Separators::DEFAULT, |msh| msh.separators());
        let version = self.version();
        self.write_msh(&mut out, separators, version, own);
        self.write_msa(&mut out, separators, version);
        if version.has_err() {
            self.write_errs(&mut out, separators);
        }
        Bytes::from(out)
    }

    fn write_msh(
        &self,
        out: &mut Vec<u8>,
        separators: Separators,
        version: Version,
        own: &OwnControlIds,
    ) {
        let field = separators.field();
        out.extend_from_slice(b"MSH");
        out.push(field);
        out.extend_from_slice(separators.encoding_characters().as_bytes());
        out.push(field);
        for swapped in [5, 6, 3, 4] {
            out.extend_from_slice(self.quoted(swapped));
            out.push(field);
        }
        write_time(self.now, out);
        out.extend_from_slice(&[field, field]);
        self.write_message_type(out, separators, version);
        out.push(field);
        own.write_next(out);
        out.push(field);
        or_else(out, self.quoted(11), b"P");
        out.push(field);
        or_else(out, self.quoted(12), b"2.5");
        let charset = self.quoted(18);
        if self.of_its_own {
            out.extend_from_slice(&[field; 3]);
            out.extend_from_slice(b"NE");
            out.push(field);
            out.extend_from_slice(b"NE");
        }
        if !charset.is_empty() {
            out.extend(std::iter::repeat_n(field, if self.of_its_own { 2 } else { 6 }));
            out.extend_from_slice(charset);
        }
        out.push(b'\r');
    }

    fn write_message_type(&self, out: &mut Vec<u8>, separators: Separators, version: Version) {
        out.extend_from_slice(b"ACK");
        let event = self.msh.map_or(&b""[..], |msh| msh.component(9, 2)).trim_ascii();
        let quotable =
            (1..=8).contains(&event.len()) && event.iter().all(u8::is_ascii_alphanumeric);
        if quotable && version.has_message_structure() {
            out.push(separators.component());
            out.extend_from_slice(event);
            out.push(separators.component());
            out.extend_from_slice(b"ACK");
        }
    }

    fn write_msa(&self, out: &mut Vec<u8>, separators: Separators, version: Version) {
        let field = separators.field();
        out.extend_from_slice(b"MSA");
        out.push(field);
        out.extend_from_slice(self.code.as_bytes());
        out.push(field);
        out.extend_from_slice(self.quoted(10));
        let text = match self.says {
            Says::Verdict(verdict, _) => verdict.row().text,
            Says::Outcome(outcome, _) => outcome.row().text,
        };
        if !version.has_err() && !text.is_empty() {
            out.push(field);
            write_text(text, separators, out);
        }
        out.push(b'\r');
    }

    fn write_errs(&self, out: &mut Vec<u8>, separators: Separators) {
        match &self.says {
            Says::Verdict(verdict, at) => {
                let row = verdict.row();
                let Some(condition) = row.condition else { return };
                let (at, severity) = (at.as_ref().or(row.at.as_ref()), row.severity);
                let told = Told { at, condition, severity, name: row.name, text: row.text };
                told.write(out, separators);
            }
            Says::Outcome(outcome, issues) => {
                let row = outcome.row();
                if let Some(condition) = row.condition {
                    let (name, text) = (row.name, row.text);
                    let told = Told { at: None, condition, severity: row.severity, name, text };
                    told.write(out, separators);
                }
                let of = |severity| issues.iter().filter(move |issue| issue.severity == severity);
                let told = of(Severity::Error).chain(of(Severity::Warning));
                for issue in told.take(ISSUES_TOLD_MAX) {
                    Told::issue(issue).write(out, separators);
                }
            }
        }
    }

    /// A field of the sender's MSH as it came; empty where there is none that may be quoted.
    fn quoted(&self, n: usize) -> &[u8] {
        let raw = self.msh.map_or(&b""[..], |msh| msh.field(n));
        let harmless =
            raw.len() <= QUOTED_BYTES_MAX && raw.iter().all(|b| *b >= b' ' && *b != 0x7F);
        if harmless { raw } else { b"" }
    }

    fn version(&self) -> Version {
        self.msh.map_or(Version::USUAL, |msh| Version::of(msh.component(12, 1)))
    }
}

impl<'a> Told<'a> {
    fn issue(issue: &'a Issue) -> Self {
        // The name of a segment that nobody knows is whatever the sender wrote there.
        let is_name = issue.at.segment_name().bytes().all(|b| b.is_ascii_alphanumeric());
        Self {
            at: Some(&issue.at).filter(|_| is_name),
            condition: condition(issue.code),
            severity: severity(issue.severity),
            name: issue.code.as_str(),
            text: issue.code.meaning(),
        }
    }

    fn write(&self, out: &mut Vec<u8>, separators: Separators) {
        let field = separators.field();
        let component = separators.component();
        out.extend_from_slice(b"ERR");
        out.extend_from_slice(&[field, field]);
        if let Some(at) = self.at {
            out.extend_from_slice(at.erl(char::from(component)).as_bytes());
        }
        out.push(field);
        out.extend_from_slice(self.condition.code.to_string().as_bytes());
        out.push(component);
        write_text(self.condition.text, separators, out);
        out.push(component);
        out.extend_from_slice(b"HL70357");
        out.push(field);
        out.extend_from_slice(self.severity.as_bytes());
        out.extend_from_slice(&[field; 3]);
        write_text(self.name, separators, out);
        out.push(field);
        write_text(self.text, separators, out);
        out.push(b'\r');
    }
}

/// MSH-12.1 as numbers, to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u16; 3]);

impl Version {
    /// Answers a message that does not tell its own.
    const USUAL: Self = Self([2, 5, 0]);

    fn of(raw: &[u8]) -> Self {
        let mut numbers = [0; 3];
        let text = std::str::from_utf8(raw.trim_ascii()).unwrap_or_default();
        for (at, part) in text.split('.').enumerate() {
            match (numbers.get_mut(at), part.parse()) {
                (Some(number), Ok(value)) => *number = value,
                _ => return Self::USUAL,
            }
        }
        Self(numbers)
    }

    fn has_message_structure(self) -> bool {
        self >= Self([2, 3, 1])
    }

    fn has_err(self) -> bool {
        self >= Self([2, 5, 0])
    }
}

/// `20261120035714+0000`: our clock, in UTC, so that no zone has to be guessed.
pub(super) fn write_time(at: Micros, out: &mut Vec<u8>) {
    let at = Timestamp::from_microsecond(at.get()).unwrap_or(Timestamp::UNIX_EPOCH);
    let time = TimeZone::UTC.to_datetime(at);
    let year = time.year().clamp(0, 9999).unsigned_abs();
    for pair in [year / 100, year % 100] {
        two_digits(pair, out);
    }
    for pair in [time.month(), time.day(), time.hour(), time.minute(), time.second()] {
        two_digits(u16::from(pair.unsigned_abs()), out);
    }
    out.extend_from_slice(b"+0000");
}

fn two_digits(pair: u16, out: &mut Vec<u8>) {
    let digit = |value: u16| b'0' + u8::try_from(value % 10).unwrap_or(0);
    out.extend_from_slice(&[digit(pair / 10), digit(pair)]);
}

/// Our own words, with a blank where the sender made a separator of one of their characters.
fn write_text(text: &str, separators: Separators, out: &mut Vec<u8>) {
    let taken = [
        separators.field(),
        separators.component(),
        separators.repetition(),
        separators.escape(),
        separators.subcomponent(),
        separators.truncation(),
    ];
    out.extend(text.bytes().map(|b| if taken.contains(&b) { b' ' } else { b }));
}

fn or_else(out: &mut Vec<u8>, quoted: &[u8], otherwise: &[u8]) {
    out.extend_from_slice(if quoted.is_empty() { otherwise } else { quoted });
}

fn base36(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 13];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(value % 36) as usize];
        value /= 36;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sluice_mappings::adt::IssueCode;
    use sluice_mappings::hl7::{Defect, DefectKind, Message};

    use super::*;
    use crate::ack::{AckMode, AckWhen, Terms};

    fn answer(raw: &[u8], verdict: Verdict) -> String {
        let msh = MshRaw::find(raw);
        let terms = Terms::of(AckMode::Auto, AckWhen::Stored, msh.as_ref());
        let code = terms.at_once(verdict).unwrap();
        written(Acknowledgement {
            msh,
            code,
            says: Says::Verdict(verdict, None),
            of_its_own: false,
            now: NOW,
        })
    }

    const NOW: Micros = Micros::new(1_795_147_034_000_000);

    fn written(acknowledgement: Acknowledgement<'_>) -> String {
        let bytes = acknowledgement.write(&OwnControlIds::new(NOW));
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn an_application_acknowledgement_tells_place_and_code_and_asks_for_no_answer() {
        let raw = b"MSH|^~\\&|A|F|||20260101||ADT^A01^ADT_A01|7|P|2.5|||AL|AL||8859/1\r";
        let issues = [
            Issue::new(IssueCode::CodeUnknown, Location::field(b"PV1", 2)),
            Issue::new(IssueCode::TimeUnreadable, Location::field(b"PV1", 44)),
            Issue::new(IssueCode::FieldMissing, Location::field(b"PID", 3)),
            Issue::new(IssueCode::ValueCut, Location::field(b"\x02|^", 1)),
        ];
        let says = Says::Outcome(Outcome::AppliedInPart, &issues);
        let msh = MshRaw::find(raw);
        let text = written(Acknowledgement { msh, code: "AE", says, of_its_own: true, now: NOW });
        let (header, rest) = text.split_once('\r').unwrap();
        assert!(header.ends_with("|P|2.5|||NE|NE||8859/1"), "{header}");
        assert_eq!(
            rest,
            "MSA|AE|7\r\
             ERR||PID^1^3|101^Required field missing^HL70357|E|||field_missing|A required field is empty.\r\
             ERR||PV1^1^44|102^Data type error^HL70357|W|||time_unreadable|A time that cannot be read; left out.\r\
             ERR|||104^Value too long^HL70357|W|||value_cut|A value or a list longer than a record keeps; the rest left out.\r"
        );
    }

    #[test]
    fn before_v2_5_an_application_acknowledgement_has_its_text_in_msa_3() {
        let raw = b"MSH|^~\\&|A|F|||20260101||ADT^A01|7|P|2.3\r";
        let says = Says::Outcome(Outcome::SetAside, &[]);
        let msh = MshRaw::find(raw);
        let text = written(Acknowledgement { msh, code: "AR", says, of_its_own: false, now: NOW });
        assert!(
            text.ends_with("MSA|AR|7|The message could not be applied and was set aside\r"),
            "{text}"
        );
    }

    #[test]
    fn an_acceptance_is_in_the_senders_terms() {
        let raw = b"MSH|^~\\&|APP|FAC|SLU|CHU|20260101||ADT^A01^ADT_A01|00X\\T\\7|P|2.5^FRA^2.11||||||8859/15\r";
        assert_eq!(
            answer(raw, Verdict::Accepted),
            "MSH|^~\\&|SLU|CHU|APP|FAC|20261120035714+0000||ACK^A01^ACK|HOBR5UPY0W1|P|2.5^FRA^2.11||||||8859/15\rMSA|AA|00X\\T\\7\r"
        );
    }

    #[test]
    fn a_refusal_from_v2_5_on_has_an_err_segment() {
        let raw = b"MSH|^~\\&|A|F|||20260101||ORU^R01^ORU_R01|7|P|2.5\r";
        let answer = answer(raw, Verdict::MessageTypeUnsupported);
        let (_, rest) = answer.split_once("MSA").unwrap();
        assert_eq!(
            rest,
            "|AR|7\rERR||MSH^1^9|200^Unsupported message type^HL70357|E|||message_type_unsupported|Messages of this type are not taken here\r"
        );
    }

    #[test]
    fn a_refusal_before_v2_5_has_its_text_in_msa_3() {
        let raw = b"MSH|^~\\&|A|F|||20260101||ADT^A01|7|P|2.3\r";
        let answer = answer(raw, Verdict::PatientIdMissing);
        assert!(answer.contains("||ACK|"), "no event before v2.3.1");
        assert!(answer.ends_with("MSA|AE|7|The patient identifier is missing\r"));
    }

    #[test]
    fn the_senders_separators_are_used_and_never_stand_in_our_words() {
        let raw = b"MSH#_-'%#A#F###20260101##ADT_A01#7#P#2.5##\r";
        let answer = answer(raw, Verdict::MessageTypeUnsupported);
        assert!(answer.starts_with("MSH#_-'%#"));
        let message = Message::index(&answer).unwrap();
        assert_eq!(message.segment("ERR").field(3).component(1).text(), "200");
        assert_eq!(message.segment("ERR").field(7).raw(), "message type unsupported");
    }

    #[test]
    fn a_message_without_a_header_is_answered_all_the_same() {
        let answer = answer(b"hello", Verdict::Unreadable);
        assert!(answer.starts_with("MSH|^~\\&|||||20261120035714+0000||ACK|"));
        assert!(answer.contains("|P|2.5\rMSA|AR|\rERR||MSH^1|100^"));
    }

    #[test]
    fn what_could_break_the_answers_frame_is_not_quoted() {
        let mut raw = b"MSH|^~\\&|A|F|||20260101||ADT^A01|7\x1c8|P|2.5\r".to_vec();
        assert!(answer(&raw, Verdict::Accepted).ends_with("MSA|AA|\r"));
        let long = "9".repeat(QUOTED_BYTES_MAX + 1);
        raw = format!("MSH|^~\\&|A|F|||20260101||ADT^A01|{long}|P|2.5\r").into_bytes();
        assert!(answer(&raw, Verdict::Accepted).ends_with("MSA|AA|\r"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever came, the answer is one readable message that can be framed, and gives
        /// MSH-10 back byte by byte where it may be quoted.
        #[test]
        fn an_answer_is_readable_whatever_came(
            separators in "[!-/:-@\\[-`{-~]{0,6}",
            fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..20),
            which in 0..Verdict::ALL.len(),
        ) {
            let mut raw = b"MSH".to_vec();
            raw.extend_from_slice(separators.as_bytes());
            let field = separators.bytes().next().unwrap_or(b'|');
            for text in &fields {
                raw.push(field);
                raw.extend_from_slice(text);
            }
            let msh = MshRaw::find(&raw);
            let own = OwnControlIds::new(Micros::new(1));
            let verdict = Verdict::ALL[which];
            let (code, says) = (verdict.row().original, Says::Verdict(verdict, None));
            let of_its_own = which % 2 == 0;
            let now = Micros::new(1);
            let bytes = Acknowledgement { msh, code, says, of_its_own, now }.write(&own);
            prop_assert!(bytes.iter().all(|b| !matches!(b, 0x0B | 0x1C | b'\n')));
            let text = String::from_utf8_lossy(&bytes);
            let message = Message::index(&text).unwrap();
            // The sender's separators are its own: there may be few of them.
            let ours = |d: &&Defect| d.kind != DefectKind::EncodingCharactersShort;
            prop_assert!(!message.defects().iter().any(|d| ours(&d)), "{:?}", message.defects());
            prop_assert_eq!(message.segment("MSA").field(1).raw(), code);
            let written = MshRaw::find(&bytes).unwrap();
            prop_assert!(!written.control_id().is_empty());
            let line = bytes.split(|b| *b == b'\r').nth(1).unwrap_or_default();
            let quoted = line.split(|b| *b == written.separators().field()).nth(2);
            let control_id = msh.map_or(&b""[..], |msh| msh.control_id());
            if control_id.iter().all(|b| *b >= b' ' && *b != 0x7F) {
                prop_assert_eq!(quoted, Some(control_id));
            }
        }
    }

    #[test]
    fn own_control_ids_differ_and_fit_in_20_characters() {
        let own = OwnControlIds::new(Micros::new(1_795_147_034_000_000));
        let (mut one, mut other) = (Vec::new(), Vec::new());
        own.write_next(&mut one);
        own.last.store(36_u64.pow(9), Ordering::Relaxed);
        own.write_next(&mut other);
        assert_ne!(one, other);
        assert!(other.len() <= 20, "{}", other.len());
    }
}
