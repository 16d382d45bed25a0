//! `GET /exports/[id]/files/[file]`: a file of an export, whole or from where the client left off.
//!
//! A file never changes, so that its name and its job make a strong ETag. A range (RFC 9110 §14) is
//! of the plain bytes, also for a client that takes gzip or zstd: a file is compressed as it is
//! sent, and only as a whole. Several ranges at once are answered by the whole, as §14.2 allows.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;

use super::job::{Phase, WrittenFile};
use super::manifest::owned;
use crate::call::Call;
use crate::fault::Fault;
use crate::fhir::conditional;
use crate::negotiate::Coding;

const FHIR_NDJSON: HeaderValue = HeaderValue::from_static("application/fhir+ndjson");
/// Read and sent at once.
const BLOCK_BYTES: u64 = 256 * 1024;
const ZSTD_LEVEL: i32 = 1;

pub(crate) fn file(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let job = owned(call)?;
    let Phase::Done(done) = job.phase() else { return Err(Fault::NotFound) };
    let named = call.parts.uri.path().rsplit('/').next().unwrap_or_default();
    let file = done.files.iter().find(|file| file.name == named).ok_or(Fault::NotFound)?;
    let plain = tag(&format!("{}-{}", job.id, file.name));
    let range = asked(call.headers(), &plain, file)?;
    let coding = if range.is_none() { call.coding(Coding::Zstd) } else { Coding::Identity };
    let etag = match coding.name() {
        Some(coding) => tag(&format!("{}-{}-{coding}", job.id, file.name)),
        None => plain,
    };

    if conditional::unchanged(call.headers(), &etag, None) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(header::ETAG, etag);
        return Ok(response);
    }
    // It was there when the job was done: gone is what retention took a moment ago.
    let mut open = File::open(job.folder.join(&file.name)).map_err(|_| Fault::NotFound)?;
    let (start, end) = range.unwrap_or((0, file.bytes));
    open.seek(SeekFrom::Start(start)).map_err(|_| Fault::Internal)?;
    let blocks = Some(Blocks {
        file: open,
        left: end - start,
        encoder: Encoder::new(coding).map_err(|_| Fault::Internal)?,
    });
    let mut response = Response::new(Body::from_stream(stream::unfold(blocks, next_block)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, FHIR_NDJSON);
    headers.insert(header::ETAG, etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    match coding.name() {
        Some(coding) => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        None => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
        }
    }
    if range.is_some() {
        let text = format!("bytes {start}-{}/{}", end - 1, file.bytes);
        let value = HeaderValue::try_from(text).expect("words and digits");
        headers.insert(header::CONTENT_RANGE, value);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Ids and names of files are of characters that may stand in a tag.
fn tag(opaque: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{opaque}\"")).expect("letters, digits, dots and dashes")
}

/// The range that is to be sent, its end exclusive; `None` for the whole.
fn asked(
    headers: &HeaderMap,
    etag: &HeaderValue,
    file: &WrittenFile,
) -> Result<Option<(u64, u64)>, Fault> {
    // §13.1.5: compared strongly; with another tag, or a date, the whole is sent.
    if headers.get(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return Ok(None);
    }
    let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
        return Ok(None);
    };
    match satisfied(range, file.bytes) {
        Ok(range) => Ok(range),
        Err(Unsatisfiable) => Err(Fault::RangeNotSatisfiable { bytes: file.bytes }),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// Of `bytes` bytes. One that cannot be read is ignored (§14.2).
fn satisfied(range: &str, bytes: u64) -> Result<Option<(u64, u64)>, Unsatisfiable> {
    let read = || {
        let (unit, range) = range.split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        let number = |text: &str| match text.trim() {
            "" => Some(None),
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok().map(Some),
            _ => None,
        };
        let bounds = (number(first)?, number(last)?);
        unit.trim().eq_ignore_ascii_case("bytes").then_some(bounds)
    };
    match read() {
        None | Some((None, None)) => Ok(None),
        Some((Some(first), Some(last))) if last < first => Ok(None),
        Some((Some(first), _)) if first >= bytes => Err(Unsatisfiable),
        Some((Some(first), last)) => {
            Ok(Some((first, last.map_or(bytes, |last| last.saturating_add(1).min(bytes)))))
        }
        Some((None, Some(suffix))) if suffix == 0 || bytes == 0 => Err(Unsatisfiable),
        Some((None, Some(suffix))) => Ok(Some((bytes.saturating_sub(suffix), bytes))),
    }
}

struct Blocks {
    file: File,
    left: u64,
    encoder: Option<Encoder>,
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// `None` for plain bytes. Made for one transfer: quick goes before small.
    fn new(coding: Coding) -> io::Result<Option<Self>> {
        Ok(match coding {
            Coding::Identity => None,
            Coding::Gzip => Some(Self::Gzip(GzEncoder::new(Vec::new(), Compression::fast()))),
            Coding::Zstd => {
                Some(Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?))
            }
        })
    }

    /// Takes more, and gives what is ready to be sent, which may be nothing.
    fn encoded(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => {
                encoder.write_all(plain)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zstd(encoder) => {
                encoder.write_all(plain)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    fn end(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

/// Read where blocking does no harm. A file that ends early breaks the connection off: a short
/// file must not look like a whole one.
async fn next_block(blocks: Option<Blocks>) -> Option<(io::Result<Bytes>, Option<Blocks>)> {
    let mut blocks = blocks?;
    let read = tokio::task::spawn_blocking(move || (blocks.next(), blocks));
    match read.await {
        Ok((Ok(block), blocks)) => block.map(|block| (Ok(block), Some(blocks))),
        Ok((Err(error), _)) => Some((Err(error), None)),
        Err(error) => Some((Err(io::Error::other(error)), None)),
    }
}

impl Blocks {
    /// `None` at the end.
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        while self.left > 0 {
            let size = self.left.min(BLOCK_BYTES);
            let mut block = vec![0; usize::try_from(size).expect("a block fits in memory")];
            self.file.read_exact(&mut block)?;
            self.left -= size;
            let Some(encoder) = &mut self.encoder else { return Ok(Some(block.into())) };
            let encoded = encoder.encoded(&block)?;
            // An empty block would end the body.
            if !encoded.is_empty() {
                return Ok(Some(encoded.into()));
            }
        }
        match self.encoder.take() {
            Some(encoder) => encoder.end().map(|end| Some(end.into())),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_of_what_there_is() {
        for (range, expected) in [
            ("bytes=0-", Ok(Some((0, 100)))),
            ("bytes=10-19", Ok(Some((10, 20)))),
            ("bytes=10-1000", Ok(Some((10, 100)))),
            ("bytes=-10", Ok(Some((90, 100)))),
            ("bytes=-1000", Ok(Some((0, 100)))),
            ("Bytes = 99-99", Ok(Some((99, 100)))),
            ("bytes=100-", Err(Unsatisfiable)),
            ("bytes=-0", Err(Unsatisfiable)),
            // Ignored: of another unit, backwards, several, none at all, no number.
            ("lines=1-2", Ok(None)),
            ("bytes=20-10", Ok(None)),
            ("bytes=0-1,5-6", Ok(None)),
            ("bytes=-", Ok(None)),
            ("bytes=+1-2", Ok(None)),
            ("bytes=a-b", Ok(None)),
            ("bytes=99999999999999999999-", Ok(None)),
            ("", Ok(None)),
        ] {
            assert_eq!(satisfied(range, 100), expected, "{range}");
        }
    }
}
