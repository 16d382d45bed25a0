//! `GET [base]/[type]/[id]/_history` and `…/_history/[version]`.
//!
//! A version is the `Seq` of the message that made it. Of what is a patient's, every version is
//! told as long as its messages are kept; of the others (places, organizations, practitioners) the
//! present one alone.

use axum::body::Body;
use axum::http::Response;
use axum::http::header;
use sluice_ids::EjId;
use sluice_mappings::fhir::ResourceType;
use sluice_mappings::fhir::{Bundle, BundleType, Entry, HistoryEntry, Link, Method};
use sluice_mappings::records::{Record, RecordType};

use super::shape::{Shape, negotiated};
use super::{links, reply};
use crate::cache::Rendered;
use crate::call::Call;
use crate::fault::Fault;
use crate::{json, query};

const PARAMETERS_MAX: usize = 16;

/// One version of a resource.
pub(crate) fn version(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let (resource_type, record_type) = record_type(call)?;
    let shape = Shape::alone(call, Some(resource_type))?;
    let wanted: u64 = call.version().parse().map_err(|_| Fault::NotFound)?;
    let (ej, present) = call.record(record_type)?;
    let record = if present.stamp().version.get() == wanted {
        present
    } else {
        let versions = call.in_store(|| versions(call, ej, &present))?;
        let mut of_it = versions.into_iter().filter(|v| v.stamp().version.get() == wanted);
        of_it.next().ok_or(Fault::NotFound)?
    };
    if record.stamp().gone {
        return Err(Fault::Gone);
    }
    let rendered = call.in_render(|| call.app.render_once(ej, &record, call.route.fhir));
    let mut response = shape.reply(call, resource_type, &rendered);
    mark(&mut response, &rendered);
    Ok(response)
}

/// All versions of a resource, the newest first.
pub(crate) fn instance(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let (resource_type, record_type) = record_type(call)?;
    let asked = Asked::read(call, resource_type)?;
    let (ej, present) = call.record(record_type)?;
    let mut versions = match call.in_store(|| versions(call, ej, &present)) {
        Ok(versions) => versions,
        Err(Fault::PastNotKept) => vec![present],
        Err(fault) => return Err(fault),
    };
    versions.reverse();
    versions.retain(|version| asked.wants(version));
    if let Some(at) = asked.at {
        // What was in force at that moment, and nothing before it.
        let passed = versions.iter().take_while(|v| v.stamp().updated_at.get() > at).count();
        versions = versions.drain(passed..).take(1).collect();
    }
    let total = versions.len() as u64;
    versions.retain(|v| asked.before.is_none_or(|before| v.stamp().version.get() < before));
    let more = versions.len() > asked.count;
    versions.truncate(asked.count);

    let base = links::base(call);
    let path = format!("{base}/{}/{}", record_type.fhir(), call.id());
    let own = if asked.params.is_empty() {
        format!("{path}/_history")
    } else {
        format!("{path}/_history?{}", asked.params)
    };
    let mut link = vec![Link { relation: "self", url: own }];
    if let Some(last) = versions.last().filter(|_| more) {
        let mut params = asked.filters.clone();
        query::append(&mut params, "_before", &last.stamp().version.to_string());
        link.push(Link { relation: "next", url: format!("{path}/_history?{params}") });
    }
    let body = call.in_render(|| {
        let bundle = Bundle { total: Some(total), link, ..Bundle::new(BundleType::History) };
        let rendered = |record: &Record| {
            let gone = record.stamp().gone;
            (!gone).then(|| call.app.render_once(ej, record, call.route.fhir))
        };
        let rendered: Vec<_> = versions.iter().map(rendered).collect();
        let request = format!("{}/{}", record_type.fhir(), call.id());
        let entries = versions.iter().zip(&rendered).map(|(version, rendered)| {
            let is_first = version.stamp().version == version.stamp().created;
            Entry {
                full_url: Some(&path),
                resource: rendered.as_ref().map_or(&[][..], |rendered| &rendered.json),
                mode: None,
                history: Some(HistoryEntry {
                    method: match rendered {
                        None => Method::Delete,
                        Some(_) if is_first => Method::Post,
                        Some(_) => Method::Put,
                    },
                    url: if is_first { record_type.fhir() } else { &request },
                    version: version.stamp().version,
                    last_modified: version.stamp().updated_at,
                }),
            }
        });
        let page = bundle.write(entries);
        if asked.shape.pretty { json::pretty(&page) } else { page }
    });
    Ok(reply::fhir_json(call, body.into()))
}

/// What a history may be asked for.
struct Asked {
    shape: Shape,
    count: usize,
    /// Microseconds since 1970, at least.
    since: Option<i64>,
    /// Microseconds since 1970.
    at: Option<i64>,
    /// Of our own next links: versions before this one.
    before: Option<u64>,
    /// As they came.
    params: String,
    /// The same without `_before`.
    filters: String,
}

impl Asked {
    fn read(call: &Call<'_>, resource_type: ResourceType) -> Result<Self, Fault> {
        let settings = &call.app.settings;
        let mut asked = Self {
            shape: Shape::default(),
            count: settings.page_count_max as usize,
            since: None,
            at: None,
            before: None,
            params: String::new(),
            filters: String::new(),
        };
        let mut format = None;
        for (name, value) in query::pairs(call.query(), PARAMETERS_MAX)? {
            match name.as_str() {
                "_count" => {
                    let count: usize = value.parse().map_err(|_| {
                        Fault::parameter("_count", "is no whole number of 0 or more")
                    })?;
                    asked.count = asked.count.min(count);
                }
                "_since" => asked.since = Some(query::instant("_since", &value)?),
                "_at" => asked.at = Some(query::instant("_at", &value)?),
                "_before" => {
                    let before = value.parse();
                    asked.before =
                        Some(before.map_err(|_| Fault::parameter("_before", "is no version"))?);
                }
                "_format" => format = Some(value.clone()),
                _ if asked.shape.take(Some(resource_type), &name, &value)? => {}
                _ => return Err(Fault::ParametersUnknown { names: vec!["a parameter".into()] }),
            }
            query::append(&mut asked.params, &name, &value);
            if name != "_before" {
                query::append(&mut asked.filters, &name, &value);
            }
        }
        negotiated(call, call.route.fhir, format.as_deref())?;
        Ok(asked)
    }

    fn wants(&self, version: &Record) -> bool {
        self.since.is_none_or(|since| version.stamp().updated_at.get() >= since)
    }
}

fn record_type(call: &Call<'_>) -> Result<(ResourceType, RecordType), Fault> {
    match call.resource_type()? {
        of @ ResourceType::Record(record_type) => Ok((of, record_type)),
        ResourceType::EncounterHistory | ResourceType::Provenance | ResourceType::Group => {
            Err(Fault::PastNotKept)
        }
    }
}

fn versions(call: &Call<'_>, ej: EjId, present: &Record) -> Result<Vec<Record>, Fault> {
    let versions = call.app.past.versions(ej, present.record_type(), present.id());
    versions.map_err(Fault::from)
}

fn mark(response: &mut Response<Body>, rendered: &Rendered) {
    let headers = response.headers_mut();
    headers.insert(header::ETAG, rendered.etag.clone());
    if let Some(last_modified) = &rendered.last_modified {
        headers.insert(header::LAST_MODIFIED, last_modified.clone());
    }
}
