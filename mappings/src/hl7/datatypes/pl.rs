//! PL: where a patient is (§2.A.53).

use super::composite::{datatype, texts};
use super::{Ei, Hd};

datatype!(
    /// Person location: PV1-3, PV1-6, PV1-11, PV1-42, PV1-43.
    Pl
);

texts!(Pl {
    /// PL.1: the ward; in French feeds the responsible UF.
    point_of_care = 1;
    /// PL.2.
    room = 2;
    /// PL.3.
    bed = 3;
    /// PL.5, table 0306; O or U for a bed in French feeds.
    status = 5;
    /// PL.6, table 0305.
    person_location_type = 6;
    /// PL.7.
    building = 7;
    /// PL.8.
    floor = 8;
    /// PL.9.
    description = 9;
});

impl<'a> Pl<'a> {
    /// PL.4.
    #[must_use]
    pub fn facility(&self) -> Hd<'a> {
        Hd::of(self.0.part(4))
    }

    /// PL.10.
    #[must_use]
    pub fn comprehensive_id(&self) -> Ei<'a> {
        Ei::of(self.0.part(10))
    }

    /// PL.11.
    #[must_use]
    pub fn assigning_authority(&self) -> Hd<'a> {
        Hd::of(self.0.part(11))
    }
}
