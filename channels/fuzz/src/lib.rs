//! What is held of any bytes at all. Each function takes what a fuzzer makes up and panics where
//! something does not hold; `channels/tests/fuzzed.rs` runs the same over the seeds and what
//! becomes of them, without a fuzzer.

use std::time::{Duration, Instant};

use sluice_channels::mllp::{Event, FrameDecoder, FrameLimits};
use sluice_channels::steps::{Passed, StepSettings, Steps};
use sluice_mappings::deidentify::{Key, deidentify};
use sluice_mappings::hl7::escape::{escape, unescape};
use sluice_mappings::hl7::octets::{Edit, edit};
use sluice_mappings::hl7::{Charset, Location, Message, MshRaw, batch, decode_message};

/// Operations that a script may take here: enough to reach every bound on sizes.
const OPERATIONS_MAX: u64 = 5_000;

/// A stream of bytes, cut into reads: the cut never matters, nothing is held beyond the limits, and
/// every byte of a frame comes out once.
pub fn frame(data: &[u8]) {
    let limits = FrameLimits {
        frame_bytes_max: 64,
        skip_bytes_max: 256,
        junk_bytes_max: 48,
        frame_deadline: Duration::from_secs(60),
        end_grace: Duration::from_millis(10),
    };
    let Some((cut, stream)) = data.split_first() else { return };
    let whole = decoded(limits, &[stream]);
    let pieces: Vec<&[u8]> = stream.chunks(usize::from(cut % 32) + 1).collect();
    assert_eq!(whole, decoded(limits, &pieces), "the cut matters");
    let framed: usize = whole
        .iter()
        .map(|event| match event {
            Ok(Event::Frame(frame)) => frame.len(),
            _ => 0,
        })
        .sum();
    assert!(framed <= stream.len());
}

fn decoded(
    limits: FrameLimits,
    pieces: &[&[u8]],
) -> Vec<Result<Event, sluice_channels::mllp::Violation>> {
    let now = Instant::now();
    let mut decoder = FrameDecoder::new(limits);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.buffer_mut().extend_from_slice(piece);
        while let Some(event) = decoder.next(now) {
            if let Ok(Event::Frame(frame)) = &event {
                assert!(frame.len() <= limits.frame_bytes_max);
            }
            events.push(event);
        }
    }
    events.extend(decoder.finish().map(Ok));
    events
}

/// A file and each message in it: places are where they should be, whatever is read is a part of
/// what came, and escaping is undone by unescaping.
pub fn message(data: &[u8]) {
    let contents = batch::contents(data);
    let mut end = 0;
    for place in &contents.messages {
        assert!(place.start >= end && place.end <= data.len(), "messages overlap");
        end = place.end;
        one_message(&data[place.clone()]);
    }
    // Whether it is whole is another question; asking it never panics.
    let _ = contents.check(data);
    one_message(data);
}

fn one_message(raw: &[u8]) {
    assert_eq!(edit(raw, |_, _, _| Edit::Keep), raw, "an edit that keeps all changes something");
    if let Some(msh) = MshRaw::find(raw) {
        assert!(msh.control_id().len() <= raw.len());
        let _ = msh.charset();
    }
    for default in [Charset::Utf8, Charset::Ascii, Charset::Latin1, Charset::Latin9] {
        let decoded = decode_message(raw, default);
        read(&decoded.text);
    }
}

fn read(text: &str) {
    let Ok(message) = Message::index(text) else { return };
    let separators = message.separators();
    for segment in message.segments().iter() {
        assert!(text.contains(segment.raw()));
        let _ = segment.location().to_string();
        for field in segment.fields() {
            for repetition in field.repetitions() {
                for n in 1..4 {
                    let component = repetition.component(n);
                    let _ = (component.value(), component.subcomponent(n).text());
                }
            }
            let said = field.text();
            let again = escape(&said, &separators);
            assert!(!again.contains(['\r', '\n']), "a line end was written into a field");
        }
    }
}

/// A place, and a message in which it is read and written: what is written there is read there.
pub fn path(data: &[u8]) {
    let Some((place, text)) = parts(data) else { return };
    let Ok(at) = Location::parse(place) else { return };
    assert_eq!(Location::parse(&at.to_string()), Ok(at), "a place is not what it says");
    let Ok(message) = Message::index(text) else { return };
    let _ = message.at(&at);
    let set = StepSettings::Set {
        at: place.to_owned(),
        text: Some("a|b^c".to_owned()),
        raw: None,
        when: None,
    };
    let remove = StepSettings::Remove { at: place.to_owned(), when: None };
    if let Ok(steps) = Steps::new(&[set])
        && let Passed::On(written) = steps.run(text)
    {
        let message = Message::index(&written).expect("what was written is a message");
        let read = unescape(message.at(&at), &message.separators()).into_owned();
        let separators = message.separators();
        // With fewer separators than HL7 has, what stands there cannot say it.
        if separators.escape() != 0 {
            assert_eq!(read, "a|b^c");
        }
    }
    if let Ok(steps) = Steps::new(&[remove])
        && let Passed::On(written) = steps.run(text)
    {
        Message::index(&written).expect("what is left is a message");
    }
}

/// Steps as a channel's file writes them, and a message that passes through: it comes out as a
/// message, is dropped, or fails.
pub fn step(data: &[u8]) {
    #[derive(Default)]
    struct File(Vec<StepSettings>);
    let Some((file, text)) = parts(data) else { return };
    let mut steps = File::default();
    if let Ok(table) = file.parse::<toml::Table>()
        && let Some(list) = table.get("step").and_then(toml::Value::as_array)
    {
        steps.0.extend(list.iter().filter_map(|one| one.clone().try_into().ok()));
    }
    for settings in &mut steps.0 {
        if let StepSettings::Script { operations_max, .. } = settings {
            *operations_max = (*operations_max).min(OPERATIONS_MAX);
        }
    }
    // A key is a file of this machine: surrogates are made below, under one of our own.
    steps.0.retain(|settings| !matches!(settings, StepSettings::Deidentify { .. }));
    if let Ok(steps) = Steps::new(&steps.0) {
        let passed = steps.run(text);
        assert_eq!(passed, steps.run(text), "a step gives something else the second time");
        if let Passed::On(after) = passed
            && !steps.is_empty()
            && Message::index(text).is_ok()
        {
            Message::index(&after).expect("what came out is a message");
        }
    }
    if let Some(key) = Key::from_bytes(&[7; 32])
        && Message::index(text).is_ok()
    {
        let done = deidentify(text.as_bytes(), &key);
        assert_eq!(done, deidentify(text.as_bytes(), &key));
    }
}

/// A script of anybody's: it ends, within its bounds, and leaves a message or nothing.
pub fn script(data: &[u8]) {
    let Some((source, text)) = parts(data) else { return };
    let source = source.to_owned();
    let script = StepSettings::Script { source, operations_max: OPERATIONS_MAX, when: None };
    let Ok(steps) = Steps::new(&[script]) else { return };
    if let Passed::On(after) = steps.run(text) {
        assert!(after.len() <= text.len().max(8 * 1024 * 1024), "it outgrew its bound");
    }
}

/// Two texts with a NUL between them.
fn parts(data: &[u8]) -> Option<(&str, &str)> {
    let at = data.iter().position(|byte| *byte == 0)?;
    Some((std::str::from_utf8(&data[..at]).ok()?, std::str::from_utf8(&data[at + 1..]).ok()?))
}
