//! What a message says of the patient's health and cover: AL1, IAM, DG1, PR1, OBX, IN1, PD1-7.
//!
//! DG1, PR1 and OBX belong to the stay that the message is about, else to the patient; AL1, IAM,
//! IN1 and PD1-7 always to the patient. The segments of a kind are a snapshot: they replace what
//! that kind brought before, also where the stay is cancelled or over, and what no longer comes
//! is gone. A message without segments of a kind leaves that kind alone; one whose naming field
//! is `""` empties the list. Action codes (IAM-6, DG1-21, PR1-20) change one record each instead.
//!
//! A cancelled or deleted stay keeps its records: that the encounter is void says nothing of the
//! patient's health, and FHIR consumers see the encounter's status.
//!
//! GT1, IN2 and IN3 are not mapped: the guide has no map for the first two (FACTS §0), and of IN3
//! only the case manager, into a CareTeam, which is not kept.

mod allergy;
mod coding;
mod condition;
mod coverage;
mod insurer;
mod list;
mod living_will;
mod observation;
mod observation_value;
mod procedure;
mod transfer;

pub(super) use transfer::{move_parts, move_stay};

use super::draft::Draft;
use crate::hl7::{Segment, Segments};
use crate::records::{PatientRecord, RecordType, ResourceId, StayRecord};

use list::Owner;

/// Takes them all, DG1, PR1 and OBX for `stay` or else for the patient. `historic`: told after
/// the fact (ZBE-5), which adds what is not known and leaves the present as it is.
pub(super) fn take(
    draft: &mut Draft<'_>,
    segments: Segments<'_>,
    patient: &mut PatientRecord,
    stay: Option<&mut StayRecord>,
    historic: bool,
) {
    let own = own(segments);
    if own.is_empty() {
        return;
    }
    of_patient(draft, segments, &own, patient, historic);
    let owner = Owner { patient: patient.id, stay: stay.as_ref().map(|stay| stay.id) };
    let mut lists = Lists { patient, stay };
    condition::take(draft, owner, &mut lists, &named(&own, "DG1"), historic);
    procedure::take(draft, owner, &mut lists, &named(&own, "PR1"), historic);
    observation::take(draft, owner, &mut lists, &named(&own, "OBX"), historic);
}

/// Takes what is the patient's whatever the stay: of a message that waits for its movement.
pub(super) fn take_of_patient(
    draft: &mut Draft<'_>,
    segments: Segments<'_>,
    patient: &mut PatientRecord,
    historic: bool,
) {
    let own = own(segments);
    if !own.is_empty() {
        of_patient(draft, segments, &own, patient, historic);
    }
}

fn of_patient(
    draft: &mut Draft<'_>,
    segments: Segments<'_>,
    own: &[Segment<'_>],
    patient: &mut PatientRecord,
    historic: bool,
) {
    living_will::take(draft, patient, &named(own, "PD1"));
    allergy::take(draft, patient, &named(own, "AL1"), &named(own, "IAM"), historic);
    coverage::take(draft, patient, &named(own, "IN1"), &segments.segment("PV1"), historic);
}

/// Those that this folder reads, in one pass: most messages have none of them.
fn own(segments: Segments<'_>) -> Vec<Segment<'_>> {
    segments.iter().filter(is_own).collect()
}

fn named<'m>(own: &[Segment<'m>], name: &str) -> Vec<Segment<'m>> {
    own.iter().filter(|segment| segment.is(name)).copied().collect()
}

fn is_own(segment: &Segment<'_>) -> bool {
    match segment.name() {
        "AL1" | "IAM" | "DG1" | "PR1" | "OBX" | "IN1" => true,
        "PD1" => living_will::is_told(segment),
        _ => false,
    }
}

/// Where the lists are kept: with the stay, else with the patient.
struct Lists<'r> {
    patient: &'r mut PatientRecord,
    stay: Option<&'r mut StayRecord>,
}

impl Lists<'_> {
    fn parts(&mut self) -> &mut Vec<(RecordType, ResourceId)> {
        match &mut self.stay {
            Some(stay) => &mut stay.parts,
            None => &mut self.patient.parts,
        }
    }
}
