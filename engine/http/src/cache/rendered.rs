//! One resource as it goes out: its bytes and the headers that follow from its version.

use std::sync::Arc;

use axum::http::header::HeaderValue;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::fhir::{self, FhirVersion};
use sluice_mappings::records::{Record, ResourceId, Stamp};

use crate::call::Call;

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
    /// Whether a date alone tells that it is unchanged: no site file has a hand in it.
    pub(crate) dated: bool,
}

impl Call<'_> {
    /// The resource, if it is kept at `version` and the caller takes what is kept.
    pub(crate) fn kept(&self, id: ResourceId, version: Seq) -> Option<Arc<Rendered>> {
        if !self.takes_kept() {
            return None;
        }
        let key = ResourceKey { id, fhir: self.route.fhir };
        let kept = self.app.resources.get(&key, version.get());
        self.count(u32::from(kept.is_some()), u32::from(kept.is_none()));
        kept
    }

    /// The resource of a record, from the cache if it is there at the record's version.
    pub(crate) fn rendered(&self, ej: EjId, record: &Record) -> Arc<Rendered> {
        self.kept(record.id(), record.stamp().version).unwrap_or_else(|| self.render(ej, record))
    }

    /// Renders, and keeps it.
    pub(crate) fn render(&self, ej: EjId, record: &Record) -> Arc<Rendered> {
        let rendered = Arc::new(self.render_once(ej, record));
        if self.takes_kept() {
            let key = ResourceKey { id: record.id(), fhir: self.route.fhir };
            let bytes = rendered.json.len();
            let version = record.stamp().version.get();
            self.app.resources.put(key, version, Arc::clone(&rendered), bytes);
        }
        rendered
    }

    /// Renders, and keeps nothing: for a version that is past.
    pub(crate) fn render_once(&self, ej: EjId, record: &Record) -> Rendered {
        let Some(entity) = self.app.entities.get(&ej) else {
            unreachable!("the state was opened with the declared EJs");
        };
        let json = fhir::render(record, entity, self.route.fhir);
        Rendered::of(json, record.stamp(), entity.site.tag())
    }
}

impl Rendered {
    /// What was rendered from a record of that stamp; `tag` is that of the EJ's site, if it had a
    /// hand in it.
    pub(crate) fn of(json: Vec<u8>, stamp: &Stamp, tag: Option<&str>) -> Self {
        let etag = etag(stamp.version, tag);
        Self {
            json: json.into(),
            etag: HeaderValue::try_from(etag).expect("digits and quotes are header characters"),
            last_modified: http_date(stamp.updated_at),
            dated: tag.is_none(),
        }
    }
}

/// `W/"version"`. Where a site file has a hand in what is shown, its tag follows: the same version
/// reads otherwise when the file changes.
pub(crate) fn etag(version: Seq, tag: Option<&str>) -> String {
    match tag {
        None => format!("W/\"{version}\""),
        Some(tag) => format!("W/\"{version}.{tag}\""),
    }
}

/// RFC 9110 §5.6.7; `None` outside the years that it can write.
fn http_date(at: Micros) -> Option<HeaderValue> {
    let at = Timestamp::from_microsecond(at.get()).ok()?;
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?;
    HeaderValue::try_from(text).ok()
}
