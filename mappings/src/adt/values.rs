//! v2 datatypes → the parts of a record (FACTS §4), and how a field changes what is there:
//! empty leaves it alone, `""` deletes it, a value replaces it, a list as a whole.

use std::borrow::Cow;

use super::IssueCode;
use super::draft::Draft;
use crate::entity::AuthorityUse;
use crate::fhir::codes::systems;
use crate::hl7::datatypes::{Cwe, Cx, Ei, Hd, Pl, Ts, Xad, Xcn, Xpn, Xtn};
use crate::hl7::{Component, Field, Location, Repetition, Segment, Value};
use crate::records::{
    Address, Coded, FurtherCoding, HumanName, Identifier, Moment, Place, Practitioner, Telecom,
};

/// Repetitions of a field that a record keeps.
pub(super) const REPETITIONS_MAX: usize = 16;

/// Bytes of a text that a record keeps: v2.5.1 gives no field of ours more than 250 characters.
pub(super) const TEXT_BYTES_MAX: usize = 512;

/// Where in the message a field is; segments have a few hundred fields at most.
pub(super) fn at(segment: &Segment<'_>, field: usize) -> Location {
    segment.location().at_field(u16::try_from(field).unwrap_or(u16::MAX))
}

impl Draft<'_> {
    /// A part's text as a record keeps it.
    pub fn text(&mut self, text: Option<Cow<'_, str>>, at: Location) -> String {
        let Some(text) = text else { return String::new() };
        if text.len() <= TEXT_BYTES_MAX {
            return text.into_owned();
        }
        self.issue(IssueCode::ValueCut, at);
        text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
    }

    /// The field's repetitions that say something, at most [`REPETITIONS_MAX`].
    pub fn repetitions<'m>(&mut self, field: Field<'m>, at: Location) -> Vec<Repetition<'m>> {
        let mut kept: Vec<_> = field.repetitions().filter(|r| !r.is_empty()).collect();
        if kept.len() > REPETITIONS_MAX {
            self.issue(IssueCode::ValueCut, at);
            kept.truncate(REPETITIONS_MAX);
        }
        kept
    }

    // ---- fields into targets ----

    pub fn set_text(&mut self, target: &mut String, part: Component<'_>, at: Location) {
        match part.value() {
            Value::Empty => {}
            Value::Null => target.clear(),
            Value::Text(text) => *target = self.text(Some(Cow::Borrowed(text.trim())), at),
        }
    }

    pub fn set_coded(
        &mut self,
        target: &mut Coded,
        segment: &Segment<'_>,
        field: usize,
        table: &str,
    ) {
        let value = segment.field(field);
        if value.is_null() {
            *target = Coded::default();
        } else if !value.is_empty() {
            *target = self.coded(Cwe::of(value), table, at(segment, field));
        }
    }

    pub fn set_moment(&mut self, target: &mut Option<Moment>, segment: &Segment<'_>, field: usize) {
        let value = segment.field(field);
        if value.is_null() || value.component(1).is_null() {
            *target = None;
        } else if let Some(moment) = self.moment(Ts::of(value), at(segment, field)) {
            *target = Some(moment);
        }
    }

    /// A list as a whole. `None`: the field says nothing.
    pub fn list<'m, T>(
        &mut self,
        segment: &Segment<'m>,
        field: usize,
        one: impl Fn(&mut Self, Repetition<'m>, Location) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = segment.field(field);
        if value.is_null() {
            return Some(Vec::new());
        }
        if value.is_empty() {
            return None;
        }
        let at = at(segment, field);
        let repetitions = self.repetitions(value, at);
        Some(repetitions.into_iter().filter_map(|r| one(self, r, at)).collect())
    }

    // ---- datatypes ----

    pub fn coded(&mut self, cwe: Cwe<'_>, table: &str, at: Location) -> Coded {
        let mut coded = self.coded_as_sent(cwe, table, at);
        let site = &self.entity().site;
        for system in [&mut coded.system, &mut coded.alternate_system] {
            if let Some(uri) = site.coding_system(system) {
                *system = uri.to_owned();
            }
        }
        match site.to(table, &coded.code).filter(|_| systems::is_table(&coded.system, table)) {
            Some(code) => standing_for(code, coded),
            None => coded,
        }
    }

    fn coded_as_sent(&mut self, cwe: Cwe<'_>, table: &str, at: Location) -> Coded {
        Coded {
            code: self.text(cwe.code(), at),
            text: self.text(cwe.original_text().or_else(|| cwe.text()), at),
            system: self.text(cwe.system(), at),
            alternate_code: self.text(cwe.alternate_code(), at),
            alternate_text: self.text(cwe.alternate_text(), at),
            alternate_system: self.text(cwe.alternate_system(), at),
            table: table.to_owned(),
            further: None,
        }
    }

    /// CX → identifier and its authority's rank in the EJ's order. A value too long to keep is
    /// left out: cut, it would be somebody else's.
    pub fn identifier(
        &mut self,
        cx: Cx<'_>,
        role: AuthorityUse,
        at: Location,
    ) -> Option<(usize, Identifier)> {
        let value = cx.id()?;
        if value.len() > TEXT_BYTES_MAX || value.contains('\0') {
            self.issue(IssueCode::ValueCut, at);
            return None;
        }
        let system = self.system(cx.assigning_authority(), role);
        let identifier = Identifier {
            system: system.uri,
            value: value.into_owned(),
            type_code: self.text(cx.type_code(), at),
            start: self.moment(cx.effective(), at),
            end: self.moment(cx.expires(), at),
            ..Identifier::default()
        };
        Some((system.rank, identifier))
    }

    /// EI (ZBE-1) → identifier.
    pub fn entity_identifier(&mut self, ei: Ei<'_>, at: Location) -> Option<Identifier> {
        let value = ei.id()?;
        if value.len() > TEXT_BYTES_MAX || value.contains('\0') {
            self.issue(IssueCode::ValueCut, at);
            return None;
        }
        let authority = [ei.namespace(), ei.universal_id(), ei.universal_id_type()]
            .map(Option::unwrap_or_default);
        Some(Identifier {
            system: self.system_of(&authority, AuthorityUse::Movement).uri,
            value: value.into_owned(),
            ..Identifier::default()
        })
    }

    /// XPN-3 stays one text: senders separate further names by spaces or commas, and one name
    /// may hold either.
    pub fn name(&mut self, xpn: Xpn<'_>, at: Location) -> HumanName {
        let given = [xpn.given(), xpn.further_given()];
        HumanName {
            family: self.text(xpn.family(), at),
            given: given.into_iter().flatten().map(|name| self.text(Some(name), at)).collect(),
            prefix: self.text(xpn.prefix(), at),
            suffix: self.text(xpn.suffix(), at),
            name_type: self.text(xpn.name_type(), at),
            start: self.moment(xpn.effective(), at),
            end: self.moment(xpn.expires(), at),
            further: None,
        }
    }

    pub fn address(&mut self, xad: Xad<'_>, at: Location) -> Option<Address> {
        let street = xad.street().or_else(|| {
            let number = xad.dwelling_number().unwrap_or_default();
            let name = xad.street_name()?;
            Some(Cow::Owned(format!("{number} {name}").trim().to_owned()))
        });
        let mut lines = Vec::new();
        for line in street.into_iter().chain(xad.other_lines().into_iter().map(Cow::Owned)) {
            lines.push(self.text(Some(line), at));
        }
        lines.truncate(REPETITIONS_MAX);
        let address = Address {
            lines,
            city: self.text(xad.city(), at),
            state: self.text(xad.state(), at),
            postal_code: self.text(xad.postal_code(), at),
            country: self.text(xad.country(), at),
            address_type: self.text(xad.address_type(), at),
            district: self.text(xad.county(), at),
            ..Address::default()
        };
        // The type alone says nothing.
        let texts = [
            &address.city,
            &address.state,
            &address.postal_code,
            &address.country,
            &address.district,
        ];
        let says = !address.lines.is_empty() || texts.into_iter().any(|text| !text.is_empty());
        says.then_some(address)
    }

    /// XTN-4 for an e-mail, else XTN-12, else XTN-5 to 8, else XTN-1 (FACTS §4 XTN).
    pub fn telecom(&mut self, xtn: Xtn<'_>, default_use: &str, at: Location) -> Option<Telecom> {
        let equipment = xtn.equipment().unwrap_or_default();
        let is_electronic = matches!(&*equipment, "Internet" | "X.400");
        let email = xtn.email();
        let value = match email {
            Some(email) if is_electronic || xtn.use_code().as_deref() == Some("NET") => email,
            email => {
                xtn.unformatted().or_else(|| composed(xtn)).or_else(|| xtn.number()).or(email)?
            }
        };
        let use_code = xtn.use_code().unwrap_or(Cow::Borrowed(default_use));
        Some(Telecom {
            value: self.text(Some(value), at),
            use_code: self.text(Some(use_code), at),
            equipment: self.text(Some(equipment), at),
            ..Telecom::default()
        })
    }

    pub fn practitioner(&mut self, xcn: Xcn<'_>, role: &str, at: Location) -> Option<Practitioner> {
        if xcn.is_nobody() {
            return None;
        }
        let identifier = xcn.id().filter(|id| id.len() <= TEXT_BYTES_MAX).map(|id| Identifier {
            system: self.practitioner_system(xcn.assigning_authority()),
            value: id.into_owned(),
            type_code: self.text(xcn.type_code(), at),
            ..Identifier::default()
        });
        let given = [xcn.given(), xcn.further_given()];
        let name = HumanName {
            family: self.text(xcn.family(), at),
            given: given.into_iter().flatten().map(|name| self.text(Some(name), at)).collect(),
            prefix: self.text(xcn.prefix(), at),
            suffix: self.text(xcn.suffix(), at),
            name_type: self.text(xcn.name_type(), at),
            ..HumanName::default()
        };
        Some(Practitioner { role: role.to_owned(), identifier, name, ..Practitioner::default() })
    }

    /// A doctor's number is none of the EJ's own: without an authority it is only "a
    /// practitioner's" here.
    fn practitioner_system(&self, authority: Hd<'_>) -> String {
        if authority.is_empty() {
            return super::systems::local(self.entity(), "practitioner");
        }
        self.system(authority, AuthorityUse::Any).uri
    }

    /// `None` where the field says nothing of a place.
    pub fn place(&mut self, field: Field<'_>, at: Location) -> Option<Place> {
        let pl = Pl::of(field);
        let facility = pl.facility();
        let place = Place {
            point_of_care: self.text(pl.point_of_care(), at),
            room: self.text(pl.room(), at),
            bed: self.text(pl.bed(), at),
            facility: self.text(facility.namespace().or_else(|| facility.universal_id()), at),
            bed_status: self.text(pl.status(), at),
            person_location_type: self.text(pl.person_location_type(), at),
            building: self.text(pl.building(), at),
            floor: self.text(pl.floor(), at),
            description: self.text(pl.description(), at),
        };
        (!place.is_empty()).then_some(place)
    }
}

/// The table's own code in front of the site's, which stays as the alternate.
fn standing_for(code: &str, sent: Coded) -> Coded {
    let mut further = sent.further.unwrap_or_default();
    if further.third_code.is_empty() && !sent.alternate_code.is_empty() {
        further.third_code = sent.alternate_code;
        further.third_text = sent.alternate_text;
        further.third_system = sent.alternate_system;
    }
    Coded {
        code: code.to_owned(),
        text: String::new(),
        system: String::new(),
        alternate_code: sent.code,
        alternate_text: sent.text,
        alternate_system: format!("HL7{}", sent.table),
        table: sent.table,
        further: (*further != FurtherCoding::default()).then_some(further),
    }
}

fn composed(xtn: Xtn<'_>) -> Option<Cow<'static, str>> {
    let local = xtn.local_number()?;
    let mut text = String::new();
    if let Some(country) = xtn.country_code() {
        text.push('+');
        text.push_str(country.trim_start_matches('+'));
        text.push(' ');
    }
    if let Some(area) = xtn.area_code() {
        text.push_str(&area);
        text.push(' ');
    }
    text.push_str(&local);
    if let Some(extension) = xtn.extension() {
        text.push_str(" X");
        text.push_str(&extension);
    }
    Some(Cow::Owned(text))
}
