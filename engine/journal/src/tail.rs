//! The end of the journal in memory: the groups just written, as they were written.
//!
//! A commit encodes its group into one buffer. After the sync that buffer is kept here as it is,
//! so that readers that are near the end take slices of it and copy nothing.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::RwLock;

struct Group {
    segment: u64,
    offset: u64,
    bytes: Bytes,
}

#[derive(Default)]
struct Kept {
    groups: VecDeque<Group>,
    bytes: u64,
}

pub struct Tail {
    kept: RwLock<Kept>,
    bytes_max: u64,
}

impl Tail {
    pub fn new(bytes_max: u64) -> Self {
        Self { kept: RwLock::default(), bytes_max }
    }

    /// Keeps a durable group; the oldest go until the rest fits.
    pub fn push(&self, segment: u64, offset: u64, bytes: Bytes) {
        let mut kept = self.kept.write();
        kept.bytes += bytes.len() as u64;
        kept.groups.push_back(Group { segment, offset, bytes });
        while kept.bytes > self.bytes_max {
            let Some(oldest) = kept.groups.pop_front() else { break };
            kept.bytes -= oldest.bytes.len() as u64;
        }
    }

    /// The bytes from `offset` of `segment` to the end of the group that holds them.
    pub fn from(&self, segment: u64, offset: u64) -> Option<Bytes> {
        let kept = self.kept.read();
        let after = kept.groups.partition_point(|g| (g.segment, g.offset) <= (segment, offset));
        let group = &kept.groups[after.checked_sub(1)?];
        let within = usize::try_from(offset - group.offset).ok()?;
        (group.segment == segment && within < group.bytes.len())
            .then(|| group.bytes.slice(within..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_group_goes_first_and_the_rest_stays_findable() {
        let tail = Tail::new(10);
        tail.push(1, 100, Bytes::from_static(b"aaaa"));
        tail.push(1, 104, Bytes::from_static(b"bbbb"));
        tail.push(2, 0, Bytes::from_static(b"cccc"));
        assert_eq!(tail.from(1, 100), None);
        assert_eq!(tail.from(1, 106).as_deref(), Some(&b"bb"[..]));
        assert_eq!(tail.from(1, 108), None);
        assert_eq!(tail.from(2, 0).as_deref(), Some(&b"cccc"[..]));
    }
}
