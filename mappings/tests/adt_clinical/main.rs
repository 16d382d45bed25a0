//! What AL1, IAM, DG1, PR1, OBX, IN1 and PD1-7 do to the records: which record is which, what is
//! gone, what stays (FACTS §3; HL7 v2.5.1 §2.10.4).

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

#[path = "../adt_support/mod.rs"]
mod adt_support;
mod laws;

use std::collections::BTreeMap;

use adt_support::{Lane, plain_entity};
use sluice_mappings::adt::{Outcome, Records as _};
use sluice_mappings::records::{
    AllergyRecord, ConditionRecord, CoverageRecord, ObservationRecord, ObservationValue,
    ProcedureRecord, Record, RecordType, RelatedPersonRecord, StayRecord,
};

fn lane() -> Lane {
    Lane::new(plain_entity())
}

/// A message of patient 1 and, where it has a PV1, of his stay V1.
fn message(event: &str, of_stay: bool, segments: &[&str]) -> String {
    let mut text = format!("MSH|^~\\&|A|B|C|D|20260310||ADT^{event}|1|P|2.5.1\rEVN||20260310\r");
    text.push_str("PID|1||P1^^^H||Doe^John\r");
    if of_stay {
        text.push_str("PV1|1|I|W1^R1^B1||||||||||||||||V1^^^H\r");
    }
    for segment in segments {
        text.push_str(segment);
        text.push('\r');
    }
    text
}

/// A segment with these fields and no others.
fn segment(name: &str, fields: &[(usize, &str)]) -> String {
    let mut all = vec![String::new(); fields.iter().map(|field| field.0).max().unwrap_or(0) + 1];
    name.clone_into(&mut all[0]);
    for (field, text) in fields {
        (*text).clone_into(&mut all[*field]);
    }
    all.join("|")
}

fn admit(segments: &[&str]) -> String {
    message("A01", true, segments)
}

fn update(segments: &[&str]) -> String {
    message("A08", true, segments)
}

macro_rules! of_type {
    ($name:ident, $variant:ident, $record:ty) => {
        fn $name(lane: &Lane) -> Vec<$record> {
            let all = lane.records.others(RecordType::$variant);
            all.filter_map(|record| match record {
                Record::$variant(record) => Some((**record).clone()),
                _ => None,
            })
            .collect()
        }
    };
}

of_type!(allergies, AllergyIntolerance, AllergyRecord);

of_type!(conditions, Condition, ConditionRecord);

of_type!(procedures, Procedure, ProcedureRecord);

of_type!(observations, Observation, ObservationRecord);

of_type!(coverages, Coverage, CoverageRecord);

of_type!(persons, RelatedPerson, RelatedPersonRecord);

fn stay(lane: &Lane) -> StayRecord {
    lane.records.stays().next().unwrap().clone()
}

fn codes<'r>(allergies: impl IntoIterator<Item = &'r AllergyRecord>) -> Vec<&'r str> {
    let mut codes: Vec<_> = allergies.into_iter().map(|a| a.code.code.as_str()).collect();
    codes.sort_unstable();
    codes
}

fn issues(outcome: &Outcome) -> Vec<String> {
    outcome.issues.iter().map(|i| format!("{} at {}", i.code.as_str(), i.at)).collect()
}

#[test]
fn a_snapshot_replaces_what_its_kind_brought_and_nothing_else() {
    let mut lane = lane();
    lane.take_text(&admit(&[
        "AL1|1|DA|PEN^Penicillin^L|SV|Rash",
        "AL1|2|FA|NUT^Nuts^L",
        "DG1|1||I10^Hypertension^I10||20260301|A",
    ]));
    assert_eq!(codes(&allergies(&lane)), ["NUT", "PEN"]);
    let pen = allergies(&lane).into_iter().find(|a| a.code.code == "PEN").unwrap();

    lane.take_text(&update(&["AL1|1|DA|PEN^Penicillin^L|MO"]));
    let left = allergies(&lane);
    assert_eq!(codes(&left), ["PEN"]);
    assert_eq!(left[0].id, pen.id, "it is the same allergy");
    assert_eq!((left[0].severity.code.as_str(), left[0].reactions.len()), ("MO", 0));
    assert_eq!(conditions(&lane).len(), 1, "the message had no DG1");

    lane.take_text(&update(&[]));
    assert_eq!(codes(&allergies(&lane)), ["PEN"], "a message without AL1 leaves them alone");
}

#[test]
fn what_is_gone_comes_back_under_its_id() {
    let mut lane = lane();
    lane.take_text(&admit(&["AL1|1|DA|PEN^^L"]));
    let id = allergies(&lane)[0].id;
    lane.take_text(&update(&["AL1|1|FA|NUT^^L"]));
    assert!(allergies(&lane).iter().all(|a| a.id != id));
    let gone = lane.records.record(RecordType::AllergyIntolerance, id).unwrap();
    assert!(gone.stamp().gone, "it is known to be gone");
    lane.take_text(&update(&["AL1|1|DA|PEN^^L"]));
    assert_eq!(allergies(&lane)[0].id, id);
}

#[test]
fn a_null_empties_the_list_and_an_empty_segment_says_nothing() {
    for (kind, one) in [
        ("AL1", "AL1|1|DA|PEN^^L"),
        ("DG1", "DG1|1||I10^^I10|||A"),
        ("PR1", "PR1|1||47^^L||20260301"),
        ("OBX", "OBX|1|NM|8867-4^^LN||72"),
        ("IN1", "IN1|1|PLAN|INS|Insurer"),
    ] {
        let mut lane = lane();
        lane.take_text(&admit(&[one]));
        let count = |lane: &Lane| {
            let types = RecordType::ALL.iter().filter(|ty| {
                matches!(ty.fhir(), "AllergyIntolerance" | "Condition" | "Procedure")
                    || matches!(ty.fhir(), "Observation" | "Coverage")
            });
            types.map(|ty| lane.records.others(*ty).count()).sum::<usize>()
        };
        assert_eq!(count(&lane), 1, "{kind}");
        let outcome = lane.take_text(&update(&[&format!("{kind}|1")]));
        assert_eq!((count(&lane), issues(&outcome)), (1, vec![]), "{kind}: a placeholder");
        lane.take_text(&update(&[&format!("{kind}|\"\"")]));
        assert_eq!(count(&lane), 0, "{kind}|\"\"");
        lane.take_text(&update(&[one]));
        assert_eq!(count(&lane), 1, "{kind}");
        lane.take_text(&update(&[&format!("{kind}|1||\"\"|")]));
        assert_eq!(count(&lane), 0, "{kind}-3 = \"\"");
    }
}

#[test]
fn a_segment_of_nobody_knows_what_is_told() {
    let mut lane = lane();
    let outcome = lane.take_text(&admit(&["AL1|1|DA||SV", "DG1|1||||20260301|A"]));
    assert_eq!(issues(&outcome), ["field_missing at AL1[1]-3", "field_missing at DG1[1]-3"]);
    assert!(allergies(&lane).is_empty() && conditions(&lane).is_empty());
}

#[test]
fn order_and_set_ids_say_nothing() {
    let mut lane = lane();
    let first = ["DG1|1||I10^^I10||20260301|A", "DG1|2||E11^^I10||20260302|W"];
    lane.take_text(&admit(&first));
    let before: BTreeMap<_, _> =
        conditions(&lane).into_iter().map(|c| (c.code.code.clone(), c)).collect();
    lane.take_text(&update(&["DG1|1||E11^^I10||20260302|W", "DG1|2||I10^^I10||20260301|A"]));
    let after: BTreeMap<_, _> =
        conditions(&lane).into_iter().map(|c| (c.code.code.clone(), c)).collect();
    assert!(before == after, "neither is a new version");
    let listed: Vec<_> = stay(&lane).diagnoses.iter().map(|d| d.condition).collect();
    assert_eq!(listed, [after["E11"].id, after["I10"].id], "the stay lists them as they came");
}

#[test]
fn two_equal_diagnoses_are_two_and_stay_told_apart() {
    let mut lane = lane();
    let (old, new) = ("DG1|1||I10^^I10||20200101|A", "DG1|2||I10^^I10||20260301|A");
    lane.take_text(&admit(&[old, new]));
    let onset = |lane: &Lane| -> BTreeMap<_, _> {
        conditions(lane).into_iter().map(|c| (c.id, c.onset.unwrap().to_fhir())).collect()
    };
    let before = onset(&lane);
    assert_eq!(before.len(), 2);
    lane.take_text(&update(&[new, old]));
    assert_eq!(onset(&lane), before, "each keeps its own");
    lane.take_text(&update(&[new]));
    assert_eq!(onset(&lane).into_values().collect::<Vec<_>>(), ["2026-03-01"]);
}

#[test]
fn a_stays_diagnoses_have_use_and_rank() {
    let mut lane = lane();
    lane.take_text(&admit(&[
        "DG1|1||I10^^I10|||A|||||||||1",
        "DG1|2||E11^^I10|||W|||||||||0",
        "DG1|3||J45^^I10|||F|||||||||x",
    ]));
    let stay = stay(&lane);
    let listed: Vec<_> =
        stay.diagnoses.iter().map(|d| (d.diagnosis_type.code.as_str(), d.rank)).collect();
    assert_eq!(listed, [("A", Some(1)), ("W", None), ("F", None)]);
    assert!(conditions(&lane).iter().all(|c| c.stay == Some(stay.id)));
}

#[test]
fn without_a_stay_they_belong_to_the_patient() {
    let mut lane = lane();
    let segments = ["DG1|1||I10^^I10|||A", "PR1|1||47^^L", "OBX|1|NM|8867-4^^LN||72"];
    lane.take_text(&message("A28", false, &segments));
    let again = lane.take_text(&message("A31", false, &segments));
    assert!(again.changes.is_empty(), "told again by another event");
    let patient = lane.records.patients().next().unwrap();
    let types: Vec<_> = patient.parts.iter().map(|part| part.0).collect();
    assert_eq!(types, [RecordType::Condition, RecordType::Procedure, RecordType::Observation]);
    assert_eq!(conditions(&lane)[0].stay, None);

    lane.take_text(&admit(&["DG1|1||I10^^I10|||A"]));
    assert_eq!(conditions(&lane).len(), 2, "the stay's own is another");
}

#[test]
fn action_codes_change_one_record_each() {
    let mut lane = lane();
    let dg1 = |fields: &[(usize, &str)]| segment("DG1", fields);
    let (high, sugar) = ((3, "I10^Hypertension^I10"), (3, "E11^Diabetes^I10"));
    lane.take_text(&admit(&[
        &dg1(&[high, (6, "A"), (15, "1"), (20, "D1"), (21, "A")]),
        &dg1(&[sugar, (6, "W"), (15, "2"), (20, "D2"), (21, "A")]),
    ]));
    assert_eq!(stay(&lane).diagnoses.len(), 2);
    lane.take_text(&update(&[&dg1(&[(20, "D1"), (21, "D")])]));
    let void: Vec<_> = conditions(&lane).iter().filter(|c| c.void).map(|c| c.id).collect();
    assert_eq!(void.len(), 1);
    let left = stay(&lane).diagnoses;
    assert_eq!(left.len(), 1, "what was entered in error is no diagnosis of the stay");
    assert_ne!(left[0].condition, void[0]);

    let change = [(5, "20260302"), (6, "\"\""), (15, ""), (20, "D2"), (21, "U")];
    lane.take_text(&update(&[&dg1(&change)]));
    let kept = conditions(&lane).into_iter().find(|c| !c.void).unwrap();
    assert_eq!(kept.code.code, "E11", "what it leaves empty stays");
    assert_eq!(kept.onset.unwrap().to_fhir(), "2026-03-02");
    let diagnosis = stay(&lane).diagnoses.remove(0);
    assert_eq!((diagnosis.diagnosis_type.code.as_str(), diagnosis.rank), ("", Some(2)));

    lane.take_text(&update(&[&dg1(&[high, (6, "A"), (20, "D1"), (21, "A")])]));
    assert!(conditions(&lane).iter().all(|c| !c.void), "added again");
    lane.take_text(&update(&[&dg1(&[(5, "20200101"), (20, "D1"), (21, "X")])]));
    assert!(conditions(&lane).iter().all(|c| c.onset.is_none_or(|o| o.to_fhir() > "2026".into())));
    let outcome = lane.take_text(&update(&[&dg1(&[(20, "D9"), (21, "D")])]));
    assert_eq!(issues(&outcome), ["nothing_to_cancel at DG1[1]"]);
}

#[test]
fn a_voided_record_that_a_snapshot_brings_again_is_the_same_one() {
    let mut lane = lane();
    lane.take_text(&admit(&["DG1|1||I10^^I10|||A"]));
    let id = conditions(&lane)[0].id;
    lane.take_text(&update(&[&segment("DG1", &[(3, "I10^^I10"), (6, "A"), (21, "D")])]));
    assert!(conditions(&lane)[0].void);
    lane.take_text(&update(&["DG1|1||E11^^I10|||A"]));
    assert_eq!(conditions(&lane).len(), 2, "an error stays told");
    lane.take_text(&update(&["DG1|1||I10^^I10|||W"]));
    let left = conditions(&lane);
    assert_eq!((left.len(), left[0].id, left[0].void), (1, id, false));
}

#[test]
fn iam_does_what_its_action_says_and_al1_leaves_its_numbered_ones() {
    let mut lane = lane();
    let iam = |fields: &[(usize, &str)]| message("A31", false, &[&segment("IAM", fields)]);
    let pen = (3, "PEN^Penicillin^L");
    lane.take_text(&iam(&[(2, "DA"), pen, (4, "SV"), (5, "Rash"), (6, "A"), (7, "K1")]));
    assert_eq!(allergies(&lane)[0].identifiers[0].value, "K1");
    let id = allergies(&lane)[0].id;

    lane.take_text(&update(&["AL1|1|DA|PEN^Penicillin^L|MO", "AL1|2|FA|NUT^^L"]));
    let pen = allergies(&lane).into_iter().find(|a| a.code.code == "PEN").unwrap();
    assert_eq!((pen.id, pen.severity.code.as_str()), (id, "MO"), "one allergy, not two");
    assert_eq!(pen.identifiers[0].value, "K1");

    lane.take_text(&update(&["AL1|1|FA|NUT^^L"]));
    assert_eq!(codes(&allergies(&lane)), ["NUT", "PEN"], "numbered, it is IAM's");

    lane.take_text(&iam(&[(5, "Hives"), (6, "U"), (7, "K1")]));
    let pen = allergies(&lane).into_iter().find(|a| a.id == id).unwrap();
    assert_eq!((pen.severity.code.as_str(), pen.reactions[0].text.as_str()), ("MO", "Hives"));

    lane.take_text(&iam(&[(5, "None"), (6, "X"), (7, "K1")]));
    lane.take_text(&iam(&[(6, "D"), (7, "K1")]));
    let pen = allergies(&lane).into_iter().find(|a| a.id == id).unwrap();
    assert!(pen.void && pen.reactions[0].text == "Hives");
}

#[test]
fn a_cause_and_a_whole_are_found_in_the_same_list() {
    let mut lane = lane();
    lane.take_text(&admit(&[
        "DG1|1||E11^^I10|||A||||||||||||||D1",
        "DG1|2||H36^^I10|||A||||||||||||||D2||D1",
        "DG1|3||N08^^I10|||A||||||||||||||D3||D9",
        "PR1|1||47^^L||20260301||||||||||||||P1",
        "PR1|2||48^^L||20260301||||||||||||||P2||||||P1",
    ]));
    let of = |code: &str| conditions(&lane).into_iter().find(|c| c.code.code == code).unwrap();
    assert_eq!(of("H36").due_to, Some(of("E11").id));
    assert_eq!(of("N08").due_to, None, "a reference leads somewhere or is none");
    let of = |code: &str| procedures(&lane).into_iter().find(|p| p.code.code == code).unwrap();
    assert_eq!(of("48").part_of, Some(of("47").id));
}

#[test]
fn a_cancelled_stay_keeps_what_was_found() {
    let mut lane = lane();
    lane.take_text(&admit(&["DG1|1||I10^^I10|||A", "OBX|1|NM|8867-4^^LN||72"]));
    lane.take_text(&message("A11", true, &[]));
    assert_eq!(stay(&lane).status(), sluice_mappings::records::StayStatus::Cancelled);
    assert_eq!((conditions(&lane).len(), observations(&lane).len()), (1, 1));
    assert_eq!(stay(&lane).diagnoses.len(), 1);
}

#[test]
fn a_merge_takes_them_along() {
    let mut lane = lane();
    lane.take_text(&admit(&[
        "PD1|||||||N",
        "AL1|1|DA|PEN^^L",
        "DG1|1||I10^^I10|||A",
        "OBX|1|NM|8867-4^^LN||72",
        "IN1|1|PLAN|INS^^^X|Insurer||||||||||||Doe^Jane|SPO",
    ]));
    let ids = |lane: &Lane| -> Vec<_> {
        lane.records.all().filter(|r| r.patient().is_some()).map(|r| r.id()).collect()
    };
    let before = ids(&lane);
    lane.take_text(
        "MSH|^~\\&|A|B|C|D|20260310||ADT^A40|2|P|2.5.1\rEVN||20260310\r\
         PID|1||P2^^^H||Doe^John\rMRG|P1^^^H\r",
    );
    let survivor = lane.records.patients().find(|p| p.active).unwrap().clone();
    for record in lane.records.all().filter(|r| r.record_type() != RecordType::Patient) {
        if let Some(patient) = record.patient() {
            assert_eq!(patient, survivor.id, "{record:?}");
        }
    }
    assert_eq!(survivor.parts.len(), 3, "the will, the allergy, the coverage");
    assert!(before.iter().all(|id| ids(&lane).contains(id)), "ids are for life");

    // The next snapshot finds them where they are.
    let allergy = allergies(&lane)[0].id;
    let next =
        update(&["AL1|1|DA|PEN^^L|SV", "IN1|1|PLAN|INS^^^X|Insurer||||||||||||Doe^Jane|SPO"])
            .replace("P1^^^H", "P2^^^H");
    lane.take_text(&next);
    assert_eq!((allergies(&lane).len(), allergies(&lane)[0].id), (1, allergy));
    assert_eq!((coverages(&lane).len(), persons(&lane).len()), (1, 1));
}

#[test]
fn a_living_will_is_the_patients_whatever_obx_says() {
    let mut lane = lane();
    lane.take_text(&message("A28", false, &["PD1|||||||Y^Yes^HL70315"]));
    let will = observations(&lane).remove(0);
    assert_eq!((will.code.code.as_str(), will.status.as_str()), ("75320-2", "F"));
    assert!(matches!(&will.values[..], [ObservationValue::Coded(y)] if y.code == "Y"));
    lane.take_text(&message("A31", false, &["OBX|1|NM|8867-4^^LN||72"]));
    assert_eq!(observations(&lane).len(), 2);
    lane.take_text(&message("A31", false, &["PD1|||||||N^No^HL70315"]));
    let wills: Vec<_> = observations(&lane).into_iter().filter(|o| o.id == will.id).collect();
    assert!(matches!(&wills[0].values[..], [ObservationValue::Coded(n)] if n.code == "N"));
    lane.take_text(&message("A31", false, &["PD1|||||||\"\""]));
    assert_eq!(observations(&lane).len(), 1);
}

#[test]
fn one_person_who_is_insured_twice_is_one() {
    let mut lane = lane();
    let in1 = |n: u8, plan: &str, who: &str, relationship: &str| {
        format!("IN1|{n}|{plan}|INS^^^X|Insurer||||||||||||{who}|{relationship}|19700101")
    };
    lane.take_text(&admit(&[
        &in1(1, "A", "Doe^Jane", "SPO"),
        &in1(2, "B", "Doe^Jane", "SPO"),
        &in1(3, "C", "Doe^John", "SEL"),
    ]));
    assert_eq!(persons(&lane).len(), 1);
    let own = |lane: &Lane, plan: &str| {
        coverages(lane).into_iter().find(|c| c.plan.code == plan).unwrap()
    };
    assert_eq!(own(&lane, "A").subscriber, Some(persons(&lane)[0].id));
    assert_eq!(own(&lane, "B").subscriber, Some(persons(&lane)[0].id));
    assert!(own(&lane, "C").subscriber_is_patient && own(&lane, "C").subscriber.is_none());
    lane.take_text(&update(&[&in1(1, "C", "Doe^John", "SEL")]));
    assert_eq!((coverages(&lane).len(), persons(&lane).len()), (1, 0), "nobody names her");
    let organizations = lane.records.others(RecordType::Organization).count();
    assert_eq!(organizations, 2, "the EJ, and the insurer, who is no part");
}

#[test]
fn told_after_the_fact_they_add_and_change_nothing() {
    let mut lane = lane();
    lane.take_text(&admit(&["AL1|1|DA|PEN^^L|SV"]));
    let late = update(&["ZBE|M1|20260301||INSERT|Y|A02", "AL1|1|DA|PEN^^L|MI", "AL1|2|FA|NUT^^L"]);
    lane.take_text(&late.replace("A08", "A02"));
    assert_eq!(codes(&allergies(&lane)), ["NUT", "PEN"]);
    assert!(allergies(&lane).iter().any(|a| a.severity.code == "SV"));
    lane.take_text(
        &late.replace("A08", "A02").replace("AL1|1", "AL1|9").replace("|2|FA|NUT", "|2|FA|EGG"),
    );
    assert_eq!(codes(&allergies(&lane)), ["EGG", "NUT", "PEN"]);
}

#[test]
fn lists_and_values_are_bounded_and_what_is_cut_is_told() {
    let mut lane = lane();
    let many: Vec<_> = (0..70).map(|n| format!("AL1|{n}|DA|C{n}^^L")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let outcome = lane.take_text(&admit(&many));
    assert_eq!(issues(&outcome), ["value_cut at AL1[65]"]);
    assert_eq!(allergies(&lane).len(), 64);
    let long = format!("OBX|1|TX|note^^L||{}", "é".repeat(3000));
    let outcome = lane.take_text(&update(&[&long]));
    assert_eq!(issues(&outcome), ["value_cut at OBX[1]-5"]);
    assert!(
        matches!(&observations(&lane)[0].values[0], ObservationValue::Text(t) if t.len() == 4096)
    );
    for round in 0..4 {
        let many: Vec<_> = (0..60)
            .map(|n| format!("DG1|{n}||C{round}-{n}^^L|||A||||||||||||||D{round}-{n}|A"))
            .collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        lane.take_text(&update(&many));
    }
    assert_eq!(stay(&lane).diagnoses.len(), 128);
}

#[test]
fn a_stay_whose_parts_alone_changed_has_no_new_version() {
    let mut lane = lane();
    lane.take_text(&admit(&["OBX|1|NM|8867-4^^LN||72"]));
    let before = stay(&lane).stamp;
    lane.take_text(&update(&["OBX|1|NM|8867-4^^LN||72", "OBX|2|NM|8302-2^^LN||180"]));
    assert_eq!(stay(&lane).parts.len(), 2);
    assert_eq!(stay(&lane).stamp, before);
}
