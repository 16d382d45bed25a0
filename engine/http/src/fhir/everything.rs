//! `GET [base]/Patient/[id]/$everything` and `…/Encounter/[id]/$everything`.
//!
//! The record, what refers to it, and what those refer to: stays with their places, organizations
//! and practitioners; conditions, procedures, observations, allergies, coverages, accounts, people
//! close to the patient. One answer, as it is now; one that would be larger than
//! `http.included_max` is refused rather than cut: the export is for that.

use axum::body::Body;
use axum::http::Response;
use sluice_mappings::fhir::{Link, ResourceType};
use sluice_mappings::records::RecordType;

use super::include::{self, Include};
use super::page::{Page, Shown};
use super::shape::{Shape, negotiated};
use super::{links, reply};
use crate::call::Call;
use crate::fault::Fault;
use crate::query;

const PARAMETERS_MAX: usize = 16;

pub(crate) fn bundle(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let of = call.resource_type()?;
    let ResourceType::Record(record_type @ (RecordType::Patient | RecordType::Stay)) = of else {
        return Err(Fault::OperationNotServed);
    };
    let mut shape = Shape::default();
    let (mut format, mut since, mut types) = (None, None, None);
    let mut params = String::new();
    for (name, value) in query::pairs(call.query(), PARAMETERS_MAX)? {
        match name.as_str() {
            "_since" => since = Some(query::instant("_since", &value)?),
            "_type" => {
                let parsed = value.split(',').map(|name| {
                    ResourceType::parse(name, call.route.fhir)
                        .ok_or_else(|| Fault::parameter("_type", "names a type not served here"))
                });
                types = Some(parsed.collect::<Result<Vec<_>, _>>()?);
            }
            // All of it is one page.
            "_count" => {}
            "_format" => format = Some(value.clone()),
            _ if shape.take(Some(of), &name, &value)? => {}
            _ => return Err(Fault::ParametersUnknown { names: vec!["a parameter".into()] }),
        }
        query::append(&mut params, &name, &value);
    }
    negotiated(call, call.route.fhir, format.as_deref())?;

    let (ej, record) = call.record(record_type)?;
    let id = record.id();
    if record.stamp().gone {
        return Err(Fault::Gone);
    }
    let rendered = call.in_render(|| call.rendered(ej, &record));
    let updated_at = record.stamp().updated_at;
    let mut matches = vec![Shown { of, id, local: None, updated_at, rendered }];
    let limit = call.app.settings.included_max as usize;
    let around = [Include::everything_that_refers(), Include::everything_referred_to()];
    let (mut found, cut) = include::included(call, &around, &matches, limit)?;
    if cut {
        return Err(Fault::TooMuch { limit });
    }
    for list in [&mut matches, &mut found] {
        list.retain(|one| {
            since.is_none_or(|since| one.updated_at.get() >= since)
                && types.as_ref().is_none_or(|types| types.contains(&one.of))
        });
    }
    matches.append(&mut found);

    let base = links::base(call);
    let mut url = format!("{base}/{}/{id}/$everything", record_type.fhir());
    if !params.is_empty() {
        url.push('?');
        url.push_str(&params);
    }
    let links = vec![Link { relation: "self", url }];
    let total = matches.len() as u64;
    let page = Page { links, total, matches, included: Vec::new(), warning: None };
    let body = call.in_render(|| page.write(&base, &shape));
    Ok(reply::fhir_json(call, body.into()))
}
