//! PV1: its class, its numbers, the stay that it means; and what is no ADT.

use sluice_mappings::adt::{Effect, IssueCode};
use sluice_mappings::entity::LegalEntity;

use super::adt_support::{Lane, class, demo_settings};
use super::{french, has, issues, pid, plain, segment, stay, take};

fn pv1(class: &str, visit: &str, more: &[(usize, &str)]) -> String {
    segment("PV1", &[&[(2, class), (3, "W1"), (19, visit)], more].concat())
}

const ZBE: &str = "ZBE|M1|20260310080000||INSERT|N||||HMS";

#[test]
fn a_class_is_told_where_its_table_does_not_have_it() {
    for (mut lane, code, is_known) in [
        (plain(), "V", false),
        (plain(), "R", true),
        (french(), "V", true),
        (french(), "Z", false),
        (french(), "I", true),
    ] {
        let outcome = take(&mut lane, "A01", &[&pid(&[]), &pv1(code, "V1", &[]), ZBE]);
        assert_eq!(!has(&outcome, IssueCode::CodeUnknown), is_known, "{code}");
    }
}

#[test]
fn only_a_french_session_without_a_table_of_its_own_is_marked_as_one() {
    for (mut lane, sent, system) in [
        (french(), "R", "FRA0004"),
        (french(), "V", "FRA0004"),
        (french(), "R^^HL70004", "HL70004"),
        (french(), "I", ""),
        (plain(), "R", ""),
        (plain(), "V", ""),
    ] {
        take(&mut lane, "A01", &[&pid(&[]), &pv1(sent, "V1", &[]), ZBE]);
        assert_eq!(stay(&lane, "V1").situation.class.system, system, "{sent}");
    }
}

#[test]
fn the_alternate_visit_number_leads_to_the_stay() {
    let mut lane = plain();
    take(&mut lane, "A01", &[&pid(&[]), &pv1("I", "V1", &[(50, "ALT1")])]);
    take(&mut lane, "A03", &[&pid(&[]), &pv1("I", "", &[(50, "ALT1")])]);
    assert_eq!(lane.records.stays().count(), 1);
    assert!(stay(&lane, "ALT1").is_over());
}

#[test]
fn an_admission_takes_only_the_planned_stay_that_it_names() {
    let mut lane = plain();
    take(&mut lane, "A05", &[&pid(&[]), &pv1("P", "V1", &[])]);
    take(&mut lane, "A01", &[&pid(&[]), &pv1("I", "V2", &[(5, "V9")])]);
    assert_eq!(lane.records.stays().count(), 2, "PV1-5 names another");
    take(&mut lane, "A01", &[&pid(&[]), &pv1("I", "V3", &[(5, "V1")])]);
    assert_eq!(lane.records.stays().count(), 2);
    assert_eq!(class(&stay(&lane, "V3")), "IMP");
    assert_eq!(stay(&lane, "V3").id, stay(&lane, "V1").id);
}

#[test]
fn the_structure_is_mfn_and_m05_both() {
    let mut lane = Lane::new(LegalEntity::new(demo_settings("EJ1")).unwrap());
    for kind in ["MFN^M02", "ADT^M05", "ORU^R01"] {
        let text = format!("MSH|^~\\&|S|F|||20260310||{kind}|C1|P|2.5\rMFI|LOC||REP\r");
        assert_eq!(lane.take_text(&text).effect, Effect::NotMapped, "{kind}");
    }
}

#[test]
fn a_segment_that_the_reader_cannot_name_is_told() {
    let mut lane = plain();
    let outcome = take(&mut lane, "A28", &[&pid(&[]), "pid|1", "FHS|^~\\&"]);
    assert!(has(&outcome, IssueCode::StructureBroken), "{:?}", issues(&outcome));
    assert_eq!(outcome.effect, Effect::Applied);
}

#[test]
fn a_swap_is_of_two() {
    let mut lane = plain();
    let other = segment("PID", &[(3, "P2^^^A"), (5, "Roe^Al")]);
    let two = [&*pid(&[]), &*pv1("I", "V1", &[]), &*other, &*pv1("I", "V2", &[])];
    let missing = "field_missing at PID[1]".to_owned();
    assert!(!issues(&take(&mut lane, "A17", &two)).contains(&missing));
    let one = take(&mut lane, "A17", &two[..2]);
    assert!(issues(&one).contains(&missing), "{:?}", issues(&one));
}

/// FACTS §1: merges, moves and changes of numbers say in MRG whose, or which, it was.
#[test]
fn what_merges_moves_or_renumbers_wants_an_mrg() {
    use sluice_mappings::adt::Trigger;
    let wanting: Vec<_> =
        Trigger::ALL.iter().filter(|event| event.wants_mrg()).map(|event| event.as_str()).collect();
    assert_eq!(
        wanting,
        [
            "A18", "A30", "A34", "A35", "A36", "A39", "A40", "A41", "A42", "A43", "A44", "A45",
            "A46", "A47", "A48", "A49", "A50", "A51"
        ]
    );
}
