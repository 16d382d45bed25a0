//! Every record of a folder, one after the other, for whoever looks on.
//!
//! Takes no lock and changes nothing, so that it can be read beside its owner: what lies beyond the
//! head mark may still be under way, and is not shown.

use std::io;
use std::path::Path;

use bytes::Bytes;

use crate::disk::{RealDisk, read_salvaging};
use crate::port::Record;
use crate::reader::record;
use crate::scan::scan;
use crate::verify::survey_again;

/// Tells `each` of every sound record in the order in which they were written. Damage is passed over
/// here: [`verify`](crate::verify()) is what finds it.
///
/// # Errors
/// When the folder or a segment cannot be opened or read at all.
pub fn records(folder: &Path, mut each: impl FnMut(&Record)) -> io::Result<()> {
    let survey = survey_again(&RealDisk::read_only(folder))?;
    let synced = survey.head_lsn.unwrap_or(u64::MAX);
    for (at, segment) in survey.segments.iter().enumerate() {
        let Some(header) = segment.header() else { continue };
        let mut bytes = read_salvaging(&*segment.file)?;
        let next = survey.segments.get(at + 1).and_then(|next| next.header());
        if let Some(next) = next.filter(|next| next.prev_segment == segment.number) {
            // What lies behind the end was given up when the next segment was begun.
            bytes.truncate(next.prev_end as usize);
        }
        let salt = survey.journal.salt(segment.number);
        let found = scan(&bytes, salt, Some(header), header.first_lsn).found;
        let bytes = Bytes::from(bytes);
        for place in found.iter().filter(|place| place.sound && place.meta.lsn.get() <= synced) {
            each(&record(&place.meta, &bytes, place.offset as usize));
        }
    }
    Ok(())
}
