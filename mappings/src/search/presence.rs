//! Whether an element is there: `:missing`.

use sluice_ids::EjId;

use super::composite::{self, CompositeOf};
use super::key::Span;
use super::names::TextOf;
use super::params::Of;
use super::tokens::{self, TokenOf};
use super::{Param, contacts, moments, quantity, references, rows, strings};
use crate::entity::LegalEntity;
use crate::fhir::{self, FhirVersion, period};
use crate::records::Record;

/// Rows of all records that say anything there.
pub(super) fn has_spans(of: Of, name: TextOf, out: &mut Vec<Span>) {
    let whole = |param| Span::whole(param, true);
    match of {
        Of::Id | Of::LastUpdated | Of::Deceased | Of::Entity => out.push(whole(Param::All)),
        Of::Identifier => out.push(whole(Param::Identifier)),
        Of::Family => out.push(whole(Param::Family)),
        Of::Given => out.push(whole(Param::Given)),
        Of::PersonName | Of::Name | Of::Phonetic => {
            out.extend(name.params().iter().map(|param| whole(*param)));
        }
        Of::Strings(of) => out.extend(of.iter().map(|one| strings::whole(*one))),
        Of::Contact(of) => contacts::whole(of, out),
        Of::BirthDate => out.push(whole(Param::BirthDate)),
        Of::Gender => out.push(whole(Param::Gender)),
        Of::Active => out.push(whole(Param::Active)),
        Of::Patient => out.push(whole(Param::Patient)),
        Of::Places => out.push(whole(Param::Location)),
        Of::Refers(of) => out.push(references::whole(of)),
        Of::Status => out.push(whole(Param::Status)),
        Of::Class => out.push(whole(Param::Class)),
        Of::Period => out.push(whole(Param::PeriodStart)),
        Of::Start => out.push(Span { exact: false, ..whole(Param::PeriodStart) }),
        Of::End => out.push(Span { exact: false, ..whole(Param::PeriodEnd) }),
        Of::Dates(of) => out.push(moments::whole(of)),
        Of::Coded(of) => out.push(tokens::whole(of)),
        Of::Quantity(of) => out.push(quantity::whole(of)),
        Of::Composite(CompositeOf::PlacePeriod) => {
            out.push(Span { exact: false, ..whole(Param::Location) });
        }
        Of::Composite(_) => out.push(tokens::whole(TokenOf::Code)),
        Of::Profile | Of::Security => out.push(Span::whole(Param::All, false)),
        Of::Never => {}
    }
}

pub(super) fn has(
    of: Of,
    name: TextOf,
    (version, entity): (FhirVersion, Option<&LegalEntity>),
    ej: EjId,
    record: &Record,
) -> bool {
    match of {
        Of::Start => match record {
            Record::Stay(stay) => moments::instant(period::of_stay(stay).0).is_some(),
            _ => false,
        },
        Of::End => match record {
            Record::Stay(stay) => moments::instant(period::of_stay(stay).1).is_some(),
            _ => false,
        },
        Of::Strings(of) => of.iter().any(|one| !strings::strings(record, *one, version).is_empty()),
        Of::Refers(of) => !references::references(ej, record, of, version).is_empty(),
        Of::Coded(of) => !tokens::concepts(record, of, version, entity).is_empty(),
        Of::Quantity(of) => !quantity::quantities(record, of, version).is_empty(),
        Of::Composite(of) => composite::is_there(of, record, version),
        Of::Profile => {
            entity.is_some_and(|entity| !fhir::meta(record, entity, version).profile.is_empty())
        }
        Of::Security => {
            entity.is_some_and(|entity| !fhir::meta(record, entity, version).security.is_empty())
        }
        // Of the others the rows are all that there is to know.
        _ => {
            let mut spans = Vec::new();
            has_spans(of, name, &mut spans);
            let mut own = Vec::new();
            rows(ej, record, &mut own);
            own.iter().any(|(param, key)| spans.iter().any(|span| span.holds(*param, key)))
        }
    }
}
