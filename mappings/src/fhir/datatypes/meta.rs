//! Stamp → Meta.

use serde::{Serialize, Serializer};
use sluice_ids::{Micros, Seq};

use super::{Coding, Instant};
use crate::records::Stamp;

/// `versionId` is the `Seq` that last changed the record, `lastUpdated` when it was received.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    #[serde(serialize_with = "as_text")]
    version_id: Seq,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_updated: Option<Instant>,
    /// Canonicals of the profiles that the resource follows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profile: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<Coding<'static>>,
}

impl From<&Stamp> for Meta {
    fn from(stamp: &Stamp) -> Self {
        Self {
            version_id: stamp.version,
            last_updated: Some(Instant(stamp.updated_at)),
            profile: Vec::new(),
            security: Vec::new(),
        }
    }
}

impl Meta {
    /// Of what is derived from many records, which may not tell when it last changed.
    #[must_use]
    pub fn of_version(version_id: Seq, updated_at: Option<Micros>) -> Self {
        let last_updated = updated_at.map(Instant);
        Self { version_id, last_updated, profile: Vec::new(), security: Vec::new() }
    }

    /// With the profiles that the resource follows.
    #[must_use]
    pub fn following(stamp: &Stamp, profile: Vec<&'static str>) -> Self {
        Self { profile, ..Self::from(stamp) }
    }
}

fn as_text<S: Serializer>(seq: &Seq, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(seq)
}
