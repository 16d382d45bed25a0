//! Organization and Location: the structure (MFN^M05).

use super::super::FhirVersion;
use super::super::datatypes::{CodeableConcept, Coding, Extension, ExtensionValue};
use super::super::text;
use super::canonical::{
    ACTIVITY, BED_POSITION, CORPORATE_NAME, CS_ACTIVITY, CS_BED_POSITION, CS_EQUIPMENT, CS_FIELD,
    CS_INDICATOR, CS_PHYSICAL_TYPE, CS_ROOM_TYPE, CS_SAE, EQUIPMENT, ESTABLISHMENT, EXTERNAL,
    FIELD, INDICATOR, LOCATION, ORGANIZATION, PLACES, ROOM_TYPE, SAE_CATEGORY, SHORT_NAME, UAC, UF,
};
use super::{coding, declares, extension, is_french, is_whole};
use crate::entity::LegalEntity;
use crate::records::{LocationRecord, OrganizationKind, OrganizationRecord};

/// fr-core-organization, or the one of its kind.
#[must_use]
pub fn organization_profiles(
    record: &OrganizationRecord,
    entity: &LegalEntity,
    version: FhirVersion,
) -> Vec<&'static str> {
    if !declares(entity, version) || !record.identifiers.iter().all(is_whole) {
        return Vec::new();
    }
    vec![match record.kind {
        OrganizationKind::LegalEntity | OrganizationKind::GeographicalEntity => ESTABLISHMENT,
        OrganizationKind::FunctionalUnit => UF,
        OrganizationKind::ActivityUnit => UAC,
        _ => ORGANIZATION,
    }]
}

/// fr-core-location: each of its numbers says what it is, which the path does too (`INTRN`).
#[must_use]
pub fn location_profiles(
    record: &LocationRecord,
    entity: &LegalEntity,
    version: FhirVersion,
) -> Vec<&'static str> {
    let typed = record.identifiers.iter().all(|own| is_whole(own) && !own.type_code.is_empty());
    if declares(entity, version) && typed { vec![LOCATION] } else { Vec::new() }
}

/// Where FR Core has an extension for an attribute of the structure (LCH), that extension; `None`
/// where it has none.
#[must_use]
pub fn attribute<'a>(
    code: &str,
    value: &'a str,
    entity: &LegalEntity,
) -> Option<Vec<Extension<'a>>> {
    if !is_french(entity) {
        return None;
    }
    let text = || text::string(value).map(ExtensionValue::String);
    let coding = |system| coding(system, value);
    let coded = |system| coding(system).map(ExtensionValue::Coding);
    let concept = |system| {
        coding(system).map(|coding| ExtensionValue::CodeableConcept(CodeableConcept::from(coding)))
    };
    let (url, value) = match code {
        "LBL_CRT" => (SHORT_NAME, text()?),
        "RSN_SCL" => (CORPORATE_NAME, text()?),
        "CTGR_S" => (SAE_CATEGORY, concept(CS_SAE)?),
        "CHMP_ACTVT" => (FIELD, ExtensionValue::Coding(field(value)?)),
        "TP_ACTVT" => (ACTIVITY, concept(CS_ACTIVITY)?),
        "DSCPLN_EQPMNT" => (EQUIPMENT, coded(CS_EQUIPMENT)?),
        "UF_EXTR" => (EXTERNAL, ExtensionValue::Boolean(flag(value)?)),
        "NBR_PLC" => (PLACES, ExtensionValue::Integer(value.trim().parse().ok()?)),
        "PSTN" => (BED_POSITION, coded(CS_BED_POSITION)?),
        "TP_CHMBR" => (ROOM_TYPE, coded(CS_ROOM_TYPE)?),
        "INDCTR" => {
            let indicators = value.split('~').filter_map(indicator);
            let extensions: Vec<_> = indicators.collect();
            return (!extensions.is_empty()).then_some(extensions);
        }
        _ => return None,
    };
    Some(vec![extension(url, value)])
}

/// CHMP_ACTVT as FR Core writes it: SSR has become SMR.
fn field(sent: &str) -> Option<Coding<'_>> {
    let known = match sent.trim() {
        "MC" | "MCO" => ("MCO", "MCO"),
        "SSR" | "SMR" => ("SMR", "SMR"),
        "HD" | "HAD" => ("HAD", "HAD"),
        "EHPD" | "EHPAD" => ("EHPAD", "EHPAD"),
        "LG_SJR" => ("LG_SJR", "Long séjour"),
        "MSN_RTRT" => ("MSN_RTRT", "Maison de retraite"),
        "ATR" => ("ATR", "Autre"),
        _ => return coding(CS_FIELD, sent),
    };
    Some(Coding::of(CS_FIELD, known.0, known.1))
}

fn indicator(sent: &str) -> Option<Extension<'_>> {
    let concept = match sent.trim() {
        "HBRGMNT" => Coding::of(CS_INDICATOR, "HEB", "Hébergement"),
        "MDCL" => Coding::of(CS_INDICATOR, "MED", "Médicale"),
        _ => coding(CS_INDICATOR, sent)?,
    };
    Some(extension(INDICATOR, ExtensionValue::CodeableConcept(concept.into())))
}

fn flag(sent: &str) -> Option<bool> {
    match sent.trim() {
        "O" | "OUI" | "Y" | "1" | "true" => Some(true),
        "N" | "NON" | "0" | "false" => Some(false),
        _ => None,
    }
}

/// The French type of a place of the structure (PL-6), in front of the international one.
#[must_use]
pub fn physical_type(record: &LocationRecord, entity: &LegalEntity) -> Option<Coding<'static>> {
    if !is_french(entity) {
        return None;
    }
    let (code, display) = match record.place.person_location_type.as_str() {
        "BTMNT" => ("BTMNT", "Bâtiment"),
        "ETG" => ("ETG", "Etage"),
        "AL" => ("AL", "Aile"),
        "CLR" => ("CLR", "Couloir"),
        "R" => ("R", "Chambre"),
        "BX" => ("BX", "Box"),
        "B" => ("B", "Emplacement lit"),
        "L" => ("L", "Lieu non spécifié"),
        _ => return None,
    };
    Some(Coding::of(CS_PHYSICAL_TYPE, code, display))
}

#[cfg(test)]
mod tests {
    use sluice_ids::EjId;

    use super::*;
    use crate::entity::{EjSettings, Profile};
    use crate::records::{Identifier, Place, ResourceId};

    fn french() -> LegalEntity {
        let mut settings = EjSettings::named(EjId::new("EJ1").unwrap());
        settings.profile = Profile::PamFr;
        LegalEntity::new(settings).unwrap()
    }

    #[test]
    fn an_attribute_of_the_structure_shows_as_the_extension_that_fr_core_has() {
        let entity = french();
        let url = |code, value| attribute(code, value, &entity).map(|all| all[0].url);
        assert_eq!(url("RSN_SCL", "Clinique des Lilas"), Some(CORPORATE_NAME));
        assert_eq!(url("LBL_CRT", "Lilas"), Some(SHORT_NAME));
        assert_eq!(url("CTGR_S", "355"), Some(SAE_CATEGORY));
        assert_eq!(url("ANOTHER", "1"), None);
    }

    #[test]
    fn a_place_follows_fr_core_where_each_of_its_numbers_says_what_it_is() {
        let entity = french();
        let mut place = LocationRecord::at(ResourceId([1; 16]), Place::default(), None);
        let profiles = |place: &LocationRecord| location_profiles(place, &entity, FhirVersion::R4);
        assert_eq!(profiles(&place), [LOCATION]);
        let number =
            Identifier { system: "urn:x".into(), value: "1".into(), ..Identifier::default() };
        place.identifiers = vec![Identifier { type_code: "INTRN".into(), ..number.clone() }];
        assert_eq!(profiles(&place), [LOCATION]);
        place.identifiers.push(number);
        assert!(profiles(&place).is_empty(), "a number without a type");
    }
}
