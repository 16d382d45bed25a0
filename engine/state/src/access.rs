//! A right to some EJs.

use std::collections::BTreeSet;

use sluice_ids::EjId;

/// What a caller may see. No reader's way to a record leads around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access(Reach);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    All,
    Some(BTreeSet<EjId>),
}

impl Access {
    /// A right to these EJs and no others.
    #[must_use]
    pub fn to(ejs: impl IntoIterator<Item = EjId>) -> Self {
        Self(Reach::Some(ejs.into_iter().collect()))
    }

    /// The operator's: every EJ of this installation.
    #[must_use]
    pub const fn all() -> Self {
        Self(Reach::All)
    }

    #[must_use]
    pub fn reaches(&self, ej: EjId) -> bool {
        match &self.0 {
            Reach::All => true,
            Reach::Some(ejs) => ejs.contains(&ej),
        }
    }
}
