//! One resource as it goes out: its bytes and the headers that follow from its version.

use std::sync::Arc;

use axum::http::header::HeaderValue;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::fhir::{self, FhirVersion};
use sluice_mappings::records::{Record, ResourceId, Stamp};

use crate::app::App;

/// Ids are minted over the EJ and the type too, so an id alone is a key; what is kept under it is
/// only asked for with a record that the caller could already read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ResourceKey {
    id: ResourceId,
    fhir: FhirVersion,
}

pub(crate) struct Rendered {
    pub(crate) json: Bytes,
    pub(crate) etag: HeaderValue,
    pub(crate) last_modified: Option<HeaderValue>,
}

impl App {
    /// The resource, if it is kept at `version`.
    pub(crate) fn kept(
        &self,
        id: ResourceId,
        version: Seq,
        fhir: FhirVersion,
    ) -> Option<Arc<Rendered>> {
        if !self.settings.cache.enabled {
            return None;
        }
        self.resources.get(&ResourceKey { id, fhir }, version.get())
    }

    /// The resource of a record, from the cache if it is there at the record's version.
    pub(crate) fn rendered(&self, ej: EjId, record: &Record, fhir: FhirVersion) -> Arc<Rendered> {
        self.kept(record.id(), record.stamp().version, fhir)
            .unwrap_or_else(|| self.render(ej, record, fhir))
    }

    /// Renders, and keeps nothing: for a version that is past.
    pub(crate) fn render_once(&self, ej: EjId, record: &Record, fhir: FhirVersion) -> Rendered {
        let Some(entity) = self.entities.get(&ej) else {
            unreachable!("the state was opened with the declared EJs");
        };
        Rendered::of(fhir::render(record, entity, fhir), record.stamp())
    }

    /// Renders, and keeps it.
    pub(crate) fn render(&self, ej: EjId, record: &Record, fhir: FhirVersion) -> Arc<Rendered> {
        let rendered = Arc::new(self.render_once(ej, record, fhir));
        if self.settings.cache.enabled {
            let key = ResourceKey { id: record.id(), fhir };
            let bytes = rendered.json.len();
            self.resources.put(key, record.stamp().version.get(), Arc::clone(&rendered), bytes);
        }
        rendered
    }
}

impl Rendered {
    /// What was rendered from a record of that stamp.
    pub(crate) fn of(json: Vec<u8>, stamp: &Stamp) -> Self {
        let etag = format!("W/\"{}\"", stamp.version);
        Self {
            json: json.into(),
            etag: HeaderValue::try_from(etag).expect("digits and quotes are header characters"),
            last_modified: http_date(stamp.updated_at),
        }
    }
}

/// RFC 9110 §5.6.7; `None` outside the years that it can write.
fn http_date(at: Micros) -> Option<HeaderValue> {
    let at = Timestamp::from_microsecond(at.get()).ok()?;
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?;
    HeaderValue::try_from(text).ok()
}
