//! EncounterHistory (R5), Provenance and Group: resources that are derived from records when they are
//! asked for, so that they cost nothing to keep and always say what the record says.
//!
//! A search names what they are of; one answer holds all that there are of it. Of Groups, which are
//! as few as EJs, it need not.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use sluice_ids::EjId;
use sluice_mappings::fhir::{self, Derived, FhirVersion, Link, ResourceType};
use sluice_mappings::records::{Record, RecordType, ResourceId, StayRecord};
use sluice_mappings::search;

use super::page::{Page, Shown};
use super::shape::{Shape, negotiated};
use super::{group, links, reply};
use crate::cache::Rendered;
use crate::call::Call;
use crate::fault::Fault;
use crate::query;

const PARAMETERS_MAX: usize = 32;

/// Ids in one parameter.
const VALUES_MAX: usize = 100;

/// One of them, by its id.
pub(crate) fn read(call: &Call<'_>, of: ResourceType) -> Result<Arc<Rendered>, Fault> {
    let found = match of {
        ResourceType::EncounterHistory => history_by_id(call, call.id()),
        ResourceType::Provenance => provenance_by_id(call, call.id()),
        ResourceType::Record(_) | ResourceType::Group => None,
    };
    found.map(|shown| shown.rendered).ok_or_else(|| call.absent())
}

/// Those of the stays, patients or records that are named.
pub(crate) fn search(call: &Call<'_>, of: ResourceType) -> Result<Response<Body>, Fault> {
    let mut pairs = query::pairs(call.query(), PARAMETERS_MAX)?;
    if let Some(form) = &call.form {
        let form = std::str::from_utf8(form).map_err(|_| Fault::QueryEncoding)?;
        pairs.extend(query::pairs(form, PARAMETERS_MAX)?);
    }
    let format = pairs.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    negotiated(call, call.route.fhir, format)?;
    let mut shape = Shape::default();
    let mut params = String::new();
    let mut found: Option<Vec<Shown>> = None;
    let mut unknown = Vec::new();
    for (name, value) in &pairs {
        if shape.take(Some(of), name, value)? || name == "_count" || name == "_total" {
            query::append(&mut params, name, value);
            continue;
        }
        let (base, modifier) = name.split_once(':').unwrap_or((name, ""));
        let mut known = search::params_of(of, call.route.fhir);
        let Some(parameter) = known.find(|parameter| parameter.name == base) else {
            unknown.push(base.chars().filter(char::is_ascii_alphabetic).take(40).collect());
            continue;
        };
        let param = parameter.name;
        if !matches!(modifier, "" | "Patient" | "Encounter" | "Organization") {
            return Err(Fault::parameter(param, "does not take this modifier"));
        }
        let shown = of_values(call, of, param, value)?;
        query::append(&mut params, name, value);
        found = Some(match found {
            None => shown,
            Some(before) => {
                let names: Vec<String> = shown.iter().map(Shown::name).collect();
                before.into_iter().filter(|one| names.contains(&one.name())).collect()
            }
        });
    }
    if !unknown.is_empty() && super::search::is_strict(call) {
        return Err(Fault::ParametersUnknown { names: unknown });
    }
    let matches = match found {
        None if of == ResourceType::Group => group::all(call),
        found => found.ok_or(Fault::NothingNamed)?,
    };
    let limit = call.app.settings.included_max as usize;
    if matches.len() > limit {
        return Err(Fault::TooMuch { limit });
    }
    let base = links::base(call);
    let warning = (!unknown.is_empty())
        .then(|| format!("left out, as not known here: {}", unknown.join(", ")));
    let path = format!("{base}/{}", of.name());
    let url = if params.is_empty() { path } else { format!("{path}?{params}") };
    let links = vec![Link { relation: "self", url }];
    let total = matches.len() as u64;
    let matches = if shape.count_only { Vec::new() } else { matches };
    let page = Page { links, total, matches, included: Vec::new(), warning };
    let body = call.in_render(|| page.write(&base, &shape));
    Ok(reply::fhir_json(call, body.into()))
}

fn of_values(
    call: &Call<'_>,
    of: ResourceType,
    param: &'static str,
    value: &str,
) -> Result<Vec<Shown>, Fault> {
    let mut found = Vec::new();
    let values: Vec<&str> = value.split(',').collect();
    if values.len() > VALUES_MAX {
        return Err(Fault::TooManyValues { limit: VALUES_MAX });
    }
    for value in values {
        // A base of ours before it is taken off; the type may be left out.
        let mut parts = value.rsplit('/');
        let (id, of_type) = (parts.next().unwrap_or_default(), parts.next());
        match (of, param) {
            (ResourceType::EncounterHistory, "_id") => found.extend(history_by_id(call, id)),
            (ResourceType::EncounterHistory, "encounter") => {
                let id = ResourceId::parse(id).filter(|_| of_type.is_none_or(|t| t == "Encounter"));
                found.extend(id.into_iter().flat_map(|id| history_of_stay(call, id)));
            }
            (ResourceType::EncounterHistory, _) => {
                let id = ResourceId::parse(id).filter(|_| of_type.is_none_or(|t| t == "Patient"));
                found.extend(id.into_iter().flat_map(|id| history_of_patient(call, id)));
            }
            (ResourceType::Group, "_id") => found.extend(group::by_id(call, id)),
            (ResourceType::Group, _) => {
                let id = ResourceId::parse(id);
                let id = id.filter(|_| of_type.is_none_or(|t| t == "Organization"));
                found.extend(id.and_then(|id| group::managed_by(call, id)));
            }
            (_, "_id") => found.extend(provenance_by_id(call, id)),
            (_, _) => {
                let shown = ResourceId::parse(id).and_then(|id| {
                    let types = RecordType::ALL.into_iter();
                    let mut named = types.filter(|t| of_type.is_none_or(|name| name == t.fhir()));
                    named.find_map(|record_type| provenance_of(call, record_type, id))
                });
                found.extend(shown);
            }
        }
    }
    Ok(found)
}

fn history_by_id(call: &Call<'_>, id: &str) -> Option<Shown> {
    let stay = fhir::stay_of_history(id)?;
    history_of_stay(call, stay).into_iter().find(|one| one.local.as_deref() == Some(id))
}

fn history_of_stay(call: &Call<'_>, id: ResourceId) -> Vec<Shown> {
    match call.in_store(|| call.scope().get(RecordType::Stay, id)) {
        Some((_, Record::Stay(stay))) => call.in_render(|| history(&stay)),
        _ => Vec::new(),
    }
}

fn history_of_patient(call: &Call<'_>, id: ResourceId) -> Vec<Shown> {
    let scope = call.scope();
    let stays = call.in_store(|| -> Vec<Record> {
        scope.ejs().iter().flat_map(|ej| scope.ej(*ej)).flat_map(|view| view.stays_of(id)).collect()
    });
    let of_stay = |record: &Record| match record {
        Record::Stay(stay) => history(stay),
        _ => Vec::new(),
    };
    call.in_render(|| stays.iter().flat_map(of_stay).collect())
}

fn history(stay: &StayRecord) -> Vec<Shown> {
    let shown = |Derived { id, json }: Derived| Shown {
        of: ResourceType::EncounterHistory,
        id: stay.id,
        local: Some(id),
        updated_at: stay.stamp.updated_at,
        rendered: Arc::new(Rendered::of(json, &stay.stamp, None)),
    };
    fhir::render_history(stay).into_iter().map(shown).collect()
}

fn provenance_by_id(call: &Call<'_>, id: &str) -> Option<Shown> {
    // Ids are minted over the type too, so that one record fits at most.
    let id = ResourceId::parse(id)?;
    RecordType::ALL.into_iter().find_map(|record_type| provenance_of(call, record_type, id))
}

/// Of a record that is gone too: the message that took it away.
fn provenance_of(call: &Call<'_>, record_type: RecordType, id: ResourceId) -> Option<Shown> {
    let (ej, record) = call.in_store(|| call.scope().get(record_type, id))?;
    call.in_render(|| provenance(call, ej, &record))
}

/// What a record's present version comes from.
pub(crate) fn provenance(call: &Call<'_>, ej: EjId, record: &Record) -> Option<Shown> {
    let entity = call.app.entities.get(&ej)?;
    let version: FhirVersion = call.route.fhir;
    let json = fhir::render_provenance(record, entity, version);
    Some(Shown {
        of: ResourceType::Provenance,
        id: record.id(),
        local: None,
        updated_at: record.stamp().updated_at,
        rendered: Arc::new(Rendered::of(json, record.stamp(), None)),
    })
}
