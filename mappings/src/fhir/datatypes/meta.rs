//! Stamp → Meta.

use serde::{Serialize, Serializer};
use sluice_ids::Seq;

use super::Instant;
use crate::records::Stamp;

/// `versionId` is the `Seq` that last changed the record, `lastUpdated` when it was received.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    #[serde(serialize_with = "as_text")]
    version_id: Seq,
    last_updated: Instant,
}

impl From<&Stamp> for Meta {
    fn from(stamp: &Stamp) -> Self {
        Self { version_id: stamp.version, last_updated: Instant(stamp.updated_at) }
    }
}

fn as_text<S: Serializer>(seq: &Seq, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(seq)
}
