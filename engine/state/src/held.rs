//! Which records await movements that have not come, and since when: counted as records are put,
//! so that neither the gauges nor the list walk the state.

use std::collections::{BTreeMap, BTreeSet};

use metrics::{Gauge, gauge};
use sluice_ids::{EjId, Micros};
use sluice_mappings::records::Record;

use crate::ej::RecordRef;
use crate::metric::as_f64;

/// What one record awaits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Awaits {
    movements: u64,
    since: Micros,
}

impl Awaits {
    pub(crate) fn of(record: &Record) -> Self {
        record.held().fold(Self::default(), |awaits, (_, held)| Self {
            movements: awaits.movements + 1,
            since: match awaits.movements {
                0 => held.received_at,
                _ => awaits.since.min(held.received_at),
            },
        })
    }
}

/// An EJ's records that await something.
#[derive(Default)]
pub(crate) struct HeldMovements {
    by_record: BTreeMap<RecordRef, Awaits>,
    /// Longest first.
    by_age: BTreeSet<(Micros, RecordRef)>,
    movements: u64,
}

impl HeldMovements {
    pub(crate) fn set(&mut self, at: RecordRef, awaits: Awaits) {
        if let Some(before) = self.by_record.remove(&at) {
            self.by_age.remove(&(before.since, at));
            self.movements -= before.movements;
        }
        if awaits.movements > 0 {
            self.by_record.insert(at, awaits);
            self.by_age.insert((awaits.since, at));
            self.movements += awaits.movements;
        }
    }

    /// How many movements, all together.
    pub(crate) const fn movements(&self) -> u64 {
        self.movements
    }

    pub(crate) fn oldest(&self) -> Option<Micros> {
        self.by_age.first().map(|(since, _)| *since)
    }

    /// The records, those that have waited longest first.
    pub(crate) fn records(&self) -> impl Iterator<Item = RecordRef> + '_ {
        self.by_age.iter().map(|(_, at)| *at)
    }
}

/// Movements that are awaited, as a scraper sees them. Of the oldest its time, since an age would
/// stand still while no message comes.
pub(crate) struct HeldGauges {
    movements: Gauge,
    oldest: Gauge,
}

impl HeldGauges {
    pub(crate) fn of(ej: EjId) -> Self {
        let ej = || ej.to_string();
        Self {
            movements: gauge!("sluice_held_movements", "ej" => ej()),
            oldest: gauge!("sluice_held_oldest_timestamp_seconds", "ej" => ej()),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
    pub(crate) fn set(&self, held: &HeldMovements) {
        self.movements.set(as_f64(held.movements()));
        self.oldest.set(held.oldest().map_or(0.0, |since| since.get() as f64 / 1e6));
    }
}
