//! A point in time with the precision and the offset that it was sent with.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};
use sluice_ids::Micros;

/// How much of a time was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Precision {
    Year,
    Month,
    Day,
    Second,
    Millisecond,
}

/// A v2 TS/DTM made absolute (FHIR `dateTime`).
///
/// `low` is the first instant that it covers; with `precision` it gives the interval that a
/// search compares. `offset_minutes` is the sender's own, or the EJ's zone at that instant, so
/// that rendering needs no time-zone database. Up to `Day`, the text carries no offset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment {
    pub low: Micros,
    pub precision: Precision,
    pub offset_minutes: i16,
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Moment {
    /// The moment that starts at `local` on a clock `offset_minutes` east of UTC. Finer parts
    /// than `precision` are left out.
    #[must_use]
    pub fn new(local: DateTime, precision: Precision, offset_minutes: i16) -> Self {
        let local = truncate(local, precision);
        let micros = micros_of(local.duration_since(EPOCH)) - offset_micros(offset_minutes);
        Self { low: Micros::new(micros), precision, offset_minutes }
    }

    /// The first instant that it covers.
    #[must_use]
    pub const fn low(&self) -> Micros {
        self.low
    }

    /// The last microsecond that it covers: `2026` lasts until 31 December, 23:59:59.999999.
    #[must_use]
    pub fn high(&self) -> Micros {
        let local = self.local();
        let next = match self.precision {
            Precision::Year => local.checked_add(1.year()),
            Precision::Month => local.checked_add(1.month()),
            Precision::Day => local.checked_add(1.day()),
            Precision::Second => local.checked_add(1.second()),
            Precision::Millisecond => local.checked_add(1.millisecond()),
        };
        // Year 9999 has no next one.
        let next = next.unwrap_or(DateTime::MAX);
        let micros = micros_of(next.duration_since(EPOCH)) - offset_micros(self.offset_minutes);
        Micros::new(micros - 1)
    }

    /// Whether all of it lies before all of `other`.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        self.high() < other.low
    }

    /// The day that it begins on, on the clock that it was sent from.
    #[must_use]
    pub fn date(&self) -> Date {
        self.local().date()
    }

    /// FHIR `dateTime` (`date` up to the day): as precise as it was sent.
    #[must_use]
    pub fn to_fhir(&self) -> String {
        let local = self.local();
        let (date, time) = (local.date(), local.time());
        let (year, month, day) = (date.year(), date.month(), date.day());
        match self.precision {
            Precision::Year => return format!("{year:04}"),
            Precision::Month => return format!("{year:04}-{month:02}"),
            Precision::Day => return format!("{year:04}-{month:02}-{day:02}"),
            Precision::Second | Precision::Millisecond => {}
        }
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if self.precision == Precision::Millisecond {
            text.push_str(&format!(".{:03}", time.millisecond()));
        }
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let offset = self.offset_minutes.unsigned_abs();
        text.push_str(&format!("{sign}{:02}:{:02}", offset / 60, offset % 60));
        text
    }

    fn local(&self) -> DateTime {
        let micros = self.low.get().saturating_add(offset_micros(self.offset_minutes));
        EPOCH.checked_add(SignedDuration::from_micros(micros)).unwrap_or(EPOCH)
    }
}

fn offset_micros(minutes: i16) -> i64 {
    i64::from(minutes) * 60_000_000
}

/// Civil time spans 20 000 years: microseconds fit an `i64` many times over.
fn micros_of(span: SignedDuration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn truncate(local: DateTime, precision: Precision) -> DateTime {
    let (date, time) = (local.date(), local.time());
    let month = if precision >= Precision::Month { date.month() } else { 1 };
    let day = if precision >= Precision::Day { date.day() } else { 1 };
    let midnight = Date::new(date.year(), month, day).unwrap_or(date);
    if precision <= Precision::Day {
        return midnight.at(0, 0, 0, 0);
    }
    let millis = if precision == Precision::Millisecond { time.millisecond() } else { 0 };
    midnight.at(time.hour(), time.minute(), time.second(), i32::from(millis) * 1_000_000)
}

super::phi_debug!(Moment);

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    fn at(precision: Precision, offset_minutes: i16) -> Moment {
        Moment::new(datetime(2026, 3, 10, 9, 5, 7, 25_000_000), precision, offset_minutes)
    }

    #[test]
    fn a_moment_is_written_as_precisely_as_it_was_sent() {
        assert_eq!(at(Precision::Year, 60).to_fhir(), "2026");
        assert_eq!(at(Precision::Month, 60).to_fhir(), "2026-03");
        assert_eq!(at(Precision::Day, 60).to_fhir(), "2026-03-10");
        assert_eq!(at(Precision::Second, 60).to_fhir(), "2026-03-10T09:05:07+01:00");
        assert_eq!(at(Precision::Millisecond, -210).to_fhir(), "2026-03-10T09:05:07.025-03:30");
    }

    #[test]
    fn a_moment_covers_all_that_its_precision_leaves_open() {
        let day = at(Precision::Day, 60);
        assert_eq!(day.high().get() - day.low().get(), 86_400_000_000 - 1);
        let month = at(Precision::Month, 60);
        assert_eq!(month.high().get() - month.low().get(), 31 * 86_400_000_000 - 1);
        assert!(!day.is_before(&at(Precision::Second, 60)));
        assert!(at(Precision::Second, 120).is_before(&at(Precision::Second, 60)));
    }

    #[test]
    fn the_last_year_of_the_calendar_ends() {
        let end = Moment::new(datetime(9999, 12, 31, 23, 59, 59, 0), Precision::Day, -840);
        assert_eq!(end.to_fhir(), "9999-12-31");
        assert!(end.high() > end.low());
    }

    #[test]
    fn a_year_long_gone_keeps_its_date() {
        let birth = Moment::new(datetime(1890, 6, 1, 0, 0, 0, 0), Precision::Day, 9);
        assert_eq!(birth.to_fhir(), "1890-06-01");
    }

    #[test]
    fn greenwich_is_written_with_a_plus() {
        assert_eq!(at(Precision::Second, 0).to_fhir(), "2026-03-10T09:05:07+00:00");
        assert_eq!(at(Precision::Second, 120).date(), jiff::civil::date(2026, 3, 10));
    }
}
