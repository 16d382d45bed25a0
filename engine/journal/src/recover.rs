//! Opening: from what lies on disk to a journal that goes on.
//!
//! Nothing here needs space: a torn tail that cannot be moved aside because the disk is full is
//! left to the first append, like everything else that writes.

use std::io;
use std::sync::atomic::Ordering;

use sluice_ids::Lsn;

use crate::commit::Start;
use crate::damage::Damage;
use crate::disk::is_no_space;
use crate::shared::Shared;
use crate::survey::Survey;
use crate::walk::{Purpose, Walk};

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    pub segments: usize,
    /// How many of them had to be read whole.
    pub segments_scanned: usize,
    pub last_lsn: Lsn,
    /// Bytes of a group that was never synced, moved aside.
    pub torn: Option<TornReport>,
    /// All damage, accepted or not.
    pub damages: Vec<Damage>,
}

/// Bytes after the last synced record that are no whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornReport {
    pub segment: u64,
    pub offset: u64,
    pub bytes: u64,
}

/// Walks `survey` and fills `shared`. `synced_at_least`: the state has applied up to there.
///
/// # Errors
/// When a file cannot be read at all, or what was written last cannot be synced.
pub fn recover(
    shared: &Shared,
    survey: Survey,
    synced_at_least: Lsn,
) -> io::Result<(Start, OpenReport)> {
    let bound = survey.head_lsn.unwrap_or(0).max(synced_at_least.get());
    let highest_number = survey.segments.last().map_or(0, |s| s.number);
    let mut walk = Walk::new(shared, Purpose::Open);
    walk.run(&survey, bound)?;
    shared.damages.announce();

    for (ej, last) in &walk.released {
        let state = shared.ej_or_new(*ej, 0);
        state.released.store(*last, Ordering::Release);
        state.publish(*last);
    }
    for (ej, floor) in &walk.floors.of {
        shared.ej_or_new(*ej, 0).raise_floor(*floor);
    }
    for (ej, span) in &walk.spans {
        shared.ej_or_new(*ej, 0).publish(span.last.get());
    }
    let report = OpenReport {
        segments: walk.segments.len(),
        segments_scanned: walk.segments_scanned,
        last_lsn: Lsn::new(walk.next_lsn - 1),
        torn: walk.torn.as_ref().map(|torn| torn.report()),
        damages: shared.damages.all(),
    };
    // A tail that cannot be gone on in is left as it lies: a new segment is begun after it.
    let mut torn = walk.torn.filter(|_| walk.active.is_some());
    if let Some(tail) = &mut torn {
        match tail.set_aside(&*shared.disk) {
            Ok(()) => torn = None,
            Err(error) if is_no_space(&error) => {}
            Err(error) => return Err(error),
        }
    }
    shared.synced_lsn.store(walk.next_lsn - 1, Ordering::Release);
    shared.segments.write().append(&mut walk.segments);
    let start = Start {
        active: walk.active,
        last_number: walk.last.number,
        last_end: walk.last.end,
        last_chain: walk.last.chain,
        highest_number: highest_number.max(walk.last.number),
        next_lsn: walk.next_lsn,
        unlisted_floor: walk.floors.unlisted,
        torn,
        head: survey.head,
    };
    Ok((start, report))
}
