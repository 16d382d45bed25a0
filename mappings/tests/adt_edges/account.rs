//! PID-18, MRG-3, PV1-41 and PV1-51: the account.

use sluice_mappings::adt::{Effect, IssueCode};
use sluice_mappings::records::{IdentifierUse, RecordType};

use super::{account, french, has, patient, pid, plain, segment, stay, take};

fn pv1(visit: &str, more: &[(usize, &str)]) -> String {
    segment("PV1", &[&[(2, "I"), (3, "W1"), (19, visit)], more].concat())
}

/// ZBE of a movement, as French feeds have it.
fn zbe(movement: &str, at: &str, historic: &str) -> String {
    segment("ZBE", &[(1, movement), (2, at), (4, "INSERT"), (5, historic), (9, "HMS")])
}

#[test]
fn a_closed_account_is_opened_by_an_event_that_opens_a_stay_and_by_no_other() {
    let mut lane = french();
    let of_d1 = pid(&[(18, "D1")]);
    take(&mut lane, "A01", &[&of_d1, &pv1("V1", &[]), &zbe("M1", "20260310080000", "N")]);
    let closes = pv1("V1", &[(41, "D"), (45, "20260311080000")]);
    take(&mut lane, "A03", &[&of_d1, &closes, &zbe("M2", "20260311080000", "N")]);
    assert!(!account(&lane, "D1").active);
    take(&mut lane, "A31", &[&of_d1]);
    assert!(!account(&lane, "D1").active, "an A31 only names it");
    take(&mut lane, "A01", &[&of_d1, &pv1("V2", &[]), &zbe("M3", "20260312080000", "N")]);
    assert!(account(&lane, "D1").active);
}

#[test]
fn a_cancelled_account_is_valid_again_when_a_stay_is_opened_in_it() {
    let mut lane = french();
    let of_d1 = pid(&[(18, "D1")]);
    take(&mut lane, "A01", &[&of_d1, &pv1("V1", &[]), &zbe("M1", "20260310080000", "N")]);
    take(&mut lane, "A11", &[&of_d1, &pv1("V1", &[(51, "A")]), &zbe("M1", "20260310080000", "N")]);
    let cancelled = account(&lane, "D1");
    assert!(!cancelled.active && cancelled.void);
    take(&mut lane, "A01", &[&of_d1, &pv1("V2", &[]), &zbe("M2", "20260312080000", "N")]);
    let again = account(&lane, "D1");
    assert!(again.active && !again.void);
}

#[test]
fn a_cancelled_discharge_opens_no_account_that_was_cancelled() {
    let mut lane = french();
    let of_d1 = pid(&[(18, "D1")]);
    take(&mut lane, "A01", &[&of_d1, &pv1("V1", &[]), &zbe("M1", "20260310080000", "N")]);
    take(&mut lane, "A11", &[&of_d1, &pv1("V1", &[]), &zbe("M1", "20260310080000", "N")]);
    take(&mut lane, "A13", &[&of_d1, &pv1("V1", &[]), &zbe("M2", "20260311080000", "N")]);
    assert!(!account(&lane, "D1").active);
}

#[test]
fn pv1_41_is_french_and_of_the_present() {
    let mut lane = plain();
    let of_d1 = pid(&[(18, "D1")]);
    take(&mut lane, "A01", &[&of_d1, &pv1("V1", &[])]);
    take(&mut lane, "A03", &[&of_d1, &pv1("V1", &[(41, "D")])]);
    assert!(account(&lane, "D1").active, "elsewhere PV1-41 is the sender's own code");

    let mut lane = french();
    take(&mut lane, "A01", &[&of_d1, &pv1("V1", &[]), &zbe("M1", "20260310080000", "N")]);
    let told = pv1("V1", &[(41, "D")]);
    take(&mut lane, "A03", &[&of_d1, &told, &zbe("M0", "20260301080000", "Y")]);
    assert!(account(&lane, "D1").active, "a historic movement is of the past");
}

#[test]
fn a_patient_lists_the_first_accounts_and_all_are_found() {
    let mut lane = plain();
    for at in 0..66 {
        take(&mut lane, "A31", &[&pid(&[(18, &format!("D{at}"))])]);
    }
    let one = patient(&lane, "P1");
    let listed = one.parts.iter().filter(|part| part.0 == RecordType::Account).count();
    assert_eq!(listed, 64);
    assert_eq!(account(&lane, "D65").patient, one.id);
}

#[test]
fn the_loser_of_a_merge_leaves_its_number_as_old_and_its_stays_to_the_survivor() {
    let mut lane = plain();
    for (visit, number) in [("V1", "D1"), ("V2", "D2"), ("V3", "D3")] {
        take(&mut lane, "A01", &[&pid(&[(18, number)]), &pv1(visit, &[])]);
    }
    let merge = [&*pid(&[(18, "D2")]), "MRG|P1^^^A||D1"];
    let outcome = take(&mut lane, "A41", &merge);
    assert!(!has(&outcome, IssueCode::MergeWithSelf));
    let survivor = account(&lane, "D2");
    let uses: Vec<_> = survivor.identifiers.iter().map(|own| (&*own.value, own.r#use)).collect();
    assert_eq!(uses, [("D2", IdentifierUse::default()), ("D1", IdentifierUse::Old)]);
    for (visit, number) in [("V1", "D2"), ("V2", "D2"), ("V3", "D3")] {
        let stay = stay(&lane, visit);
        assert_eq!(stay.account.unwrap().value, number, "{visit}");
        assert_eq!(stay.account_record, Some(account(&lane, number).id), "{visit}");
    }
    let again = take(&mut lane, "A41", &merge);
    assert!(!has(&again, IssueCode::MergeWithSelf), "told again, it is done");
    let itself = take(&mut lane, "A41", &[&*pid(&[(18, "D2")]), "MRG|P1^^^A||D2"]);
    assert!(has(&itself, IssueCode::MergeWithSelf));
}

#[test]
fn a_loser_that_nobody_knows_leaves_its_number_as_old() {
    let mut lane = plain();
    take(&mut lane, "A41", &[&pid(&[(18, "D2")]), "MRG|P1^^^A||D1"]);
    let uses = |number| {
        let account = account(&lane, number);
        account.identifiers.iter().map(|own| own.r#use).collect::<Vec<_>>()
    };
    assert_eq!(uses("D2"), [IdentifierUse::default(), IdentifierUse::Old]);

    let mut lane = plain();
    take(&mut lane, "A49", &[&pid(&[(18, "D2")]), "MRG|P1^^^A||D1"]);
    let uses: Vec<_> = account(&lane, "D2").identifiers.iter().map(|own| own.r#use).collect();
    assert_eq!(uses, [IdentifierUse::default(), IdentifierUse::Old]);
}

#[test]
fn a_changed_account_number_is_that_of_its_stays_alone() {
    let mut lane = plain();
    for (visit, number) in [("V1", "D1"), ("V3", "D3")] {
        take(&mut lane, "A01", &[&pid(&[(18, number)]), &pv1(visit, &[])]);
    }
    let change = [&*pid(&[(18, "D2")]), "MRG|P1^^^A||D1"];
    take(&mut lane, "A49", &change);
    assert_eq!(stay(&lane, "V1").account.unwrap().value, "D2");
    assert_eq!(stay(&lane, "V3").account.unwrap().value, "D3");
    let again = take(&mut lane, "A49", &change);
    assert!(!has(&again, IssueCode::IdentifierTaken), "told again, it is done");
    let taken = take(&mut lane, "A49", &[&*pid(&[(18, "D3")]), "MRG|P1^^^A||D1"]);
    assert!(has(&taken, IssueCode::IdentifierTaken));
}

#[test]
fn an_account_that_is_given_away_leaves_the_others_of_its_patient() {
    let mut lane = plain();
    take(&mut lane, "A31", &[&pid(&[(18, "D1")])]);
    take(&mut lane, "A31", &[&pid(&[(18, "D2")])]);
    let to = segment("PID", &[(3, "P2^^^A"), (5, "Roe^Al"), (18, "D1")]);
    let outcome = take(&mut lane, "A44", &[&to, "MRG|P1^^^A||D1"]);
    assert_eq!(outcome.effect, Effect::Applied);
    let parts = |number| patient(&lane, number).parts;
    assert_eq!(parts("P1"), [(RecordType::Account, account(&lane, "D2").id)]);
    assert_eq!(parts("P2"), [(RecordType::Account, account(&lane, "D1").id)]);
}
