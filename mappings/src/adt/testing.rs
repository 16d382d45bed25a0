//! What this folder's own tests share.

use crate::entity::{AssigningAuthority, EjSettings, LegalEntity};

/// EJ1 with these authorities (JSON), profile `international`, time zone Europe/Paris.
pub(crate) fn entity_of(authorities: &str) -> LegalEntity {
    let authority: Vec<AssigningAuthority> = serde_json::from_str(authorities).unwrap();
    let settings: EjSettings = serde_json::from_str(r#"{"id":"EJ1","name":"an EJ"}"#).unwrap();
    LegalEntity::new(EjSettings { authority, ..settings }).unwrap()
}
