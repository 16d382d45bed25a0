//! Moment → date, dateTime, Period; Micros → instant.

use serde::{Serialize, Serializer};
use sluice_ids::Micros;

use super::super::civil::{Clock, clock, local};
use super::super::period;
use crate::records::{Moment, Precision};

/// FHIR allows the years 0001 to 9999.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9_999;

/// FHIR allows offsets up to 14 hours.
const OFFSET_MINUTES_MAX: u16 = 14 * 60;

/// `dateTime`, as precise as the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DateTime(Moment);

impl DateTime {
    /// `None` outside the years that FHIR can write.
    #[must_use]
    pub fn new(moment: Moment) -> Option<Self> {
        let mut moment = moment;
        if moment.offset_minutes.unsigned_abs() > OFFSET_MINUTES_MAX
            && moment.precision > Precision::Day
        {
            // No clock on earth: the instant is right all the same.
            moment.offset_minutes = 0;
        }
        YEARS.contains(&clock(local(moment)).year).then_some(Self(moment))
    }

    fn text(self) -> Ascii {
        let Self(moment) = self;
        let mut text = Ascii::default();
        let at = clock(local(moment));
        text.date(&at, moment.precision);
        if moment.precision > Precision::Day {
            text.time(&at);
            if moment.precision == Precision::Millisecond {
                text.fraction(at.micros / 1_000, 3);
            }
            text.offset(moment.offset_minutes);
        }
        text
    }
}

/// `date`: the day that the sender's clock showed, or as much of it as was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Date(Moment);

impl Date {
    /// `None` outside the years that FHIR can write.
    #[must_use]
    pub fn new(moment: Moment) -> Option<Self> {
        YEARS.contains(&clock(local(moment)).year).then_some(Self(moment))
    }
}

/// `instant`, in UTC: milliseconds, and microseconds where there are any.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Micros);

/// A period with at least one end; never one that ends before it starts.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<DateTime>,
}

impl Period {
    #[must_use]
    pub fn new(start: Option<Moment>, end: Option<Moment>) -> Option<Self> {
        let (start, end) = period::shown(start, end);
        let period =
            Self { start: start.and_then(DateTime::new), end: end.and_then(DateTime::new) };
        (period.start.is_some() || period.end.is_some()).then_some(period)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Ascii::default();
        text.date(&clock(local(self.0)), self.0.precision.min(Precision::Day));
        serializer.serialize_str(text.as_str())
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Ascii::default();
        let at = clock(self.0.get());
        text.date(&at, Precision::Day);
        text.time(&at);
        if at.micros.is_multiple_of(1_000) {
            text.fraction(at.micros / 1_000, 3);
        } else {
            text.fraction(at.micros, 6);
        }
        text.push(b'Z');
        serializer.serialize_str(text.as_str())
    }
}

/// The longest text here is `2026-11-20T10:00:00.123456+01:00`.
const ASCII_BYTES_MAX: usize = 40;

/// Text on the stack: formatting through `fmt` costs more than the rest of a resource.
#[derive(Clone, Copy)]
struct Ascii {
    bytes: [u8; ASCII_BYTES_MAX],
    len: usize,
}

impl Default for Ascii {
    fn default() -> Self {
        Self { bytes: [0; ASCII_BYTES_MAX], len: 0 }
    }
}

impl Ascii {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("only ASCII was pushed")
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn digits(&mut self, value: u32, digits: u32) {
        for place in (0..digits).rev() {
            let digit = value / 10_u32.pow(place) % 10;
            self.push(b'0' + u8::try_from(digit).expect("one digit"));
        }
    }

    fn date(&mut self, at: &Clock, precision: Precision) {
        self.digits(at.year.unsigned_abs(), 4);
        if precision >= Precision::Month {
            self.push(b'-');
            self.digits(at.month.into(), 2);
        }
        if precision >= Precision::Day {
            self.push(b'-');
            self.digits(at.day.into(), 2);
        }
    }

    fn time(&mut self, at: &Clock) {
        for (separator, part) in [(b'T', at.hour), (b':', at.minute), (b':', at.second)] {
            self.push(separator);
            self.digits(part.into(), 2);
        }
    }

    fn fraction(&mut self, value: u32, digits: u32) {
        self.push(b'.');
        self.digits(value, digits);
    }

    fn offset(&mut self, minutes: i16) {
        self.push(if minutes < 0 { b'-' } else { b'+' });
        let minutes = u32::from(minutes.unsigned_abs());
        self.digits(minutes / 60, 2);
        self.push(b':');
        self.digits(minutes % 60, 2);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn an_instant_is_written_in_utc_with_the_fraction_that_it_has() {
        assert_eq!(json(&Instant(Micros::new(0))), r#""1970-01-01T00:00:00.000Z""#);
        assert_eq!(json(&Instant(Micros::new(1_500_001))), r#""1970-01-01T00:00:01.500001Z""#);
    }

    #[test]
    fn an_offset_that_no_clock_has_is_written_as_utc() {
        let moment =
            Moment { low: Micros::new(0), precision: Precision::Second, offset_minutes: 15 * 60 };
        let text = json(&DateTime::new(moment).unwrap());
        assert_eq!(text, r#""1970-01-01T00:00:00+00:00""#);
    }

    proptest! {
        /// Two writers of one text: this one is on the path of every resource.
        #[test]
        fn a_moment_is_written_as_it_writes_itself(
            low in -60_000_000_000_000_000_i64..200_000_000_000_000_000,
            offset_minutes in -840_i16..=840,
            precision in prop::sample::select(vec![
                Precision::Year, Precision::Month, Precision::Day,
                Precision::Second, Precision::Millisecond,
            ]),
        ) {
            let moment = Moment { low: Micros::new(low), precision, offset_minutes };
            let own = format!("\"{}\"", moment.to_fhir());
            prop_assert_eq!(json(&DateTime::new(moment).unwrap()), own);
        }
    }
}
