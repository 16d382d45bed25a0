//! How a field changes what is there: empty leaves it alone, `""` deletes it, a value replaces
//! it, a list as a whole.

use std::borrow::Cow;

use super::IssueCode;
use super::draft::Draft;
use crate::hl7::datatypes::{Cwe, Ts};
use crate::hl7::{Component, Field, Location, Repetition, Segment, Value};
use crate::records::{Coded, Moment};

/// Repetitions of a field that a record keeps.
pub(super) const REPETITIONS_MAX: usize = 16;

/// Bytes of a text that a record keeps: v2.5.1 gives no field of ours more than 250 characters.
pub(super) const TEXT_BYTES_MAX: usize = 512;

/// Where in the message a field is; segments have a few hundred fields at most.
pub(super) fn at(segment: &Segment<'_>, field: usize) -> Location {
    segment.location().at_field(u16::try_from(field).unwrap_or(u16::MAX))
}

impl Draft<'_> {
    /// A part's text as a record keeps it.
    pub fn text(&mut self, text: Option<Cow<'_, str>>, at: Location) -> String {
        let Some(text) = text else { return String::new() };
        if text.len() <= TEXT_BYTES_MAX {
            return text.into_owned();
        }
        self.issue(IssueCode::ValueCut, at);
        text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
    }

    /// The field's repetitions that say something, at most [`REPETITIONS_MAX`].
    pub fn repetitions<'m>(&mut self, field: Field<'m>, at: Location) -> Vec<Repetition<'m>> {
        let mut kept: Vec<_> = field.repetitions().filter(|r| !r.is_empty()).collect();
        if kept.len() > REPETITIONS_MAX {
            self.issue(IssueCode::ValueCut, at);
            kept.truncate(REPETITIONS_MAX);
        }
        kept
    }

    // ---- fields into targets ----

    pub fn set_text(&mut self, target: &mut String, part: Component<'_>, at: Location) {
        match part.value() {
            Value::Empty => {}
            Value::Null => target.clear(),
            Value::Text(text) => *target = self.text(Some(Cow::Borrowed(text.trim())), at),
        }
    }

    pub fn set_coded(
        &mut self,
        target: &mut Coded,
        segment: &Segment<'_>,
        field: usize,
        table: &str,
    ) {
        let value = segment.field(field);
        if value.is_null() {
            *target = Coded::default();
        } else if !value.is_empty() {
            *target = self.coded(Cwe::of(value), table, at(segment, field));
        }
    }

    pub fn set_moment(&mut self, target: &mut Option<Moment>, segment: &Segment<'_>, field: usize) {
        let value = segment.field(field);
        if value.is_null() || value.component(1).is_null() {
            *target = None;
        } else if let Some(moment) = self.moment(Ts::of(value), at(segment, field)) {
            *target = Some(moment);
        }
    }

    /// `Y` or `N` (table 0136); anything else says nothing, and is told.
    pub fn set_flag(&mut self, target: &mut Option<bool>, segment: &Segment<'_>, field: usize) {
        match segment.field(field).component(1).value() {
            Value::Null => *target = None,
            Value::Empty => {}
            Value::Text(text) => match text.trim() {
                "Y" => *target = Some(true),
                "N" => *target = Some(false),
                _ => self.issue(IssueCode::CodeUnknown, at(segment, field)),
            },
        }
    }

    /// NM without a fraction.
    pub fn set_number(&mut self, target: &mut Option<u32>, segment: &Segment<'_>, field: usize) {
        match segment.field(field).component(1).value() {
            Value::Null => *target = None,
            Value::Empty => {}
            Value::Text(text) => match text.trim().parse() {
                Ok(number) => *target = Some(number),
                Err(_) => self.issue(IssueCode::NumberUnreadable, at(segment, field)),
            },
        }
    }

    /// Coded values as a list: the field's repetitions that say something.
    pub fn set_codes(
        &mut self,
        target: &mut Vec<Coded>,
        segment: &Segment<'_>,
        field: usize,
        table: &str,
    ) {
        let listed = self.list(segment, field, |draft, repetition, at| {
            Some(draft.coded(Cwe::of(repetition), table, at))
        });
        if let Some(listed) = listed {
            *target = listed;
        }
    }

    /// A list as a whole. `None`: the field says nothing.
    pub fn list<'m, T>(
        &mut self,
        segment: &Segment<'m>,
        field: usize,
        one: impl Fn(&mut Self, Repetition<'m>, Location) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = segment.field(field);
        if value.is_null() {
            return Some(Vec::new());
        }
        if value.is_empty() {
            return None;
        }
        let at = at(segment, field);
        let repetitions = self.repetitions(value, at);
        Some(repetitions.into_iter().filter_map(|r| one(self, r, at)).collect())
    }
}
