//! What lies in the journal's folder, before any record is read.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, read_range};
use crate::format::{
    FileName, HEAD_BYTES, HEAD_FILE, JournalId, RELEASED_FILE, SEGMENT_HEADER_BYTES_MIN,
    SegmentHeader, decode_head, segment_name,
};

/// A file that is named as a segment.
pub struct SegmentFile {
    pub number: u64,
    pub file: Arc<dyn DiskFile>,
    pub header: Header,
}

pub enum Header {
    Sound(SegmentHeader),
    Unreadable,
    /// It is the header of another segment, or of another journal.
    Foreign,
}

impl SegmentFile {
    pub fn header(&self) -> Option<&SegmentHeader> {
        if let Header::Sound(header) = &self.header { Some(header) } else { None }
    }
}

pub struct Survey {
    pub journal: JournalId,
    /// In order of number; those let go are not among them.
    pub segments: Vec<SegmentFile>,
    /// Numbers of segments that were let go and are still there.
    pub leftover: Vec<u64>,
    /// Names of files that nothing needs any more.
    pub stale: Vec<String>,
    /// The oldest kept segment's header, once something was let go.
    pub released: Option<SegmentHeader>,
    pub head: Option<Arc<dyn DiskFile>>,
    pub head_lsn: Option<u64>,
}

pub fn survey(disk: &dyn Disk) -> io::Result<Survey> {
    // Where the owner runs meanwhile: the head mark first, so that all it speaks of is seen after
    // it; the mark of what was let go last, so that a segment missing from the list is named by it.
    let head = if_there(disk.open(HEAD_FILE))?;
    let mark = match &head {
        Some(file) => decode_head(&read_range(&**file, 0, HEAD_BYTES)?),
        None => None,
    };
    let mut numbers = Vec::new();
    let mut stale = Vec::new();
    let mut sidecars = Vec::new();
    for name in disk.list()? {
        match FileName::parse(&name) {
            FileName::Segment(number) => numbers.push(number),
            FileName::Sidecar(number) => sidecars.push((number, name)),
            FileName::Prepared(_) | FileName::Temporary => stale.push(name),
            FileName::Other => {}
        }
    }
    numbers.sort_unstable();
    let mut opened = Vec::new();
    for number in numbers {
        let file = disk.open(&segment_name(number))?;
        let header = read_header(&*file);
        opened.push((number, file, header));
    }
    let released = match if_there(disk.open(RELEASED_FILE))? {
        None => None,
        Some(file) => {
            let stored = SegmentHeader::decode(&read_range(&*file, 0, file.len()? as usize)?);
            // Something was let go, and the mark cannot be read: the oldest that is there was the
            // oldest to be kept, and its own header is what the mark was a copy of.
            let own = |(number, _, header): &(u64, _, Option<SegmentHeader>)| {
                header.clone().filter(|h| h.segment == *number)
            };
            stored.or_else(|| opened.iter().find_map(own))
        }
    };
    let oldest = released.as_ref().map_or(0, |h| h.segment);
    let gone = sidecars.into_iter().filter(|(number, _)| *number < oldest);
    stale.extend(gone.map(|(_, name)| name));
    let leftover = opened.iter().map(|(number, ..)| *number).filter(|n| *n < oldest).collect();
    opened.retain(|(number, ..)| *number >= oldest);

    // The first that can be read says which journal this is; a file that strayed in is told
    // apart by its number, its journal, or its place in the order of lsns.
    let own = |(number, _, header): &(u64, _, Option<SegmentHeader>)| {
        header.as_ref().filter(|h| h.segment == *number).map(|h| h.journal)
    };
    let journal = released
        .as_ref()
        .map(|h| h.journal)
        .or_else(|| mark.map(|(journal, _)| journal))
        .or_else(|| opened.iter().find_map(own))
        .unwrap_or_else(new_id);
    let segments = opened
        .into_iter()
        .map(|(number, file, header)| {
            let header = match header {
                Some(h) if h.segment == number && h.journal == journal => Header::Sound(h),
                Some(_) => Header::Foreign,
                None => Header::Unreadable,
            };
            SegmentFile { number, file, header }
        })
        .collect();
    Ok(Survey {
        journal,
        segments,
        leftover,
        stale,
        released,
        head,
        head_lsn: mark.filter(|(id, _)| *id == journal).map(|(_, lsn)| lsn),
    })
}

fn if_there<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_header(file: &dyn DiskFile) -> Option<SegmentHeader> {
    let block = read_range(file, 0, SEGMENT_HEADER_BYTES_MIN as usize).ok()?;
    let bytes = u32::from_le_bytes(*block.get(12..16)?.first_chunk()?) as usize;
    if bytes <= block.len() {
        return SegmentHeader::decode(&block);
    }
    // As many rows as 16 MiB hold are more EJs than there are; a larger number is damage.
    (bytes <= 16 * 1024 * 1024)
        .then(|| read_range(file, 0, bytes).ok())
        .flatten()
        .and_then(|all| SegmentHeader::decode(&all))
}

fn new_id() -> JournalId {
    // Only has to differ from other journals' ids; std's hash seeds come from the system.
    let (a, b) = (RandomState::new(), RandomState::new());
    let mut id = [0; 16];
    id[..8].copy_from_slice(&a.hash_one(std::process::id()).to_le_bytes());
    id[8..].copy_from_slice(&b.hash_one(std::time::SystemTime::now()).to_le_bytes());
    JournalId(id)
}
