//! The person that a FHIR Patient describes, as far as a match looks at it. R4 and R5 say it alike.

use serde_json::Value;

use crate::fhir::codes::administrative_sex::{Gender, gender};
use crate::fhir::codes::name_type::name_use;
use crate::records::{Identifier, IdentifierUse, PatientRecord, phi_debug};
use crate::search::text::normalise;

/// Of each list, what is looked at.
const LIST_MAX: usize = 16;

/// A name: what it is used as, and its parts without accents, case and punctuation.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    pub(super) of_use: String,
    pub(super) family: String,
    pub(super) given: Vec<String>,
}

/// A person, as asked for or as known: texts are normalised, a date is as much of `YYYY-MM-DD` as
/// is known.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Person {
    pub(super) identifiers: Vec<Identifier>,
    pub(super) names: Vec<Name>,
    pub(super) birth_date: String,
    pub(super) gender: Option<Gender>,
    /// The COG code of the town or country of birth.
    pub(super) birth_place: String,
    pub(super) postal_codes: Vec<String>,
    pub(super) cities: Vec<String>,
    pub(super) telecoms: Vec<String>,
    pub(super) mothers_maiden_name: String,
}

phi_debug!(Name, Person);

impl Person {
    /// `None` for what is no Patient.
    #[must_use]
    pub fn asked(patient: &Value) -> Option<Self> {
        if patient["resourceType"] != "Patient" {
            return None;
        }
        let list = |name: &str| patient[name].as_array().into_iter().flatten().take(LIST_MAX);
        let addresses = || list("address");
        let of_addresses = |part: &str| -> Vec<String> {
            addresses().map(|address| plain(&address[part])).filter(|t| !t.is_empty()).collect()
        };
        Some(Self {
            identifiers: list("identifier").filter_map(identifier).collect(),
            names: list("name").map(name).filter(|name| !name.is_empty()).collect(),
            birth_date: date(patient["birthDate"].as_str().unwrap_or_default()),
            gender: patient["gender"].as_str().and_then(Gender::from_code),
            birth_place: extension(patient, "patient-birthPlace")
                .map(|value| birth_place(&value["valueAddress"]))
                .unwrap_or_default(),
            postal_codes: of_addresses("postalCode"),
            cities: of_addresses("city"),
            telecoms: list("telecom").map(|t| telecom(text(&t["value"]))).collect(),
            mothers_maiden_name: extension(patient, "patient-mothersMaidenName")
                .map(|value| plain(&value["valueString"]))
                .unwrap_or_default(),
        })
    }

    /// The same of a record.
    #[must_use]
    pub fn known(record: &PatientRecord) -> Self {
        let name = |name: &crate::records::HumanName| Name {
            of_use: name_use(&name.name_type).unwrap_or_default().to_owned(),
            family: normalise(&name.family),
            given: name.given.iter().map(|given| normalise(given)).collect(),
        };
        let moment = record.birth_date.map(|moment| moment.to_fhir()).unwrap_or_default();
        Self {
            identifiers: record.identifiers.clone(),
            names: record.names.iter().map(name).filter(|name| !name.is_empty()).collect(),
            birth_date: date(&moment),
            gender: gender(&record.gender),
            birth_place: record
                .birth_place
                .as_ref()
                .map_or(String::new(), |place| place.district.trim().to_ascii_uppercase()),
            postal_codes: record.addresses.iter().map(|a| normalise(&a.postal_code)).collect(),
            cities: record.addresses.iter().map(|a| normalise(&a.city)).collect(),
            telecoms: record.telecoms.iter().map(|t| telecom(&t.value)).collect(),
            mothers_maiden_name: normalise(&record.mothers_maiden_name),
        }
    }

    /// Whether it says enough for anybody to be found by.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        let named = self.names.iter().any(|name| !name.family.is_empty());
        let given = self.names.iter().any(|name| !name.given.is_empty());
        !self.identifiers.is_empty() || (named && (given || !self.birth_date.is_empty()))
    }

    /// The name of birth: the official one, else the one before a marriage, else any.
    pub(super) fn birth_name(&self) -> Option<&Name> {
        let of_use = |of_use: &str| self.names.iter().find(|name| name.of_use == of_use);
        of_use("official").or_else(|| of_use("maiden")).or_else(|| self.names.first())
    }
}

impl Name {
    fn is_empty(&self) -> bool {
        self.family.is_empty() && self.given.is_empty()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn plain(value: &Value) -> String {
    normalise(text(value))
}

fn name(value: &Value) -> Name {
    let given = value["given"].as_array().into_iter().flatten().take(LIST_MAX);
    Name {
        of_use: text(&value["use"]).to_owned(),
        family: plain(&value["family"]),
        given: given.map(plain).filter(|given| !given.is_empty()).collect(),
    }
}

fn identifier(value: &Value) -> Option<Identifier> {
    let (system, number) = (text(&value["system"]).trim(), text(&value["value"]).trim());
    let codes = value["type"]["coding"].as_array().into_iter().flatten();
    let type_code = codes.map(|coding| text(&coding["code"])).find(|code| !code.is_empty());
    (!system.is_empty() && !number.is_empty()).then(|| Identifier {
        system: system.to_owned(),
        value: number.to_owned(),
        type_code: type_code.unwrap_or_default().to_owned(),
        r#use: if value["use"] == "old" { IdentifierUse::Old } else { IdentifierUse::Usual },
        ..Identifier::default()
    })
}

fn extension<'v>(of: &'v Value, name: &str) -> Option<&'v Value> {
    let mut all = of["extension"].as_array().into_iter().flatten();
    all.find(|extension| text(&extension["url"]).ends_with(name))
}

/// FR Core's INSEE code, else a district that looks like one.
fn birth_place(address: &Value) -> String {
    let code = extension(address, "insee-code").map(|code| text(&code["valueCoding"]["code"]));
    code.unwrap_or_else(|| text(&address["district"])).trim().to_ascii_uppercase()
}

/// The calendar date of what begins with one.
fn date(text: &str) -> String {
    let end = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').count().min(10);
    text[..end].to_owned()
}

/// Digits of a number, without a country before it; of anything else, its small letters.
fn telecom(value: &str) -> String {
    if value.contains('@') {
        return value.trim().to_ascii_lowercase();
    }
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    // The last nine are the same however it is dialled.
    digits[digits.len().saturating_sub(9)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Address, HumanName, Moment, Precision, ResourceId, Telecom};
    use serde_json::json;

    fn asked(patient: &Value) -> Person {
        Person::asked(patient).unwrap()
    }

    #[test]
    fn a_resource_and_a_record_describe_a_person_alike() {
        let resource = json!({
            "resourceType": "Patient",
            "identifier": [{ "system": "urn:x", "value": "7", "type": { "coding": [
                { "system": "urn:t" }, { "code": "PI" }, { "code": "MR" } ] } }],
            "name": [
                { "use": "official", "family": "DUPONT-Martin", "given": ["Zoé", "Anne"] },
                { "use": "usual", "family": "", "given": ["Zouzou"] },
            ],
            "birthDate": "1980-02-03",
            "gender": "female",
            "address": [{ "postalCode": "69003", "city": "LYON" }],
            "telecom": [{ "value": "+33 6 11 22 33 44" }, { "value": " Zoe@Example.FR " }],
            "extension": [
                { "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                  "valueAddress": { "district": "2a004 " } },
                { "url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
                  "valueString": "Lebœuf" },
            ],
        });
        let mut record = PatientRecord::new(ResourceId([1; 16]));
        record.identifiers = vec![Identifier {
            system: "urn:x".into(),
            value: "7".into(),
            type_code: "PI".into(),
            r#use: IdentifierUse::Usual,
            ..Identifier::default()
        }];
        let name = |name_type: &str, family: &str, given: &[&str]| HumanName {
            name_type: name_type.into(),
            family: family.into(),
            given: given.iter().map(|one| (*one).to_owned()).collect(),
            ..HumanName::default()
        };
        record.names = vec![
            name("L", "Dupont Martin", &["ZOE", "ANNE"]),
            name("D", "", &["zouzou"]),
            name("L", "", &[]),
        ];
        record.birth_date = Some(Moment {
            low: sluice_ids::Micros::new(318_380_400_000_000),
            precision: Precision::Day,
            offset_minutes: 60,
        });
        record.gender = "F".into();
        let address =
            Address { postal_code: "69003".into(), city: "Lyon".into(), ..Address::default() };
        record.addresses = vec![address];
        let telecom = |value: &str| Telecom { value: value.into(), ..Telecom::default() };
        record.telecoms = vec![telecom("06.11.22.33.44"), telecom("zoe@example.fr")];
        record.birth_place = Some(Address { district: "2A004".into(), ..Address::default() });
        record.mothers_maiden_name = "LEBOEUF".into();
        let (asked, known) = (asked(&resource), Person::known(&record));
        assert_eq!(asked.birth_date, "1980-02-03");
        assert_eq!(asked.telecoms, ["611223344", "zoe@example.fr"]);
        assert_eq!(asked.birth_place, "2A004");
        assert_eq!(asked.names.len(), 2);
        assert_eq!(asked.identifiers[0].type_code, "PI");
        assert!(asked == known, "in one part or another they differ");
        assert!(Person::asked(&json!({ "resourceType": "Person" })).is_none());
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        let person = asked(&json!({
            "resourceType": "Patient",
            "identifier": [
                { "system": "urn:x", "value": " " }, { "value": "7" },
                { "system": "urn:x", "value": "8", "use": "old" },
            ],
            "name": [{ "use": "official" }, { "family": "" , "given": [" "] }],
            "address": [{ "postalCode": "", "city": "Lyon" }, { "postalCode": "69003" }],
            "birthDate": "1980-02-03T10:00:00",
            "extension": [{
                "url": "https://a.example/patient-birthPlace",
                "valueAddress": {
                    "district": "69123",
                    "extension": [{
                        "url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code",
                        "valueCoding": { "code": "99139" },
                    }],
                },
            }],
        }));
        assert_eq!(person.identifiers.len(), 1);
        assert!(person.identifiers[0].r#use == IdentifierUse::Old);
        assert!(person.names.is_empty());
        assert_eq!(person.postal_codes, ["69003"]);
        assert_eq!(person.cities, ["lyon"]);
        assert_eq!(person.birth_date, "1980-02-03");
        assert_eq!(person.birth_place, "99139");
    }

    #[test]
    fn a_number_or_a_name_with_something_beside_it_is_enough() {
        let of = |identifiers: usize, family: &str, given: &[&str], birth: &str| {
            let numbers = vec![json!({ "system": "urn:x", "value": "7" }); identifiers];
            asked(&json!({
                "resourceType": "Patient", "identifier": numbers, "birthDate": birth,
                "name": [{ "family": family, "given": given }],
            }))
            .is_enough()
        };
        assert!(of(1, "", &[], ""));
        assert!(of(0, "Dupont", &["Zoé"], ""));
        assert!(of(0, "Dupont", &[], "1980"));
        for (family, given, birth) in
            [("Dupont", &[][..], ""), ("", &["Zoé"], "1980"), ("", &[], "1980"), ("", &["Zoé"], "")]
        {
            assert!(!of(0, family, given, birth), "{family} {given:?} {birth}");
        }
    }

    #[test]
    fn the_name_of_birth_is_the_official_one_else_the_maiden_name_else_any() {
        let of = |uses: &[&str]| {
            let names: Vec<Value> =
                uses.iter().map(|of_use| json!({ "use": of_use, "family": of_use })).collect();
            let person = asked(&json!({ "resourceType": "Patient", "name": names }));
            person.birth_name().map(|name| name.of_use.clone()).unwrap_or_default()
        };
        assert_eq!(of(&["usual", "maiden", "official"]), "official");
        assert_eq!(of(&["usual", "maiden"]), "maiden");
        assert_eq!(of(&["usual", "nickname"]), "usual");
        assert_eq!(of(&[]), "");
    }
}
