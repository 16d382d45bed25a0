//! The records of one type in one EJ, as chunks that are kept or made.

use std::sync::Arc;

use bytes::Bytes;
use sluice_ids::{Micros, Seq};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::fhir::{self, FhirVersion};
use sluice_mappings::records::{Record, RecordType};
use sluice_state::EjView;

use super::chunk::{ChunkKey, Form, KeptChunk, Layout, Line, Lines, Packed, Packing};
use crate::app::App;

#[derive(Clone)]
pub(crate) struct Source {
    pub(super) view: EjView,
    pub(super) entity: Arc<LegalEntity>,
    pub(super) record_type: RecordType,
    pub(super) fhir: FhirVersion,
    pub(super) keeping: Keeping,
    /// Only what was changed then or later. What is made of a part is not kept.
    pub(super) since: Option<Micros>,
}

/// What is done with what is kept, and with what is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Taken and kept.
    Asked,
    /// The same, and not counted: nobody asked.
    Warming,
    Nothing,
}

/// How a chunk is packed.
#[derive(Clone)]
pub(super) struct Packer {
    pub(super) packing: Packing,
    pub(super) bundle: Option<InBundle>,
}

#[derive(Clone)]
pub(super) struct InBundle {
    /// `…/fhir/R4`.
    pub(super) base: Arc<str>,
    /// `None` where there are too many bases to keep what is made for this one.
    pub(super) id: Option<super::bases::BaseId>,
    /// Whether nothing was written before.
    pub(super) first: bool,
}

impl Packer {
    /// `None` for what is not kept.
    fn form(&self) -> Option<Form> {
        let layout = match &self.bundle {
            None => Layout::Ndjson,
            Some(InBundle { id, first, .. }) => Layout::Entries { base: (*id)?, first: *first },
        };
        Some(Form::Packed(self.packing, layout))
    }

    fn pack(&self, lines: &Lines, record_type: RecordType) -> Packed {
        match &self.bundle {
            None => self.packing.pack(&lines.ndjson, lines),
            Some(InBundle { base, first, .. }) => {
                self.packing.pack(&lines.entries(record_type, base, *first), lines)
            }
        }
    }
}

impl Source {
    /// Of what is asked for once: what is kept is taken, and nothing more is kept for it.
    pub(crate) fn once(
        view: EjView,
        entity: Arc<LegalEntity>,
        record_type: RecordType,
        fhir: FhirVersion,
    ) -> Self {
        Self { view, entity, record_type, fhir, keeping: Keeping::Warming, since: None }
    }

    /// The chunk's NDJSON, at its present version or a later one.
    pub(crate) fn ndjson(&self, app: &App, chunk: u32) -> Bytes {
        if let Some(lines) = self.lines_at_hand(app, chunk) {
            return lines.ndjson.clone();
        }
        let gzip = Form::Packed(Packing::Gzip, Layout::Ndjson);
        match packed(self.look(app, chunk, gzip)) {
            Some(packed) => packed.inflated().into(),
            None => self.render(app, chunk).1.ndjson,
        }
    }

    /// Whether what is made of a whole chunk is kept.
    fn keeps(&self) -> bool {
        self.keeping != Keeping::Nothing && self.since.is_none()
    }

    fn get(&self, app: &App, chunk: u32, form: Form) -> Option<KeptChunk> {
        let (key, version) = (self.key(chunk, form), self.version(chunk));
        match self.keeping {
            _ if !self.keeps() => None,
            Keeping::Asked => app.chunks.get(&key, version),
            _ => app.chunks.look(&key, version),
        }
    }

    /// As [`Self::get`], for who has asked already: not counted again.
    fn look(&self, app: &App, chunk: u32, form: Form) -> Option<KeptChunk> {
        self.keeps().then(|| app.chunks.look(&self.key(chunk, form), self.version(chunk)))?
    }

    fn key(&self, chunk: u32, form: Form) -> ChunkKey {
        let (ej, record_type, fhir) = (self.view.id(), self.record_type, self.fhir);
        ChunkKey { ej, record_type, fhir, chunk, form }
    }

    pub(super) fn chunks(&self) -> u32 {
        self.view.chunks(self.record_type)
    }

    /// The newest change of any chunk.
    pub(super) fn newest(&self) -> Seq {
        let version = |chunk| self.view.chunk_version(self.record_type, chunk);
        (0..self.chunks()).map(version).max().unwrap_or_default()
    }

    fn version(&self, chunk: u32) -> u64 {
        self.view.chunk_version(self.record_type, chunk).get()
    }

    /// Whether the chunk is kept in that form, or as lines.
    pub(super) fn holds(&self, app: &App, chunk: u32, packer: Option<&Packer>) -> bool {
        let form = packer.map_or(Some(Form::Lines), Packer::form).filter(|_| self.keeps());
        form.is_some_and(|form| app.chunks.holds(&self.key(chunk, form), self.version(chunk)))
    }

    /// Whether nothing in the chunk was changed since then, as far as what is kept of it tells.
    pub(super) fn is_older(&self, app: &App, chunk: u32, since: Micros) -> bool {
        let forms = [Form::Lines, Form::Packed(Packing::Gzip, Layout::Ndjson)];
        let version = self.version(chunk);
        let mut kept = forms.iter().map(|form| app.chunks.look(&self.key(chunk, *form), version));
        let kept = kept.find_map(|kept| kept);
        self.keeping != Keeping::Nothing
            && kept.is_some_and(|kept| kept.newest().is_none_or(|newest| newest < since))
    }

    /// The chunk's lines if they are kept at its present version.
    pub(super) fn kept_lines(&self, app: &App, chunk: u32) -> Option<Arc<Lines>> {
        lines(self.get(app, chunk, Form::Lines))
    }

    /// The chunk packed if it is kept so at its present version.
    pub(super) fn kept_packed(
        &self,
        app: &App,
        chunk: u32,
        packer: &Packer,
    ) -> Option<Arc<Packed>> {
        packed(self.get(app, chunk, packer.form()?))
    }

    /// The lines, kept by someone else while this one waited, or made and kept.
    pub(super) fn lines(&self, app: &App, chunk: u32) -> Arc<Lines> {
        if let Some(lines) = self.lines_at_hand(app, chunk) {
            return lines;
        }
        let (version, lines) = self.render(app, chunk);
        let lines = Arc::new(lines);
        self.keep(app, chunk, Some(Form::Lines), version, KeptChunk::Lines(Arc::clone(&lines)));
        lines
    }

    /// The chunk packed, by someone else while this one waited, or made and kept. The lines that it
    /// is made from are kept only if someone asked for them: they take twenty times the room.
    pub(super) fn packed(&self, app: &App, chunk: u32, packer: &Packer) -> Arc<Packed> {
        let form = packer.form();
        let version = self.version(chunk);
        if let Some(packed) = form.and_then(|form| packed(self.look(app, chunk, form))) {
            return packed;
        }
        let (version, packed) = match self.lines_at_hand(app, chunk) {
            Some(lines) => (version, packer.pack(&lines, self.record_type)),
            None => {
                let (version, lines) = self.render(app, chunk);
                (version, packer.pack(&lines, self.record_type))
            }
        };
        let packed = Arc::new(packed);
        self.keep(app, chunk, form, version, KeptChunk::Packed(Arc::clone(&packed)));
        packed
    }

    fn lines_at_hand(&self, app: &App, chunk: u32) -> Option<Arc<Lines>> {
        lines(self.look(app, chunk, Form::Lines))
    }

    fn keep(&self, app: &App, chunk: u32, form: Option<Form>, version: u64, made: KeptChunk) {
        // A chunk that lacks a lost record must not outlive the trouble.
        if let Some(form) = form.filter(|_| self.keeps())
            && app.is_whole()
        {
            let bytes = made.bytes();
            app.chunks.put(self.key(chunk, form), version, made, bytes);
        }
    }

    /// The lines, and a version that they are not older than: what changes in between shows under
    /// the next version again. Of lines that are kept of an older version, those of resources that
    /// did not change are taken as they are.
    fn render(&self, app: &App, chunk: u32) -> (u64, Lines) {
        let (version, records) = self.view.chunk(self.record_type, chunk);
        let kept = lines(app.chunks.of_any_version(&self.key(chunk, Form::Lines)));
        let kept = kept.filter(|_| self.keeping != Keeping::Nothing).unwrap_or_default();
        let mut before = kept.resources();
        let mut ndjson = Vec::new();
        let mut index = Vec::with_capacity(records.len());
        let mut newest = None;
        let wanted =
            |record: &&Record| self.since.is_none_or(|since| record.stamp().updated_at >= since);
        for record in records.iter().filter(wanted) {
            let (id, stamp) = (record.id(), record.stamp());
            // Both are in order of creation; one that is gone is in the older one alone.
            let known = before.find(|(line, _)| line.id == id);
            match known.filter(|(line, _)| line.version == stamp.version) {
                Some((_, resource)) => ndjson.extend_from_slice(resource),
                None => {
                    ndjson.extend_from_slice(&fhir::render(record, &self.entity, self.fhir));
                }
            }
            ndjson.push(b'\n');
            let end = u32::try_from(ndjson.len()).expect("64 resources are below 4 GiB");
            index.push(Line { id, version: stamp.version, end });
            newest = newest.max(Some(stamp.updated_at));
        }
        (version.get(), Lines { ndjson: ndjson.into(), index, newest })
    }
}

fn lines(kept: Option<KeptChunk>) -> Option<Arc<Lines>> {
    match kept? {
        KeptChunk::Lines(lines) => Some(lines),
        KeptChunk::Packed(_) => None,
    }
}

fn packed(kept: Option<KeptChunk>) -> Option<Arc<Packed>> {
    match kept? {
        KeptChunk::Packed(packed) => Some(packed),
        KeptChunk::Lines(_) => None,
    }
}
