//! DTM: `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]` (§2.A.22).

use jiff::civil;
use serde::{Deserialize, Serialize};

/// How much of a time was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DtmPrecision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// Tenths of a second or finer.
    Fraction,
}

/// Why a text is no time. It holds none of the text: a birth date is patient data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DtmError {
    #[error("is empty")]
    Empty,
    #[error("is an explicit null")]
    Null,
    #[error("is all zeros")]
    Zero,
    #[error("does not read as YYYY[MM[DD[HH[MM[SS[.S]]]]]][+ZZZZ] at character {at}")]
    Malformed { at: usize },
    #[error("has a {part:?} that the calendar or the clock lacks")]
    Impossible { part: DtmPrecision },
    #[error("has an offset from UTC beyond 14 hours")]
    Offset,
}

/// A time as it was sent: local to the sender unless it carries an offset.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dtm {
    start: civil::DateTime,
    precision: DtmPrecision,
    offset_minutes: Option<i16>,
}

impl Dtm {
    /// Reads a DTM. White space around it, up to nine digits of a fraction, and `Z` for
    /// `+0000` are tolerated; a calendar that does not have that day is not.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, DtmError> {
        let text = text.trim();
        match text {
            "" => return Err(DtmError::Empty),
            "\"\"" => return Err(DtmError::Null),
            _ => {}
        }
        let bytes = text.as_bytes();
        let at = bytes.iter().position(|b| matches!(b, b'+' | b'-' | b'Z')).unwrap_or(bytes.len());
        let (local, offset) = bytes.split_at(at);
        let offset_minutes = parse_offset(offset, at)?;
        let dot = local.iter().position(|b| *b == b'.').unwrap_or(local.len());
        let (digits, fraction) = local.split_at(dot);
        if let Some(at) = digits.iter().position(|b| !b.is_ascii_digit()) {
            return Err(DtmError::Malformed { at });
        }
        if !digits.is_empty() && digits.iter().all(|b| *b == b'0') {
            return Err(DtmError::Zero);
        }
        let nanoseconds = parse_fraction(fraction, dot)?;
        let precision = match (digits.len(), nanoseconds) {
            (4, None) => DtmPrecision::Year,
            (6, None) => DtmPrecision::Month,
            (8, None) => DtmPrecision::Day,
            (10, None) => DtmPrecision::Hour,
            (12, None) => DtmPrecision::Minute,
            (14, None) => DtmPrecision::Second,
            (14, Some(_)) => DtmPrecision::Fraction,
            _ => return Err(DtmError::Malformed { at: digits.len() }),
        };
        let start = civil_start(digits, nanoseconds.unwrap_or(0))?;
        Ok(Self { start, precision, offset_minutes })
    }

    /// The first instant that it covers, on the sender's clock: `2026` is 1 January, 00:00.
    #[must_use]
    pub const fn start(&self) -> civil::DateTime {
        self.start
    }

    #[must_use]
    pub const fn precision(&self) -> DtmPrecision {
        self.precision
    }

    /// Minutes east of UTC, where it was sent.
    #[must_use]
    pub const fn offset_minutes(&self) -> Option<i16> {
        self.offset_minutes
    }

    /// The day, where a day was sent.
    #[must_use]
    pub fn date(&self) -> Option<civil::Date> {
        (self.precision >= DtmPrecision::Day).then(|| self.start.date())
    }

    /// The same, said to be no more precise than `limit`.
    #[must_use]
    pub fn at_most(self, limit: DtmPrecision) -> Self {
        if limit >= self.precision {
            return self;
        }
        let (date, time) = (self.start.date(), self.start.time());
        let month = if limit >= DtmPrecision::Month { date.month() } else { 1 };
        let day = if limit >= DtmPrecision::Day { date.day() } else { 1 };
        let hour = if limit >= DtmPrecision::Hour { time.hour() } else { 0 };
        let minute = if limit >= DtmPrecision::Minute { time.minute() } else { 0 };
        let second = if limit >= DtmPrecision::Second { time.second() } else { 0 };
        // Earlier in the same year than a time that exists, hence one that exists.
        let start = civil::DateTime::new(date.year(), month, day, hour, minute, second, 0);
        Self { start: start.unwrap_or(self.start), precision: limit, ..self }
    }
}

/// Redacted: a birth date is patient data.
impl std::fmt::Debug for Dtm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dtm(«phi», {:?})", self.precision)
    }
}

fn civil_start(digits: &[u8], nanoseconds: i32) -> Result<civil::DateTime, DtmError> {
    let number = |from: usize, to: usize, absent: i16| {
        digits.get(from..to).map_or(absent, |part| {
            part.iter().fold(0, |number, digit| number * 10 + i16::from(digit - b'0'))
        })
    };
    // Two digits always fit; four do as well (9999).
    let small = |from: usize, absent: i16| number(from, from + 2, absent) as i8;
    let (year, month, day) = (number(0, 4, 0), small(4, 1), small(6, 1));
    let (hour, minute, second) = (small(8, 0), small(10, 0), small(12, 0));
    let part = match () {
        () if year == 0 => DtmPrecision::Year,
        () if !(1..=12).contains(&month) => DtmPrecision::Month,
        () if civil::Date::new(year, month, day).is_err() => DtmPrecision::Day,
        () if hour > 23 => DtmPrecision::Hour,
        () if minute > 59 => DtmPrecision::Minute,
        () => DtmPrecision::Second,
    };
    civil::DateTime::new(year, month, day, hour, minute, second, nanoseconds)
        .ok()
        .filter(|_| year != 0)
        .ok_or(DtmError::Impossible { part })
}

/// `.S` to `.SSSSSSSSS`, in nanoseconds.
fn parse_fraction(fraction: &[u8], dot: usize) -> Result<Option<i32>, DtmError> {
    let Some(digits) = fraction.get(1..) else { return Ok(None) };
    if let Some(at) = digits.iter().position(|b| !b.is_ascii_digit()) {
        return Err(DtmError::Malformed { at: dot + 1 + at });
    }
    if digits.is_empty() || digits.len() > 9 {
        return Err(DtmError::Malformed { at: dot });
    }
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Ok(Some(padded.fold(0, |number, digit| number * 10 + i32::from(digit - b'0'))))
}

/// `+HHMM`, `-HHMM` or `Z`, in minutes.
fn parse_offset(offset: &[u8], at: usize) -> Result<Option<i16>, DtmError> {
    match offset {
        [] => Ok(None),
        b"Z" => Ok(Some(0)),
        [sign @ (b'+' | b'-'), digits @ ..]
            if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit) =>
        {
            let number = |pair: &[u8]| i16::from(pair[0] - b'0') * 10 + i16::from(pair[1] - b'0');
            let (hours, minutes) = (number(&digits[..2]), number(&digits[2..]));
            let total = hours * 60 + minutes;
            if minutes > 59 || total > 14 * 60 {
                return Err(DtmError::Offset);
            }
            Ok(Some(if *sign == b'-' { -total } else { total }))
        }
        _ => Err(DtmError::Malformed { at }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_precision_is_told_from_the_others() {
        for (text, precision, start) in [
            ("2026", DtmPrecision::Year, "2026-01-01T00:00:00"),
            ("202603", DtmPrecision::Month, "2026-03-01T00:00:00"),
            ("20260310", DtmPrecision::Day, "2026-03-10T00:00:00"),
            ("2026031009", DtmPrecision::Hour, "2026-03-10T09:00:00"),
            ("202603100905", DtmPrecision::Minute, "2026-03-10T09:05:00"),
            ("20260310090507", DtmPrecision::Second, "2026-03-10T09:05:07"),
            ("20260310090507.0250", DtmPrecision::Fraction, "2026-03-10T09:05:07.025"),
        ] {
            let dtm = Dtm::parse(text).unwrap();
            assert_eq!((dtm.precision(), dtm.start().to_string()), (precision, start.to_owned()));
        }
    }

    #[test]
    fn an_offset_counts_east_of_utc() {
        let offset = |text| Dtm::parse(text).map(|dtm| dtm.offset_minutes());
        assert_eq!(offset("20260310090507"), Ok(None));
        assert_eq!(offset("20260310090507+0130"), Ok(Some(90)));
        assert_eq!(offset("202603100905-0330"), Ok(Some(-210)));
        assert_eq!(offset("20260310090507Z"), Ok(Some(0)));
        assert_eq!(offset("20260310090507+1500"), Err(DtmError::Offset));
        assert_eq!(offset("20260310090507+1"), Err(DtmError::Malformed { at: 14 }));
    }

    #[test]
    fn what_is_no_time_says_why() {
        use DtmPrecision::{Day, Hour, Minute, Month, Second, Year};
        for (text, error) in [
            (" ", DtmError::Empty),
            ("\"\"", DtmError::Null),
            ("00000000", DtmError::Zero),
            ("20263", DtmError::Malformed { at: 5 }),
            ("1980-05-14", DtmError::Malformed { at: 4 }),
            ("14/05/1980", DtmError::Malformed { at: 2 }),
            ("2026.5", DtmError::Malformed { at: 4 }),
            ("20260310090507.", DtmError::Malformed { at: 14 }),
            ("é", DtmError::Malformed { at: 0 }),
            ("00000110", DtmError::Impossible { part: Year }),
            ("19800014", DtmError::Impossible { part: Month }),
            ("20261310", DtmError::Impossible { part: Month }),
            ("20260229", DtmError::Impossible { part: Day }),
            ("2026031024", DtmError::Impossible { part: Hour }),
            ("202603100960", DtmError::Impossible { part: Minute }),
            ("20260310090561", DtmError::Impossible { part: Second }),
        ] {
            assert_eq!(Dtm::parse(text), Err(error), "{text}");
        }
        assert!(Dtm::parse("20240229").is_ok());
    }

    #[test]
    fn a_stated_precision_takes_away_what_was_padded() {
        let dtm = Dtm::parse("20260310090507").unwrap();
        assert_eq!(dtm.at_most(DtmPrecision::Month), Dtm::parse("202603").unwrap());
        assert_eq!(dtm.at_most(DtmPrecision::Fraction), dtm);
        assert_eq!(dtm.at_most(DtmPrecision::Year).date(), None);
    }

    #[test]
    fn the_last_that_is_allowed_is_and_the_next_is_not() {
        let of = |text| Dtm::parse(text).map(|dtm| (dtm.precision(), dtm.offset_minutes()));
        let fraction = Ok((DtmPrecision::Fraction, None));
        assert_eq!(of("20260310090507.123456789"), fraction);
        assert_eq!(of("20260310090507.1234567890"), Err(DtmError::Malformed { at: 14 }));
        assert_eq!(of("20260310090507.12x4"), Err(DtmError::Malformed { at: 17 }));
        let minute = |offset| Ok((DtmPrecision::Minute, Some(offset)));
        assert_eq!(of("202603100905+0159"), minute(119));
        assert_eq!(of("202603100905+0160"), Err(DtmError::Offset));
        assert_eq!(of("202603100905+1400"), minute(840));
        assert_eq!(of("202603100905-1400"), minute(-840));
        assert_eq!(of("202603100905+1401"), Err(DtmError::Offset));
        let date = |text| Dtm::parse(text).unwrap().date();
        assert_eq!(date("20260310"), Some(civil::date(2026, 3, 10)));
        assert_eq!(date("202603100905"), Some(civil::date(2026, 3, 10)));
        assert_eq!(date("202603"), None);
    }
}
