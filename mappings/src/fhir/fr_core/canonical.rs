//! What is taken from FR Core, in one place: the version, its URLs, and every choice that a later
//! version may overturn.
//!
//! The version is 2.2.0-ballot (`hl7.fhir.fr.core`, FHIR R4 4.0.1). What is known to differ:
//!
//! - `identityStatus` is bound to table 0445 up to here; 2.3 goes over to PROV, RECUP, VALI, QUAL
//!   (`fr-core-cs-identity-status`).
//! - `dateCollection` becomes `dateInterrogationINSi` later.
//! - A NIA has `use` temp here, official later (`adt::french::ins`).
//! - `Encounter.hospitalization.preAdmissionIdentifier.system` is fixed to a text that is no URI:
//!   nothing can follow the profile and FHIR at once, so that an Encounter with one declares none.
//! - Examples of the guide write some extensions with `-extension` at their end; the canonicals
//!   of the definitions are used here.

/// Of the package.
pub const VERSION: &str = "2.2.0-ballot";

macro_rules! profile {
    ($id:literal) => {
        concat!("https://hl7.fr/ig/fhir/core/StructureDefinition/", $id)
    };
}

macro_rules! code_system {
    ($id:literal) => {
        concat!("https://hl7.fr/ig/fhir/core/CodeSystem/", $id)
    };
}

// Profiles.
pub const PATIENT: &str = profile!("fr-core-patient");
pub const PATIENT_INS: &str = profile!("fr-core-patient-ins");
pub const ENCOUNTER: &str = profile!("fr-core-encounter");
pub const LOCATION: &str = profile!("fr-core-location");
pub const ORGANIZATION: &str = profile!("fr-core-organization");
pub const ESTABLISHMENT: &str = profile!("fr-core-organization-etablissement");
pub const UF: &str = profile!("fr-core-organization-uf");
pub const UAC: &str = profile!("fr-core-organization-uac");
pub const PRACTITIONER: &str = profile!("fr-core-practitioner");

// Extensions of Patient.
pub const IDENTITY_RELIABILITY: &str = profile!("fr-core-identity-reliability");
pub const BIRTH_LIST_GIVEN_NAME: &str = profile!("fr-core-patient-birth-list-given-name");
pub const BIRTHDATE_UPDATE: &str = profile!("fr-core-patient-birthdate-update-indicator");
pub const LUNAR_DATE: &str = profile!("fr-core-lunar-date");
pub const INSEE_CODE: &str = profile!("fr-core-address-insee-code");

// Extensions of Encounter.
pub const ESTIMATED_DISCHARGE: &str = profile!("fr-core-estimated-discharge-date");

// Extensions of Organization and Location.
pub const SHORT_NAME: &str = profile!("fr-core-organization-short-name");
pub const CORPORATE_NAME: &str = profile!("fr-core-organization-raison-sociale");
pub const SAE_CATEGORY: &str = profile!("fr-core-organization-sae-category");
pub const FIELD: &str = profile!("fr-core-organization-champ-activite");
pub const ACTIVITY: &str = profile!("fr-core-organization-type-activite");
pub const EQUIPMENT: &str = profile!("fr-core-organization-discipline-equipement");
pub const INDICATOR: &str = profile!("fr-core-organization-uf-indicateur");
pub const EXTERNAL: &str = profile!("fr-core-organization-uf-externe");
pub const PLACES: &str = profile!("fr-core-organization-place-hebergement-theorique");
pub const BED_POSITION: &str = profile!("fr-core-location-position-lit");
pub const ROOM_TYPE: &str = profile!("fr-core-location-type-chambre");

// Code systems.
pub const CS_0445: &str = code_system!("fr-core-cs-v2-0445");
pub const CS_METHOD: &str = code_system!("fr-core-cs-method-collection");
pub const CS_VALIDATION: &str = code_system!("fr-core-cs-mode-validation-identity");
pub const CS_ADMISSION: &str = code_system!("fr-core-cs-type-admission");
pub const CS_DISCHARGE: &str = code_system!("fr-core-cs-circonstances-sortie");
pub const CS_SAE: &str = code_system!("fr-core-cs-categorie-sae-etablissement");
pub const CS_FIELD: &str = code_system!("fr-core-cs-champ-activite");
pub const CS_ACTIVITY: &str = code_system!("fr-core-cs-type-activite");
pub const CS_EQUIPMENT: &str = code_system!("fr-core-cs-discipline-equipement");
pub const CS_INDICATOR: &str = code_system!("fr-core-cs-uf-indicateur");
pub const CS_PHYSICAL_TYPE: &str = code_system!("fr-core-cs-location-physical-type");
pub const CS_BED_POSITION: &str = code_system!("fr-core-cs-location-position-lit");
pub const CS_ROOM_TYPE: &str = code_system!("fr-core-cs-location-type-chambre");

/// The communes and countries of the COG (NOS, TRE_R13): FR Core binds the INSEE code to it.
pub const COG: &str = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM";
