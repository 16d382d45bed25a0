//! The roots of URLs under which Bundles were asked for.
//!
//! A Bundle's links begin with the base that its caller knows, so a packed chunk of one is good for
//! that base alone, and the base is part of its key. There is one behind a proxy or with
//! `http.public_base`; callers who make up more (`Host`) get theirs built each time.

use parking_lot::Mutex;

/// More names of one server than any installation has.
const KEPT_MAX: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BaseId(u8);

#[derive(Default)]
pub(crate) struct Bases(Mutex<Vec<Box<str>>>);

impl Bases {
    /// `None` once there are too many others.
    pub(crate) fn id(&self, root: &str) -> Option<BaseId> {
        let mut known = self.0.lock();
        let at = known.iter().position(|one| **one == *root).or_else(|| {
            let room = known.len() < KEPT_MAX;
            room.then(|| {
                known.push(root.into());
                known.len() - 1
            })
        });
        at.and_then(|at| u8::try_from(at).ok()).map(BaseId)
    }

    /// All that are known.
    pub(crate) fn all(&self) -> Vec<(BaseId, Box<str>)> {
        let ids = (0..).map(BaseId);
        ids.zip(self.0.lock().iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_keeps_its_id_and_made_up_ones_are_not_kept() {
        let bases = Bases::default();
        let first = bases.id("https://a.example").unwrap();
        for other in 0..20 {
            let id = bases.id(&format!("https://{other}.example"));
            assert_eq!(id.is_some(), other < KEPT_MAX - 1);
            assert_ne!(id, Some(first));
        }
        assert_eq!(bases.id("https://a.example"), Some(first));
        assert_eq!(bases.all().len(), KEPT_MAX);
    }
}
