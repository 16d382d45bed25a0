//! What an export is to hold, as it was ordered: kept on disk, so that it can be begun again.

use std::fmt;

use serde::{Deserialize, Serialize};
use sluice_ids::{EjId, Micros};
use sluice_mappings::fhir::FhirVersion;

/// 128 random bits: part of the URLs of a job. It opens nothing by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobId(u128);

impl JobId {
    /// `None` where the system gives no random bytes.
    pub(crate) fn random() -> Option<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(u128::from_be_bytes(bytes)))
    }

    /// As it is shown, and in no other way.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits =
            text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        u128::from_str_radix(text, 16).ok().filter(|_| digits).map(Self)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One `_typeFilter`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TypeFilter {
    /// The name of the type.
    pub(crate) of: String,
    /// The search, encoded.
    pub(crate) search: String,
}

/// An order that was checked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The token's id.
    pub(crate) caller: String,
    /// Those in scope, sorted.
    pub(crate) ejs: Vec<EjId>,
    fhir: String,
    /// The URL of the kick-off.
    pub(crate) request: String,
    pub(crate) ordered_at: Micros,
    /// Names of types, in the order in which they are written.
    pub(crate) types: Vec<String>,
    pub(crate) since: Option<Micros>,
    pub(crate) filters: Vec<TypeFilter>,
    /// As given: `name` or `Type.name`.
    pub(crate) elements: Vec<String>,
    /// Names of parameters that are not known here and were left out.
    pub(crate) ignored: Vec<String>,
}

/// What was searched for may be a name: none of it is shown.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Order({:?})", self.types)
    }
}

impl Order {
    pub(crate) fn new(caller: String, fhir: FhirVersion, request: String, at: Micros) -> Self {
        Self {
            caller,
            ejs: Vec::new(),
            fhir: fhir.name().to_owned(),
            request,
            ordered_at: at,
            types: Vec::new(),
            since: None,
            filters: Vec::new(),
            elements: Vec::new(),
            ignored: Vec::new(),
        }
    }

    /// `None` in the file of a version of the program that served another one.
    pub(crate) fn fhir(&self) -> Option<FhirVersion> {
        self.fhir.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_as_it_is_shown_and_in_no_other_way() {
        let id = JobId::random().unwrap();
        assert_eq!(JobId::parse(&id.to_string()), Some(id));
        let upper = "ABCDEF00ABCDEF00ABCDEF00ABCDEF00";
        for wrong in ["", "..", "../job.json", upper, &upper.to_lowercase()[1..], "+0000000"] {
            assert_eq!(JobId::parse(wrong), None, "{wrong}");
        }
    }
}
