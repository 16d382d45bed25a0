//! The answer to an export: which form, and whether the client has it already.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::{Response, StatusCode};
use futures_util::stream;
use sluice_ids::Micros;
use sluice_mappings::fhir::FhirVersion;

use super::chunk::Packing;
use super::pieces::Pieces;
use super::source::{InBundle, Keeping, Source};
use crate::call::Call;
use crate::fault::{FHIR_JSON, Fault};
use crate::fhir::{conditional, links, shape};
use crate::negotiate::{self, Coding};
use crate::query;

const FHIR_NDJSON: HeaderValue = HeaderValue::from_static("application/fhir+ndjson");
const NDJSON: HeaderValue = HeaderValue::from_static("application/ndjson");

pub(crate) fn stream(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let asked = Asked::read(call)?;
    let ej = call.ej().ok_or(Fault::NotFound)?;
    let view = call.scope().ej(ej).ok_or(Fault::NotFound)?;
    if !call.app.is_whole() {
        return Err(Fault::StateLost);
    }
    let entity = call.app.entities.get(&ej).cloned().ok_or(Fault::NotFound)?;
    let sources = call.route.exported.iter().map(|record_type| Source {
        view: view.clone(),
        entity: Arc::clone(&entity),
        record_type: *record_type,
        fhir: asked.fhir,
        keeping: if call.takes_kept() { Keeping::Asked } else { Keeping::Nothing },
        since: asked.since,
    });
    let sources: Vec<Source> = sources.collect();
    // Each change moves some chunk to a Seq above all before it.
    let version = call.in_store(|| sources.iter().map(Source::newest).max().unwrap_or_default());
    let form = if asked.media.is_none() { 'b' } else { 'n' };
    let tag = entity.site.tag().map_or_else(String::new, |tag| format!(".{tag}"));
    let etag = HeaderValue::try_from(format!("W/\"{version}{tag}-{form}\""))
        .expect("digits, letters and quotes are header characters");

    if conditional::unchanged(call.headers(), &etag, None) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(header::ETAG, etag);
        return Ok(response);
    }
    // Several clients read one zstd frame only; one gzip member all of them do.
    let coding = call.coding(Coding::Gzip);
    let bundle = asked.media.is_none().then(|| InBundle {
        base: links::base_of(call, ej, asked.fhir).into(),
        id: call.app.bases.id(&links::root(call)),
        first: true,
    });
    let packing = match coding {
        Coding::Identity => None,
        Coding::Gzip => Some(Packing::Gzip),
        Coding::Zstd => Some(Packing::Zstd),
    };
    let pieces = Pieces::new(Arc::clone(call.app), sources, packing, bundle);
    if call.app.settings.timing_headers {
        let (hits, misses) = call.in_store(|| pieces.held());
        call.count(hits, misses);
    }
    let body = stream::unfold(pieces, |mut pieces| async move {
        match pieces.piece().await {
            Ok(piece) => Some((Ok(piece?), pieces)),
            Err(broken) => {
                pieces.end();
                Some((Err(broken), pieces))
            }
        }
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, asked.media.unwrap_or(FHIR_JSON));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    headers.insert(header::ETAG, etag);
    let coding = coding.name();
    headers.extend(coding.map(|c| (header::CONTENT_ENCODING, HeaderValue::from_static(c))));
    Ok(response)
}

/// What an export may be asked for.
struct Asked {
    /// Of NDJSON, by the name that the client has for it; `None` for a Bundle.
    media: Option<HeaderValue>,
    fhir: FhirVersion,
    since: Option<Micros>,
}

impl Asked {
    fn read(call: &Call<'_>) -> Result<Self, Fault> {
        let mut format = None;
        let mut asked = Self { media: None, fhir: call.route.fhir, since: None };
        for (name, value) in query::pairs(call.query(), 16)? {
            match name.as_str() {
                "_format" | "_outputFormat" => format = Some(value.replace(' ', "+")),
                "_since" => asked.since = Some(Micros::new(query::instant("_since", &value)?)),
                "fhir" => {
                    asked.fhir = value
                        .parse()
                        .map_err(|_| Fault::parameter("fhir", "is no version served here"))?;
                }
                _ => return Err(Fault::ParametersUnknown { names: vec!["a parameter".into()] }),
            }
        }
        let accept = call.header(header::ACCEPT);
        let wanted = format.as_deref().or(accept).unwrap_or("*/*");
        if negotiate::prefers_ndjson(wanted, asked.fhir.mime()) {
            let named = wanted.to_ascii_lowercase().contains("fhir+ndjson") || format.is_some();
            asked.media = Some(if named { FHIR_NDJSON } else { NDJSON });
        } else {
            shape::negotiated(call, asked.fhir, format.as_deref())?;
        }
        Ok(asked)
    }
}
