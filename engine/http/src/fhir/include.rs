//! `_include` and `_revinclude`: what stands on a page beside its matches.
//!
//! A reference is taken from the element that the parameter is about ([`search::referring`]), as
//! rendered, so that what is included is what the client sees referred to. Included resources are shown as they are now, and
//! each once; matches are never included again.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use sluice_ids::EjId;
use sluice_mappings::fhir::ResourceType;
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_mappings::search::{self, Referring};
use sluice_state::PageRequest;

use super::derived;
use super::page::Shown;
use crate::call::Call;
use crate::fault::Fault;
use crate::json;

/// Rounds of `:iterate`: a chain of places has seven levels.
const ROUNDS_MAX: usize = 8;

/// Ids in one reverse search.
const IDS_MAX: usize = 100;

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
        let read = Self::value(value, reverse).map(|include| Self { iterate, ..include });
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

    fn value(value: &str, reverse: bool) -> Option<Self> {
        let any = Self {
            reverse,
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

    /// The references that it is about.
    fn referring(&self) -> impl Iterator<Item = Referring> + '_ {
        RecordType::ALL.into_iter().flat_map(search::referring).filter(|line| {
            !self.provenance
                && self.source.is_none_or(|source| source == line.source)
                && self.param.as_deref().is_none_or(|param| param == line.param)
                && self.target.is_none_or(|target| line.targets.contains(&target))
        })
    }
}

/// What goes with the matches, and whether there was more than the limit.
///
/// # Errors
/// Where the state cannot tell what refers to them: a page never lacks it in silence.
pub(crate) fn included(
    call: &Call<'_>,
    includes: &[Include],
    matches: &[Shown],
    limit: usize,
) -> Result<(Vec<Shown>, bool), Fault> {
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
                finder.reverse(include, frontier, &mut new)?;
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
    Ok((found, finder.cut))
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
            let elements: Vec<&str> =
                lines.flat_map(|line| line.elements.iter().copied()).collect();
            for (record_type, id) in references(&shown.rendered.json, &elements) {
                if include.target.is_none_or(|target| target == record_type) {
                    self.take(record_type, id, new);
                }
            }
        }
    }

    fn reverse(
        &mut self,
        include: &Include,
        frontier: &[Shown],
        new: &mut Vec<Shown>,
    ) -> Result<(), Fault> {
        let call = self.call;
        let fhir = call.route.fhir;
        let lines = include.referring();
        for line in lines.filter(|line| line.version.is_none_or(|only| only == fhir)) {
            let is_meant = |(of, _): &(RecordType, ResourceId)| {
                line.targets.contains(of) && include.target.is_none_or(|target| target == *of)
            };
            let targets = frontier.iter().filter_map(record_of).filter(is_meant);
            let ids: Vec<String> = targets.map(|(of, id)| format!("{}/{id}", of.fhir())).collect();
            for ids in ids.chunks(IDS_MAX) {
                let pair = [(line.param.to_owned(), ids.join(","))];
                let parsed = search::parse(line.source, fhir, &pair, &TimeZone::UTC)
                    .map_err(Fault::Query)?;
                let request = PageRequest { count: self.room(), after: None };
                let page = call.search(&parsed.query, &request)?;
                self.cut |= page.next.is_some();
                for (ej, record) in page.records {
                    self.show(ej, &record, new);
                }
            }
        }
        Ok(())
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
        let rendered = call.in_render(|| call.rendered(ej, record));
        let updated_at = record.stamp().updated_at;
        let of = ResourceType::Record(record_type);
        new.push(Shown { of, id, local: None, updated_at, rendered });
    }
}

fn record_of(shown: &Shown) -> Option<(RecordType, ResourceId)> {
    match shown.of {
        ResourceType::Record(record_type) => Some((record_type, shown.id)),
        ResourceType::EncounterHistory | ResourceType::Provenance | ResourceType::Group => None,
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
        assert!(read("_revinclude", "Patient:link").is_some());
        assert_eq!(read("_revinclude", "Encounter:appointment"), None);
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
