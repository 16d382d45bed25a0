//! One parameter of a query: the spans that hold its matches, and the test of a record.

use std::sync::Arc;

use jiff::tz::TimeZone;
use sluice_ids::EjId;

use super::composite::{CompositeOf, CompositeValue};
use super::contacts::{self, ContactOf};
use super::date::{DateValue, Lines};
use super::entities::Entities;
use super::identifiers::{self, TypedNumber};
use super::joined::{Join, Via};
use super::key::{self, Span};
use super::moments::{self, DateOf};
use super::names::{TextMode, TextOf, TextValue, any_name, sounding_span, text_span};
use super::params::Of;
use super::presence::{has, has_spans};
use super::quantity::{self, QuantityOf, QuantityValue};
use super::references::{self, ReferenceOf};
use super::rows::{
    CLASS_CODE_BYTES, class_key, class_of, class_system_number, dated, is_deceased, status_key,
};
use super::strings::{self, StringOf};
use super::tokens::{self, TokenOf};
use super::values::{Token, UriValue};
use super::{Param, text};
use crate::adt::legal_entity_id;
use crate::fhir::civil::{self, Interval};
use crate::fhir::codes::administrative_sex::{Gender, gender};
use crate::fhir::codes::stay_status;
use crate::fhir::{self, FhirVersion, period};
use crate::records::{Record, ResourceId, StayRecord, StayStatus, phi_debug};

/// One parameter with its values (OR).
#[derive(Clone)]
pub struct Clause {
    pub(super) param: &'static str,
    pub(super) test: Test,
    pub(super) entities: Entities,
}

/// The values of one parameter; any of them is enough.
#[derive(Clone)]
pub(super) enum Test {
    /// Whatever the record says.
    All,
    Nothing,
    Id(Ids),
    Identifier(Vec<Token>),
    IdentifierOfType(Vec<TypedNumber>),
    Text {
        of: TextOf,
        mode: TextMode,
        values: Vec<TextValue>,
    },
    /// A name that sounds so.
    Phonetic {
        of: TextOf,
        values: Vec<TextValue>,
    },
    Strings {
        of: &'static [StringOf],
        version: FhirVersion,
        mode: TextMode,
        values: Vec<TextValue>,
    },
    Contact {
        of: ContactOf,
        tokens: Vec<Token>,
    },
    BirthDate(Vec<DateValue>),
    /// The zone tells when a day ends that was sent without a time.
    Period {
        values: Vec<DateValue>,
        zone: TimeZone,
    },
    /// Where the period of a stay begins.
    Start {
        values: Vec<DateValue>,
        zone: TimeZone,
    },
    /// Where it ends.
    End {
        values: Vec<DateValue>,
        zone: TimeZone,
    },
    Dates {
        of: DateOf,
        values: Vec<DateValue>,
        zone: TimeZone,
    },
    LastUpdated(Vec<DateValue>),
    Gender(Vec<Gender>),
    Active(Vec<bool>),
    /// The person has died.
    Deceased,
    Status(Vec<StatusCode>),
    Class(Vec<Token>),
    Patient(Ids),
    Location(Ids),
    /// What refers to the EJ itself: all records of it, or none.
    Entity(Ids),
    /// The version, since R5 says of some what R4 does not.
    Coded {
        of: TokenOf,
        version: FhirVersion,
        tokens: Vec<Token>,
    },
    /// `:text`.
    CodedText {
        of: TokenOf,
        version: FhirVersion,
        values: Vec<TextValue>,
    },
    Refers {
        of: ReferenceOf,
        version: FhirVersion,
        ids: Ids,
    },
    /// `:identifier`: the element's own number of what it refers to, which is one of `ids`.
    Numbered {
        of: ReferenceOf,
        version: FhirVersion,
        tokens: Vec<Token>,
        ids: Ids,
    },
    Quantity {
        of: QuantityOf,
        version: FhirVersion,
        values: Vec<QuantityValue>,
    },
    Composite {
        of: CompositeOf,
        version: FhirVersion,
        values: Vec<CompositeValue>,
        zone: TimeZone,
    },
    Profile {
        version: FhirVersion,
        values: Vec<UriValue>,
    },
    Security {
        version: FhirVersion,
        tokens: Vec<Token>,
    },
    /// Whether the element is there.
    Has {
        of: Of,
        name: TextOf,
        version: FhirVersion,
    },
    Not(Box<Test>),
    /// About other records: what they come to is looked up, and tested by `via`.
    Joined {
        join: Join,
        via: Via,
    },
}

/// Ids, sorted: a chain can find thousands.
#[derive(Clone)]
pub(super) struct Ids(Arc<[ResourceId]>);

impl Ids {
    pub(super) fn new(mut ids: Vec<ResourceId>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self(ids.into())
    }

    pub(super) fn contains(&self, id: &ResourceId) -> bool {
        self.0.binary_search(id).is_ok()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, ResourceId> {
        self.0.iter()
    }
}

/// A code of Encounter.status.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct StatusCode {
    pub(super) status: StayStatus,
    /// The R5 code, where R5 tells apart what the record has one status for.
    pub(super) ended: Option<&'static str>,
}

phi_debug!(Clause);

impl Clause {
    pub(super) fn new(param: &'static str, test: Test) -> Self {
        Self { param, test, entities: Entities::default() }
    }

    /// The parameter's name, without its modifier.
    #[must_use]
    pub const fn param(&self) -> &'static str {
        self.param
    }

    /// What has to be looked up in other records first; see [`Self::joined`].
    #[must_use]
    pub const fn join(&self) -> Option<&Join> {
        match &self.test {
            Test::Joined { join, .. } => Some(join),
            _ => None,
        }
    }

    /// The clause that is left of one with a [`Join`], once it is known what that comes to.
    #[must_use]
    pub fn joined(&self, ids: Vec<ResourceId>) -> Self {
        let test = match &self.test {
            Test::Joined { via, .. } => via.test(Ids::new(ids)),
            other => other.clone(),
        };
        Self { test, ..self.clone() }
    }

    /// Whether a match is a record *without* a row in the spans: one with a row in an exact span
    /// is none, and one with a row in another may be none.
    #[must_use]
    pub const fn is_negated(&self) -> bool {
        matches!(self.test, Test::Not(_))
    }

    /// Spans that together hold every match (OR) among the records of `ej`, or, negated,
    /// everything that is none. A record can have rows in several of them, and several rows in one.
    #[must_use]
    pub fn spans(&self, ej: EjId) -> Vec<Span> {
        let mut spans = Vec::new();
        self.test.spans(ej, &self.entities, &mut spans);
        spans
    }

    /// Whether the record matches; of a clause with a [`Join`] none does until it is looked up.
    #[must_use]
    pub fn matches(&self, ej: EjId, record: &Record) -> bool {
        self.test.matches(ej, &self.entities, record)
    }
}

impl Test {
    fn spans(&self, ej: EjId, entities: &Entities, out: &mut Vec<Span>) {
        match self {
            Self::All => out.push(Span::whole(Param::All, true)),
            Self::Nothing | Self::Joined { .. } => {}
            Self::Id(ids) => id_spans(Param::Id, ids, out),
            Self::Patient(ids) => id_spans(Param::Patient, ids, out),
            Self::Location(ids) => id_spans(Param::Location, ids, out),
            Self::Entity(ids) => {
                if ids.contains(&legal_entity_id(ej)) {
                    out.push(Span::whole(Param::All, true));
                }
            }
            Self::Identifier(tokens) => out.extend(tokens.iter().map(identifier_span)),
            Self::IdentifierOfType(numbers) => {
                out.extend(numbers.iter().map(|number| identifiers::value_span(&number.value)));
            }
            Self::Text { of, mode, values } => {
                for value in values {
                    out.extend(of.params().iter().map(|p| text_span(*p, *mode, value)));
                }
            }
            Self::Phonetic { of, values } => {
                for value in values {
                    out.extend(of.params().iter().map(|p| sounding_span(*p, value)));
                }
            }
            Self::Strings { of, mode, values, .. } => {
                for value in values {
                    out.extend(of.iter().map(|one| strings::span(*one, *mode, value)));
                }
            }
            Self::Contact { of, tokens } => {
                tokens.iter().for_each(|token| contacts::spans(*of, token, out));
            }
            Self::BirthDate(values) => values.iter().for_each(|v| v.birth_date_spans(out)),
            Self::Period { values, .. } => {
                values.iter().for_each(|v| v.period_spans(Lines::OWN, out));
            }
            Self::Start { values, .. } => values.iter().for_each(|v| v.start_spans(out)),
            Self::End { values, .. } => values.iter().for_each(|v| v.end_spans(out)),
            Self::Dates { of, values, .. } => moments::spans(*of, values, out),
            Self::LastUpdated(values) => values.iter().for_each(|v| v.instant_spans(out)),
            Self::Gender(values) => {
                let span = |g: &Gender| Span::point(Param::Gender, key::byte(*g as u8), true);
                out.extend(values.iter().map(span));
            }
            Self::Active(values) => {
                let span = |a: &bool| Span::point(Param::Active, key::byte(u8::from(*a)), true);
                out.extend(values.iter().map(span));
            }
            Self::Deceased => out.push(Span::whole(Param::Deceased, true)),
            Self::Status(values) => {
                let span = |value: &StatusCode| {
                    Span::point(Param::Status, status_key(value.status), value.ended.is_none())
                };
                out.extend(values.iter().map(span));
            }
            Self::Class(tokens) => out.extend(tokens.iter().filter_map(class_span)),
            Self::Coded { of, tokens, .. } => {
                for token in tokens {
                    out.push(tokens::span(*of, token));
                    entities.sent_for(ej, token, |sent| out.push(tokens::span(*of, &sent)));
                }
            }
            Self::CodedText { of, .. } => out.push(tokens::whole(*of)),
            Self::Numbered { of: ReferenceOf::Account, tokens, .. } => {
                let of = TokenOf::AccountNumber;
                out.extend(tokens.iter().map(|token| tokens::span(of, token)));
            }
            Self::Refers { of, ids, .. } | Self::Numbered { of, ids, .. } => {
                out.extend(ids.iter().map(|id| references::span(*of, *id)));
            }
            Self::Quantity { of, values, .. } => quantity::spans(*of, values, out),
            Self::Composite { values, .. } => {
                for value in values {
                    value.span(ej, entities, out);
                }
            }
            // Nothing is indexed of these: every record is looked at.
            Self::Profile { .. } | Self::Security { .. } => {
                out.push(Span::whole(Param::All, false));
            }
            Self::Has { of, name, .. } => has_spans(*of, *name, out),
            Self::Not(test) => test.spans(ej, entities, out),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one line of sense a test")]
    fn matches(&self, ej: EjId, entities: &Entities, record: &Record) -> bool {
        match (self, record) {
            (Self::All, _) => true,
            (Self::Id(ids), _) => ids.contains(&record.id()),
            (Self::Entity(ids), _) => ids.contains(&legal_entity_id(ej)),
            (Self::LastUpdated(values), _) => {
                let at = record.stamp().updated_at.get();
                let point = Interval { low: at, high: at };
                values.iter().any(|v| v.prefix.holds(point, v.instants))
            }
            (Self::Identifier(tokens), _) => {
                let own = identifiers::identifiers(ej, record);
                own.iter().any(|(system, value)| tokens.iter().any(|t| t.matches(system, value)))
            }
            (Self::IdentifierOfType(numbers), _) => {
                identifiers::are_typed(record, entities.of(ej), numbers)
            }
            (Self::Not(test), _) => !test.matches(ej, entities, record),
            (Self::Has { of, name, version }, _) => {
                has(*of, *name, (*version, entities.of(ej)), ej, record)
            }
            (Self::Text { of, mode, values }, _) => {
                any_name(*of, record, |raw| values.iter().any(|value| value.fits(*mode, raw)))
            }
            (Self::Phonetic { of, values }, _) => any_name(*of, record, |raw| {
                let own = text::sound(&text::normalise(raw));
                values.iter().any(|value| text::sound(&value.folded) == own)
            }),
            (Self::Strings { of, version, mode, values }, _) => {
                let said = of.iter().flat_map(|one| strings::strings(record, *one, *version));
                said.into_iter().any(|raw| values.iter().any(|value| value.fits(*mode, &raw)))
            }
            (Self::Contact { of, tokens }, _) => contacts::matches(record, *of, tokens),
            (Self::Coded { of, version, tokens }, _) => {
                let own = tokens::concepts(record, *of, *version, entities.of(ej));
                tokens::match_any(&own, tokens)
            }
            (Self::CodedText { of, version, values }, _) => {
                let own = tokens::concepts(record, *of, *version, entities.of(ej));
                let mut said = tokens::texts(&own);
                said.any(|raw| values.iter().any(|value| value.fits(TextMode::StartsWith, raw)))
            }
            (Self::Refers { of, version, ids }, _) => {
                let own = references::references(ej, record, *of, *version);
                own.iter().any(|id| ids.contains(id))
            }
            (Self::Numbered { of, version, tokens, .. }, _) => {
                let own = references::numbers(record, *of, *version, entities.of(ej));
                own.iter().any(|(system, value)| tokens.iter().any(|t| t.matches(system, value)))
            }
            (Self::Quantity { of, version, values }, _) => {
                let own = quantity::quantities(record, *of, *version);
                own.iter().any(|own| values.iter().any(|value| value.matches(own)))
            }
            (Self::Composite { of, version, values, zone }, _) => {
                let entity = entities.of(ej);
                values.iter().any(|value| value.matches(*of, record, (*version, entity), zone))
            }
            (Self::Profile { version, values }, _) => entities.of(ej).is_some_and(|entity| {
                let meta = fhir::meta(record, entity, *version);
                meta.profile.iter().any(|own| values.iter().any(|value| value.matches(own)))
            }),
            (Self::Security { version, tokens }, _) => entities.of(ej).is_some_and(|entity| {
                let labels = fhir::meta(record, entity, *version).security;
                let labels: Vec<_> = labels.into_iter().map(Into::into).collect();
                tokens::match_any(&labels, tokens)
            }),
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
            (Self::Deceased, Record::Patient(patient)) => is_deceased(patient),
            (Self::Period { values, zone }, _) => {
                let period = match record {
                    Record::Stay(stay) => period_of(stay, zone),
                    _ => dated(record).map(|shown| moments::interval(shown, zone)),
                };
                period.is_some_and(|p| values.iter().any(|v| v.prefix.holds(p, v.instants)))
            }
            (Self::Start { values, zone }, Record::Stay(stay)) => {
                let start = moments::instant(period::of_stay(stay).0);
                start.is_some_and(|start| moments::hold(start, values, zone))
            }
            (Self::End { values, zone }, Record::Stay(stay)) => {
                let end = moments::instant(period::of_stay(stay).1);
                end.is_some_and(|end| moments::hold(end, values, zone))
            }
            (Self::Dates { of, values, zone }, _) => {
                let mut shown = moments::dates(record, *of).into_iter();
                shown.any(|shown| moments::hold(shown, values, zone))
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

fn id_spans(param: Param, ids: &Ids, out: &mut Vec<Span>) {
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
        (None, value) => identifiers::value_span(value.as_deref().unwrap_or_default()),
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

/// What a stay shows as its period; `None` where it shows none.
fn period_of(stay: &StayRecord, zone: &TimeZone) -> Option<Interval> {
    let (start, end) = period::of_stay(stay);
    (start.is_some() || end.is_some()).then(|| moments::interval((start, end), zone))
}
