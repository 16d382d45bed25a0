//! CE and CWE: coded elements; IS and ID are their first component (§2.A.9, §2.A.13).

use std::borrow::Cow;

use super::composite::{datatype, texts};

datatype!(
    /// Coded with exceptions. CE has the same first six components.
    Cwe
);

texts!(Cwe {
    /// CWE.1.
    code = 1;
    /// CWE.2.
    text = 2;
    /// CWE.3, table 0396: HL70069, L, I10…
    system = 3;
    /// CWE.4.
    alternate_code = 4;
    /// CWE.5.
    alternate_text = 5;
    /// CWE.6.
    alternate_system = 6;
    /// CWE.7.
    version = 7;
    /// CWE.8.
    alternate_version = 8;
    /// CWE.9: what the sender saw.
    original_text = 9;
    /// CWE.10 (v2.7).
    third_code = 10;
    /// CWE.11.
    third_text = 11;
    /// CWE.12.
    third_system = 12;
    /// CWE.13.
    third_version = 13;
});

/// One of a CWE's codings.
#[derive(Clone, PartialEq, Eq)]
pub struct Coding<'a> {
    pub code: Cow<'a, str>,
    pub text: Option<Cow<'a, str>>,
    pub system: Option<Cow<'a, str>>,
    pub version: Option<Cow<'a, str>>,
}

impl<'a> Cwe<'a> {
    /// The codings that have a code: CWE.1–3 and 7, CWE.4–6 and 8, CWE.10–13 (v2.7).
    pub fn codings(&self) -> impl Iterator<Item = Coding<'a>> + use<'a> {
        let whole = self.0;
        [(1, 7), (4, 8), (10, 13)].into_iter().filter_map(move |(first, version)| {
            Some(Coding {
                code: whole.text_of(first)?,
                text: whole.text_of(first + 1),
                system: whole.text_of(first + 2),
                version: whole.text_of(version),
            })
        })
    }
}

/// Redacted: a diagnosis is patient data.
impl std::fmt::Debug for Coding<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Coding({} bytes)", self.code.len())
    }
}
