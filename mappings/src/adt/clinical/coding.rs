//! The parts that these segments share: codes with a description beside them, entity identifiers,
//! numbers.

use super::super::draft::Draft;
use super::super::values::at;
use super::super::{IssueCode, systems};
use crate::entity::AuthorityUse;
use crate::hl7::datatypes::{Cwe, Cx, Ei};
use crate::hl7::{Location, Repetition, Segment, Value};
use crate::records::{Coded, Identifier};

/// A code (DG1-3, PR1-3), the description beside it (DG1-4, PR1-4), and the coding method (DG1-2,
/// PR1-2) that old senders name instead of CWE-3. The description is the text where CWE-9 does not
/// say what the sender saw; CWE-2, or else it too, is the name of the code.
pub(super) fn set_described(draft: &mut Draft<'_>, target: &mut Coded, segment: &Segment<'_>) {
    let (method, code, description) = (2, 3, 4);
    draft.set_coded(target, segment, code, "");
    let coded = Cwe::of(segment.field(code));
    let part = segment.field(description).component(1);
    if coded.original_text().is_none() {
        if coded.text().is_none() {
            draft.set_text(&mut target.text, part, at(segment, description));
        } else if let Value::Text(_) = part.value() {
            let mut described = String::new();
            draft.set_text(&mut described, part, at(segment, description));
            if described != target.text {
                target.further.get_or_insert_default().original_text = described;
            }
        }
    }
    if !target.code.is_empty() && target.system.is_empty() {
        let part = segment.field(method).component(1);
        draft.set_text(&mut target.system, part, at(segment, method));
    }
}

/// A reaction or the like: a text, by the standard (ST), though some send a code.
pub(super) fn text_or_code(
    draft: &mut Draft<'_>,
    repetition: Repetition<'_>,
    table: &str,
    at: Location,
) -> Option<Coded> {
    let mut coded = draft.coded(Cwe::of(repetition), table, at);
    if coded.text.is_empty() && coded.system.is_empty() {
        coded.text = std::mem::take(&mut coded.code);
    }
    says(&coded).then_some(coded)
}

/// Whether there is more than a table.
pub(super) fn says(coded: &Coded) -> bool {
    !coded.code.is_empty()
        || !coded.text.is_empty()
        || !coded.alternate_code.is_empty()
        || coded.further.is_some()
}

/// EI → the record's only identifier. One without an authority is scoped by what it numbers.
pub(super) fn set_number(
    draft: &mut Draft<'_>,
    target: &mut Vec<Identifier>,
    segment: &Segment<'_>,
    field: usize,
    names: &str,
) {
    if segment.field(field).component(1).is_null() {
        target.clear();
    } else if let Some(number) = number(draft, segment, field, names) {
        *target = vec![number];
    }
}

pub(super) fn number(
    draft: &mut Draft<'_>,
    segment: &Segment<'_>,
    field: usize,
    names: &str,
) -> Option<Identifier> {
    let ei = Ei::of(segment.field(field));
    let mut number = draft.entity_identifier(ei, AuthorityUse::Any, at(segment, field))?;
    if ei.authority_key().is_none() {
        number.system = systems::local(draft.entity(), names);
    }
    Some(number)
}

/// CX of somebody else's numbering: without an authority it is none of the EJ's own.
pub(super) fn foreign_number(
    draft: &mut Draft<'_>,
    cx: Cx<'_>,
    names: &str,
    at: Location,
) -> Option<Identifier> {
    let (_, mut number) = draft.identifier(cx, AuthorityUse::Any, at)?;
    if cx.assigning_authority().is_empty() {
        number.system = systems::local(draft.entity(), names);
    }
    Some(number)
}

/// A count (NM); 0 where `positive` is none.
pub(super) fn set_count(
    draft: &mut Draft<'_>,
    target: &mut Option<u32>,
    segment: &Segment<'_>,
    field: usize,
) {
    let component = segment.field(field).component(1);
    if component.is_null() {
        *target = None;
    } else if !component.is_empty() {
        let text = component.text();
        let text = text.trim();
        let whole = text.split_once('.').map_or(text, |(whole, fraction)| {
            if fraction.bytes().all(|digit| digit == b'0') { whole } else { text }
        });
        match whole.parse() {
            Ok(0) => *target = None,
            Ok(count) => *target = Some(count),
            Err(_) => draft.issue(IssueCode::NumberUnreadable, at(segment, field)),
        }
    }
}
