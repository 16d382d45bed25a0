//! The structural verdict: can this message be taken at all? By its header, its charset, and
//! the segments and fields without which it says nothing. Pure; what the message *means* is
//! decided when it is applied.
//!
//! The order of the checks is the order in which a sender would mend them: whose it is, the
//! header, then the content.

use std::borrow::Cow;

use sluice_channels::ack::{Verdict, is_acknowledgement};
use sluice_mappings::adt::Trigger;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::hl7::{
    Declared, DefectKind, Location, Message, Msh, MshRaw, Unreadable, Value, charset,
};

use crate::identity::{Directory, Door};
use crate::settings::Unserved;

/// HL7's own lengths: 20 up to v2.6, 199 from v2.7 on. Beyond is no control id.
const CONTROL_ID_BYTES_MAX: usize = 199;

const VERSIONS: [&str; 15] = [
    "2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1",
    "2.8.2", "2.9", "2.9.1",
];

/// MFN^M05, the structure: the one event of its type that is served.
const STRUCTURE: &str = "M05";

/// What was found out about a frame.
#[derive(Debug)]
pub struct Judged<'a> {
    pub msh: Option<MshRaw<'a>>,
    /// Its EJ's position in the directory; the channel's first where that cannot be told.
    pub party: usize,
    pub finding: Finding,
    /// `[A01, A62]` as 1 to 62; 0 for any other.
    pub event: u8,
    /// It goes before routine ones.
    pub urgent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// An acknowledgement: never answered.
    Acknowledgement,
    /// A verdict, and its place where the verdict's own is not precise enough.
    Verdict(Verdict, Option<Location>),
}

/// Judges a message by itself, as its EJ's own channel would: what `sluice inspect` shows. The
/// EJ is taken to be the only one, and an acknowledgement, which is never answered, passes.
#[must_use]
pub fn judge_alone(entity: &LegalEntity, frame: &[u8]) -> (Verdict, Option<Location>) {
    let directory = Directory::new(std::slice::from_ref(entity), &[]);
    let door = Door::to(0);
    match judge(&directory, &door, Unserved::Refuse, frame).finding {
        Finding::Acknowledgement => (Verdict::Accepted, None),
        Finding::Verdict(verdict, at) => (verdict, at),
    }
}

/// Judges a frame that came in through `door`.
#[must_use]
pub fn judge<'a>(
    directory: &Directory,
    door: &Door,
    unserved: Unserved,
    frame: &'a [u8],
) -> Judged<'a> {
    let party = directory.fallback(door);
    let verdict = |verdict| Finding::Verdict(verdict, None);
    let Some(msh) = MshRaw::find(frame) else {
        let finding = verdict(if is_batch(frame) { Verdict::Batch } else { Verdict::Unreadable });
        let urgent = door.urgency.is_of(None);
        return Judged { msh: None, party, finding, event: 0, urgent };
    };
    let judged = |party, finding| Judged {
        msh: Some(msh),
        party,
        finding,
        event: event_number(msh.component(9, 2)),
        urgent: door.urgency.is_of(None),
    };
    if is_acknowledgement(&msh, frame) {
        return judged(party, Finding::Acknowledgement);
    }
    let party = match directory.receiver(door, &msh) {
        Ok(party) => party,
        Err(refused) => return judged(party, verdict(refused)),
    };
    let decoded = charset::decode(frame, msh.charset(), directory.party(party).charset);
    let message = match Message::index(&decoded.text) {
        Ok(message) => message,
        Err(Unreadable::Batch) => return judged(party, verdict(Verdict::Batch)),
        Err(_) => return judged(party, verdict(Verdict::Unreadable)),
    };
    let test_messages = directory.party(party).test_messages;
    let header = header(&message, test_messages, unserved);
    let finding = match header {
        Err(refused) => verdict(refused),
        Ok(Verdict::Accepted) if decoded.declared == Declared::Unsupported => {
            verdict(Verdict::CharsetUnsupported)
        }
        Ok(Verdict::Accepted) => match directory.foreign_identifier(&message, party) {
            Some(at) => Finding::Verdict(Verdict::AuthorityOfAnotherEj, Some(at)),
            None => verdict(content(&message).err().unwrap_or(Verdict::Accepted)),
        },
        Ok(kept) => verdict(kept),
    };
    Judged { urgent: door.urgency.is_of(Some(&message)), ..judged(party, finding) }
}

fn is_batch(frame: &[u8]) -> bool {
    let start = frame.trim_ascii_start();
    start.starts_with(b"FHS") || start.starts_with(b"BHS")
}

fn header(
    message: &Message<'_>,
    test_messages: bool,
    unserved: Unserved,
) -> Result<Verdict, Verdict> {
    // A second MSH would be a message that nobody answers.
    let several = |kind| matches!(kind, DefectKind::SecondMsh | DefectKind::BatchSegment);
    if message.defects().iter().any(|defect| several(defect.kind))
        || message.segments_named("MSH").nth(1).is_some()
    {
        return Err(Verdict::Batch);
    }
    let msh = Msh::of(message);
    let version = msh.version();
    if version.is_empty() {
        return Err(Verdict::VersionMissing);
    }
    if !VERSIONS.contains(&&*version) {
        return Err(Verdict::VersionUnsupported);
    }
    let served = match &*msh.message_code() {
        "" => return Err(Verdict::MessageTypeMissing),
        "ADT" => true,
        // MSH-9.3 is never asked for: the specification's own example says MFM_M05.
        "MFN" if msh.trigger_event() == STRUCTURE => true,
        "MFN" if unserved == Unserved::Refuse => return Err(Verdict::EventUnsupported),
        _ if unserved == Unserved::Refuse => return Err(Verdict::MessageTypeUnsupported),
        _ => false,
    };
    match &*msh.processing_id() {
        "" => return Err(Verdict::ProcessingIdMissing),
        "P" => {}
        "T" | "D" if test_messages => {}
        "T" | "D" => return Err(Verdict::TestMessage),
        _ => return Err(Verdict::ProcessingIdUnsupported),
    }
    let control_id = msh.control_id();
    if control_id.trim().is_empty() {
        return Err(Verdict::ControlIdMissing);
    }
    if control_id.len() > CONTROL_ID_BYTES_MAX {
        return Err(Verdict::ControlIdTooLong);
    }
    if !served {
        return Ok(Verdict::KeptUnread);
    }
    if !is_event(&trigger_event(message)) {
        return Err(Verdict::EventUnsupported);
    }
    Ok(Verdict::Accepted)
}

/// What the events that are mapped cannot do without. Events that are not mapped are kept as
/// they are: nothing is asked of them.
fn content(message: &Message<'_>) -> Result<(), Verdict> {
    let event = trigger_event(message);
    if Msh::of(message).message_code() == "MFN" {
        return structure(message);
    }
    let Some(event) = Trigger::parse(event.trim()) else { return Ok(()) };
    if event == Trigger::A20 {
        return Ok(());
    }
    let pid = message.segment("PID");
    if !pid.exists() {
        return Err(Verdict::PidMissing);
    }
    if !names_somebody(pid.field(3)) {
        return Err(Verdict::PatientIdMissing);
    }
    if event.wants_pv1() && !message.segment("PV1").exists() {
        return Err(Verdict::Pv1Missing);
    }
    if event.wants_mrg() {
        let mrg = message.segment("MRG");
        if !mrg.exists() {
            return Err(Verdict::MrgMissing);
        }
        if event.merges_patients() && !names_somebody(mrg.field(1)) {
            return Err(Verdict::MergedIdMissing);
        }
    }
    Ok(())
}

/// A structure without an entry would be none, and close what is there.
fn structure(message: &Message<'_>) -> Result<(), Verdict> {
    if !message.segment("MFI").exists() {
        return Err(Verdict::MfiMissing);
    }
    if !message.segment("MFE").exists() {
        return Err(Verdict::MfeMissing);
    }
    Ok(())
}

/// Some repetition has a CX-1 that is neither empty nor `""`.
fn names_somebody(field: sluice_mappings::hl7::Field<'_>) -> bool {
    field.repetitions().any(|repetition| {
        let number = repetition.component(1).value();
        matches!(number, Value::Text(text) if !text.trim().is_empty())
    })
}

/// MSH-9.2, or EVN-1 where that is empty, as the mapping reads it.
fn trigger_event<'a>(message: &'a Message<'_>) -> Cow<'a, str> {
    let event = Msh::of(message).trigger_event();
    if event.is_empty() { message.segment("EVN").field(1).component(1).text() } else { event }
}

/// A letter and two letters or digits (§2.16.3).
fn is_event(code: &str) -> bool {
    let code = code.trim();
    let alphanumeric = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    matches!(code.as_bytes(), [first, rest @ ..]
        if first.is_ascii_uppercase() && rest.len() == 2 && rest.iter().all(alphanumeric))
}

fn event_number(code: &[u8]) -> u8 {
    match code.trim_ascii() {
        [b'A', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            let number = (tens - b'0') * 10 + ones - b'0';
            if number <= 62 { number } else { 0 }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sluice_channels::{ChannelSettings, MllpSource, SourceSettings};
    use sluice_ids::{ChannelId, EjId};
    use sluice_mappings::entity::{EjSettings, LegalEntity};

    use super::*;

    fn directory() -> Directory {
        let json = serde_json::json!({ "id": "EJ1", "name": "EJ1", "finess": "699000014" });
        let settings: EjSettings = serde_json::from_value(json).unwrap();
        let source = SourceSettings::Mllp(MllpSource::at("127.0.0.1:0".parse().unwrap()));
        let (id, ej) = (ChannelId::new("EJ1.mllp").unwrap(), EjId::new("EJ1").unwrap());
        let channel = ChannelSettings::new(id, vec![ej], source);
        Directory::new(&[LegalEntity::new(settings).unwrap()], &[channel])
    }

    fn finding(directory: &Directory, frame: &[u8]) -> Finding {
        let door = directory.door(ChannelId::new("EJ1.mllp").unwrap()).unwrap();
        judge(directory, door, Unserved::Refuse, frame).finding
    }

    proptest! {
        /// Bytes of a message, changed anywhere: judging never panics, and an accepted message
        /// still has what it needs.
        #[test]
        fn any_bytes_are_judged(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A40^ADT_A39|1|P|2.5||||||8859/1\rEVN||2026\r\
                PID|||1^^^X~2^^^Y||DOE^J\xc3\xa9\rMRG|3^^^X\rPV1||I";
            let mut frame = whole.to_vec();
            for (at, byte) in changes {
                let at = at.index(frame.len());
                frame[at] = byte;
            }
            frame.truncate(cut.index(whole.len() * 2).max(1).min(whole.len()));
            let directory = directory();
            if finding(&directory, &frame) == Finding::Verdict(Verdict::Accepted, None) {
                prop_assert!(frame.starts_with(b"MSH"));
                prop_assert!(!MshRaw::find(&frame).unwrap().control_id().is_empty());
            }
        }
    }

    #[test]
    fn events_are_counted_by_number_and_all_others_as_one() {
        for (code, number) in [("A01", 1), ("A62", 62), ("A63", 0), ("Z99", 0), ("", 0), ("A1", 0)]
        {
            assert_eq!(event_number(code.as_bytes()), number, "{code}");
        }
    }
}
