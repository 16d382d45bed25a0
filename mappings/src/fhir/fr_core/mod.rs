//! FR Core: what a French reader looks for (`docs/pam-fr.md`). It concerns the EJs of profile
//! `pam-fr` alone.
//!
//! Extensions and codes stand in R4 and R5; `meta.profile` only in R4, which FR Core is of, and
//! only where all that the profile demands is there: a profile that is declared and not kept
//! makes a validator refuse the resource.

pub mod address;
mod canonical;
pub mod encounter;
pub mod patient;
pub mod practitioner;
pub mod structure;

pub use canonical::VERSION;

use super::FhirVersion;
use super::codes::systems::V3_ACT_CODE;
use super::datatypes::{Coding, Extension, ExtensionValue};
use super::text;
use crate::entity::{LegalEntity, Profile};
use crate::records;

#[must_use]
pub fn is_french(entity: &LegalEntity) -> bool {
    entity.settings.profile == Profile::PamFr
}

/// Where a profile of FR Core may be declared at all.
fn declares(entity: &LegalEntity, version: FhirVersion) -> bool {
    version == FhirVersion::R4 && is_french(entity)
}

/// Beside what tells of psychiatric care, for whoever filters by it.
fn psychiatric() -> Coding<'static> {
    Coding::of(V3_ACT_CODE, "PSY", "psychiatry disorder information sensitivity")
}

/// A Coding of the sender's code in a French system.
fn coding<'a>(system: &'static str, code: &'a str) -> Option<Coding<'a>> {
    let code = text::code(code)?;
    Some(Coding { code: Some(code), ..Coding::of(system, "", "") })
}

fn extension<'a>(url: &'static str, value: ExtensionValue<'a>) -> Extension<'a> {
    Extension { url, value }
}

/// It will be written with a system and a value.
fn is_whole(identifier: &records::Identifier) -> bool {
    text::uri(&identifier.system).is_some() && text::string(&identifier.value).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_with_a_system_and_a_value() {
        let number = |system: &str, value: &str| records::Identifier {
            system: system.into(),
            value: value.into(),
            ..records::Identifier::default()
        };
        assert!(is_whole(&number("urn:x", "1")));
        assert!(!is_whole(&number("", "1")));
        assert!(!is_whole(&number("urn:x", " ")));
    }
}
