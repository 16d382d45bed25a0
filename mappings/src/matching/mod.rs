//! Who a person is: one that is asked for against those that are known (`Patient/$match`).
//!
//! Two ways, of which the first goes before:
//!
//! - **By number.** The same identifier of the same authority, with nothing against it, is certain.
//!   An INS is certain only with the identity traits (RNIV: birth name, first given name, sex,
//!   birth date), since one person's number is found on another's card every day; two different
//!   INS of one kind are certainly not the same person. The five strict traits, place of birth
//!   included, are certain without a number.
//! - **By resemblance.** What both sides know is weighed; what contradicts (sex, date of birth)
//!   keeps a match from being probable.
//!
//! | part | weight | agrees | in part |
//! |---|---|---|---|
//! | family name, any with any | 30 | equal | one within the other 0.7; a letter's difference 0.6 |
//! | given name | 20 | the first | any 0.9; within 0.7; a letter 0.6 |
//! | birth date | 30 | the day | as much as is known 0.5; day and month exchanged 0.6; one part other 0.4 |
//! | sex | 8 | equal | |
//! | telecom | 8 | any | |
//! | mother's maiden name, place of birth | 5 each | equal | |
//! | postal code | 4 | any | |
//! | city | 3 | any | |

mod asked;
mod candidates;

pub use asked::Person;
pub use candidates::{anywhere, candidates, escaped};

use crate::adt::{is_ins, is_same_kind};
use crate::fhir::codes::administrative_sex::Gender;
use crate::fhir::{MatchGrade, Score};

/// From here on, in hundredths.
const PROBABLE: u32 = 85;
const POSSIBLE: u32 = 60;

/// Weight that both sides must know of for a match to be probable: names and birth date.
const EVIDENCE: u32 = 75;

/// How sure it is that two are the same person; `None`: nothing speaks for it.
#[must_use]
pub fn score(asked: &Person, known: &Person) -> Option<Score> {
    let resemblance = resemblance(asked, known);
    let told = |grade, hundredths: u32| {
        Some(Score { hundredths: u8::try_from(hundredths.min(100)).unwrap_or(100), grade })
    };
    if other_ins(asked, known) {
        // Told, where somebody could take one for the other.
        return (resemblance.hundredths() >= POSSIBLE)
            .then_some(())
            .and_then(|()| told(MatchGrade::CertainlyNot, 0));
    }
    let (traits, all_five) = traits(asked, known);
    match same_number(asked, known) {
        Some(Number::Ins) if traits => return told(MatchGrade::Certain, 100),
        Some(Number::Own) if !resemblance.contradicts && resemblance.speaks_for() => {
            return told(MatchGrade::Certain, 95 + resemblance.hundredths() / 20);
        }
        Some(_) => return told(MatchGrade::Possible, POSSIBLE + resemblance.hundredths() / 5),
        None if all_five => return told(MatchGrade::Certain, 98),
        None => {}
    }
    let hundredths = resemblance.hundredths();
    if hundredths < POSSIBLE {
        return None;
    }
    let weak = resemblance.contradicts || resemblance.known < EVIDENCE;
    if hundredths < PROBABLE || weak {
        return told(MatchGrade::Possible, hundredths.min(PROBABLE - 1));
    }
    told(MatchGrade::Probable, hundredths.min(94))
}

enum Number {
    Ins,
    Own,
}

fn same_number(asked: &Person, known: &Person) -> Option<Number> {
    let mut found = None;
    for one in &asked.identifiers {
        for other in &known.identifiers {
            if one.is_number_of(other) && is_same_kind(one, other) {
                if is_ins(one) {
                    return Some(Number::Ins);
                }
                found = Some(Number::Own);
            }
        }
    }
    found
}

/// Both have an INS of the same authority, and none in common.
fn other_ins(asked: &Person, known: &Person) -> bool {
    let of = |person: &Person| -> Vec<(String, String)> {
        let ins = person.identifiers.iter().filter(|identifier| is_ins(identifier));
        ins.map(|ins| (ins.system.clone(), ins.value.clone())).collect()
    };
    let (asked, known) = (of(asked), of(known));
    let differ = asked.iter().any(|(system, value)| {
        known.iter().any(|(other, number)| other == system && number != value)
    });
    differ && !asked.iter().any(|ins| known.contains(ins))
}

/// Whether the strict traits agree that both know, four of them at least; and whether all five do.
fn traits(asked: &Person, known: &Person) -> (bool, bool) {
    let (Some(one), Some(other)) = (asked.birth_name(), known.birth_name()) else {
        return (false, false);
    };
    let sexed =
        |gender: Option<Gender>| gender.filter(|g| matches!(g, Gender::Male | Gender::Female));
    let four = !one.family.is_empty()
        && one.family == other.family
        && !one.given.is_empty()
        && one.given.first() == other.given.first()
        && asked.birth_date.len() == 10
        && asked.birth_date == known.birth_date
        && sexed(asked.gender).is_some()
        && sexed(asked.gender) == sexed(known.gender);
    let born = (!asked.birth_place.is_empty() && !known.birth_place.is_empty())
        .then(|| asked.birth_place == known.birth_place);
    (four && born != Some(false), four && born == Some(true))
}

/// What speaks for it, of what both know: weights, and how much of them agrees.
#[derive(Default)]
struct Resemblance {
    known: u32,
    /// Hundredths of weights.
    agrees: u32,
    contradicts: bool,
}

impl Resemblance {
    fn add(&mut self, weight: u32, agreement: Option<u32>) {
        if let Some(agreement) = agreement {
            self.known += weight;
            self.agrees += weight * agreement;
        }
    }

    fn hundredths(&self) -> u32 {
        self.agrees.checked_div(self.known).unwrap_or(0)
    }

    /// Nothing is known of both, or half of it agrees.
    fn speaks_for(&self) -> bool {
        self.known == 0 || self.hundredths() >= 50
    }
}

fn resemblance(asked: &Person, known: &Person) -> Resemblance {
    let mut all = Resemblance::default();
    let families = |person: &Person| -> Vec<String> {
        let families = person.names.iter().map(|name| name.family.clone());
        families.filter(|family| !family.is_empty()).collect()
    };
    all.add(30, best(&families(asked), &families(known), like));
    all.add(20, given(asked, known));
    let birth = birth(&asked.birth_date, &known.birth_date);
    all.contradicts |= birth == Some(0);
    all.add(30, birth);
    let sex = asked.gender.zip(known.gender);
    let sex = sex.filter(|(a, b)| *a != Gender::Unknown && *b != Gender::Unknown);
    all.contradicts |= sex.is_some_and(|(one, other)| one != other);
    all.add(8, sex.map(|(one, other)| same(one == other)));
    let equal = |one: &str, other: &str| same(one == other);
    all.add(8, best(&asked.telecoms, &known.telecoms, equal));
    let both =
        |one: &str, other: &str| (!one.is_empty() && !other.is_empty()).then(|| same(one == other));
    all.add(5, both(&asked.mothers_maiden_name, &known.mothers_maiden_name));
    all.add(5, both(&asked.birth_place, &known.birth_place));
    all.add(4, best(&asked.postal_codes, &known.postal_codes, equal));
    all.add(3, best(&asked.cities, &known.cities, equal));
    all
}

const fn same(is_so: bool) -> u32 {
    if is_so { 100 } else { 0 }
}

/// The best of all pairs; `None` where one side knows none.
fn best(asked: &[String], known: &[String], like: impl Fn(&str, &str) -> u32) -> Option<u32> {
    let filled = |list: &[String]| list.iter().any(|text| !text.is_empty());
    if !filled(asked) || !filled(known) {
        return None;
    }
    let pairs = asked.iter().flat_map(|one| known.iter().map(move |other| (one, other)));
    pairs
        .filter(|(one, other)| !one.is_empty() && !other.is_empty())
        .map(|(one, other)| like(one, other))
        .max()
}

fn given(asked: &Person, known: &Person) -> Option<u32> {
    let all = |person: &Person| -> Vec<String> {
        person.names.iter().flat_map(|name| name.given.iter().cloned()).collect()
    };
    let first = |person: &Person| -> Vec<String> {
        person.names.iter().filter_map(|name| name.given.first().cloned()).collect()
    };
    let firsts = best(&first(asked), &first(known), like)?;
    let any = best(&all(asked), &all(known), |one, other| if one == other { 90 } else { 0 })?;
    Some(firsts.max(any))
}

/// How alike two names are.
fn like(one: &str, other: &str) -> u32 {
    if one == other {
        return 100;
    }
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    // One of two names, or what goes by its beginning.
    if short.len() >= 3 && long.split(' ').any(|word| word == short)
        || long.starts_with(&format!("{short} "))
    {
        return 70;
    }
    if short.chars().count() >= 4 && is_one_apart(short, long) { 60 } else { 0 }
}

/// Whether one letter was left out, put in or changed, or two neighbours exchanged.
fn is_one_apart(short: &str, long: &str) -> bool {
    let (short, long): (Vec<char>, Vec<char>) = (short.chars().collect(), long.chars().collect());
    let start = short.iter().zip(&long).take_while(|(a, b)| a == b).count();
    let end = short[start..].iter().rev().zip(long[start..].iter().rev());
    let end = end.take_while(|(a, b)| a == b).count();
    let (rest, other) = (&short[start..short.len() - end], &long[start..long.len() - end]);
    match (rest, other) {
        ([], [_]) | ([_], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

fn birth(asked: &str, known: &str) -> Option<u32> {
    if asked.is_empty() || known.is_empty() {
        return None;
    }
    if asked == known && asked.len() == 10 {
        return Some(100);
    }
    let parts = |date: &str| -> Vec<String> { date.split('-').map(str::to_owned).collect() };
    let (one, other) = (parts(asked), parts(known));
    if one.len() < 3 || other.len() < 3 {
        let agree = one.iter().zip(&other).all(|(a, b)| a == b);
        return Some(if agree { 50 } else { 0 });
    }
    if one[0] == other[0] && one[1] == other[2] && one[2] == other[1] {
        return Some(60);
    }
    let differ = one.iter().zip(&other).filter(|(a, b)| a != b).count();
    Some(if differ == 1 { 40 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const INS: &str = "urn:oid:1.2.250.1.213.1.4.8";

    fn person(identifiers: &[(&str, &str)], family: &str, given: &str, born: &str) -> Person {
        let identifiers: Vec<_> =
            identifiers.iter().map(|(s, v)| json!({ "system": s, "value": v })).collect();
        let patient = json!({
            "resourceType": "Patient",
            "identifier": identifiers,
            "name": [{ "use": "official", "family": family, "given": [given] }],
            "gender": "female",
            "birthDate": born,
        });
        Person::asked(&patient).unwrap()
    }

    fn grade(one: &Person, other: &Person) -> Option<MatchGrade> {
        score(one, other).map(|score| score.grade)
    }

    #[test]
    fn a_number_is_certain_unless_something_speaks_against_it() {
        let known = person(&[("urn:x", "7")], "Dupont", "Zoé", "1980-02-01");
        let same = person(&[("urn:x", "7")], "DUPONT", "Zoe", "1980-02-01");
        assert_eq!(
            score(&same, &known),
            Some(Score { hundredths: 100, grade: MatchGrade::Certain })
        );
        let alone = Person::asked(&json!({
            "resourceType": "Patient", "identifier": [{ "system": "urn:x", "value": "7" }],
        }));
        assert_eq!(grade(&alone.unwrap(), &known), Some(MatchGrade::Certain));
        for other in [
            person(&[("urn:x", "7")], "Martin", "Paul", "1991-12-24"),
            person(&[("urn:x", "7")], "Dupont", "Zoé", "1991-12-24"),
        ] {
            assert_eq!(grade(&other, &known), Some(MatchGrade::Possible));
        }
        let elsewhere = person(&[("urn:y", "7")], "Martin", "Paul", "1991-12-24");
        assert_eq!(grade(&elsewhere, &known), None);
    }

    #[test]
    fn an_ins_is_certain_with_its_traits_alone_and_another_one_rules_a_person_out() {
        let known = person(&[(INS, "280026912345678")], "Dupont", "Zoé", "1980-02-01");
        assert_eq!(grade(&known.clone(), &known), Some(MatchGrade::Certain));
        for other in ["Durand", "Dupond"] {
            let other = person(&[(INS, "280026912345678")], other, "Zoé", "1980-02-01");
            assert_eq!(grade(&other, &known), Some(MatchGrade::Possible));
        }
        let mut billing = known.clone();
        billing.identifiers[0].type_code = "NH".into();
        assert_eq!(grade(&billing, &known), Some(MatchGrade::Probable), "the number of a bill");
        let twin = person(&[(INS, "280026912345699")], "Dupont", "Zoé", "1980-02-01");
        let told = score(&twin, &known).unwrap();
        assert_eq!((told.grade, told.hundredths), (MatchGrade::CertainlyNot, 0));
        let stranger = person(&[(INS, "280026912345699")], "Martin", "Paul", "1991-12-24");
        assert_eq!(score(&stranger, &known), None);
    }

    #[test]
    fn the_five_strict_traits_are_certain_and_four_are_probable() {
        let mut known = person(&[], "De la Tour-Maubourg", "Anne Marie", "1980-02-01");
        let mut asked = person(&[], "DE LA TOUR MAUBOURG", "Anne-Marie", "1980-02-01");
        assert_eq!(grade(&asked, &known), Some(MatchGrade::Probable));
        (known.birth_place, asked.birth_place) = ("69123".into(), "69123".into());
        assert_eq!(grade(&asked, &known), Some(MatchGrade::Certain));
        asked.birth_place = "99139".into();
        assert_eq!(grade(&asked, &known), Some(MatchGrade::Probable));
    }

    #[test]
    fn resemblance_is_weighed_and_a_contradiction_is_never_probable() {
        let known = person(&[], "Dupont", "Zoé", "1980-02-03");
        for (family, given, born, expected) in [
            ("Dupond", "Zoé", "1980-02-03", Some(MatchGrade::Probable)),
            ("Dupont Martin", "Zoé", "1980-02-03", Some(MatchGrade::Probable)),
            ("Dupont", "Zoé", "1980-03-02", Some(MatchGrade::Probable)),
            ("Dupont", "Zoé", "1980", Some(MatchGrade::Possible)),
            ("Dupont", "Zoé", "1980-02-04", Some(MatchGrade::Possible)),
            ("Dupont", "Zoé", "1955-11-24", Some(MatchGrade::Possible)),
            ("Dupont", "Anaïs", "1980-02-03", Some(MatchGrade::Possible)),
            ("Martin", "Anaïs", "1980-02-03", None),
            ("Martin", "Zoé", "1955-11-24", None),
        ] {
            let asked = person(&[], family, given, born);
            assert_eq!(grade(&asked, &known), expected, "{family} {given} {born}");
        }
        let mut other_sex = known.clone();
        other_sex.gender = Some(Gender::Male);
        assert_eq!(grade(&other_sex, &known), Some(MatchGrade::Possible));
        let mut little = known.clone();
        little.birth_date.clear();
        assert_eq!(grade(&little, &known), Some(MatchGrade::Possible), "names alone");
    }

    #[test]
    fn one_slip_of_the_keyboard_is_one_apart() {
        for (one, other) in [("martin", "marin"), ("martin", "martim"), ("martin", "matrin")] {
            assert_eq!(like(one, other), 60, "{one} {other}");
            assert_eq!(like(other, one), 60, "{other} {one}");
        }
        assert_eq!(like("martin", "mortim"), 0);
        assert_eq!(like("le", "ly"), 0, "too short to tell");
    }
}
