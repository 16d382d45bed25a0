//! AccountRecord → Account (PID-18; FACTS §3 PID, §1 A35, A41).

use serde::Serialize;

use super::super::FhirVersion;
use super::super::datatypes::{Extension, ExtensionValue, Identifier, Meta, Reference};
use super::reference::{legal_entity, patient};
use crate::entity::LegalEntity;
use crate::records::{AccountRecord, RecordType, ResourceId};

/// R5's element as R4's cross-version extension: R4 has only `partOf`, which says something else.
const RELATED_ACCOUNT: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Account.relatedAccount";

/// What an account's number is, where the message does not say (table 0203).
pub(super) const ACCOUNT_NUMBER: &str = "AN";

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Account")]
pub struct Account<'a> {
    #[serde(serialize_with = "super::super::datatypes::id")]
    id: ResourceId,
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier<'a>>,
    status: &'static str,
    subject: [Reference<'a>; 1],
    owner: Reference<'a>,
    /// R5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_account: Vec<RelatedAccount<'a>>,
}

#[derive(Serialize)]
struct RelatedAccount<'a> {
    account: Reference<'a>,
}

impl<'a> Account<'a> {
    #[must_use]
    pub fn new(record: &'a AccountRecord, entity: &'a LegalEntity, version: FhirVersion) -> Self {
        let survivor = record.merged_into.map(|id| Reference::to(RecordType::Account, id));
        let (extension, related) = version.either(survivor);
        let extension = extension.map(|account| {
            let parts =
                vec![Extension { url: "account", value: ExtensionValue::Reference(account) }];
            Extension { url: RELATED_ACCOUNT, value: ExtensionValue::Extensions(parts) }
        });
        Self {
            id: record.id,
            meta: Meta::from(&record.stamp),
            extension: extension.into_iter().collect(),
            identifier: Identifier::list(&record.identifiers, ACCOUNT_NUMBER),
            status: status(record),
            subject: [patient(record.patient)],
            owner: legal_entity(entity),
            related_account: related
                .map(|account| RelatedAccount { account })
                .into_iter()
                .collect(),
        }
    }
}

pub(crate) const fn status(record: &AccountRecord) -> &'static str {
    match (record.void, record.active) {
        (true, _) => "entered-in-error",
        (false, true) => "active",
        (false, false) => "inactive",
    }
}
