//! Laws of `apply` over courses that nobody thought of.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod adt_support;

use adt_support::{Lane, plain_entity};
use proptest::prelude::*;
use sluice_ids::{Micros, Seq};
use sluice_mappings::adt::memory::MemoryRecords;
use sluice_mappings::adt::{Change, Effect, Records};
use sluice_mappings::fhir::{FhirVersion, render};
use sluice_mappings::records::{
    Held, Movement, PatientRecord, PlaceRole, PlaceStatus, Record, Situation, Stamp, StayRecord,
    StayStatus,
};

/// One message about one of a few patients.
#[derive(Debug, Clone)]
struct Step {
    event: &'static str,
    patient: u8,
    /// None: the message gives no number.
    visit: Option<u8>,
    place: Option<u8>,
    class: &'static str,
    /// Minutes after a fixed hour; not always in order.
    minute: u16,
    discharged: bool,
    /// A movement's number, its cancel, and whether it is told after the fact.
    zbe: Option<(u8, bool, bool)>,
}

/// All but the merges, and A17, which is about two patients.
const EVENTS: [&str; 34] = [
    "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A09", "A10", "A11", "A12", "A13",
    "A14", "A15", "A16", "A21", "A22", "A25", "A26", "A27", "A28", "A31", "A32", "A33", "A38",
    "A52", "A53", "A54", "A55", "A60", "A61", "A62", "Z99",
];

fn step(patients: std::ops::Range<u8>) -> impl Strategy<Value = Step> {
    (
        prop::sample::select(&EVENTS[..]),
        patients,
        prop::option::weighted(0.8, 0..2_u8),
        prop::option::weighted(0.8, 0..4_u8),
        prop::sample::select(&["I", "O", "E", "N", "P", "X"][..]),
        0..600_u16,
        prop::bool::weighted(0.1),
        prop::option::weighted(
            0.4,
            (0..6_u8, prop::bool::weighted(0.3), prop::bool::weighted(0.2)),
        ),
    )
        .prop_map(|(event, patient, visit, place, class, minute, discharged, zbe)| Step {
            event,
            patient,
            visit,
            place,
            class,
            minute,
            discharged,
            zbe,
        })
}

fn time(minute: u16) -> String {
    format!("20260310{:02}{:02}00", minute / 60, minute % 60)
}

impl Step {
    fn text(&self, control_id: usize) -> String {
        let visit = self.visit.map(|visit| format!("V{}-{visit}", self.patient));
        let place = self.place.map(|place| format!("W{place}^R{place}^B{place}"));
        let at = time(self.minute);
        let mut pv1 = vec![String::new(); 46];
        pv1[1] = "1".into();
        pv1[2] = self.class.into();
        pv1[3] = place.clone().unwrap_or_default();
        pv1[19] = visit.unwrap_or_default();
        if self.discharged {
            pv1[45] = at.clone();
        }
        pv1[0] = "PV1".into();
        // What the events say that are about something else, out of what the step has anyhow.
        let other = |event: &str| if self.event == event { place.clone() } else { None };
        pv1[11] = ["A09", "A10"].iter().find_map(|event| other(event)).unwrap_or_default();
        pv1[42] = ["A14", "A15"].iter().find_map(|event| other(event)).unwrap_or_default();
        pv1[7] =
            if self.event == "A54" { format!("D{}^Doc", self.minute % 3) } else { String::new() };
        pv1[9] =
            if self.event == "A61" { format!("D{}^Doc", self.minute % 3) } else { String::new() };
        let mut pv2 = vec![String::new(); 48];
        pv2[0] = "PV2".into();
        pv2[9] = if self.event == "A16" { at.clone() } else { String::new() };
        pv2[47] = if self.event == "A21" { at.clone() } else { String::new() };
        let zbe = self.zbe.map_or(String::new(), |(movement, cancel, historic)| {
            // Of a cancel it would be who answers from now on.
            let unit = if cancel { String::new() } else { format!("^^^^^^^^^U{movement}") };
            let action = match (cancel, self.event) {
                (true, _) => "CANCEL",
                (false, "Z99") => "UPDATE",
                _ => "INSERT",
            };
            let historic = if historic { "Y" } else { "N" };
            format!("ZBE|M{}-{movement}|{at}||{action}|{historic}|A02|{unit}\r", self.patient)
        });
        format!(
            "MSH|^~\\&|S|F|||20260310||ADT^{}|C{control_id}|P|2.5\rEVN||{at}\r\
             PID|1||P{}^^^A||Name{}^Given\r{}\r{}\r{zbe}",
            self.event,
            self.patient,
            self.patient,
            pv1.join("|"),
            pv2.join("|"),
        )
    }
}

fn play(steps: &[Step]) -> Lane {
    let mut lane = Lane::new(plain_entity());
    for (n, step) in steps.iter().enumerate() {
        lane.take_text(&step.text(n));
    }
    lane
}

/// The records as they come back from where they were written to. (The aliases, which have no record,
/// come of merges.)
fn read_back(records: &MemoryRecords) -> MemoryRecords {
    let mut again = MemoryRecords::new();
    for record in records.all() {
        let bytes = postcard::to_allocvec(&record).unwrap();
        again.accept(vec![Change::Put(postcard::from_bytes(&bytes).unwrap())]);
    }
    again
}

/// Every record, and what is served of it.
fn served(lane: &Lane) -> Vec<(Record, [Vec<u8>; 2])> {
    let of = |record: Record| {
        let rendered = [FhirVersion::R4, FhirVersion::R5]
            .map(|version| render(&record, &lane.entity, version));
        (record, rendered)
    };
    lane.records.all().map(of).collect()
}

/// What a record must never be, whatever came.
fn contradictions(stay: &StayRecord) -> Result<(), TestCaseError> {
    let places: Vec<_> = stay.places().collect();
    for role in [PlaceRole::Assigned, PlaceRole::Temporary, PlaceRole::Reserved] {
        let holds =
            |m: &Movement| matches!(m.place_status, PlaceStatus::Active | PlaceStatus::Reserved);
        let held = places.iter().filter(|(m, _)| m.role == role && holds(m)).count();
        prop_assert!(held <= 1, "two active places");
    }
    let places: Vec<_> =
        places.into_iter().filter(|(m, _)| m.role == PlaceRole::Assigned).collect();
    let active = places.iter().filter(|(m, _)| m.place_status == PlaceStatus::Active).count();
    if active == 1 {
        prop_assert!(stay.is_open() || stay.status() == StayStatus::Unknown);
        let last = places.last().unwrap().0;
        prop_assert_eq!(last.place_status, PlaceStatus::Active, "the active place is the last");
        prop_assert!(stay.current() == Some(last), "and the current one");
    }
    for (movement, _) in &places {
        if let (Some(start), Some(end)) = (movement.start, movement.end) {
            prop_assert!(!end.is_before(&start), "a place that ends before it begins");
        }
    }
    if stay.status() == StayStatus::Finished {
        prop_assert!(places.iter().all(|(m, _)| m.place_status == PlaceStatus::Completed));
    } else if stay.status() != StayStatus::Cancelled {
        prop_assert_eq!(stay.situation.end, None, "an end without a discharge");
    }
    let stands = stay.movements.iter().any(|movement| movement.stands());
    prop_assert_eq!(stands, stay.status() != StayStatus::Cancelled);
    let mut numbers: Vec<_> =
        stay.movements.iter().filter_map(|m| m.identifier.as_ref()).map(|i| &i.value).collect();
    numbers.sort();
    let all = numbers.len();
    numbers.dedup();
    prop_assert_eq!(all, numbers.len(), "one movement twice");
    Ok(())
}

/// Records without what depends on the place in the journal.
fn bare(lane: &Lane, patient: u8) -> (Vec<PatientRecord>, Vec<StayRecord>) {
    let name = format!("P{patient}");
    let is_own = |record: &&PatientRecord| record.identifiers[0].value == name;
    let mut patients: Vec<_> = lane.records.patients().filter(is_own).cloned().collect();
    let mut stays: Vec<_> = lane
        .records
        .stays()
        .filter(|stay| patients.iter().any(|patient| patient.id == stay.patient))
        .cloned()
        .collect();
    for patient in &mut patients {
        patient.stamp = Stamp::default();
        for held in &mut patient.held {
            bare_movement(&mut held.movement);
        }
    }
    for stay in &mut stays {
        stay.stamp = Stamp::default();
        stay.movements.iter_mut().for_each(bare_movement);
    }
    (patients, stays)
}

fn bare_movement(movement: &mut Movement) {
    movement.seq = Seq::ZERO;
    movement.cancelled = movement.cancelled.map(|_| Seq::ZERO);
    movement.held = movement.held.map(|held| Held { received_at: Micros::default(), ..held });
}

fn situation_of(lane: &Lane, visit: &str) -> Option<Situation> {
    let named = |stay: &&StayRecord| stay.identifiers.iter().any(|i| i.value == visit);
    lane.records.stays().find(named).map(|stay| stay.situation.clone())
}

const PAIRS: [(&str, &str); 14] = [
    ("A01", "A11"),
    ("A02", "A12"),
    ("A03", "A13"),
    ("A05", "A38"),
    ("A06", "A06"),
    ("A09", "A33"),
    ("A10", "A32"),
    ("A14", "A27"),
    ("A15", "A26"),
    ("A16", "A25"),
    ("A21", "A52"),
    ("A22", "A53"),
    ("A54", "A55"),
    ("A61", "A62"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn records_never_contradict_themselves(steps in prop::collection::vec(step(0..2), 1..24)) {
        let mut lane = Lane::new(plain_entity());
        for (n, step) in steps.iter().enumerate() {
            lane.take_text(&step.text(n));
            for stay in lane.records.stays() {
                contradictions(stay)?;
            }
        }
    }

    #[test]
    fn a_message_applied_twice_changes_nothing(steps in prop::collection::vec(step(0..2), 1..24)) {
        let mut lane = Lane::new(plain_entity());
        for (n, step) in steps.iter().enumerate() {
            lane.take_text(&step.text(n));
            let again = lane.take_text(&step.text(n));
            prop_assert_eq!(again.changes, []);
        }
    }

    #[test]
    fn a_rebuild_comes_to_what_was_live_whenever_the_state_was_written_and_read(
        steps in prop::collection::vec(step(0..2), 1..16),
        restarts in prop::collection::vec(prop::bool::weighted(0.3), 16),
    ) {
        let mut live = Lane::new(plain_entity());
        for (n, (step, restarts)) in steps.iter().zip(restarts).enumerate() {
            if restarts {
                live.records = read_back(&live.records);
            }
            live.take_text(&step.text(n));
        }
        prop_assert!(served(&live) == served(&play(&steps)));
    }

    #[test]
    fn a_movement_sent_again_later_under_another_control_id_moves_nothing(
        steps in prop::collection::vec(step(0..1), 2..10),
        again in any::<prop::sample::Index>(),
    ) {
        let mut lane = Lane::new(plain_entity());
        let mut moved = Vec::new();
        for (n, step) in steps.iter().enumerate() {
            let before: Vec<_> = lane.records.stays().cloned().collect();
            lane.take_text(&step.text(n));
            let made = lane.records.stays().any(|stay| {
                let known = before.iter().find(|known| known.id == stay.id);
                let standing = |stay: &StayRecord| {
                    stay.movements.iter().filter(|movement| movement.stands()).count()
                };
                known.is_none_or(|known| standing(known) != standing(stay))
            });
            // An update is no movement: told again, it is a snapshot like any other.
            if made && step.event != "A08" {
                moved.push(step);
            }
        }
        prop_assume!(!moved.is_empty());
        let resent = moved[again.index(moved.len())];
        let outcome = lane.take_text(&resent.text(1000));
        prop_assert_eq!(outcome.changes, []);
    }

    #[test]
    fn an_event_and_its_cancel_leave_the_situation_as_it_was(
        steps in prop::collection::vec(step(0..1), 0..12),
        pair in prop::sample::select(&PAIRS[..]),
        place in 0..4_u8,
        by_number in any::<bool>(),
    ) {
        let (event, cancel) = pair;
        let mut lane = play(&steps);
        // A repeated admission replaces nothing, nor does a second leave of who is away: an A01 is for
        // a stay that is planned, and so is another plan.
        let (visit, opening) = match event {
            "A01" | "A14" => (5, "A05"),
            "A05" => (5, "A14"),
            "A22" => (6, "A21"),
            _ => (0, "A01"),
        };
        let name = format!("V0-{visit}");
        let open = |status| status == StayStatus::InProgress;
        if !situation_of(&lane, &name).is_some_and(|situation| open(situation.status)) {
            let opening = Step {
                event: opening, patient: 0, visit: Some(visit), place: Some(3), class: "O",
                minute: 890, discharged: false, zbe: None,
            };
            lane.take_text(&opening.text(890));
        }
        let before = situation_of(&lane, &name);
        // Without a number, an A06 has no cancel.
        let zbe = |cancel| (by_number || event == "A06").then_some((99, cancel, false));
        let step = Step {
            event, patient: 0, visit: Some(visit), place: Some(place), class: "E", minute: 900,
            discharged: false, zbe: zbe(false),
        };
        lane.take_text(&step.text(900));
        let taken_back =
            Step { event: cancel, place: None, class: "", zbe: zbe(true), ..step };
        // The message's own PV1 says nothing: what was before is what must be there.
        lane.take_text(&taken_back.text(901));
        // PV1-3 of a message that moves nobody corrects the place, which its cancel has no business
        // with.
        let after = situation_of(&lane, &name);
        let same_place = matches!(event, "A03" | "A15" | "A16" | "A54" | "A61");
        if same_place {
            let status = |s: &Option<Situation>| {
                s.as_ref().map(|s| (s.status, s.end, s.start, s.pending_discharge, s.discharged))
            };
            prop_assert_eq!(status(&before), status(&after));
        } else {
            prop_assert!(before == after);
        }
    }

    #[test]
    fn what_is_told_after_the_fact_leaves_the_present_as_it_is(
        steps in prop::collection::vec(step(0..1), 1..12),
        event in prop::sample::select(&["A01", "A02", "A03", "A06", "A07", "A21", "A22", "A54"][..]),
        place in 0..4_u8,
        minute in 0..600_u16,
    ) {
        let mut lane = play(&steps);
        let is_open = |s: &Situation| {
            matches!(s.status, StayStatus::InProgress | StayStatus::OnLeave | StayStatus::Finished)
        };
        prop_assume!(situation_of(&lane, "V0-0").as_ref().is_some_and(is_open));
        let told = |lane: &Lane| {
            let stay = lane.records.stays().find(|s| s.identifiers.iter().any(|i| i.value == "V0-0"));
            let stay = stay.unwrap();
            let s = &stay.situation;
            (
                (s.status, s.class.clone(), s.end, s.expected_return),
                (s.medical_unit.clone(), s.nursing_unit.clone()),
                stay.current().and_then(|movement| movement.place.clone()),
            )
        };
        let before = told(&lane);
        let historic = Step {
            event, patient: 0, visit: Some(0), place: Some(place), class: "E", minute,
            discharged: false, zbe: Some((99, false, true)),
        };
        lane.take_text(&historic.text(900));
        let (status, units, place) = told(&lane);
        prop_assert!(status == before.0);
        // Where nobody knew who answers or where the patient is, what was before is all that is known.
        prop_assert!(before.1.0.is_none() || units.0 == before.1.0);
        prop_assert!(before.2.is_none() || place == before.2);
    }

    #[test]
    fn the_interleaving_of_two_patients_does_not_show(
        mine in prop::collection::vec(step(0..1), 1..12),
        theirs in prop::collection::vec(step(1..2), 1..12),
        order in prop::collection::vec(any::<bool>(), 24),
    ) {
        let one_by_one: Vec<Step> = mine.iter().chain(&theirs).cloned().collect();
        let (mut left, mut right) = (mine.iter(), theirs.iter());
        let mut mixed = Vec::new();
        for take_left in order {
            mixed.extend(if take_left { left.next() } else { right.next() }.cloned());
        }
        mixed.extend(left.chain(right).cloned());
        let (one, other) = (play(&one_by_one), play(&mixed));
        for patient in [0, 1] {
            prop_assert!(bare(&one, patient) == bare(&other, patient));
        }
    }

    #[test]
    fn after_merges_every_identifier_finds_one_survivor(
        merges in prop::collection::vec((0..5_u8, 0..5_u8), 1..12),
        known in prop::collection::vec(any::<bool>(), 5),
    ) {
        let mut lane = Lane::new(plain_entity());
        for (n, known) in known.iter().enumerate() {
            if *known {
                lane.take_text(&format!(
                    "MSH|^~\\&|S|F|||1||ADT^A01|K{n}|P|2.5\rEVN||20260310\rPID|1||P{n}^^^A||N\r\
                     PV1|1|I|||||||||||||||||V{n}\r"
                ));
            }
        }
        let merge = |survivor: u8, loser: u8| format!(
            "MSH|^~\\&|S|F|||1||ADT^A40|M|P|2.5\rEVN||20260311\rPID|1||P{survivor}^^^A||N\r\
             MRG|P{loser}^^^A\r"
        );
        for (survivor, loser) in &merges {
            let outcome = lane.take_text(&merge(*survivor, *loser));
            let again = lane.take_text(&merge(*survivor, *loser));
            prop_assert_eq!(again.changes, [], "a merge replayed");
            prop_assert!(survivor != loser || outcome.effect == Effect::NoEffect);
        }
        let system = "urn:x-sluice:EJ1:A";
        for n in 0..5 {
            let Some(id) = lane.records.patient_by_identifier(system, &format!("P{n}")) else {
                continue;
            };
            let survivor = lane.records.patient(id).unwrap();
            prop_assert!(survivor.active, "an identifier leads to a loser");
            prop_assert_eq!(survivor.replaced_by(), None);
        }
        for patient in lane.records.patients() {
            let mut end = patient.clone();
            for _ in 0..6 {
                let Some(next) = end.replaced_by() else { break };
                end = lane.records.patient(next).unwrap().as_ref().clone();
            }
            prop_assert!(end.active, "a ring, or a chain that ends in a loser");
            prop_assert_eq!(patient.active, patient.replaced_by().is_none());
            prop_assert!(patient.active || patient.identifiers.is_empty());
        }
        for stay in lane.records.stays() {
            prop_assert!(lane.records.patient(stay.patient).unwrap().active, "a stay left behind");
        }
    }
}
