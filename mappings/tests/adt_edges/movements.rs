//! Movements among one another: which is told again, which is taken back, and in what order they are.

use sluice_mappings::adt::{IssueCode, Outcome};
use sluice_mappings::records::{PlaceRole, StayRecord, StayStatus};

use super::adt_support::{Lane, digits};
use super::{has, issues, pid, plain, segment, stay, take};

/// A lane, and one patient's messages about V1 in it.
struct Course(Lane);

/// ZBE: number, time, action, and whether it is told after the fact.
type Zbe<'a> = (&'a str, &'a str, &'a str, &'a str);

impl Course {
    /// Admitted to W1 as M1 at eight.
    fn new() -> Self {
        let mut own = Self(plain());
        own.tell("A01", &at("W1"), ("M1", "08", "INSERT", "N"));
        own
    }

    /// An event with a number of its own.
    fn tell(&mut self, event: &str, fields: &[(usize, &str)], zbe: Zbe<'_>) -> Outcome {
        self.tell_with(event, fields, zbe, &[])
    }

    fn tell_with(
        &mut self,
        event: &str,
        fields: &[(usize, &str)],
        (number, hour, action, historic): Zbe<'_>,
        more: &[(usize, &str)],
    ) -> Outcome {
        let at = format!("20260310{hour}0000");
        let own = [(1, number), (2, &*at), (4, action), (5, historic)];
        let zbe = segment("ZBE", &[&own, more].concat());
        take(&mut self.0, event, &[&pid(&[]), &pv1(fields), &zbe])
    }

    /// An event without a number, which took place at `hour` (EVN-6) and was told at `told`.
    fn say(&mut self, event: &str, hour: &str, told: &str, fields: &[(usize, &str)]) -> Outcome {
        self.say_with(event, hour, told, fields, &[])
    }

    fn say_with(
        &mut self,
        event: &str,
        hour: &str,
        told: &str,
        fields: &[(usize, &str)],
        pv2: &[(usize, &str)],
    ) -> Outcome {
        let (hour, told) = (format!("20260310{hour}0000"), format!("20260310{told}0000"));
        let evn = segment("EVN", &[(2, &told), (6, &hour)]);
        take(&mut self.0, event, &[&evn, &pid(&[]), &pv1(fields), &segment("PV2", pv2)])
    }

    fn stay(&self) -> StayRecord {
        stay(&self.0, "V1")
    }

    /// Where the patient was, one after another.
    fn course(&self) -> Vec<String> {
        let stay = self.stay();
        let assigned = stay.places().filter(|(m, _)| m.role == PlaceRole::Assigned);
        assigned.map(|(_, place)| place.point_of_care.clone()).collect()
    }
}

fn pv1(fields: &[(usize, &str)]) -> String {
    segment("PV1", &[&[(2, "I"), (19, "V1")], fields].concat())
}

fn at(place: &str) -> [(usize, &str); 1] {
    [(3, place)]
}

#[test]
fn pv1_44_of_any_event_corrects_the_start_unless_it_is_told_after_the_fact() {
    for event in ["A02", "A03", "A06", "A07", "A15", "A16", "A21", "A22", "A54", "A61"] {
        for (historic, start) in [("N", "20260310073000"), ("Y", "20260310080000")] {
            let mut course = Course::new();
            course.tell("A54", &[(7, "1^House")], ("M2", "09", "INSERT", "N"));
            let said = [(3, "W1"), (44, "20260310073000")];
            course.tell(event, &said, ("M3", "08", "INSERT", historic));
            assert_eq!(digits(course.stay().situation.start), start, "{event} {historic}");
        }
    }
}

#[test]
fn pv1_45_of_what_is_told_after_the_fact_finishes_nothing() {
    for event in ["A08", "A15", "A16"] {
        let mut course = Course::new();
        let said = [(3, "W1"), (45, "20260310090000")];
        course.tell(event, &said, ("M2", "09", "INSERT", "Y"));
        assert_eq!(course.stay().status(), StayStatus::InProgress, "{event}");
    }
}

#[test]
fn pv1_40_of_what_is_told_after_the_fact_says_nothing_of_the_bed_now() {
    for (place, historic, status) in [
        ("W1^R1^B1", "N", "H"),
        ("W1^R1", "N", "H"),
        ("W1^^B1", "N", "H"),
        ("W1", "N", ""),
        ("W1^R1^B1", "Y", ""),
    ] {
        let mut course = Course::new();
        course.tell("A02", &[(3, place), (40, "H")], ("M2", "07", "INSERT", historic));
        let told = course.0.records.others(sluice_mappings::records::RecordType::Location);
        let statuses: String = told
            .filter_map(|record| match record {
                sluice_mappings::records::Record::Location(one) => {
                    Some(one.operational_status.code.clone())
                }
                _ => None,
            })
            .collect();
        assert_eq!(statuses, status, "{place} {historic}");
    }
}

#[test]
fn a_return_expects_none() {
    let mut course = Course::new();
    course.say("A21", "09", "09", &[]);
    course.say_with("A22", "10", "10", &[], &[(47, "20260320")]);
    assert_eq!(course.stay().situation.expected_return, None);
}

#[test]
fn an_update_of_who_is_back_leaves_the_leave_as_it_was() {
    let mut course = Course::new();
    course.say_with("A21", "09", "09", &[], &[(47, "20260315")]);
    course.say("A22", "10", "10", &[]);
    course.say_with("A08", "11", "11", &[], &[(47, "20260320")]);
    course.say("A53", "12", "12", &[]);
    assert_eq!(digits(course.stay().situation.expected_return), "20260315");
}

#[test]
fn a_discharge_told_again_says_what_it_says_now() {
    let end = |course: &Course| {
        let now = course.stay().situation;
        (digits(now.end), now.disposition.code, now.destination.code)
    };
    for event in ["A03", "A08"] {
        let mut course = Course::new();
        let first = [(36, "01"), (37, "H1"), (45, "20260310120000")];
        course.say("A03", "12", "12", &first);
        let then = [(36, "02"), (37, "H2"), (45, "20260310130000")];
        course.say(event, "13", "13", &then);
        let said = ("20260310130000".to_owned(), "02".to_owned(), "H2".to_owned());
        assert_eq!(end(&course), said, "{event}");
        course.say(event, "14", "14", &[]);
        assert_eq!(end(&course), said, "{event}: what is not said again stays");
    }
    let mut course = Course::new();
    course.say("A08", "12", "12", &[(36, "01"), (37, "H1"), (45, "20260310120000")]);
    assert_eq!(
        end(&course),
        ("20260310120000".to_owned(), "01".to_owned(), "H1".to_owned()),
        "PV1-45 of an update is a discharge like any"
    );
}

#[test]
fn a_movement_told_again_keeps_what_it_does_not_say_again() {
    let mut course = Course::new();
    let back = |day| segment("PV2", &[(47, day)]);
    let zbe = |hour| {
        segment("ZBE", &[(1, "M2"), (2, "20260310090000"), (4, "INSERT"), (5, "N"), (9, hour)])
    };
    let lane = &mut course.0;
    take(lane, "A21", &[&pid(&[]), &pv1(&[]), &back("20260315"), &zbe("H")]);
    take(lane, "A21", &[&pid(&[]), &pv1(&[]), &zbe("M")]);
    assert_eq!(digits(course.stay().situation.expected_return), "20260315");
    // Its number, used again for something else, brings nothing of what it was.
    course.tell("A02", &at("W2"), ("M2", "09", "INSERT", "N"));
    assert_eq!(course.stay().situation.expected_return, None);
    assert_eq!(course.stay().movements[1].effect.expected_return, None);
}

#[test]
fn a_unit_that_nobody_knew_is_no_other_than_was_known() {
    for (field, role) in [(7, "medical"), (8, "nursing")] {
        let mut course = Course::new();
        let unit = [(field, "^^^^^^^^^U1")];
        let told = course.tell_with("A02", &at("W2"), ("M2", "09", "INSERT", "N"), &[]);
        assert!(!has(&told, IssueCode::CancelDiffersFromMessage));
        let said = course.tell_with("A12", &at("W1"), ("M2", "09", "CANCEL", "N"), &unit);
        assert!(!has(&said, IssueCode::CancelDiffersFromMessage), "{role}");
        let now = course.stay().situation;
        assert_eq!(now.medical_unit.is_some(), field == 7);
        assert_eq!(now.nursing_unit.is_some(), field == 8);
        // The other one is new, and this one is known and the same: still nothing differs.
        let both = [(7, "^^^^^^^^^U1"), (8, "^^^^^^^^^U1")];
        course.tell_with("A02", &at("W2"), ("M3", "10", "INSERT", "N"), &[]);
        let said = course.tell_with("A12", &at("W1"), ("M3", "10", "CANCEL", "N"), &both);
        assert!(!has(&said, IssueCode::CancelDiffersFromMessage), "{role}");
        let other = [(7, "^^^^^^^^^U2"), (8, "^^^^^^^^^U1")];
        course.tell_with("A02", &at("W2"), ("M4", "11", "INSERT", "N"), &[]);
        let said = course.tell_with("A12", &at("W1"), ("M4", "11", "CANCEL", "N"), &other);
        assert!(has(&said, IssueCode::CancelDiffersFromMessage), "another is");
    }
}

#[test]
fn what_is_told_after_the_fact_stands_before_the_last_assigned_place() {
    let mut course = Course::new();
    course.say("A09", "10", "10", &[(3, "W1"), (11, "X")]);
    course.tell("A02", &at("W2"), ("M2", "09", "INSERT", "Y"));
    assert_eq!(course.course(), ["W2", "W1"]);
}

#[test]
fn of_one_time_what_is_told_later_stands_later() {
    let mut course = Course::new();
    course.tell("A02", &at("W2"), ("M2", "09", "INSERT", "N"));
    course.tell("A02", &at("W3"), ("M3", "10", "INSERT", "N"));
    course.tell("A02", &at("W4"), ("M4", "09", "INSERT", "Y"));
    assert_eq!(course.course(), ["W1", "W2", "W4", "W3"]);
}

#[test]
fn a_correction_that_says_the_same_time_moves_nothing() {
    let mut course = Course::new();
    course.tell("A02", &at("W2"), ("M2", "10", "INSERT", "N"));
    course.tell("A02", &at("W3"), ("M3", "09", "INSERT", "N"));
    course.tell("A02", &at("W4"), ("M4", "11", "INSERT", "N"));
    course.tell_with("Z99", &at("W3"), ("M3", "09", "UPDATE", "N"), &[(6, "A02")]);
    assert_eq!(course.course(), ["W1", "W2", "W3", "W4"]);
}

#[test]
fn what_was_there_before_the_feed_is_never_told_again() {
    let mut course = Course(plain());
    course.say("A08", "08", "08", &at("W1"));
    course.tell("A21", &[], ("M1", "07", "INSERT", "Y"));
    course.say("A21", "09", "09", &[]);
    assert_eq!(course.stay().status(), StayStatus::OnLeave);
}

#[test]
fn only_the_event_that_stands_last_is_told_again() {
    let mut course = Course::new();
    course.say("A54", "09", "09", &[(7, "1^House")]);
    course.say("A15", "09", "10", &[(42, "W9")]);
    course.say("A54", "09", "11", &[(7, "1^House")]);
    let count = course.stay().movements.iter().filter(|m| m.event == "A54").count();
    assert_eq!(count, 2);
}

#[test]
fn a_change_of_doctors_told_again_is_one_change() {
    let attending = |course: &Course| -> Vec<String> {
        let stay = course.stay();
        let changes = stay.movements.iter().filter(|m| m.stands());
        let named = changes.filter_map(|m| Some(m.effect.practitioners.as_ref()?.clone()));
        named.flatten().map(|one| one.name.family).collect()
    };
    for (hour, doctor, left) in
        [("09", "1^House", &[][..]), ("10", "1^House", &["House"]), ("09", "2^Grey", &["House"])]
    {
        let mut course = Course::new();
        course.say("A54", "09", "09", &[(7, "1^House")]);
        course.say("A54", hour, "11", &[(7, doctor)]);
        course.say("A55", "12", "12", &[]);
        assert_eq!(attending(&course), left, "{hour} {doctor}");
    }
    let mut course = Course::new();
    course.say("A54", "09", "09", &[(3, "W2"), (7, "1^House")]);
    assert_eq!(course.course(), ["W2"], "without a number, PV1-3 corrects the place");
}

#[test]
fn the_present_keeps_what_it_does_not_say_itself() {
    let mut course = Course::new();
    let unit = |unit| [(7, unit), (8, unit)];
    course.tell_with("A02", &at("W1"), ("M2", "09", "INSERT", "N"), &unit("^^^^^^^^^U1"));
    course.tell("A54", &[(7, "1^House")], ("M3", "11", "INSERT", "N"));
    course.tell_with("A02", &at("W2"), ("M4", "10", "INSERT", "Y"), &unit("^^^^^^^^^U2"));
    let stay = course.stay();
    let now = &stay.situation;
    for unit in [&now.medical_unit, &now.nursing_unit] {
        assert_eq!(unit.as_ref().unwrap().identifier.value, "U1");
    }
    assert_eq!(course.course(), ["W1", "W1", "W2", "W1"], "and where the patient is");
    assert_eq!(stay.movements.last().unwrap().effect.status, None, "nothing is put on it in vain");
    // A leave that was told before it, and is taken back, leaves no trace on what came after.
    let mut course = Course::new();
    course.say_with("A21", "09", "09", &[], &[(47, "20260315")]);
    course.tell("A54", &[(7, "1^House")], ("M3", "11", "INSERT", "N"));
    let zbe = segment("ZBE", &[(1, "M4"), (2, "20260310100000"), (4, "INSERT"), (5, "Y")]);
    let back = segment("PV2", &[(47, "20260320")]);
    take(&mut course.0, "A21", &[&pid(&[]), &pv1(&[]), &back, &zbe]);
    assert_eq!(digits(course.stay().situation.expected_return), "20260315");
}

#[test]
fn the_places_beside_a_movement_say_nothing_else() {
    let mut course = Course::new();
    let unit = |unit| [(7, unit)];
    let moved = [(3, "W2"), (11, "X")];
    course.tell_with("A02", &moved, ("M2", "09", "INSERT", "N"), &unit("^^^^^^^^^U2"));
    let corrected = [(6, "A02"), (7, "^^^^^^^^^U3"), (9, "HMS")];
    course.tell_with("Z99", &at("W2"), ("M2", "09", "UPDATE", "N"), &corrected);
    let now = course.stay().situation;
    assert_eq!(now.medical_unit.unwrap().identifier.value, "U3");
}

#[test]
fn a_plan_that_a_transfer_began_is_lost_alone() {
    let mut course = Course(plain());
    course.tell("A05", &at("W1"), ("M1", "08", "INSERT", "N"));
    course.tell("A02", &at("W2"), ("M2", "09", "INSERT", "N"));
    course.tell("A38", &[], ("M1", "08", "CANCEL", "N"));
    assert_eq!(course.stay().status(), StayStatus::InProgress);
    assert_eq!(course.course(), ["W2"]);
}

#[test]
fn a_movement_is_told_at_its_number_where_it_was_taken_back_before() {
    let mut course = Course::new();
    course.tell("A02", &at("W2"), ("M2", "09", "INSERT", "N"));
    course.tell("A12", &at("W1"), ("M2", "09", "CANCEL", "N"));
    let again = course.tell("A12", &at("W9"), ("M2", "09", "CANCEL", "N"));
    assert_eq!(issues(&again), ["nothing_to_cancel at ZBE[1]-1"]);
    assert_eq!(course.course(), ["W1"]);
}

#[test]
fn the_first_of_two_cancels_that_waited_took_the_movement_back() {
    let mut course = Course::new();
    course.tell("A12", &at("W1"), ("M2", "09", "CANCEL", "N"));
    let first = course.0.seq;
    course.tell("A12", &at("W9"), ("M2", "09", "CANCEL", "N"));
    course.tell_with("Z99", &at("W9"), ("M2", "10", "UPDATE", "N"), &[(6, "A02")]);
    course.tell("A02", &at("W2"), ("M2", "09", "INSERT", "N"));
    let stay = course.stay();
    let moved = stay.movements.iter().find(|m| m.event == "A02").unwrap();
    assert_eq!(moved.cancelled.map(sluice_ids::Seq::get), Some(first));
}

#[test]
fn a_class_change_is_kept_longer_than_a_mere_place() {
    let mut course = Course::new();
    course.say("A06", "09", "09", &[(2, "E"), (3, "W1")]);
    let hour = |n: usize| format!("{:02}", 10 + n % 14);
    for n in 0..110 {
        course.tell("A02", &at(&format!("W{n}")), (&format!("N{n}"), &hour(n), "INSERT", "N"));
    }
    assert_eq!(course.stay().situation.class.code, "E");
    // Where there are none but such, the oldest goes, and never the one that has just come.
    let mut course = Course::new();
    for n in 0..95 {
        let class = if n % 2 == 0 { "E" } else { "I" };
        course.tell("A06", &[(2, class), (3, "W1")], (&format!("N{n}"), &hour(n), "INSERT", "N"));
    }
    assert_eq!(course.stay().movements.len(), 96);
    course.tell("A02", &at("W9"), ("LAST", "23", "INSERT", "N"));
    assert_eq!(course.course().last().unwrap(), "W9");
    assert_eq!(course.stay().movements.len(), 96);
}

#[test]
fn a_deletion_is_a_movement_of_its_own() {
    let mut course = Course::new();
    course.tell("A23", &[], ("M1", "09", "INSERT", "N"));
    let stay = course.stay();
    let events: Vec<_> = stay.movements.iter().map(|m| &*m.event).collect();
    assert_eq!(events, ["A01", "A23"]);
}

#[test]
fn an_admission_told_after_the_fact_opens_nothing_anew() {
    let mut course = Course::new();
    course.tell("A01", &[(2, "E"), (3, "W9")], ("M2", "07", "INSERT", "Y"));
    assert_eq!(course.course(), ["W9", "W1"]);
    assert_eq!(course.stay().situation.class.code, "I");
}

#[test]
fn what_waited_for_a_movement_does_not_say_what_it_is() {
    let mut course = Course::new();
    course.tell_with("Z99", &at("W5"), ("M2", "10", "UPDATE", "N"), &[(6, "A06")]);
    course.tell("A02", &at("W2"), ("M2", "09", "INSERT", "N"));
    let events: Vec<_> = course.stay().movements.iter().map(|m| m.event.clone()).collect();
    assert_eq!(events, ["A01", "A02"]);
    assert_eq!(course.course(), ["W1", "W5"]);
}

#[test]
fn an_update_that_a_stay_was_first_seen_by_is_an_update_like_any_when_it_comes_again() {
    let mut course = Course(plain());
    for place in ["W1", "W2", "W1"] {
        course.say("A08", "08", "08", &at(place));
        assert_eq!(course.course(), [place]);
    }
}

#[test]
fn what_comes_after_two_discharges_stands_before_both() {
    let mut course = Course::new();
    course.tell("A03", &[], ("M2", "12", "INSERT", "N"));
    course.tell("A03", &[], ("M3", "13", "INSERT", "N"));
    course.tell("A02", &at("W2"), ("M4", "11", "INSERT", "N"));
    course.tell("A13", &[], ("M3", "13", "CANCEL", "N"));
    assert_eq!(course.stay().status(), StayStatus::Finished);
    assert_eq!(course.course(), ["W1", "W2"]);
}

#[test]
fn a_discharge_that_pv1_45_tells_is_no_other_event() {
    let mut course = Course::new();
    course.say("A02", "09", "09", &[(3, "W2"), (45, "20260310100000")]);
    course.say("A12", "11", "11", &[]);
    assert_eq!(course.course(), ["W1"], "the transfer is taken back");
    assert_eq!(course.stay().status(), StayStatus::Finished);
}
