//! FHIR datatypes as serde structs, borrowed from records. R4 and R5 write these the same way.
//!
//! Each is made by a function that gives `None` where nothing would be in it: a resource never
//! holds an empty string, array or object.

mod address;
mod coding;
mod codings;
mod contact_point;
mod extension;
mod human_name;
mod identifier;
mod meta;
mod narrative;
mod quantity;
mod reference;
mod time;

pub use address::Address;
pub use coding::{CodeableConcept, Coding};
pub use codings::Codings;
pub use contact_point::{ContactPoint, positive};
pub use extension::{Extended, Extension, ExtensionValue};
pub use human_name::{HumanName, full_name};
pub use identifier::Identifier;
pub use meta::Meta;
pub use narrative::Narrative;
pub use quantity::{Attachment, Quantity, Range, Ratio};
pub use reference::{CodeableReference, Reference, RelativeReference};
pub use time::{Date, DateTime, Instant, Period};

use std::borrow::Cow;

/// A FHIR string: [`super::text`] made it.
pub type Text<'a> = Cow<'a, str>;

/// `Resource.id`.
///
/// # Errors
/// Those of the serializer.
pub fn id<S: serde::Serializer>(
    id: &crate::records::ResourceId,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut buffer = [0; 36];
    serializer.serialize_str(id.encode(&mut buffer))
}
