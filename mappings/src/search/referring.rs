//! The parameters that refer to other records: from which elements, and to which types. Searches,
//! `_include` and `_revinclude` all ask here.

use super::params::Parameter;
use super::tables;
use crate::fhir::FhirVersion;
use crate::records::RecordType;

/// A parameter of a type that refers to something that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Referring {
    pub source: RecordType,
    pub param: &'static str,
    /// The only version that has it; `None`: both.
    pub version: Option<FhirVersion>,
    /// The elements that it is about, by their names in R4 and in R5, as rendered.
    pub elements: &'static [&'static str],
    /// What they refer to, and what a search may name.
    pub targets: &'static [RecordType],
}

/// All of a type.
pub fn referring(source: RecordType) -> impl Iterator<Item = Referring> {
    let referring = |parameter: &&Parameter| !parameter.targets.is_empty();
    tables::of(source).iter().filter(referring).map(move |parameter| Referring {
        source,
        param: parameter.name,
        version: parameter.version,
        elements: parameter.elements,
        targets: parameter.targets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::params::{Kind, Of, params};

    #[test]
    fn a_parameter_that_refers_has_elements_and_targets_and_no_other_has() {
        for source in RecordType::ALL {
            for version in FhirVersion::ALL {
                for parameter in params(source, version) {
                    let refers = parameter.kind == Kind::Reference
                        && !matches!(parameter.of, Of::Never | Of::Profile);
                    let name = format!("{}:{}", source.fhir(), parameter.name);
                    assert_eq!(!parameter.targets.is_empty(), refers, "{name}");
                    assert_eq!(!parameter.elements.is_empty(), refers, "{name}");
                }
            }
        }
    }
}
