//! Exports while the feed goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use sluice_mappings::records::{Record, ResourceId};
use sluice_state::StateSettings;

use super::output;
use crate::support::{Lane, Running, ej, patient, settings, stay};

#[test]
fn under_a_live_feed_every_file_is_of_the_same_moment() {
    live(StateSettings::default());
}

#[test]
fn what_the_state_no_longer_remembers_is_folded_again() {
    live(StateSettings { history_records_bytes_max: 0, ..StateSettings::default() });
}

/// Ends a thread when dropped.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn live(state: StateSettings) {
    let server = Running::start_over(settings(), state);
    let mut lane = Lane::of(&server, "EJ1");
    // Each message writes a number into a patient and into its stay.
    let message = |lane: &mut Lane, number: u32, told: u32| {
        let stamp = lane.stamp();
        let mut person = patient(ej("EJ1"), number);
        person.stamp = stamp;
        person.stamp.created = sluice_ids::Seq::new(u64::from(number) + 1);
        person.names[0].family = format!("told{told}");
        let id: ResourceId = person.id;
        let mut venue = stay(ej("EJ1"), number, id, person.stamp);
        venue.identifiers[0].value = format!("told{told}");
        let records = vec![Record::Patient(Arc::new(person)), Record::Stay(Arc::new(venue))];
        // What the journal would be folded to.
        server.vitals.past.lock().extend(records.iter().cloned());
        lane.put_all(records);
    };
    let count = 600;
    (0..count).for_each(|number| message(&mut lane, number, number));
    let (stop, sent) = (AtomicBool::new(false), std::sync::atomic::AtomicU32::new(count));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut lane = lane;
            let mut told = count;
            while !stop.load(Ordering::Relaxed) {
                // New ones among the old ones: every seventh message makes a patient.
                let number = if told % 7 == 0 { count + told / 7 } else { told % count };
                if told % 7 == 0 {
                    let id = lane.patient(number + 100_000, "new");
                    lane.stay(number + 100_000, id);
                } else {
                    message(&mut lane, number, told);
                }
                told += 1;
                sent.store(told, Ordering::Relaxed);
                // A feed of some thousand messages a second: what was replaced since the pin is
                // remembered by bytes.
                if told % 16 == 0 {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        });
        // Also when an assertion fails: the feed would keep the test from ending.
        let _stop = Stop(&stop);
        let mut moments = BTreeSet::new();
        for _ in 0..5 {
            let before = sent.load(Ordering::Relaxed);
            let output = output(&server, "/fhir/R4/$export?_type=Encounter,Patient");
            let told = |resource: &Value, of: &str| match of {
                "Patient" => resource["name"][0]["family"].as_str().unwrap().to_owned(),
                _ => resource["identifier"][0]["value"].as_str().unwrap().to_owned(),
            };
            let patients: BTreeMap<&str, &Value> =
                output["Patient"].iter().map(|p| (p["id"].as_str().unwrap(), p)).collect();
            assert_eq!(patients.len(), output["Patient"].len());
            let mut newest = 0;
            for venue in &output["Encounter"] {
                let reference = venue["subject"]["reference"].as_str().unwrap();
                let person = patients.get(reference.strip_prefix("Patient/").unwrap());
                let person = person.unwrap_or_else(|| panic!("{reference} is not there"));
                let number = told(venue, "Encounter");
                if let Some(number) = number.strip_prefix("told") {
                    assert_eq!(told(person, "Patient"), format!("told{number}"));
                    newest = newest.max(number.parse().unwrap());
                }
            }
            assert!(newest + 20 >= before, "what was sent before it was asked for is there");
            moments.insert(newest);
        }
        assert!(moments.len() > 1, "the feed ran meanwhile");
    });
}
