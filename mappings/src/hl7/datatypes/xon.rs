//! XON: an organization (§2.A.85).

use std::borrow::Cow;

use super::Hd;
use super::composite::{datatype, texts};

datatype!(
    /// Extended composite name and id for organizations: PD1-3, ZBE-7…
    Xon
);

texts!(Xon {
    /// XON.1.
    name = 1;
    /// XON.2, table 0204.
    name_type = 2;
    /// XON.4.
    check_digit = 4;
    /// XON.5, table 0061.
    check_digit_scheme = 5;
    /// XON.7, table 0203.
    type_code = 7;
});

impl<'a> Xon<'a> {
    /// XON.10, else XON.3, which it replaced.
    #[must_use]
    pub fn id(&self) -> Option<Cow<'a, str>> {
        self.0.text_of(10).or_else(|| self.0.text_of(3))
    }

    /// XON.6.
    #[must_use]
    pub fn assigning_authority(&self) -> Hd<'a> {
        Hd::of(self.0.part(6))
    }

    /// XON.8.
    #[must_use]
    pub fn assigning_facility(&self) -> Hd<'a> {
        Hd::of(self.0.part(8))
    }
}
