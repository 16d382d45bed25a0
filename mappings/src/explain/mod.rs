//! Where each element of a resource comes from, found out by experiment.
//!
//! Nobody writes down what depends on what: each smallest part of a message is altered and blanked,
//! one at a time, the message applied again to the records before it, and what it makes rendered
//! again. An element that changes comes from that part. The event and the EJ's settings are varied
//! in the same way. So an explanation cannot say anything else than what the mapping does.
//!
//! It costs about three applications and renderings for each populated part: some ten milliseconds
//! for a usual message. It is for people who ask, never for the way of a feed.

mod experiment;
mod leaves;
mod tree;
mod variants;

use std::collections::BTreeSet;

pub use experiment::explain;

use crate::adt::Outcome;
use crate::fhir::ResourceType;
use crate::hl7::Location;

/// Parts of one message that are tried; a hostile one could have a million.
pub const PARTS_MAX: usize = 4096;

/// What a message makes, and from what.
#[derive(Debug, Clone)]
pub struct Explanation {
    pub outcome: Outcome,
    /// Those that the message changed, in the order of its changes: each record's own, then those
    /// that are derived from it.
    pub resources: Vec<Explained>,
    /// Every populated part that was tried, in the order of the message.
    pub parts: Vec<Tried>,
    /// Populated parts beyond [`PARTS_MAX`], which were not tried.
    pub parts_left_out: usize,
}

/// One resource.
#[derive(Debug, Clone)]
pub struct Explained {
    pub of_type: ResourceType,
    pub id: String,
    /// It was not there before the message.
    pub is_new: bool,
    /// In the order in which they are rendered.
    pub elements: Vec<Element>,
}

/// One leaf of the rendered resource.
#[derive(Clone)]
pub struct Element {
    /// `name[0].family`; an extension by the last part of its URL too,
    /// `extension[0](patient-birthPlace).valueAddress.city`.
    pub path: String,
    /// As JSON.
    pub value: String,
    /// All that it depends on; never empty.
    pub origins: Vec<Origin>,
}

/// The value is patient data.
impl std::fmt::Debug for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} from {:?}", self.path, self.origins)
    }
}

/// What an element depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// That part of the message.
    Part(Location),
    /// What event it is (MSH-9).
    Event,
    /// A key of the EJ's settings.
    Setting(&'static str),
    /// The record before: the message left it as it was.
    Before,
    /// The journal: when, and as which number, the message was received.
    Journal,
    /// Nothing: the mapping always says so.
    Constant,
}

/// What became of one populated part of the message.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Down to the smallest part that is there.
    pub at: Location,
    /// The elements that change with it, without their places in lists, e.g. `Patient.name.family`;
    /// the resource's type alone where it decides which one is meant, or whether there is one.
    pub reaches: BTreeSet<String>,
}

/// `Patient.name.family` → `Patient.name`: the element of the resource, whatever is in it.
#[must_use]
pub fn top_element(path: &str) -> &str {
    tree::ends(path).nth(1).map_or(path, |end| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_with_a_dot_in_its_name_is_one_element() {
        assert_eq!(top_element("Patient.name.family"), "Patient.name");
        assert_eq!(top_element("Patient"), "Patient");
        let planned = "Encounter.extension(extension-Encounter.plannedEndDate)";
        assert_eq!(top_element(&format!("{planned}.valueDateTime")), planned);
    }
}
