//! The frame decoder: any cut of the stream gives the same frames, in linear time.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sluice_channels::mllp::{Event, FrameDecoder, FrameLimits, JunkKind, Violation};

const LIMITS: FrameLimits = FrameLimits {
    frame_bytes_max: 40,
    skip_bytes_max: 200,
    junk_bytes_max: 30,
    frame_deadline: Duration::from_secs(60),
    end_grace: Duration::from_millis(10),
};

/// Decodes `pieces` as so many reads, all at one moment.
fn decode(limits: FrameLimits, pieces: &[&[u8]]) -> (Vec<Result<Event, Violation>>, FrameDecoder) {
    let now = Instant::now();
    let mut decoder = FrameDecoder::new(limits);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.buffer_mut().extend_from_slice(piece);
        while let Some(event) = decoder.next(now) {
            events.push(event);
        }
    }
    events.extend(decoder.finish().map(Ok));
    (events, decoder)
}

fn events(bytes: &[u8]) -> Vec<Result<Event, Violation>> {
    decode(LIMITS, &[bytes]).0
}

fn frame(text: &str) -> Result<Event, Violation> {
    Ok(Event::Frame(text.to_owned().into()))
}

fn junk(kind: JunkKind, bytes: usize) -> Result<Event, Violation> {
    Ok(Event::Junk { kind, bytes })
}

#[test]
fn many_frames_in_a_read_are_many_messages() {
    assert_eq!(
        events(b"\x0bone\x1c\r\x0btwo\x1c\r\x0bthree\x1c\r"),
        [frame("one"), frame("two"), frame("three")]
    );
}

#[test]
fn line_ends_between_frames_mean_nothing() {
    assert_eq!(events(b"\x0bone\x1c\r\n\r\n\x0btwo\x1c\r\n"), [frame("one"), frame("two")]);
}

#[test]
fn a_missing_cr_is_made_up_for_by_the_next_vt() {
    assert_eq!(events(b"\x0bone\x1c\x0btwo\x1c\r"), [frame("one"), frame("two")]);
}

#[test]
fn a_missing_cr_is_made_up_for_by_time_or_by_the_senders_fin() {
    let start = Instant::now();
    let mut decoder = FrameDecoder::new(LIMITS);
    decoder.buffer_mut().extend_from_slice(b"\x0bone\x1c");
    assert_eq!(decoder.next(start), None);
    assert_eq!(decoder.deadline(), Some(start + LIMITS.end_grace));
    assert_eq!(decoder.next(start + LIMITS.end_grace), Some(frame("one")));
    // The CR that comes late is a line end between frames.
    decoder.buffer_mut().extend_from_slice(b"\r\x0btwo\x1c");
    assert_eq!(decoder.next(start + LIMITS.end_grace), None);
    assert_eq!(decoder.finish().map(Ok), Some(frame("two")));
}

#[test]
fn an_fs_within_a_frame_does_not_end_it() {
    assert_eq!(events(b"\x0bon\x1ce\x1c\r"), [frame("on\x1ce")]);
}

#[test]
fn junk_before_a_frame_is_counted_and_the_frame_is_taken() {
    assert_eq!(
        events(b"hello\r\n\x0bone\x1c\rbye\x0btwo\x1c\r"),
        [
            junk(JunkKind::BetweenFrames, 5),
            frame("one"),
            junk(JunkKind::BetweenFrames, 3),
            frame("two")
        ]
    );
}

#[test]
fn a_vt_within_a_frame_starts_another_and_the_first_is_junk() {
    assert_eq!(events(b"\x0bone\x0btwo\x1c\r"), [junk(JunkKind::CutOff, 3), frame("two")]);
}

#[test]
fn endless_junk_is_a_violation() {
    let limit = LIMITS.junk_bytes_max;
    assert_eq!(events(&[b'x'; 31]), [Err(Violation::JunkTooLong { limit })]);
    assert_eq!(events(&[b'\n'; 31]), [Err(Violation::JunkTooLong { limit })]);
}

#[test]
fn a_frame_of_the_limit_is_taken_and_of_one_byte_more_is_not() {
    for (bytes, taken) in [(40, true), (41, false)] {
        let mut stream = vec![0x0B];
        stream.extend(std::iter::repeat_n(b'x', bytes));
        stream.extend_from_slice(b"\x1c\r\x0bnext\x1c\r");
        let events = events(&stream);
        assert_eq!(matches!(events[0], Ok(Event::Frame(_))), taken, "{bytes}");
        assert_eq!(matches!(events[0], Ok(Event::TooLarge { .. })), !taken, "{bytes}");
        assert_eq!(events[1..], [frame("next")], "{bytes}");
    }
}

#[test]
fn an_endless_frame_is_reported_once_and_then_a_violation() {
    let mut stream = vec![0x0B];
    stream.extend(std::iter::repeat_n(b'x', 300));
    let events = events(&stream);
    assert!(matches!(&events[0], Ok(Event::TooLarge { head }) if head.len() == 41));
    assert_eq!(events[1..], [Err(Violation::FrameEndless { limit: 200 })]);
}

#[test]
fn a_frame_that_drips_runs_into_its_deadline() {
    let start = Instant::now();
    let mut decoder = FrameDecoder::new(LIMITS);
    decoder.buffer_mut().extend_from_slice(b"\x0bon");
    assert_eq!(decoder.next(start), None);
    let late = start + LIMITS.frame_deadline;
    assert_eq!(decoder.deadline(), Some(late));
    decoder.buffer_mut().extend_from_slice(b"e");
    assert_eq!(decoder.next(late), Some(Err(Violation::FrameTooSlow { limit_ms: 60_000 })));
    decoder.buffer_mut().extend_from_slice(b"\x1c\r\x0btwo\x1c\r");
    assert_eq!(decoder.next(late), None, "nothing comes after a violation");
}

#[test]
fn sixteen_megabytes_in_small_reads_are_looked_at_once() {
    let limits = FrameLimits { frame_bytes_max: 20_000_000, skip_bytes_max: 20_000_000, ..LIMITS };
    let mut stream = vec![b'x'; 16_000_000];
    stream[0] = 0x0B;
    stream.extend_from_slice(b"\x1c\r");
    let pieces: Vec<&[u8]> = stream.chunks(1460).collect();
    let (events, decoder) = decode(limits, &pieces);
    assert!(matches!(&events[..], [Ok(Event::Frame(frame))] if frame.len() == 15_999_999));
    assert!(decoder.scanned_total() <= stream.len() as u64 + pieces.len() as u64);
}

/// Streams of everything that matters to the decoder, often.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => Just(0x0B),
        4 => Just(0x1C),
        4 => Just(b'\r'),
        1 => Just(b'\n'),
        12 => any::<u8>(),
    ];
    let run = prop_oneof![
        6 => prop::collection::vec(byte, 0..20),
        2 => Just(b"\x0bMSH|^~\\&|A\x1c\r".to_vec()),
        1 => (1_usize..120).prop_map(|n| vec![b'x'; n]),
    ];
    prop::collection::vec(run, 0..24).prop_map(|runs| runs.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_events(
        bytes in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let (whole, _) = decode(LIMITS, &[&bytes]);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        prop_assert_eq!(&decode(LIMITS, &pieces).0, &whole);
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        let (one_by_one, decoder) = decode(LIMITS, &singles);
        prop_assert_eq!(&one_by_one, &whole);
        prop_assert!(decoder.scanned_total() <= 2 * bytes.len() as u64);
    }

    #[test]
    fn what_is_framed_comes_out_whole(
        texts in prop::collection::vec("[ -~\r]{0,40}", 0..10),
        cuts in prop::collection::vec(1_usize..9, 1..5),
    ) {
        let mut bytes = Vec::new();
        for text in &texts {
            bytes.push(0x0B);
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice(b"\x1c\r");
        }
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        let expected: Vec<_> = texts.iter().map(|text| frame(text)).collect();
        prop_assert_eq!(decode(LIMITS, &pieces).0, expected);
    }
}
