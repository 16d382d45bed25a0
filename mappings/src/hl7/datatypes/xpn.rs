//! XPN: a person's name (§2.A.88).

use std::borrow::Cow;

use super::Ts;
use super::composite::{datatype, texts};

datatype!(
    /// Extended person name: PID-5, NK1-2…
    Xpn
);

texts!(Xpn {
    /// XPN.2.
    given = 2;
    /// XPN.3: further given names, as one text (separated by spaces or commas).
    further_given = 3;
    /// XPN.4: JR, III…
    suffix = 4;
    /// XPN.5: M., Mme, Dr…
    prefix = 5;
    /// XPN.6, withdrawn later, still sent.
    degree = 6;
    /// XPN.7, table 0200: D usual, L official, S pseudonym…
    name_type = 7;
    /// XPN.8, table 0465.
    representation = 8;
    /// XPN.11, table 0444: F or G first.
    assembly_order = 11;
    /// XPN.14.
    professional_suffix = 14;
    /// XPN.15 (v2.8).
    called_by = 15;
});

impl<'a> Xpn<'a> {
    /// XPN.1, FN.1: the surname.
    #[must_use]
    pub fn family(&self) -> Option<Cow<'a, str>> {
        self.0.part(1).text_of(1)
    }

    /// FN.2: `van` of `van den Berg`.
    #[must_use]
    pub fn own_prefix(&self) -> Option<Cow<'a, str>> {
        self.0.part(1).text_of(2)
    }

    /// FN.3.
    #[must_use]
    pub fn own_family(&self) -> Option<Cow<'a, str>> {
        self.0.part(1).text_of(3)
    }

    /// FN.4.
    #[must_use]
    pub fn partner_prefix(&self) -> Option<Cow<'a, str>> {
        self.0.part(1).text_of(4)
    }

    /// FN.5.
    #[must_use]
    pub fn partner_family(&self) -> Option<Cow<'a, str>> {
        self.0.part(1).text_of(5)
    }

    /// XPN.12, else the start of XPN.10, which it replaced.
    #[must_use]
    pub fn effective(&self) -> Ts<'a> {
        let own = Ts::of(self.0.part(12));
        if own.is_empty() { Ts::of(self.0.part(10).part(1)) } else { own }
    }

    /// XPN.13, else the end of XPN.10.
    #[must_use]
    pub fn expires(&self) -> Ts<'a> {
        let own = Ts::of(self.0.part(13));
        if own.is_empty() { Ts::of(self.0.part(10).part(2)) } else { own }
    }
}
