//! Fields of a site's own (`[[field]]` of its tables) → what the record keeps of them.

use super::draft::Draft;
use super::values::REPETITIONS_MAX;
use crate::hl7::datatypes::{Cwe, Ts};
use crate::hl7::{Component, Location, Repetition, Segments};
use crate::records::{OwnField, OwnValue};
use crate::site::{SiteField, SiteResource, ValueType};

/// What the message says of the fields that show on such a resource: those that it leaves empty
/// are not there, and those that it deletes have no value. Of `parts`, the first that says something
/// of a field counts.
pub(super) fn read(
    draft: &mut Draft<'_>,
    parts: &[Segments<'_>],
    on: SiteResource,
) -> Vec<OwnField> {
    let site = &draft.entity().site;
    let said = site.fields(on).filter_map(|(place, field)| {
        let values = parts.iter().find_map(|part| values(draft, *part, place, field))?;
        Some(OwnField { field: field.field.clone(), values })
    });
    said.collect()
}

/// A message is a snapshot of each field that it says something of.
pub(super) fn take(own: &mut Vec<OwnField>, said: Vec<OwnField>) {
    for field in said {
        own.retain(|known| known.field != field.field);
        if !field.values.is_empty() {
            own.push(field);
        }
    }
    own.sort_by(|one, other| one.field.cmp(&other.field));
}

/// `None` where nothing is said.
fn values(
    draft: &mut Draft<'_>,
    segments: Segments<'_>,
    place: &Location,
    rule: &SiteField,
) -> Option<Vec<OwnValue>> {
    let (mut values, mut is_said) = (Vec::new(), false);
    for segment in segments.named(place.segment_name()) {
        let field = segment.field(usize::from(place.field));
        if field.is_empty() {
            continue;
        }
        is_said = true;
        let at = segment.location().at_field(place.field);
        for repetition in draft.repetitions(field, at) {
            if values.len() < REPETITIONS_MAX && !repetition.is_null() {
                values.extend(value(draft, repetition, place, rule, at));
            }
        }
    }
    is_said.then_some(values)
}

fn value(
    draft: &mut Draft<'_>,
    repetition: Repetition<'_>,
    place: &Location,
    rule: &SiteField,
    at: Location,
) -> Option<OwnValue> {
    let component: Component<'_> = repetition.component(usize::from(place.component.max(1)));
    match rule.value {
        ValueType::Coding | ValueType::CodeableConcept if place.component == 0 => {
            let coded = draft.coded(Cwe::of(repetition), "", at);
            (!coded.code.is_empty() || !coded.text.is_empty()).then_some(OwnValue::Coded(coded))
        }
        ValueType::Coding | ValueType::CodeableConcept => {
            let coded = draft.coded(Cwe::of(component), "", at);
            (!coded.code.is_empty()).then_some(OwnValue::Coded(coded))
        }
        ValueType::Date | ValueType::DateTime => {
            draft.moment(Ts::of(component), at).map(OwnValue::Moment)
        }
        ValueType::String | ValueType::Code | ValueType::Boolean | ValueType::Integer => {
            let value = match place.subcomponent {
                0 => component.value().into_text(),
                n => component.subcomponent(usize::from(n)).value().into_text(),
            };
            let text = draft.text(value, at);
            let text = text.trim();
            (!text.is_empty()).then(|| OwnValue::Text(text.to_owned()))
        }
    }
}
