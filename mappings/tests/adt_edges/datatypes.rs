//! Datatypes and their bounds.

use sluice_mappings::adt::IssueCode;

use super::{has, issues, patient, pid, plain, take};

#[test]
fn a_number_is_kept_whole_up_to_its_bound_or_not_at_all() {
    for (length, is_kept) in [(512, true), (513, false), (600, false)] {
        let mut lane = plain();
        let number = "9".repeat(length);
        let listed = format!("P1^^^A~{number}^^^B");
        let person = super::segment("PID", &[(3, &listed), (5, "Doe^Ann")]);
        let outcome = take(&mut lane, "A28", &[&person]);
        let own = patient(&lane, "P1").identifiers;
        assert_eq!(own.iter().any(|one| one.value == number), is_kept, "{length}");
        assert_eq!(has(&outcome, IssueCode::ValueCut), !is_kept, "{length}");
    }
    let mut lane = plain();
    let outcome =
        take(&mut lane, "A28", &[&super::segment("PID", &[(3, "P1^^^A~X\0Y^^^B"), (5, "D")])]);
    assert!(has(&outcome, IssueCode::ValueCut), "a NUL is in no number");
    assert_eq!(patient(&lane, "P1").identifiers.len(), 1);
}

#[test]
fn so_many_repetitions_are_kept_and_more_are_told() {
    for (count, is_told) in [(15, false), (16, false), (17, true), (20, true)] {
        let mut lane = plain();
        let names: Vec<_> = (0..count).map(|at| format!("Doe^A{at}")).collect();
        let person = super::segment("PID", &[(3, "P1^^^A"), (5, &names.join("~"))]);
        let outcome = take(&mut lane, "A28", &[&person]);
        assert_eq!(has(&outcome, IssueCode::ValueCut), is_told, "{count}");
        assert_eq!(patient(&lane, "P1").names.len(), count.min(16), "{count}");
    }
}

#[test]
fn an_address_is_one_by_any_part_that_says_where() {
    for (xad, is_one) in [
        ("1 St", true),
        ("^^Town", true),
        ("^^^^75001", true),
        ("^^^^^FRA", true),
        ("^^^^^^H", false),
    ] {
        let mut lane = plain();
        take(&mut lane, "A28", &[&pid(&[(11, xad)])]);
        assert_eq!(patient(&lane, "P1").addresses.len(), usize::from(is_one), "{xad}");
    }
}

#[test]
fn an_electronic_address_is_its_e_mail_alone() {
    for (xtn, values) in [
        ("111^NET^^a@b.example", &["a@b.example"][..]),
        ("111^PRN^Internet^a@b.example", &["a@b.example"]),
        ("111^PRN^X.400^a@b.example", &["a@b.example"]),
        ("111^PRN^PH^a@b.example", &["111", "a@b.example"]),
        ("^PRN^PH^a@b.example", &["a@b.example"]),
    ] {
        let mut lane = plain();
        take(&mut lane, "A28", &[&pid(&[(13, xtn)])]);
        let own = patient(&lane, "P1").telecoms;
        let said: Vec<_> = own.iter().map(|one| &*one.value).collect();
        assert_eq!(said, values, "{xtn}");
    }
}

#[test]
fn a_rank_counts_from_one() {
    for (order, rank) in [("1", Some(1)), ("0", None), ("-1", None), ("2", Some(2))] {
        let mut lane = plain();
        take(&mut lane, "A28", &[&pid(&[(13, &format!("111^PRN^PH{}{order}", "^".repeat(15)))])]);
        assert_eq!(patient(&lane, "P1").telecoms[0].rank, rank, "{order}");
    }
}

#[test]
fn a_time_is_deleted_by_the_null_of_the_field_or_of_its_first_part() {
    for null in ["\"\"", "\"\"^D"] {
        let mut lane = plain();
        take(&mut lane, "A28", &[&pid(&[(7, "19800101")])]);
        let outcome = take(&mut lane, "A31", &[&pid(&[(7, null)])]);
        assert_eq!(patient(&lane, "P1").birth_date, None, "{null}");
        assert!(!has(&outcome, IssueCode::TimeUnreadable), "{:?}", issues(&outcome));
    }
}

#[test]
fn an_authority_is_the_uri_that_it_says_it_is() {
    for (hd, system) in [
        ("&1.2.3&ISO", "urn:oid:1.2.3"),
        ("&12&ISO", "urn:x-sluice:EJ1:12"),
        ("&1.x.3&ISO", "urn:x-sluice:EJ1:1.x.3"),
        ("&1..3&ISO", "urn:x-sluice:EJ1:1..3"),
        (
            "&0F8FAD5B-D9CB-469F-A165-70867728950E&UUID",
            "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e",
        ),
        ("&nothing&UUID", "urn:x-sluice:EJ1:nothing"),
        ("&https://a.example/ipp&URI", "https://a.example/ipp"),
        ("&plain&URI", "urn:x-sluice:EJ1:plain"),
        ("&a:b c&URI", "urn:x-sluice:EJ1:a%3Ab%20c"),
        ("NS", "urn:x-sluice:EJ1:NS"),
        ("", "urn:x-sluice:EJ1:patient"),
    ] {
        let mut lane = plain();
        let listed = format!("P1^^^{hd}^PI");
        take(&mut lane, "A28", &[&super::segment("PID", &[(3, &listed), (5, "Doe^Ann")])]);
        assert_eq!(patient(&lane, "P1").identifiers[0].system, system, "{hd}");
    }
}

#[test]
fn what_a_code_was_sent_as_stays_beside_what_it_stands_for() {
    let settings = toml::from_str(
        "id = \"EJ1\"\nname = \"an EJ\"\ntime_zone = \"Europe/Paris\"\n[[site.code]]\n\
         table = \"0069\"\nfrom = \"X\"\nto = \"MED\"\n",
    );
    let entity = sluice_mappings::entity::LegalEntity::new(settings.unwrap()).unwrap();
    for (sent, third) in [
        ("X^Text", ""),
        ("X^Text^^ALT^Other^M", "ALT"),
        ("X^Text^^^^^^^^T3^Third^N", "T3"),
        ("X^Text^^ALT^Other^M^^^^T3^Third^N", "T3"),
    ] {
        let mut lane = super::adt_support::Lane::new(entity.clone());
        let pv1 = super::segment("PV1", &[(2, "I"), (3, "W1"), (10, sent), (19, "V1")]);
        take(&mut lane, "A01", &[&pid(&[]), &pv1]);
        let service = super::stay(&lane, "V1").service;
        assert_eq!((&*service.code, &*service.alternate_code), ("MED", "X"), "{sent}");
        let further = service.further.map(|further| further.third_code);
        assert_eq!(further, Some(third.to_owned()).filter(|code| !code.is_empty()), "{sent}");
    }
}
