//! Whole feeds: what they leave behind as the independent oracle counts it
//! (`fixtures/oracle`), one French course step by step, and no panic on anything.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads files, says what it skips, and may fail"
)]

mod adt_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use adt_support::{Lane, class, demo_settings, digits, location, repository, split, status};
use serde_json::Value;
use sluice_mappings::adt::Outcome;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::records::{IdentifierUse, PatientRecord, StayRecord};

fn demo_lane(ej: &str) -> Lane {
    Lane::new(LegalEntity::new(demo_settings(ej)).unwrap())
}

/// As an intake would hand them on: a message that came before, byte for byte, is none.
fn play(lane: &mut Lane, bytes: &[u8]) -> Vec<Outcome> {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    let mut outcomes = Vec::new();
    for message in split(bytes) {
        if !taken.contains(&message) {
            outcomes.extend(lane.take(&message));
            taken.push(message);
        }
    }
    outcomes
}

/// Patients and stays as the oracle counts them.
fn counted(lane: &Lane) -> Value {
    let (mut by_status, mut by_class) = (BTreeMap::new(), BTreeMap::new());
    for name in ["planned", "in-progress", "onleave", "finished", "cancelled", "entered-in-error"] {
        by_status.insert(name.to_owned(), 0);
    }
    for stay in lane.records.stays() {
        *by_status.entry(status(stay.status()).to_owned()).or_insert(0) += 1;
        *by_class.entry(class(stay).to_owned()).or_insert(0) += 1;
    }
    let total = lane.records.patients().count();
    let active = lane.records.patients().filter(|patient| patient.active).count();
    serde_json::json!({
        "patients": { "total": total, "active": active, "inactive": total - active },
        "stays": {
            "total": lane.records.stays().count(),
            "by_status": by_status,
            "by_class": by_class,
        },
    })
}

#[test]
fn the_demonstrations_feeds_leave_what_the_oracle_counts() {
    let folder = repository().join("fixtures/feeds/demo");
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    for ej in ["EJ1", "EJ2", "EJ3", "EJ4"] {
        let mut lane = demo_lane(ej);
        play(&mut lane, &std::fs::read(folder.join(format!("{ej}.hl7"))).unwrap());
        for part in ["patients", "stays"] {
            assert_eq!(counted(&lane)[part], expected[ej][part], "{ej} {part}");
        }
    }
}

/// The sentence of each stay and each patient, as `count.py --dump` has it.
fn dump(lane: &Lane) -> Vec<String> {
    let stay = |stay: &StayRecord| {
        let numbers: Vec<_> = stay.identifiers.iter().map(|i| i.value.as_str()).collect();
        format!(
            "{numbers:?} {} {} {:?} {} {}",
            status(stay.status()),
            class(stay),
            location(stay),
            digits(stay.situation.start),
            digits(stay.situation.end),
        )
    };
    let patient = |patient: &PatientRecord| {
        let mut identifiers: Vec<_> = patient
            .identifiers
            .iter()
            .map(|i| format!("{} {}", i.value, i.r#use == IdentifierUse::Old))
            .collect();
        identifiers.sort();
        let own = lane.records.stays().filter(|stay| stay.patient == patient.id);
        let mut stays: Vec<_> = own.map(stay).collect();
        stays.sort();
        format!("{} {identifiers:?} {stays:?}", patient.active)
    };
    let mut all: Vec<_> = lane.records.patients().map(patient).collect();
    all.sort();
    all
}

/// The same out of the oracle's dump. A loser's identifiers are listed there as they were; here
/// they have moved to the survivor.
fn dump_of_oracle(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let stay = |stay: &Value| {
        let numbers: Vec<String> = stay["numbers"].as_array().unwrap().iter().map(text).collect();
        format!(
            "{numbers:?} {} {} {:?} {} {}",
            text(&stay["status"]),
            text(&stay["class"]),
            text(&stay["location"]),
            text(&stay["start"]),
            text(&stay["end"]),
        )
    };
    let patient = |patient: &Value| {
        let active = patient["active"].as_bool().unwrap();
        let own = patient["identifiers"].as_array().unwrap();
        let mut identifiers: Vec<_> = own
            .iter()
            .filter(|_| active)
            .map(|i| format!("{} {}", text(&i["value"]), i["use"] == "old"))
            .collect();
        identifiers.sort();
        let mut stays: Vec<_> = patient["stays"].as_array().unwrap().iter().map(stay).collect();
        stays.sort();
        format!("{active} {identifiers:?} {stays:?}")
    };
    let mut all: Vec<_> = report["dump"].as_array().unwrap().iter().map(patient).collect();
    all.sort();
    all
}

/// Runs the oracle, which needs Python 3.11; `None` where there is none.
fn oracle(ej: &str, file: &Path) -> Option<Value> {
    let output = std::process::Command::new("python3")
        .arg(repository().join("fixtures/oracle/count.py"))
        .args(["--dump", "--ej"])
        .arg(format!("{ej}={}", file.display()))
        .output()
        .ok()?;
    if !output.status.success() {
        println!("skipped: the oracle does not run with this python3");
        return None;
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    Some(report[ej].clone())
}

#[test]
fn every_stay_of_every_feed_is_as_the_oracle_says() {
    let demo = repository().join("fixtures/feeds/demo");
    let mut feeds: Vec<(&str, PathBuf)> = Vec::new();
    for ej in ["EJ1", "EJ2", "EJ3", "EJ4"] {
        feeds.push((ej, demo.join(format!("{ej}.hl7"))));
    }
    feeds.push(("EJ1", repository().join("../shared/feeds/simulated-hospital-adt.hl7")));
    for (ej, file) in feeds {
        if !file.exists() {
            println!("skipped: {} is not here", file.file_name().unwrap().display());
            continue;
        }
        let Some(report) = oracle(ej, &file) else { return };
        let mut lane = demo_lane(ej);
        play(&mut lane, &std::fs::read(&file).unwrap());
        let (ours, theirs) = (dump(&lane), dump_of_oracle(&report));
        let differing: Vec<_> = ours
            .iter()
            .filter(|line| !theirs.contains(line))
            .map(|line| format!("engine {line}"))
            .chain(theirs.iter().filter(|line| !ours.contains(line)).map(|l| format!("oracle {l}")))
            .take(8)
            .collect();
        assert!(differing.is_empty(), "{ej} {}:\n{}", file.display(), differing.join("\n"));
        assert_eq!(ours.len(), theirs.len());
    }
}

#[test]
fn a_feed_applied_again_message_by_message_changes_nothing() {
    let folder = repository().join("fixtures/feeds/demo");
    for ej in ["EJ1", "EJ2", "EJ3", "EJ4"] {
        let mut lane = demo_lane(ej);
        for message in split(&std::fs::read(folder.join(format!("{ej}.hl7"))).unwrap()) {
            lane.take(&message);
            if let Some(again) = lane.take(&message) {
                assert_eq!(again.changes, [], "{ej}");
            }
        }
    }
}

#[test]
fn records_stay_small() {
    let folder = repository().join("fixtures/feeds/demo");
    for ej in ["EJ1", "EJ2", "EJ3", "EJ4"] {
        let mut lane = demo_lane(ej);
        play(&mut lane, &std::fs::read(folder.join(format!("{ej}.hl7"))).unwrap());
        for stay in lane.records.stays() {
            let bytes = postcard::to_allocvec(stay).unwrap().len();
            assert!(bytes < 4096, "a stay of {bytes} bytes");
        }
        for patient in lane.records.patients() {
            let bytes = postcard::to_allocvec(patient).unwrap().len();
            assert!(bytes < 4096, "a patient of {bytes} bytes");
        }
    }
}

/// Status, where the patient is or was last, start, end, and how many places are shown.
fn seen(lane: &Lane) -> Vec<(String, String, String, String, usize)> {
    let one = |stay: &StayRecord| {
        (
            status(stay.status()).to_owned(),
            location(stay),
            digits(stay.situation.start),
            digits(stay.situation.end),
            stay.places().count(),
        )
    };
    lane.records.stays().map(one).collect()
}

#[test]
fn the_french_course_goes_step_by_step_as_its_table_says() {
    let folder = repository().join("fixtures/messages/pam-fr");
    let mut lane = demo_lane("EJ1");
    let mut take = |name: &str| {
        let raw = std::fs::read(folder.join(name)).unwrap();
        let outcome = lane.take(&raw).unwrap();
        let patients: Vec<PatientRecord> = lane.records.patients().cloned().collect();
        (outcome, patients, seen(&lane))
    };
    let step = |status: &str, location: &str, start: &str, end: &str, places: usize| {
        let text = [status, location, start, end].map(str::to_owned);
        let [status, location, start, end] = text;
        vec![(status, location, start, end, places)]
    };
    let (_, patients, stays) = take("01_A28_creation_PROV.hl7");
    let [zoe] = patients.as_slice() else { panic!("one patient") };
    assert_eq!(stays, []);
    assert_eq!(zoe.identifiers.len(), 1);
    assert_eq!(zoe.reliability, ["PROV"]);
    assert_eq!(zoe.names.iter().map(|n| &*n.name_type).collect::<Vec<_>>(), ["D", "L"]);
    assert_eq!(zoe.names[1].family, "TESTARD-DEMO");
    assert_eq!(zoe.birth_place.as_ref().unwrap().district, "69266");
    assert_eq!(zoe.addresses[0].lines, ["12 rue des Églantiers", "Bât. B", "3e étage"]);
    assert_eq!(zoe.telecoms.len(), 3);
    assert_eq!(zoe.declared_practitioners[0].name.family, "TRAITANT");

    let (_, patients, _) = take("02_A31_qualification_INS.hl7");
    assert_eq!(patients.len(), 1);
    assert_eq!(patients[0].identifiers[1].value, "258056999999902");
    assert_eq!(patients[0].identifiers[1].r#use, IdentifierUse::Official);
    assert_eq!(patients[0].reliability, ["VALI"]);

    let (_, _, stays) = take("03_A05_preadmission.hl7");
    assert_eq!(stays, step("planned", "3101", "20260310090000", "", 1));
    let (_, _, stays) = take("04_A01_admission.hl7");
    assert_eq!(stays, step("in-progress", "3101^C305^C305F", "20260310090500", "", 1));
    let (_, _, stays) = take("05_A02_mutation_USIC.hl7");
    assert_eq!(stays, step("in-progress", "3102^U302^U302", "20260310090500", "", 2));
    let (_, _, stays) = take("06_Z99_correction_lit.hl7");
    assert_eq!(stays, step("in-progress", "3102^U304^U304", "20260310090500", "", 2));
    let (_, _, stays) = take("07_A12_annulation_mutation.hl7");
    assert_eq!(stays, step("in-progress", "3101^C305^C305F", "20260310090500", "", 1));
    let (_, _, stays) = take("08_A21_permission.hl7");
    assert_eq!(stays, step("onleave", "3101^C305^C305F", "20260310090500", "", 2));
    let (_, _, stays) = take("09_A22_retour_permission.hl7");
    assert_eq!(stays, step("in-progress", "3101^C305^C305F", "20260310090500", "", 3));
    let (_, _, stays) = take("10_A03_sortie.hl7");
    let finished = step("finished", "3101^C305^C305F", "20260310090500", "20260314101000", 3);
    assert_eq!(stays, finished);
    let (_, _, stays) = take("11_A13_annulation_sortie.hl7");
    assert_eq!(stays, step("in-progress", "3101^C305^C305F", "20260310090500", "", 3));
    let (_, patients, stays) = take("12_A40_fusion.hl7");
    assert_eq!((patients.len(), stays.len()), (1, 1));
    assert_eq!(patients[0].identifiers[2].value, "8000199");
    assert_eq!(patients[0].identifiers[2].r#use, IdentifierUse::Old);
    let (again, _, _) = take("12_A40_fusion.hl7");
    assert_eq!(again.changes, []);

    let mut lane = demo_lane("EJ2");
    lane.take(&std::fs::read(folder.join("13_A28_ISO-8859-15.hl7")).unwrap()).unwrap();
    let loic = lane.records.patients().next().unwrap();
    assert_eq!(loic.names[0].family, "Cœur-Démo");
    assert_eq!(loic.addresses[0].city, "L'HAŸ DÉMO");
    assert_eq!(loic.contacts[0].relationship.text, "Sœur de lait, participe aux frais (20 €)");
    assert_eq!(loic.birth_date.unwrap().to_fhir(), "1984-02-29");
}

#[test]
fn no_message_of_any_project_makes_apply_panic() {
    let mut files = Vec::new();
    for root in ["../shared/messages", "../shared/feeds", "fixtures/messages", "fixtures/feeds"] {
        gather(&repository().join(root), &mut files);
    }
    assert!(files.len() > 100, "only {} files", files.len());
    let (mut french, mut plain) = (demo_lane("EJ1"), Lane::new(adt_support::plain_entity()));
    for file in files {
        for message in split(&std::fs::read(&file).unwrap()) {
            french.take(&message);
            plain.take(&message);
        }
    }
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("skipped: {} is not here", folder.display());
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            gather(&path, files);
        } else {
            files.push(path);
        }
    }
}
