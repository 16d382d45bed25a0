//! A place in a message: positions only, never its text.

use std::fmt;

/// Segment, field, repetition, component and subcomponent, counted from 1 as the standard
/// counts; 0 means "not given".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Location {
    pub segment: [u8; 3],
    /// Which of the segments of that name, from 1.
    pub occurrence: u16,
    pub field: u16,
    pub repetition: u16,
    pub component: u16,
    pub subcomponent: u16,
}

impl Location {
    /// The first segment of that name.
    #[must_use]
    pub const fn segment(name: &[u8; 3]) -> Self {
        Self {
            segment: *name,
            occurrence: 1,
            field: 0,
            repetition: 0,
            component: 0,
            subcomponent: 0,
        }
    }

    #[must_use]
    pub const fn field(name: &[u8; 3], field: u16) -> Self {
        let mut at = Self::segment(name);
        at.field = field;
        at
    }
}

/// `PID[1]-5[2].1`; parts that are not given are left out.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.segment {
            let shown = if byte.is_ascii_alphanumeric() { char::from(byte) } else { '?' };
            write!(f, "{shown}")?;
        }
        if self.occurrence > 1 {
            write!(f, "[{}]", self.occurrence)?;
        }
        if self.field > 0 {
            write!(f, "-{}", self.field)?;
        }
        if self.repetition > 0 {
            write!(f, "[{}]", self.repetition)?;
        }
        if self.component > 0 {
            write!(f, ".{}", self.component)?;
        }
        if self.subcomponent > 0 {
            write!(f, ".{}", self.subcomponent)?;
        }
        Ok(())
    }
}
