//! XAD: an address (§2.A.86).

use std::borrow::Cow;

use super::Ts;
use super::composite::{datatype, texts};

datatype!(
    /// Extended address: PID-11, NK1-4…
    Xad
);

texts!(Xad {
    /// XAD.3.
    city = 3;
    /// XAD.4.
    state = 4;
    /// XAD.5.
    postal_code = 5;
    /// XAD.6, table 0399.
    country = 6;
    /// XAD.7, table 0190: H home, BDL birth…
    address_type = 7;
    /// XAD.8.
    other_geographic = 8;
    /// XAD.19 (v2.7): to whom, as its own line.
    addressee = 19;
});

impl<'a> Xad<'a> {
    /// XAD.1, SAD.1: the line as people write it, or (SAD.2, SAD.3) the street's name.
    #[must_use]
    pub fn street(&self) -> Option<Cow<'a, str>> {
        self.0.part(1).text_of(1)
    }

    /// SAD.2.
    #[must_use]
    pub fn street_name(&self) -> Option<Cow<'a, str>> {
        self.0.part(1).text_of(2)
    }

    /// SAD.3.
    #[must_use]
    pub fn dwelling_number(&self) -> Option<Cow<'a, str>> {
        self.0.part(1).text_of(3)
    }

    /// XAD.9, table 0289; the COG commune code in France. A CWE from v2.7: its code, else its text.
    #[must_use]
    pub fn county(&self) -> Option<Cow<'a, str>> {
        let county = self.0.part(9);
        county.text_of(1).or_else(|| county.text_of(2))
    }

    /// XAD.10, table 0288; as XAD.9.
    #[must_use]
    pub fn census_tract(&self) -> Option<Cow<'a, str>> {
        let tract = self.0.part(10);
        tract.text_of(1).or_else(|| tract.text_of(2))
    }

    /// XAD.2 as the lines that French senders put in it: separated by an escaped component separator (`\S\`, IHE PAM
    /// France) or by a line break. Cut after unescaping, which comes after splitting.
    #[must_use]
    pub fn other_lines(&self) -> Vec<String> {
        let part = self.0.part(2);
        let separator = char::from(part.separators().component());
        let text = part.text().unwrap_or_default();
        let pieces = text.split([separator, '\n', '\r']);
        pieces.map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// XAD.13, else the start of XAD.12, which it replaced.
    #[must_use]
    pub fn effective(&self) -> Ts<'a> {
        let own = Ts::of(self.0.part(13));
        if own.is_empty() { Ts::of(self.0.part(12).part(1)) } else { own }
    }

    /// XAD.14, else the end of XAD.12.
    #[must_use]
    pub fn expires(&self) -> Ts<'a> {
        let own = Ts::of(self.0.part(14));
        if own.is_empty() { Ts::of(self.0.part(12).part(2)) } else { own }
    }
}
