//! Whom to look at: searches that the index answers, each of which finds few.

use std::collections::BTreeSet;

use super::Person;
use crate::adt::is_ins;

/// Of each list, what is searched by.
const NAMES_MAX: usize = 3;
const NUMBERS_MAX: usize = 8;

/// Parameters of the searches of Patient whose results are the candidates; the most selective
/// first.
#[must_use]
pub fn candidates(person: &Person) -> Vec<Vec<(String, String)>> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut all: Vec<Vec<(String, String)>> = Vec::new();
    for number in person.identifiers.iter().take(NUMBERS_MAX) {
        let token = format!("{}|{}", escaped(&number.system), escaped(&number.value));
        all.push(vec![pair("identifier", &token)]);
    }
    let distinct = |texts: Vec<&str>| -> Vec<String> {
        let texts: BTreeSet<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        texts.into_iter().take(NAMES_MAX).map(escaped).collect()
    };
    let families = distinct(person.names.iter().map(|name| name.family.as_str()).collect());
    let given = distinct(
        person.names.iter().filter_map(|name| name.given.first()).map(String::as_str).collect(),
    );
    let born = &person.birth_date;
    if born.len() == 10 {
        // However the names are written.
        all.push(vec![pair("birthdate", born)]);
    }
    for family in &families {
        if !born.is_empty() {
            let year = &born[..born.len().min(4)];
            all.push(vec![pair("family", family), pair("birthdate", year)]);
        }
        for given in &given {
            all.push(vec![pair("family", family), pair("given", given)]);
        }
    }
    all
}

/// The person as they are known anywhere: without the numbers that one establishment gave them.
#[must_use]
pub fn anywhere(person: Person) -> Person {
    let identifiers = person.identifiers.into_iter().filter(is_ins).collect();
    Person { identifiers, ..person }
}

/// A value in which nothing separates.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ',' | '|' | '$' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_go_first_and_nothing_is_asked_that_is_not_known() {
        let person = Person::asked(&json!({
            "resourceType": "Patient",
            "identifier": [{ "system": "urn:a,b", "value": "1|2" }, { "value": "no system" }],
            "name": [{ "family": "Dupont", "given": ["Zoé", "Anne"] }],
            "birthDate": "1980-02-01",
        }))
        .unwrap();
        let told: Vec<String> = candidates(&person)
            .into_iter()
            .map(|pairs| {
                pairs.into_iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&")
            })
            .collect();
        assert_eq!(
            told,
            [
                r"identifier=urn:a\,b|1\|2",
                "birthdate=1980-02-01",
                "family=dupont&birthdate=1980",
                "family=dupont&given=zoe",
            ]
        );
        assert!(candidates(&Person::default()).is_empty());
        assert!(!Person::default().is_enough());
    }

    fn told(person: &Person) -> Vec<String> {
        let pairs = |pairs: Vec<(String, String)>| {
            pairs.into_iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&")
        };
        candidates(person).into_iter().map(pairs).collect()
    }

    #[test]
    fn a_date_that_is_no_day_is_asked_for_with_a_name_alone() {
        let of = |born: &str| {
            let person = json!({
                "resourceType": "Patient",
                "name": [{ "family": "Dupont" }, { "family": "DUPONT" }, { "given": ["Zoé"] }],
                "birthDate": born,
            });
            told(&Person::asked(&person).unwrap())
        };
        let by_names = "family=dupont&given=zoe";
        assert_eq!(of("1980-02"), ["family=dupont&birthdate=1980", by_names]);
        assert_eq!(of(""), [by_names]);
    }

    #[test]
    fn a_value_separates_nothing() {
        assert_eq!(escaped(r"a,b|c$d\e"), r"a\,b\|c\$d\\e");
    }

    #[test]
    fn anywhere_a_person_has_the_numbers_of_the_state_alone() {
        let person = json!({
            "resourceType": "Patient",
            "identifier": [
                { "system": "urn:x", "value": "7" },
                { "system": "urn:oid:1.2.250.1.213.1.4.8", "value": "280026912345678" },
            ],
            "name": [{ "family": "Dupont" }],
        });
        let known = anywhere(Person::asked(&person).unwrap());
        let numbers: Vec<&str> = known.identifiers.iter().map(|one| one.value.as_str()).collect();
        assert_eq!(numbers, ["280026912345678"]);
        assert_eq!(known.names.len(), 1);
    }
}
