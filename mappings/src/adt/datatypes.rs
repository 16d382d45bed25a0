//! v2 datatypes → the parts of a record (FACTS §4).

use std::borrow::Cow;

use super::IssueCode;
use super::draft::Draft;
use super::values::{REPETITIONS_MAX, TEXT_BYTES_MAX, at};
use crate::entity::AuthorityUse;
use crate::fhir::codes::systems;
use crate::hl7::datatypes::{Cwe, Cx, Ei, Hd, Xad, Xpn, Xtn};
use crate::hl7::{Location, Segment};
use crate::records::{
    Address, CheckDigit, Coded, FurtherCoding, FurtherName, HumanName, Identifier, Telecom,
};

impl Draft<'_> {
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
            text: self.text(cwe.text(), at),
            system: self.text(cwe.system(), at),
            alternate_code: self.text(cwe.alternate_code(), at),
            alternate_text: self.text(cwe.alternate_text(), at),
            alternate_system: self.text(cwe.alternate_system(), at),
            table: table.to_owned(),
            further: if cwe.reaches(7) { self.further_coding(cwe, at) } else { None },
        }
    }

    fn further_coding(&mut self, cwe: Cwe<'_>, at: Location) -> Option<Box<FurtherCoding>> {
        let further = FurtherCoding {
            version: self.text(cwe.version(), at),
            alternate_version: self.text(cwe.alternate_version(), at),
            original_text: self.text(cwe.original_text(), at),
            third_code: self.text(cwe.third_code(), at),
            third_text: self.text(cwe.third_text(), at),
            third_system: self.text(cwe.third_system(), at),
            third_version: self.text(cwe.third_version(), at),
        };
        (further != FurtherCoding::default()).then(|| Box::new(further))
    }

    /// CX → identifier and its authority's rank in the EJ's order. A value too long to keep is
    /// left out: cut, it would be somebody else's.
    pub fn identifier(
        &mut self,
        cx: Cx<'_>,
        role: AuthorityUse,
        at: Location,
    ) -> Option<(usize, Identifier)> {
        let value = self.whole(cx.id()?, at)?;
        let authority = cx.assigning_authority();
        let system = self.system(authority, role);
        let identifier = Identifier {
            system: system.uri,
            value,
            type_code: self.text(cx.type_code(), at),
            start: self.moment(cx.effective(), at),
            end: self.moment(cx.expires(), at),
            assigner: self.assigner(authority, at),
            check_digit: self.check_digit(cx.check_digit(), cx.check_digit_scheme(), at),
            ..Identifier::default()
        };
        Some((system.rank, identifier))
    }

    /// EI (ZBE-1, PL-10, ROL-1) → identifier.
    pub fn entity_identifier(
        &mut self,
        ei: Ei<'_>,
        role: AuthorityUse,
        at: Location,
    ) -> Option<Identifier> {
        let value = self.whole(ei.id()?, at)?;
        let authority = [ei.namespace(), ei.universal_id(), ei.universal_id_type()]
            .map(Option::unwrap_or_default);
        Some(Identifier {
            system: self.system_of(&authority, role).uri,
            value,
            ..Identifier::default()
        })
    }

    /// A number that is kept whole or not at all. NUL separates the parts that ids are minted of.
    pub fn whole(&mut self, value: Cow<'_, str>, at: Location) -> Option<String> {
        if value.len() > TEXT_BYTES_MAX || value.contains('\0') {
            self.issue(IssueCode::ValueCut, at);
            return None;
        }
        Some(value.into_owned())
    }

    /// HD-1 where it is all that there is: the name of who assigned a number.
    pub fn assigner(&mut self, authority: Hd<'_>, at: Location) -> String {
        if authority.universal_id().is_some() {
            return String::new();
        }
        self.text(authority.namespace(), at)
    }

    pub fn check_digit(
        &mut self,
        digit: Option<Cow<'_, str>>,
        scheme: Option<Cow<'_, str>>,
        at: Location,
    ) -> Option<Box<CheckDigit>> {
        // A scheme without a digit says nothing.
        let digit = self.text(Some(digit?), at);
        Some(Box::new(CheckDigit { digit, scheme: self.text(scheme, at) }))
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
            further: self.further_name(xpn, at),
        }
    }

    fn further_name(&mut self, xpn: Xpn<'_>, at: Location) -> Option<Box<FurtherName>> {
        let surname =
            [xpn.own_prefix(), xpn.own_family(), xpn.partner_prefix(), xpn.partner_family()];
        let others = [xpn.degree(), xpn.professional_suffix(), xpn.assembly_order()];
        if surname.iter().chain(&others).all(Option::is_none) {
            return None;
        }
        let [own_prefix, own_family, partner_prefix, partner_family] =
            surname.map(|part| self.text(part, at));
        let [degree, professional_suffix, assembly_order] = others.map(|part| self.text(part, at));
        Some(Box::new(FurtherName {
            own_prefix,
            own_family,
            partner_prefix,
            partner_family,
            degree,
            professional_suffix,
            assembly_order,
        }))
    }

    /// Lines: SAD-1 (else SAD-3 and SAD-2, which it is made of), XAD-2, XAD-19.
    pub fn address(&mut self, xad: Xad<'_>, at: Location) -> Option<Address> {
        let street = xad.street().or_else(|| {
            let number = xad.dwelling_number().unwrap_or_default();
            let name = xad.street_name()?;
            Some(Cow::Owned(format!("{number} {name}").trim().to_owned()))
        });
        let others = xad.other_lines().into_iter().map(Cow::Owned);
        let mut lines = Vec::new();
        for line in street.into_iter().chain(others).chain(xad.addressee()) {
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
            census_tract: self.text(xad.census_tract(), at),
            start: self.moment(xad.effective(), at),
            end: self.moment(xad.expires(), at),
        };
        // Neither the type nor a period says where.
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

    /// All repetitions of an XTN field. `None`: the field says nothing.
    pub fn telecoms(
        &mut self,
        segment: &Segment<'_>,
        field: usize,
        default_use: &str,
    ) -> Option<Vec<Telecom>> {
        let value = segment.field(field);
        if value.is_null() {
            return Some(Vec::new());
        }
        if value.is_empty() {
            return None;
        }
        let at = at(segment, field);
        let mut telecoms = Vec::new();
        for repetition in self.repetitions(value, at) {
            self.telecom(Xtn::of(repetition), default_use, &mut telecoms, at);
        }
        telecoms.truncate(REPETITIONS_MAX);
        Some(telecoms)
    }

    /// XTN-4 for an e-mail, else XTN-12, else XTN-5 to 8, else XTN-1 (FACTS §4 XTN). One that
    /// gives a number and an e-mail address is both.
    fn telecom(&mut self, xtn: Xtn<'_>, default_use: &str, out: &mut Vec<Telecom>, at: Location) {
        let equipment = xtn.equipment().unwrap_or_default();
        let use_code = xtn.use_code().unwrap_or(Cow::Borrowed(default_use));
        let is_electronic = matches!(&*equipment, "Internet" | "X.400") || use_code == "NET";
        let number = xtn.unformatted().or_else(|| composed(xtn)).or_else(|| xtn.number());
        let (first, second) = match (xtn.email(), number) {
            (Some(email), _) if is_electronic => (email, None),
            (email, Some(number)) => (number, email),
            (Some(email), None) => (email, None),
            (None, None) => return,
        };
        let rank =
            xtn.preference_order().and_then(|order| order.parse().ok()).filter(|rank| *rank > 0);
        let telecom = Telecom {
            value: self.text(Some(first), at),
            use_code: self.text(Some(use_code), at),
            equipment: self.text(Some(equipment), at),
            rank,
            start: self.moment(xtn.effective(), at),
            end: self.moment(xtn.expires(), at),
            field: 0,
        };
        if let Some(email) = second {
            let value = self.text(Some(email), at);
            let equipment = "Internet".to_owned();
            out.push(telecom.clone());
            out.push(Telecom { value, equipment, ..telecom });
        } else {
            out.push(telecom);
        }
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
