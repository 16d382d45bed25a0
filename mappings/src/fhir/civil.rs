//! Calendar arithmetic on a [`Moment`]: its wall clock, and the interval that it covers.
//!
//! Proleptic Gregorian, integers only: a moment carries its own offset, so that rendering needs
//! no time-zone database and costs some nanoseconds.

use jiff::civil;
use jiff::tz::TimeZone;
use sluice_ids::Micros;

use crate::records::{Moment, Precision};

pub const MICROS_PER_SECOND: i64 = 1_000_000;
pub const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A closed interval of microseconds; `i64::MIN` and `i64::MAX` stand for an open end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    pub low: i64,
    pub high: i64,
}

impl Interval {
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// A wall clock reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub year: i32,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub micros: u32,
}

/// The clock that shows `micros` since 1970-01-01T00:00 of the same clock.
#[must_use]
pub fn clock(micros: i64) -> Clock {
    let (year, month, day) = date_of(micros.div_euclid(MICROS_PER_DAY));
    let within = micros.rem_euclid(MICROS_PER_DAY);
    let seconds = within / MICROS_PER_SECOND;
    let part = |value: i64| u8::try_from(value).expect("a part of a day fits a byte");
    Clock {
        year,
        month,
        day,
        hour: part(seconds / 3600),
        minute: part(seconds / 60 % 60),
        second: part(seconds % 60),
        micros: u32::try_from(within % MICROS_PER_SECOND).expect("below a million"),
    }
}

/// The sender's wall clock, as microseconds since 1970-01-01T00:00 of that clock.
#[must_use]
pub const fn local(moment: Moment) -> i64 {
    moment.low.get().saturating_add(moment.offset_minutes as i64 * MICROS_PER_MINUTE)
}

/// The wall-clock interval of a date, cut to days at the finest: what `birthDate` can say.
#[must_use]
pub fn date_interval(moment: Moment) -> Interval {
    let precision = moment.precision.min(Precision::Day);
    let (low, next) = unit(local(moment), precision);
    Interval { low, high: next - 1 }
}

/// The instants that `moment` covers, by its own offset: at most 2 hours off at its end where the
/// clocks change within a day, month or year that was sent without a time.
#[must_use]
pub fn interval(moment: Moment) -> Interval {
    Interval { low: moment.low().get(), high: moment.high().get() }
}

/// As [`interval`], exactly: the day, month or year ends when it does in `zone`, if the moment is
/// one of that zone.
#[must_use]
pub fn interval_in(moment: Moment, zone: &TimeZone) -> Interval {
    let plain = interval(moment);
    if moment.precision > Precision::Day {
        return plain;
    }
    let Ok(start) = jiff::Timestamp::from_microsecond(plain.low) else { return plain };
    if zone.to_offset(start).seconds() != i32::from(moment.offset_minutes) * 60 {
        return plain;
    }
    let (_, next) = unit(local(moment), moment.precision);
    match instant_in(next, zone) {
        Some(next) => Interval { low: plain.low, high: next.get() - 1 },
        None => plain,
    }
}

/// The instant at which the wall clock of `zone` shows `local`; the first of two, and the one
/// after a gap.
#[must_use]
pub fn instant_in(local: i64, zone: &TimeZone) -> Option<Micros> {
    let at = clock(local);
    let date = civil::DateTime::new(
        i16::try_from(at.year).ok()?,
        i8::try_from(at.month).ok()?,
        i8::try_from(at.day).ok()?,
        i8::try_from(at.hour).ok()?,
        i8::try_from(at.minute).ok()?,
        i8::try_from(at.second).ok()?,
        i32::try_from(at.micros).ok()? * 1_000,
    )
    .ok()?;
    let zoned = date.to_zoned(zone.clone()).ok()?;
    Some(Micros::new(zoned.timestamp().as_microsecond()))
}

/// Start of the calendar unit that holds `local`, and start of the next one.
#[must_use]
pub fn unit(local: i64, precision: Precision) -> (i64, i64) {
    let days = local.div_euclid(MICROS_PER_DAY);
    let (year, month, _) = date_of(days);
    let (from, to) = match precision {
        Precision::Year => (days_from(year, 1, 1), days_from(year + 1, 1, 1)),
        // A 13th month is the next year's first.
        Precision::Month => (days_from(year, month, 1), days_from(year, month + 1, 1)),
        _ => (days, days + 1),
    };
    (from * MICROS_PER_DAY, to * MICROS_PER_DAY)
}

/// Days since 1970-01-01 of a Gregorian date.
#[must_use]
pub fn days_from(year: i32, month: u8, day: u8) -> i64 {
    // Years are counted from March, so that the leap day is the last of its year.
    let y = i64::from(year) - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The Gregorian date of a day since 1970-01-01.
fn date_of(days: i64) -> (i32, u8, u8) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        i32::try_from(year).expect("microseconds in 64 bits reach no further than year 294 247"),
        u8::try_from(month).expect("1 to 12"),
        u8::try_from(day).expect("1 to 31"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_is_the_one_that_jiff_names() {
        let mut date = civil::date(1600, 1, 1);
        let mut days = days_from(1600, 1, 1);
        while date.year() < 2400 {
            let shown = clock(days * MICROS_PER_DAY);
            let parts = (date.year(), date.month(), date.day());
            assert_eq!(
                (shown.year, shown.month, shown.day),
                (i32::from(parts.0), parts.1.unsigned_abs(), parts.2.unsigned_abs())
            );
            assert_eq!(days_from(shown.year, shown.month, shown.day), days);
            date = date.tomorrow().unwrap();
            days += 1;
        }
    }

    #[test]
    fn a_day_on_which_the_clocks_change_ends_at_the_next_midnight_of_its_zone() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        // 2026-03-29 lasts 23 hours in Paris and starts at +01:00.
        let low = instant_in(days_from(2026, 3, 29) * MICROS_PER_DAY, &paris).unwrap();
        let moment = Moment { low, precision: Precision::Day, offset_minutes: 60 };
        let hours = |i: Interval| (i.high + 1 - i.low) / (60 * MICROS_PER_MINUTE);
        assert_eq!(hours(interval_in(moment, &paris)), 23);
        assert_eq!(hours(interval(moment)), 24);
    }

    #[test]
    fn times_before_1970_count_forwards_within_their_day() {
        let shown = clock(-1);
        assert_eq!((shown.year, shown.month, shown.day), (1969, 12, 31));
        assert_eq!((shown.hour, shown.second, shown.micros), (23, 59, 999_999));
    }

    #[test]
    fn december_ends_where_the_next_year_begins() {
        let december = days_from(2026, 12, 5) * MICROS_PER_DAY;
        let (from, to) = unit(december, Precision::Month);
        assert_eq!(from, days_from(2026, 12, 1) * MICROS_PER_DAY);
        assert_eq!(to, days_from(2027, 1, 1) * MICROS_PER_DAY);
    }

    #[test]
    fn a_time_of_day_covers_its_second_and_the_clock_keeps_its_microseconds() {
        let zone = TimeZone::UTC;
        let low = Micros::new(1_773_000_000_000_000);
        let moment = Moment { low, precision: Precision::Second, offset_minutes: 0 };
        let covered = interval_in(moment, &zone);
        assert_eq!((covered.low, covered.high), (low.get(), low.get() + 999_999));
        assert_eq!(
            instant_in(1_773_000_000_000_007, &zone),
            Some(Micros::new(1_773_000_000_000_007))
        );
    }
}
