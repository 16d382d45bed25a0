//! Records as they are kept: encoded.
//!
//! A decoded patient of a real feed takes about 4 KB of memory and a stay 7 KB, ten times what
//! they take encoded (measured with `examples/state_memory.rs`); decoding costs about 2 µs. So
//! records are kept encoded wherever they wait, and decoded for whoever asks.

use std::sync::Arc;

use sluice_mappings::records::{Record, RecordType, ResourceId, Stamp};

use crate::layout::ValueError;

/// The postcard form of a record.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Packed(Arc<[u8]>);

impl Packed {
    /// Encoded in `scratch` where it fits, so that no buffer grows step by step.
    pub(crate) fn new(record: &Record, scratch: &mut [u8]) -> Self {
        match record {
            Record::Patient(patient) => Self::encoded(patient.as_ref(), scratch),
            Record::Stay(stay) => Self::encoded(stay.as_ref(), scratch),
            Record::Location(location) => Self::encoded(location.as_ref(), scratch),
            Record::Organization(record) => Self::encoded(record.as_ref(), scratch),
            Record::Practitioner(record) => Self::encoded(record.as_ref(), scratch),
            Record::PractitionerRole(record) => Self::encoded(record.as_ref(), scratch),
            Record::RelatedPerson(record) => Self::encoded(record.as_ref(), scratch),
            Record::Coverage(record) => Self::encoded(record.as_ref(), scratch),
            Record::Account(record) => Self::encoded(record.as_ref(), scratch),
            Record::AllergyIntolerance(record) => Self::encoded(record.as_ref(), scratch),
            Record::Condition(record) => Self::encoded(record.as_ref(), scratch),
            Record::Procedure(record) => Self::encoded(record.as_ref(), scratch),
            Record::Observation(record) => Self::encoded(record.as_ref(), scratch),
        }
    }

    fn encoded<T: serde::Serialize>(record: &T, scratch: &mut [u8]) -> Self {
        if let Ok(bytes) = postcard::to_slice(record, scratch) {
            return Self((&*bytes).into());
        }
        Self(postcard::to_allocvec(record).expect("records have a postcard form").into())
    }

    /// Bytes that were checked by their checksum.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What it occupies with its place in a map, in bytes.
    pub(crate) fn weight(&self) -> u64 {
        self.0.len() as u64 + 96
    }

    pub(crate) fn record(&self, ty: RecordType) -> Result<Record, ValueError> {
        Ok(match ty {
            RecordType::Patient => Record::Patient(Arc::new(self.whole()?)),
            RecordType::Stay => Record::Stay(Arc::new(self.whole()?)),
            RecordType::Location => Record::Location(Arc::new(self.whole()?)),
            RecordType::Organization => Record::Organization(Arc::new(self.whole()?)),
            RecordType::Practitioner => Record::Practitioner(Arc::new(self.whole()?)),
            RecordType::PractitionerRole => Record::PractitionerRole(Arc::new(self.whole()?)),
            RecordType::RelatedPerson => Record::RelatedPerson(Arc::new(self.whole()?)),
            RecordType::Coverage => Record::Coverage(Arc::new(self.whole()?)),
            RecordType::Account => Record::Account(Arc::new(self.whole()?)),
            RecordType::AllergyIntolerance => Record::AllergyIntolerance(Arc::new(self.whole()?)),
            RecordType::Condition => Record::Condition(Arc::new(self.whole()?)),
            RecordType::Procedure => Record::Procedure(Arc::new(self.whole()?)),
            RecordType::Observation => Record::Observation(Arc::new(self.whole()?)),
        })
    }

    /// The record's stamp alone, without the rest: every kind begins with its id and its stamp.
    pub(crate) fn stamp(&self) -> Result<Stamp, ValueError> {
        let begin = postcard::take_from_bytes::<(ResourceId, Stamp)>(&self.0);
        begin.map(|((_, stamp), _)| stamp).map_err(|_| ValueError::Decode)
    }

    fn whole<T: serde::de::DeserializeOwned>(&self) -> Result<T, ValueError> {
        match postcard::take_from_bytes(&self.0) {
            Ok((value, [])) => Ok(value),
            _ => Err(ValueError::Decode),
        }
    }
}
