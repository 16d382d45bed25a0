//! One parameter of a query: the spans that hold its matches, and the test of a record.

use jiff::tz::TimeZone;
use sluice_ids::EjId;

use super::date::DateValue;
use super::elements::{self, Element, ReferenceOf, TokenOf};
use super::key::{self, KEY_BYTES, Span};
use super::rows::{
    CLASS_CODE_BYTES, class_key, class_of, class_system_number, dated, family, given, identifiers,
    location_name, rows, status_key,
};
use super::sites::Sites;
use super::values::Token;
use super::{Param, text};
use crate::fhir::civil::{self, Interval};
use crate::fhir::codes::administrative_sex::{Gender, gender};
use crate::fhir::codes::stay_status;
use crate::fhir::{FhirVersion, period};
use crate::records::{HumanName, Record, ResourceId, StayRecord, StayStatus, phi_debug};

/// One parameter with its values (OR).
#[derive(Clone)]
pub struct Clause {
    pub(super) param: &'static str,
    pub(super) test: Test,
}

/// The values of one parameter; any of them is enough.
#[derive(Clone)]
pub(super) enum Test {
    Id(Vec<ResourceId>),
    Identifier(Vec<Token>),
    Text {
        of: TextOf,
        mode: TextMode,
        values: Vec<TextValue>,
    },
    BirthDate(Vec<DateValue>),
    /// The zone tells when a day ends that was sent without a time.
    Period {
        values: Vec<DateValue>,
        zone: TimeZone,
    },
    LastUpdated(Vec<DateValue>),
    Gender(Vec<Gender>),
    Active(Vec<bool>),
    Status(Vec<StatusCode>),
    Class(Vec<Token>),
    Patient(Vec<ResourceId>),
    Location(Vec<ResourceId>),
    /// The version, since R5 says of some what R4 does not.
    Coded {
        of: TokenOf,
        version: FhirVersion,
        tokens: Vec<Token>,
        sites: Sites,
    },
    Refers {
        of: ReferenceOf,
        version: FhirVersion,
        ids: Vec<ResourceId>,
    },
    /// Whether the element is there.
    Lacks {
        element: Element,
        version: FhirVersion,
        missing: bool,
    },
    Not(Box<Test>),
    /// Whether there is a row of any of the parameters.
    Missing {
        params: &'static [Param],
        missing: bool,
    },
}

/// A code of Encounter.status.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct StatusCode {
    pub(super) status: StayStatus,
    /// The R5 code, where R5 tells apart what the record has one status for.
    pub(super) ended: Option<&'static str>,
}

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

phi_debug!(Clause, TextValue);

impl Clause {
    /// The parameter's name, without its modifier.
    #[must_use]
    pub const fn param(&self) -> &'static str {
        self.param
    }

    /// Spans that together hold every match (OR). A match can have rows in several of them, and
    /// several rows in one.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        self.test.spans(&mut spans);
        spans
    }

    #[must_use]
    pub fn matches(&self, ej: EjId, record: &Record) -> bool {
        self.test.matches(ej, record)
    }
}

impl Test {
    pub(super) fn with_sites(&mut self, known: &Sites) {
        match self {
            Self::Coded { sites, .. } => sites.clone_from(known),
            Self::Not(test) => test.with_sites(known),
            _ => {}
        }
    }

    fn spans(&self, out: &mut Vec<Span>) {
        match self {
            Self::Id(ids) => id_spans(Param::Id, ids, out),
            Self::Patient(ids) => id_spans(Param::Patient, ids, out),
            Self::Location(ids) => id_spans(Param::Location, ids, out),
            Self::Identifier(tokens) => out.extend(tokens.iter().map(identifier_span)),
            Self::Text { of, mode, values } => {
                for value in values {
                    out.extend(of.params().iter().map(|p| text_span(*p, *mode, value)));
                }
            }
            Self::BirthDate(values) => values.iter().for_each(|v| v.birth_date_spans(out)),
            Self::Period { values, .. } => values.iter().for_each(|v| v.period_spans(out)),
            Self::LastUpdated(values) => values.iter().for_each(|v| v.instant_spans(out)),
            Self::Gender(values) => {
                let span = |g: &Gender| Span::point(Param::Gender, key::byte(*g as u8), true);
                out.extend(values.iter().map(span));
            }
            Self::Active(values) => {
                let span = |a: &bool| Span::point(Param::Active, key::byte(u8::from(*a)), true);
                out.extend(values.iter().map(span));
            }
            Self::Status(values) => {
                let span = |value: &StatusCode| {
                    Span::point(Param::Status, status_key(value.status), value.ended.is_none())
                };
                out.extend(values.iter().map(span));
            }
            Self::Class(tokens) => out.extend(tokens.iter().filter_map(class_span)),
            Self::Coded { of, tokens, sites, .. } => {
                for token in tokens {
                    out.push(elements::token_span(*of, token));
                    out.extend(sites.spans(*of, token));
                }
            }
            Self::Refers { of, ids, .. } => {
                out.extend(ids.iter().map(|id| elements::reference_span(*of, *id)));
            }
            Self::Lacks { element, missing: false, .. } => out.push(elements::whole(*element)),
            Self::Not(_)
            | Self::Missing { missing: true, .. }
            | Self::Lacks { missing: true, .. } => {
                out.push(Span::whole(Param::All, false));
            }
            Self::Missing { params, missing: false } => {
                out.extend(params.iter().map(|p| Span::whole(*p, true)));
            }
        }
    }

    fn matches(&self, ej: EjId, record: &Record) -> bool {
        match (self, record) {
            (Self::Id(ids), _) => ids.contains(&record.id()),
            (Self::LastUpdated(values), _) => {
                let at = record.stamp().updated_at.get();
                let point = Interval { low: at, high: at };
                values.iter().any(|v| v.prefix.holds(point, v.instants))
            }
            (Self::Identifier(tokens), _) => {
                let own = identifiers(ej, record);
                own.iter().any(|(system, value)| tokens.iter().any(|t| t.matches(system, value)))
            }
            (Self::Not(test), _) => !test.matches(ej, record),
            (Self::Missing { params, missing }, _) => {
                let mut own = Vec::new();
                rows(ej, record, &mut own);
                own.iter().any(|(param, _)| params.contains(param)) != *missing
            }
            (Self::Text { of, mode, values }, _) => {
                values.iter().any(|value| has_text(*of, *mode, value, record))
            }
            (Self::Coded { of, version, tokens, sites }, _) => {
                let own = elements::tokens(record, *of, *version, sites.of(ej));
                own.iter().any(|(system, code)| tokens.iter().any(|t| t.matches(system, code)))
            }
            (Self::Refers { of, version, ids }, _) => {
                let own = elements::references(ej, record, *of, *version);
                own.iter().any(|id| ids.contains(id))
            }
            (Self::Lacks { element, version, missing }, _) => {
                let lacks = match element {
                    Element::Token(of) => elements::tokens(record, *of, *version, None).is_empty(),
                    Element::Reference(of) => {
                        elements::references(ej, record, *of, *version).is_empty()
                    }
                };
                lacks == *missing
            }
            (Self::BirthDate(values), _) => {
                let date = match record {
                    Record::Patient(patient) => patient.birth_date,
                    Record::RelatedPerson(person) => person.birth_date,
                    _ => None,
                };
                let date = date.map(civil::date_interval);
                date.is_some_and(|d| values.iter().any(|v| v.prefix.holds(d, v.civil)))
            }
            (Self::Gender(values), Record::Patient(patient)) => {
                gender(&patient.gender).is_some_and(|g| values.contains(&g))
            }
            (Self::Gender(values), Record::RelatedPerson(person)) => {
                gender(&person.gender).is_some_and(|g| values.contains(&g))
            }
            (Self::Active(values), Record::Patient(patient)) => values.contains(&patient.active),
            (Self::Active(values), Record::Organization(r)) => values.contains(&r.active),
            (Self::Period { values, zone }, _) => {
                let period = match record {
                    Record::Stay(stay) => period_of(stay, zone),
                    _ => dated(record).map(|(start, end)| Interval {
                        low: start.low.get(),
                        high: civil::interval_in(end, zone).high,
                    }),
                };
                period.is_some_and(|p| values.iter().any(|v| v.prefix.holds(p, v.instants)))
            }
            (Self::Status(values), Record::Stay(stay)) => values.iter().any(|value| {
                let ended = |code| stay_status::of(stay, FhirVersion::R5) == code;
                value.status == stay.status() && value.ended.is_none_or(ended)
            }),
            (Self::Class(tokens), Record::Stay(stay)) => {
                let (system, code) = class_of(stay);
                tokens.iter().any(|t| t.matches(system, &code))
            }
            (Self::Patient(ids), _) => record.patient().is_some_and(|id| ids.contains(&id)),
            (Self::Location(ids), Record::Stay(stay)) => {
                stay.places().any(|(m, _)| m.location.is_some_and(|id| ids.contains(&id)))
            }
            _ => false,
        }
    }
}

fn id_spans(param: Param, ids: &[ResourceId], out: &mut Vec<Span>) {
    out.extend(ids.iter().map(|id| Span::point(param, key::id(*id), false)));
}

fn identifier_span(token: &Token) -> Span {
    match (&token.system, &token.code) {
        (Some(system), Some(value)) => {
            Span::point(Param::Identifier, key::system_value(system, value), false)
        }
        (Some(system), None) => {
            let (from, to) = (key::system_start(system), key::system_end(system));
            Span::new(Param::Identifier, from, to, false)
        }
        (None, value) => {
            let value = value.as_deref().unwrap_or_default();
            Span::point(Param::IdentifierValue, key::value(value), false)
        }
    }
}

fn text_span(param: Param, mode: TextMode, value: &TextValue) -> Span {
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

fn class_span(token: &Token) -> Option<Span> {
    let number = token.system.as_deref().map(class_system_number);
    if number == Some(0) {
        return None;
    }
    let Some(code) = &token.code else { return Some(Span::whole(Param::Class, false)) };
    // One that fills its part of the key may have been cut.
    let exact = code.len() < CLASS_CODE_BYTES;
    let (from, to) = number.map_or((0, u8::MAX), |n| (n, n));
    Some(Span::new(Param::Class, class_key(code, from), class_key(code, to), exact))
}

fn has_text(of: TextOf, mode: TextMode, value: &TextValue, record: &Record) -> bool {
    let fits = |raw: &str| match mode {
        TextMode::Exact => raw == value.raw,
        TextMode::StartsWith => text::normalise(raw).starts_with(&value.folded),
        TextMode::Contains => text::normalise(raw).contains(&value.folded),
    };
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
            names_of(record).iter().any(|name| family(name).chain(given(name)).any(fits))
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

/// What a stay shows as its period; `None` where it shows none.
fn period_of(stay: &StayRecord, zone: &TimeZone) -> Option<Interval> {
    let (start, end) = period::of_stay(stay);
    if start.is_none() && end.is_none() {
        return None;
    }
    Some(Interval {
        low: start.map_or(i64::MIN, |m| m.low.get()),
        high: end.map_or(i64::MAX, |m| civil::interval_in(m, zone).high),
    })
}
