//! NK1 → Patient.contact and RelatedPerson; PID-21 → the mother (FACTS §3 NK1, PID).
//!
//! Every NK1 is a contact; one of a person is a RelatedPerson too. All NK1 of a message are the
//! list: who no longer comes is no more. Each is known by NK1-33, else by name and relationship;
//! NK1-1 only counts, and shifts.

use super::IssueCode;
use super::draft::Draft;
use super::values::{REPETITIONS_MAX, at};
use crate::entity::AuthorityUse;
use crate::hl7::datatypes::{Cx, Xad, Xon, Xpn};
use crate::hl7::{Segment, Segments};
use crate::records::{
    Address, Coded, Contact, HumanName, Identifier, Moment, PatientRecord, RecordType,
    RelatedPersonRecord, ResourceId, Telecom,
};

pub(super) fn take(draft: &mut Draft<'_>, patient: &mut PatientRecord, segments: Segments<'_>) {
    mother(draft, patient, &segments.segment("PID"));
    let Some(first) = segments.named("NK1").next() else { return };
    if segments.named("NK1").nth(REPETITIONS_MAX).is_some() {
        draft.issue(IssueCode::ValueCut, first.location());
    }
    let mut contacts = Vec::new();
    let mut persons: Vec<RelatedPersonRecord> = Vec::new();
    for nk1 in segments.named("NK1").take(REPETITIONS_MAX) {
        let party = Party::read(draft, &nk1);
        if let Some(person) = party.person(draft, patient.id) {
            match persons.iter_mut().find(|known| known.id == person.id) {
                Some(known) => join(known, person),
                None => persons.push(person),
            }
        }
        contacts.extend(party.contact());
    }
    patient.contacts = contacts;
    put_all(draft, patient, persons);
}

/// The patient's RelatedPersons but the mother are these and no others.
fn put_all(draft: &mut Draft<'_>, patient: &mut PatientRecord, persons: Vec<RelatedPersonRecord>) {
    let is_unsaid = |(ty, id): &(RecordType, ResourceId)| {
        *ty == RecordType::RelatedPerson && !persons.iter().any(|person| person.id == *id)
    };
    if patient.parts.iter().any(is_unsaid) {
        let mother = mother_id(draft, patient.id);
        for (ty, id) in patient.parts.extract_if(.., |part| is_unsaid(part) && part.1 != mother) {
            draft.remove(ty, id);
        }
    }
    for person in persons {
        put(draft, patient, person);
    }
}

fn put(draft: &mut Draft<'_>, patient: &mut PatientRecord, person: RelatedPersonRecord) {
    let part = (RecordType::RelatedPerson, person.id);
    if !patient.parts.contains(&part) {
        patient.parts.push(part);
        patient.parts.sort_by_key(|part| part.0);
    }
    draft.put(person);
}

/// Two NK1 of one person, as senders write somebody with two roles.
fn join(known: &mut RelatedPersonRecord, again: RelatedPersonRecord) {
    for relationship in again.relationships {
        if !known.relationships.contains(&relationship) {
            known.relationships.push(relationship);
        }
    }
    for telecom in again.telecoms {
        if !known.telecoms.contains(&telecom) {
            known.telecoms.push(telecom);
        }
    }
    for address in again.addresses {
        if !known.addresses.contains(&address) {
            known.addresses.push(address);
        }
    }
    known.telecoms.truncate(REPETITIONS_MAX);
    known.addresses.truncate(REPETITIONS_MAX);
}

/// What an NK1 says.
struct Party {
    identifiers: Vec<Identifier>,
    names: Vec<HumanName>,
    contact: Contact,
    addresses: Vec<Address>,
    birth_date: Option<Moment>,
    language: Coded,
}

impl Party {
    fn read(draft: &mut Draft<'_>, nk1: &Segment<'_>) -> Self {
        let mut names = read_names(draft, nk1, 2);
        let mut addresses = read_addresses(draft, nk1, 4);
        let mut contact = Contact {
            organization: draft.organization(Xon::of(nk1.field(13)), at(nk1, 13)),
            ..Contact::default()
        };
        draft.set_coded(&mut contact.relationship, nk1, 3, "0063");
        draft.set_coded(&mut contact.role, nk1, 7, "0131");
        draft.set_text(&mut contact.gender, nk1.field(15).component(1), at(nk1, 15));
        draft.set_moment(&mut contact.start, nk1, 8);
        draft.set_moment(&mut contact.end, nk1, 9);
        // NK1-30 to 32 and 41 say whom to ask for at an organization; where the party is a
        // person they are another name, address and number of theirs.
        names.extend(read_names(draft, nk1, 30));
        addresses.extend(read_addresses(draft, nk1, 32));
        let fields = [(5, "PRN"), (6, "WPN"), (40, ""), (31, ""), (41, "")];
        let mut telecoms = read_telecoms(draft, nk1, fields);
        telecoms.truncate(REPETITIONS_MAX);
        addresses.truncate(REPETITIONS_MAX);
        names.truncate(REPETITIONS_MAX);
        contact.name = names.first().cloned().unwrap_or_default();
        contact.address = addresses.first().cloned();
        contact.telecoms = telecoms;
        let mut birth_date = None;
        draft.set_moment(&mut birth_date, nk1, 16);
        let mut language = Coded::default();
        draft.set_coded(&mut language, nk1, 20, "0296");
        Self { identifiers: numbers(draft, nk1), names, contact, addresses, birth_date, language }
    }

    /// Neither name, number, address nor organization: nobody (pat-1).
    fn contact(self) -> Option<Contact> {
        let contact = self.contact;
        let says_who = !contact.name.family.is_empty()
            || !contact.name.given.is_empty()
            || !contact.telecoms.is_empty()
            || contact.address.is_some()
            || !contact.organization.name.is_empty()
            || contact.organization.organization.is_some();
        says_who.then_some(contact)
    }

    /// `None` where it is no person, or nobody who could be known again.
    fn person(&self, draft: &Draft<'_>, patient: ResourceId) -> Option<RelatedPersonRecord> {
        if self.is_organization() {
            return None;
        }
        let of_patient = patient.to_string();
        let id = match (self.identifiers.first(), self.names.first()) {
            (Some(number), _) => draft.id_of(
                RecordType::RelatedPerson,
                &[&of_patient, "NK1", &number.system, &number.value],
            ),
            (None, Some(name)) => {
                let given = name.given.first().map(String::as_str).unwrap_or_default();
                let relationship = &self.contact.relationship;
                let relationship = [&relationship.code, &relationship.text];
                let relationship = relationship.into_iter().find(|text| !text.is_empty());
                let relationship = relationship.map(String::as_str).unwrap_or_default();
                let parts = [&of_patient, "NK1", "name", &name.family, given, relationship];
                draft.id_of(RecordType::RelatedPerson, &parts)
            }
            (None, None) => return None,
        };
        let relationships = [&self.contact.relationship, &self.contact.role];
        let is_said = |coded: &&Coded| !coded.code.is_empty() || !coded.text.is_empty();
        Some(RelatedPersonRecord {
            identifiers: self.identifiers.clone(),
            names: self.names.clone(),
            relationships: relationships.into_iter().filter(is_said).cloned().collect(),
            telecoms: self.contact.telecoms.clone(),
            addresses: self.addresses.clone(),
            gender: self.contact.gender.clone(),
            birth_date: self.birth_date,
            language: self.language.clone(),
            start: self.contact.start,
            end: self.contact.end,
            ..RelatedPersonRecord::new(id, patient)
        })
    }

    /// Employer, federal agency, insurance company, state agency (FACTS §3 NK1).
    fn is_organization(&self) -> bool {
        matches!(self.contact.relationship.code.as_str(), "EMR" | "E" | "F" | "I" | "S")
            || matches!(self.contact.role.code.as_str(), "E" | "F" | "I" | "S")
    }
}

fn read_names(draft: &mut Draft<'_>, nk1: &Segment<'_>, field: usize) -> Vec<HumanName> {
    let names = draft.list(nk1, field, |draft, repetition, at| {
        let name = draft.name(Xpn::of(repetition), at);
        (!name.family.is_empty() || !name.given.is_empty()).then_some(name)
    });
    names.unwrap_or_default()
}

fn read_addresses(draft: &mut Draft<'_>, nk1: &Segment<'_>, field: usize) -> Vec<Address> {
    let listed =
        draft.list(nk1, field, |draft, repetition, at| draft.address(Xad::of(repetition), at));
    listed.unwrap_or_default()
}

fn read_telecoms(
    draft: &mut Draft<'_>,
    nk1: &Segment<'_>,
    fields: [(usize, &str); 5],
) -> Vec<Telecom> {
    let mut telecoms: Vec<Telecom> = Vec::new();
    for (field, default_use) in fields {
        for telecom in draft.telecoms(nk1, field, default_use).unwrap_or_default() {
            if !telecoms.contains(&telecom) {
                telecoms.push(telecom);
            }
        }
    }
    telecoms
}

/// NK1-33 (what the party is known by), NK1-12 (employee number), NK1-37 (social security).
fn numbers(draft: &mut Draft<'_>, nk1: &Segment<'_>) -> Vec<Identifier> {
    let mut identifiers: Vec<Identifier> = Vec::new();
    for field in [33, 12] {
        let listed = draft.list(nk1, field, |draft, repetition, at| {
            Some(draft.identifier(Cx::of(repetition), AuthorityUse::Any, at)?.1)
        });
        identifiers.extend(listed.unwrap_or_default());
    }
    identifiers.extend(draft.social_security(nk1, 37));
    identifiers.truncate(REPETITIONS_MAX);
    identifiers
}

/// PID-21: who the mother is, by her numbers alone.
fn mother(draft: &mut Draft<'_>, patient: &mut PatientRecord, pid: &Segment<'_>) {
    let listed = draft.list(pid, 21, |draft, repetition, at| {
        let cx = Cx::of(repetition);
        // French feeds add the number of her stay's account (AN) to her own.
        let role = match cx.type_code().as_deref() {
            Some("AN") => AuthorityUse::Account,
            _ => AuthorityUse::Patient,
        };
        Some(draft.identifier(cx, role, at)?.1)
    });
    let Some(identifiers) = listed else { return };
    let id = mother_id(draft, patient.id);
    if identifiers.is_empty() {
        patient.parts.retain(|part| part.1 != id);
        draft.remove(RecordType::RelatedPerson, id);
        return;
    }
    let relationship =
        Coded { code: "MTH".to_owned(), table: "0063".to_owned(), ..Coded::default() };
    let mother = RelatedPersonRecord {
        identifiers,
        relationships: vec![relationship],
        ..RelatedPersonRecord::new(id, patient.id)
    };
    put(draft, patient, mother);
}

fn mother_id(draft: &Draft<'_>, patient: ResourceId) -> ResourceId {
    draft.id_of(RecordType::RelatedPerson, &[&patient.to_string(), "PID-21"])
}
