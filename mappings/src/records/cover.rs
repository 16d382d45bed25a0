//! What a stay is billed to: accounts and coverages.

use serde::{Deserialize, Serialize};

use super::{Coded, Identifier, Moment, NamedOrganization, ResourceId, Stamp, phi_debug};

/// PID-18 → Account (French *dossier*). Found by its number, as stays are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub patient: ResourceId,
    pub identifiers: Vec<Identifier>,
    /// `false` once it was merged into another (A35, A41) or cancelled.
    pub active: bool,
    pub void: bool,
    /// The account that took this one over.
    pub merged_into: Option<ResourceId>,
}

/// IN1 → Coverage. Minted by patient, plan (IN1-2), insurer (IN1-3) and insured's number
/// (IN1-49, IN1-36).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageRecord {
    pub id: ResourceId,
    pub stamp: Stamp,
    pub patient: ResourceId,
    /// IN1-2.
    pub plan: Coded,
    /// IN1-15; PV1-20 where IN1 does not say.
    pub coverage_type: Coded,
    /// IN1-3, 4, 5.
    pub insurers: Vec<NamedOrganization>,
    /// IN1-8, IN1-9.
    pub group_number: String,
    pub group_name: String,
    /// IN1-10, IN1-11.
    pub policy_holder: NamedOrganization,
    /// IN1-12, IN1-13.
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    /// IN1-16: its record; none where the patient is the subscriber, or nobody is named.
    pub subscriber: Option<ResourceId>,
    /// IN1-17 says SEL.
    pub subscriber_is_patient: bool,
    /// IN1-17 (table 0063).
    pub relationship: Coded,
    /// IN1-36.
    pub policy_number: String,
    /// IN1-49.
    pub subscriber_number: Option<Identifier>,
    /// IN1-1, for Coverage.order.
    pub order: Option<u32>,
}

phi_debug!(AccountRecord, CoverageRecord);
