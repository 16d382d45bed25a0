//! XCN: a person with a number, such as a doctor (§2.A.87).

use std::borrow::Cow;

use super::composite::{datatype, texts};
use super::{Hd, Ts};

datatype!(
    /// Extended composite id number and name: PV1-7, PV1-8, PV1-17…
    Xcn
);

texts!(Xcn {
    /// XCN.1: the number (RPPS…).
    id = 1;
    /// XCN.3.
    given = 3;
    /// XCN.4.
    further_given = 4;
    /// XCN.5.
    suffix = 5;
    /// XCN.6.
    prefix = 6;
    /// XCN.7, table 0360.
    degree = 7;
    /// XCN.8, table 0297.
    source_table = 8;
    /// XCN.10, table 0200.
    name_type = 10;
    /// XCN.11.
    check_digit = 11;
    /// XCN.12, table 0061.
    check_digit_scheme = 12;
    /// XCN.13, table 0203.
    type_code = 13;
    /// XCN.18, table 0444.
    assembly_order = 18;
    /// XCN.21.
    professional_suffix = 21;
});

impl<'a> Xcn<'a> {
    /// XCN.2, FN.1.
    #[must_use]
    pub fn family(&self) -> Option<Cow<'a, str>> {
        self.0.part(2).text_of(1)
    }

    /// XCN.9.
    #[must_use]
    pub fn assigning_authority(&self) -> Hd<'a> {
        Hd::of(self.0.part(9))
    }

    /// XCN.14.
    #[must_use]
    pub fn assigning_facility(&self) -> Hd<'a> {
        Hd::of(self.0.part(14))
    }

    /// XCN.19, else the start of XCN.17, which it replaced.
    #[must_use]
    pub fn effective(&self) -> Ts<'a> {
        let own = Ts::of(self.0.part(19));
        if own.is_empty() { Ts::of(self.0.part(17).part(1)) } else { own }
    }

    /// XCN.20, else the end of XCN.17.
    #[must_use]
    pub fn expires(&self) -> Ts<'a> {
        let own = Ts::of(self.0.part(20));
        if own.is_empty() { Ts::of(self.0.part(17).part(2)) } else { own }
    }

    /// Neither a number nor a name: no person at all (FACTS §4 XCN).
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.part(1).is_null()
            || (self.id().is_none() && self.family().is_none() && self.given().is_none())
    }
}
