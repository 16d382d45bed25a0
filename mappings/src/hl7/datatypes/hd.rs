//! HD: who assigned something, or where it comes from (§2.A.33).

use std::borrow::Cow;

use super::composite::{datatype, texts};

datatype!(
    /// Hierarchic designator: `CHULY&699000014&M` inside a CX, `CHU^699000014^M` in MSH-4.
    Hd
);

texts!(Hd {
    /// HD.1: a local name.
    namespace = 1;
    /// HD.2: an OID, a FINESS number, a domain name…
    universal_id = 2;
    /// HD.3, table 0301: ISO, UUID, DNS, URI; M in France.
    universal_id_type = 3;
});

impl<'a> Hd<'a> {
    /// What it is known by: its universal id, else its namespace.
    #[must_use]
    pub fn key(&self) -> Option<Cow<'a, str>> {
        self.universal_id().or_else(|| self.namespace())
    }

    /// Whether both designate the same: by universal id where both have one, else by
    /// namespace. Letter case does not matter; two empty ones are not the same. (No `Eq`:
    /// `A`, `A&1` and `A&2` show that this is not transitive.)
    #[must_use]
    pub fn same_as(&self, other: &Hd<'_>) -> bool {
        let same = |a: Option<Cow<'_, str>>, b: Option<Cow<'_, str>>| match (a, b) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(&b),
            _ => false,
        };
        match (self.universal_id(), other.universal_id()) {
            (Some(mine), Some(theirs)) => mine.eq_ignore_ascii_case(&theirs),
            _ => same(self.namespace(), other.namespace()),
        }
    }
}
