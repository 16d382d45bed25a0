//! Searches against a count that another program makes from the exported resources.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::panic::AssertUnwindSafe;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use sluice_mappings::records::{
    Coded, HumanName, Moment, Movement, MovementEffect, Place, PlaceRole, PlaceStatus, Precision,
    RecordType, StayStatus,
};
use support::{Lane, Running, ej, resource_id, settings};

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((x ^ x >> 31) % n as u64).unwrap()
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(4) > 0).then(|| value(self))
    }

    fn span(&mut self, hours: usize) -> Span {
        i64::try_from(self.below(hours)).unwrap().hours()
    }

    /// As a sender in Paris gives it: sometimes the day alone, sometimes less.
    fn moment(&mut self, from: DateTime, hours: usize, precisions: &[Precision]) -> Moment {
        let precision = self.one_of(precisions);
        let seconds = i64::try_from(self.below(3_600)).unwrap().seconds();
        let local = from.checked_add(self.span(hours)).unwrap().checked_add(seconds).unwrap();
        let day = local.date();
        let local = match precision {
            Precision::Year => date(day.year(), 1, 1).at(0, 0, 0, 0),
            Precision::Month => date(day.year(), day.month(), 1).at(0, 0, 0, 0),
            Precision::Day => day.at(0, 0, 0, 0),
            _ => local,
        };
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let zoned = local.to_zoned(paris).unwrap();
        let minutes = i16::try_from(zoned.offset().seconds() / 60).unwrap();
        // A wall clock that the change of clocks leaves out is read as the one after it.
        Moment::new(zoned.datetime(), precision, minutes)
    }
}

const FAMILIES: [&str; 12] = [
    "DUPONT",
    "Dupont-Martin",
    "dupond",
    "Lebœuf",
    "D'Artagnan",
    "D’ARTAGNAN",
    "Élie",
    "ELIE",
    "Wolfeschlegelstein",
    "Wolfeschlegelsteinhausen",
    "de la Tour",
    "O, Brien",
];
const GIVEN: [&str; 8] =
    ["Bénédicte", "BENEDICTE", "Jean-Pierre", "jean pierre", "Zoé", "Øyvind", "Li", "Anne Marie"];

fn person(lane: &mut Lane, number: u32, dice: &mut Dice) {
    use Precision::{Day, Month, Second, Year};
    lane.change(number, |patient| {
        let names = 1 + dice.below(2);
        patient.names = (0..names)
            .map(|_| HumanName {
                family: dice.one_of(&FAMILIES).into(),
                given: vec![dice.one_of(&GIVEN).into()],
                ..HumanName::default()
            })
            .collect();
        let born = date(1979, 11, 1).at(0, 0, 0, 0);
        patient.birth_date =
            dice.maybe(|dice| dice.moment(born, 24 * 200, &[Day, Day, Day, Month, Year, Second]));
        patient.gender = dice.one_of(&["M", "F", "O", "U", "?", ""]).into();
        patient.active = dice.below(8) > 0;
    });
}

fn venue(lane: &mut Lane, name: &str, number: u32, patients: u32, dice: &mut Dice) {
    use Precision::{Day, Millisecond, Month, Second};
    let whose = u32::try_from(dice.below(patients as usize)).unwrap();
    let patient = resource_id(ej(name), "Patient", whose);
    lane.change_stay(number, patient, |stay| {
        // Around the clock's changes of 2026 in Paris, and a year's end.
        let around = dice.one_of(&[date(2026, 3, 27), date(2026, 10, 23), date(2026, 12, 30)]);
        let precisions = [Second, Second, Millisecond, Day, Day, Month];
        let situation = &mut stay.situation;
        situation.start = dice.maybe(|dice| dice.moment(around.at(0, 0, 0, 0), 96, &precisions));
        situation.end = dice.maybe(|dice| dice.moment(around.at(0, 0, 0, 0), 200, &precisions));
        situation.class = Coded {
            code: dice.one_of(&["I", "E", "O", "R", "HDJ", ""]).into(),
            ..Coded::default()
        };
        situation.status = dice.one_of(&[
            StayStatus::Planned,
            StayStatus::InProgress,
            StayStatus::OnLeave,
            StayStatus::Finished,
            StayStatus::Cancelled,
        ]);
        stay.movements = (0..dice.below(3)).map(|_| movement(name, dice)).collect();
    });
}

fn movement(name: &str, dice: &mut Dice) -> Movement {
    let bed = u32::try_from(dice.below(9)).unwrap();
    Movement {
        identifier: None,
        event: "A02".into(),
        seq: sluice_ids::Seq::new(1),
        start: None,
        end: None,
        place: Some(Place {
            point_of_care: "CARDIO".into(),
            bed: bed.to_string(),
            ..Place::default()
        }),
        location: Some(resource_id(ej(name), RecordType::Location.fhir(), bed)),
        role: PlaceRole::Assigned,
        nature: String::new(),
        place_status: PlaceStatus::Completed,
        effect: MovementEffect::default(),
        cancelled: (dice.below(5) == 0).then_some(sluice_ids::Seq::new(1)),
        seen: Vec::new(),
        held: None,
    }
}

fn filled() -> Running {
    let server = Running::start(settings());
    let mut dice = Dice(20_261_120);
    for name in ["EJ1", "EJ2"] {
        let mut lane = Lane::of(&server, name);
        let (patients, stays) = (150, 150);
        for number in 0..patients {
            person(&mut lane, number, &mut dice);
        }
        for number in 0..stays {
            venue(&mut lane, name, number, patients, &mut dice);
        }
        // Rows of versions that are gone must be gone.
        for number in 0..patients / 3 {
            person(&mut lane, number, &mut dice);
        }
    }
    server
}

/// What it said, or why it could not be asked.
fn oracle(server: &Running, more: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/search_oracle.py");
    let base = format!("http://{}", server.address);
    let mut command = Command::new("python3");
    let Ok(output) = command.arg(script).args(more).args([&base, "EJ1", "EJ2"]).output() else {
        return "skipped: python3 is not installed".to_owned();
    };
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(3) {
        return format!("skipped: {said}");
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    said.into_owned()
}

#[test]
fn every_total_is_what_another_program_counts_from_the_export() {
    println!("{}", oracle(&filled(), &[]));
}

/// Sorts, chains and reverse chains too. `ORACLE_SEARCHES` says how many.
#[test]
fn every_search_gives_the_ids_and_the_order_that_another_program_finds_while_a_feed_runs() {
    let server = filled();
    let searches = std::env::var("ORACLE_SEARCHES").unwrap_or_else(|_| "2000".into());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut lanes = ["EJ1", "EJ2"].map(|name| (name, Lane::of(&server, name)));
            let mut dice = Dice(7);
            for turn in 0_u32.. {
                let (name, lane) = &mut lanes[(turn % 2) as usize];
                let number = 100_000 + dice.below(100) as u32;
                let patient = lane.patient(number, &format!("ZQFEED{}", dice.below(1_000)));
                lane.change_stay(number, patient, |stay| {
                    let bed = movement(name, &mut dice);
                    stay.movements = vec![bed];
                    stay.situation.status =
                        dice.one_of(&[StayStatus::InProgress, StayStatus::Finished]);
                });
                if done.load(Ordering::Acquire) {
                    break;
                }
            }
        });
        let asked =
            std::panic::catch_unwind(AssertUnwindSafe(|| oracle(&server, &["--live", &searches])));
        done.store(true, Ordering::Release);
        match asked {
            Ok(said) => println!("{said}"),
            Err(failed) => std::panic::resume_unwind(failed),
        }
    });
}
