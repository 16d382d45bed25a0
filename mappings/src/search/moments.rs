//! Elements that are dates or periods, beside the one that the type's `date` is about.
//!
//! An element can have several (the places of a stay). Its rows are where each begins, and where
//! the last one ends: every prefix but `eb` asks for one of these.

use jiff::tz::TimeZone;

use super::Param;
use super::date::{DateValue, Lines};
use super::key::{HIGHEST, Key, LOWEST, Span};
use crate::fhir::civil::{self, Interval};
use crate::fhir::datatypes::DateTime;
use crate::fhir::{period, place};
use crate::records::{Moment, Movement, ObservationValue, Place, Record, RecordType, StayRecord};

/// An element that is a date or a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum DateOf {
    /// Of a patient.
    Death = 1,
    /// `Encounter.location.period`.
    Places,
    /// Of a Condition.
    Recorded,
    /// Of an Observation.
    Value,
}

const fn dates_of(record_type: RecordType) -> &'static [DateOf] {
    match record_type {
        RecordType::Patient => &[DateOf::Death],
        RecordType::Stay => &[DateOf::Places],
        RecordType::Condition => &[DateOf::Recorded],
        RecordType::Observation => &[DateOf::Value],
        _ => &[],
    }
}

/// A start and an end, one of them at least; a date is both.
pub(super) type Shown = (Option<Moment>, Option<Moment>);

/// A `dateTime`, as rendered.
pub(super) fn instant(moment: Option<Moment>) -> Option<Shown> {
    let moment = moment.filter(|moment| DateTime::new(*moment).is_some());
    moment.map(|moment| (Some(moment), Some(moment)))
}

/// A `Period`, as rendered.
pub(super) fn span_of(start: Option<Moment>, end: Option<Moment>) -> Option<Shown> {
    let (start, end) = period::shown(start, end);
    let writable = |moment: Option<Moment>| moment.filter(|m| DateTime::new(*m).is_some());
    let (start, end) = (writable(start), writable(end));
    (start.is_some() || end.is_some()).then_some((start, end))
}

/// What the element says, as rendered.
pub(super) fn dates(record: &Record, of: DateOf) -> Vec<Shown> {
    match (record, of) {
        (Record::Patient(r), DateOf::Death) => instant(r.deceased_at).into_iter().collect(),
        (Record::Stay(r), DateOf::Places) => {
            shown_places(r).filter_map(|place| span_of(place.start, place.end)).collect()
        }
        (Record::Condition(r), DateOf::Recorded) => instant(r.asserted).into_iter().collect(),
        (Record::Observation(r), DateOf::Value) => match &r.values[..] {
            [one] => value(one).into_iter().collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The movements that show as places of a stay: those that name one.
pub(super) fn shown_places(stay: &StayRecord) -> impl Iterator<Item = &Movement> {
    let is_named = |place: &Place| !place::name(place).trim().is_empty();
    let shown =
        stay.places().filter(move |(movement, sent)| movement.location.is_some() || is_named(sent));
    shown.map(|(movement, _)| movement)
}

/// `valueDateTime` or `valuePeriod`.
pub(super) fn value(value: &ObservationValue) -> Option<Shown> {
    match value {
        ObservationValue::Moment(moment) => instant(Some(*moment)),
        ObservationValue::Period { start, end } => span_of(*start, *end),
        _ => None,
    }
}

/// From when until when, with days that end as they do in `zone`.
pub(super) fn interval((start, end): Shown, zone: &TimeZone) -> Interval {
    Interval {
        low: start.map_or(i64::MIN, |moment| moment.low.get()),
        high: end.map_or(i64::MAX, |moment| civil::interval_in(moment, zone).high),
    }
}

pub(super) fn hold(shown: Shown, values: &[DateValue], zone: &TimeZone) -> bool {
    let own = interval(shown, zone);
    values.iter().any(|value| value.prefix.holds(own, value.instants))
}

pub(super) fn rows(record: &Record, out: &mut Vec<(Param, Key)>) {
    for of in dates_of(record.record_type()) {
        let shown = dates(record, *of);
        let lines = lines(*of);
        out.extend(shown.iter().map(|(start, _)| {
            let low = start.map_or(i64::MIN, |moment| moment.low.get());
            (Param::DateStart, lines.key(low))
        }));
        let ends = shown.iter().map(|(_, end)| end.map_or(i64::MAX, |m| civil::interval(m).high));
        out.extend(ends.max().map(|last| (Param::DateEnd, lines.key(last))));
    }
}

pub(super) fn spans(of: DateOf, values: &[DateValue], out: &mut Vec<Span>) {
    values.iter().for_each(|value| value.period_spans(lines(of), out));
}

const fn lines(of: DateOf) -> Lines {
    Lines { start: Param::DateStart, end: Param::DateEnd, number: Some(of as u8), several: true }
}

/// Every row of the element, once each.
pub(super) fn whole(of: DateOf) -> Span {
    let (mut low, mut high) = (LOWEST, HIGHEST);
    (low[0], high[0]) = (of as u8, of as u8);
    Span::new(Param::DateEnd, low, high, true)
}
