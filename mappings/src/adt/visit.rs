//! What a message says about a stay: PV1, PV2, ZBE, EVN, read once.

use std::cell::OnceCell;

use super::{IssueCode, own_fields, zbe};
use sluice_ids::Seq;

use super::draft::Draft;
use super::event::Trigger;
use super::values::at;
use crate::entity::AuthorityUse;
use crate::fhir::codes::patient_class::FRENCH_TABLE;
use crate::hl7::datatypes::{Cwe, Cx, Dld, Ei, Ts};
use crate::hl7::{Location, Message, Segment, Segments};
use crate::records::{Coded, Identifier, Moment, OwnField, Place, ResourceId, Unit};
use crate::site::SiteResource;

/// ZBE-4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Insert,
    /// What an empty ZBE-4 says too: only of a Z99 does it tell anything from `Insert`.
    Update,
    Cancel,
}

/// A place and its record.
#[derive(Clone)]
pub(super) struct Placed {
    pub place: Place,
    pub location: ResourceId,
}

pub(super) struct Visit<'m> {
    pub event: Trigger,
    pub pid: Segment<'m>,
    pub pv1: Segment<'m>,
    pub pv2: Segment<'m>,
    pub mrg: Segment<'m>,
    /// The ROL of the stay: those after PV1 that are of no procedure and no insurance.
    pub roles: Segments<'m>,
    /// Of the French extension.
    pub zfv: Segment<'m>,
    pub zfm: Segment<'m>,
    /// ZBE-1.
    pub movement: Option<Identifier>,
    pub action: Action,
    /// ZBE-6: the event that made the movement.
    pub origin: Option<Trigger>,
    /// ZBE-9, as a set.
    pub nature: String,
    /// ZBE-7, ZBE-8.
    pub medical_unit: Option<Unit>,
    pub nursing_unit: Option<Unit>,
    /// ZBE-5 = Y: told after the fact, the present is not to be moved by it.
    pub historic: bool,
    /// ZBE-2.
    pub effective: Option<Moment>,
    /// EVN-6.
    pub occurred: Option<Moment>,
    /// EVN-2.
    pub recorded: Option<Moment>,
    /// PV1-44, PV1-45.
    pub admitted: Option<Moment>,
    pub discharged: Option<Moment>,
    /// PV2-8.
    pub expected: Option<Moment>,
    /// PV1-2; `None` where it says nothing.
    pub class: Option<Coded>,
    pub fingerprint: u64,
    /// What the EJ's site says to keep besides.
    pub own: Vec<OwnField>,
    pub seq: Seq,
    /// PV1-3, PV1-6 and the visit number, read when first asked for.
    placed: OnceCell<Option<Placed>>,
    prior: OnceCell<Option<Placed>>,
    numbered: OnceCell<Option<Identifier>>,
}

impl<'m> Visit<'m> {
    /// `segments`: the patient's own, where a message is about several (A17).
    pub fn read(
        draft: &mut Draft<'_>,
        message: &'m Message<'_>,
        segments: Segments<'m>,
        event: Trigger,
    ) -> Self {
        let segment = |name| segments.segment(name);
        let (pv1, pv2, zbe) = (segment("PV1"), segment("PV2"), segment("ZBE"));
        let evn = message.segment("EVN");
        let roles = segments.after("PV1").before("PR1").before("GT1").before("IN1");
        let mut moment = |segment: &Segment<'_>, field: usize| {
            draft.moment(Ts::of(segment.field(field)), at(segment, field))
        };
        let (effective, occurred, recorded) = (moment(&zbe, 2), moment(&evn, 6), moment(&evn, 2));
        let (admitted, discharged, expected) =
            (moment(&pv1, 44), moment(&pv1, 45), moment(&pv2, 8));
        let movement =
            zbe.field(1).repetitions().find(|repetition| !repetition.is_empty()).and_then(
                |repetition| {
                    draft.entity_identifier(Ei::of(repetition), AuthorityUse::Movement, at(&zbe, 1))
                },
            );
        let fingerprint = fingerprint(message, event);
        let said = zbe.field(4).component(1).text();
        let action = match said.trim() {
            "CANCEL" => Action::Cancel,
            "INSERT" => Action::Insert,
            _ => Action::Update,
        };
        let origin = Trigger::parse(zbe.field(6).component(1).text().trim());
        if draft.is_french() && !zbe.exists() && event != Trigger::A08 {
            draft.issue(IssueCode::ZbeMissing, Location::segment(b"ZBE"));
        }
        let event = match (event, action) {
            (Trigger::Z99, Action::Update) => event,
            (Trigger::Z99, _) => {
                draft.issue(IssueCode::Z99NoUpdate, at(&zbe, 4));
                if origin.is_none() {
                    draft.issue(IssueCode::FieldMissing, at(&zbe, 6));
                }
                origin.unwrap_or(event)
            }
            _ => event,
        };
        let event = if action == Action::Cancel { event.cancelled() } else { event };
        let (medical_unit, nursing_unit) = (draft.unit(&zbe, 7), draft.unit(&zbe, 8));
        // MSH and EVN are about every patient of the message.
        let header = message.segments().before("PID");
        let own = own_fields::read(draft, &[segments, header], SiteResource::Encounter);
        Self {
            event,
            pid: segment("PID"),
            mrg: segment("MRG"),
            roles,
            zfv: segment("ZFV"),
            zfm: segment("ZFM"),
            movement,
            action,
            origin,
            nature: zbe::nature(&zbe),
            medical_unit,
            nursing_unit,
            historic: zbe.field(5).component(1).text().trim() == "Y",
            effective,
            occurred,
            recorded,
            admitted,
            discharged,
            expected,
            class: class(draft, &pv1),
            fingerprint,
            own,
            seq: draft.seq(),
            placed: OnceCell::new(),
            prior: OnceCell::new(),
            numbered: OnceCell::new(),
            pv1,
            pv2,
        }
    }

    /// When the movement took place: ZBE-2 beats EVN-6 beats EVN-2 (FACTS §1, PAM).
    pub fn happened(&self) -> Option<Moment> {
        self.effective.or(self.occurred).or(self.recorded)
    }

    /// PV1-37, DLD.2: when the patient went where the discharge says.
    pub fn left(&self, draft: &mut Draft<'_>) -> Option<Moment> {
        draft.moment(Dld::of(self.pv1.field(37)).effective(), at(&self.pv1, 37))
    }

    /// What a stay without a number is keyed by, with its patient (DESIGN §3). Never MSH-7.
    pub fn opening_key(&self) -> Option<Moment> {
        let key = self.effective.or(self.admitted).or(self.occurred);
        key.or(self.expected).or(self.recorded)
    }

    /// It takes something back, by its name or by ZBE-4.
    pub fn cancels(&self) -> bool {
        self.event.cancels() || self.action == Action::Cancel
    }

    /// ZBE-1, where ZBE-4 says to take it back.
    pub fn cancelled_movement(&self) -> Option<&Identifier> {
        self.movement.as_ref().filter(|_| self.action == Action::Cancel)
    }

    /// ZBE-1 of a Z99.
    pub fn updated_movement(&self) -> Option<&Identifier> {
        self.movement.as_ref().filter(|_| self.updates())
    }

    pub fn updates(&self) -> bool {
        self.event == Trigger::Z99 && self.action != Action::Cancel
    }

    /// ZBE-9 says, or does not rule out, that PV1-3 is what the message is about: one of care or of
    /// nursing alone repeats a place that another message of the movement may have changed.
    pub fn states_place(&self) -> bool {
        self.nature.is_empty() || self.nature.contains(['H', 'L', 'D', 'C'])
    }

    /// PV1-2 says that there is no visit.
    pub fn is_no_visit(&self) -> bool {
        self.class.as_ref().is_some_and(|class| class.code == "N")
    }

    /// PV1-3.
    pub fn place(&self, draft: &mut Draft<'_>) -> Option<Placed> {
        self.placed.get_or_init(|| placed(draft, &self.pv1, 3)).clone()
    }

    /// PV1-6.
    pub fn prior_place(&self, draft: &mut Draft<'_>) -> Option<Placed> {
        self.prior.get_or_init(|| placed(draft, &self.pv1, 6)).clone()
    }

    /// PV1-11, PV1-42 or PV1-43.
    pub fn other_place(&self, draft: &mut Draft<'_>, field: usize) -> Option<Placed> {
        placed(draft, &self.pv1, field)
    }

    /// The visit number that names the stay: PV1-19, else PV1-50, else PID-18 where the EJ says
    /// that accounts are visits.
    pub fn number(&self, draft: &mut Draft<'_>) -> Option<Identifier> {
        self.numbered.get_or_init(|| self.read_number(draft)).clone()
    }

    fn read_number(&self, draft: &mut Draft<'_>) -> Option<Identifier> {
        if let Some(number) = identifier(draft, &self.pv1, 19, AuthorityUse::Visit) {
            return Some(number);
        }
        if let Some(number) = identifier(draft, &self.pv1, 50, AuthorityUse::Visit) {
            return Some(number);
        }
        if draft.entity().settings.account_is_visit {
            return identifier(draft, &self.pid, 18, AuthorityUse::Visit);
        }
        None
    }

    /// PV1-50 beside a PV1-19: both lead to the stay from then on.
    pub fn alternate_number(&self, draft: &mut Draft<'_>) -> Option<Identifier> {
        identifier(draft, &self.pv1, 50, AuthorityUse::Visit)
    }
}

/// A CX field as an identifier.
pub(super) fn identifier(
    draft: &mut Draft<'_>,
    segment: &Segment<'_>,
    field: usize,
    role: AuthorityUse,
) -> Option<Identifier> {
    let cx = Cx::of(segment.field(field));
    Some(draft.identifier(cx, role, at(segment, field))?.1)
}

/// Every place that a message names gets its record, whatever the event then does with it.
fn placed(draft: &mut Draft<'_>, segment: &Segment<'_>, field: usize) -> Option<Placed> {
    let place = draft.place(segment.field(field), at(segment, field))?;
    let location = draft.location(&place);
    draft.comprehensive_id(segment.field(field), location, at(segment, field));
    Some(Placed { place, location })
}

/// Table 0004, and V (remote monitoring) in France; anything else is the sender's own code.
fn class(draft: &mut Draft<'_>, pv1: &Segment<'_>) -> Option<Coded> {
    let field = pv1.field(2);
    if field.is_empty() || field.is_null() {
        return None;
    }
    let mut class = draft.coded(Cwe::of(field), "0004", at(pv1, 2));
    let known = matches!(class.code.as_str(), "E" | "I" | "O" | "P" | "R" | "B" | "C" | "N" | "U")
        || (draft.is_french() && class.code == "V");
    if !known {
        draft.issue(IssueCode::CodeUnknown, at(pv1, 2));
    }
    // In France they are sessions and remote monitoring, whatever they are elsewhere.
    if draft.is_french() && matches!(class.code.as_str(), "R" | "V") && class.system.is_empty() {
        FRENCH_TABLE.clone_into(&mut class.system);
    }
    Some(class)
}

/// FNV-1a over everything but MSH: the same message under another control id has the same. Not
/// for security; two messages of one stay that collide are one in 10^19.
fn fingerprint(message: &Message<'_>, event: Trigger) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut take = |bytes: &[u8]| {
        for byte in bytes.iter().chain(b"\r") {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    };
    take(event.as_str().as_bytes());
    for segment in message.segments().iter().filter(|segment| !segment.is("MSH")) {
        take(segment.raw().as_bytes());
    }
    hash
}
