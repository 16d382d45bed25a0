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

impl Serialize for RelativeReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0; 36];
        let mut text = String::with_capacity(48);
        text.push_str(self.of_type.fhir());
        text.push('/');
        text.push_str(self.id.encode(&mut buffer));
        serializer.serialize_str(&text)
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
