//! A record did not read back as it was written: finds out how far the damage goes and whom it
//! touches, while the journal runs.
//!
//! What the running journal knows is exact, so nobody is stopped on suspicion: the index still
//! says whose records stood in a hole, and the floors how far everyone is.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_ids::{EjId, Lsn, Seq};

use crate::damage::{Damage, DamageId, DamageKind, Loss};
use crate::disk::read_salvaging;
use crate::format::{SegmentHeader, sidecar_name};
use crate::index::EjPlaces;
use crate::losses::{After, Floors, losses};
use crate::scan::{Hole, Scan, scan};
use crate::segment::Segment;
use crate::shared::Shared;

pub fn examine(shared: &Shared, segment: &Arc<Segment>) {
    // What the index says comes first: it is lost with the sidecar.
    let places = segment.all_places(shared).ok();
    // Without a sidecar every open scans the segment, and so finds the damage again.
    if !segment.flawed.swap(true, Ordering::AcqRel) {
        let _ = shared.disk.remove(&sidecar_name(segment.number));
    }
    let (end, last_lsn) = (segment.end(), segment.last_lsn());
    let Ok(mut bytes) = read_salvaging(&*segment.file) else { return };
    bytes.truncate(end as usize);
    let header = SegmentHeader::decode(&bytes);
    let mut found = scan(&bytes, segment.salt, header.as_ref(), segment.first_lsn);
    for hole in &mut found.holes {
        hole.last_lsn.get_or_insert(last_lsn);
    }
    found.holes.retain(|hole| hole.last_lsn >= Some(hole.first_lsn));
    for hole in &found.holes {
        let touched = touched(shared, segment, header.as_ref(), &found, hole, places.as_deref());
        let kind = if hole.whose.is_some() { DamageKind::Payload } else { DamageKind::Records };
        let id = DamageId { segment: segment.number, offset: hole.offset };
        tracing::error!(%id, kind = kind.as_str(), "the journal is damaged");
        shared.damages.enter(Damage {
            id,
            kind,
            end: hole.end,
            first_lsn: Lsn::new(hole.first_lsn),
            last_lsn: Lsn::new(hole.last_lsn.unwrap_or(last_lsn)),
            losses: touched,
            unlisted: false,
            accepted: false,
        });
    }
}

fn touched(
    shared: &Shared,
    segment: &Segment,
    header: Option<&SegmentHeader>,
    found: &Scan,
    hole: &Hole,
    places: Option<&Vec<EjPlaces>>,
) -> Vec<Loss> {
    let loss = |ej, first: u64, last: u64| Loss {
        ej,
        after: Seq::new(first - 1),
        through: Seq::new(last),
        certain: true,
    };
    if let Some((ej, seq)) = hole.whose {
        return vec![loss(ej, seq, seq)];
    }
    let indexed: Vec<(EjId, Vec<u64>)> = places
        .into_iter()
        .flatten()
        .map(|of| {
            let inside = of.since(of.first).filter(|(_, at)| (hole.offset..hole.end).contains(at));
            (of.ej, inside.map(|(seq, _)| seq).collect::<Vec<_>>())
        })
        .filter(|(_, seqs)| !seqs.is_empty())
        .collect();
    let records = hole.last_lsn.map_or(0, |last| last + 1 - hole.first_lsn);
    if indexed.iter().map(|(_, seqs)| seqs.len() as u64).sum::<u64>() == records {
        return indexed.iter().map(|(ej, s)| loss(*ej, s[0], s[s.len() - 1])).collect();
    }
    // The sidecar was damaged too. The neighbours say it as well as at open, and the end of the
    // segment is known: by the next one's header, or by how far everyone is now.
    let mut before = header.map(Floors::from_header).unwrap_or_default();
    let mut firsts = HashMap::new();
    for one in &found.found {
        if one.offset < hole.offset {
            before.raise(one.meta.ej, one.meta.seq.get());
        } else {
            firsts.entry(one.meta.ej).or_insert(one.meta.seq.get());
        }
    }
    let end = shared.floors_after(segment);
    losses(&before, &After { firsts: &firsts, end: Some(&end) }, records).0
}
