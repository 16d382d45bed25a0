//! PL-6 of an entry: which organization or place it is (fr-core-and-structure §A, types).

use crate::records::OrganizationKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Unit(OrganizationKind),
    /// `N`: a UF of accommodation, which is an organization and a ward; or a ward (UH) alone,
    /// where it answers to a UF of another code.
    Accommodation,
    Room,
    Bed,
    /// A building, floor, wing, corridor… where rooms are.
    Area,
}

/// The types of the French structure, each with what it becomes.
pub(super) const KINDS: &[(&str, Kind)] = &[
    ("M", Kind::Unit(OrganizationKind::LegalEntity)),
    ("ETBL_GRPQ", Kind::Unit(OrganizationKind::GeographicalEntity)),
    ("PL", Kind::Unit(OrganizationKind::Pole)),
    ("D", Kind::Unit(OrganizationKind::Service)),
    ("STRCTR_INTRN", Kind::Unit(OrganizationKind::InternalStructure)),
    ("H", Kind::Unit(OrganizationKind::FunctionalUnit)),
    ("N", Kind::Accommodation),
    ("UNT_MDCL", Kind::Unit(OrganizationKind::MedicalUnit)),
    ("UAC", Kind::Unit(OrganizationKind::ActivityUnit)),
    ("R", Kind::Room),
    ("BX", Kind::Room),
    ("B", Kind::Bed),
    ("BTMNT", Kind::Area),
    ("ETG", Kind::Area),
    ("AL", Kind::Area),
    ("CLR", Kind::Area),
    ("L", Kind::Area),
    ("PNT_CLCT", Kind::Area),
    ("PNT_LVRSN", Kind::Area),
    ("SL_ATNT", Kind::Area),
    ("SL_RVL", Kind::Area),
];

impl Kind {
    pub fn parse(code: &str) -> Option<Self> {
        KINDS.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_types_are_those_in_code() {
        let page = include_str!("../../../../docs/structure.md");
        for (code, kind) in KINDS {
            let becomes = match kind {
                Kind::Unit(kind) => format!("Organization, {kind:?}"),
                Kind::Accommodation => {
                    "Organization, FunctionalUnit, and its Location; or a Location".into()
                }
                Kind::Room => "Location, room".into(),
                Kind::Bed => "Location, bed".into(),
                Kind::Area => "Location".to_owned(),
            };
            let row = format!("| `{code}` | {becomes} |");
            assert!(page.contains(&row), "docs/structure.md should have: {row}");
        }
    }
}
