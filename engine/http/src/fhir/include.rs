//! `_include` and `_revinclude`: what stands on a page beside its matches.
//!
//! A reference is taken from the element that the parameter is about, as rendered, so that what is
//! included is what the client sees referred to. Included resources are shown as they are now, and
//! each once; matches are never included again.

use std::collections::HashSet;

use sluice_ids::EjId;
use sluice_mappings::fhir::ResourceType;
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_mappings::search;
use sluice_state::PageRequest;

use super::derived;
use super::page::Shown;
use crate::call::Call;
use crate::json;

/// Rounds of `:iterate`: a chain of places has seven levels.
const ROUNDS_MAX: usize = 8;

/// Ids in one reverse search.
const IDS_MAX: usize = 100;

/// A search parameter that is a reference: of which type, its elements, and what they refer to.
struct Referring {
    source: RecordType,
    param: &'static str,
    elements: &'static [&'static str],
    targets: &'static [RecordType],
}

const fn referring(
    source: RecordType,
    param: &'static str,
    elements: &'static [&'static str],
    targets: &'static [RecordType],
) -> Referring {
    Referring { source, param, elements, targets }
}

use RecordType as T;
const SUBJECT: &[&str] = &["subject", "patient", "beneficiary"];
const REFERRING: [Referring; 43] = [
    referring(
        T::Patient,
        "general-practitioner",
        &["generalPractitioner"],
        &[T::Practitioner, T::PractitionerRole, T::Organization],
    ),
    referring(T::Patient, "organization", &["managingOrganization"], &[T::Organization]),
    referring(T::Patient, "link", &["link"], &[T::Patient, T::RelatedPerson]),
    referring(T::Stay, "patient", SUBJECT, &[T::Patient]),
    referring(T::Stay, "subject", SUBJECT, &[T::Patient]),
    referring(T::Stay, "location", &["location"], &[T::Location]),
    referring(T::Stay, "participant", &["participant"], &[T::Practitioner, T::PractitionerRole]),
    referring(T::Stay, "practitioner", &["participant"], &[T::Practitioner]),
    referring(T::Stay, "service-provider", &["serviceProvider"], &[T::Organization]),
    referring(T::Stay, "account", &["account"], &[T::Account]),
    referring(T::Stay, "diagnosis", &["diagnosis"], &[T::Condition, T::Procedure]),
    referring(T::Location, "partof", &["partOf"], &[T::Location]),
    referring(T::Location, "organization", &["managingOrganization"], &[T::Organization]),
    referring(T::Organization, "partof", &["partOf"], &[T::Organization]),
    referring(T::PractitionerRole, "practitioner", &["practitioner"], &[T::Practitioner]),
    referring(T::PractitionerRole, "organization", &["organization"], &[T::Organization]),
    referring(T::RelatedPerson, "patient", SUBJECT, &[T::Patient]),
    referring(T::Coverage, "patient", SUBJECT, &[T::Patient]),
    referring(T::Coverage, "beneficiary", SUBJECT, &[T::Patient]),
    referring(T::Coverage, "subscriber", &["subscriber"], &[T::RelatedPerson, T::Patient]),
    referring(
        T::Coverage,
        "policy-holder",
        &["policyHolder"],
        &[T::Organization, T::RelatedPerson, T::Patient],
    ),
    referring(T::Coverage, "payor", &["payor", "insurer"], &[T::Organization]),
    referring(T::Coverage, "insurer", &["payor", "insurer"], &[T::Organization]),
    referring(T::Account, "patient", SUBJECT, &[T::Patient]),
    referring(T::Account, "subject", SUBJECT, &[T::Patient]),
    referring(T::AllergyIntolerance, "patient", SUBJECT, &[T::Patient]),
    referring(T::AllergyIntolerance, "recorder", &["recorder"], &[T::Practitioner]),
    referring(T::Condition, "patient", SUBJECT, &[T::Patient]),
    referring(T::Condition, "subject", SUBJECT, &[T::Patient]),
    referring(T::Condition, "encounter", &["encounter"], &[T::Stay]),
    referring(T::Condition, "asserter", &["asserter"], &[T::Practitioner]),
    referring(T::Procedure, "patient", SUBJECT, &[T::Patient]),
    referring(T::Procedure, "subject", SUBJECT, &[T::Patient]),
    referring(T::Procedure, "encounter", &["encounter"], &[T::Stay]),
    referring(T::Procedure, "performer", &["performer"], &[T::Practitioner]),
    referring(T::Procedure, "location", &["location"], &[T::Location]),
    referring(T::Procedure, "part-of", &["partOf"], &[T::Procedure]),
    referring(T::Observation, "patient", SUBJECT, &[T::Patient]),
    referring(T::Observation, "subject", SUBJECT, &[T::Patient]),
    referring(T::Observation, "encounter", &["encounter"], &[T::Stay]),
    referring(T::Observation, "performer", &["performer"], &[T::Practitioner]),
    referring(T::Condition, "participant-actor", &["participant"], &[T::Practitioner]),
    referring(T::AllergyIntolerance, "participant", &["participant"], &[T::Practitioner]),
];

/// One `_include` or `_revinclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Include {
    reverse: bool,
    iterate: bool,
    /// `None`: of any type.
    source: Option<RecordType>,
    /// `None`: every reference.
    param: Option<String>,
    target: Option<RecordType>,
    /// `_revinclude=Provenance:target`.
    provenance: bool,
}

impl Include {
    /// `None` for another parameter; `Some(None)` for one that says nothing that is known here.
    #[expect(clippy::option_option, reason = "another parameter differs from a wrong one")]
    pub(crate) fn read(name: &str, value: &str) -> Option<Option<Self>> {
        let (base, modifier) = name.split_once(':').unwrap_or((name, ""));
        let reverse = match base {
            "_include" => false,
            "_revinclude" => true,
            _ => return None,
        };
        let iterate = match modifier {
            "" => false,
            // `recurse` is what R3 called it.
            "iterate" | "recurse" => true,
            _ => return Some(None),
        };
        let read = Self::value(value).map(|include| Self { reverse, iterate, ..include });
        // What a Provenance is of is its target: nothing else refers to one.
        Some(read.filter(|include| reverse || !include.provenance))
    }

    /// `_revinclude=*`.
    pub(crate) const fn everything_that_refers() -> Self {
        Self {
            reverse: true,
            iterate: false,
            source: None,
            param: None,
            target: None,
            provenance: false,
        }
    }

    /// `_include:iterate=*`.
    pub(crate) const fn everything_referred_to() -> Self {
        Self {
            reverse: false,
            iterate: true,
            source: None,
            param: None,
            target: None,
            provenance: false,
        }
    }

    fn value(value: &str) -> Option<Self> {
        let any = Self {
            reverse: false,
            iterate: false,
            source: None,
            param: None,
            target: None,
            provenance: false,
        };
        if value == "*" {
            return Some(any);
        }
        let mut parts = value.split(':');
        if matches!(value, "Provenance:target" | "Provenance:*") {
            return Some(Self { provenance: true, ..any });
        }
        let source = Some(record_type(parts.next()?)?);
        let param = match parts.next()? {
            "*" => None,
            param => Some(param.to_owned()),
        };
        let target = match parts.next() {
            Some(target) => Some(record_type(target)?),
            None => None,
        };
        let include = Self { source, param, target, ..any };
        let is_known = parts.next().is_none() && include.referring().next().is_some();
        is_known.then_some(include)
    }

    /// The lines of the table that it is about.
    fn referring(&self) -> impl Iterator<Item = &'static Referring> + '_ {
        REFERRING.iter().filter(|line| {
            !self.provenance
                && self.source.is_none_or(|source| source == line.source)
                && self.param.as_deref().is_none_or(|param| param == line.param)
                && self.target.is_none_or(|target| line.targets.contains(&target))
        })
    }
}

/// What goes with the matches, and whether there was more than the limit.
pub(crate) fn included(
    call: &Call<'_>,
    includes: &[Include],
    matches: &[Shown],
    limit: usize,
) -> (Vec<Shown>, bool) {
    let mut finder =
        Finder { call, known: matches.iter().filter_map(record_of).collect(), limit, cut: false };
    let mut found: Vec<Shown> = Vec::new();
    let mut start = 0;
    for round in 0..ROUNDS_MAX {
        let frontier = if round == 0 { matches } else { &found[start..] };
        let wanted = includes.iter().filter(|include| round == 0 || include.iterate);
        let mut new = Vec::new();
        for include in wanted {
            if include.provenance {
                finder.provenances(frontier, &mut new);
            } else if include.reverse {
                finder.reverse(include, frontier, &mut new);
            } else {
                finder.forward(include, frontier, &mut new);
            }
        }
        if new.is_empty() {
            break;
        }
        start = found.len();
        found.extend(new);
    }
    (found, finder.cut)
}

struct Finder<'c, 'a> {
    call: &'c Call<'a>,
    known: HashSet<(RecordType, ResourceId)>,
    limit: usize,
    cut: bool,
}

impl Finder<'_, '_> {
    fn forward(&mut self, include: &Include, frontier: &[Shown], new: &mut Vec<Shown>) {
        for shown in frontier {
            let ResourceType::Record(source) = shown.of else { continue };
            let lines = include.referring().filter(|line| line.source == source);
            let elements: Vec<&str> = lines.flat_map(|line| line.elements).copied().collect();
            for (record_type, id) in references(&shown.rendered.json, &elements) {
                if include.target.is_none_or(|target| target == record_type) {
                    self.take(record_type, id, new);
                }
            }
        }
    }

    fn reverse(&mut self, include: &Include, frontier: &[Shown], new: &mut Vec<Shown>) {
        let fhir = self.call.route.fhir;
        for line in include.referring() {
            let searchable = search::params(line.source)
                .iter()
                .any(|(name, kind)| *name == line.param && *kind == search::Kind::Reference);
            let is_meant = |(of, _): &(RecordType, ResourceId)| {
                line.targets.contains(of) && include.target.is_none_or(|target| target == *of)
            };
            let targets = frontier.iter().filter_map(record_of).filter(is_meant);
            let ids: Vec<String> = targets.map(|(of, id)| format!("{}/{id}", of.fhir())).collect();
            for ids in ids.chunks(IDS_MAX).filter(|_| searchable) {
                let pair = [(line.param.to_owned(), ids.join(","))];
                let Ok(parsed) = search::parse(line.source, fhir, &pair, &jiff::tz::TimeZone::UTC)
                else {
                    continue;
                };
                let request = PageRequest { count: self.room(), after: None };
                let call = self.call;
                let Ok(page) = call.in_store(|| call.scope().search(&parsed.query, &request))
                else {
                    continue;
                };
                self.cut |= page.next.is_some();
                for (ej, record) in page.records {
                    self.show(ej, &record, new);
                }
            }
        }
    }

    fn provenances(&mut self, frontier: &[Shown], new: &mut Vec<Shown>) {
        for (record_type, id) in frontier.iter().filter_map(record_of) {
            let call = self.call;
            let found = call.in_store(|| call.scope().get(record_type, id));
            if self.limit == 0 {
                self.cut = true;
                return;
            }
            if let Some((ej, record)) = found
                && let Some(shown) = derived::provenance(call, ej, &record)
            {
                self.limit -= 1;
                new.push(shown);
            }
        }
    }

    fn room(&self) -> u32 {
        u32::try_from(self.limit).unwrap_or(u32::MAX)
    }

    fn take(&mut self, record_type: RecordType, id: ResourceId, new: &mut Vec<Shown>) {
        if self.known.contains(&(record_type, id)) {
            return;
        }
        let call = self.call;
        // One that the caller may not see, or that is gone, is not there.
        if let Some((ej, record)) = call.in_store(|| call.scope().get(record_type, id)) {
            self.show(ej, &record, new);
        }
    }

    fn show(&mut self, ej: EjId, record: &Record, new: &mut Vec<Shown>) {
        let (record_type, id) = (record.record_type(), record.id());
        if record.stamp().gone || self.known.contains(&(record_type, id)) {
            return;
        }
        if self.limit == 0 {
            self.cut = true;
            return;
        }
        self.limit -= 1;
        self.known.insert((record_type, id));
        let call = self.call;
        let rendered = call.in_render(|| call.app.rendered(ej, record, call.route.fhir));
        let updated_at = record.stamp().updated_at;
        let of = ResourceType::Record(record_type);
        new.push(Shown { of, id, local: None, updated_at, rendered });
    }
}

fn record_of(shown: &Shown) -> Option<(RecordType, ResourceId)> {
    match shown.of {
        ResourceType::Record(record_type) => Some((record_type, shown.id)),
        ResourceType::EncounterHistory | ResourceType::Provenance => None,
    }
}

/// The references within some elements of a rendered resource.
pub(crate) fn references(resource: &[u8], elements: &[&str]) -> Vec<(RecordType, ResourceId)> {
    // With its quotes: no text can look like it, since quotes in a text are escaped.
    const NAME: &[u8] = br#""reference":""#;
    let mut found = Vec::new();
    for (name, value) in json::members(resource) {
        if !elements.iter().any(|element| element.as_bytes() == name) {
            continue;
        }
        let mut rest = value;
        while let Some(at) = rest.windows(NAME.len()).position(|window| window == NAME) {
            rest = &rest[at + NAME.len()..];
            let end = rest.iter().position(|b| *b == b'"').unwrap_or(rest.len());
            let reference = std::str::from_utf8(&rest[..end]).unwrap_or_default();
            if let Some((of_type, id)) = reference.split_once('/')
                && let (Some(of_type), Some(id)) = (record_type(of_type), ResourceId::parse(id))
            {
                found.push((of_type, id));
            }
        }
    }
    found
}

fn record_type(name: &str) -> Option<RecordType> {
    RecordType::ALL.into_iter().find(|record_type| record_type.fhir() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_include_names_a_reference_that_there_is() {
        let read = |name: &str, value: &str| Include::read(name, value).unwrap();
        assert!(read("_include", "Encounter:patient").is_some());
        assert!(read("_include:iterate", "Location:partof:Location").is_some());
        assert!(read("_revinclude", "Encounter:*").is_some());
        assert!(read("_include", "*").is_some());
        for wrong in ["Encounter", "Encounter:status", "Stay:patient", "Encounter:patient:Location"]
        {
            assert_eq!(read("_include", wrong), None, "{wrong}");
        }
        assert_eq!(read("_include:forever", "Encounter:patient"), None);
        assert_eq!(Include::read("_included", "Encounter:patient"), None);
    }

    #[test]
    fn references_are_taken_from_the_elements_asked_for_alone() {
        let id = ResourceId([7; 16]);
        let json = format!(
            r#"{{"subject":{{"reference":"Patient/{id}"}},"location":[{{"location":{{"reference":"Location/{id}","display":"\"reference\":\"Patient/{id}"}}}}],"other":{{"reference":"Patient/x"}}}}"#
        );
        assert_eq!(references(json.as_bytes(), &["subject"]), [(RecordType::Patient, id)]);
        assert_eq!(references(json.as_bytes(), &["location"]), [(RecordType::Location, id)]);
        assert_eq!(references(json.as_bytes(), &["other"]), []);
    }
}
