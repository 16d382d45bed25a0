//! Identifiers, as they are rendered.

use sluice_ids::EjId;

use super::Param;
use super::key::{self, Key, Span};
use super::values::{split, unescape};
use crate::entity::LegalEntity;
use crate::fhir::datatypes::Identifier;
use crate::fhir::{canonical, place, plan, text as fhir_text};
use crate::records::{self, Record, phi_debug};

/// A value of `identifier:of-type`: a number with the type that it is said to be of.
#[derive(Clone)]
pub(super) struct TypedNumber {
    system: String,
    code: String,
    pub(super) value: String,
}

phi_debug!(TypedNumber);

impl TypedNumber {
    /// `system|code|value`, all three of them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts = split(text, '|').into_iter().map(|part| unescape(part).trim().to_owned());
        let parts: [String; 3] = parts.collect::<Vec<_>>().try_into().ok()?;
        let [system, code, value] = parts;
        let whole = !system.is_empty() && !code.is_empty() && !value.is_empty();
        whole.then_some(Self { system, code, value })
    }
}

/// System and value.
pub(super) fn identifiers(ej: EjId, record: &Record) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    match record {
        Record::Location(location) => {
            let path = place::path(&location.place);
            if !path.is_empty() {
                shown.push((canonical::place_system(ej), path));
            }
        }
        Record::Coverage(coverage) => {
            shown.extend(plan::number(coverage).map(|(system, number)| {
                (system.unwrap_or_default().into_owned(), number.into_owned())
            }));
        }
        _ => {}
    }
    let sent = |i: &records::Identifier| {
        let system = fhir_text::uri(&i.system).unwrap_or_default();
        Some((system.to_owned(), fhir_text::string(&i.value)?.into_owned()))
    };
    shown.extend(record.identifiers().iter().filter_map(sent));
    shown
}

/// Whether the record shows any of the numbers as one of its type.
pub(super) fn are_typed(
    record: &Record,
    entity: Option<&LegalEntity>,
    numbers: &[TypedNumber],
) -> bool {
    let default_type = match record {
        Record::Stay(_) => "VN",
        Record::Account(_) => "AN",
        _ => "",
    };
    let mut shown = Identifier::list(record.identifiers(), default_type);
    if let (Record::Location(location), Some(entity)) = (record, entity) {
        shown.extend(crate::fhir::resources::location::path(location, entity));
    }
    shown.iter().any(|own| {
        let codings = own.of_type.iter().flat_map(|concept| concept.coding.iter());
        codings.into_iter().any(|coding| {
            numbers.iter().any(|asked| {
                coding.system.as_deref() == Some(&*asked.system)
                    && coding.code.as_deref() == Some(&*asked.code)
                    && own.value == asked.value
            })
        })
    })
}

pub(super) fn rows(ej: EjId, record: &Record, out: &mut Vec<(Param, Key)>) {
    for (system, value) in identifiers(ej, record) {
        out.push((Param::Identifier, key::system_value(&system, &value)));
        out.push((Param::IdentifierValue, key::value(&value)));
    }
}

pub(super) fn value_span(value: &str) -> Span {
    Span::point(Param::IdentifierValue, key::value(value), false)
}
