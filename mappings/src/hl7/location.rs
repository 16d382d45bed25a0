//! Where in a message something stands.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use super::segment::is_header;

/// A place in a message: segment, field, repetition, component, subcomponent, each counted
/// from 1 as the standard does; 0 is "not given". It holds no text of the message but the
/// segment's name, and `???` for a line whose name is none.
///
/// `Display` writes `PID[1]-5[1].1.2`, which [`Location::parse`] reads. Counts past 65 535
/// stay there.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Location {
    pub segment: [u8; 3],
    /// Which of the segments of that name, from 1.
    pub occurrence: u16,
    pub field: u16,
    pub repetition: u16,
    pub component: u16,
    pub subcomponent: u16,
}

/// Stands for the name of a line that has none.
pub(super) const NO_NAME: [u8; 3] = *b"???";

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

    /// That field of the first segment of that name.
    #[must_use]
    pub const fn field(name: &[u8; 3], field: u16) -> Self {
        Self::segment(name).at_field(field)
    }

    #[must_use]
    pub const fn at_occurrence(mut self, occurrence: u16) -> Self {
        self.occurrence = occurrence;
        self
    }

    #[must_use]
    pub const fn at_field(mut self, field: u16) -> Self {
        self.field = field;
        self
    }

    #[must_use]
    pub const fn at_repetition(mut self, repetition: u16) -> Self {
        self.repetition = repetition;
        self
    }

    #[must_use]
    pub const fn at_component(mut self, component: u16) -> Self {
        self.component = component;
        self
    }

    #[must_use]
    pub const fn at_subcomponent(mut self, subcomponent: u16) -> Self {
        self.subcomponent = subcomponent;
        self
    }

    /// `PID`; `???` for anything that is no segment's name.
    #[must_use]
    pub fn segment_name(&self) -> &str {
        match segment_name(&self.segment) {
            Some(_) => std::str::from_utf8(&self.segment).unwrap_or("???"),
            None => "???",
        }
    }

    /// Whether the segment is a header, whose first field is the field separator itself.
    #[must_use]
    pub const fn is_in_header(&self) -> bool {
        is_header(&self.segment)
    }

    /// ERR-2 as an ERL (HL7 v2.5.1 §2.A.28), `PID^1^5^1^1`, with the answer's component
    /// separator. ERL.2 is required there, so a place without an occurrence names the first.
    #[must_use]
    pub fn erl(&self, component_separator: char) -> String {
        let numbers = [
            self.occurrence.max(1),
            self.field,
            self.repetition,
            self.component,
            self.subcomponent,
        ];
        let given = numbers.iter().rposition(|number| *number != 0).map_or(0, |last| last + 1);
        let mut erl = String::from(self.segment_name());
        for number in &numbers[..given] {
            erl.push(component_separator);
            if *number != 0 {
                // Writing to a String cannot fail.
                let _ = write!(erl, "{number}");
            }
        }
        erl
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.segment_name())?;
        if self.occurrence != 0 {
            write!(f, "[{}]", self.occurrence)?;
        }
        if self.field == 0 {
            return Ok(());
        }
        write!(f, "-{}", self.field)?;
        if self.repetition != 0 {
            write!(f, "[{}]", self.repetition)?;
        }
        if self.component != 0 {
            write!(f, ".{}", self.component)?;
            if self.subcomponent != 0 {
                write!(f, ".{}", self.subcomponent)?;
            }
        }
        Ok(())
    }
}

/// The name, when it is one: `[A-Z][A-Z0-9][A-Z0-9]` (HL7 v2.5.1 §2.5.2).
pub(super) fn segment_name(bytes: &[u8]) -> Option<[u8; 3]> {
    let name: [u8; 3] = bytes.try_into().ok()?;
    let rest = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (name[0].is_ascii_uppercase() && rest(name[1]) && rest(name[2])).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_reads_as_people_write_it_and_as_err_2_wants_it() {
        let place = Location::field(b"PID", 5).at_repetition(1).at_component(1);
        assert_eq!(place.to_string(), "PID[1]-5[1].1");
        assert_eq!(place.erl('^'), "PID^1^5^1^1");
        assert_eq!(place.at_subcomponent(2).to_string(), "PID[1]-5[1].1.2");
        assert_eq!(Location::field(b"EVN", 2).at_occurrence(0).erl('$'), "EVN$1$2");
        assert_eq!(Location::field(b"PV1", 3).at_component(4).erl('^'), "PV1^1^3^^4");
    }

    #[test]
    fn text_of_a_message_cannot_pass_for_a_segment_name() {
        assert_eq!(Location::segment(b"Dup").at_occurrence(2).to_string(), "???[2]");
        assert_eq!(Location::segment(&[0xC3, 0xA9, b'x']).erl('^'), "???^1");
    }

    #[test]
    fn a_name_is_a_capital_and_two_capitals_or_digits() {
        for name in [b"PID", b"PV1", b"Z00"] {
            assert_eq!(segment_name(name), Some(*name));
        }
        for other in [&b"pID"[..], b"1ID", b"P-1", b"PI-", b"--D", b"-I-", b"PI", b"PIDX", b""] {
            assert_eq!(segment_name(other), None, "{other:?}");
        }
    }
}
