//! `GET [base]/[type]/[id]/_history` and `…/_history/[version]`; what is asked of any history, and
//! how one is written.
//!
//! A version is the `Seq` of the message that made it. Of what is a patient's, every version is
//! told as long as its messages are kept; of the others (places, organizations, practitioners) the
//! present one alone.

use axum::body::Body;
use axum::http::Response;
use axum::http::header;
use sluice_ids::{EjId, Micros};
use sluice_mappings::fhir::civil::Interval;
use sluice_mappings::fhir::{
    Bundle, BundleType, Entry, Exchange, IssueSeverity, IssueType, Link, Method, OUTCOME_URL,
    OperationOutcome, OutcomeIssue, ResourceType,
};
use sluice_mappings::records::{Record, RecordType};
use sluice_mappings::search;

use super::search::zone;
use super::shape::{Shape, negotiated};
use super::{links, reply};
use crate::cache::{Rendered, etag};
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
    let rendered = call.in_render(|| call.render_once(ej, &record));
    let mut response = shape.reply(call, resource_type, &rendered);
    mark(&mut response, &rendered);
    Ok(response)
}

/// All versions of a resource, the newest first.
pub(crate) fn instance(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let (resource_type, record_type) = record_type(call)?;
    let asked = Asked::read(call, Some(resource_type))?;
    let before: Option<u64> = match &asked.before {
        Some(text) => Some(text.parse().map_err(|_| Fault::parameter("_before", "is no version"))?),
        None => None,
    };
    let (ej, present) = call.record(record_type)?;
    let (versions, alone) = match call.in_store(|| versions(call, ej, &present)) {
        Ok(versions) => (versions, false),
        Err(Fault::PastNotKept) => {
            let alone = present.stamp().version != present.stamp().created;
            (vec![present], alone)
        }
        Err(fault) => return Err(fault),
    };
    let until = versions.iter().skip(1).map(|next| Some(next.stamp().updated_at)).chain([None]);
    let until: Vec<Option<Micros>> = until.collect();
    let wanted = versions.into_iter().zip(until).rev();
    let mut told: Vec<(EjId, Record)> = wanted
        .filter(|(record, until)| asked.wants(record, *until))
        .map(|(record, _)| (ej, record))
        .collect();
    let total = told.len() as u64;
    told.retain(|(_, v)| before.is_none_or(|before| v.stamp().version.get() < before));
    let count = asked.count.unwrap_or(call.app.settings.page_count_max);
    let more = told.len() > count as usize;
    told.truncate(count as usize);

    let path = format!("{}/{}", record_type.fhir(), call.id());
    let next = told.last().filter(|_| more).map(|(_, last)| last.stamp().version.to_string());
    let note = alone.then_some(ALONE);
    Ok(asked.reply(call, &path, Some(total), next, told, note))
}

/// What is said where there were versions before those that are shown.
pub(super) const ALONE: &str =
    "there were earlier versions, and only the present one of each resource is kept";

/// What a history may be asked for.
pub(super) struct Asked {
    shape: Shape,
    pub(super) count: Option<u32>,
    /// Microseconds since 1970, at least.
    pub(super) since: Option<i64>,
    /// What was in force at some time within it.
    pub(super) at: Option<Interval>,
    /// Of our own next links: where to go on.
    pub(super) before: Option<String>,
    /// As they came.
    params: String,
    /// The same without `_before`.
    filters: String,
}

impl Asked {
    pub(super) fn read(call: &Call<'_>, of: Option<ResourceType>) -> Result<Self, Fault> {
        let mut asked = Self {
            shape: Shape::default(),
            count: None,
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
                    let count: u32 = value.parse().map_err(|_| {
                        Fault::parameter("_count", "is no whole number of 0 or more")
                    })?;
                    asked.count = Some(count.min(call.app.settings.page_count_max));
                }
                "_since" => asked.since = Some(query::instant("_since", &value)?),
                "_at" => {
                    let covered = search::date::covered(&value, &zone(call));
                    asked.at = Some(covered.ok_or_else(|| {
                        Fault::parameter("_at", "is no date or time, such as 2026-11-20")
                    })?);
                }
                "_before" => asked.before = Some(value.clone()),
                "_format" => format = Some(value.clone()),
                _ if asked.shape.take(of, &name, &value)? => {}
                _ => return Err(Fault::ParametersUnknown { names: vec!["a parameter".into()] }),
            }
            query::append(&mut asked.params, &name, &value);
            if name != "_before" {
                query::append(&mut asked.filters, &name, &value);
            }
        }
        negotiated(call, call.route.fhir, format.as_deref())?;
        if asked.shape.count_only {
            asked.count = Some(0);
        }
        Ok(asked)
    }

    /// Whether a version that was followed by another at `until` is asked for.
    pub(super) fn wants(&self, version: &Record, until: Option<Micros>) -> bool {
        let updated_at = version.stamp().updated_at.get();
        self.since.is_none_or(|since| updated_at >= since)
            && self.at.is_none_or(|at| {
                updated_at <= at.high && until.is_none_or(|until| until.get() > at.low)
            })
    }

    /// A page of a history: `path` is what it is of, relative to the base; `next`: what goes on
    /// after it.
    pub(super) fn reply(
        &self,
        call: &Call<'_>,
        path: &str,
        total: Option<u64>,
        next: Option<String>,
        told: Vec<(EjId, Record)>,
        note: Option<&'static str>,
    ) -> Response<Body> {
        let base = links::base(call);
        let url = if path.is_empty() { base.clone() } else { format!("{base}/{path}") };
        let own = if self.params.is_empty() {
            format!("{url}/_history")
        } else {
            format!("{url}/_history?{}", self.params)
        };
        let mut link = vec![Link { relation: "self", url: own }];
        if let Some(next) = next {
            let mut params = self.filters.clone();
            query::append(&mut params, "_before", &next);
            link.push(Link { relation: "next", url: format!("{url}/_history?{params}") });
        }
        let body = call.in_render(|| {
            let bundle = Bundle { total, link, ..Bundle::new(BundleType::History) };
            let entries: Vec<Told> =
                told.iter().map(|(ej, record)| self.told(call, &base, *ej, record)).collect();
            let outcome = note.map(|note| {
                let issue =
                    OutcomeIssue::new(IssueSeverity::Information, IssueType::Informational, note);
                OperationOutcome::new(issue).to_json()
            });
            let request =
                if path.is_empty() { "_history".into() } else { format!("{path}/_history") };
            let note = outcome.as_deref().map(|outcome| Entry {
                full_url: Some(OUTCOME_URL),
                exchange: Some(Exchange {
                    request: Some((Method::Get, &request)),
                    status: "200",
                    outcome,
                    ..Exchange::default()
                }),
                ..Entry::default()
            });
            let page = bundle.write(entries.iter().map(Told::entry).chain(note));
            if self.shape.pretty { json::pretty(&page) } else { page }
        });
        reply::fhir_json(call, body.into())
    }

    fn told(&self, call: &Call<'_>, base: &str, ej: EjId, record: &Record) -> Told {
        let (record_type, stamp) = (record.record_type(), record.stamp());
        let name = format!("{}/{}", record_type.fhir(), record.id());
        let (method, status) = if stamp.gone {
            (Method::Delete, "204")
        } else if stamp.version == stamp.created {
            (Method::Post, "201")
        } else {
            (Method::Put, "200")
        };
        let resource = if stamp.gone {
            Vec::new()
        } else {
            let rendered = call.render_once(ej, record);
            self.shape.cut(ResourceType::Record(record_type), &rendered.json).into_owned()
        };
        let site = call.app.entities.get(&ej);
        Told {
            full_url: format!("{base}/{name}"),
            // What is made anew is asked of the type.
            url: if method == Method::Post { record_type.fhir().to_owned() } else { name },
            method,
            status,
            etag: etag(stamp.version, site.and_then(|entity| entity.site.tag())),
            last_modified: stamp.updated_at,
            resource,
        }
    }
}

/// One version, as it is told.
struct Told {
    full_url: String,
    url: String,
    method: Method,
    status: &'static str,
    etag: String,
    last_modified: Micros,
    resource: Vec<u8>,
}

impl Told {
    fn entry(&self) -> Entry<'_> {
        Entry {
            full_url: Some(&self.full_url),
            resource: &self.resource,
            exchange: Some(Exchange {
                request: Some((self.method, &self.url)),
                status: self.status,
                etag: Some(&self.etag),
                last_modified: Some(self.last_modified),
                outcome: &[],
            }),
            ..Entry::default()
        }
    }
}

pub(super) fn record_type(call: &Call<'_>) -> Result<(ResourceType, RecordType), Fault> {
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
