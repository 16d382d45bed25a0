//! A site's own ways in what is rendered: its codes' standard ones before them, its own fields as
//! extensions. After the resource, so that no resource has to know of it.

use super::datatypes::{Coding, Date, DateTime};
use super::{FhirVersion, text};
use crate::entity::LegalEntity;
use crate::json::Tree;
use crate::records::{Coded, OwnField, OwnValue, Record};
use crate::site::{Site, SiteField, SiteResource, StandardCode, ValueType};

/// `json` as the EJ's site wants it; as it is where the site wants nothing.
pub(super) fn applied(
    json: Vec<u8>,
    record: &Record,
    entity: &LegalEntity,
    version: FhirVersion,
) -> Vec<u8> {
    let Some(mut view) = SiteView::new(record, entity, version) else { return json };
    let Some(mut tree) = Tree::read(&json) else { return json };
    view.add_extensions(&mut tree);
    if view.site.shows_codes() {
        view.add_codes(&mut tree);
    }
    if view.changed { tree.write() } else { json }
}

struct SiteView<'a> {
    site: &'a Site,
    extensions: Vec<Tree>,
    version: FhirVersion,
    changed: bool,
}

impl<'a> SiteView<'a> {
    /// `None` where the resource stays as it is, without being read again: the site shows no code
    /// as another, and none of its own fields is kept with this record.
    fn new(record: &Record, entity: &'a LegalEntity, version: FhirVersion) -> Option<Self> {
        let site = &entity.site;
        let extensions = extensions(record, site);
        if extensions.is_empty() && !site.shows_codes() {
            return None;
        }
        Some(Self { site, extensions, version, changed: false })
    }

    fn add_extensions(&mut self, resource: &mut Tree) {
        let extensions = std::mem::take(&mut self.extensions);
        let Tree::Object(entries) = resource else { return };
        if extensions.is_empty() {
            return;
        }
        self.changed = true;
        let existing = entries.iter_mut().find(|(key, _)| key == "extension");
        match existing {
            Some((_, Tree::Array(items))) => items.extend(extensions),
            _ => {
                let after = entries.iter().position(|(key, _)| key == "meta");
                let at = after.map_or(0, |at| at + 1);
                entries.insert(at, ("extension".to_owned(), Tree::Array(extensions)));
            }
        }
    }

    /// The standard's coding goes before the sender's, wherever a concept has room for both.
    fn add_codes(&mut self, tree: &mut Tree) {
        match tree {
            Tree::Leaf(_) => {}
            Tree::Array(items) => {
                for item in items {
                    self.add_codes(item);
                }
            }
            Tree::Object(entries) => {
                for (key, value) in entries {
                    match value {
                        Tree::Array(codings) if key == "coding" => self.add_standard(codings),
                        other => self.add_codes(other),
                    }
                }
            }
        }
    }

    fn add_standard(&mut self, codings: &mut Vec<Tree>) {
        let sent = codings.iter().filter_map(|c| Some((c.text("system")?, c.text("code")?)));
        let found = self.site.standard(sent, self.version);
        let Some(StandardCode { system, code, display }) = found else { return };
        let is_it = |coding: &Tree| {
            coding.text("system") == Some(system) && coding.text("code") == Some(code)
        };
        if !codings.iter().any(is_it) {
            let entries =
                [("system", system.as_str()), ("code", code.as_str()), ("display", display)];
            codings.insert(0, Tree::of_texts(&entries));
            self.changed = true;
        }
    }
}

/// What the record keeps of the fields that show on its resource.
fn extensions(record: &Record, site: &Site) -> Vec<Tree> {
    let (own, on): (&[OwnField], _) = match record {
        Record::Patient(patient) => (&patient.own, SiteResource::Patient),
        Record::Stay(stay) => (&stay.own, SiteResource::Encounter),
        _ => return Vec::new(),
    };
    let mut extensions = Vec::new();
    for (_, rule) in site.fields(on) {
        let kept = own.iter().filter(|own| own.field == rule.field);
        let values = kept.flat_map(|own| &own.values);
        extensions.extend(values.filter_map(|value| extension(rule, value)));
    }
    extensions
}

/// `None` where the value is none of the type.
fn extension(rule: &SiteField, value: &OwnValue) -> Option<Tree> {
    let (name, value) = match (rule.value, value) {
        (ValueType::String, OwnValue::Text(sent)) => {
            ("valueString", Tree::of_text(&text::string(sent)?))
        }
        (ValueType::Code, OwnValue::Text(sent)) => ("valueCode", Tree::of_text(&text::code(sent)?)),
        (ValueType::Boolean, OwnValue::Text(sent)) => {
            ("valueBoolean", Tree::Leaf(boolean(sent)?.into()))
        }
        (ValueType::Integer, OwnValue::Text(sent)) => {
            ("valueInteger", Tree::Leaf(sent.parse::<i32>().ok()?.into()))
        }
        (ValueType::Date, OwnValue::Moment(moment)) => {
            ("valueDate", written(&Date::new(*moment)?)?)
        }
        (ValueType::DateTime, OwnValue::Moment(moment)) => {
            ("valueDateTime", written(&DateTime::new(*moment)?)?)
        }
        (ValueType::Coding, OwnValue::Coded(coded)) => ("valueCoding", coding(coded)?),
        (ValueType::CodeableConcept, OwnValue::Coded(coded)) => {
            ("valueCodeableConcept", concept(coded)?)
        }
        _ => return None,
    };
    let url = ("url".to_owned(), Tree::of_text(&rule.url));
    Some(Tree::Object(vec![url, (name.to_owned(), value)]))
}

fn written(value: &impl serde::Serialize) -> Option<Tree> {
    Tree::read(&serde_json::to_vec(value).ok()?)
}

fn boolean(sent: &str) -> Option<bool> {
    match sent {
        "Y" | "1" | "true" | "O" => Some(true),
        "N" | "0" | "false" => Some(false),
        _ => None,
    }
}

fn coding(coded: &Coded) -> Option<Tree> {
    written(&Coding::first(coded)?)
}

fn concept(coded: &Coded) -> Option<Tree> {
    let mut entries = Vec::new();
    if let Some(coding) = coding(coded) {
        entries.push(("coding".to_owned(), Tree::Array(vec![coding])));
    }
    if let Some(said) = text::string(&coded.text) {
        entries.push(("text".to_owned(), Tree::of_text(&said)));
    }
    (!entries.is_empty()).then_some(Tree::Object(entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{PatientRecord, ResourceId};

    #[test]
    fn a_resource_is_read_again_only_where_the_site_has_something_to_say_of_it() {
        let entity = |site: &str| {
            let settings = format!("id = \"EJ1\"\nname = \"an EJ\"\n{site}");
            LegalEntity::new(toml::from_str(&settings).unwrap()).unwrap()
        };
        let fields =
            entity("[[site.field]]\nfield = \"ZPI-1\"\non = \"patient\"\nurl = \"urn:x:badge\"");
        let codes = entity(
            "[[site.code]]\ntable = \"0112\"\nfrom = \"X\"\nsystem = \"urn:x:y\"\ncode = \"y\"",
        );
        let mut patient = PatientRecord::new(ResourceId([1; 16]));
        let reads = |patient: &PatientRecord, entity: &LegalEntity| {
            SiteView::new(&patient.clone().into(), entity, FhirVersion::R4).is_some()
        };
        assert!(!reads(&patient, &entity("")));
        assert!(!reads(&patient, &fields));
        assert!(reads(&patient, &codes));
        let values = vec![OwnValue::Text("B12".into())];
        patient.own.push(OwnField { field: "ZPI-1".into(), values });
        assert!(reads(&patient, &fields));
        assert!(!reads(&patient, &entity("")));
    }

    fn view(json: &str, site: &str) -> String {
        let settings = format!("id = \"EJ1\"\nname = \"an EJ\"\n{site}");
        let entity = LegalEntity::new(toml::from_str(&settings).unwrap()).unwrap();
        let mut patient = PatientRecord::new(ResourceId([1; 16]));
        let values = vec![OwnValue::Text("B12".into())];
        patient.own.push(OwnField { field: "ZPI-1".into(), values });
        let json = applied(json.into(), &patient.into(), &entity, FhirVersion::R4);
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn a_sites_extension_stands_after_those_that_are_there_or_after_the_meta() {
        let site = "[[site.field]]\nfield = \"ZPI-1\"\non = \"patient\"\nurl = \"urn:x:badge\"";
        let own = r#"{"url":"urn:x:badge","valueString":"B12"}"#;
        for (before, after) in [
            (
                r#"{"id":"1","meta":{},"extension":[{"url":"a"}],"active":true}"#,
                format!(
                    r#"{{"id":"1","meta":{{}},"extension":[{{"url":"a"}},{own}],"active":true}}"#
                ),
            ),
            (
                r#"{"id":"1","meta":{},"active":true}"#,
                format!(r#"{{"id":"1","meta":{{}},"extension":[{own}],"active":true}}"#),
            ),
            (r#"{"active":true}"#, format!(r#"{{"extension":[{own}],"active":true}}"#)),
        ] {
            assert_eq!(view(before, site), after);
        }
    }

    #[test]
    fn a_sites_code_stands_before_the_senders_in_a_concept_alone_and_once() {
        let site =
            "[[site.code]]\ntable = \"0112\"\nfrom = \"X\"\nsystem = \"urn:x:y\"\ncode = \"y\"";
        let sent = r#"{"system":"http://terminology.hl7.org/CodeSystem/v2-0112","code":"X"}"#;
        let own = r#"{"system":"urn:x:y","code":"y"}"#;
        let concept = |codings: &str| format!(r#"{{"type":{{"coding":[{codings}]}}}}"#);
        assert_eq!(view(&concept(sent), site), concept(&format!("{own},{sent}")));
        let label = format!(r#"{{"meta":{{"security":[{sent}]}}}}"#);
        assert_eq!(view(&label, site), label, "a Coding that stands alone has no room for two");
        let both = concept(&format!("{sent},{own}"));
        assert_eq!(view(&both, site), both, "it is there already");
        for other in [r#"{"system":"urn:x:y","code":"z"}"#, r#"{"system":"urn:x:z","code":"y"}"#] {
            let other = format!("{sent},{other}");
            assert_eq!(view(&concept(&other), site), concept(&format!("{own},{other}")));
        }
    }
}
