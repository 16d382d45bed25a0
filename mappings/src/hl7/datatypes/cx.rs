//! CX: an identifier with its authority (§2.A.14).

use super::composite::{datatype, texts};
use super::{Cwe, Hd, Ts};

datatype!(
    /// Extended composite id: PID-3, PV1-19, MRG-1…
    Cx
);

texts!(Cx {
    /// CX.1: the value.
    id = 1;
    /// CX.2.
    check_digit = 2;
    /// CX.3, table 0061.
    check_digit_scheme = 3;
    /// CX.5, table 0203: PI, INS, VN… Not to be relied on to tell what an identifier is.
    type_code = 5;
});

impl<'a> Cx<'a> {
    /// CX.4.
    #[must_use]
    pub fn assigning_authority(&self) -> Hd<'a> {
        Hd::of(self.0.part(4))
    }

    /// CX.6.
    #[must_use]
    pub fn assigning_facility(&self) -> Hd<'a> {
        Hd::of(self.0.part(6))
    }

    /// CX.7.
    #[must_use]
    pub fn effective(&self) -> Ts<'a> {
        Ts::of(self.0.part(7))
    }

    /// CX.8.
    #[must_use]
    pub fn expires(&self) -> Ts<'a> {
        Ts::of(self.0.part(8))
    }

    /// CX.9.
    #[must_use]
    pub fn assigning_jurisdiction(&self) -> Cwe<'a> {
        Cwe::of(self.0.part(9))
    }

    /// CX.10.
    #[must_use]
    pub fn assigning_agency(&self) -> Cwe<'a> {
        Cwe::of(self.0.part(10))
    }
}
