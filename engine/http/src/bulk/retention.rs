//! What goes: finished exports by age, by number, and where a new one needs their room.

use std::sync::Arc;

use sluice_ids::Micros;

use super::job::Job;
use super::shelf::Shelf;
use crate::instruments;

/// Removes what was kept long enough, and the oldest of too many.
pub(super) fn tidy(shelf: &Shelf, now: Micros) {
    let kept = i64::try_from(shelf.settings.kept().as_micros()).unwrap_or(i64::MAX);
    let mut ended = ended(shelf);
    while let Some((at, job)) = ended.first() {
        let reason = if at.get().saturating_add(kept) <= now.get() {
            "age"
        } else if ended.len() > shelf.settings.kept_jobs_max {
            "number"
        } else {
            break;
        };
        shelf.remove(job);
        instruments::export_removed(reason);
        ended.remove(0);
    }
}

/// Makes room for `bytes` more; false where that is not to be had.
pub(super) fn make_room(shelf: &Shelf, bytes: u64) -> bool {
    let limit = shelf.settings.kept_bytes_max;
    while shelf.bytes().saturating_add(bytes) > limit {
        let ended = ended(shelf);
        let Some((_, oldest)) = ended.first() else { return false };
        shelf.remove(oldest);
        instruments::export_removed("bytes");
    }
    true
}

/// The oldest first.
fn ended(shelf: &Shelf) -> Vec<(Micros, Arc<Job>)> {
    let jobs = shelf.all().into_iter();
    let mut ended: Vec<_> = jobs.filter_map(|job| Some((job.ended_at()?, job))).collect();
    ended.sort_by_key(|(at, job)| (*at, job.id));
    ended
}
