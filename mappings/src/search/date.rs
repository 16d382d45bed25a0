//! Dates in queries: intervals against intervals (FHIR R4 §3.1.1.4.5).
//!
//! A value covers all that its precision leaves open: `2026-10` is a month. With `l..h` the
//! record's interval and `L..H` the query's:
//!
//! | prefix | holds when |
//! |---|---|
//! | `eq` | `L ≤ l` and `h ≤ H`: the query contains the record |
//! | `ne` | not `eq` |
//! | `gt` | `h > H` |
//! | `lt` | `l < L` |
//! | `ge` | `h ≥ L`: some of the record lies in the query or after it |
//! | `le` | `l ≤ H`: some of it lies in the query or before it |
//! | `sa` | `l > H` |
//! | `eb` | `h < L` |
//! | `ap` | they overlap, the query made longer by its own length on both sides |
//!
//! (Read to the letter, `ge` is `gt` or `eq`, and would miss a stay that ends within the day asked
//! for but began before it; HAPI and Inferno read it as here.)
//!
//! A stay that has not ended has `h` at the end of time, so `date=2026-10-01` does not find one
//! that is still open: `eq` means containment. Who was in on a day is
//! `date=ge2026-10-01&date=le2026-10-01`.
//! A query without an offset is read on the clock of the zone that it is parsed in.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Param;
use super::key::{HIGHEST, Key, LOWEST, Span, number};
use crate::fhir::civil::{
    Interval, MICROS_PER_DAY, MICROS_PER_MINUTE, MICROS_PER_SECOND, days_from, instant_in, unit,
};
use crate::records::Precision;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

impl Prefix {
    pub(super) fn parse(letters: &str) -> Option<Self> {
        Some(match letters {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "gt" => Self::Gt,
            "lt" => Self::Lt,
            "ge" => Self::Ge,
            "le" => Self::Le,
            "sa" => Self::Sa,
            "eb" => Self::Eb,
            "ap" => Self::Ap,
            _ => return None,
        })
    }

    pub(super) fn holds(self, record: Interval, query: Interval) -> bool {
        match self {
            Self::Eq => query.contains(record),
            Self::Ne => !query.contains(record),
            Self::Gt => record.high > query.high,
            Self::Ge => record.high >= query.low,
            Self::Lt => record.low < query.low,
            Self::Le => record.low <= query.high,
            Self::Sa => record.low > query.high,
            Self::Eb => record.high < query.low,
            Self::Ap => wider(query).overlaps(record),
        }
    }
}

const fn wider(query: Interval) -> Interval {
    let length = query.high - query.low + 1;
    Interval { low: query.low - length, high: query.high + length }
}

/// One value of a date parameter.
#[derive(Clone, Copy)]
pub(super) struct DateValue {
    pub(super) prefix: Prefix,
    /// As instants, for times.
    pub(super) instants: Interval,
    /// On the wall clock, for calendar dates.
    pub(super) civil: Interval,
    /// How much was given: 0 a year, 1 a month, 2 a day, 3 more; as in [`date_key_tail`].
    tail: u8,
}

/// The instants that a date or a time covers, as much of it as is given: read on the clock of
/// `zone` where it has no offset. `None` where it is neither.
#[must_use]
pub fn covered(text: &str, zone: &TimeZone) -> Option<Interval> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(DateValue::parse(text, zone)?.instants)
}

/// Orders the dates that start on the same day: the coarser first.
pub(super) const fn date_key_tail(precision: Precision) -> u8 {
    match precision {
        Precision::Year => 0,
        Precision::Month => 1,
        _ => 2,
    }
}

/// An end of a period in the index may be this far from the true one: where the clocks change
/// within a day (month, year) that was sent without a time. See [`crate::fhir::civil::interval`].
const END_MARGIN_MICROS: i64 = 3 * 60 * MICROS_PER_MINUTE;

/// Longer than any date covers: a year and some days.
const COARSE_MICROS: i64 = 370 * MICROS_PER_DAY;

/// The rows of periods.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    pub(super) start: Param,
    pub(super) end: Param,
    /// Of rows that several elements share, the element's number.
    pub(super) number: Option<u8>,
    /// A record can have more than one; of their ends the last has a row.
    pub(super) several: bool,
}

impl Lines {
    /// What the type's `date` is about.
    pub(super) const OWN: Self =
        Self { start: Param::PeriodStart, end: Param::PeriodEnd, number: None, several: false };

    pub(super) fn key(self, at: i64) -> Key {
        let own = number(at, 0);
        let Some(number) = self.number else { return own };
        let mut key = LOWEST;
        key[0] = number;
        key[1..9].copy_from_slice(&own[..8]);
        key
    }
}

impl DateValue {
    /// `[prefix]YYYY[-MM[-DD[Thh:mm[:ss[.f…]][Z|±hh:mm]]]]`; a blank stands for the `+` that URL
    /// decoding took.
    pub(super) fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let prefix = if letters == 0 { Prefix::Eq } else { Prefix::parse(&text[..letters])? };
        let mut rest = Digits { text: &text.as_bytes()[letters..] };

        let year = rest.number(4)?;
        let month = rest.after(b'-', 2)?;
        let day = if month.is_some() { rest.after(b'-', 2)? } else { None };
        Date::new(
            i16::try_from(year).ok()?,
            i8::try_from(month.unwrap_or(1)).ok()?,
            i8::try_from(day.unwrap_or(1)).ok()?,
        )
        .ok()?;
        let date = days_from(
            i32::try_from(year).ok()?,
            u8::try_from(month.unwrap_or(1)).ok()?,
            u8::try_from(day.unwrap_or(1)).ok()?,
        ) * MICROS_PER_DAY;

        if day.is_some() && rest.skip(b'T') {
            return Self::with_time(prefix, date, rest, zone);
        }
        if !rest.text.is_empty() {
            return None;
        }
        let (precision, tail) = match (month, day) {
            (None, _) => (Precision::Year, 0),
            (_, None) => (Precision::Month, 1),
            _ => (Precision::Day, 2),
        };
        let (low, next) = unit(date, precision);
        let instants = Interval {
            low: instant_in(low, zone)?.get(),
            high: instant_in(next, zone).map_or(next, |n| n.get()) - 1,
        };
        Some(Self { prefix, instants, civil: Interval { low, high: next - 1 }, tail })
    }

    fn with_time(prefix: Prefix, date: i64, mut rest: Digits<'_>, zone: &TimeZone) -> Option<Self> {
        let hour = rest.number(2).filter(|h| *h < 24)?;
        let minute = rest.after(b':', 2)?.filter(|m| *m < 60)?;
        let mut local = date + (hour * 60 + minute) * MICROS_PER_MINUTE;
        let mut length = MICROS_PER_MINUTE;
        if let Some(second) = rest.after(b':', 2)? {
            if second > 60 {
                return None;
            }
            // A leap second is the last of its minute: no sender's clock shows one.
            local += second.min(59) * MICROS_PER_SECOND;
            length = MICROS_PER_SECOND;
            if rest.skip(b'.') {
                let digits = rest.text.iter().take_while(|b| b.is_ascii_digit()).count();
                if digits == 0 {
                    return None;
                }
                for _ in 0..digits {
                    let digit = rest.number(1)?;
                    if length > 1 {
                        length /= 10;
                        local += digit * length;
                    }
                }
            }
        }
        let (low, shown) = match rest.offset_minutes()? {
            Some(minutes) => {
                let low = local - minutes * MICROS_PER_MINUTE;
                let at = Timestamp::from_microsecond(low).ok()?;
                (low, low + i64::from(zone.to_offset(at).seconds()) * MICROS_PER_SECOND)
            }
            None => (instant_in(local, zone)?.get(), local),
        };
        Some(Self {
            prefix,
            instants: Interval { low, high: low + length - 1 },
            civil: Interval { low: shown, high: shown + length - 1 },
            tail: 3,
        })
    }

    /// Calendar dates: units nest and never cross, so only those that start in the query's own
    /// year can contain it, and only they need a look.
    pub(super) fn birth_date_spans(&self, out: &mut Vec<Span>) {
        let Interval { low, high } = self.civil;
        let span = |from, to, exact| Span::new(Param::BirthDate, from, to, exact);
        let before = span(LOWEST, number(low - 1, u8::MAX), true);
        let after = span(number(high + 1, 0), HIGHEST, true);
        let inside = span(number(low, 0), number(high, u8::MAX), false);
        let (year, _) = unit(low, Precision::Year);
        let year_to = |last: i64| span(number(year, 0), number(last, u8::MAX), false);
        match self.prefix {
            Prefix::Eq => out.push(span(number(low, self.tail), number(high, u8::MAX), true)),
            Prefix::Ne => out.extend([before, inside, after]),
            Prefix::Gt => out.extend([year_to(high), after]),
            Prefix::Ge => out.extend([year_to(low), span(number(low, 0), HIGHEST, true)]),
            Prefix::Lt => out.push(before),
            Prefix::Le => out.push(span(LOWEST, number(high, u8::MAX), true)),
            Prefix::Sa => out.push(after),
            Prefix::Eb => {
                out.extend([span(LOWEST, number(year - 1, u8::MAX), true), year_to(low)]);
            }
            Prefix::Ap => {
                let wide = wider(self.civil);
                let (from, _) = unit(wide.low, Precision::Year);
                out.push(span(number(from, 0), number(wide.high, u8::MAX), false));
            }
        }
    }

    /// Periods: starts are exact, ends nearly so.
    pub(super) fn period_spans(&self, lines: Lines, out: &mut Vec<Span>) {
        let Interval { low, high } = self.instants;
        let start = |from, to, exact| Span::new(lines.start, lines.key(from), lines.key(to), exact);
        let end = |from, to, exact| Span::new(lines.end, lines.key(from), lines.key(to), exact);
        let before = start(i64::MIN, low - 1, true);
        let after = start(high + 1, i64::MAX, true);
        // Of several, each that does not begin within the value is outside of it.
        let inside = start(low, high, false);
        // Ends near `at` need a look; those surely after it do not.
        let near = |at: i64| end(at - END_MARGIN_MICROS, at + END_MARGIN_MICROS, false);
        let beyond = |at: i64| end(at + END_MARGIN_MICROS + 1, i64::MAX, true);
        match self.prefix {
            Prefix::Eq => out.push(inside),
            Prefix::Ne => out.extend([before, inside, after]),
            Prefix::Gt => out.extend([near(high), beyond(high)]),
            Prefix::Ge => out.extend([near(low), beyond(low)]),
            Prefix::Lt => out.push(before),
            Prefix::Le => out.push(start(i64::MIN, high, true)),
            Prefix::Sa => out.push(after),
            // Only where the last one ends is known.
            Prefix::Eb if lines.several => out.push(Span { exact: false, ..before }),
            Prefix::Eb => {
                let surely = low - END_MARGIN_MICROS - 1;
                out.extend([end(i64::MIN, surely, true), near(low)]);
            }
            Prefix::Ap => {
                let from = wider(self.instants).low - END_MARGIN_MICROS;
                out.push(end(from, i64::MAX, false));
            }
        }
    }

    /// Where a stay begins, by the rows of its period: a date that is less than a day covers up to
    /// a year.
    pub(super) fn start_spans(&self, out: &mut Vec<Span>) {
        let Interval { low, high } = self.instants;
        // The lowest key is that of a period without a start.
        let span = |from: i64, to: i64, exact| {
            let from = from.max(i64::MIN + 1);
            Span::new(Param::PeriodStart, number(from, 0), number(to, 0), exact)
        };
        let near = |at: i64| span(at - COARSE_MICROS, at, false);
        let after = |at: i64| span(at + 1, i64::MAX, true);
        match self.prefix {
            Prefix::Eq => out.push(span(low, high, false)),
            Prefix::Ne => {
                out.extend([span(i64::MIN, low - 1, true), span(low, high, false), after(high)]);
            }
            Prefix::Gt => out.extend([near(high), after(high)]),
            Prefix::Ge => out.extend([near(low), after(low - 1)]),
            Prefix::Lt => out.push(span(i64::MIN, low - 1, true)),
            Prefix::Le => out.push(span(i64::MIN, high, true)),
            Prefix::Sa => out.push(after(high)),
            Prefix::Eb => {
                let surely = low - COARSE_MICROS;
                out.extend([span(i64::MIN, surely, true), span(surely, low, false)]);
            }
            Prefix::Ap => {
                let wide = wider(self.instants);
                out.push(span(wide.low - COARSE_MICROS, wide.high, false));
            }
        }
    }

    /// The same of where it ends.
    pub(super) fn end_spans(&self, out: &mut Vec<Span>) {
        let Interval { low, high } = self.instants;
        // The highest key is that of a period without an end.
        let span = |from: i64, to: i64, exact| {
            let to = to.min(i64::MAX - 1);
            Span::new(Param::PeriodEnd, number(from, 0), number(to, 0), exact)
        };
        // Longer than any clock is put on: what is as far as this is surely on that side.
        let margin = END_MARGIN_MICROS;
        let beyond = |at: i64| span(at + margin, i64::MAX, true);
        let near = |at: i64| span(at - margin, at + margin, false);
        let later = |at: i64| span(at - margin, at + COARSE_MICROS, false);
        match self.prefix {
            Prefix::Eq => out.push(span(low - margin, high + margin, false)),
            Prefix::Ne => out.push(span(i64::MIN, i64::MAX, false)),
            Prefix::Gt => out.extend([near(high), beyond(high)]),
            Prefix::Ge => out.extend([near(low), beyond(low)]),
            Prefix::Lt => out.extend([span(i64::MIN, low - margin, true), later(low)]),
            Prefix::Le => out.extend([span(i64::MIN, high - margin, true), later(high)]),
            Prefix::Sa => {
                let surely = high + COARSE_MICROS;
                out.extend([span(high - margin, surely, false), span(surely, i64::MAX, true)]);
            }
            Prefix::Eb => out.extend([span(i64::MIN, low - margin, true), near(low)]),
            Prefix::Ap => {
                let wide = wider(self.instants);
                out.push(span(wide.low - margin, wide.high + COARSE_MICROS, false));
            }
        }
    }

    /// Instants: a record is a point, so every span is exact.
    pub(super) fn instant_spans(&self, out: &mut Vec<Span>) {
        let Interval { low, high } = self.instants;
        let span = |from, to| Span::new(Param::LastUpdated, from, to, true);
        let before = |limit: i64| span(LOWEST, number(limit, 0));
        let after = |limit: i64| span(number(limit, 0), HIGHEST);
        match self.prefix {
            Prefix::Eq => out.push(span(number(low, 0), number(high, 0))),
            Prefix::Ne => out.extend([before(low - 1), after(high + 1)]),
            Prefix::Gt | Prefix::Sa => out.push(after(high + 1)),
            Prefix::Ge => out.push(after(low)),
            Prefix::Lt | Prefix::Eb => out.push(before(low - 1)),
            Prefix::Le => out.push(before(high)),
            Prefix::Ap => {
                let wide = wider(self.instants);
                out.push(span(number(wide.low, 0), number(wide.high, 0)));
            }
        }
    }
}

/// What is left of a date.
struct Digits<'a> {
    text: &'a [u8],
}

impl Digits<'_> {
    /// Exactly `digits` digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.text.split_at_checked(digits)?;
        let mut value = 0;
        for byte in number {
            if !byte.is_ascii_digit() {
                return None;
            }
            value = value * 10 + i64::from(byte - b'0');
        }
        self.text = rest;
        Some(value)
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.text.first() == Some(&byte);
        if found {
            self.text = &self.text[1..];
        }
        found
    }

    /// `Some(None)`: the separator is not there. `None`: it is, and no number after it.
    #[expect(clippy::option_option, reason = "absent and broken differ, and both are read once")]
    fn after(&mut self, separator: u8, digits: usize) -> Option<Option<i64>> {
        if self.skip(separator) { self.number(digits).map(Some) } else { Some(None) }
    }

    /// The rest of the text: nothing, `Z`, or an offset of at most 14 hours.
    #[expect(clippy::option_option, reason = "absent and broken differ, and both are read once")]
    fn offset_minutes(&mut self) -> Option<Option<i64>> {
        let sign = match self.text.first() {
            None => return Some(None),
            Some(b'Z') => {
                self.text = &self.text[1..];
                return self.text.is_empty().then_some(Some(0));
            }
            Some(b'+' | b' ') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        self.text = &self.text[1..];
        let hours = self.number(2)?;
        let minutes = self.after(b':', 2)?.filter(|m| *m < 60)?;
        let total = hours * 60 + minutes;
        (self.text.is_empty() && total <= 14 * 60).then_some(Some(sign * total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    fn micros(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn instants(text: &str) -> Option<(i64, i64)> {
        DateValue::parse(text, &paris()).map(|v| (v.instants.low, v.instants.high + 1))
    }

    #[test]
    fn a_value_covers_what_its_precision_leaves_open_on_the_clock_of_its_zone() {
        let between = |from, to| Some((micros(from), micros(to)));
        assert_eq!(instants("2026"), between("2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"));
        assert_eq!(instants("2026-03"), between("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"));
        // 23 hours: the clocks change that night.
        assert_eq!(instants("2026-03-29"), between("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"));
        assert_eq!(
            instants("2026-11-20T10:15"),
            between("2026-11-20T09:15:00Z", "2026-11-20T09:16:00Z")
        );
        assert_eq!(
            instants("ge2026-11-20T10:15:30.25+00:00"),
            between("2026-11-20T10:15:30.25Z", "2026-11-20T10:15:30.26Z")
        );
        // URL decoding made a blank of the plus sign.
        assert_eq!(
            instants("2026-11-20T10:15:30 02:00"),
            between("2026-11-20T08:15:30Z", "2026-11-20T08:15:31Z")
        );
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "",
            "notadate",
            "2026-",
            "2026-13",
            "2026-02-30",
            "26-01-01",
            "20260101",
            "xx2026",
            "2026-01-01T",
            "2026-01-01T10",
            "2026-01-01T25:00",
            "2026-01-01T10:61",
            "2026-01-01T10:00:00.",
            "2026-01-01T10:00:00+15:00",
            "2026-01-01T10:00:00Zx",
            "2026-01-01 ",
            "ge",
            "2026-1-1",
            "2026-01-01T10:00:61",
        ] {
            assert!(DateValue::parse(text, &paris()).is_none(), "{text}");
        }
    }

    fn value(text: &str) -> DateValue {
        DateValue::parse(text, &paris()).unwrap()
    }

    #[test]
    fn an_interval_that_only_touches_the_other_is_not_before_it() {
        let of = |low, high| Interval { low, high };
        assert!(Prefix::Eb.holds(of(1, 4), of(5, 9)) && !Prefix::Eb.holds(of(1, 5), of(5, 9)));
        assert!(Prefix::Sa.holds(of(10, 12), of(5, 9)) && !Prefix::Sa.holds(of(9, 12), of(5, 9)));
        let wide = wider(of(10, 19));
        assert_eq!((wide.low, wide.high), (0, 29), "its own length to either side");
    }

    #[test]
    fn a_time_is_read_to_its_last_digit_and_no_further() {
        let length = |text: &str| instants(text).map(|(low, next)| next - low);
        assert_eq!(length("2026-01-01T10:00:00.123456Z"), Some(1));
        assert_eq!(length("2026-01-01T10:00:00.1234567Z"), Some(1));
        assert_eq!(
            instants("2026-01-01T10:00:60Z").map(|(low, _)| low),
            Some(micros("2026-01-01T10:00:59Z")),
            "a leap second is the last of its minute"
        );
        for refused in [
            "2026-01-01T24:00",
            "2026-01-01T10:60",
            "2026-01-01T10:00:61Z",
            "2026-01-01T10:00+01:60",
        ] {
            assert_eq!(instants(refused), None, "{refused}");
        }
        let start = |text: &str| instants(text).map(|(low, _)| low);
        assert_eq!(start("2026-01-01T10:00-02:00"), Some(micros("2026-01-01T12:00:00Z")));
        assert_eq!(start("2026-01-01T10:00+05:30"), Some(micros("2026-01-01T04:30:00Z")));
    }

    #[test]
    fn a_time_with_an_offset_is_shown_on_the_clock_of_the_zone() {
        let Interval { low, high } = value("2026-07-01T10:00:00Z").civil;
        assert_eq!(low, micros("2026-07-01T12:00:00Z"));
        assert_eq!(high, low + 999_999);
    }

    #[test]
    fn the_coarser_of_two_dates_of_one_day_goes_first() {
        let tails = [Precision::Year, Precision::Month, Precision::Day].map(date_key_tail);
        assert_eq!(tails, [0, 1, 2]);
    }

    const PREFIXES: [&str; 9] = ["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"];

    #[test]
    fn an_instant_is_in_a_span_exactly_where_the_prefix_holds() {
        for prefix in PREFIXES {
            let value = value(&format!("{prefix}2026-03-10"));
            let mut spans = Vec::new();
            value.instant_spans(&mut spans);
            let wide = wider(value.instants);
            let Interval { low, high } = value.instants;
            for edge in [low, high, wide.low, wide.high] {
                for at in edge - 2..=edge + 2 {
                    let key = number(at, 0);
                    let is_in = spans.iter().any(|span| span.holds(Param::LastUpdated, &key));
                    let holds = value.prefix.holds(Interval { low: at, high: at }, value.instants);
                    assert_eq!(is_in, holds, "{prefix} {}", at - edge);
                }
            }
        }
    }

    #[test]
    fn a_birth_date_in_an_exact_span_is_a_match_and_a_match_is_in_a_span() {
        let precisions = [Precision::Year, Precision::Month, Precision::Day];
        for prefix in PREFIXES {
            for query in ["2026", "2026-01", "2026-03", "2026-12", "2026-01-01", "2026-12-31"] {
                let value = value(&format!("{prefix}{query}"));
                let mut spans = Vec::new();
                value.birth_date_spans(&mut spans);
                for start in [
                    "2025-12-31",
                    "2025-01-01",
                    "2026-01-01",
                    "2026-01-02",
                    "2026-03-10",
                    "2026-03-01",
                    "2026-12-01",
                    "2026-12-31",
                    "2027-01-01",
                    "2024-12-31",
                ] {
                    let at = micros(&format!("{start}T00:00:00Z"));
                    for precision in precisions {
                        let (low, next) = unit(at, precision);
                        let key = number(low, date_key_tail(precision));
                        let holds =
                            value.prefix.holds(Interval { low, high: next - 1 }, value.civil);
                        let mut of = spans.iter().filter(|s| s.holds(Param::BirthDate, &key));
                        let what = format!("{prefix}{query} {start} {precision:?}");
                        assert!(!holds || of.clone().next().is_some(), "{what} is missed");
                        assert!(holds || !of.any(|span| span.exact), "{what} is none");
                    }
                }
            }
        }
    }

    /// The index has the start of a period exactly, and its end within the margin.
    #[test]
    fn a_period_in_an_exact_span_is_a_match_whatever_its_end_truly_is() {
        for prefix in PREFIXES {
            let value = value(&format!("{prefix}2026-03-10"));
            let mut spans = Vec::new();
            value.period_spans(Lines::OWN, &mut spans);
            let Interval { low, high } = value.instants;
            let exact = |param, at: i64| {
                spans.iter().any(|span| span.exact && span.holds(param, &number(at, 0)))
            };
            for edge in [low, high] {
                for at in edge - 2..=edge + 2 {
                    let holds =
                        |high| value.prefix.holds(Interval { low: at, high }, value.instants);
                    if exact(Param::PeriodStart, at) {
                        assert!(holds(at.max(high + 1)), "{prefix} start {}", at - edge);
                    }
                }
                for margin in [-END_MARGIN_MICROS, END_MARGIN_MICROS] {
                    for at in edge + margin - 2..=edge + margin + 2 {
                        let of_end = |end: i64| Interval { low: end.min(low - 1), high: end };
                        let true_ends = [at - END_MARGIN_MICROS, at, at + END_MARGIN_MICROS];
                        let all = true_ends
                            .into_iter()
                            .all(|end| value.prefix.holds(of_end(end), value.instants));
                        assert!(!exact(Param::PeriodEnd, at) || all, "{prefix} end {}", at - edge);
                    }
                }
            }
        }
    }
}
