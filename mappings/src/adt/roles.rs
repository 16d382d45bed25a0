//! ROL and PRT: who plays which part, for the patient (before PV1) and for the stay (after it).
//!
//! Each says what it does (ROL-2): a role that is taken away goes, any other comes or is corrected.

use super::IssueCode;
use super::draft::Draft;
use super::values::at;
use crate::entity::AuthorityUse;
use crate::hl7::datatypes::{Ei, Xad, Xcn, Xon};
use crate::hl7::{Location, Segment, Segments};
use crate::records::{
    Coded, Identifier, PatientRecord, Practitioner, PractitionerRoleRecord, Record, RecordType,
    ResourceId, Stamp, StayRecord,
};

/// Practitioners that a record lists: a hostile message has more ROL.
const ROLES_MAX: usize = 64;

/// The numbers of the fields that ROL and PRT have in common.
struct Fields {
    instance: usize,
    role: usize,
    person: usize,
    begin: usize,
    end: usize,
    specialty: usize,
    address: usize,
    telecom: usize,
    location: usize,
    organization: usize,
}

const ROL: Fields = Fields {
    instance: 1,
    role: 3,
    person: 4,
    begin: 5,
    end: 6,
    specialty: 9,
    address: 11,
    telecom: 12,
    location: 13,
    organization: 14,
};

const PRT: Fields = Fields {
    instance: 1,
    role: 4,
    person: 5,
    begin: 11,
    end: 12,
    specialty: 6,
    address: 14,
    telecom: 15,
    location: 9,
    organization: 8,
};

/// What a ROL does with one who plays a part.
enum Act {
    Play(Practitioner),
    Leave(Practitioner),
}

/// Those before PV1: the declared doctor (PP; ODRP in France), and who else looks after the
/// patient.
pub(super) fn take_of_patient(
    draft: &mut Draft<'_>,
    patient: &mut PatientRecord,
    segments: Segments<'_>,
) {
    let mut declared: Option<Vec<Practitioner>> = None;
    for (segment, fields) in listed(segments.before("PV1")) {
        let role = segment.field(fields.role).component(1).text().trim().to_owned();
        let is_declared = matches!(role.as_str(), "PP" | "ODRP");
        for act in acts(draft, &segment, fields, &role) {
            match (is_declared, act) {
                // Whom the message declares takes the place of whom an earlier one did.
                (true, Act::Play(doctor)) => {
                    let doctor = with_role(draft, doctor, &segment, fields);
                    play(
                        draft,
                        declared.get_or_insert_default(),
                        doctor,
                        at(&segment, fields.person),
                    );
                }
                (true, Act::Leave(doctor)) => {
                    leave(&mut patient.declared_practitioners, &doctor);
                    leave(declared.get_or_insert_default(), &doctor);
                    declared = declared.filter(|declared| !declared.is_empty());
                }
                (false, Act::Play(one)) => {
                    play(draft, &mut patient.care_team, one, at(&segment, fields.person));
                }
                (false, Act::Leave(one)) => leave(&mut patient.care_team, &one),
            }
        }
    }
    if let Some(declared) = declared {
        patient.declared_practitioners = declared;
    }
}

/// Those after PV1: each is a participant, with a period.
pub(super) fn take_of_stay(draft: &mut Draft<'_>, stay: &mut StayRecord, after_pv1: Segments<'_>) {
    for (segment, fields) in listed(after_pv1) {
        let sent = segment.field(fields.role).component(1).text().trim().to_owned();
        let role = participation(&sent);
        for act in acts(draft, &segment, fields, role) {
            match act {
                Act::Play(one) => {
                    play(draft, &mut stay.practitioners, one, at(&segment, fields.person));
                }
                Act::Leave(one) => leave(&mut stay.practitioners, &one),
            }
        }
    }
}

fn listed(segments: Segments<'_>) -> impl Iterator<Item = (Segment<'_>, &'static Fields)> {
    segments.iter().filter_map(|segment| {
        if segment.is("ROL") {
            Some((segment, &ROL))
        } else if segment.is("PRT") {
            Some((segment, &PRT))
        } else {
            None
        }
    })
}

/// Table 0443 → v3-ParticipationType, as far as PV1 has a field for it (FACTS §3 ROL).
fn participation(role: &str) -> &str {
    match role {
        "AD" => "ADM",
        "AT" => "ATND",
        "CP" => "CON",
        "RP" => "REF",
        other => other,
    }
}

fn acts(draft: &mut Draft<'_>, segment: &Segment<'_>, fields: &Fields, role: &str) -> Vec<Act> {
    let action = segment.field(2).component(1).text();
    let leaves = matches!(action.trim(), "DE" | "D" | "UN");
    let (mut start, mut end) = (None, None);
    draft.set_moment(&mut start, segment, fields.begin);
    draft.set_moment(&mut end, segment, fields.end);
    let persons = draft.list(segment, fields.person, |draft, repetition, at| {
        draft.practitioner(Xcn::of(repetition), role, at)
    });
    let act = |practitioner: Practitioner| {
        if leaves {
            return Act::Leave(practitioner);
        }
        Act::Play(Practitioner { start, end, ..practitioner })
    };
    persons.unwrap_or_default().into_iter().map(act).collect()
}

fn play(draft: &mut Draft<'_>, list: &mut Vec<Practitioner>, one: Practitioner, at: Location) {
    leave(list, &one);
    if list.len() < ROLES_MAX {
        list.push(one);
    } else {
        draft.issue(IssueCode::ValueCut, at);
    }
}

fn leave(list: &mut Vec<Practitioner>, one: &Practitioner) {
    list.retain(|own| !is_same(own, one));
}

/// In the same part, and the same by number, or by name where one has none.
fn is_same(one: &Practitioner, other: &Practitioner) -> bool {
    if one.role != other.role {
        return false;
    }
    match (one.practitioner, other.practitioner) {
        (Some(one), Some(other)) => one == other,
        _ => one.name.family == other.name.family && one.name.given == other.name.given,
    }
}

/// What the doctor is in this EJ, as a record that all his or her patients share: the time that
/// one patient's choice holds for (ROL-5, ROL-6) stays with the patient.
fn with_role(
    draft: &mut Draft<'_>,
    doctor: Practitioner,
    segment: &Segment<'_>,
    fields: &Fields,
) -> Practitioner {
    let Some(practitioner) = doctor.practitioner else { return doctor };
    let code = doctor.role.clone();
    let id = draft.id_of(RecordType::PractitionerRole, &[&practitioner.to_string(), code.as_str()]);
    let known = match draft.record(RecordType::PractitionerRole, id) {
        Some(Record::PractitionerRole(known)) => Some((*known).clone()),
        _ => None,
    };
    let mut record = known.unwrap_or_else(|| PractitionerRoleRecord {
        id,
        stamp: Stamp::default(),
        practitioner,
        identifiers: Vec::new(),
        organization: None,
        location: None,
        role: Coded::default(),
        specialties: Vec::new(),
        telecoms: Vec::new(),
    });
    draft.set_coded(&mut record.role, segment, fields.role, "0443");
    draft.set_codes(&mut record.specialties, segment, fields.specialty, "0182");
    if let Some(telecoms) = draft.telecoms(segment, fields.telecom, "WPN") {
        record.telecoms = telecoms;
    }
    let organization = draft.organization(
        Xon::of(segment.field(fields.organization)),
        at(segment, fields.organization),
    );
    record.organization = organization.organization.or(record.organization);
    if let Some(place) = draft.place(segment.field(fields.location), at(segment, fields.location)) {
        record.location = Some(draft.location(&place));
    }
    if let Some(identifier) = instance(draft, segment, fields) {
        record.identifiers = vec![identifier];
    }
    draft.put(record);
    addresses(draft, practitioner, segment, fields);
    Practitioner { practitioner_role: Some(id), ..doctor }
}

/// ROL-1.
fn instance(draft: &mut Draft<'_>, segment: &Segment<'_>, fields: &Fields) -> Option<Identifier> {
    let field = segment.field(fields.instance);
    draft.entity_identifier(Ei::of(field), AuthorityUse::Any, at(segment, fields.instance))
}

/// ROL-11 → the practitioner's own addresses.
fn addresses(
    draft: &mut Draft<'_>,
    practitioner: ResourceId,
    segment: &Segment<'_>,
    fields: &Fields,
) {
    let listed = draft.list(segment, fields.address, |draft, repetition, at| {
        draft.address(Xad::of(repetition), at)
    });
    let Some(addresses) = listed else { return };
    if let Some(Record::Practitioner(known)) = draft.record(RecordType::Practitioner, practitioner)
        && known.addresses != addresses
    {
        draft.put(crate::records::PractitionerRecord { addresses, ..(*known).clone() });
    }
}
