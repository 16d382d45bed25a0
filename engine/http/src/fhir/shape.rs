//! How an answer is to look: `_format`, `_pretty`, `_summary`, `_elements`.

use std::borrow::Cow;

use axum::http::header;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::RecordType;

use crate::call::Call;
use crate::fault::Fault;
use crate::{json, negotiate};

/// Most names in `_elements`.
const ELEMENTS_MAX: usize = 64;

/// Which elements are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Elements {
    #[default]
    All,
    /// These, and those that FHIR does not let a resource be without.
    Only(Vec<String>),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) pretty: bool,
    /// `_summary=count`: the total alone.
    pub(crate) count_only: bool,
    pub(crate) elements: Elements,
}

/// `Σ` elements of R4, as far as any record is rendered with them; also those of R5.
const fn summary(record_type: RecordType) -> &'static [&'static str] {
    match record_type {
        RecordType::Patient => &[
            "identifier",
            "active",
            "name",
            "telecom",
            "gender",
            "birthDate",
            "deceasedBoolean",
            "deceasedDateTime",
            "address",
            "managingOrganization",
            "link",
        ],
        RecordType::Stay => &["identifier", "status", "class", "type", "subject", "participant"],
        RecordType::Location => {
            &["identifier", "status", "name", "description", "mode", "type", "physicalType"]
        }
        _ => &["identifier"],
    }
}

/// Elements with a minimum of one: a resource without them is none.
const fn mandatory(record_type: RecordType) -> &'static [&'static str] {
    match record_type {
        RecordType::Stay => &["status", "class"],
        _ => &[],
    }
}

impl Shape {
    /// Takes a parameter if it is about the shape; `Ok(false)` if it is not.
    pub(crate) fn take(
        &mut self,
        record_type: Option<RecordType>,
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
            "_summary" => match (value, record_type) {
                ("count", _) => self.count_only = true,
                ("false" | "data", _) => {}
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
                let of_type = record_type.map(RecordType::fhir).unwrap_or_default();
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
    pub(crate) fn cut<'r>(&self, record_type: RecordType, resource: &'r [u8]) -> Cow<'r, [u8]> {
        let Elements::Only(names) = &self.elements else { return Cow::Borrowed(resource) };
        let mut out = Vec::with_capacity(resource.len());
        out.push(b'{');
        for (name, value) in json::members(resource) {
            let plain = name.strip_prefix(b"_").unwrap_or(name);
            let is_meta = plain == b"meta";
            let kept = matches!(plain, b"resourceType" | b"id")
                || is_meta
                || mandatory(record_type).iter().any(|n| n.as_bytes() == plain)
                // `deceased` asks for deceasedBoolean and deceasedDateTime: choice types are
                // named without their type.
                || names.iter().any(|n| {
                    n.as_bytes() == plain
                        || plain.strip_prefix(n.as_bytes()).is_some_and(|rest| {
                            !n.is_empty() && matches!(rest, b"Boolean" | b"DateTime" | b"Integer")
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

    fn cut(elements: &str, resource: &str) -> serde_json::Value {
        let mut shape = Shape::default();
        assert!(shape.take(Some(RecordType::Stay), "_elements", elements).unwrap());
        let out = shape.cut(RecordType::Stay, resource.as_bytes());
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
    fn a_tag_that_is_there_stays_beside_ours() {
        let whole = r#"{"resourceType":"Encounter","meta":{"tag":[{"code":"a]b"}]},"x":1}"#;
        let cut = cut("x", whole);
        assert_eq!(cut["meta"]["tag"][0]["code"], "a]b");
        assert_eq!(cut["meta"]["tag"][1]["code"], "SUBSETTED");
    }

    #[test]
    fn a_choice_element_is_asked_for_without_its_type() {
        let mut shape = Shape::default();
        shape.take(Some(RecordType::Patient), "_elements", "deceased").unwrap();
        let out = shape.cut(RecordType::Patient, br#"{"deceasedBoolean":true,"deceasedX":1}"#);
        assert_eq!(&*out, br#"{"deceasedBoolean":true}"#);
    }
}
