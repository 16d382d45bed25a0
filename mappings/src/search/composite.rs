//! Composites: two values that must hold of the same part of a record, with `$` between them.

use jiff::tz::TimeZone;
use sluice_ids::EjId;

use super::clause::Ids;
use super::date::DateValue;
use super::entities::Entities;
use super::key::Span;
use super::moments;
use super::names::{TextMode, TextValue};
use super::observed::{self, observed};
use super::quantity::{self, QuantityValue};
use super::tokens::{self, TokenOf};
use super::values::Token;
use super::{Param, key};
use crate::entity::LegalEntity;
use crate::fhir::FhirVersion;
use crate::fhir::datatypes::CodeableConcept;
use crate::records::{ObservationRecord, ObservationValue, Record, ResourceId};

/// Which values of an Observation are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    Root,
    Components,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompositeOf {
    /// `code` and the value, by its type.
    Concept(Within),
    Quantity(Within),
    String,
    Date,
    /// A place of a stay, and when the patient was there.
    PlacePeriod,
}

/// One value of a composite parameter.
#[derive(Clone)]
pub(super) enum CompositeValue {
    Concept(Token, Token),
    Quantity(Token, QuantityValue),
    String(Token, TextValue),
    Date(Token, DateValue),
    PlacePeriod(Ids, DateValue),
}

impl CompositeValue {
    pub(super) fn span(&self, ej: EjId, entities: &Entities, out: &mut Vec<Span>) {
        match self {
            Self::Concept(code, _)
            | Self::Quantity(code, _)
            | Self::String(code, _)
            | Self::Date(code, _) => {
                out.push(tokens::span(TokenOf::Code, code));
                entities.sent_for(ej, code, |sent| out.push(tokens::span(TokenOf::Code, &sent)));
            }
            Self::PlacePeriod(places, _) => {
                let point = |id: &ResourceId| Span::point(Param::Location, key::id(*id), false);
                out.extend(places.iter().map(point));
            }
        }
    }

    pub(super) fn matches(
        &self,
        of: CompositeOf,
        record: &Record,
        (version, entity): (FhirVersion, Option<&LegalEntity>),
        zone: &TimeZone,
    ) -> bool {
        match (record, self) {
            (Record::Stay(stay), Self::PlacePeriod(places, value)) => moments::shown_places(stay)
                .any(|place| {
                    let shown = moments::span_of(place.start, place.end);
                    place.location.is_some_and(|id| places.contains(&id))
                        && shown.is_some_and(|shown| moments::hold(shown, &[*value], zone))
                }),
            (Record::Observation(observation), _) => {
                let code = match self {
                    Self::Concept(code, _)
                    | Self::Quantity(code, _)
                    | Self::String(code, _)
                    | Self::Date(code, _) => code,
                    Self::PlacePeriod(..) => return false,
                };
                let said = tokens::concepts(record, TokenOf::Code, version, entity);
                let mut values = observed(observation, version).values(of.within());
                tokens::match_any(&said, std::slice::from_ref(code))
                    && values.any(|value| self.holds(value, observation, (version, entity), zone))
            }
            _ => false,
        }
    }

    fn holds(
        &self,
        value: &ObservationValue,
        record: &ObservationRecord,
        (version, entity): (FhirVersion, Option<&LegalEntity>),
        zone: &TimeZone,
    ) -> bool {
        match (self, value) {
            (Self::Concept(_, token), ObservationValue::Coded(sent)) => {
                let mut said: Vec<_> = CodeableConcept::sent(sent).into_iter().collect();
                tokens::as_shown(&mut said, version, entity);
                tokens::match_any(&said, std::slice::from_ref(token))
            }
            (Self::Quantity(_, asked), _) => {
                quantity::measured(value, &record.unit).is_some_and(|own| asked.matches(&own))
            }
            (Self::String(_, asked), _) => {
                let said = observed::text(value, record);
                said.is_some_and(|said| asked.fits(TextMode::StartsWith, &said))
            }
            (Self::Date(_, asked), _) => {
                moments::value(value).is_some_and(|shown| moments::hold(shown, &[*asked], zone))
            }
            _ => false,
        }
    }
}

impl CompositeOf {
    const fn within(self) -> Within {
        match self {
            Self::Concept(within) | Self::Quantity(within) => within,
            Self::String | Self::Date | Self::PlacePeriod => Within::Root,
        }
    }
}

/// Whether the record says both parts together anywhere: what `:missing` asks.
pub(super) fn is_there(of: CompositeOf, record: &Record, version: FhirVersion) -> bool {
    match (record, of) {
        (Record::Stay(stay), CompositeOf::PlacePeriod) => {
            moments::shown_places(stay).any(|place| {
                place.location.is_some() && moments::span_of(place.start, place.end).is_some()
            })
        }
        (Record::Observation(record), _) => {
            let mut values = observed(record, version).values(of.within());
            values.any(|value| match of {
                CompositeOf::Concept(_) => {
                    matches!(value, ObservationValue::Coded(sent) if CodeableConcept::sent(sent).is_some())
                }
                CompositeOf::Quantity(_) => quantity::measured(value, &record.unit).is_some(),
                CompositeOf::String => observed::text(value, record).is_some(),
                CompositeOf::Date => moments::value(value).is_some(),
                CompositeOf::PlacePeriod => false,
            })
        }
        _ => false,
    }
}
