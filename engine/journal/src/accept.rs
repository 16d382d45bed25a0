//! An operator accepts damage: the act is journaled, in the order of every EJ that it touches.

use std::time::{SystemTime, UNIX_EPOCH};

use sluice_ids::{ChannelId, EjId, Micros};

use crate::damage::{Damage, DamageAccepted, DamageId};
use crate::port::{Append, Entry, IdempotencyKey, Kind};
use crate::queue::{Job, Place};
use crate::shared::Shared;
use crate::slot::Slots;

/// Whose order an act stands in that concerns no EJ the journal knows. No real EJ begins with a
/// dot; [`crate::Journal::ejs`] does not name it.
pub const OPERATOR_EJ: &str = ".operator";

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    #[error("no damage is known as {id}")]
    Unknown { id: DamageId },
    #[error("the act could not be journaled: {outcome:?}")]
    NotStored { outcome: Append },
}

pub fn accept(
    shared: &Shared,
    id: DamageId,
    who: &str,
    reason: &str,
) -> Result<Damage, AcceptError> {
    let known = || shared.damages.all().into_iter().find(|d| d.id == id);
    let damage = known().ok_or(AcceptError::Unknown { id })?;
    if damage.accepted {
        return Ok(damage);
    }
    let act = DamageAccepted {
        id,
        first_lsn: damage.first_lsn,
        last_lsn: damage.last_lsn,
        losses: damage.losses.clone(),
        unlisted: damage.unlisted,
        who: who.to_owned(),
        reason: reason.to_owned(),
    };
    let payload = act.encode();
    let name = |text| EjId::new(text).expect("the journal's own names are sound");
    let mut ejs: Vec<EjId> = damage.losses.iter().map(|loss| loss.ej).collect();
    if damage.unlisted || ejs.is_empty() {
        ejs.push(name(OPERATOR_EJ));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
    let mut slots = Slots::default();
    let mut jobs = Vec::new();
    let mut waits = Vec::new();
    for ej in ejs {
        let (completer, future) = slots.pair();
        let entry = Entry {
            kind: Kind::OperatorAct,
            flags: 0,
            verdict: 0,
            ej,
            channel: ChannelId::new("journal").expect("the journal's own names are sound"),
            received_at: Micros::new(now),
            key: IdempotencyKey::default(),
            payload: payload.clone(),
        };
        jobs.push(Job { entry, completer, through_damage: true });
        waits.push(future);
    }
    shared.queue.push(jobs, true, &mut Place::default());
    for wait in waits {
        let outcome = wait.wait();
        if !matches!(outcome, Append::Stored { .. }) {
            return Err(AcceptError::NotStored { outcome });
        }
    }
    shared.damages.accept(&act);
    Ok(known().unwrap_or(damage))
}
