//! The situation is what the movements that stand come to, one after another.
//!
//! Nothing else sets it. So a cancel has only to mark its own movement, whatever came after it,
//! and the same movements always give the same stay.

use crate::records::{
    Coded, Moment, Movement, PlaceRole, PlaceStatus, Situation, StayRecord, StayStatus, Unit,
};

/// Computes the situation, and each movement's period and place status.
pub(super) fn settle(stay: &mut StayRecord) {
    // A deletion (A23, A42) says nothing of what there was.
    let deletes = |m: &Movement| m.effect.status == Some(StayStatus::EnteredInError);
    let voided = !stay.movements.iter().any(|m| m.stands() && !deletes(m));
    // A stay of which nothing stands is cancelled; what it was until then is still worth showing.
    let last_cancel = stay.movements.iter().map(|movement| movement.cancelled).max().flatten();
    let counts = |movement: &Movement| {
        movement.stands() || voided && movement.held.is_none() && movement.cancelled == last_cancel
    };
    let mut course = Course::default();
    for movement in stay.movements.iter().filter(|movement| counts(movement)) {
        course.follow(movement);
    }
    let mut situation = course.situation();
    if !stay.movements.iter().any(Movement::stands) {
        situation.status = StayStatus::Cancelled;
    }
    let placed: Vec<usize> = (0..stay.movements.len())
        .filter(|at| {
            let movement = &stay.movements[*at];
            movement.role == PlaceRole::Assigned && movement.place.is_some() && counts(movement)
        })
        .collect();
    situation.current = placed
        .last()
        .filter(|_| situation.status != StayStatus::Finished)
        .and_then(|at| u16::try_from(*at).ok());
    periods(&mut stay.movements, &placed, &situation);
    other_places(&mut stay.movements, &situation);
    stay.situation = situation;
}

/// A situation in the making: texts are copied once, at the end.
#[derive(Default)]
struct Course<'a> {
    so_far: Situation,
    class: Option<&'a Coded>,
    disposition: Option<&'a Coded>,
    destination: Option<&'a Coded>,
    medical_unit: Option<&'a Unit>,
    nursing_unit: Option<&'a Unit>,
}

impl<'a> Course<'a> {
    fn follow(&mut self, movement: &'a Movement) {
        let (effect, so_far) = (&movement.effect, &mut self.so_far);
        if let Some(status) = effect.status {
            so_far.status = status;
            so_far.expected_return = None;
            if status == StayStatus::Finished {
                // What was to come has come.
                so_far.pending_discharge = None;
            } else {
                so_far.end = None;
                so_far.discharged = false;
                (self.disposition, self.destination) = (None, None);
            }
        }
        so_far.start = effect.start.or(so_far.start);
        so_far.end = effect.end.or(so_far.end);
        so_far.discharged |= effect.discharged;
        so_far.pending_discharge = effect.pending_discharge.or(so_far.pending_discharge);
        so_far.expected_return = effect.expected_return.or(so_far.expected_return);
        self.class = effect.class.as_ref().or(self.class);
        self.medical_unit = effect.medical_unit.as_ref().or(self.medical_unit);
        self.nursing_unit = effect.nursing_unit.as_ref().or(self.nursing_unit);
        if effect.disposition != Coded::default() {
            self.disposition = Some(&effect.disposition);
        }
        if effect.destination != Coded::default() {
            self.destination = Some(&effect.destination);
        }
    }

    fn situation(self) -> Situation {
        Situation {
            class: self.class.cloned().unwrap_or_default(),
            disposition: self.disposition.cloned().unwrap_or_default(),
            destination: self.destination.cloned().unwrap_or_default(),
            medical_unit: self.medical_unit.cloned(),
            nursing_unit: self.nursing_unit.cloned(),
            ..self.so_far
        }
    }
}

/// A place lasts until the next one, the last until the stay ends.
fn periods(movements: &mut [Movement], placed: &[usize], situation: &Situation) {
    for movement in movements.iter_mut() {
        movement.end = None;
        movement.place_status = PlaceStatus::Completed;
    }
    for (n, at) in placed.iter().enumerate() {
        let next = placed.get(n + 1).map(|next| movements[*next].start);
        let movement = &mut movements[*at];
        movement.place_status = match (next, situation.status) {
            // Planned and overtaken: never a place that the patient was in.
            (Some(_), _) if movement.effect.status == Some(StayStatus::Planned) => {
                PlaceStatus::Planned
            }
            (Some(_), _) | (None, StayStatus::Finished) => PlaceStatus::Completed,
            (None, StayStatus::Planned | StayStatus::Cancelled | StayStatus::EnteredInError) => {
                PlaceStatus::Planned
            }
            (None, StayStatus::InProgress | StayStatus::OnLeave | StayStatus::Unknown) => {
                PlaceStatus::Active
            }
        };
        let end = next.unwrap_or(situation.end);
        movement.end = end.map(|end| not_before(end, movement.start));
    }
}

/// A place that ends before it begins (a movement told late, and not as historic) has no time.
fn not_before(end: Moment, start: Option<Moment>) -> Moment {
    match start {
        Some(start) if end.is_before(&start) => start,
        _ => end,
    }
}

/// A temporary place lasts until another one, or until the patient is moved or leaves; a reserved
/// one is kept until then.
fn other_places(movements: &mut [Movement], situation: &Situation) {
    for at in 0..movements.len() {
        let role = movements[at].role;
        if role == PlaceRole::Assigned || !movements[at].stands() {
            continue;
        }
        let ends = |later: &&Movement| {
            later.stands()
                && (later.role == role
                    || later.role == PlaceRole::Assigned && later.place.is_some()
                    || later.effect.status == Some(StayStatus::Finished))
        };
        let next = movements[at + 1..].iter().find(ends).map(|later| later.start);
        let movement = &mut movements[at];
        let is_there = matches!(
            situation.status,
            StayStatus::InProgress | StayStatus::OnLeave | StayStatus::Unknown
        );
        (movement.place_status, movement.end) = match (role, next) {
            (PlaceRole::Temporary, Some(next)) => {
                (PlaceStatus::Completed, next.map(|end| not_before(end, movement.start)))
            }
            (PlaceRole::Temporary, None) if is_there => (PlaceStatus::Active, None),
            (PlaceRole::Reserved, None) if is_there || situation.status == StayStatus::Planned => {
                (PlaceStatus::Reserved, None)
            }
            _ => (PlaceStatus::Planned, None),
        };
    }
}
