//! The URIs that are ours. Each is written here and nowhere else.

use sluice_ids::EjId;

/// `Encounter.location[]` extension: ZBE-1, the sender's number of the movement (R4 has no
/// element for it; R5 has `EncounterHistory.identifier`).
pub const MOVEMENT_IDENTIFIER: &str = "urn:x-sluice:fhir:movement-identifier";

/// `Encounter.location[]`, `EncounterHistory` extension: ZBE-9, the letters of `HMSLDC` that the
/// movement changes.
pub const MOVEMENT_NATURE: &str = "urn:x-sluice:fhir:movement-nature";

/// The same: the UF that answers for care from the movement on (ZBE-7).
pub const MEDICAL_UNIT: &str = "urn:x-sluice:fhir:medical-unit";

/// The same, and on the Encounter of the present: the UF that answers for nursing (ZBE-8).
pub const NURSING_UNIT: &str = "urn:x-sluice:fhir:nursing-unit";

/// `Encounter.extension`: PV2-47, when a patient on leave is expected back.
pub const EXPECTED_RETURN: &str = "urn:x-sluice:fhir:expected-return";

/// `Provenance.entity.what.identifier.system`: `EJ/seq`, a message's place in the journal.
pub const MESSAGE: &str = "urn:x-sluice:fhir:message";

/// Extension on a coded element whose FHIR code says less than the sender's own: the v2 code as
/// sent (`valueCode` has a grammar that a sender need not keep to, so it is a `valueString`).
pub const ORIGINAL_CODE: &str = "urn:x-sluice:fhir:original-code";

/// `Identifier.extension`: CX-3 (table 0061), beside the check digit itself.
pub const CHECK_DIGIT_SCHEME: &str = "urn:x-sluice:fhir:check-digit-scheme";

/// `Patient.extension`: PID-32 (table 0445), as sent.
pub const IDENTITY_RELIABILITY: &str = "urn:x-sluice:fhir:identity-reliability";

/// `Patient.extension`: PID-31, nobody knows who the patient is.
pub const IDENTITY_UNKNOWN: &str = "urn:x-sluice:fhir:identity-unknown";

/// `Patient.extension`, `Encounter.extension`: the legal status of psychiatric care (ZFS, ZFV-4, 5
/// and 10), where the EJ has it shown; inside it `identifier`, `mode`, `period`, `rimP`, `comment`.
pub const LEGAL_STATUS: &str = "urn:x-sluice:fhir:legal-status";

/// `Organization.extension`, `Location.extension`: an attribute of the structure (LCH) that FHIR
/// has no element for; inside it `code` and `value`.
pub const STRUCTURE_ATTRIBUTE: &str = "urn:x-sluice:fhir:structure-attribute";

/// `Location.identifier.system`: the path of a place, unique within its EJ only.
#[must_use]
pub fn place_system(ej: EjId) -> String {
    format!("urn:x-sluice:{ej}:place")
}
