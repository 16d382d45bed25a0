//! References: to what we serve, by id; to what we do not, by identifier and name.

use serde::{Serialize, Serializer};

use super::{CodeableConcept, Identifier, Text};
use crate::records::{RecordType, ResourceId};

#[derive(Serialize)]
pub struct Reference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<RelativeReference>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub of_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<Text<'a>>,
}

impl<'a> Reference<'a> {
    /// To a resource of ours.
    #[must_use]
    pub const fn to(of_type: RecordType, id: ResourceId) -> Self {
        let reference = Some(RelativeReference { of_type, id });
        Self { reference, of_type: None, identifier: None, display: None }
    }

    /// The record that it points at; none of a logical reference.
    #[must_use]
    pub fn id(&self) -> Option<ResourceId> {
        self.reference.map(|reference| reference.id)
    }

    /// A logical reference: something that is not served here, known by a number or a name.
    #[must_use]
    pub fn logical(
        of_type: &'static str,
        identifier: Option<Identifier<'a>>,
        display: Option<Text<'a>>,
    ) -> Option<Self> {
        if identifier.is_none() && display.is_none() {
            return None;
        }
        Some(Self { reference: None, of_type: Some(of_type), identifier, display })
    }
}

/// `Type/id`, without a base: the same bytes serve every base URL.
#[derive(Clone, Copy)]
pub struct RelativeReference {
    of_type: RecordType,
    id: ResourceId,
}

/// The longest is to an AllergyIntolerance, of 55 bytes.
const REFERENCE_BYTES_MAX: usize = 64;

impl Serialize for RelativeReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (of_type, mut id) = (self.of_type.fhir(), [0; 36]);
        let mut text = [b'/'; REFERENCE_BYTES_MAX];
        text[..of_type.len()].copy_from_slice(of_type.as_bytes());
        let (from, to) = (of_type.len() + 1, of_type.len() + 1 + id.len());
        text[from..to].copy_from_slice(self.id.encode(&mut id).as_bytes());
        serializer.serialize_str(str::from_utf8(&text[..to]).expect("a name and a UUID"))
    }
}

/// R5: a concept, or a resource that says it.
#[derive(Serialize)]
pub struct CodeableReference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    concept: Option<CodeableConcept<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Reference<'a>>,
}

impl<'a> From<CodeableConcept<'a>> for CodeableReference<'a> {
    fn from(concept: CodeableConcept<'a>) -> Self {
        Self { concept: Some(concept), reference: None }
    }
}

impl<'a> From<Reference<'a>> for CodeableReference<'a> {
    fn from(reference: Reference<'a>) -> Self {
        Self { concept: None, reference: Some(reference) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_to_a_record_tells_which_and_a_logical_one_tells_none() {
        let id = ResourceId([7; 16]);
        assert_eq!(Reference::to(RecordType::AllergyIntolerance, id).id(), Some(id));
        let named = Reference::logical("Organization", None, Some("A".into()));
        assert!(named.is_some_and(|named| named.id().is_none()));
        for record_type in RecordType::ALL {
            let json = serde_json::to_string(&Reference::to(record_type, id)).unwrap();
            assert_eq!(json, format!("{{\"reference\":\"{}/{id}\"}}", record_type.fhir()));
        }
    }
}
