//! What becomes of each field of a message: where it shows, where it is kept, or why it is not
//! mapped.
//!
//! One file for each family of segments, one rule for each field that the standard, the French
//! extension or a sender of ours has. `tests/field_table.rs` holds it to the code by experiment:
//! what a rule says is mapped changes what is rendered when the field is altered, and nothing else
//! does. The field part of `docs/mapping.md` is made from it.

mod clinical;
mod cover;
mod deviations;
mod facts;
mod french;
mod header;
mod patient;
mod stay;
mod structure;

pub use deviations::{DEVIATIONS, Deviation};
pub use facts::guide_maps;

use crate::hl7::Location;

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It shows in these elements of R4, and of R5: types and paths without places in lists.
    Mapped { r4: &'static [&'static str], r5: &'static [&'static str] },
    /// It counts or is remembered, and is not shown: where.
    Kept(&'static str),
    /// It is in the journal alone: why.
    NotMapped(&'static str),
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub field: u16,
    /// As the standard calls it.
    pub name: &'static str,
    pub fate: Fate,
    /// Where the rule is written: the clause of FACTS' field maps, of the French extension, or v2.
    pub source: &'static str,
    /// Where the v2-to-FHIR guide says otherwise: what it says, and why it is not followed.
    pub deviates: Option<&'static str>,
}

/// One segment.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    pub name: &'static str,
    pub title: &'static str,
    /// In order of field.
    pub rules: &'static [Rule],
    /// Of all its other fields.
    pub rest: Option<Rule>,
}

impl Rule {
    const fn new(field: u16, name: &'static str, fate: Fate, source: &'static str) -> Self {
        Self { field, name, fate, source, deviates: None }
    }

    /// The same elements in R4 and R5.
    const fn shows(
        field: u16,
        name: &'static str,
        paths: &'static [&'static str],
        source: &'static str,
    ) -> Self {
        Self::new(field, name, Fate::Mapped { r4: paths, r5: paths }, source)
    }

    const fn differs(
        field: u16,
        name: &'static str,
        r4: &'static [&'static str],
        r5: &'static [&'static str],
        source: &'static str,
    ) -> Self {
        Self::new(field, name, Fate::Mapped { r4, r5 }, source)
    }

    const fn kept(
        field: u16,
        name: &'static str,
        place: &'static str,
        source: &'static str,
    ) -> Self {
        Self::new(field, name, Fate::Kept(place), source)
    }

    const fn not(field: u16, name: &'static str, why: &'static str, source: &'static str) -> Self {
        Self::new(field, name, Fate::NotMapped(why), source)
    }

    const fn but(self, deviates: &'static str) -> Self {
        Self { deviates: Some(deviates), ..self }
    }
}

impl Segment {
    const fn of(name: &'static str, title: &'static str, rules: &'static [Rule]) -> Self {
        Self { name, title, rules, rest: None }
    }

    /// A segment of which nothing is mapped.
    const fn unmapped(name: &'static str, title: &'static str, why: &'static str) -> Self {
        let rest = Rule::new(0, title, Fate::NotMapped(why), "FACTS §0");
        Self { name, title, rules: &[], rest: Some(rest) }
    }
}

/// Every segment, in the order in which messages have them.
pub fn segments() -> impl Iterator<Item = &'static Segment> {
    [
        header::SEGMENTS,
        patient::SEGMENTS,
        stay::SEGMENTS,
        french::SEGMENTS,
        clinical::SEGMENTS,
        cover::SEGMENTS,
        structure::SEGMENTS,
    ]
    .into_iter()
    .flatten()
}

/// The rule of a field; of any field of the segment where that says one for all. None for fields
/// of a sender's own and for those that were added to the standard later than the table knows.
#[must_use]
pub fn rule(segment: &str, field: u16) -> Option<&'static Rule> {
    let segment = segments().find(|known| known.name == segment)?;
    let own = segment.rules.iter().find(|rule| rule.field == field);
    own.or(segment.rest.as_ref())
}

/// A place as it may be told: the name of a segment that nobody knows is three bytes of what a
/// sender wrote.
#[must_use]
pub fn place(at: &Location) -> String {
    if segments().any(|segment| segment.name == at.segment_name()) {
        at.to_string()
    } else {
        "another segment".to_owned()
    }
}

/// `Patient.name` holds `Patient.name.family`, and itself.
#[must_use]
pub fn holds(path: &str, element: &str) -> bool {
    element.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_in_order_and_each_field_has_one() {
        for segment in segments() {
            let fields: Vec<u16> = segment.rules.iter().map(|rule| rule.field).collect();
            assert!(fields.is_sorted_by(|one, two| one < two), "{}: {fields:?}", segment.name);
            assert!(segment.rest.is_some() || !fields.is_empty(), "{}", segment.name);
        }
        let names: Vec<&str> = segments().map(|segment| segment.name).collect();
        for (at, name) in names.iter().enumerate() {
            assert!(!names[..at].contains(name), "{name} twice");
        }
    }

    #[test]
    fn a_field_without_a_rule_takes_its_segments() {
        assert!(rule("PID", 5).is_some_and(|rule| matches!(rule.fate, Fate::Mapped { .. })));
        assert!(rule("GT1", 3).is_some_and(|rule| matches!(rule.fate, Fate::NotMapped(_))));
        assert!(rule("ZZZ", 3).is_none());
        assert!(holds("Patient.name", "Patient.name.family"));
        assert!(!holds("Patient.name", "Patient.names"));
    }

    #[test]
    fn a_place_in_a_segment_that_nobody_knows_is_not_told() {
        let at = |text: &str| place(&Location::parse(text).unwrap());
        assert_eq!(at("PID-5"), "PID-5");
        assert_eq!(at("ZXY-5"), "another segment");
    }
}
