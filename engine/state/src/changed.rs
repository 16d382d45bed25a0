//! Records by when they last changed (which of them a message left as they are now), and whose
//! numbers are known.
//!
//! From the rows of `_lastUpdated`, as they are and not at a pin: whoever walks the past looks for
//! what is still the present.

use sluice_ids::Micros;
use sluice_mappings::records::{Record, RecordType};
use sluice_mappings::search::{
    KEY_BYTES, Key, Param, identifiers_of, last_updated_key, last_updated_of,
};

use crate::ej::RecordRef;
use crate::index::Row;
use crate::view::EjView;

/// Records that are looked at to see whether a system is known.
const LOOKS_MAX: usize = 16;

fn bounds(ty: RecordType, from: &Key, to: &Key) -> (Row, Row) {
    (Row::new(ty, Param::LastUpdated, from, 0), Row::new(ty, Param::LastUpdated, to, u32::MAX))
}

impl EjView {
    /// The records of these types that last changed at that moment, in order of type and creation.
    /// One that is gone has no rows, and is not among them.
    #[must_use]
    pub fn changed_at(&self, types: &[RecordType], at: Micros) -> Vec<Record> {
        let key = last_updated_key(at);
        let mut found = Vec::new();
        {
            let inner = self.ej.inner.read();
            for ty in types {
                let (from, to) = bounds(*ty, &key, &key);
                let rows = inner.index.downwards(from, to);
                found.extend(rows.map(|row| RecordRef { ty: *ty, rid: row.rid() }));
            }
        }
        found.sort_unstable();
        let records = found.into_iter().filter_map(|at| self.load(at));
        // One that changed in between is found at its new moment.
        records.filter(|record| record.stamp().updated_at == at).collect()
    }

    /// Whether a record of the type has an identifier of that system.
    #[must_use]
    pub fn knows_system(&self, ty: RecordType, system: &str) -> bool {
        let span = identifiers_of(system);
        let (from, to) =
            (Row::new(ty, span.param, &span.from, 0), Row::new(ty, span.param, &span.to, u32::MAX));
        // Another system is among them by chance alone.
        let first: Vec<RecordRef> = {
            let inner = self.ej.inner.read();
            let rows = inner.index.downwards(from, to).take(LOOKS_MAX);
            rows.map(|row| RecordRef { ty, rid: row.rid() }).collect()
        };
        let mut records = first.into_iter().filter_map(|at| self.load(at));
        records.any(|record| record.identifiers().iter().any(|own| own.system == system))
    }

    /// The last moment before `before` at which a record of these types last changed.
    #[must_use]
    pub fn last_change(&self, types: &[RecordType], before: Micros) -> Option<Micros> {
        let to = last_updated_key(Micros::new(before.get().checked_sub(1)?));
        let inner = self.ej.inner.read();
        let latest = types.iter().filter_map(|ty| {
            let (from, to) = bounds(*ty, &[0; KEY_BYTES], &to);
            inner.index.downwards(from, to).next().map(|row| last_updated_of(&row.key()))
        });
        latest.max()
    }
}
