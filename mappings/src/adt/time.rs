//! Times: what a sender's clock says, made absolute in the EJ's time zone (FACTS §4 TS).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::hl7::datatypes::{Dtm, DtmPrecision};
use crate::records::{Moment, Precision};

/// A time without an offset is the EJ's local time. One that a change to summer time leaves out
/// is moved past the gap; one that comes twice is the earlier, as clocks read it first.
pub(super) fn moment(dtm: &Dtm, zone: &TimeZone) -> Moment {
    let precision = match dtm.precision() {
        DtmPrecision::Year => Precision::Year,
        DtmPrecision::Month => Precision::Month,
        DtmPrecision::Day => Precision::Day,
        DtmPrecision::Hour | DtmPrecision::Minute | DtmPrecision::Second => Precision::Second,
        DtmPrecision::Fraction => Precision::Millisecond,
    };
    if let Some(offset_minutes) = dtm.offset_minutes() {
        return Moment::new(dtm.start(), precision, offset_minutes);
    }
    let (local, offset_minutes) = localize(dtm.start(), zone);
    // A day stays that day, though its midnight may be in a gap.
    let local = if precision <= Precision::Day { dtm.start() } else { local };
    Moment::new(local, precision, offset_minutes)
}

/// Offsets of old were of odd seconds (Paris +00:09:21 until 1911); a FHIR offset has minutes.
fn localize(local: DateTime, zone: &TimeZone) -> (DateTime, i16) {
    let minutes = |seconds: i32| i16::try_from(seconds / 60).unwrap_or(0);
    match zone.to_ambiguous_zoned(local).compatible() {
        Ok(zoned) => (zoned.datetime(), minutes(zoned.offset().seconds())),
        // Past the end of the time line (99991231): the zone's last known offset.
        Err(_) => (local, minutes(zone.to_offset(jiff::Timestamp::MAX).seconds())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paris(text: &str) -> String {
        moment(&Dtm::parse(text).unwrap(), &TimeZone::get("Europe/Paris").unwrap()).to_fhir()
    }

    #[test]
    fn a_time_without_an_offset_is_the_ejs_local_time() {
        assert_eq!(paris("20260310090500"), "2026-03-10T09:05:00+01:00");
        assert_eq!(paris("202607100905"), "2026-07-10T09:05:00+02:00");
        assert_eq!(paris("20260710090500.025"), "2026-07-10T09:05:00.025+02:00");
    }

    #[test]
    fn a_time_with_an_offset_keeps_it() {
        assert_eq!(paris("20260310090500-0500"), "2026-03-10T09:05:00-05:00");
    }

    #[test]
    fn a_time_that_summer_time_leaves_out_is_moved_past_the_gap() {
        assert_eq!(paris("20260329023000"), "2026-03-29T03:30:00+02:00");
    }

    #[test]
    fn a_time_that_comes_twice_is_the_earlier() {
        assert_eq!(paris("20261025023000"), "2026-10-25T02:30:00+02:00");
    }

    #[test]
    fn a_date_stays_the_date_in_any_year() {
        for (text, date) in [
            ("19580514", "1958-05-14"),
            ("18900601", "1890-06-01"),
            ("99991231", "9999-12-31"),
            ("2026", "2026"),
        ] {
            assert_eq!(paris(text), date);
        }
    }
}
