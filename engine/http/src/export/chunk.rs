//! One chunk in the forms in which it is sent.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use flate2::{Compression, Crc, FlushCompress, Status};
use sluice_ids::{EjId, Seq};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::fhir::{self, FhirVersion};
use sluice_mappings::records::{RecordType, ResourceId};
use sluice_state::EjView;

use crate::app::App;

/// A chunk is deflated once and sent often: the ratio is worth more than the time, which is about
/// half a millisecond a chunk with its rendering.
const LEVEL: u32 = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ChunkKey {
    ej: EjId,
    record_type: RecordType,
    fhir: FhirVersion,
    chunk: u32,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Lines,
    Deflated,
}

/// What the cache keeps under a [`ChunkKey`].
#[derive(Clone)]
pub(crate) enum KeptChunk {
    Lines(Arc<Lines>),
    Deflated(Arc<Deflated>),
}

impl KeptChunk {
    fn lines(self) -> Option<Arc<Lines>> {
        match self {
            Self::Lines(lines) => Some(lines),
            Self::Deflated(_) => None,
        }
    }

    fn deflated(self) -> Option<Arc<Deflated>> {
        match self {
            Self::Deflated(deflated) => Some(deflated),
            Self::Lines(_) => None,
        }
    }
}

/// NDJSON: one resource a line, each with its `\n`.
pub(crate) struct Lines {
    pub(crate) ndjson: Bytes,
    /// The resource of each line, and where the line ends.
    ends: Vec<(ResourceId, u32)>,
}

/// Raw deflate of the NDJSON, ended by a full flush: on a byte, and with nothing before it that
/// what follows could refer to.
pub(crate) struct Deflated {
    pub(crate) bytes: Bytes,
    /// Over the NDJSON, as its length.
    pub(crate) crc: Crc,
    pub(crate) plain_bytes: u64,
}

/// The records that chunks are made of.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) view: EjView,
    pub(crate) entity: Arc<LegalEntity>,
    pub(crate) record_type: RecordType,
    pub(crate) fhir: FhirVersion,
}

impl Lines {
    /// The resources, without their line ends.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (ResourceId, &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |(id, end)| {
            let end = *end as usize;
            let line = &self.ndjson[start..end - 1];
            start = end;
            (*id, line)
        })
    }
}

impl Source {
    fn key(&self, chunk: u32, form: Form) -> ChunkKey {
        let (ej, record_type, fhir) = (self.view.id(), self.record_type, self.fhir);
        ChunkKey { ej, record_type, fhir, chunk, form }
    }

    pub(crate) fn chunks(&self) -> u32 {
        self.view.chunks(self.record_type)
    }

    /// The newest change of any chunk.
    pub(crate) fn newest(&self) -> Seq {
        let version = |chunk| self.view.chunk_version(self.record_type, chunk);
        (0..self.chunks()).map(version).max().unwrap_or_default()
    }

    fn version(&self, chunk: u32) -> u64 {
        self.view.chunk_version(self.record_type, chunk).get()
    }

    /// The chunk's lines if they are kept at its present version.
    pub(crate) fn kept_lines(&self, app: &App, chunk: u32) -> Option<Arc<Lines>> {
        app.chunks.get(&self.key(chunk, Form::Lines), self.version(chunk))?.lines()
    }

    /// The chunk's deflated form if it is kept at its present version.
    pub(crate) fn kept_deflated(&self, app: &App, chunk: u32) -> Option<Arc<Deflated>> {
        app.chunks.get(&self.key(chunk, Form::Deflated), self.version(chunk))?.deflated()
    }

    /// The lines, kept by someone else while this one waited, or rendered and kept.
    pub(crate) fn lines(&self, app: &App, chunk: u32) -> Arc<Lines> {
        self.lines_at_hand(app, chunk).unwrap_or_else(|| self.build_lines(app, chunk))
    }

    /// The deflated form, kept by someone else while this one waited, or made and kept.
    pub(crate) fn deflated(&self, app: &App, chunk: u32) -> Arc<Deflated> {
        let kept = app.chunks.look(&self.key(chunk, Form::Deflated), self.version(chunk));
        kept.and_then(KeptChunk::deflated).unwrap_or_else(|| self.build_deflated(app, chunk))
    }

    fn lines_at_hand(&self, app: &App, chunk: u32) -> Option<Arc<Lines>> {
        app.chunks.look(&self.key(chunk, Form::Lines), self.version(chunk))?.lines()
    }

    /// Renders the chunk, and keeps it.
    fn build_lines(&self, app: &App, chunk: u32) -> Arc<Lines> {
        let (version, lines) = self.render(chunk);
        let lines = Arc::new(lines);
        let bytes = lines.ndjson.len() + lines.ends.len() * size_of::<(ResourceId, u32)>();
        let kept = KeptChunk::Lines(Arc::clone(&lines));
        keep(app, self.key(chunk, Form::Lines), version, kept, bytes);
        lines
    }

    /// Deflates the chunk, and keeps it. The lines that it is made from are kept only if someone
    /// asked for them: they take ten times the room.
    fn build_deflated(&self, app: &App, chunk: u32) -> Arc<Deflated> {
        let version = self.version(chunk);
        let (version, deflated) = match self.lines_at_hand(app, chunk) {
            Some(lines) => (version, Deflated::of(&lines.ndjson)),
            None => {
                let (version, lines) = self.render(chunk);
                (version, Deflated::of(&lines.ndjson))
            }
        };
        let deflated = Arc::new(deflated);
        let bytes = deflated.bytes.len();
        let kept = KeptChunk::Deflated(Arc::clone(&deflated));
        keep(app, self.key(chunk, Form::Deflated), version, kept, bytes);
        deflated
    }

    /// The lines, and a version that they are not older than: what changes in between shows under
    /// the next version again.
    fn render(&self, chunk: u32) -> (u64, Lines) {
        let (version, records) = self.view.chunk(self.record_type, chunk);
        let mut ndjson = Vec::new();
        let mut ends = Vec::with_capacity(records.len());
        for record in &records {
            ndjson.extend_from_slice(&fhir::render(record, &self.entity, self.fhir));
            ndjson.push(b'\n');
            let end = u32::try_from(ndjson.len()).expect("256 resources are below 4 GiB");
            ends.push((record.id(), end));
        }
        (version.get(), Lines { ndjson: ndjson.into(), ends })
    }
}

/// A chunk that lacks a lost record must not outlive the trouble.
fn keep(app: &App, key: ChunkKey, version: u64, kept: KeptChunk, bytes: usize) {
    if app.is_whole() {
        app.chunks.put(key, version, kept, bytes);
    }
}

impl Deflated {
    fn of(plain: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(plain);
        Self { bytes: deflate(plain).into(), crc, plain_bytes: plain.len() as u64 }
    }
}

/// Raw deflate without a final block, ended by a full flush.
fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut deflater = flate2::Compress::new(Compression::new(LEVEL), false);
    let mut out = Vec::with_capacity(plain.len() / 6 + 64);
    loop {
        let read = usize::try_from(deflater.total_in()).unwrap_or(usize::MAX);
        if out.capacity() - out.len() < 64 {
            out.reserve(plain.len() / 8 + 1024);
        }
        let status = deflater
            .compress_vec(&plain[read.min(plain.len())..], &mut out, FlushCompress::Full)
            .expect("deflating memory to memory");
        let all_in = deflater.total_in() >= plain.len() as u64;
        // With room to spare the flush is complete (zlib manual, deflate()).
        if all_in && out.len() < out.capacity() || status == Status::StreamEnd {
            return out;
        }
    }
}

/// A whole gzip member of parts that have no chunks: for a Bundle, whose links differ by caller.
pub(crate) struct Streamed(flate2::write::GzEncoder<Vec<u8>>);

impl Streamed {
    pub(crate) fn new() -> Self {
        Self(flate2::write::GzEncoder::new(Vec::new(), Compression::fast()))
    }

    /// Takes more, and gives what is ready to be sent, which may be nothing.
    pub(crate) fn push(&mut self, plain: &[u8]) -> Vec<u8> {
        self.0.write_all(plain).expect("deflating memory to memory");
        std::mem::take(self.0.get_mut())
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish().expect("deflating memory to memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_deflated_chunk_ends_on_a_full_flush_whatever_its_size() {
        let mut random = 7_u64;
        for length in [0, 1, 63, 64, 65, 1000, 70_000, 300_000] {
            let plain: Vec<u8> = (0..length)
                .map(|at| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    // Half of it hard to compress, so that the room given first does not do.
                    if at % 2 == 0 { random.to_be_bytes()[0] } else { b'x' }
                })
                .collect();
            let bytes = deflate(&plain);
            assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]), "{length}");
            let mut whole = bytes;
            whole.extend_from_slice(&super::super::gzip::FINAL_BLOCK);
            let mut back = Vec::new();
            flate2::read::DeflateDecoder::new(&whole[..]).read_to_end(&mut back).unwrap();
            assert_eq!(back, plain);
        }
    }
}
