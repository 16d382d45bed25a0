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
}
