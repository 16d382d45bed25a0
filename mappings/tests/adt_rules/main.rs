//! Rules of DESIGN §3 that the cases of `fixtures/messages` do not reach: snapshots,
//! identities, ids, movements in time, merges, bounds.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

#[path = "../adt_support/mod.rs"]
mod adt_support;
mod movements;

use adt_support::{Lane, demo_settings, digits, location, plain_entity};
use sluice_mappings::adt::{Change, Effect, IssueCode, Outcome, Records as _};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::records::{IdentifierUse, LinkKind, PatientRecord, RecordType, StayRecord};

fn plain() -> Lane {
    Lane::new(plain_entity())
}

fn french() -> Lane {
    Lane::new(LegalEntity::new(demo_settings("EJ1")).unwrap())
}

/// A message: `|`-led segments after the header, which the tests do not care for.
fn message(event: &str, segments: &[&str]) -> String {
    let body = segments.join("\r");
    format!("MSH|^~\\&|S|F|||20260310||ADT^{event}|C1|P|2.5||||||UNICODE UTF-8\r{body}\r")
}

/// One line of a course: event, EVN-2, PV1-3, PV1-45, and a ZBE as it stands.
fn visit(event: &str, at: &str, place: &str, zbe: &str) -> String {
    let evn = format!("EVN||{at}");
    let pv1 = format!("PV1|1|I|{place}||||||||||||||||V1");
    message(event, &[&evn, "PID|1||P1^^^A||Name^Given", &pv1, zbe])
}

fn codes(outcome: &Outcome) -> Vec<IssueCode> {
    outcome.issues.iter().map(|issue| issue.code).collect()
}

fn only_patient(lane: &Lane) -> PatientRecord {
    let mut patients = lane.records.patients();
    let patient = patients.next().unwrap().clone();
    assert!(patients.next().is_none(), "one patient");
    patient
}

fn only_stay(lane: &Lane) -> StayRecord {
    let mut stays = lane.records.stays();
    let stay = stays.next().unwrap().clone();
    assert!(stays.next().is_none(), "one stay");
    stay
}

/// Place and period of each place that is shown.
fn places(lane: &Lane) -> Vec<String> {
    let stay = only_stay(lane);
    let hour = |moment| digits(moment).get(8..12).unwrap_or_default().to_owned();
    stay.places()
        .map(|(m, place)| {
            let status = m.place_status;
            format!("{} {}-{} {status:?}", place.point_of_care, hour(m.start), hour(m.end))
        })
        .collect()
}

// ---- the snapshot ----

#[test]
fn empty_leaves_alone_null_deletes_and_a_list_is_replaced_as_a_whole() {
    let mut lane = plain();
    let first = "PID|1||P1^^^A||Doe^Ann^^^^^L~Roe^Ann^^^^^D|Mum|19800514|F|||1 St^^Town||555||EN|M";
    lane.take_text(&message("A28", &[first]));
    lane.take_text(&message("A31", &["PID|1||P1^^^A||Poe^Ann^^^^^L||||||||\"\"||||"]));
    let patient = only_patient(&lane);
    assert_eq!(patient.names.len(), 1, "the list of names was replaced");
    assert_eq!(patient.names[0].family, "Poe");
    assert_eq!(patient.telecoms, [], "the null deleted");
    assert_eq!(patient.addresses.len(), 1, "the empty field left the address alone");
    assert_eq!(patient.mothers_maiden_name, "Mum");
    assert_eq!(patient.birth_date.unwrap().to_fhir(), "1980-05-14");
}

#[test]
fn a_part_that_is_null_is_never_kept_as_text() {
    let mut lane = plain();
    lane.take_text(&message("A28", &["PID|1||P1^^^A||\"\"^Oriane^^^^^D"]));
    assert_eq!(only_patient(&lane).names[0].family, "");
}

#[test]
fn contacts_are_all_nk1_of_the_message_and_one_without_a_name_is_none() {
    let mut lane = plain();
    let pid = "PID|1||P1^^^A||N";
    lane.take_text(&message("A28", &[pid, "NK1|1|Doe^Jo|SPO", "NK1|2||FND", "NK1|3|Roe^Al|BRO"]));
    assert_eq!(only_patient(&lane).contacts.len(), 2);
    lane.take_text(&message("A31", &[pid]));
    assert_eq!(only_patient(&lane).contacts.len(), 2, "none sent: left alone");
    lane.take_text(&message("A31", &[pid, "NK1|1|Poe^Jo|SPO"]));
    assert_eq!(only_patient(&lane).contacts.len(), 1);
}

#[test]
fn a_version_moves_only_when_something_changed() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    let before = (only_patient(&lane).stamp, only_stay(&lane).stamp);
    lane.take_text(&visit("A02", "20260310110000", "W2", ""));
    let after = (only_patient(&lane).stamp, only_stay(&lane).stamp);
    assert_eq!(before.0, after.0, "the person is as he was");
    assert_eq!(after.1.created, before.1.created);
    assert!(after.1.version > before.1.version);
}

#[test]
fn what_cannot_be_read_as_a_time_is_left_out_and_told() {
    let mut lane = plain();
    let outcome = lane.take_text(&message("A28", &["PID|1||P1^^^A||N||31/12/1980|F"]));
    assert_eq!(only_patient(&lane).birth_date, None);
    assert!(codes(&outcome).contains(&IssueCode::TimeUnreadable));
    assert_eq!(outcome.issues.last().unwrap().at.to_string(), "PID[1]-7");
}

// ---- identities ----

#[test]
fn ids_are_for_life() {
    // Whoever changes these has changed every id that clients keep.
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    assert_eq!(only_patient(&lane).id.to_string(), "5e847dc2-5994-5101-a0d3-688c6724fed6");
    assert_eq!(only_stay(&lane).id.to_string(), "9d00b573-21dc-54ec-8a56-0efb6af7849c");
}

#[test]
fn the_type_of_an_identifier_has_no_part_in_the_id() {
    let id = |cx: &str| {
        let mut lane = plain();
        lane.take_text(&message("A28", &[&format!("PID|1||{cx}||N")]));
        only_patient(&lane).id
    };
    assert_eq!(id("P1^^^A^PI"), id("P1^^^A^MR"));
    assert_ne!(id("P1^^^A"), id("P1^^^B"));
}

#[test]
fn the_id_comes_from_the_ejs_first_authority_wherever_it_stands_in_the_list() {
    let id = |pid3: &str| {
        let mut lane = french();
        lane.take_text(&message("A28", &[&format!("PID|1||{pid3}||N")]));
        only_patient(&lane).id
    };
    assert_eq!(id("R7^^^LABO~80^^^CHULY&699000014&M"), id("80^^^CHULY&699000014&M~R8^^^LABO"));
}

#[test]
fn an_identifier_that_is_another_patients_stays_with_that_one() {
    let mut lane = french();
    lane.take_text(&message("A28", &["PID|1||80^^^CHULY&699000014&M~R7^^^LABO||N"]));
    let shared = message("A28", &["PID|1||81^^^CHULY&699000014&M~R7^^^LABO||N"]);
    let outcome = lane.take_text(&shared);
    assert!(codes(&outcome).contains(&IssueCode::IdentifierTaken));
    let second = lane.records.patients().find(|p| p.identifiers[0].value == "81").unwrap();
    assert_eq!(second.identifiers.len(), 1);
}

#[test]
fn an_ins_goes_when_its_status_does_and_when_it_is_deleted() {
    let ins = "258056999999902^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.8&ISO^INS";
    let nia = "158056999999903^^^ASIP-SANTE-INS-NIA&1.2.250.1.213.1.4.9&ISO^INS";
    let pid = |list: &str, reliability: &str| {
        format!("PID|1||80^^^CHULY&699000014&M{list}||N{}{reliability}", "|".repeat(27))
    };
    let kept = |lane: &Lane| only_patient(lane).identifiers.len() - 1;
    let mut lane = french();
    lane.take_text(&message("A28", &[&pid(&format!("~{nia}~{ins}"), "VALI")]));
    assert_eq!(kept(&lane), 1, "NIR and NIA together: the NIR");
    assert_eq!(only_patient(&lane).identifiers[1].value, "258056999999902");
    lane.take_text(&message("A31", &[&pid("", "")]));
    assert_eq!(kept(&lane), 1, "a message that does not name it leaves it alone");
    let outcome = lane.take_text(&message("A31", &[&pid(&format!("~{ins}"), "PROV")]));
    assert_eq!(kept(&lane), 0, "no longer qualified");
    assert!(codes(&outcome).contains(&IssueCode::IdentityNotAllowed));
    lane.take_text(&message("A31", &[&pid(&format!("~{ins}"), "VALI")]));
    assert_eq!(kept(&lane), 1);
    let null = "~\"\"^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.8&ISO^INS";
    lane.take_text(&message("A31", &[&pid(null, "")]));
    assert_eq!(kept(&lane), 0, "deleted");
}

#[test]
fn a_message_with_nothing_but_an_ins_is_about_nobody() {
    let mut lane = french();
    let pid = format!("PID|1||2^^^X&1.2.250.1.213.1.4.8&ISO^INS||N{}VALI", "|".repeat(27));
    let outcome = lane.take_text(&message("A28", &[&pid]));
    assert_eq!((outcome.effect, outcome.changes.len()), (Effect::NoEffect, 0));
    assert_eq!(codes(&outcome), [IssueCode::FieldMissing]);
}

#[test]
fn numbers_outside_pid_3_are_shown_and_find_nobody() {
    let mut lane = plain();
    let pid = format!("PID|1|E1|P1^^^A|P1~T4^^^B|N{}900-00-0001", "|".repeat(14));
    lane.take_text(&message("A28", &[&pid]));
    let patient = only_patient(&lane);
    let listed: Vec<_> =
        patient.identifiers.iter().map(|i| format!("{} {}", i.system, i.value)).collect();
    assert_eq!(
        listed,
        [
            "urn:x-sluice:EJ1:A P1",
            "urn:x-sluice:EJ1:pid-2 E1",
            "urn:x-sluice:EJ1:B T4",
            "http://hl7.org/fhir/sid/us-ssn 900-00-0001",
        ]
    );
    lane.take_text(&message("A28", &["PID|1|E1|P2^^^A||N"]));
    assert_eq!(lane.records.patients().count(), 2);
}

// ---- merges ----

fn merge(survivor: &str, loser: &str) -> String {
    let pid = format!("PID|1||{survivor}^^^A||N");
    message("A40", &["EVN||20260311", &pid, &format!("MRG|{loser}^^^A")])
}

#[test]
fn a_merge_links_both_ways_and_moves_the_stays() {
    let mut lane = plain();
    lane.take_text(&message("A28", &["PID|1||P2^^^A||N"]));
    lane.take_text(&visit("A01", "20260310100000", "W1", ""));
    lane.take_text(&merge("P2", "P1"));
    let survivor = lane.records.patients().find(|patient| patient.active).unwrap();
    let loser = lane.records.patients().find(|patient| !patient.active).unwrap();
    assert_eq!(survivor.links[0].kind, LinkKind::Replaces);
    assert_eq!((survivor.links[0].other, loser.replaced_by()), (loser.id, Some(survivor.id)));
    assert_eq!(loser.identifiers, [], "all of them moved");
    assert_eq!(survivor.identifiers[1].r#use, IdentifierUse::Old);
    assert_eq!(only_stay(&lane).patient, survivor.id);
    let id = survivor.id;
    lane.take_text(&visit("A03", "20260310120000", "", ""));
    assert_eq!(lane.records.stays().next().unwrap().patient, id);
    assert_eq!(lane.records.patients().count(), 2, "the old number reaches the survivor");
}

#[test]
fn a_number_that_was_merged_elsewhere_merges_nobody_else() {
    let mut lane = plain();
    for name in ["P1", "P2", "P3"] {
        lane.take_text(&message("A28", &[&format!("PID|1||{name}^^^A||N")]));
    }
    lane.take_text(&merge("P2", "P1"));
    let outcome = lane.take_text(&merge("P3", "P1"));
    assert_eq!((outcome.effect, outcome.changes), (Effect::NoEffect, vec![]));
    assert_eq!(outcome.issues[0].code, IssueCode::MergeLoserElsewhere);
}

#[test]
fn a_patient_merged_without_end_stays_small_and_every_number_reaches_him() {
    let mut lane = plain();
    lane.take_text(&message("A28", &["PID|1||P1^^^A||N"]));
    let mut aliases = 0;
    for n in 0..40 {
        let outcome = lane.take_text(&merge("P1", &format!("L{n}")));
        aliases += outcome.changes.iter().filter(|c| matches!(c, Change::Alias { .. })).count();
    }
    let survivor = only_patient(&lane);
    assert!(survivor.identifiers.len() < 40 && aliases > 0);
    for n in 0..40 {
        let found = lane.records.patient_by_identifier("urn:x-sluice:EJ1:A", &format!("L{n}"));
        assert_eq!(found, Some(survivor.id));
        assert_eq!(lane.take_text(&merge("P1", &format!("L{n}"))).changes, [], "replayed");
    }
}

// ---- bounds ----

#[test]
fn a_hostile_message_leaves_a_small_record_and_few_issues() {
    let mut lane = plain();
    let long = "x".repeat(100_000);
    let many = format!("{long}~").repeat(40);
    let pid = format!("PID|1||P1^^^A||{many}|||Q|||{many}||{many}");
    let nk1 = format!("NK1|1|{long}|{long}").to_owned();
    let mut segments = vec!["EVN||x", pid.as_str()];
    segments.extend(std::iter::repeat_n(nk1.as_str(), 60));
    segments.push("PV1|1|I|W1||||||||||||||||V1");
    let outcome = lane.take_text(&message("A01", &segments));
    assert!(codes(&outcome).contains(&IssueCode::ValueCut));
    assert!(outcome.issues.len() <= sluice_mappings::adt::ISSUES_MAX);
    let bytes = postcard::to_allocvec(&only_patient(&lane)).unwrap().len();
    assert!(bytes < 64 * 1024, "{bytes} bytes");
}

#[test]
fn a_stay_of_a_thousand_moves_stays_small_and_knows_where_the_patient_is() {
    let mut lane = plain();
    lane.take_text(&visit("A01", "20260310000000", "W0", ""));
    for n in 0..1000 {
        let at = format!("202603{:02}{:02}{:02}00", 11 + n / 600, n / 60 % 10, n % 60);
        lane.take_text(&visit("A02", &at, &format!("W{n}"), ""));
        if n % 3 == 0 {
            lane.take_text(&visit("A12", &at, "", ""));
        }
    }
    let stay = only_stay(&lane);
    assert!(stay.movements.len() < 120);
    assert_eq!(location(&stay), "W998");
    assert_eq!(stay.movements[0].event, "A01");
    assert_eq!(digits(stay.situation.start), "20260310000000");
}

#[test]
fn what_is_not_mapped_is_told_and_changes_nothing() {
    let mut lane = plain();
    for event in ["A19", "A99", "Z98", ""] {
        let outcome = lane.take_text(&message(event, &["PID|1||P1^^^A||N"]));
        assert_eq!((outcome.effect, outcome.changes), (Effect::NotMapped, vec![]));
        assert_eq!(outcome.issues[0].code, IssueCode::EventNotMapped);
    }
    let outcome = lane.take_text(&message("", &["EVN|A28", "PID|1||P1^^^A||N"]));
    assert_eq!(outcome.effect, Effect::Applied, "EVN-1 names the event where MSH-9.2 does not");
    let changed: Vec<_> = outcome
        .changes
        .iter()
        .map(|change| match change {
            Change::Put(record) => record.record_type(),
            Change::Alias { .. } => panic!("no merge"),
        })
        .collect();
    assert_eq!(changed, [RecordType::Organization, RecordType::Patient], "the EJ comes with it");
}
