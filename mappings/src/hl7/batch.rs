//! A file's messages, however they are kept apart, and the batch protocol's envelope around them
//! (HL7 v2.5.1 §2.10.3, segments §2.15.2, §2.15.3, §2.15.6, §2.15.7).
//!
//! Four ways are told apart by the bytes alone: MLLP frames (VT … FS), messages separated by
//! blank lines, messages that simply follow each other (each begins with `MSH`), and batches
//! (FHS/BHS … BTS/FTS). A message keeps its bytes as they stand in the file, segment ends included;
//! only what separates messages is left out.

use std::ops::Range;

use memchr::{memchr, memmem};

const VT: u8 = 0x0b;
const FS: u8 = 0x1c;

/// A file taken apart: places in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    pub messages: Vec<Range<usize>>,
    pub envelope: Vec<Envelope>,
}

/// One segment of the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    pub kind: EnvelopeKind,
    /// Its line, without the line's end.
    pub place: Range<usize>,
    /// How many of the file's messages stand before it.
    pub messages_before: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// FHS.
    FileHeader,
    /// BHS.
    BatchHeader,
    /// BTS.
    BatchTrailer,
    /// FTS.
    FileTrailer,
}

/// Why an envelope cannot be trusted to hold all that it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    #[error("{segment} stands where it may not")]
    Misplaced { segment: &'static str },
    #[error("{segment} is missing: the file was cut off, or was never whole")]
    Missing { segment: &'static str },
    #[error("messages stand outside of the batches")]
    MessagesOutside,
    #[error("{segment}-1 is no number")]
    NoNumber { segment: &'static str },
    #[error("{segment}-1 says {said}, and {found} are there")]
    Count { segment: &'static str, said: u64, found: u64 },
}

impl EnvelopeKind {
    fn of(line: &[u8]) -> Option<Self> {
        Some(match line.get(..3)? {
            b"FHS" => Self::FileHeader,
            b"BHS" => Self::BatchHeader,
            b"BTS" => Self::BatchTrailer,
            b"FTS" => Self::FileTrailer,
            _ => return None,
        })
    }

    #[must_use]
    pub const fn segment(self) -> &'static str {
        match self {
            Self::FileHeader => "FHS",
            Self::BatchHeader => "BHS",
            Self::BatchTrailer => "BTS",
            Self::FileTrailer => "FTS",
        }
    }
}

/// The messages of a file, in order.
#[must_use]
pub fn messages(file: &[u8]) -> Vec<Range<usize>> {
    contents(file).messages
}

/// The messages of a file and the envelope around them, in order. What stands in frames has no
/// envelope: each frame is a message.
#[must_use]
pub fn contents(file: &[u8]) -> Contents {
    if is_framed(file) {
        Contents { messages: framed(file), envelope: Vec::new() }
    } else {
        by_header(file)
    }
}

impl Contents {
    /// Whether the envelope is whole and its counts are right; a file without any is.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self, file: &[u8]) -> Result<(), EnvelopeFault> {
        let Some(first) = self.envelope.first() else { return Ok(()) };
        let in_file = first.kind == EnvelopeKind::FileHeader;
        // Between FHS and FTS messages may stand without a header of their batch: they are one.
        let bare = in_file && self.envelope.iter().all(|one| one.kind != EnvelopeKind::BatchHeader);
        // Where the batch that is open begins, and what was counted.
        let (mut open, mut batches, mut ended) = (None, 0_u64, false);
        let mut counted = 0;
        for (at, one) in self.envelope.iter().enumerate() {
            let misplaced = EnvelopeFault::Misplaced { segment: one.kind.segment() };
            if open.is_none() && one.messages_before != counted {
                if !bare || at == 0 {
                    return Err(EnvelopeFault::MessagesOutside);
                }
                (counted, batches) = (one.messages_before, 1);
            }
            match (one.kind, open) {
                _ if ended => return Err(misplaced),
                (EnvelopeKind::FileHeader, _) if at == 0 => {}
                (EnvelopeKind::BatchHeader, None) => {
                    open = Some(one.messages_before);
                    batches += 1;
                }
                (EnvelopeKind::BatchTrailer, Some(from)) => {
                    check_count(file, one, (one.messages_before - from) as u64)?;
                    counted = one.messages_before;
                    open = None;
                }
                (EnvelopeKind::FileTrailer, None) if in_file => {
                    check_count(file, one, batches)?;
                    ended = true;
                }
                (EnvelopeKind::FileTrailer, Some(_)) => {
                    return Err(EnvelopeFault::Missing { segment: "BTS" });
                }
                _ => return Err(misplaced),
            }
        }
        match (open, in_file && !ended) {
            (Some(_), _) => Err(EnvelopeFault::Missing { segment: "BTS" }),
            (None, true) => Err(EnvelopeFault::Missing { segment: "FTS" }),
            (None, false) if counted != self.messages.len() => Err(EnvelopeFault::MessagesOutside),
            (None, false) => Ok(()),
        }
    }
}

/// BTS-1 and FTS-1 are optional; where one is there, it is right.
fn check_count(file: &[u8], one: &Envelope, found: u64) -> Result<(), EnvelopeFault> {
    let segment = one.kind.segment();
    let line = &file[one.place.clone()];
    // A trailer does not declare its separator: what stands behind its name is it.
    let Some(separator) = line.get(3) else { return Ok(()) };
    let said = line[4..].split(|byte| byte == separator).next().unwrap_or_default().trim_ascii();
    if said.is_empty() {
        return Ok(());
    }
    let said = std::str::from_utf8(said).ok().and_then(|digits| digits.parse().ok());
    match said.ok_or(EnvelopeFault::NoNumber { segment })? {
        said if said == found => Ok(()),
        said => Err(EnvelopeFault::Count { segment, said, found }),
    }
}

/// A VT somewhere in a text is no frame: one begins the file, or a message.
fn is_framed(file: &[u8]) -> bool {
    file.iter().find(|byte| !matches!(byte, b'\r' | b'\n')) == Some(&VT)
        || memmem::find(file, b"\x0bMSH").is_some()
}

fn framed(file: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = memchr(VT, &file[at..]).map(|found| at + found + 1) {
        let end = memchr(FS, &file[start..]).map_or(file.len(), |found| start + found);
        found.push(start..end);
        at = end;
    }
    found
}

fn by_header(file: &[u8]) -> Contents {
    let mut found = Contents::default();
    let mut current: Option<Range<usize>> = None;
    for line in lines(file) {
        let text = &file[line.clone()];
        let content = text.iter().any(|b| !b.is_ascii_whitespace());
        let begins = text.starts_with(b"MSH");
        let envelope = EnvelopeKind::of(text);
        if begins || envelope.is_some() || !content {
            found.messages.extend(current.take());
        }
        if let Some(kind) = envelope {
            let place = line.start..line.start + text.trim_ascii_end().len();
            let messages_before = found.messages.len();
            found.envelope.push(Envelope { kind, place, messages_before });
        } else if content {
            // A line before any MSH is a message of its own: it is sent, and refused, visibly.
            current = Some(current.map_or(line.start, |open| open.start)..line.end);
        }
    }
    found.messages.extend(current);
    found
}

/// Line ranges, their ends (CR, LF or CRLF) included.
fn lines(file: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= file.len() {
            return None;
        }
        let start = at;
        let end = memchr::memchr2(b'\r', b'\n', &file[at..]);
        at = end.map_or(file.len(), |end| {
            let crlf = file[start + end..].starts_with(b"\r\n");
            start + end + if crlf { 2 } else { 1 }
        });
        Some(start..at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(file: &'static [u8]) -> Vec<String> {
        let text = |place| String::from_utf8_lossy(&file[place]).into_owned();
        messages(file).into_iter().map(text).collect()
    }

    #[test]
    fn blank_lines_separate_messages_and_segment_ends_are_kept() {
        let file = b"MSH|a\r\nPID|1\r\n\r\nMSH|b\r\nPID|2\r\n";
        assert_eq!(texts(file), ["MSH|a\r\nPID|1\r\n", "MSH|b\r\nPID|2\r\n"]);
    }

    #[test]
    fn messages_that_only_follow_each_other_are_told_apart() {
        assert_eq!(texts(b"MSH|a\rPID|1\rMSH|b\rPID|2"), ["MSH|a\rPID|1\r", "MSH|b\rPID|2"]);
    }

    #[test]
    fn frames_are_cut_at_their_marks() {
        assert_eq!(texts(b"\x0bMSH|a\r\x1c\r\x0bMSH|b\r\x1c\r"), ["MSH|a\r", "MSH|b\r"]);
    }

    #[test]
    fn a_stray_frame_mark_inside_a_text_frames_nothing() {
        assert_eq!(texts(b"MSH|a\x0b\rMSH|b\r"), ["MSH|a\x0b\r", "MSH|b\r"]);
    }

    #[test]
    fn a_batch_gives_its_messages_without_its_envelope() {
        let file = b"FHS|x\rBHS|x\rMSH|a\rPID|1\rMSH|b\rBTS|2\rFTS|1\r";
        assert_eq!(texts(file), ["MSH|a\rPID|1\r", "MSH|b\r"]);
    }

    #[test]
    fn what_does_not_begin_with_msh_is_still_a_message() {
        assert_eq!(texts(b"garbage\r\rMSH|a\r"), ["garbage\r", "MSH|a\r"]);
    }

    fn checked(file: &[u8]) -> Result<(), EnvelopeFault> {
        contents(file).check(file)
    }

    #[test]
    fn an_envelope_that_is_whole_and_counts_right_is_good() {
        for file in [
            &b"MSH|a\rMSH|b\r"[..],
            b"BHS|^~\\&\rMSH|a\rMSH|b\rBTS|2\r",
            b"BHS|^~\\&\nMSH|a\nBTS\n",
            b"FHS|x\rBHS|x\rMSH|a\rBTS|1|comment\rBHS|x\rMSH|b\rMSH|c\rBTS|2\rFTS|2\r",
            b"FHS|x\rBHS|x\rBTS|0\rFTS|1\r",
            b"FHS|x\rMSH|a\rMSH|b\rFTS|1\r",
            b"FHS#x\rBHS#x\rMSH#a\rBTS#1#\rFTS##\r",
            b"FHS|x\r\nBHS|x\r\nMSH|a\r\n\r\nMSH|b\r\nBTS|2\r\nFTS|1\r\n",
        ] {
            assert_eq!(checked(file), Ok(()), "{}", String::from_utf8_lossy(file));
        }
    }

    #[test]
    fn an_envelope_that_is_cut_off_or_miscounts_is_not() {
        use EnvelopeFault::{Count, MessagesOutside, Misplaced, Missing, NoNumber};
        for (file, fault) in [
            (&b"BHS|x\rMSH|a\r"[..], Missing { segment: "BTS" }),
            (b"FHS|x\rBHS|x\rMSH|a\rBTS|1\r", Missing { segment: "FTS" }),
            (b"FHS|x\rBHS|x\rMSH|a\rFTS|1\r", Missing { segment: "BTS" }),
            (b"FHS|x\rMSH|a\rFTS|0\r", Count { segment: "FTS", said: 0, found: 1 }),
            (b"FHS|x\rMSH|a\rFTS|1\rMSH|b\r", MessagesOutside),
            (b"MSH|a\rFHS|x\rFTS|0\r", MessagesOutside),
            (b"FHS|x\rMSH|a\rBHS|x\rMSH|b\rBTS|1\rFTS|1\r", MessagesOutside),
            (b"FHS|x\rBHS|x\rBTS\rFTS|1\rMSH|a\r", MessagesOutside),
            (b"MSH|a\rBHS|x\rMSH|b\rBTS|1\r", MessagesOutside),
            (b"BHS|x\rMSH|a\rBTS|1\rMSH|b\r", MessagesOutside),
            (b"BTS|0\r", Misplaced { segment: "BTS" }),
            (b"BHS|x\rFHS|x\rBTS|0\rFTS|1\r", Misplaced { segment: "FHS" }),
            (b"BHS|x\rBHS|x\rBTS|0\r", Misplaced { segment: "BHS" }),
            (b"BHS|x\rMSH|a\rBTS|1\rFTS|1\r", Misplaced { segment: "FTS" }),
            (b"FHS|x\rFTS|0\rFTS|0\r", Misplaced { segment: "FTS" }),
            (b"BHS|x\rMSH|a\rBTS|x\r", NoNumber { segment: "BTS" }),
            (b"BHS|x\rMSH|a\rBTS|2\r", Count { segment: "BTS", said: 2, found: 1 }),
            (b"FHS|x\rBHS|x\rMSH|a\rBTS|1\rFTS|2\r", Count { segment: "FTS", said: 2, found: 1 }),
        ] {
            assert_eq!(checked(file), Err(fault), "{}", String::from_utf8_lossy(file));
        }
    }

    #[test]
    fn the_envelope_tells_between_which_messages_it_stands() {
        let file = b"FHS|x\rBHS|y\rMSH|a\rMSH|b\rBTS|2\rFTS|1\r";
        let envelope = contents(file).envelope;
        let told: Vec<(&[u8], usize)> =
            envelope.iter().map(|one| (&file[one.place.clone()], one.messages_before)).collect();
        let expected: [(&[u8], usize); 4] =
            [(b"FHS|x", 0), (b"BHS|y", 0), (b"BTS|2", 2), (b"FTS|1", 2)];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_frame_begins_the_file_or_a_message() {
        assert!(is_framed(b"\r\n\x0bPID|1"));
        assert!(is_framed(b"junk\r\x0bMSH|^~\\&|"));
        assert!(!is_framed(b"MSH|^~\\&|a\x0bb"));
        assert!(!is_framed(b"junk\x0b\rMSH|^~\\&|"));
        assert!(!is_framed(b""));
    }
}
