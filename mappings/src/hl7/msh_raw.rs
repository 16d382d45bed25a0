//! The header of a message that may be unreadable, from its bytes as they came.
//!
//! An answer needs the sender's separators, MSH-10 byte by byte and MSH-18, before anything is
//! decoded and even when nothing else can be: all five character sets write the header's
//! separators and codes as ASCII does. Never fails but where there is no `MSH` at a line's start.

use std::fmt;

use super::Separators;
use super::separators::can_separate;

/// Fields whose places are kept: up to MSH-18, the last that is asked for.
const PLACES: usize = 18;

/// A header's bytes.
#[derive(Clone, Copy)]
pub struct MshRaw<'a> {
    /// `MSH…`, its line end not included.
    line: &'a [u8],
    /// Where the `n`-th separator of the line stands; its end where there are fewer. An answer
    /// asks for fifteen fields, and each search would begin at the line's start again.
    ends: [u32; PLACES],
    separators: Separators,
    separators_valid: bool,
}

impl<'a> MshRaw<'a> {
    /// The first line that starts with `MSH`: the message's first, white space and a byte order
    /// mark aside, or a later one where junk stands before it.
    #[must_use]
    pub fn find(raw: &'a [u8]) -> Option<Self> {
        let start = find_header(raw)?;
        let line = &raw[start..];
        let end = memchr::memchr2(b'\r', b'\n', line).unwrap_or(line.len());
        let line = &line[..end];
        let field = line.get(3).copied().filter(|b| can_separate(*b));
        let declared = line.get(4..).unwrap_or_default();
        let encoding = declared.split(|b| Some(*b) == field).next().unwrap_or_default();
        let separators = field.and_then(|field| {
            // What stands after a bad character is lost, not what stands before it.
            (1..=encoding.len().min(5))
                .rev()
                .find_map(|n| Separators::declared(field, &encoding[..n]).ok())
                .or_else(|| Separators::defaults_with(field))
        });
        let valid = field.is_some_and(|f| Separators::declared(f, encoding).is_ok());
        let separators = separators.unwrap_or(Separators::DEFAULT);
        let mut ends = [u32::try_from(line.len()).ok()?; PLACES];
        let found = line.iter().enumerate().filter(|(_, byte)| **byte == separators.field());
        for (end, (at, _)) in ends.iter_mut().zip(found) {
            *end = at as u32;
        }
        Some(Self { line, ends, separators, separators_valid: valid })
    }

    /// The sender's separators; those that it does not declare properly are the usual ones.
    #[must_use]
    pub const fn separators(&self) -> Separators {
        self.separators
    }

    /// Whether MSH-1 and MSH-2 are as they should be.
    #[must_use]
    pub const fn separators_valid(&self) -> bool {
        self.separators_valid
    }

    /// The `n`-th field counted as the standard does (MSH-1 is the separator), raw; empty where
    /// there is none.
    #[must_use]
    pub fn field(&self, n: usize) -> &'a [u8] {
        match n {
            0 => &[],
            1 => self.line.get(3..4).unwrap_or_default(),
            // The line's end is no separator: behind it there is nothing.
            2..=PLACES => {
                let (before, end) = (self.ends[n - 2] as usize, self.ends[n - 1] as usize);
                self.line.get(before + 1..end).unwrap_or_default()
            }
            _ => {
                let separator = self.separators.field();
                self.line.split(|b| *b == separator).nth(n - 1).unwrap_or_default()
            }
        }
    }

    /// The `component`-th component of the `n`-th field's first repetition.
    #[must_use]
    pub fn component(&self, n: usize, component: usize) -> &'a [u8] {
        let field = first_of(self.field(n), self.separators.repetition());
        let separator = self.separators.component();
        match component.checked_sub(1) {
            Some(at) => field.split(|b| *b == separator).nth(at).unwrap_or_default(),
            None => &[],
        }
    }

    /// MSH-10, byte by byte: what MSA-2 has to give back.
    #[must_use]
    pub fn control_id(&self) -> &'a [u8] {
        self.field(10)
    }

    /// MSH-18's first repetition that is not empty; `None` where there is none.
    #[must_use]
    pub fn charset(&self) -> Option<&'a [u8]> {
        let separator = self.separators.repetition();
        let mut declared = self.field(18).split(|b| separator != 0 && *b == separator);
        declared.find(|name| !name.trim_ascii().is_empty())
    }
}

impl fmt::Debug for MshRaw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MshRaw({} bytes, {:?})", self.line.len(), self.separators)
    }
}

fn first_of(bytes: &[u8], separator: u8) -> &[u8] {
    if separator == 0 {
        return bytes;
    }
    bytes.split(|b| *b == separator).next().unwrap_or_default()
}

fn find_header(raw: &[u8]) -> Option<usize> {
    let bom = if raw.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let space = raw[bom..].iter().take_while(|b| **b <= b' ').count();
    let first = bom + space;
    if raw[first..].starts_with(b"MSH") {
        return Some(first);
    }
    let lines = memchr::memchr2_iter(b'\r', b'\n', raw).map(|end| end + 1);
    lines.into_iter().find(|start| raw[*start..].starts_with(b"MSH"))
}
