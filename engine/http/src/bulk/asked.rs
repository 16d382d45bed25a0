//! The parameters of a kick-off, checked before anything is begun.
//!
//! What is known and not served is refused by name; what is not known at all is left out and told in
//! the manifest's `error`, or refused under `Prefer: handling=strict`, as everywhere.

use jiff::tz::TimeZone;
use sluice_ids::Micros;
use sluice_mappings::fhir::{FhirVersion, ResourceType};
use sluice_mappings::records::RecordType;
use sluice_mappings::search::{self, Query};

use super::order::{Order, TypeFilter};
use super::parameters::PARAMETERS_MAX;
use crate::fault::Fault;
use crate::fhir::search::told_name;
use crate::{negotiate, query};

/// Most names in `_elements`, and most searches in `_typeFilter`.
const VALUES_MAX: usize = 64;

/// Parameters of the guide that are not served, and what to do instead.
const NOT_SERVED: [(&str, &str); 5] = [
    ("_until", "is not served: an export always ends at its transactionTime"),
    ("patient", "is not served: export the Group, or ask Patient/[id]/$everything"),
    ("includeAssociatedData", "is not served: name Provenance in _type"),
    ("organizeOutputBy", "is not served: files are by type and EJ"),
    ("allowPartialManifests", "is not served: a manifest is whole"),
];

/// At what an export was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    System,
    /// `Patient/$export` and `Group/[id]/$export`.
    Patients,
}

impl Level {
    /// What is exported where `_type` is not given. Beside what is the patients' own stand the
    /// places, units and practitioners that it refers to.
    fn types(self, version: FhirVersion) -> impl Iterator<Item = ResourceType> {
        ResourceType::all(version).filter(move |of| match of {
            ResourceType::Record(_) => true,
            ResourceType::Group => self == Self::System,
            // Made of the others: only for who names them.
            ResourceType::EncounterHistory | ResourceType::Provenance => false,
        })
    }
}

/// Reads the parameters into the order.
pub(super) fn read(
    order: &mut Order,
    level: Level,
    version: FhirVersion,
    zone: &TimeZone,
    pairs: Vec<(String, String)>,
    strict: bool,
) -> Result<(), Fault> {
    let mut types: Option<Vec<ResourceType>> = None;
    for (at, (name, value)) in pairs.into_iter().enumerate() {
        match name.as_str() {
            "_type" => {
                let named = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                for name in named {
                    let of = ResourceType::parse(name, version)
                        .ok_or_else(|| Fault::parameter("_type", "names a type not served here"))?;
                    let types = types.get_or_insert_default();
                    if !types.contains(&of) {
                        types.push(of);
                    }
                }
            }
            "_since" => order.since = Some(Micros::new(query::instant("_since", &value)?)),
            "_outputFormat" => {
                // In a URL `+` is a space.
                if !negotiate::is_ndjson(&value.replace(' ', "+")) {
                    return Err(Fault::parameter(
                        "_outputFormat",
                        "is not application/fhir+ndjson",
                    ));
                }
            }
            "_typeFilter" => order.filters.extend(filters(&value)?),
            "_elements" => {
                let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                order.elements.extend(names.map(str::to_owned));
            }
            // Of the answer to the kick-off.
            "_format" | "_pretty" => {}
            _ => match NOT_SERVED.iter().find(|(known, _)| *known == name) {
                Some((name, why)) => return Err(Fault::NotServed { name, why }),
                None => order.ignored.push(told_name(&name, at)),
            },
        }
    }
    if order.elements.len() > VALUES_MAX || order.filters.len() > VALUES_MAX {
        return Err(Fault::TooManyValues { limit: VALUES_MAX });
    }
    if strict && !order.ignored.is_empty() {
        return Err(Fault::ParametersUnknown { names: std::mem::take(&mut order.ignored) });
    }
    let types = types.unwrap_or_else(|| level.types(version).collect());
    for filter in &order.filters {
        let of = parsed(filter, version, zone)?.record_type;
        if !types.contains(&ResourceType::Record(of)) {
            return Err(Fault::parameter("_typeFilter", "is about a type that is not exported"));
        }
    }
    order.types = types.into_iter().map(|of| of.name().to_owned()).collect();
    Ok(())
}

/// `Type?search,Type?search`. A comma within a search stands for OR: only one that a type follows
/// divides.
fn filters(value: &str) -> Result<Vec<TypeFilter>, Fault> {
    let mut filters: Vec<TypeFilter> = Vec::new();
    for part in value.split(',') {
        let typed = part
            .split_once('?')
            .filter(|(of, _)| !of.is_empty() && of.bytes().all(|b| b.is_ascii_alphabetic()));
        match (typed, filters.last_mut()) {
            (Some((of, search)), _) => {
                filters.push(TypeFilter { of: of.to_owned(), search: search.to_owned() });
            }
            (None, Some(last)) => {
                last.search.push(',');
                last.search.push_str(part);
            }
            (None, None) => {
                return Err(Fault::parameter("_typeFilter", "is no Type?parameter=value"));
            }
        }
    }
    Ok(filters)
}

/// The search of a filter. All of it must be known: a filter that is left out exports too much.
pub(super) fn parsed(
    filter: &TypeFilter,
    version: FhirVersion,
    zone: &TimeZone,
) -> Result<Query, Fault> {
    let of = RecordType::ALL.into_iter().find(|of| of.fhir() == filter.of);
    let of =
        of.ok_or_else(|| Fault::parameter("_typeFilter", "is about a type not served here"))?;
    let pairs = query::pairs(&filter.search, PARAMETERS_MAX)?;
    let parsed = search::parse(of, version, &pairs, zone).map_err(Fault::Query)?;
    if !parsed.ignored.is_empty() || !parsed.query.sort.is_empty() {
        return Err(Fault::parameter(
            "_typeFilter",
            "has a parameter that is unknown, empty, or does not filter",
        ));
    }
    Ok(parsed.query)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(pairs: &[(&str, &str)], strict: bool) -> Result<Order, Fault> {
        let mut order = Order::new("t".into(), FhirVersion::R4, String::new(), Micros::new(0));
        let pairs = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        read(&mut order, Level::System, FhirVersion::R4, &TimeZone::UTC, pairs, strict)?;
        Ok(order)
    }

    #[test]
    fn types_add_up_and_without_any_all_records_and_the_groups_are_meant() {
        let named = order(&[("_type", "Patient, Encounter"), ("_type", "Patient,Location")], false);
        assert_eq!(named.unwrap().types, ["Patient", "Encounter", "Location"]);
        let all = order(&[], false).unwrap().types;
        assert_eq!(all.len(), RecordType::COUNT + 1);
        assert!(all.contains(&"Group".to_owned()));
        let patients: Vec<_> = Level::Patients.types(FhirVersion::R5).collect();
        assert_eq!(patients.len(), RecordType::COUNT);
        assert!(order(&[("_type", "Medication")], false).is_err());
    }

    #[test]
    fn a_filter_is_divided_at_commas_that_a_type_follows() {
        let filter = "Encounter?status=planned,finished,Patient?active=true&gender=female";
        let order = order(&[("_typeFilter", filter)], false).unwrap();
        let found: Vec<_> = order.filters.iter().map(|f| (&*f.of, &*f.search)).collect();
        let expected =
            [("Encounter", "status=planned,finished"), ("Patient", "active=true&gender=female")];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_cannot_be_done_as_asked_is_refused() {
        for (name, value) in [
            ("_typeFilter", "active=true"),
            ("_typeFilter", "Patient?shoe-size=1"),
            ("_typeFilter", "Patient?active="),
            ("_typeFilter", "Patient?_sort=birthdate"),
            ("_typeFilter", "Patient?_include=Patient:link"),
            ("_typeFilter", "Medication?code=1"),
            ("_typeFilter", "Patient?birthdate=yesterday"),
            ("_outputFormat", "application/parquet"),
            ("_since", "yesterday"),
            ("_until", "2026-11-20T10:00:00Z"),
            ("patient", "Patient/1"),
            ("includeAssociatedData", "LatestProvenanceResources"),
        ] {
            assert!(order(&[(name, value)], false).is_err(), "{name}={value}");
        }
        let apart = [("_type", "Encounter"), ("_typeFilter", "Patient?active=true")];
        assert!(order(&apart, false).is_err());
    }

    #[test]
    fn what_is_not_known_is_told_or_refused() {
        let lenient = order(&[("_color", "red"), ("_outputFormat", "ndjson")], false).unwrap();
        assert_eq!(lenient.ignored, ["_color"]);
        let names = vec!["_color".to_owned()];
        assert_eq!(order(&[("_color", "red")], true), Err(Fault::ParametersUnknown { names }));
    }
}
