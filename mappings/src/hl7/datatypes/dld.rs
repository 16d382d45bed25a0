//! DLD: where a patient went to at discharge (§2.A.20).

use super::composite::datatype;
use super::{Cwe, Ts};

datatype!(
    /// Discharge to location and date: PV1-37.
    Dld
);

impl<'a> Dld<'a> {
    /// DLD.1, table 0113: an IS, and a CWE from v2.7.
    #[must_use]
    pub fn location(&self) -> Cwe<'a> {
        Cwe::of(self.0.part(1))
    }

    /// DLD.2.
    #[must_use]
    pub fn effective(&self) -> Ts<'a> {
        Ts::of(self.0.part(2))
    }
}
