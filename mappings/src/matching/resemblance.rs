//! How alike two people are, by what both sides know of them.
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

use super::Person;
use crate::fhir::codes::administrative_sex::Gender;

/// What speaks for it, of what both know: weights, and how much of them agrees.
#[derive(Default)]
pub(super) struct Resemblance {
    pub known: u32,
    /// Hundredths of weights.
    agrees: u32,
    pub contradicts: bool,
}

impl Resemblance {
    fn add(&mut self, weight: u32, agreement: Option<u32>) {
        if let Some(agreement) = agreement {
            self.known += weight;
            self.agrees += weight * agreement;
        }
    }

    pub fn hundredths(&self) -> u32 {
        self.agrees.checked_div(self.known).unwrap_or(0)
    }

    /// Nothing is known of both, or half of it agrees.
    pub fn speaks_for(&self) -> bool {
        self.known == 0 || self.hundredths() >= 50
    }
}

pub(super) fn resemblance(asked: &Person, known: &Person) -> Resemblance {
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
    use super::super::asked::Name;
    use super::*;

    #[test]
    fn one_slip_of_the_keyboard_is_one_apart() {
        for (one, other) in [("martin", "marin"), ("martin", "martim"), ("martin", "matrin")] {
            assert_eq!(like(one, other), 60, "{one} {other}");
            assert_eq!(like(other, one), 60, "{other} {one}");
        }
        assert_eq!(like("martin", "mortim"), 0);
        assert_eq!(like("le", "ly"), 0, "too short to tell");
    }

    #[test]
    fn two_names_are_alike_as_far_as_the_table_says() {
        for (one, other, alike) in [
            ("martin", "martin", 100),
            ("dupont", "dupont martin", 70),
            ("martin", "dupont martin", 70),
            ("ann", "mary ann", 70),
            // What it begins with, however short; elsewhere it tells too little.
            ("le", "le gall", 70),
            ("al", "jean al", 0),
            ("abcd", "abcde", 60),
            ("abcd", "xabcd", 60),
            ("abcd", "abdc", 60),
            ("abcd", "abxy", 0),
            ("abcd", "abdx", 0),
            ("abcd", "abxc", 0),
            ("abcd", "abcdef", 0),
            ("ann", "anne", 0),
            ("abc", "abd", 0),
        ] {
            assert_eq!(like(one, other), alike, "{one} {other}");
            assert_eq!(like(other, one), alike, "{other} {one}");
        }
    }

    #[test]
    fn two_dates_of_birth_are_alike_as_far_as_the_table_says() {
        for (one, other, alike) in [
            ("1980-02-03", "1980-02-03", Some(100)),
            ("1980", "1980-02-03", Some(50)),
            ("1980-02", "1980-02-03", Some(50)),
            ("1980", "1980", Some(50)),
            ("1980-02", "1980", Some(50)),
            ("1980-03", "1980-02-03", Some(0)),
            ("1981", "1980-02", Some(0)),
            ("1980-02-03", "1980-03-02", Some(60)),
            ("1980-02-03", "1981-03-02", Some(0)),
            ("1980-02-03", "1980-03-04", Some(0)),
            ("1980-02-03", "1980-04-02", Some(0)),
            ("1980-02-03", "1980-02-04", Some(40)),
            ("1980-02-03", "1980-12-03", Some(40)),
            ("1980-02-03", "1990-02-03", Some(40)),
            ("1980-02-03", "1990-02-04", Some(0)),
            ("", "1980-02-03", None),
            ("", "", None),
        ] {
            assert_eq!(birth(one, other), alike, "{one} {other}");
            assert_eq!(birth(other, one), alike, "{other} {one}");
        }
    }

    fn whole() -> Person {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Person {
            identifiers: Vec::new(),
            names: vec![Name {
                of_use: "official".into(),
                family: "dupont".into(),
                given: texts(&["zoe", "anne"]),
            }],
            birth_date: "1980-02-03".into(),
            gender: Some(Gender::Female),
            birth_place: "69123".into(),
            postal_codes: texts(&["69003"]),
            cities: texts(&["lyon"]),
            telecoms: texts(&["611223344"]),
            mothers_maiden_name: "martin".into(),
        }
    }

    #[test]
    fn each_part_has_its_weight_where_both_know_it() {
        type Change = fn(&mut Person);
        let changes: [(&str, Change, (u32, u32, bool)); 30] = [
            ("nothing", |_| (), (113, 11_300, false)),
            ("family", |p| p.names[0].family = "durand".into(), (113, 8_300, false)),
            ("a letter", |p| p.names[0].family = "dupond".into(), (113, 10_100, false)),
            ("one of two", |p| p.names[0].family = "dupont martin".into(), (113, 10_400, false)),
            ("no family", |p| p.names[0].family.clear(), (83, 8_300, false)),
            ("the second", |p| p.names[0].given = vec!["anne".into()], (113, 11_100, false)),
            ("one more", |p| p.names[0].given[0] = "zoe marie".into(), (113, 11_100, false)),
            ("both given", |p| p.names[0].given = vec!["zoe x".into()], (113, 10_700, false)),
            ("given", |p| p.names[0].given = vec!["paul".into()], (113, 9_300, false)),
            ("no given", |p| p.names[0].given.clear(), (93, 9_300, false)),
            ("no name", |p| p.names.clear(), (63, 6_300, false)),
            ("no birth", |p| p.birth_date.clear(), (83, 8_300, false)),
            ("the month", |p| p.birth_date = "1980-02".into(), (113, 9_800, false)),
            ("exchanged", |p| p.birth_date = "1980-03-02".into(), (113, 10_100, false)),
            ("another year", |p| p.birth_date = "1981-02-03".into(), (113, 9_500, false)),
            ("born", |p| p.birth_date = "1981-12-13".into(), (113, 8_300, true)),
            ("sex", |p| p.gender = Some(Gender::Male), (113, 10_500, true)),
            ("unknown", |p| p.gender = Some(Gender::Unknown), (105, 10_500, false)),
            ("no sex", |p| p.gender = None, (105, 10_500, false)),
            ("telecom", |p| p.telecoms[0] = "6".into(), (113, 10_500, false)),
            ("no telecom", |p| p.telecoms[0].clear(), (105, 10_500, false)),
            ("two", |p| p.telecoms.insert(0, String::new()), (113, 11_300, false)),
            ("mother", |p| p.mothers_maiden_name = "x".into(), (113, 10_800, false)),
            ("no mother", |p| p.mothers_maiden_name.clear(), (108, 10_800, false)),
            ("born in", |p| p.birth_place = "13055".into(), (113, 10_800, false)),
            ("born nowhere", |p| p.birth_place.clear(), (108, 10_800, false)),
            ("postal code", |p| p.postal_codes[0] = "69001".into(), (113, 10_900, false)),
            ("no postal code", |p| p.postal_codes.clear(), (109, 10_900, false)),
            ("city", |p| p.cities[0] = "bron".into(), (113, 11_000, false)),
            ("no city", |p| p.cities.clear(), (110, 11_000, false)),
        ];
        for (what, change, expected) in changes {
            let (known, mut asked) = (whole(), whole());
            change(&mut asked);
            for (one, other) in [(&asked, &known), (&known, &asked)] {
                let found = resemblance(one, other);
                assert_eq!((found.known, found.agrees, found.contradicts), expected, "{what}");
            }
        }
    }
}
