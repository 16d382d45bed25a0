//! Names, of people, places and organizations: which of them a parameter means, where their rows are,
//! and whether one fits.

use super::key::{self, KEY_BYTES, Span};
use super::rows::{family, given, location_name};
use super::{Param, text};
use crate::records::{HumanName, Record, phi_debug};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TextOf {
    Family,
    Given,
    /// Family or given.
    PersonName,
    /// Of a place or an organization.
    Name,
}

impl TextOf {
    pub(super) const fn params(self) -> &'static [Param] {
        match self {
            Self::Family => &[Param::Family],
            Self::Given => &[Param::Given],
            Self::PersonName => &[Param::Family, Param::Given],
            Self::Name => &[Param::Name],
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TextMode {
    StartsWith,
    Exact,
    Contains,
}

#[derive(Clone)]
pub(super) struct TextValue {
    pub(super) raw: String,
    pub(super) folded: String,
}

impl TextValue {
    pub(super) fn fits(&self, mode: TextMode, raw: &str) -> bool {
        match mode {
            TextMode::Exact => raw == self.raw,
            TextMode::StartsWith => text::normalise(raw).starts_with(&self.folded),
            TextMode::Contains => text::normalise(raw).contains(&self.folded),
        }
    }
}

phi_debug!(TextValue);

pub(super) fn text_span(param: Param, mode: TextMode, value: &TextValue) -> Span {
    let folded = value.folded.as_bytes();
    match mode {
        TextMode::StartsWith => {
            let exact = folded.len() <= KEY_BYTES;
            Span::new(param, key::prefix(folded), key::prefix_end(folded), exact)
        }
        TextMode::Exact => Span::point(param, key::prefix(folded), false),
        TextMode::Contains => Span::whole(param, false),
    }
}

/// What sounds alike begins with the same letter.
pub(super) fn sounding_span(param: Param, value: &TextValue) -> Span {
    let first = value.folded.chars().next().map_or(0, char::len_utf8);
    let first = &value.folded.as_bytes()[..first];
    Span::new(param, key::prefix(first), key::prefix_end(first), false)
}

pub(super) fn any_name(of: TextOf, record: &Record, mut fits: impl FnMut(&str) -> bool) -> bool {
    match (of, record) {
        (TextOf::Name, Record::Location(location)) => {
            let name = location_name(location);
            !name.is_empty() && fits(&name)
        }
        (TextOf::Name, Record::Organization(organization)) => {
            let name = organization.name.trim();
            !name.is_empty() && fits(name)
        }
        (TextOf::Family, _) => names_of(record).iter().flat_map(family).any(fits),
        (TextOf::Given, _) => names_of(record).iter().flat_map(given).any(fits),
        (TextOf::PersonName, _) => {
            names_of(record).iter().any(|name| family(name).chain(given(name)).any(&mut fits))
        }
        _ => false,
    }
}

fn names_of(record: &Record) -> &[HumanName] {
    match record {
        Record::Patient(r) => &r.names,
        Record::Practitioner(r) => &r.names,
        Record::RelatedPerson(r) => &r.names,
        _ => &[],
    }
}
