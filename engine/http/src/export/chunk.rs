//! One chunk in the forms in which it is kept.

use std::sync::Arc;

use bytes::Bytes;
use flate2::Crc;
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::fhir::{Bundle, BundleType, Entry, FhirVersion};
use sluice_mappings::records::{RecordType, ResourceId};

use super::bases::BaseId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ChunkKey {
    pub(super) ej: EjId,
    pub(super) record_type: RecordType,
    pub(super) fhir: FhirVersion,
    pub(super) chunk: u32,
    pub(super) form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Lines,
    Packed(Packing, Layout),
}

/// The codings that are kept packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

/// What is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Layout {
    Ndjson,
    /// Entries of a Bundle, whose links begin with that base; with the Bundle's head before them
    /// if they are the `first`, else each after a comma.
    Entries {
        base: BaseId,
        first: bool,
    },
}

/// What the cache keeps under a [`ChunkKey`].
#[derive(Clone)]
pub(crate) enum KeptChunk {
    Lines(Arc<Lines>),
    Packed(Arc<Packed>),
}

/// NDJSON: one resource a line, each with its `\n`.
#[derive(Default)]
pub(crate) struct Lines {
    pub(super) ndjson: Bytes,
    pub(super) index: Vec<Line>,
    /// When the newest of them was changed.
    pub(super) newest: Option<Micros>,
}

#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) id: ResourceId,
    pub(super) version: Seq,
    /// Where it ends, its `\n` included.
    pub(super) end: u32,
}

/// A part of a packed answer, to be sent as it is after what came before.
pub(crate) struct Packed {
    pub(super) bytes: Bytes,
    /// Over what is packed, and its length: gzip's trailer tells them of the whole.
    pub(super) crc: Crc,
    pub(super) plain_bytes: u64,
    pub(super) newest: Option<Micros>,
    /// Whether there is a resource in it.
    pub(super) any: bool,
}

impl KeptChunk {
    pub(super) fn newest(&self) -> Option<Micros> {
        match self {
            Self::Lines(lines) => lines.newest,
            Self::Packed(packed) => packed.newest,
        }
    }

    /// The bytes that it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.ndjson.len() + lines.index.len() * size_of::<Line>(),
            Self::Packed(packed) => packed.bytes.len(),
        }
    }
}

impl Lines {
    /// The resources, without their line ends.
    pub(super) fn resources(&self) -> impl Iterator<Item = (Line, &[u8])> {
        let mut start = 0;
        self.index.iter().map(move |line| {
            let end = line.end as usize;
            let resource = &self.ndjson[start..end - 1];
            start = end;
            (*line, resource)
        })
    }

    /// The same as entries of a Bundle: its head before the `first` of all, a comma before others.
    pub(super) fn entries(&self, record_type: RecordType, base: &str, mut first: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.ndjson.len() * 5 / 4);
        for (line, resource) in self.resources() {
            if std::mem::take(&mut first) {
                out.extend_from_slice(&Bundle::new(BundleType::Collection).head());
            } else {
                out.push(b',');
            }
            let url = format!("{base}/{}/{}", record_type.fhir(), line.id);
            Entry { full_url: Some(&url), resource, ..Entry::default() }.write(&mut out);
        }
        out
    }
}
