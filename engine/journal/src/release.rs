//! Letting go of whole segments, oldest first.
//!
//! The mark is written before anything is deleted: a copy of the header of the oldest segment
//! that stays. So a deletion that was cut short is finished at the next open, and a segment that
//! is missing without a mark is known to be lost.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_ids::{EjId, Seq};

use crate::disk::{read_range, replace};
use crate::format::{RELEASED_FILE, SegmentHeader, segment_name, sidecar_name};
use crate::segment::Segment;
use crate::shared::Shared;

/// Whether old segments of the journal in `folder` were let go: it cannot be folded from zero.
#[must_use]
pub fn begins_late(folder: &std::path::Path) -> bool {
    folder.join(RELEASED_FILE).exists()
}

pub fn release(shared: &Shared, before: &[(EjId, Seq)]) -> io::Result<usize> {
    let mut segments = shared.segments.write();
    // The newest is written to and stays.
    let sealed = segments.len().saturating_sub(1);
    let going = segments[..sealed].iter().take_while(|s| is_before(s, before)).count();
    if going == 0 {
        return Ok(0);
    }
    let oldest = &segments[going];
    let block = read_range(&*oldest.file, 0, oldest.start as usize)?;
    let header = SegmentHeader::decode(&block)
        .ok_or_else(|| io::Error::other("the oldest segment to keep has no readable header"))?;
    replace(&*shared.disk, RELEASED_FILE, &block)?;
    for floor in &header.floors {
        let Some(state) = shared.ej(floor.ej) else { continue };
        state.released.store(floor.last, Ordering::Release);
        state.segments.write().retain(|(_, s)| s.number >= oldest.number);
    }
    let gone: Vec<Arc<Segment>> = segments.drain(..going).collect();
    metrics::gauge!("sluice_journal_segments").set(segments.len() as f64);
    for segment in &gone {
        shared.disk.remove(&segment_name(segment.number))?;
        match shared.disk.remove(&sidecar_name(segment.number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    shared.disk.sync_dir()?;
    Ok(going)
}

fn is_before(segment: &Segment, before: &[(EjId, Seq)]) -> bool {
    segment
        .spans()
        .iter()
        .all(|(ej, _, last, _)| before.iter().any(|(of, until)| of == ej && *last < until.get()))
}
