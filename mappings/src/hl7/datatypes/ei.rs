//! EI: an entity's identifier, such as a movement's in ZBE-1 (§2.A.28).

use std::borrow::Cow;

use super::composite::{datatype, texts};

datatype!(
    /// Entity identifier.
    Ei
);

texts!(Ei {
    /// EI.1: the value.
    id = 1;
    /// EI.2.
    namespace = 2;
    /// EI.3.
    universal_id = 3;
    /// EI.4, table 0301.
    universal_id_type = 4;
});

impl<'a> Ei<'a> {
    /// What its authority is known by: the universal id, else the namespace.
    #[must_use]
    pub fn authority_key(&self) -> Option<Cow<'a, str>> {
        self.universal_id().or_else(|| self.namespace())
    }
}
