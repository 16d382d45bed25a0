//! Organizations: the legal entity itself, French UF, and whatever else an XON names.
//!
//! Each is known for life by authority and number, and its record follows what is said of it.
//! Two legal entities may both have a UF 3101: ids are minted within one.

use std::borrow::Cow;
use std::sync::Arc;

use super::draft::{Draft, legal_entity_id};
use super::structure::units;
use super::systems;
use super::values::at;
use crate::entity::AuthorityUse;
use crate::hl7::datatypes::{Cwe, Hd, Xon};
use crate::hl7::{Field, Location, Segment};
use crate::records::{
    Identifier, NamedOrganization, OrganizationKind, OrganizationRecord, Record, RecordType,
    ResourceId, Unit,
};

impl Draft<'_> {
    /// The EJ's own record, made from the configuration at first sight.
    pub fn legal_entity(&mut self) -> ResourceId {
        let id = legal_entity_id(self.entity().id());
        if self.organization_record(id).is_none() {
            self.put(units::own_entity(self));
        }
        id
    }

    /// The authority of a number is this EJ, by its FINESS number or by what it declares.
    fn is_own(&self, authority: Hd<'_>) -> bool {
        if authority.is_empty() {
            return true;
        }
        let settings = &self.entity().settings;
        let universal_id = authority.universal_id().unwrap_or_default();
        if !universal_id.is_empty() && *universal_id == settings.finess {
            return true;
        }
        let system = self.system(authority, AuthorityUse::Visit);
        system.rank < settings.authority.len()
    }

    /// A UF (*unité fonctionnelle*), made at first sight: of the EJ where its code stands alone
    /// (PV1-3.1) or with the EJ as its authority, else another's. It is the same whichever segment
    /// names it first; a name fills one that is missing, and the structure (MFN^M05) says the rest.
    pub fn functional_unit(
        &mut self,
        code: Cow<'_, str>,
        name: Option<Cow<'_, str>>,
        authority: Option<Hd<'_>>,
        at: Location,
    ) -> Option<Unit> {
        let code = self.whole(code, at).filter(|code| !code.trim().is_empty())?;
        let code = code.trim();
        let mut identifier = units::unit_identifier(self, code);
        let foreign = authority.filter(|authority| !self.is_own(*authority));
        let organization = match foreign {
            None => units::unit_numbered(self, code, &identifier),
            Some(authority) => {
                identifier.system = self.system(authority, AuthorityUse::Unit).uri;
                self.organization_id(&identifier)
            }
        };
        let name = self.text(name, at);
        let known = self.organization_record(organization);
        if known.is_none_or(|known| takes(&known, &name)) {
            let unit = OrganizationRecord {
                identifiers: vec![identifier.clone()],
                part_of: foreign.is_none().then(|| self.legal_entity()),
                ..units::nothing_known(organization, OrganizationKind::FunctionalUnit)
            };
            self.organization_of(unit, name.clone());
        }
        Some(Unit { organization, identifier, name })
    }

    /// ZBE-7, ZBE-8: a UF by its code and authority.
    pub fn unit(&mut self, segment: &Segment<'_>, field: usize) -> Option<Unit> {
        let xon = Xon::of(segment.field(field));
        self.functional_unit(
            xon.id()?,
            xon.name(),
            Some(xon.assigning_authority()),
            at(segment, field),
        )
    }

    /// XON → an organization of its own where it has a number, else only a name. XON-7 says which
    /// is a UF.
    pub fn organization(&mut self, xon: Xon<'_>, at: Location) -> NamedOrganization {
        let name = self.text(xon.name(), at);
        let Some(number) = xon.id() else {
            return NamedOrganization { organization: None, name };
        };
        let authority = xon.assigning_authority();
        if xon.type_code().as_deref() == Some("UF") {
            let unit = self.functional_unit(number, xon.name(), Some(authority), at);
            return NamedOrganization { organization: unit.map(|unit| unit.organization), name };
        }
        let Some(value) = self.whole(number, at) else {
            return NamedOrganization { organization: None, name };
        };
        let system = if authority.is_empty() {
            systems::local(self.entity(), "organization")
        } else {
            self.system(authority, AuthorityUse::Any).uri
        };
        let identifier = Identifier {
            system,
            value,
            type_code: self.text(xon.type_code(), at),
            assigner: self.assigner(authority, at),
            check_digit: self.check_digit(xon.check_digit(), xon.check_digit_scheme(), at),
            ..Identifier::default()
        };
        let id = self.other_organization(identifier, name.clone());
        NamedOrganization { organization: Some(id), name }
    }

    /// A code that stands for an organization (PV1-39): its number within the EJ.
    pub fn organization_by_code(&mut self, field: Field<'_>, at: Location) -> NamedOrganization {
        let cwe = Cwe::of(field);
        let name = self.text(cwe.text(), at);
        let code = cwe.code().and_then(|code| self.whole(code, at));
        let Some(value) = code else { return NamedOrganization { organization: None, name } };
        let system = systems::local(self.entity(), "facility");
        let identifier = Identifier { system, value, ..Identifier::default() };
        let shown = if name.is_empty() { identifier.value.clone() } else { name };
        let id = self.other_organization(identifier, shown.clone());
        NamedOrganization { organization: Some(id), name: shown }
    }

    fn other_organization(&mut self, identifier: Identifier, name: String) -> ResourceId {
        let id = self.organization_id(&identifier);
        let organization = OrganizationRecord {
            identifiers: vec![identifier],
            ..units::nothing_known(id, OrganizationKind::Other)
        };
        self.organization_of(organization, name)
    }

    /// The one that lists the number, else the one that will be minted for it.
    fn organization_id(&self, number: &Identifier) -> ResourceId {
        let (system, value) = (number.system.as_str(), number.value.as_str());
        self.by_identifier(RecordType::Organization, system, value)
            .unwrap_or_else(|| self.id_of(RecordType::Organization, &[system, value]))
    }

    /// Made at first sight, and named anew by a name that it takes.
    fn organization_of(&mut self, organization: OrganizationRecord, name: String) -> ResourceId {
        let id = organization.id;
        match self.organization_record(id) {
            None => self.put(OrganizationRecord { name, ..organization }),
            Some(known) if takes(&known, &name) => {
                self.put(OrganizationRecord { name, ..(*known).clone() });
            }
            Some(_) => {}
        }
        id
    }

    /// Organizations are closed and never removed: one that is there stays there.
    fn organization_record(&self, id: ResourceId) -> Option<Arc<OrganizationRecord>> {
        match self.record(RecordType::Organization, id)? {
            Record::Organization(record) => Some(record),
            _ => None,
        }
    }
}

/// A name that is said replaces the one before, except where what is the EJ's own has one: the
/// structure (MFN^M05) says the rest.
fn takes(known: &OrganizationRecord, name: &str) -> bool {
    !name.is_empty()
        && known.name != name
        && (known.kind == OrganizationKind::Other || known.name.is_empty())
}
