//! The room that a listener's half-received large frames share.
//!
//! Each connection may hold [`SMALL_BYTES`] without asking; what it holds beyond is taken from
//! one budget, so that a hundred senders of large frames at once cost what the settings say and
//! not a hundred times `frame_bytes_max`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Held by any connection for nothing: a usual message, and the read behind it.
const SMALL_BYTES: usize = 64 * 1024;

/// One listener's.
pub(super) struct Budget {
    bytes_max: usize,
    taken: AtomicUsize,
}

impl Budget {
    pub fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, taken: AtomicUsize::new(0) })
    }
}

/// What one connection holds of it.
pub(super) struct Share {
    budget: Arc<Budget>,
    held: usize,
}

impl Share {
    pub fn of(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), held: 0 }
    }

    /// Holds `bytes` in all from now on; false, and no more than before, where there is no room.
    pub fn hold(&mut self, bytes: usize) -> bool {
        let wanted = bytes.saturating_sub(SMALL_BYTES);
        let taken = &self.budget.taken;
        if wanted > self.held {
            let more = wanted - self.held;
            if taken.fetch_add(more, Ordering::Relaxed) + more > self.budget.bytes_max {
                taken.fetch_sub(more, Ordering::Relaxed);
                return false;
            }
        } else if wanted < self.held {
            taken.fetch_sub(self.held - wanted, Ordering::Relaxed);
        }
        self.held = wanted;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_can_be_held_by_another() {
        let budget = Budget::new(1000);
        let mut one = Share::of(&budget);
        let mut other = Share::of(&budget);
        assert!(one.hold(SMALL_BYTES + 900));
        assert!(other.hold(SMALL_BYTES), "small is free");
        assert!(!other.hold(SMALL_BYTES + 101));
        assert!(one.hold(SMALL_BYTES + 500));
        assert!(other.hold(SMALL_BYTES + 500));
        drop(one);
        assert!(other.hold(SMALL_BYTES + 1000));
        drop(other);
        assert_eq!(budget.taken.load(Ordering::Relaxed), 0);
    }
}
