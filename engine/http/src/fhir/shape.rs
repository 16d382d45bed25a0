//! How an answer is to look: `_format`, `_pretty`, `_summary`, `_elements`.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{Response, header};
use sluice_mappings::fhir::{FhirVersion, ResourceType};
use sluice_mappings::records::RecordType;

use super::reply;
use crate::cache::Rendered;
use crate::call::Call;
use crate::fault::Fault;
use crate::{json, negotiate, query};

/// Most parameters of a request that has only those of the shape.
const PARAMETERS_MAX: usize = 16;

/// Most names in `_elements`.
const ELEMENTS_MAX: usize = 64;

/// Which elements are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Elements {
    #[default]
    All,
    /// These, and those that FHIR does not let a resource be without.
    Only(Vec<String>),
    /// All but the narrative.
    Data,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) pretty: bool,
    /// `_summary=count`: the total alone.
    pub(crate) count_only: bool,
    pub(crate) elements: Elements,
}

/// `Σ` elements of R4 and of R5, as far as anything is rendered with them; choice types without
/// their type.
const fn summary(resource_type: ResourceType) -> &'static [&'static str] {
    let ResourceType::Record(record_type) = resource_type else {
        return match resource_type {
            ResourceType::EncounterHistory => &["identifier", "encounter", "type", "serviceType"],
            ResourceType::Group => {
                &["active", "type", "actual", "membership", "name", "quantity", "managingEntity"]
            }
            _ => &["patient"],
        };
    };
    match record_type {
        RecordType::Patient => &[
            "identifier",
            "active",
            "name",
            "telecom",
            "gender",
            "birthDate",
            "deceased",
            "address",
            "managingOrganization",
            "link",
        ],
        RecordType::Stay => {
            &["identifier", "status", "class", "type", "subject", "participant", "diagnosis"]
        }
        RecordType::Location => &[
            "identifier",
            "status",
            "operationalStatus",
            "name",
            "description",
            "mode",
            "type",
            "physicalType",
        ],
        RecordType::Organization => &["identifier", "active", "type", "name"],
        RecordType::Practitioner => &["identifier", "active", "name", "telecom", "address"],
        RecordType::PractitionerRole => {
            &["identifier", "active", "period", "practitioner", "organization", "code", "specialty"]
        }
        RecordType::RelatedPerson => &[
            "identifier",
            "active",
            "relationship",
            "name",
            "telecom",
            "gender",
            "birthDate",
            "address",
        ],
        RecordType::Coverage => &[
            "identifier",
            "type",
            "policyHolder",
            "subscriber",
            "subscriberId",
            "period",
            "insurer",
            "order",
        ],
        RecordType::Account => &["identifier", "type", "name", "subject", "owner"],
        RecordType::AllergyIntolerance => &[
            "identifier",
            "clinicalStatus",
            "verificationStatus",
            "type",
            "category",
            "criticality",
            "code",
        ],
        RecordType::Condition => &[
            "identifier",
            "verificationStatus",
            "code",
            "encounter",
            "onset",
            "recordedDate",
            "asserter",
            "participant",
        ],
        RecordType::Procedure => &[
            "identifier",
            "category",
            "code",
            "encounter",
            "performed",
            "occurrence",
            "performer",
            "location",
            "reasonCode",
            "reason",
        ],
        RecordType::Observation => {
            &["identifier", "subject", "encounter", "effective", "performer", "value", "component"]
        }
    }
}

/// Elements with a minimum of one in R4 or R5: a resource without them is none.
const fn mandatory(resource_type: ResourceType) -> &'static [&'static str] {
    match resource_type {
        ResourceType::Record(record_type) => match record_type {
            RecordType::Stay => &["status", "class"],
            RecordType::RelatedPerson => &["patient"],
            RecordType::Coverage => &["status", "kind", "beneficiary", "payor"],
            RecordType::Account => &["status"],
            RecordType::AllergyIntolerance => &["patient"],
            RecordType::Condition => &["clinicalStatus", "subject"],
            RecordType::Procedure => &["status", "subject"],
            RecordType::Observation => &["status", "code"],
            RecordType::Patient
            | RecordType::Location
            | RecordType::Organization
            | RecordType::Practitioner
            | RecordType::PractitionerRole => &[],
        },
        ResourceType::EncounterHistory => &["status", "class"],
        ResourceType::Provenance => &["target", "recorded", "agent"],
        ResourceType::Group => &["type", "actual", "membership"],
    }
}

/// What may follow the name of a choice element.
const CHOICES: [&[u8]; 10] = [
    b"Boolean",
    b"CodeableConcept",
    b"DateTime",
    b"Integer",
    b"Period",
    b"Quantity",
    b"Range",
    b"Ratio",
    b"String",
    b"Time",
];

impl Shape {
    /// Of a request that has no other parameters.
    pub(crate) fn alone(call: &Call<'_>, of: Option<ResourceType>) -> Result<Self, Fault> {
        let mut shape = Self::default();
        let mut format = None;
        for (name, value) in query::pairs(call.query(), PARAMETERS_MAX)? {
            shape.take(of, &name, &value)?;
            if name == "_format" {
                format = Some(value);
            }
        }
        negotiated(call, call.route.fhir, format.as_deref())?;
        Ok(shape)
    }

    /// The answer that is this resource.
    pub(crate) fn reply(
        &self,
        call: &Call<'_>,
        of: ResourceType,
        rendered: &Rendered,
    ) -> Response<Body> {
        if self.is_whole() && !self.pretty {
            return reply::fhir_json(call, rendered.json.clone());
        }
        let body = self.cut(of, &rendered.json);
        let body = if self.pretty { json::pretty(&body) } else { body.into_owned() };
        reply::fhir_json(call, body.into())
    }

    /// Takes a parameter if it is about the shape; `Ok(false)` if it is not.
    pub(crate) fn take(
        &mut self,
        resource_type: Option<ResourceType>,
        name: &str,
        value: &str,
    ) -> Result<bool, Fault> {
        match name {
            // Its media type was checked by `negotiated`.
            "_format" => {}
            "_pretty" => {
                self.pretty = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(Fault::parameter("_pretty", "is neither true nor false")),
                }
            }
            "_summary" => match (value, resource_type) {
                ("count", _) => self.count_only = true,
                ("false", _) => {}
                ("data", _) => self.elements = Elements::Data,
                ("true", Some(ty)) => self.only(summary(ty).iter().copied()),
                ("text", Some(_)) => self.only(["text"]),
                _ => {
                    return Err(Fault::parameter(
                        "_summary",
                        "is none of true, text, data, count, false",
                    ));
                }
            },
            "_elements" => {
                let of_type = resource_type.map(ResourceType::name).unwrap_or_default();
                let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                // `Patient.name` is the same as `name`; a deeper path shows the whole element.
                let names = names.map(|name| {
                    let name = name
                        .strip_prefix(of_type)
                        .and_then(|n| n.strip_prefix('.'))
                        .unwrap_or(name);
                    name.split('.').next().unwrap_or_default()
                });
                let names: Vec<&str> = names.take(ELEMENTS_MAX + 1).collect();
                if names.len() > ELEMENTS_MAX {
                    return Err(Fault::TooManyValues { limit: ELEMENTS_MAX });
                }
                self.only(names);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn only<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.elements = Elements::Only(names.into_iter().map(str::to_owned).collect());
    }

    /// Whether a resource goes out as it was rendered.
    pub(crate) fn is_whole(&self) -> bool {
        self.elements == Elements::All
    }

    /// The resource, cut to the elements asked for and tagged as such.
    pub(crate) fn cut<'r>(&self, of: ResourceType, resource: &'r [u8]) -> Cow<'r, [u8]> {
        let names: &[String] = match &self.elements {
            Elements::All => return Cow::Borrowed(resource),
            Elements::Only(names) => names,
            Elements::Data => &[],
        };
        let is_data = self.elements == Elements::Data;
        if is_data && json::members(resource).all(|(name, _)| name != b"text") {
            return Cow::Borrowed(resource);
        }
        let mut out = Vec::with_capacity(resource.len());
        out.push(b'{');
        for (name, value) in json::members(resource) {
            let plain = name.strip_prefix(b"_").unwrap_or(name);
            let is_meta = plain == b"meta";
            let kept = matches!(plain, b"resourceType" | b"id")
                || is_meta
                || (is_data && plain != b"text")
                || mandatory(of).iter().any(|n| n.as_bytes() == plain)
                // `deceased` asks for deceasedBoolean and deceasedDateTime: choice types are
                // named without their type.
                || names.iter().any(|n| {
                    n.as_bytes() == plain
                        || plain.strip_prefix(n.as_bytes()).is_some_and(|rest| {
                            !n.is_empty() && CHOICES.contains(&rest)
                        })
                });
            if !kept {
                continue;
            }
            if out.last() != Some(&b'{') {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(name);
            out.extend_from_slice(b"\":");
            if is_meta { subsetted(value, &mut out) } else { out.extend_from_slice(value) }
        }
        out.push(b'}');
        Cow::Owned(out)
    }
}

const SUBSETTED: &str =
    r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}"#;

/// `meta` with the tag that tells a part from the whole.
fn subsetted(meta: &[u8], out: &mut Vec<u8>) {
    let mut tagged = false;
    out.push(b'{');
    for (name, value) in json::members(meta) {
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(name);
        out.extend_from_slice(b"\":");
        if name == b"tag" && value.len() > 2 {
            tagged = true;
            out.extend_from_slice(&value[..value.len() - 1]);
            out.push(b',');
            out.extend_from_slice(SUBSETTED.as_bytes());
            out.push(b']');
        } else {
            out.extend_from_slice(value);
        }
    }
    if !tagged {
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        out.extend_from_slice(b"\"tag\":[");
        out.extend_from_slice(SUBSETTED.as_bytes());
        out.push(b']');
    }
    out.push(b'}');
}

/// Refuses what cannot be answered with FHIR JSON. `_format` goes before `Accept`.
pub(crate) fn negotiated(
    call: &Call<'_>,
    fhir_version: FhirVersion,
    format: Option<&str>,
) -> Result<(), Fault> {
    let taken = match format {
        Some(format) => {
            // In a URL `+` is a space: `application/fhir json` was meant as the media type.
            let format = format.replace(' ', "+");
            negotiate::takes_fhir_json(Some(&format), fhir_version.mime())
        }
        None => negotiate::takes_fhir_json(call.header(header::ACCEPT), fhir_version.mime()),
    };
    if taken { Ok(()) } else { Err(Fault::NotAcceptable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAY: ResourceType = ResourceType::Record(RecordType::Stay);
    const PATIENT: ResourceType = ResourceType::Record(RecordType::Patient);

    fn cut(elements: &str, resource: &str) -> serde_json::Value {
        let mut shape = Shape::default();
        assert!(shape.take(Some(STAY), "_elements", elements).unwrap());
        let out = shape.cut(STAY, resource.as_bytes());
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_cut_resource_keeps_what_it_may_not_lack_and_says_that_it_is_cut() {
        let whole = r#"{"resourceType":"Encounter","id":"1","meta":{"versionId":"2"},"status":"planned","class":{"code":"IMP"},"subject":{"reference":"Patient/1"},"period":{"start":"2026"}}"#;
        let cut = cut("Encounter.period.start,nothing", whole);
        assert_eq!(cut["period"]["start"], "2026");
        assert_eq!((cut["status"].as_str(), cut["id"].as_str()), (Some("planned"), Some("1")));
        assert!(cut.get("subject").is_none());
        assert_eq!(cut["meta"]["tag"][0]["code"], "SUBSETTED");
        assert_eq!(cut["meta"]["versionId"], "2");
    }

    #[test]
    fn data_is_all_but_the_narrative_and_whole_where_there_is_none() {
        let mut shape = Shape::default();
        shape.take(Some(STAY), "_summary", "data").unwrap();
        let told = r#"{"resourceType":"Encounter","meta":{},"text":{"div":"x"},"length":{}}"#;
        let cut: serde_json::Value =
            serde_json::from_slice(&shape.cut(STAY, told.as_bytes())).unwrap();
        assert!(cut.get("text").is_none() && cut.get("length").is_some());
        assert_eq!(cut["meta"]["tag"][0]["code"], "SUBSETTED");
        let untold = br#"{"resourceType":"Encounter","length":{}}"#;
        assert_eq!(&*shape.cut(STAY, untold), untold);
    }

    #[test]
    fn a_tag_that_is_there_stays_beside_ours() {
        let whole = r#"{"resourceType":"Encounter","meta":{"tag":[{"code":"a]b"}]},"x":1}"#;
        let cut = cut("x", whole);
        assert_eq!(cut["meta"]["tag"][0]["code"], "a]b");
        assert_eq!(cut["meta"]["tag"][1]["code"], "SUBSETTED");
    }

    #[test]
    fn a_choice_element_is_asked_for_without_its_type() {
        let mut shape = Shape::default();
        shape.take(Some(PATIENT), "_elements", "deceased").unwrap();
        let out = shape.cut(PATIENT, br#"{"deceasedBoolean":true,"deceasedX":1}"#);
        assert_eq!(&*out, br#"{"deceasedBoolean":true}"#);
    }
}
