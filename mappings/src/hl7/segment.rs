//! Segments, one by one and in runs.

use std::fmt;

use super::location::{NO_NAME, segment_name};
use super::{Field, Location, Separators};

/// What the index keeps of a segment: 24 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where the segment starts and ends in the text, its line end not included.
    pub start: u32,
    pub end: u32,
    /// Its part of the field starts.
    pub fields_from: u32,
    pub fields_to: u32,
    pub name: [u8; 3],
    /// Among the segments of this name, from 1.
    pub occurrence: u32,
}

/// One segment. One that does not exist is empty: [`Segment::exists`] tells them apart.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    raw: &'a str,
    /// Offset of `raw` in the text that the field starts count from.
    start: u32,
    fields: &'a [u32],
    separators: Separators,
    name: [u8; 3],
    occurrence: u32,
    exists: bool,
}

impl<'a> Segment<'a> {
    fn absent(name: &str, separators: Separators) -> Self {
        Self {
            raw: "",
            start: 0,
            fields: &[],
            separators,
            name: segment_name(name.as_bytes()).unwrap_or(NO_NAME),
            occurrence: 1,
            exists: false,
        }
    }

    #[must_use]
    pub const fn exists(&self) -> bool {
        self.exists
    }

    /// `PID`; `???` where the line has no name that could be one (see [`Segment::raw`]).
    #[must_use]
    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.name).unwrap_or("???")
    }

    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name == name.as_bytes()
    }

    /// Among the message's segments of this name, from 1.
    #[must_use]
    pub const fn occurrence(&self) -> u32 {
        self.occurrence
    }

    /// The whole line, its end not included.
    #[must_use]
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    #[must_use]
    pub const fn separators(&self) -> Separators {
        self.separators
    }

    /// Where this segment is; add `.field(5)` and so on to go deeper.
    #[must_use]
    pub fn location(&self) -> Location {
        Location::segment(&self.name).at_occurrence(clamp(self.occurrence))
    }

    /// The highest field number that the segment writes, empty ones included.
    #[must_use]
    pub fn fields_count(&self) -> usize {
        self.fields.len() + usize::from(is_header(&self.name) && !self.fields.is_empty())
    }

    /// The `n`-th field, from 1, counted as the standard does: MSH-1 is the field separator
    /// itself and MSH-2 the encoding characters; both are taken whole.
    #[must_use]
    pub fn field(&self, n: usize) -> Field<'a> {
        if !is_header(&self.name) {
            return Field::new(self.piece(n), self.separators);
        }
        match n {
            0 => Field::new("", Separators::NONE),
            1 => Field::new(self.raw.get(3..4).unwrap_or_default(), Separators::NONE),
            2 => Field::new(self.piece(1), Separators::NONE),
            _ => Field::new(self.piece(n - 1), self.separators),
        }
    }

    /// All fields in order, from field 1.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let segment = *self;
        (1..=self.fields_count()).map(move |n| segment.field(n))
    }

    /// What stands after the `n`-th field separator.
    fn piece(&self, n: usize) -> &'a str {
        let Some(start) = n.checked_sub(1).and_then(|at| self.fields.get(at)) else { return "" };
        let start = (start - self.start) as usize;
        let end =
            self.fields.get(n).map_or(self.raw.len(), |next| (next - 1 - self.start) as usize);
        &self.raw[start..end]
    }

    /// The line put together again from the parts that the index knows.
    pub(super) fn write(&self, out: &mut String) {
        let Some(first) = self.fields.first() else { return out.push_str(self.raw) };
        out.push_str(&self.raw[..(first - 1 - self.start) as usize]);
        for n in 1..=self.fields.len() {
            out.push(char::from(self.separators.field()));
            out.push_str(self.piece(n));
        }
    }
}

impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({}, {} bytes)", self.location(), self.raw.len())
    }
}

/// Whether the first field of segments of that name is the field separator itself.
pub(super) const fn is_header(name: &[u8; 3]) -> bool {
    matches!(name, b"MSH" | b"BHS" | b"FHS")
}

/// A run of segments in the message's order.
#[derive(Clone, Copy)]
pub struct Segments<'a> {
    pub(super) text: &'a str,
    pub(super) separators: Separators,
    pub(super) entries: &'a [Entry],
    pub(super) fields: &'a [u32],
}

impl<'a> Segments<'a> {
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Segment<'a>> + Clone + use<'a> {
        let run = *self;
        self.entries.iter().map(move |entry| run.view(entry))
    }

    /// The first segment of that name, or an absent one.
    #[must_use]
    pub fn segment(&self, name: &str) -> Segment<'a> {
        let found = self.entries.iter().find(|entry| entry.name == name.as_bytes());
        found.map_or_else(|| Segment::absent(name, self.separators), |entry| self.view(entry))
    }

    /// All segments of that name.
    pub fn named<'n>(
        &self,
        name: &'n str,
    ) -> impl DoubleEndedIterator<Item = Segment<'a>> + use<'a, 'n> {
        self.iter().filter(move |segment| segment.is(name))
    }

    /// What stands before the first segment of that name; everything where there is none.
    #[must_use]
    pub fn before(&self, name: &str) -> Self {
        let named = |entry: &Entry| entry.name == name.as_bytes();
        let at = self.entries.iter().position(named).unwrap_or(self.entries.len());
        Self { entries: &self.entries[..at], ..*self }
    }

    /// What stands after the first segment of that name; nothing where there is none.
    #[must_use]
    pub fn after(&self, name: &str) -> Self {
        let named = |entry: &Entry| entry.name == name.as_bytes();
        let at = self.entries.iter().position(named).map_or(self.entries.len(), |at| at + 1);
        Self { entries: &self.entries[at..], ..*self }
    }

    /// Runs that each begin with a segment of that name and end before the next one: the
    /// PATIENT groups (PID PD1 MRG PV1) of an A40, by `groups("PID")`.
    pub fn groups<'n>(&self, name: &'n str) -> impl Iterator<Item = Segments<'a>> + use<'a, 'n> {
        let run = *self;
        let named = move |entry: &Entry| entry.name == name.as_bytes();
        let mut next = self.entries.iter().position(named);
        std::iter::from_fn(move || {
            let from = next?;
            next = run.entries[from + 1..].iter().position(named).map(|at| from + 1 + at);
            let to = next.unwrap_or(run.entries.len());
            Some(Self { entries: &run.entries[from..to], ..run })
        })
    }

    fn view(&self, entry: &Entry) -> Segment<'a> {
        Segment {
            raw: &self.text[entry.start as usize..entry.end as usize],
            start: entry.start,
            fields: &self.fields[entry.fields_from as usize..entry.fields_to as usize],
            separators: self.separators,
            name: entry.name,
            occurrence: entry.occurrence,
            exists: true,
        }
    }
}

/// A [`Location`] counts to 65 535 and stays there.
pub(super) fn clamp(occurrence: u32) -> u16 {
    u16::try_from(occurrence).unwrap_or(u16::MAX)
}

impl fmt::Debug for Segments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
