//! What is damaged, whom it touches, and what an operator has accepted.
//!
//! Damage stops the EJs that it touches, and only those: appends are refused, and a reader does
//! not move past it, until an operator accepts it by an act that is itself a journal record.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;
use sluice_ids::{EjId, Lsn, Seq};

use crate::format::{Cut, Put};

/// A damage's name, the same at every open: where it begins, as `segment@offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DamageId {
    pub segment: u64,
    pub offset: u64,
}

impl fmt::Display for DamageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.segment, self.offset)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a damage is named as segment@offset, two numbers")]
pub struct DamageIdError;

impl FromStr for DamageId {
    type Err = DamageIdError;

    fn from_str(text: &str) -> Result<Self, DamageIdError> {
        let (segment, offset) = text.split_once('@').ok_or(DamageIdError)?;
        Ok(Self {
            segment: segment.parse().map_err(|_| DamageIdError)?,
            offset: offset.parse().map_err(|_| DamageIdError)?,
        })
    }
}

/// What is wrong at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// One record's payload does not match its checksum; whose it was is known.
    Payload,
    /// Records cannot be made out.
    Records,
    /// A segment's header cannot be read; its records can.
    SegmentHeader,
    /// Records are missing after this place: a segment is lost, cut short, or older than it was.
    Missing,
    /// A segment is whole, and yet not the one that the next one's header tells of.
    Chain,
    /// A record that is sound by itself stands where its `Seq` cannot be.
    Order,
    /// A file holds another segment than its name says, or another journal's.
    Misplaced,
}

impl DamageKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Records => "records",
            Self::SegmentHeader => "segment header",
            Self::Missing => "missing",
            Self::Chain => "chain",
            Self::Order => "order",
            Self::Misplaced => "misplaced",
        }
    }
}

/// What one EJ lost, or may have lost: the `Seq`s above `after`, up to `through`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    pub ej: EjId,
    pub after: Seq,
    pub through: Seq,
    /// False where it cannot be told whose the lost records were.
    pub certain: bool,
}

/// One damaged place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub id: DamageId,
    pub kind: DamageKind,
    /// Where it ends, in bytes from the segment's start.
    pub end: u64,
    /// The first and the last lost lsn; the last is below the first where no record is lost.
    pub first_lsn: Lsn,
    pub last_lsn: Lsn,
    pub losses: Vec<Loss>,
    /// An EJ that the journal does not otherwise know may be touched.
    pub unlisted: bool,
    pub accepted: bool,
}

impl Damage {
    pub fn records(&self) -> u64 {
        (self.last_lsn.get() + 1).saturating_sub(self.first_lsn.get())
    }
}

/// The payload of the [`crate::Kind::OperatorAct`] by which damage is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamageAccepted {
    pub id: DamageId,
    pub first_lsn: Lsn,
    pub last_lsn: Lsn,
    pub losses: Vec<Loss>,
    pub unlisted: bool,
    /// The operator, as the server knows them.
    pub who: String,
    pub reason: String,
}

const ACCEPTED_MAGIC: &[u8; 24] = b"sluice.damage-accepted.1";

impl DamageAccepted {
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        out.put(ACCEPTED_MAGIC);
        out.put_u64(self.id.segment);
        out.put_u64(self.id.offset);
        out.put_u64(self.first_lsn.get());
        out.put_u64(self.last_lsn.get());
        out.push(u8::from(self.unlisted));
        out.put_u32(self.losses.len() as u32);
        for loss in &self.losses {
            out.put(&loss.ej.to_padded());
            out.put_u64(loss.after.get());
            out.put_u64(loss.through.get());
            out.push(u8::from(loss.certain));
        }
        for text in [&self.who, &self.reason] {
            out.put_u32(text.len() as u32);
            out.put(text.as_bytes());
        }
        out.into()
    }

    /// `None` where the payload is another kind of operator act.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut cut = Cut(payload);
        if cut.array::<24>()? != *ACCEPTED_MAGIC {
            return None;
        }
        let id = DamageId { segment: cut.u64()?, offset: cut.u64()? };
        let (first_lsn, last_lsn) = (Lsn::new(cut.u64()?), Lsn::new(cut.u64()?));
        let unlisted = cut.u8()? != 0;
        let mut losses = Vec::new();
        for _ in 0..cut.u32()? {
            losses.push(Loss {
                ej: EjId::from_padded(&cut.array()?).ok()?,
                after: Seq::new(cut.u64()?),
                through: Seq::new(cut.u64()?),
                certain: cut.u8()? != 0,
            });
        }
        let mut text = || {
            let bytes = cut.u32()? as usize;
            String::from_utf8(cut.take(bytes)?.to_vec()).ok()
        };
        Some(Self { id, first_lsn, last_lsn, losses, unlisted, who: text()?, reason: text()? })
    }

    fn covers(&self, damage: &Damage) -> bool {
        self.id == damage.id
            && self.first_lsn <= damage.first_lsn
            && self.last_lsn >= damage.last_lsn
    }
}

/// All damage that is known.
#[derive(Default)]
pub struct DamageBook {
    known: RwLock<Vec<Damage>>,
    /// Whether any stands unaccepted: the one thing that an append looks at.
    stops_any: AtomicBool,
    /// A verification's own book does not speak for the journal.
    unmeasured: bool,
}

impl DamageBook {
    /// Enters what is found. A damage that grew beyond what was accepted stops its EJs again.
    pub fn enter(&self, damage: Damage) {
        let mut known = self.known.write();
        match known.iter_mut().find(|d| d.id == damage.id) {
            Some(same) if same.last_lsn >= damage.last_lsn => {}
            Some(grown) => *grown = damage,
            None => known.push(damage),
        }
        known.sort_by_key(|d| d.id);
        self.note(&known);
    }

    /// Marks what an operator accepted; the losses that stood in the act are the ones that hold.
    pub fn accept(&self, act: &DamageAccepted) {
        let mut known = self.known.write();
        for damage in known.iter_mut().filter(|d| act.covers(d)) {
            damage.accepted = true;
            damage.losses.clone_from(&act.losses);
            damage.unlisted = act.unlisted;
        }
        self.note(&known);
    }

    pub fn unmeasured() -> Self {
        Self { unmeasured: true, ..Self::default() }
    }

    /// Exports how many there are, also where there are none.
    pub fn announce(&self) {
        self.note(&self.known.read());
    }

    fn note(&self, known: &[Damage]) {
        let stops = known.iter().any(|d| !d.accepted && (d.unlisted || !d.losses.is_empty()));
        self.stops_any.store(stops, Ordering::Release);
        if !self.unmeasured {
            metrics::gauge!("sluice_journal_damages")
                .set(known.iter().filter(|d| !d.accepted).count() as f64);
        }
    }

    pub fn all(&self) -> Vec<Damage> {
        self.known.read().clone()
    }

    /// Whether appends to `ej` wait for an operator. `listed`: the journal knows it.
    pub fn stops(&self, ej: EjId, listed: bool) -> bool {
        self.stops_any.load(Ordering::Acquire)
            && self.known.read().iter().any(|d| {
                !d.accepted && (d.losses.iter().any(|l| l.ej == ej) || (d.unlisted && !listed))
            })
    }

    /// The first unaccepted damage that may hold a `Seq` of `ej` in `[from, before)`.
    pub fn between(&self, ej: EjId, from: u64, before: u64) -> Option<DamageId> {
        if !self.stops_any.load(Ordering::Acquire) {
            return None;
        }
        self.known
            .read()
            .iter()
            .filter(|d| !d.accepted)
            .flat_map(|d| d.losses.iter().map(move |l| (l, d.id)))
            .filter(|(l, _)| l.ej == ej && l.through.get() >= from && l.after.get() + 1 < before)
            .min_by_key(|(l, _)| l.after)
            .map(|(_, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn damage(last_lsn: u64) -> Damage {
        Damage {
            id: DamageId { segment: 3, offset: 4096 },
            kind: DamageKind::Records,
            end: 8192,
            first_lsn: Lsn::new(7),
            last_lsn: Lsn::new(last_lsn),
            losses: vec![Loss {
                ej: EjId::new("EJ1").unwrap(),
                after: Seq::new(4),
                through: Seq::new(6),
                certain: true,
            }],
            unlisted: false,
            accepted: false,
        }
    }

    fn acceptance(d: &Damage) -> DamageAccepted {
        DamageAccepted {
            id: d.id,
            first_lsn: d.first_lsn,
            last_lsn: d.last_lsn,
            losses: d.losses.clone(),
            unlisted: d.unlisted,
            who: "Zoé".into(),
            reason: String::new(),
        }
    }

    #[test]
    fn an_acceptance_survives_its_bytes_and_another_act_is_none() {
        let act = acceptance(&damage(8));
        assert_eq!(DamageAccepted::decode(&act.encode()), Some(act));
        assert_eq!(DamageAccepted::decode(b"{\"act\":\"reprocess\"}"), None);
    }

    #[test]
    fn damage_stops_its_ej_until_accepted_and_again_when_it_grows() {
        let (ej1, ej2) = (EjId::new("EJ1").unwrap(), EjId::new("EJ2").unwrap());
        let book = DamageBook::default();
        book.enter(damage(8));
        assert!(book.stops(ej1, true) && !book.stops(ej2, true));
        assert_eq!(book.between(ej1, 1, 5), None);
        assert_eq!(book.between(ej1, 1, 6), Some(damage(8).id));
        assert_eq!(book.between(ej1, 7, 99), None);
        book.accept(&acceptance(&damage(8)));
        assert!(!book.stops(ej1, true));
        book.enter(damage(9));
        assert!(book.stops(ej1, true));
    }

    #[test]
    fn a_damage_name_survives_its_text() {
        let id = DamageId { segment: 12, offset: 4096 };
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("12".parse::<DamageId>(), Err(DamageIdError));
    }
}
