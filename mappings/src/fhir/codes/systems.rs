//! Code system URIs, and the v2 names of code systems (table 0396).

use std::borrow::Cow;

pub const V3_ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub const V3_ACT_PRIORITY: &str = "http://terminology.hl7.org/CodeSystem/v3-ActPriority";
pub const V3_CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub const V3_DATA_OPERATION: &str = "http://terminology.hl7.org/CodeSystem/v3-DataOperation";
pub const V3_MARITAL_STATUS: &str = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";
pub const V3_NULL_FLAVOR: &str = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
pub const V3_OBSERVATION_INTERPRETATION: &str =
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
pub const V3_PARTICIPATION_TYPE: &str =
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
pub const V3_RELIGIOUS_AFFILIATION: &str =
    "http://terminology.hl7.org/CodeSystem/v3-ReligiousAffiliation";
pub const V3_ROLE_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
pub const V2_0003: &str = "http://terminology.hl7.org/CodeSystem/v2-0003";
pub const V2_0004: &str = "http://terminology.hl7.org/CodeSystem/v2-0004";
pub const V2_0085: &str = "http://terminology.hl7.org/CodeSystem/v2-0085";
pub const V2_0131: &str = "http://terminology.hl7.org/CodeSystem/v2-0131";
pub const V2_0203: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
pub const V2_0443: &str = "http://terminology.hl7.org/CodeSystem/v2-0443";
pub const V2_0445: &str = "http://terminology.hl7.org/CodeSystem/v2-0445";
pub const SERVICE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/service-type";
pub const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";
pub const SPECIAL_ARRANGEMENTS: &str =
    "http://terminology.hl7.org/CodeSystem/encounter-special-arrangements";
pub const SUBJECT_STATUS: &str = "http://terminology.hl7.org/CodeSystem/encounter-subject-status";
pub const ADMINISTRATIVE_GENDER: &str = "http://hl7.org/fhir/administrative-gender";
pub const ENCOUNTER_STATUS: &str = "http://hl7.org/fhir/encounter-status";
pub const UCUM: &str = "http://unitsofmeasure.org";
pub const SNOMED_CT: &str = "http://snomed.info/sct";
pub const ALLERGY_CLINICAL: &str =
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
pub const ALLERGY_VERIFICATION: &str =
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
pub const ALLERGY_TYPE: &str = "http://hl7.org/fhir/allergy-intolerance-type";
pub const CONDITION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
pub const CONDITION_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
pub const CONDITION_VERIFICATION: &str =
    "http://terminology.hl7.org/CodeSystem/condition-ver-status";
pub const DIAGNOSIS_ROLE: &str = "http://terminology.hl7.org/CodeSystem/diagnosis-role";
pub const DATA_ABSENT_REASON: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
pub const PROVENANCE_PARTICIPANT: &str =
    "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
pub const COVERAGE_CLASS: &str = "http://terminology.hl7.org/CodeSystem/coverage-class";
pub const SUBSCRIBER_RELATIONSHIP: &str =
    "http://terminology.hl7.org/CodeSystem/subscriber-relationship";
pub const ORGANIZATION_TYPE: &str = "http://terminology.hl7.org/CodeSystem/organization-type";
pub const URI: &str = "urn:ietf:rfc:3986";
pub const BCP_47: &str = "urn:ietf:bcp:47";
/// The French national extension of table 0203.
pub const FR_CORE_0203: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203";
/// The levels of a French hospital's structure.
pub const FR_CORE_3307: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-3307";
/// The French register of health establishments.
pub const FINESS: &str = "https://finess.esante.gouv.fr";
/// The French register of companies: SIREN and SIRET.
pub const SIRENE: &str = "https://sirene.fr";

const V2: &str = "http://terminology.hl7.org/CodeSystem/v2-";

/// CWE.3 → URI; where it is empty, the table that the field is bound to. A name that stands for
/// no URI that we know (`L`, `99XYZ`…) gives none: never an empty system, never a made-up one.
#[must_use]
pub fn of_name<'a>(name: &'a str, table: &str) -> Option<Cow<'a, str>> {
    let name = name.trim();
    if name.is_empty() {
        return (!table.is_empty()).then(|| of_table(table));
    }
    if let Some(number) = table_number(name) {
        return Some(of_table(number));
    }
    let known = match name {
        "LN" => "http://loinc.org",
        "SCT" | "SNOMED-CT" | "SNM3" => SNOMED_CT,
        "I10" | "ICD10" | "I10P" => "http://hl7.org/fhir/sid/icd-10",
        "I10C" | "ICD10CM" => "http://hl7.org/fhir/sid/icd-10-cm",
        "I9" | "I9C" | "I9CDX" | "ICD9" => "http://hl7.org/fhir/sid/icd-9-cm",
        "UCUM" => UCUM,
        "ISO3166_1" | "ISO3166-1" | "3166" => "urn:iso:std:iso:3166",
        "CDCREC" => "urn:oid:2.16.840.1.113883.6.238",
        _ => {
            let is_uri = name.starts_with("urn:") || name.contains("://");
            return super::super::text::uri(name).filter(|_| is_uri).map(Cow::Borrowed);
        }
    };
    Some(Cow::Borrowed(known))
}

/// The tables that records are bound to are written out: their URI stands in every resource.
fn of_table<'a>(number: &str) -> Cow<'a, str> {
    macro_rules! uri {
        ($($table:literal),+) => {
            match number {
                $($table => concat!("http://terminology.hl7.org/CodeSystem/v2-", $table),)+
                other => return Cow::Owned(format!("{V2}{other}")),
            }
        };
    }
    Cow::Borrowed(uri!(
        "0002", "0004", "0006", "0007", "0009", "0023", "0052", "0063", "0069", "0078", "0092",
        "0099", "0112", "0113", "0114", "0116", "0127", "0128", "0131", "0171", "0212", "0217",
        "0230", "0296", "0360", "0430", "0438", "0443", "0445", "0936"
    ))
}

/// The code is one of HL7 table `table`: its system says so, or says nothing.
#[must_use]
pub fn is_table(name: &str, table: &str) -> bool {
    let name = name.trim();
    name.is_empty() || table_number(name) == Some(table)
}

/// `HL70069` → `0069`.
fn table_number(name: &str) -> Option<&str> {
    let number = name.strip_prefix("HL7").filter(|n| n.len() == 4)?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_for_no_uri_gives_none() {
        let of = |name, table| of_name(name, table).map(Cow::into_owned);
        assert_eq!(of("", "0069").as_deref(), Some(&*format!("{V2}0069")));
        assert_eq!(of("HL70063", "0069").as_deref(), Some(&*format!("{V2}0063")));
        assert_eq!(of("I10", "").as_deref(), Some("http://hl7.org/fhir/sid/icd-10"));
        assert_eq!(of("urn:oid:1.2", "").as_deref(), Some("urn:oid:1.2"));
        for local in ["L", "99SITE", "HL7ABCD", "HL700691"] {
            assert_eq!(of(local, "0069"), None, "{local}");
        }
    }
}
