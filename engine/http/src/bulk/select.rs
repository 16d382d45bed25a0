//! Which lines an export is made of: the resources of a type in an EJ, chunk by chunk, at the pin.

use std::sync::Arc;

use bytes::Bytes;
use sluice_ids::{Micros, Seq};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::fhir::{self, FhirVersion, ResourceType};
use sluice_mappings::records::{Record, RecordType};
use sluice_state::{EjView, Matching, Pinned, Wanted};

use super::order::Order;
use crate::app::App;
use crate::export::Source;
use crate::fault::Fault;
use crate::fhir::group;
use crate::fhir::shape::Shape;

/// A type in an EJ: one file.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) of: ResourceType,
    pub(super) entity: Arc<LegalEntity>,
    pub(super) view: EjView,
    pub(super) pin: Seq,
    pub(super) fhir: FhirVersion,
    pub(super) shape: Shape,
    /// What `_typeFilter` finds at the pin.
    pub(super) matching: Option<Arc<Matching>>,
    pub(super) since: Option<Micros>,
}

/// What is rendered at once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// A chunk of records.
    Chunk(RecordType, u32),
    /// The Group of the EJ.
    Group,
}

#[derive(Default)]
pub(super) struct Selected {
    pub(super) ndjson: Bytes,
    pub(super) lines: u64,
    /// `Type/id` of what is gone since.
    pub(super) gone: Vec<String>,
}

/// What a record was at the pin cannot be told any more.
pub(super) struct Overtaken;

/// The elements of a type that an order asks for: those named for all types, and those for it.
/// Where none is, all of them.
pub(super) fn shape_of(order: &Order, of: ResourceType) -> Result<Shape, Fault> {
    let mut shape = Shape::default();
    let names: Vec<&str> = order
        .elements
        .iter()
        .filter(|name| {
            let of_type = name.split_once('.').map_or("", |(of_type, _)| of_type);
            of_type == of.name() || !of_type.starts_with(|c: char| c.is_ascii_uppercase())
        })
        .map(String::as_str)
        .collect();
    if !names.is_empty() {
        shape.take(Some(of), "_elements", &names.join(","))?;
    }
    Ok(shape)
}

impl Part {
    /// Its pieces at the pin: what comes later is in later chunks, or left out of the last.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let sources: &[RecordType] = match &self.of {
            ResourceType::Record(record_type) => std::slice::from_ref(record_type),
            ResourceType::EncounterHistory => &[RecordType::Stay],
            ResourceType::Provenance => &RecordType::ALL,
            ResourceType::Group => return vec![Piece::Group],
        };
        let chunks = |of: &RecordType| {
            let of = *of;
            (0..self.view.chunks(of)).map(move |chunk| Piece::Chunk(of, chunk))
        };
        sources.iter().flat_map(chunks).collect()
    }

    /// The lines of a piece. Reads records, and where it must the journal: blocking.
    pub(super) fn select(&self, app: &App, piece: Piece) -> Result<Selected, Overtaken> {
        match piece {
            Piece::Group => {
                let group = group::record(app, &self.view, self.pin);
                let mut lines = Lines::default();
                lines.push(self, &fhir::render_group(group, &self.entity, self.fhir));
                Ok(lines.done())
            }
            Piece::Chunk(of, chunk) => match self.kept(app, of, chunk) {
                Some(selected) => Ok(selected),
                None => self.rendered(app, of, chunk),
            },
        }
    }

    /// The chunk as exports keep it, where all of it is asked for and it is of the pin.
    fn kept(&self, app: &App, of: RecordType, chunk: u32) -> Option<Selected> {
        let whole = self.of == ResourceType::Record(of) && self.matching.is_none();
        let of_the_pin = || self.view.chunk_version(of, chunk) <= self.pin;
        if !whole || self.since.is_some() || !of_the_pin() {
            return None;
        }
        let (view, entity) = (self.view.clone(), Arc::clone(&self.entity));
        let source = Source::once(view, entity, of, self.fhir);
        let ndjson = source.ndjson(app, chunk);
        // Records are read after their chunk's version, and may be newer: asked again.
        if !of_the_pin() {
            return None;
        }
        // A resource is one line, and each line is ended.
        let resources = || ndjson.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        if self.shape.is_whole() {
            let lines = resources().count() as u64;
            return Some(Selected { ndjson, lines, gone: Vec::new() });
        }
        let mut lines = Lines::default();
        resources().for_each(|resource| lines.push(self, resource));
        Some(lines.done())
    }

    fn rendered(&self, app: &App, of: RecordType, chunk: u32) -> Result<Selected, Overtaken> {
        let wanted = Wanted { matching: self.matching.as_deref(), since: self.since };
        let mut lines = Lines::default();
        for pinned in self.view.chunk_at(of, chunk, self.pin, wanted) {
            let Some(record) = self.as_it_was(app, pinned, wanted)? else { continue };
            if record.stamp().gone {
                lines.gone(self, &record);
                continue;
            }
            match (self.of, &record) {
                (ResourceType::EncounterHistory, Record::Stay(stay)) => {
                    let histories = fhir::render_history(stay);
                    histories.iter().for_each(|one| lines.push(self, &one.json));
                }
                (ResourceType::Provenance, record) => {
                    let json = fhir::render_provenance(record, &self.entity, self.fhir);
                    lines.push(self, &json);
                }
                (_, record) => lines.push(self, &fhir::render(record, &self.entity, self.fhir)),
            }
        }
        Ok(lines.done())
    }

    fn as_it_was(
        &self,
        app: &App,
        pinned: Pinned,
        wanted: Wanted<'_>,
    ) -> Result<Option<Record>, Overtaken> {
        let (present, matched) = match pinned {
            Pinned::Known(record) => return Ok(Some(record)),
            Pinned::Forgotten { present, matched } => (present, matched),
        };
        let versions = app.past.versions(self.entity.id(), present.record_type(), present.id());
        let versions = versions.map_err(|_| Overtaken)?;
        let mut at_pin = versions.into_iter().filter(|v| v.stamp().version <= self.pin);
        let record = at_pin.next_back().ok_or(Overtaken)?;
        Ok(wanted.takes(record.stamp(), matched).then_some(record))
    }
}

/// NDJSON as it grows.
#[derive(Default)]
struct Lines {
    ndjson: Vec<u8>,
    lines: u64,
    gone: Vec<String>,
}

impl Lines {
    fn push(&mut self, part: &Part, resource: &[u8]) {
        self.ndjson.extend_from_slice(&part.shape.cut(part.of, resource));
        self.ndjson.push(b'\n');
        self.lines += 1;
    }

    /// What is derived from a record is not deleted by itself.
    fn gone(&mut self, part: &Part, record: &Record) {
        if part.of == ResourceType::Record(record.record_type()) {
            self.gone.push(format!("{}/{}", part.of.name(), record.id()));
        }
    }

    fn done(self) -> Selected {
        Selected { ndjson: self.ndjson.into(), lines: self.lines, gone: self.gone }
    }
}
