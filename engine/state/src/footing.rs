//! What an answer rests on: whether it would be the same if it were made again now.
//!
//! A search finds by the rows of one type and shows records of that type, so that nothing but a
//! change of such a record makes it another answer. One that looks at other types (chains,
//! includes) rests on all of them.

use sluice_ids::{Micros, Seq};
use sluice_mappings::records::RecordType;

use crate::ej::Inner;
use crate::view::Scope;

/// A pin that is younger than this share of what is remembered is as good as a new one.
const NEAR: u64 = 64;
/// Rows that a message changes, at most on the average: pins are told apart by messages.
const ROWS_PER_MESSAGE: u64 = 16;

/// Where the EJs of a scope stood, as far as records of one type (or of any) go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footing {
    of: Option<RecordType>,
    ejs: Box<[Standing]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// The last `Seq` that changed such a record.
    changed: Seq,
    applied: Seq,
    clock: Micros,
}

impl Standing {
    fn of(inner: &Inner, of: Option<RecordType>) -> Self {
        let changed = match of {
            Some(ty) => inner.table(ty).changed,
            None => inner.tables.iter().map(|table| table.changed).max().unwrap_or_default(),
        };
        Self { changed, applied: inner.applied, clock: inner.now }
    }
}

impl Footing {
    /// The sum of what is applied: rises with every message of any of the EJs.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.ejs.iter().map(|standing| standing.applied.get()).sum()
    }
}

impl Scope {
    /// Where the scope stands now; `of`: what is looked at, `None` for records of any type. To be
    /// asked before what rests on it is made.
    #[must_use]
    pub fn footing(&self, of: Option<RecordType>) -> Footing {
        let standing = self.views.iter().map(|ej| Standing::of(&ej.inner.read(), of));
        Footing { of, ejs: standing.collect() }
    }

    /// Whether what was made on `footing`, which is this scope's, would be made the same now.
    /// `pinned`: it holds a cursor of its own pins, which may not be much older than a new one.
    #[must_use]
    pub fn still_stands(&self, footing: &Footing, pinned: bool) -> bool {
        let settings = &self.core.settings;
        let messages = self.core.share(settings.history_rows_max) / NEAR / ROWS_PER_MESSAGE;
        let micros = i64::try_from(settings.history_ms.saturating_mul(1_000) / NEAR);
        let is_near = |then: &Standing, now: &Standing| {
            let aged = now.clock.get().saturating_sub(then.clock.get());
            then.applied == now.applied
                || now.applied.get() - then.applied.get() <= messages
                    && micros.is_ok_and(|micros| aged <= micros)
        };
        self.views.len() == footing.ejs.len()
            && self.views.iter().zip(&footing.ejs).all(|(ej, then)| {
                let now = Standing::of(&ej.inner.read(), footing.of);
                then.changed == now.changed && (!pinned || is_near(then, &now))
            })
    }
}
