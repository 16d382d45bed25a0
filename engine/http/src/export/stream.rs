//! The answer to an export: which form, whether the client has it already, and its bytes piece by
//! piece.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use sluice_mappings::fhir::{Bundle, BundleType, Entry, FhirVersion};
use sluice_mappings::records::RecordType;

use super::chunk::{Lines, Source, Streamed};
use super::gzip::{HEADER, Trailer};
use crate::app::App;
use crate::call::Call;
use crate::fault::{FHIR_JSON, Fault};
use crate::fhir::{conditional, links, reply, shape};
use crate::{negotiate, query};

const FHIR_NDJSON: HeaderValue = HeaderValue::from_static("application/fhir+ndjson");
const NDJSON: HeaderValue = HeaderValue::from_static("application/ndjson");

pub(crate) fn stream(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let (media, fhir) = asked(call)?;
    let ej = call.ej().ok_or(Fault::NotFound)?;
    let view = call.scope().ej(ej).ok_or(Fault::NotFound)?;
    if !call.app.is_whole() {
        return Err(Fault::StateLost);
    }
    let entity = call.app.entities.get(&ej).cloned().ok_or(Fault::NotFound)?;
    let source = |record_type: &RecordType| Source {
        view: view.clone(),
        entity: Arc::clone(&entity),
        record_type: *record_type,
        fhir,
    };
    let sources: Vec<Source> = call.route.exported.iter().map(source).collect();
    // Each change moves some chunk to a Seq above all before it.
    let version = call.in_store(|| sources.iter().map(Source::newest).max().unwrap_or_default());
    let form = if media.is_none() { 'b' } else { 'n' };
    let etag = HeaderValue::try_from(format!("W/\"{version}-{form}\""))
        .expect("digits, letters and quotes are header characters");

    if conditional::unchanged(call.headers(), &etag, None) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(header::ETAG, etag);
        return Ok(response);
    }
    let gzip = call.takes_gzip();
    let pieces = Pieces {
        app: Arc::clone(call.app),
        sources,
        next: Next::Head,
        form: match (&media, gzip) {
            (Some(_), false) => PieceForm::Ndjson,
            (Some(_), true) => PieceForm::NdjsonGzip(Trailer::default()),
            (None, false) => PieceForm::Bundle { base: links::base_of(call, ej, fhir), any: false },
            (None, true) => PieceForm::BundleGzip {
                base: links::base_of(call, ej, fhir),
                any: false,
                encoder: Box::new(Streamed::new()),
            },
        },
    };
    let body = stream::unfold(pieces, |mut pieces| async move {
        match pieces.piece().await {
            Ok(piece) => Some((Ok(piece?), pieces)),
            Err(broken) => {
                pieces.next = Next::Nothing;
                Some((Err(broken), pieces))
            }
        }
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media.unwrap_or(FHIR_JSON));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    headers.insert(header::ETAG, etag);
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    reply::timing(call, headers);
    Ok(response)
}

/// The media type of NDJSON by the name that the client has for it, `None` for a Bundle; and the
/// version of FHIR.
fn asked(call: &Call<'_>) -> Result<(Option<HeaderValue>, FhirVersion), Fault> {
    let mut format = None;
    let mut fhir = call.route.fhir;
    for (name, value) in query::pairs(call.query(), 16)? {
        match name.as_str() {
            "_format" | "_outputFormat" => format = Some(value.replace(' ', "+")),
            "fhir" => {
                let version = value.parse();
                fhir =
                    version.map_err(|_| Fault::parameter("fhir", "is no version served here"))?;
            }
            _ => return Err(Fault::ParametersUnknown { names: vec!["a parameter".into()] }),
        }
    }
    let accept = call.header(header::ACCEPT);
    let asked = format.as_deref().or(accept).unwrap_or("*/*");
    if negotiate::takes_ndjson(asked) {
        let named = asked.to_ascii_lowercase().contains("fhir+ndjson") || format.is_some();
        return Ok((Some(if named { FHIR_NDJSON } else { NDJSON }), fhir));
    }
    shape::negotiated(call, fhir, format.as_deref())?;
    Ok((None, fhir))
}

/// The export cannot be completed. The connection is closed without the last chunk, so that a
/// client can tell: a short export must not look like a whole one.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the state lost a record")]
    StateLost,
    #[error("building a chunk failed")]
    Build,
}

/// What the client gets next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Head,
    /// Of which source, and which of its chunks.
    Chunk(usize, u32),
    Tail,
    Nothing,
}

enum PieceForm {
    Ndjson,
    NdjsonGzip(Trailer),
    Bundle { base: String, any: bool },
    BundleGzip { base: String, any: bool, encoder: Box<Streamed> },
}

struct Pieces {
    app: Arc<App>,
    /// One a record type.
    sources: Vec<Source>,
    next: Next,
    form: PieceForm,
}

impl Pieces {
    /// The next piece that is not empty; `None` at the end. (An empty one would end the body.)
    async fn piece(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            let piece = match self.next {
                Next::Head => {
                    self.next = self.from(0, 0);
                    self.head()
                }
                Next::Chunk(source, chunk) => {
                    self.next = self.from(source, chunk + 1);
                    self.chunk(source, chunk).await?
                }
                Next::Tail => {
                    self.next = Next::Nothing;
                    self.tail()
                }
                Next::Nothing => return Ok(None),
            };
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    fn from(&self, mut source: usize, mut chunk: u32) -> Next {
        while let Some(of) = self.sources.get(source) {
            if chunk < of.chunks() {
                return Next::Chunk(source, chunk);
            }
            (source, chunk) = (source + 1, 0);
        }
        Next::Tail
    }

    fn head(&mut self) -> Bytes {
        match &mut self.form {
            PieceForm::NdjsonGzip(_) => Bytes::from_static(&HEADER),
            _ => Bytes::new(),
        }
    }

    async fn chunk(&mut self, source: usize, chunk: u32) -> Result<Bytes, Broken> {
        let source = &self.sources[source];
        if let PieceForm::NdjsonGzip(trailer) = &mut self.form {
            let deflated = match source.kept_deflated(&self.app, chunk) {
                Some(kept) => kept,
                None => {
                    apart(&self.app, source, move |app, source| source.deflated(app, chunk)).await?
                }
            };
            trailer.add(&deflated);
            return Ok(deflated.bytes.clone());
        }
        let lines = match source.kept_lines(&self.app, chunk) {
            Some(kept) => kept,
            None => apart(&self.app, source, move |app, source| source.lines(app, chunk)).await?,
        };
        let record_type = source.record_type.fhir();
        Ok(match &mut self.form {
            PieceForm::Ndjson | PieceForm::NdjsonGzip(_) => lines.ndjson.clone(),
            PieceForm::Bundle { base, any } => entries(&lines, record_type, base, any).into(),
            PieceForm::BundleGzip { base, any, encoder } => {
                encoder.push(&entries(&lines, record_type, base, any)).into()
            }
        })
    }

    fn tail(&mut self) -> Bytes {
        match std::mem::replace(&mut self.form, PieceForm::Ndjson) {
            PieceForm::Ndjson => Bytes::new(),
            PieceForm::NdjsonGzip(trailer) => trailer.bytes().into(),
            PieceForm::Bundle { any, .. } => bundle_end(any).into(),
            PieceForm::BundleGzip { any, mut encoder, .. } => {
                let mut bytes = encoder.push(&bundle_end(any));
                bytes.extend_from_slice(&encoder.finish());
                bytes.into()
            }
        }
    }
}

/// Builds where blocking does no harm, a few at a time.
async fn apart<T: Send + 'static>(
    app: &Arc<App>,
    source: &Source,
    build: impl FnOnce(&App, &Source) -> T + Send + 'static,
) -> Result<T, Broken> {
    let permit = Arc::clone(&app.builders).acquire_owned().await;
    let (worker, source) = (Arc::clone(app), source.clone());
    let built = tokio::task::spawn_blocking(move || {
        let built = build(&worker, &source);
        drop(permit);
        built
    });
    let built = built.await.map_err(|_| Broken::Build)?;
    // Asked after the records were read: those that were lost are left out of a chunk.
    if app.is_whole() { Ok(built) } else { Err(Broken::StateLost) }
}

/// The chunk's entries, the Bundle's head before the first of all.
fn entries(lines: &Lines, record_type: &str, base: &str, any: &mut bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(lines.ndjson.len() * 5 / 4);
    for (id, resource) in lines.resources() {
        if *any {
            out.push(b',');
        } else {
            out.extend_from_slice(&Bundle::new(BundleType::Collection).head());
            *any = true;
        }
        let url = format!("{base}/{record_type}/{id}");
        Entry { full_url: Some(&url), resource, ..Entry::default() }.write(&mut out);
    }
    out
}

fn bundle_end(any: bool) -> Vec<u8> {
    if any { Bundle::TAIL.to_vec() } else { Bundle::new(BundleType::Collection).write([]) }
}
