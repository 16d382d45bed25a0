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
//!   keeps a match from being probable (`resemblance`).

mod asked;
mod candidates;
mod resemblance;

pub use asked::Person;
pub use candidates::{anywhere, candidates, escaped};

use crate::adt::{is_ins, is_same_kind};
use crate::fhir::codes::administrative_sex::Gender;
use crate::fhir::{MatchGrade, Score};
use resemblance::resemblance;

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
    fn the_strict_traits_are_five_and_the_place_of_birth_may_be_unknown() {
        let whole = || {
            let mut one = person(&[], "Dupont", "Zoé", "1980-02-03");
            one.birth_place = "69123".into();
            one
        };
        type Change = fn(&mut Person);
        // What is done to the one, and to the other.
        let changes: [(&str, Change, Change, (bool, bool)); 14] = [
            ("all", |_| (), |_| (), (true, true)),
            ("family", |p| p.names[0].family = "dupond".into(), |_| (), (false, false)),
            (
                "no family",
                |p| p.names[0].family.clear(),
                |p| p.names[0].family.clear(),
                (false, false),
            ),
            ("given", |p| p.names[0].given[0] = "zoa".into(), |_| (), (false, false)),
            ("a second", |p| p.names[0].given.push("anne".into()), |_| (), (true, true)),
            (
                "no given",
                |p| p.names[0].given.clear(),
                |p| p.names[0].given.clear(),
                (false, false),
            ),
            ("birth", |p| p.birth_date = "1980-02-04".into(), |_| (), (false, false)),
            (
                "a month",
                |p| p.birth_date = "1980-02".into(),
                |p| p.birth_date = "1980-02".into(),
                (false, false),
            ),
            ("sex", |p| p.gender = Some(Gender::Male), |_| (), (false, false)),
            ("no sex", |p| p.gender = None, |p| p.gender = None, (false, false)),
            (
                "another sex",
                |p| p.gender = Some(Gender::Other),
                |p| p.gender = Some(Gender::Other),
                (false, false),
            ),
            ("born elsewhere", |p| p.birth_place = "1".into(), |_| (), (false, false)),
            ("born somewhere", |p| p.birth_place.clear(), |_| (), (true, false)),
            ("nobody", |p| p.names.clear(), |_| (), (false, false)),
        ];
        for (what, one, other, expected) in changes {
            let (mut asked, mut known) = (whole(), whole());
            one(&mut asked);
            other(&mut known);
            assert_eq!(traits(&asked, &known), expected, "{what}");
            assert_eq!(traits(&known, &asked), expected, "{what}");
        }
        let both = |p: &mut Person| p.birth_place.clear();
        let (mut asked, mut known) = (whole(), whole());
        both(&mut asked);
        both(&mut known);
        assert_eq!(traits(&asked, &known), (true, false), "of both it is not known");
    }

    #[test]
    fn a_score_says_how_sure_it_is_in_hundredths() {
        use MatchGrade::{Certain, CertainlyNot, Possible, Probable};
        let known = || {
            let mut one = person(&[("urn:x", "7"), (INS, "1")], "Dupont", "Zoé", "1980-02-03");
            one.birth_place = "69123".into();
            one.postal_codes = vec!["69003".into()];
            one.cities = vec!["lyon".into()];
            one.telecoms = vec!["611223344".into()];
            one
        };
        let of = |change: fn(&mut Person)| {
            let mut asked = known();
            asked.identifiers.clear();
            change(&mut asked);
            score(&asked, &known()).map(|score| (score.grade, score.hundredths))
        };
        let own = || person(&[("urn:x", "7")], "", "", "").identifiers.remove(0);
        let ins = |value: &str| person(&[(INS, value)], "", "", "").identifiers.remove(0);
        // By its own number: 95 and a twentieth of the resemblance.
        let numbered = |change: fn(&mut Person)| {
            let mut asked = known();
            asked.identifiers = vec![own()];
            change(&mut asked);
            score(&asked, &known()).map(|score| (score.grade, score.hundredths))
        };
        assert_eq!(numbered(|_| ()), Some((Certain, 100)));
        assert_eq!(numbered(|p| *p = alone(p)), Some((Certain, 95)), "nothing else is known");
        let half = |p: &mut Person| {
            *p = alone(p);
            p.birth_date = "1980".into();
        };
        assert_eq!(numbered(half), Some((Certain, 97)), "half of it agrees");
        let less = |p: &mut Person| {
            *p = alone(p);
            p.postal_codes = vec!["69003".into()];
            p.birth_place = "1".into();
        };
        assert_eq!(numbered(less), Some((Possible, 68)), "4 of 9 agree: 60 and a fifth of 44");
        let man = |p: &mut Person| p.gender = Some(Gender::Male);
        assert_eq!(numbered(man), Some((Possible, 78)), "a contradiction");
        // By the INS.
        let by_ins = |value: &str, change: fn(&mut Person)| {
            let mut asked = known();
            asked.identifiers = vec![ins(value)];
            change(&mut asked);
            score(&asked, &known()).map(|score| (score.grade, score.hundredths))
        };
        assert_eq!(by_ins("1", |_| ()), Some((Certain, 100)));
        assert_eq!(by_ins("1", |p| *p = alone(p)), Some((Possible, 60)), "without its traits");
        assert_eq!(by_ins("2", |_| ()), Some((CertainlyNot, 0)));
        let alike = |p: &mut Person| {
            *p = alone(p);
            p.names = person(&[], "Dupond", "", "").names;
            p.names[0].given.clear();
        };
        assert_eq!(by_ins("2", alike), Some((CertainlyNot, 0)), "60 is enough to be told");
        assert_eq!(by_ins("2", |p| *p = alone(p)), None);
        // By resemblance.
        assert_eq!(of(|_| ()), Some((Certain, 98)), "five strict traits");
        assert_eq!(of(|p| p.birth_place.clear()), Some((Probable, 94)));
        assert_eq!(of(alike), Some((Possible, 60)));
        let below = |p: &mut Person| {
            *p = alone(p);
            p.names = person(&[], "Dupont", "Paul", "").names;
            p.cities = vec!["bron".into()];
        };
        assert_eq!(of(below), None, "30 of 53");
        let edge = |p: &mut Person| {
            *p = alone(p);
            p.names = person(&[], "Dupont", "Zoé", "").names;
            p.birth_date = "1980-03-02".into();
        };
        assert_eq!(of(edge), Some((Probable, 85)), "68 of 80");
        let under = |p: &mut Person| {
            *p = alone(p);
            p.names = person(&[], "Dupont", "Zoé", "").names;
            p.birth_date = "1980-03-02".into();
            p.cities = vec!["bron".into()];
        };
        assert_eq!(of(under), Some((Possible, 81)), "68 of 83");
        let enough = |p: &mut Person| {
            p.names[0].given.clear();
            p.birth_place.clear();
            p.telecoms.clear();
        };
        assert_eq!(of(enough), Some((Probable, 94)), "75 are known of both");
        let little = |p: &mut Person| {
            p.birth_date.clear();
            p.birth_place.clear();
        };
        assert_eq!(of(little), Some((Possible, 84)), "73 are known of both");
        assert_eq!(of(man), Some((Possible, 84)));
    }

    /// Only the numbers.
    fn alone(one: &Person) -> Person {
        Person { identifiers: one.identifiers.clone(), ..Person::default() }
    }

    #[test]
    fn another_ins_is_one_of_the_same_authority_where_none_is_shared() {
        const NIA: &str = "urn:oid:1.2.250.1.213.1.4.9";
        let of = |all: &[(&str, &str)]| person(all, "Dupont", "Zoé", "1980-02-03");
        for (one, other, differ) in [
            (vec![(INS, "1")], vec![(INS, "2")], true),
            (vec![(INS, "1")], vec![(INS, "1")], false),
            (vec![(INS, "1")], vec![(NIA, "2")], false),
            (vec![(INS, "1"), (NIA, "3")], vec![(INS, "2"), (NIA, "3")], false),
            (vec![(INS, "1"), (NIA, "3")], vec![(INS, "2"), (NIA, "4")], true),
            (vec![("urn:x", "1")], vec![("urn:x", "2")], false),
            (vec![], vec![(INS, "2")], false),
        ] {
            assert_eq!(other_ins(&of(&one), &of(&other)), differ, "{one:?} {other:?}");
        }
    }
}
