//! XTN: a telephone number or another address to reach someone (§2.A.89).

use super::Ts;
use super::composite::{datatype, texts};

datatype!(
    /// Extended telecommunication number: PID-13, PID-14, NK1-5…
    Xtn
);

texts!(Xtn {
    /// XTN.1: the number as one text, all that was there before v2.3.
    number = 1;
    /// XTN.2, table 0201: PRN, WPN, NET…
    use_code = 2;
    /// XTN.3, table 0202: PH, CP, FX, Internet…
    equipment = 3;
    /// XTN.4: an e-mail address or URL.
    email = 4;
    /// XTN.5.
    country_code = 5;
    /// XTN.6.
    area_code = 6;
    /// XTN.7.
    local_number = 7;
    /// XTN.8.
    extension = 8;
    /// XTN.9.
    any_text = 9;
    /// XTN.12: the number as one text, from v2.7 (France uses it in v2.5).
    unformatted = 12;
    /// XTN.18 (v2.7).
    preference_order = 18;
});

impl<'a> Xtn<'a> {
    /// XTN.13 (v2.7).
    #[must_use]
    pub fn effective(&self) -> Ts<'a> {
        Ts::of(self.0.part(13))
    }

    /// XTN.14 (v2.7).
    #[must_use]
    pub fn expires(&self) -> Ts<'a> {
        Ts::of(self.0.part(14))
    }
}
