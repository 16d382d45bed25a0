//! XCN → a practitioner: with a number, a record of his or her own; without one, a name.

use super::draft::Draft;
use super::systems;
use crate::entity::AuthorityUse;
use crate::hl7::Location;
use crate::hl7::datatypes::{Hd, Xcn};
use crate::records::{
    Coded, FurtherName, HumanName, Identifier, Practitioner, PractitionerRecord, Record,
    RecordType, ResourceId, Stamp,
};

impl Draft<'_> {
    /// `None` where the field names nobody.
    pub fn practitioner(&mut self, xcn: Xcn<'_>, role: &str, at: Location) -> Option<Practitioner> {
        if xcn.is_nobody() {
            return None;
        }
        let identifier = self.practitioner_number(xcn, at);
        let name = self.practitioner_name(xcn, at);
        let practitioner = identifier
            .as_ref()
            .map(|identifier| self.practitioner_record(xcn, identifier, &name, at));
        let role = role.to_owned();
        Some(Practitioner { role, practitioner, identifier, name, ..Practitioner::default() })
    }

    fn practitioner_number(&mut self, xcn: Xcn<'_>, at: Location) -> Option<Identifier> {
        let value = self.whole(xcn.id()?, at)?;
        let authority = xcn.assigning_authority();
        Some(Identifier {
            system: self.practitioner_system(authority),
            value,
            type_code: self.text(xcn.type_code(), at),
            assigner: self.assigner(authority, at),
            check_digit: self.check_digit(xcn.check_digit(), xcn.check_digit_scheme(), at),
            ..Identifier::default()
        })
    }

    /// A doctor's number is none of the EJ's own: without an authority it is only "a
    /// practitioner's" here.
    fn practitioner_system(&self, authority: Hd<'_>) -> String {
        if authority.is_empty() {
            return systems::local(self.entity(), "practitioner");
        }
        self.system(authority, AuthorityUse::Any).uri
    }

    fn practitioner_name(&mut self, xcn: Xcn<'_>, at: Location) -> HumanName {
        let given = [xcn.given(), xcn.further_given()];
        HumanName {
            family: self.text(xcn.family(), at),
            given: given.into_iter().flatten().map(|name| self.text(Some(name), at)).collect(),
            prefix: self.text(xcn.prefix(), at),
            suffix: self.text(xcn.suffix(), at),
            name_type: self.text(xcn.name_type(), at),
            start: self.moment(xcn.effective(), at),
            end: self.moment(xcn.expires(), at),
            further: self.further_practitioner_name(xcn, at),
        }
    }

    /// XCN-18, XCN-21.
    fn further_practitioner_name(
        &mut self,
        xcn: Xcn<'_>,
        at: Location,
    ) -> Option<Box<FurtherName>> {
        let (order, suffix) = (xcn.assembly_order(), xcn.professional_suffix());
        if order.is_none() && suffix.is_none() {
            return None;
        }
        Some(Box::new(FurtherName {
            professional_suffix: self.text(suffix, at),
            assembly_order: self.text(order, at),
            ..FurtherName::default()
        }))
    }

    /// Known for life by authority and number. What a field says replaces what was known, part
    /// by part: one field names a doctor with a title, the next without.
    fn practitioner_record(
        &mut self,
        xcn: Xcn<'_>,
        identifier: &Identifier,
        name: &HumanName,
        at: Location,
    ) -> ResourceId {
        let id = self.id_of(RecordType::Practitioner, &[&identifier.system, &identifier.value]);
        let degree = self.text(xcn.degree(), at);
        let Some(Record::Practitioner(known)) = self.record(RecordType::Practitioner, id) else {
            let code = Coded { code: degree, table: "0360".to_owned(), ..Coded::default() };
            self.put(PractitionerRecord {
                id,
                stamp: Stamp::default(),
                identifiers: vec![identifier.clone()],
                names: if is_nameless(name) { Vec::new() } else { vec![name.clone()] },
                telecoms: Vec::new(),
                addresses: Vec::new(),
                qualifications: if code.code.is_empty() { Vec::new() } else { vec![code] },
            });
            return id;
        };
        let mut record = (*known).clone();
        if !is_nameless(name) {
            let merged = match record.names.first() {
                Some(own) => merged(own, name),
                None => name.clone(),
            };
            record.names = vec![merged];
        }
        if let Some(own) = record.identifiers.first_mut()
            && !identifier.type_code.is_empty()
        {
            own.type_code.clone_from(&identifier.type_code);
        }
        if !degree.is_empty() {
            let code = Coded { code: degree, table: "0360".to_owned(), ..Coded::default() };
            record.qualifications = vec![code];
        }
        self.put(record);
        id
    }
}

fn is_nameless(name: &HumanName) -> bool {
    name.family.is_empty() && name.given.is_empty()
}

fn merged(known: &HumanName, name: &HumanName) -> HumanName {
    let pick = |said: &String, own: &String| if said.is_empty() { own } else { said }.clone();
    HumanName {
        family: pick(&name.family, &known.family),
        given: if name.given.is_empty() { &known.given } else { &name.given }.clone(),
        prefix: pick(&name.prefix, &known.prefix),
        suffix: pick(&name.suffix, &known.suffix),
        name_type: pick(&name.name_type, &known.name_type),
        start: name.start.or(known.start),
        end: name.end.or(known.end),
        further: name.further.clone().or_else(|| known.further.clone()),
    }
}
