//! A message as an index of offsets over its decoded text.
//!
//! Total on any input: [`Message::index`] either answers why there is no message, or an index
//! in which every byte of the text is accounted for ([`Message::write`] gives the text back).
//! Cost: one pass; 24 bytes a segment and 4 a field, whatever the sender does.

use std::collections::BTreeMap;
use std::fmt;

use super::breaks::each_break;
use super::location::{NO_NAME, segment_name};
use super::segment::{Entry, clamp};
use super::{Defect, DefectKind, Location, Segment, Segments, Separators, Unreadable};

/// Defects kept with their place; beyond, they are counted.
pub const DEFECTS_MAX: usize = 64;

/// Segments within which the last one of a name is searched backwards; beyond, a map is kept.
const OCCURRENCES_SEARCHED_MAX: usize = 32;

/// An ER7 message, borrowed.
pub struct Message<'a> {
    text: &'a str,
    separators: Separators,
    entries: Vec<Entry>,
    /// Where each field starts: one past its separator.
    fields: Vec<u32>,
    defects: Vec<Defect>,
    defects_total: usize,
}

impl<'a> Message<'a> {
    /// Indexes a decoded message. Segments may end with CR, LF or CRLF in any mixture, the last
    /// one with nothing.
    ///
    /// # Errors
    /// When the text does not begin (white space and a byte order mark aside) with `MSH` and
    /// separators, or is a batch.
    pub fn index(text: &'a str) -> Result<Self, Unreadable> {
        let (start, separators) = opening(text)?;
        let mut message = Self {
            text,
            separators,
            // Typical: 8 to 15 segments, a field in every 5 to 8 bytes.
            entries: Vec::with_capacity(16),
            fields: Vec::with_capacity((text.len() / 5).clamp(32, 4096)),
            defects: Vec::new(),
            defects_total: 0,
        };
        let line = message.note_opening(start);
        message.note_encoding_characters(start, line);
        message.index_lines(start, line);
        message.note_control_characters();
        Ok(message)
    }

    /// The text that was indexed.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    #[must_use]
    pub const fn separators(&self) -> Separators {
        self.separators
    }

    /// Every line that is not blank, those with a bad name too.
    #[must_use]
    pub fn segments(&self) -> Segments<'_> {
        Segments {
            text: self.text,
            separators: self.separators,
            entries: &self.entries,
            fields: &self.fields,
        }
    }

    /// The first segment of that name, or an absent one.
    #[must_use]
    pub fn segment(&self, name: &str) -> Segment<'_> {
        self.segments().segment(name)
    }

    /// All segments of that name.
    pub fn segments_named<'m>(
        &'m self,
        name: &'m str,
    ) -> impl DoubleEndedIterator<Item = Segment<'m>> + use<'m> {
        self.segments().named(name)
    }

    /// Runs of segments, each beginning with one of that name ([`Segments::groups`]).
    pub fn groups<'m>(&'m self, name: &'m str) -> impl Iterator<Item = Segments<'m>> + use<'m> {
        self.segments().groups(name)
    }

    /// What a strict reader would have refused, in order of place; at most [`DEFECTS_MAX`].
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// How many defects there are, with those that [`Message::defects`] does not list.
    #[must_use]
    pub const fn defects_total(&self) -> usize {
        self.defects_total
    }

    /// The message put together again from its segments and fields, line ends and blank lines
    /// as they were: the bytes that were read.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut written = 0;
        for (entry, segment) in self.entries.iter().zip(self.segments().iter()) {
            out.push_str(&self.text[written..entry.start as usize]);
            segment.write(&mut out);
            written = entry.end as usize;
        }
        out.push_str(&self.text[written..]);
        out
    }

    fn index_lines(&mut self, start: usize, first_line: u32) {
        let bytes = self.text.as_bytes();
        let mut occurrences = Occurrences::default();
        let mut line = first_line;
        let mut line_start = start;
        let mut fields_from = 0;
        let field = self.separators.field();
        each_break(bytes, start, field, |at| {
            let byte = bytes[at];
            if byte == field {
                self.fields.push(offset(at + 1));
                return;
            }
            if at > line_start {
                self.close_line(line_start, at, fields_from, line, &mut occurrences);
                fields_from = self.fields.len();
            }
            line_start = at + 1;
            // The LF of a CRLF ends no further line; `MSH` stands before every end.
            line += u32::from(byte == b'\r' || bytes[at - 1] != b'\r');
        });
        if bytes.len() > line_start {
            self.close_line(line_start, bytes.len(), fields_from, line, &mut occurrences);
        }
    }

    fn close_line(
        &mut self,
        start: usize,
        end: usize,
        fields_from: usize,
        line: u32,
        occurrences: &mut Occurrences,
    ) {
        let bytes = self.text.as_bytes();
        let first_field = self.fields.get(fields_from).map(|field| *field as usize - 1);
        let given = segment_name(&bytes[start..first_field.unwrap_or(end)]);
        if given.is_none()
            && first_field.is_none()
            && bytes[start..end].iter().all(|b| matches!(b, b' ' | b'\t'))
        {
            return self.note(DefectKind::BlankLine, start, line, Location::default());
        }
        let name = given.unwrap_or(NO_NAME);
        let occurrence = occurrences.next(name, &self.entries);
        let location = Location::segment(&name).at_occurrence(clamp(occurrence));
        if given.is_none() {
            self.note(DefectKind::SegmentName, start, line, location);
        }
        if first_field.is_none() {
            self.note(DefectKind::NoFieldSeparator, start, line, location);
        }
        match &name {
            b"MSH" if !self.entries.is_empty() => {
                self.note(DefectKind::SecondMsh, start, line, location);
            }
            b"FHS" | b"BHS" | b"BTS" | b"FTS" => {
                self.note(DefectKind::BatchSegment, start, line, location);
            }
            _ => {}
        }
        self.entries.push(Entry {
            start: offset(start),
            end: offset(end),
            fields_from: offset(fields_from),
            fields_to: offset(self.fields.len()),
            name,
            occurrence,
        });
    }

    fn note(&mut self, kind: DefectKind, byte: usize, line: u32, location: Location) {
        self.defects_total += 1;
        if self.defects.len() < DEFECTS_MAX {
            self.defects.push(Defect { kind, byte: offset(byte), line, location });
        }
    }

    /// Reports what stands before MSH; returns the line that MSH is on.
    fn note_opening(&mut self, start: usize) -> u32 {
        let before = &self.text[..start];
        if before.contains(BYTE_ORDER_MARK) {
            self.note(DefectKind::ByteOrderMark, 0, 1, Location::default());
        }
        if before.chars().any(|c| c != BYTE_ORDER_MARK) {
            self.note(DefectKind::LeadingSpace, 0, 1, Location::default());
        }
        1 + offset(lines_in(before.as_bytes()))
    }

    fn note_encoding_characters(&mut self, start: usize, line: u32) {
        let field = self.separators.field();
        let ends = |b: &u8| *b == field || matches!(b, b'\r' | b'\n');
        let declared = &self.text.as_bytes()[start + 4..];
        let length = declared.iter().position(ends).unwrap_or(declared.len());
        let understood = if self.separators.truncation() == 0 { 4 } else { 5 };
        let kind = match length {
            ..4 => DefectKind::EncodingCharactersShort,
            _ if length > understood => DefectKind::EncodingCharactersLong,
            _ => return,
        };
        self.note(kind, start + 4, line, Location::field(b"MSH", 2));
    }

    /// One defect for each segment that holds a control character.
    fn note_control_characters(&mut self) {
        let bytes = self.text.as_bytes();
        // A fold without branches is vectorised: tens of nanoseconds for a usual message.
        if !bytes.iter().fold(false, |found, byte| found | is_control(*byte)) {
            return;
        }
        let mut line = 1;
        let mut counted = 0;
        for at in 0..self.entries.len() {
            let entry = self.entries[at];
            let (start, end) = (entry.start as usize, entry.end as usize);
            let separators = self.separators;
            let control = |byte: &u8| is_control(*byte) && !separators.contains(*byte);
            let Some(found) = bytes[start..end].iter().position(control) else { continue };
            line += offset(lines_in(&bytes[counted..start]));
            counted = start;
            let location = Location::segment(&entry.name).at_occurrence(clamp(entry.occurrence));
            self.note(DefectKind::ControlCharacter, start + found, line, location);
        }
        self.defects.sort_by_key(|defect| defect.byte);
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("bytes", &self.text.len())
            .field("segments", &self.entries.len())
            .field("defects", &self.defects)
            .finish()
    }
}

const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Where MSH starts, and its separators.
fn opening(text: &str) -> Result<(usize, Separators), Unreadable> {
    let bytes = text.as_bytes();
    let limit = u32::MAX as usize - 1;
    if bytes.len() > limit {
        return Err(Unreadable::TooLong { bytes: bytes.len(), limit });
    }
    let start = text.len() - text.trim_start_matches(is_before_msh).len();
    let rest = &bytes[start..];
    match rest.get(..3) {
        None if rest.is_empty() => return Err(Unreadable::Empty),
        Some(b"MSH") => {}
        Some(b"FHS" | b"BHS") => return Err(Unreadable::Batch),
        _ => return Err(Unreadable::NoMsh),
    }
    let field = *rest.get(3).ok_or(Unreadable::FieldSeparator)?;
    let declared = &rest[4..];
    let end = declared.iter().position(|b| matches!(b, b'\r' | b'\n') || *b == field);
    let separators = Separators::declared(field, &declared[..end.unwrap_or(declared.len())])?;
    Ok((start, separators))
}

/// What may stand before MSH, and is reported: white space, control characters, a BOM.
fn is_before_msh(c: char) -> bool {
    c <= ' ' || c == BYTE_ORDER_MARK
}

const fn is_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\r' && byte != b'\n' && byte != b'\t') || byte == 0x7F
}

/// Line ends, CRLF counted once.
fn lines_in(bytes: &[u8]) -> usize {
    let ends = memchr::memchr2_iter(b'\r', b'\n', bytes);
    ends.filter(|at| bytes[*at] == b'\r' || *at == 0 || bytes[at - 1] != b'\r').count()
}

/// `opening` refuses texts whose offsets would not fit.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Counts the segments of each name, in O(log n) a segment however many names a sender makes up.
#[derive(Default)]
struct Occurrences {
    counts: BTreeMap<[u8; 3], u32>,
}

impl Occurrences {
    fn next(&mut self, name: [u8; 3], before: &[Entry]) -> u32 {
        if before.len() < OCCURRENCES_SEARCHED_MAX {
            let last = before.iter().rev().find(|entry| entry.name == name);
            return last.map_or(1, |entry| entry.occurrence + 1);
        }
        if self.counts.is_empty() {
            self.counts.extend(before.iter().map(|entry| (entry.name, entry.occurrence)));
        }
        let count = self.counts.entry(name).or_default();
        *count += 1;
        *count
    }
}
