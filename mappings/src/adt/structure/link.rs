//! Where a relation leads: entries of this message, and what earlier ones told.

use super::entry::{Entry, Key};
use super::kind::Kind;
use super::{Fold, IssueCode, LEVELS_MAX, units};
use crate::adt::draft::Draft;
use crate::records::{OrganizationKind, Record, RecordType, ResourceId};

impl Fold {
    /// The organization of a key.
    pub(super) fn unit(&self, draft: &Draft<'_>, key: &Key) -> Option<ResourceId> {
        let of_message = self.unit_of.get(key).copied();
        of_message.or_else(|| self.known(draft, RecordType::Organization, key))
    }

    /// The place of a key.
    pub(super) fn area(&self, draft: &Draft<'_>, key: &Key) -> Option<ResourceId> {
        let of_message = self.area_of.get(key).copied();
        of_message.or_else(|| self.known(draft, RecordType::Location, key))
    }

    /// The organization that `entry` names, and its kind; told where nobody knows the target.
    pub(super) fn unit_at(
        &self,
        draft: &mut Draft<'_>,
        target: &Key,
        entry: &Entry,
    ) -> Option<(ResourceId, OrganizationKind)> {
        let Some(id) = self.unit(draft, target) else {
            if self.area(draft, target).is_none() {
                draft.issue(IssueCode::RelationUnknown, entry.at);
            }
            return None;
        };
        let kind = match self.notice.entries.get(target) {
            Some(entry) => units::kind_of(entry.kind)?,
            None => match draft.record(RecordType::Organization, id)? {
                Record::Organization(unit) => unit.kind,
                _ => return None,
            },
        };
        Some((id, kind))
    }

    /// The code of a UF, where the key is one's.
    pub(super) fn unit_code(&self, draft: &Draft<'_>, key: &Key) -> Option<String> {
        if let Some(entry) = self.notice.entries.get(key) {
            let is_uf = matches!(
                entry.kind,
                Kind::Accommodation | Kind::Unit(OrganizationKind::FunctionalUnit)
            );
            return is_uf.then(|| entry.code().to_owned());
        }
        let id = self.known(draft, RecordType::Organization, key)?;
        self.code_of_unit(draft, id)
    }

    pub(super) fn code_of_unit(&self, draft: &Draft<'_>, id: ResourceId) -> Option<String> {
        let Record::Organization(unit) = draft.record(RecordType::Organization, id)? else {
            return None;
        };
        let system = units::unit_identifier(draft, "").system;
        unit.identifiers.iter().find(|own| own.system == system).map(|own| own.value.clone())
    }

    /// A ward (UH), and no UF: it answers to a UF of another code.
    pub(super) fn is_ward_alone(&self, draft: &Draft<'_>, entry: &Entry) -> bool {
        entry.kind == Kind::Accommodation && self.unit_of_ward(draft, entry).is_some()
    }

    /// The code of the UF that a ward answers to, where it is not its own.
    pub(super) fn unit_of_ward(&self, draft: &Draft<'_>, entry: &Entry) -> Option<String> {
        let codes = entry.related("RSPNSBLT").filter_map(|target| self.unit_code(draft, target));
        codes.into_iter().find(|code| code != entry.code())
    }

    /// The code of the UF that a place belongs to: by what it answers to, else by where it is.
    pub(super) fn unit_of_place(&self, draft: &Draft<'_>, key: &Key) -> Option<String> {
        let mut key = key.clone();
        for _ in 0..LEVELS_MAX {
            let Some(entry) = self.notice.entries.get(&key) else {
                return self.unit_of_known_place(draft, &key);
            };
            if entry.kind == Kind::Accommodation {
                return Some(
                    self.unit_of_ward(draft, entry).unwrap_or_else(|| entry.code().to_owned()),
                );
            }
            let answers = entry.related("RSPNSBLT");
            if let Some(code) = answers.into_iter().find_map(|to| self.unit_code(draft, to)) {
                return Some(code);
            }
            let within = entry.related("LCLSTN").next()?.clone();
            let is_ward = |entry: &Entry| entry.kind == Kind::Accommodation;
            if !self.notice.entries.get(&within).is_some_and(is_ward)
                && let Some(code) = self.unit_code(draft, &within)
            {
                return Some(code);
            }
            key = within;
        }
        None
    }

    /// An earlier message told of the place, or of the UF that the key is.
    fn unit_of_known_place(&self, draft: &Draft<'_>, key: &Key) -> Option<String> {
        if let Some(id) = self.known(draft, RecordType::Location, key)
            && let Some(Record::Location(area)) = draft.record(RecordType::Location, id)
            && let Some(unit) = area.managing_organization
            && let Some(code) = self.code_of_unit(draft, unit)
        {
            return Some(code);
        }
        let unit = self.known(draft, RecordType::Organization, key)?;
        self.code_of_unit(draft, unit)
    }
}
