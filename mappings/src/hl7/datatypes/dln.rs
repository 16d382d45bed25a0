//! DLN: a driver's license (§2.A.21).

use super::composite::{datatype, texts};
use super::{Cwe, Ts};

datatype!(
    /// Driver's license number: PID-20.
    Dln
);

texts!(Dln {
    /// DLN.1.
    number = 1;
});

impl<'a> Dln<'a> {
    /// DLN.2: the state, province or country that issued it.
    #[must_use]
    pub fn issuer(&self) -> Cwe<'a> {
        Cwe::of(self.0.part(2))
    }

    /// DLN.3.
    #[must_use]
    pub fn expires(&self) -> Ts<'a> {
        Ts::of(self.0.part(3))
    }
}
