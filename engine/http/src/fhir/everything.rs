//! `GET [base]/Patient/[id]/$everything` and `…/Encounter/[id]/$everything`.
//!
//! The record, what refers to it, and what those refer to: stays with their places, organizations
//! and practitioners; conditions, procedures, observations, allergies, coverages, accounts, people
//! close to the patient. As it is now; what would be more than `http.included_max` is refused rather
//! than cut: the export is for that. It is one answer unless `_count` wants pages: these go by type
//! and id, so that nothing is lost or repeated when something changes in between.

use axum::body::Body;
use axum::http::Response;
use sluice_ids::EjId;
use sluice_mappings::fhir::{Link, ResourceType};
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_mappings::search;

use super::include::{self, Include};
use super::page::{Page, Shown};
use super::search::zone;
use super::shape::{Shape, negotiated};
use super::{links, reply};
use crate::call::Call;
use crate::fault::Fault;
use crate::query;

const PARAMETERS_MAX: usize = 16;

/// How much more may be looked at than shown, where a range of dates leaves most of it out.
const LOOKS_FOR_ONE: usize = 8;

pub(crate) fn bundle(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    around(call, call.resource_type()?, "$everything")
}

/// `Patient/[id]/*` and `Encounter/[id]/*`: the record, and what refers to it.
pub(crate) fn compartment(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let of = call.compartment()?.ok_or(Fault::TypeNotServed)?;
    around(call, of, "*")
}

fn around(call: &Call<'_>, of: ResourceType, operation: &str) -> Result<Response<Body>, Fault> {
    let ResourceType::Record(record_type @ (RecordType::Patient | RecordType::Stay)) = of else {
        return Err(Fault::OperationNotServed);
    };
    let asked = Asked::read(call, of)?;
    let (ej, record) = call.record(record_type)?;
    let id = record.id();
    if record.stamp().gone {
        return Err(Fault::Gone);
    }
    let rendered = call.in_render(|| call.rendered(ej, &record));
    let updated_at = record.stamp().updated_at;
    let mut matches = vec![Shown { of, id, local: None, updated_at, rendered }];
    let limit = call.app.settings.included_max as usize;
    let looked = if asked.dates.is_empty() { limit } else { limit.saturating_mul(LOOKS_FOR_ONE) };
    let refers = [Include::everything_that_refers()];
    let (mut found, cut) = include::included(call, &refers, &matches, looked)?;
    if !asked.dates.is_empty() {
        found = asked.in_range(call, found)?;
    }
    if cut || found.len() > limit {
        return Err(Fault::TooMuch { limit });
    }
    matches.append(&mut found);
    let room = limit - (matches.len() - 1);
    // A compartment is what refers to the record, and no more.
    let referred = [Include::everything_referred_to()];
    let referred = if operation == "*" { &[][..] } else { &referred[..] };
    let (mut found, cut) = include::included(call, referred, &matches, room)?;
    if cut {
        return Err(Fault::TooMuch { limit });
    }
    matches.append(&mut found);
    matches.retain(|one| {
        asked.since.is_none_or(|since| one.updated_at.get() >= since)
            && (asked.types.is_empty() || asked.types.contains(&one.of))
    });
    // What the answer is about goes first; the rest in an order that no change moves.
    let own = usize::from(matches.first().is_some_and(|one| one.id == id && one.of == of));
    matches[own..].sort_by_key(|one| (one.of, one.id));

    let total = matches.len() as u64;
    if let Some(after) = asked.after {
        let passed = |one: &Shown| (one.id == id && one.of == of) || (one.of, one.id) <= after;
        matches.retain(|one| !passed(one));
    }
    let more = asked.count.is_some_and(|count| matches.len() > count);
    matches.truncate(asked.count.unwrap_or(usize::MAX));
    let base = links::base(call);
    let url = format!("{base}/{}/{id}/{operation}", record_type.fhir());
    let with = |params: &str| {
        if params.is_empty() { url.clone() } else { format!("{url}?{params}") }
    };
    let mut links = vec![Link { relation: "self", url: with(&asked.params) }];
    if let Some(last) = matches.last().filter(|_| more) {
        let mut params = asked.filters.clone();
        query::append(&mut params, "_after", &last.name());
        links.push(Link { relation: "next", url: with(&params) });
    }
    let page = Page { links, total, matches, included: Vec::new(), warning: None };
    let body = call.in_render(|| page.write(&base, &asked.shape));
    Ok(reply::fhir_json(call, body.into()))
}

#[derive(Default)]
struct Asked {
    shape: Shape,
    since: Option<i64>,
    /// Empty: all.
    types: Vec<ResourceType>,
    /// Bounds of the dates of care, as a search takes them.
    dates: Vec<String>,
    count: Option<usize>,
    /// Of our own next links.
    after: Option<(ResourceType, ResourceId)>,
    /// As they came.
    params: String,
    /// The same without `_after`.
    filters: String,
}

impl Asked {
    fn read(call: &Call<'_>, of: ResourceType) -> Result<Self, Fault> {
        let of_patient = of == ResourceType::Record(RecordType::Patient);
        let (mut asked, mut format) = (Self::default(), None);
        for (name, value) in query::pairs(call.query(), PARAMETERS_MAX)? {
            match name.as_str() {
                "_since" => asked.since = Some(query::instant("_since", &value)?),
                "_type" => {
                    for name in value.split(',') {
                        let of_type = ResourceType::parse(name, call.route.fhir);
                        let wrong = || Fault::parameter("_type", "names a type not served here");
                        asked.types.push(of_type.ok_or_else(wrong)?);
                    }
                }
                "start" if of_patient => asked.dates.push(bound(call, "start", "ge", &value)?),
                "end" if of_patient => asked.dates.push(bound(call, "end", "le", &value)?),
                "_count" => {
                    let count = value.parse().ok().filter(|count| *count > 0);
                    asked.count = Some(count.ok_or_else(|| {
                        Fault::parameter("_count", "is no whole number of 1 or more")
                    })?);
                }
                "_after" => asked.after = Some(place(call, &value)?),
                "_format" => format = Some(value.clone()),
                _ if asked.shape.take(Some(of), &name, &value)? => {}
                _ => return Err(Fault::ParametersUnknown { names: vec!["a parameter".into()] }),
            }
            query::append(&mut asked.params, &name, &value);
            if name != "_after" {
                query::append(&mut asked.filters, &name, &value);
            }
        }
        negotiated(call, call.route.fhir, format.as_deref())?;
        Ok(asked)
    }

    /// Those of care within the dates: by their own, else by those of their stay; what has neither
    /// (a coverage, an account, a relative) belongs to any.
    fn in_range(&self, call: &Call<'_>, found: Vec<Shown>) -> Result<Vec<Shown>, Fault> {
        let mut kept = Vec::with_capacity(found.len());
        for one in found {
            let ResourceType::Record(record_type) = one.of else { continue };
            let record = call.in_store(|| call.scope().get(record_type, one.id));
            if let Some((ej, record)) = record
                && self.holds(call, ej, &record)?
            {
                kept.push(one);
            }
        }
        Ok(kept)
    }

    fn holds(&self, call: &Call<'_>, ej: EjId, record: &Record) -> Result<bool, Fault> {
        let record_type = record.record_type();
        let param = match record_type {
            RecordType::Stay
            | RecordType::Procedure
            | RecordType::Observation
            | RecordType::AllergyIntolerance => "date",
            RecordType::Condition => "onset-date",
            _ => return Ok(true),
        };
        let fits = |name: String, value: &str| -> Result<bool, Fault> {
            let pairs = [(name, value.to_owned())];
            let parsed = search::parse(record_type, call.route.fhir, &pairs, &zone(call));
            Ok(parsed.map_err(Fault::Query)?.query.matches(ej, record))
        };
        if fits(format!("{param}:missing"), "true")? {
            let stay = record.stay().filter(|_| record_type != RecordType::Stay);
            let stay =
                stay.and_then(|stay| call.in_store(|| call.scope().get(RecordType::Stay, stay)));
            return stay.map_or(Ok(true), |(ej, stay)| self.holds(call, ej, &stay));
        }
        for bound in &self.dates {
            if !fits(param.to_owned(), bound)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn bound(call: &Call<'_>, name: &'static str, prefix: &str, value: &str) -> Result<String, Fault> {
    let covered = search::date::covered(value, &zone(call));
    covered.ok_or_else(|| Fault::parameter(name, "is no date, such as 2026-11-20"))?;
    Ok(format!("{prefix}{value}"))
}

fn place(call: &Call<'_>, text: &str) -> Result<(ResourceType, ResourceId), Fault> {
    let parts = text.split_once('/').and_then(|(of, id)| {
        Some((ResourceType::parse(of, call.route.fhir)?, ResourceId::parse(id)?))
    });
    parts.ok_or_else(|| Fault::parameter("_after", "is not from a next link"))
}
