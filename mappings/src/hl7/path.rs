//! Location paths: `PID-5.1`, `PV1-3[2].4`, `PID[1]-5[1].1.2`.
//!
//! The syntax is `hl7-parser`'s, guarded: 0.3.0 panics on a number that overflows, takes any
//! letters for a segment's name and stops in silence at what it does not understand. So a path
//! is checked to be made of known characters and short numbers before, and to have been
//! understood to its end after.

use hl7_parser::query::parse_location_query;

use super::location::segment_name;
use super::{Location, Message};

/// Digits of one number in a path.
const DIGITS_MAX: usize = 5;

/// Why a path is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("a path begins with a segment's name, as in PID-5.1")]
    Segment,
    #[error("character {at} of the path is not understood; a path reads like PID[1]-5[2].1.2")]
    Syntax { at: usize },
    #[error("a number in the path is 0, begins with 0 or is too large")]
    Number,
}

impl Location {
    /// Reads a path, numbers from 1: segment, `[occurrence]`, `-field`, `[repetition]`,
    /// `.component`, `.subcomponent`. A dot may stand for the dash.
    ///
    /// # Errors
    /// When it is none, with the place where it stops being one.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        check_characters(path)?;
        let query = parse_location_query(path).map_err(|_| PathError::Syntax { at: 3 })?;
        let understood = query.to_string();
        let normal = path.replace('-', ".");
        if understood != normal {
            let same = understood.bytes().zip(normal.bytes()).take_while(|(a, b)| a == b);
            return Err(PathError::Syntax { at: same.count() });
        }
        let number =
            |given: Option<usize>| u16::try_from(given.unwrap_or(0)).map_err(|_| PathError::Number);
        let name = segment_name(query.segment.as_bytes()).ok_or(PathError::Segment)?;
        Ok(Self {
            segment: name,
            occurrence: number(query.segment_index)?,
            field: number(query.field)?,
            repetition: number(query.repeat)?,
            component: number(query.component)?,
            subcomponent: number(query.subcomponent)?,
        })
    }
}

impl std::str::FromStr for Location {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        Self::parse(path)
    }
}

fn check_characters(path: &str) -> Result<(), PathError> {
    let bytes = path.as_bytes();
    if bytes.get(..3).and_then(segment_name).is_none() {
        return Err(PathError::Segment);
    }
    let known = |b: &u8| b.is_ascii_digit() || matches!(b, b'[' | b']' | b'.' | b'-');
    if let Some(at) = bytes[3..].iter().position(|b| !known(b)) {
        return Err(PathError::Syntax { at: at + 3 });
    }
    let numbers = bytes[3..].split(|b| !b.is_ascii_digit()).filter(|number| !number.is_empty());
    for number in numbers {
        if number.len() > DIGITS_MAX || number[0] == b'0' {
            return Err(PathError::Number);
        }
    }
    Ok(())
}

impl Message<'_> {
    /// The raw text at a place, empty where there is nothing. What a place leaves open is taken
    /// whole from the field down (`PID-3` is all repetitions), and is the first above that:
    /// the first PID, and the first repetition once a component is named.
    #[must_use]
    pub fn at(&self, place: &Location) -> &str {
        let occurrence = usize::from(place.occurrence.max(1));
        let mut named = self.segments().named(place.segment_name());
        let Some(segment) = named.nth(occurrence - 1) else { return "" };
        if place.field == 0 {
            return segment.raw();
        }
        let field = segment.field(usize::from(place.field));
        if place.repetition == 0 && place.component == 0 {
            return field.raw();
        }
        let repetition = field.repetition(usize::from(place.repetition.max(1)));
        if place.component == 0 {
            return repetition.raw();
        }
        let component = repetition.component(usize::from(place.component));
        match place.subcomponent {
            0 => component.raw(),
            n => component.subcomponent(usize::from(n)).raw(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "MSH|^~\\&|APP\rPID|1||A^^^B&C&D~E|\rPID|2||Z\r";

    #[test]
    fn a_path_reads_back_what_a_location_displays() {
        for path in ["PID", "PID[2]", "PID-5", "PV1-3[2].4", "PID[1]-5[1].1.2", "MSH[1]-9.2"] {
            assert_eq!(Location::parse(path).unwrap().to_string(), path);
        }
        assert_eq!(Location::parse("PID.5.1"), Location::parse("PID-5.1"));
    }

    #[test]
    fn a_bad_path_says_where_it_is_bad() {
        for (path, error) in [
            ("", PathError::Segment),
            ("pid-5", PathError::Segment),
            ("PI", PathError::Segment),
            ("éà-5", PathError::Segment),
            ("PID-", PathError::Syntax { at: 3 }),
            ("PID-5.1.2.3", PathError::Syntax { at: 9 }),
            ("PID-5x", PathError::Syntax { at: 5 }),
            ("PIDX-5", PathError::Syntax { at: 3 }),
            ("PID[1", PathError::Syntax { at: 3 }),
            ("PID-0", PathError::Number),
            ("PID-99999999999999999999999", PathError::Number),
            ("PID-99999", PathError::Number),
        ] {
            assert_eq!(Location::parse(path), Err(error), "{path}");
        }
    }

    #[test]
    fn a_place_gives_its_raw_text() {
        let message = Message::index(TEXT).unwrap();
        let at = |path: &str| message.at(&Location::parse(path).unwrap());
        assert_eq!(at("PID-3"), "A^^^B&C&D~E");
        assert_eq!(at("PID-3[2]"), "E");
        assert_eq!(at("PID-3.4"), "B&C&D");
        assert_eq!(at("PID-3.4.3"), "D");
        assert_eq!(at("PID[2]-3.1.1"), "Z");
        assert_eq!(at("MSH-1"), "|");
        assert_eq!(at("MSH-2.1"), "^~\\&");
        assert_eq!(at("PID[3]-3"), "");
        assert_eq!(at("PID[2]"), "PID|2||Z");
    }
}
