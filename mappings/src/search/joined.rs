//! Clauses about other records: chaining (`patient.family`), reverse chaining (`_has`), and what
//! lies above or below in a hierarchy.
//!
//! Such a clause cannot be told from the record alone. Whoever holds the records looks up what its
//! [`Join`] asks for, each time by index, and puts the ids into [`Clause::joined`]: what is left
//! is a clause like any other.

use sluice_ids::EjId;

use super::Query;
use super::clause::{Clause, Ids, Test};
use super::references::{self, ReferenceOf};
use super::values::Token;
use crate::adt::legal_entity_id;
use crate::fhir::FhirVersion;
use crate::records::{Record, RecordType, ResourceId};

/// What has to be looked up before a clause can be answered. It never reaches into another EJ:
/// nothing refers to what another EJ knows.
#[derive(Clone)]
pub enum Join {
    /// The ids of the records that any of these finds.
    Found(Vec<Query>),
    /// What the records that this finds refer to, by [`Referred`].
    ReferredTo(Box<Query>, Referred),
    /// Each id, and all that lie below it, level by level.
    Below(Hierarchy),
    /// Each id, and all that lie above it, level by level.
    Above(Hierarchy),
}

/// Which reference of a record is followed.
#[derive(Clone)]
pub struct Referred(pub(super) Via);

#[derive(Clone)]
pub(super) enum Via {
    /// The record itself.
    Itself,
    Patient,
    /// Places of a stay.
    Location,
    /// The EJ itself.
    Entity,
    Element(ReferenceOf, FhirVersion),
    /// By the number that the element says.
    Number(ReferenceOf, FhirVersion, Vec<Token>),
}

impl Via {
    /// The test of a record's references by this.
    pub(super) fn test(&self, ids: Ids) -> Test {
        match *self {
            Self::Itself => Test::Id(ids),
            Self::Patient => Test::Patient(ids),
            Self::Location => Test::Location(ids),
            Self::Entity => Test::Entity(ids),
            Self::Element(of, version) => Test::Refers { of, version, ids },
            Self::Number(of, version, ref tokens) => {
                Test::Numbered { of, version, tokens: tokens.clone(), ids }
            }
        }
    }
}

impl Referred {
    /// Whom the record refers to by it.
    #[must_use]
    pub fn by(&self, ej: EjId, record: &Record) -> Vec<ResourceId> {
        match (&self.0, record) {
            (Via::Itself, _) => vec![record.id()],
            (Via::Patient, _) => record.patient().into_iter().collect(),
            (Via::Location, Record::Stay(stay)) => {
                stay.places().filter_map(|(movement, _)| movement.location).collect()
            }
            (Via::Location, _) => Vec::new(),
            (Via::Entity, _) => vec![legal_entity_id(ej)],
            (Via::Element(of, version) | Via::Number(of, version, _), _) => {
                references::references(ej, record, *of, *version)
            }
        }
    }
}

/// Records that are parts of each other (`partOf`).
#[derive(Clone)]
pub struct Hierarchy {
    pub record_type: RecordType,
    pub roots: Vec<ResourceId>,
    pub(super) version: FhirVersion,
}

impl Hierarchy {
    /// Finds what is part of any of `ids`.
    #[must_use]
    pub fn parts_of(&self, ids: Vec<ResourceId>) -> Query {
        let test = self.part_of().0.test(Ids::new(ids));
        Query::of(self.record_type, vec![Clause::new("partof", test)])
    }

    /// What a record of the hierarchy is part of.
    #[must_use]
    pub const fn part_of(&self) -> Referred {
        Referred(Via::Element(ReferenceOf::PartOf, self.version))
    }
}
