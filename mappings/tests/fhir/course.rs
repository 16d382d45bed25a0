//! What the course of a stay comes to: who takes part from when to when, and how it ended.

use sluice_mappings::fhir::render_history;
use sluice_mappings::records::{
    Movement, MovementEffect, PlaceStatus, Practitioner, Record, RecordType, StayRecord, StayStatus,
};

use super::fhir_records::others::{
    account, allergy, condition, coverage, doctor, observation, organization, practitioner,
    practitioner_role, procedure, related_person,
};
use super::fhir_records::{id, location, moment, movement, patient, place, stay};

fn moved(event: &str, start: &str, effect: MovementEffect) -> Movement {
    let mut one = movement(place("3101", "", "", ""), 30, PlaceStatus::Completed, start);
    one.event = event.into();
    one.effect = effect;
    one
}

/// FACTS §1 A54, A61: a new participant, and an end to the part of the one before.
#[test]
fn who_takes_over_ends_the_part_of_the_one_before_and_of_nobody_else() {
    let takes = |event, start, role, record| {
        let practitioners = Some(vec![doctor(role, Some(record))]);
        moved(event, start, MovementEffect { practitioners, ..MovementEffect::default() })
    };
    let mut record = stay(11, 1);
    let left = Practitioner { end: Some(moment("2026-03-10")), ..doctor("ATND", Some(59)) };
    record.practitioners = vec![left, doctor("ATND", Some(60)), doctor("CON", Some(61))];
    let mut at_no_time = takes("A54", "2026-03-12", "ATND", 63);
    at_no_time.start = None;
    record.movements = vec![
        takes("A54", "2026-03-11", "ATND", 62),
        at_no_time,
        takes("A54", "2026-03-13", "ATND", 64),
        takes("A61", "2026-03-14", "CON", 65),
    ];
    let shown: Vec<_> = record.participants().iter().map(part).collect();
    let expected = [
        (59, None, Some("2026-03-10")),
        (60, None, Some("2026-03-11")),
        (61, None, Some("2026-03-14")),
        // Replaced already when the third came.
        (62, Some("2026-03-11"), None),
        (63, None, Some("2026-03-13")),
        (64, Some("2026-03-13"), None),
        (65, Some("2026-03-14"), None),
    ];
    let expected: Vec<Part> = expected
        .map(|(who, start, end)| (id(who), start.map(str::to_owned), end.map(str::to_owned)))
        .into();
    assert_eq!(shown, expected);
}

type Part = (sluice_mappings::records::ResourceId, Option<String>, Option<String>);

fn part(one: &sluice_mappings::records::Participant<'_>) -> Part {
    let who = one.practitioner.practitioner.unwrap();
    (who, one.start.map(|at| at.to_fhir()), one.end.map(|at| at.to_fhir()))
}

/// FACTS §1 A03, A13; R5 EncounterStatus tells `discharged` from `completed`.
#[test]
fn a_stay_that_was_discharged_is_until_it_is_open_again() {
    let told = |event, start, status, discharged| {
        let effect =
            MovementEffect { status: Some(status), discharged, ..MovementEffect::default() };
        moved(event, start, effect)
    };
    let mut record = stay(11, 1);
    record.movements = vec![
        told("A01", "2026-03-10", StayStatus::InProgress, false),
        told("A03", "2026-03-11", StayStatus::Finished, true),
        // Only its PV1-45 says that it has ended.
        told("A08", "2026-03-12", StayStatus::Finished, false),
        told("A13", "2026-03-13", StayStatus::InProgress, false),
        told("A08", "2026-03-14", StayStatus::Finished, false),
    ];
    assert_eq!(
        statuses(&record),
        ["in-progress", "discharged", "discharged", "in-progress", "completed"]
    );
}

fn statuses(record: &StayRecord) -> Vec<String> {
    let all = render_history(record).into_iter();
    let all = all.map(|one| serde_json::from_slice::<serde_json::Value>(&one.json).unwrap());
    all.map(|json| json["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_record_knows_the_stay_that_it_came_with_or_is() {
    use RecordType::{Condition, Observation, Procedure, Stay};
    let mut of_stay: Vec<RecordType> = Vec::new();
    let all: [Record; 13] = [
        patient(1).into(),
        stay(11, 1).into(),
        location(30, place("3101", "", "", "")).into(),
        organization(40).into(),
        practitioner(60).into(),
        practitioner_role(61).into(),
        related_person(62).into(),
        coverage(63).into(),
        account(64).into(),
        allergy(65).into(),
        with_stay(condition(66).into()),
        with_stay(procedure(67).into()),
        with_stay(observation(68).into()),
    ];
    for record in &all {
        if let Some(stay) = record.stay() {
            assert_eq!(stay, id(11), "{record:?}");
            of_stay.push(record.record_type());
        }
    }
    assert_eq!(of_stay, [Stay, Condition, Procedure, Observation]);
}

fn with_stay(record: Record) -> Record {
    match record {
        Record::Condition(one) => {
            let mut one = (*one).clone();
            one.stay = Some(id(11));
            one.into()
        }
        Record::Procedure(one) => {
            let mut one = (*one).clone();
            one.stay = Some(id(11));
            one.into()
        }
        Record::Observation(one) => {
            let mut one = (*one).clone();
            one.stay = Some(id(11));
            one.into()
        }
        other => other,
    }
}
