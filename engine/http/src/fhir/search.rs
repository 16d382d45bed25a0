//! `GET [base]/[type]?…` and `POST [base]/[type]/_search`.
//!
//! A page is pinned: its next link shows the search as it was when it began. What cannot be done
//! as asked is never hidden: it is refused under `Prefer: handling=strict`, and otherwise left out
//! of the self link and told in an entry of its own.

use axum::body::Body;
use axum::http::{HeaderName, Response};
use jiff::tz::TimeZone;
use sluice_mappings::fhir::{FhirVersion, Link, ResourceType};
use sluice_mappings::records::{Record, RecordType};
use sluice_mappings::search::{self, Parsed};
use sluice_state::{Cursor, PageRequest, SearchError};

use super::include::{self, Include};
use super::page::{Page, Shown};
use super::shape::{Shape, negotiated};
use super::{derived, everything, links, reply};
use crate::call::Call;
use crate::cursor::Sealed;
use crate::fault::Fault;
use crate::query;
use crate::settings::SearchHandling;

/// What FHIR lets a search ask for and nobody answers here. To leave one out would show what was
/// not asked for, so that it is refused whatever the handling.
const NOT_ANSWERED: [&str; 6] = ["_content", "_text", "_filter", "_list", "_query", "_in"];

/// Most parameters: those that filter have their own limit, and the others are few.
const PARAMETERS_MAX: usize = search::CLAUSES_MAX + 32;
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What the URL and the form said, sorted by who understands it.
struct Asked {
    filters: Vec<(String, String)>,
    shape: Shape,
    /// As asked, before the maximum.
    count: Option<u32>,
    /// Of the answer's form, for the self link.
    controls: Vec<(String, String)>,
    cursor: Option<String>,
    includes: Vec<Include>,
    /// Controls that say nothing that is known here.
    unknown: Vec<String>,
}

/// The page as it was answered before, where it would be made the same again.
pub(crate) fn kept(call: &Call<'_>) -> Option<Response<Body>> {
    // What is derived is put together from records, and never kept whole.
    if call.is_whole_compartment() || !matches!(call.resource_type(), Ok(ResourceType::Record(_))) {
        return None;
    }
    let page = call.kept_page()?;
    Some(reply::packed_json(page.body, page.coding))
}

pub(crate) fn page(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    if call.is_whole_compartment() {
        return everything::compartment(call);
    }
    let resource_type = call.resource_type()?;
    let ResourceType::Record(record_type) = resource_type else {
        return derived::search(call, resource_type);
    };
    let mut pairs = query::pairs(call.query(), PARAMETERS_MAX)?;
    pairs.extend(compartment(call)?);
    if let Some(form) = &call.form {
        let form = std::str::from_utf8(form).map_err(|_| Fault::QueryEncoding)?;
        pairs.extend(query::pairs(form, PARAMETERS_MAX)?);
    }
    let format = pairs.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    negotiated(call, call.route.fhir, format)?;

    let mut asked = Asked::read(record_type, pairs)?;
    let mut after = None;
    if let Some(text) = asked.cursor.take() {
        after = Some(asked.continued(call, record_type, &text)?);
    }
    let count = asked.page_count(call);
    let base = links::base(call);
    let (parsed, warning) = asked.parsed(call, record_type)?;
    if count.is_none() && after.is_some() {
        // A cursor with `_count=0`: there is nothing to go on with.
        after = None;
    }

    // A page of one type rests on that type's records alone, unless it looks at others.
    let looks_around = !asked.includes.is_empty()
        || parsed.query.clauses.iter().any(|clause| clause.join().is_some());
    let footing = call.scope().footing((!looks_around).then_some(record_type));
    let is_first = after.is_none();
    let request = PageRequest { count: count.unwrap_or(0), after };
    let found = call.search(&parsed.query, &request)?;
    let matches: Vec<Shown> = call.in_render(|| {
        let shown = |(ej, record): &(_, Record)| Shown {
            of: resource_type,
            id: record.id(),
            local: None,
            updated_at: record.stamp().updated_at,
            rendered: call.rendered(*ej, record),
        };
        found.records.iter().map(shown).collect()
    });
    let limit = call.app.settings.included_max as usize;
    let (included, cut) = include::included(call, &asked.includes, &matches, limit)?;
    let warning = match (warning, cut) {
        (warning, false) => warning,
        (None, true) => {
            Some(format!("more than {limit} resources to include: the others left out"))
        }
        (Some(text), true) => {
            Some(format!("{text}; more than {limit} resources to include: the others left out"))
        }
    };

    let params = asked.params(&parsed, count);
    let path = format!("{base}/{}", record_type.fhir());
    let next = match (found.next, count) {
        (Some(cursor), Some(count)) => {
            Some(next_link(call, &path, record_type, &params, count, cursor)?)
        }
        _ => None,
    };
    let self_link = if params.is_empty() { path.clone() } else { format!("{path}?{params}") };
    let mut links = vec![Link { relation: "self", url: self_link }];
    let is_linked = next.is_some();
    links.extend(next.map(|url| Link { relation: "next", url }));
    let page = Page { links, total: found.total, matches, included, warning };
    let body = call.in_render(|| page.write(&base, &asked.shape));
    let (body, coding) = reply::packed(call, body.into());
    // The links of later pages hold the pins of the first one, however old they are.
    call.keep_page(&body, coding, footing, is_first && is_linked);
    Ok(reply::packed_json(body, coding))
}

/// Of a search within a compartment, its own parameter: what is in the compartment is what the
/// parameter finds (FHIR `CompartmentDefinition`).
fn compartment(call: &Call<'_>) -> Result<Option<(String, String)>, Fault> {
    let Some(of) = call.compartment()? else { return Ok(None) };
    let param = match of {
        ResourceType::Record(RecordType::Patient) => "patient",
        ResourceType::Record(RecordType::Stay) => "encounter",
        _ => return Err(Fault::TypeNotServed),
    };
    let ResourceType::Record(member) = call.resource_type()? else {
        return Err(Fault::TypeNotServed);
    };
    // Without the parameter the type is in no such compartment.
    if search::param(member, call.route.fhir, param).is_none() {
        return Err(Fault::TypeNotServed);
    }
    Ok(Some((param.to_owned(), format!("{}/{}", of.name(), call.id()))))
}

impl Asked {
    fn read(record_type: RecordType, pairs: Vec<(String, String)>) -> Result<Self, Fault> {
        let mut asked = Self {
            filters: Vec::new(),
            shape: Shape::default(),
            count: None,
            controls: Vec::new(),
            cursor: None,
            includes: Vec::new(),
            unknown: Vec::new(),
        };
        for (name, value) in pairs {
            if asked.shape.take(Some(ResourceType::Record(record_type)), &name, &value)? {
                asked.controls.push((name, value));
                continue;
            }
            if let Some(include) = Include::read(&name, &value) {
                match include {
                    Some(include) => {
                        asked.includes.push(include);
                        asked.controls.push((name, value));
                    }
                    None => asked.unknown.push(name),
                }
                continue;
            }
            match name.as_str() {
                "_count" => {
                    let count = value.parse();
                    let count = count.map_err(|_| {
                        Fault::parameter("_count", "is no whole number of 0 or more")
                    })?;
                    asked.count = Some(count);
                }
                // Totals are always exact, which every one of these allows.
                "_total" if matches!(value.as_str(), "none" | "estimate" | "accurate") => {
                    asked.controls.push((name, value));
                }
                "_total" => {
                    return Err(Fault::parameter("_total", "is none of none, estimate, accurate"));
                }
                "_cursor" => asked.cursor = Some(value),
                base if NOT_ANSWERED.contains(&base.split(':').next().unwrap_or_default()) => {
                    let base = base.split(':').next().unwrap_or_default();
                    let known = NOT_ANSWERED.into_iter().find(|name| *name == base);
                    return Err(Fault::SearchNotAnswered { name: known.unwrap_or("_query") });
                }
                _ => asked.filters.push((name, value)),
            }
        }
        Ok(asked)
    }

    /// Takes the search from its cursor; beside it only the form of the answer may be given.
    fn continued(
        &mut self,
        call: &Call<'_>,
        record_type: RecordType,
        text: &str,
    ) -> Result<Cursor, Fault> {
        if !self.filters.is_empty() {
            return Err(Fault::parameter(
                "_cursor",
                "goes on with its own search; other parameters cannot be added",
            ));
        }
        let sealed = call.app.cursors.open_sealed(text)?;
        let here = sealed.record_type == record_type && sealed.ej == call.ej();
        if !here || sealed.caller != call.caller() {
            return Err(Fault::CursorForeign);
        }
        let own = std::mem::take(&mut self.controls);
        let shape = std::mem::take(&mut self.shape);
        let count = self.count;
        *self = Self::read(record_type, query::pairs(&sealed.params, PARAMETERS_MAX)?)?;
        self.count = count.or(Some(sealed.count));
        if shape.pretty {
            self.shape.pretty = true;
        }
        self.controls.extend(own);
        Ok(sealed.cursor)
    }

    /// Resources on the page; `None` for the total alone.
    fn page_count(&self, call: &Call<'_>) -> Option<u32> {
        let settings = &call.app.settings;
        let count = self.count.unwrap_or(settings.page_count_default).min(settings.page_count_max);
        (count > 0 && !self.shape.count_only).then_some(count)
    }

    /// The query, and what has to be said about the parameters that are no part of it.
    fn parsed(
        &mut self,
        call: &Call<'_>,
        record_type: RecordType,
    ) -> Result<(Parsed, Option<String>), Fault> {
        let root = links::root(call);
        for (name, value) in &mut self.filters {
            local_reference(record_type, name, value, &root, call.route.fhir);
        }
        let Parsed { query, ignored } =
            search::parse(record_type, call.route.fhir, &self.filters, &zone(call))
                .map_err(Fault::Query)?;
        let parsed = Parsed { query: query.with_entities(call.app.entities.values()), ignored };
        let mut names: Vec<String> = parsed
            .ignored
            .iter()
            .filter_map(|at| self.filters.get(*at).map(|(name, _)| told_name(name, *at)))
            .collect();
        names.extend(self.unknown.iter().enumerate().map(|(at, name)| told_name(name, at)));
        if names.is_empty() {
            return Ok((parsed, None));
        }
        if is_strict(call) {
            return Err(Fault::ParametersUnknown { names });
        }
        let text = format!("left out, as not known here or empty: {}", names.join(", "));
        Ok((parsed, Some(text)))
    }

    /// The parameters that were in force, encoded.
    fn params(&self, parsed: &Parsed, count: Option<u32>) -> String {
        let mut params = String::new();
        for (at, (name, value)) in self.filters.iter().enumerate() {
            if !parsed.ignored.contains(&at) {
                query::append(&mut params, name, value);
            }
        }
        for (name, value) in &self.controls {
            query::append(&mut params, name, value);
        }
        if self.count.is_some() {
            // What was served, where more was asked for than is.
            query::append(&mut params, "_count", &count.unwrap_or(0).to_string());
        }
        params
    }
}

fn next_link(
    call: &Call<'_>,
    path: &str,
    record_type: RecordType,
    params: &str,
    count: u32,
    cursor: Cursor,
) -> Result<String, Fault> {
    let (ej, caller, params) = (call.ej(), call.caller(), params.to_owned());
    let sealed = Sealed { record_type, ej, caller, params, count, cursor };
    let link = format!("{path}?_cursor={}", call.app.cursors.seal(&sealed)?);
    // A link that would be refused is worse than none.
    if link.len() > call.app.settings.uri_bytes_max {
        return Err(Fault::parameter(
            "_count",
            "this search is too long to be continued by a link; ask for all of it on one page",
        ));
    }
    Ok(link)
}

/// A reference may be given with a base of ours before it: the group's or an EJ's, whichever this
/// search is on, since ids are the same on all of them.
fn local_reference(
    of: RecordType,
    name: &str,
    value: &mut String,
    root: &str,
    version: FhirVersion,
) {
    let name = name.split(':').next().unwrap_or_default();
    let is_reference =
        search::param(of, version, name).is_some_and(|param| !param.targets.is_empty());
    if !is_reference || !value.contains("://") {
        return;
    }
    let local = |one| without_base(one, root, version).unwrap_or(one);
    *value = value.split(',').map(local).collect::<Vec<_>>().join(",");
}

fn without_base<'u>(url: &'u str, root: &str, version: FhirVersion) -> Option<&'u str> {
    let path = url.strip_prefix(root)?;
    let path = match path.strip_prefix("/ej/") {
        Some(rest) => &rest[rest.find('/')?..],
        None => path,
    };
    path.strip_prefix("/fhir/")?.strip_prefix(version.name())?.strip_prefix('/')
}

/// The clock of dates without an offset: the EJ's, or the first one's that the caller may see.
pub(super) fn zone(call: &Call<'_>) -> TimeZone {
    let reach = call.reach();
    let first = call.app.visible(&reach).next();
    first.map_or(TimeZone::UTC, |entity| entity.zone.clone())
}

/// A parameter's name as it may be repeated. Names are the client's own words; one that is not
/// shaped like a name could be anything, and is told by its place.
pub(crate) fn told_name(name: &str, at: usize) -> String {
    let shaped = name.len() <= 40
        && name.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b':' | b'.'));
    if shaped && !name.is_empty() { name.to_owned() } else { format!("parameter {}", at + 1) }
}

/// By `Prefer: handling=`, where it says either, else by the setting.
pub(crate) fn is_strict(call: &Call<'_>) -> bool {
    let values = call.headers().get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut handlings = values.flat_map(|value| value.split([',', ';'])).filter_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let is = |word: &str| value.eq_ignore_ascii_case(word);
        let said = name.trim().eq_ignore_ascii_case("handling") && (is("strict") || is("lenient"));
        said.then(|| is("strict"))
    });
    handlings.next().unwrap_or(call.app.settings.search_handling == SearchHandling::Strict)
}

pub(crate) fn fault_of(error: SearchError) -> Fault {
    match error {
        SearchError::CursorExpired => Fault::CursorExpired,
        SearchError::CursorForeign => Fault::CursorForeign,
        SearchError::JoinedTooMany { limit } => Fault::SearchJoinsTooMany { limit },
        SearchError::VerifiedTooMany { limit } => Fault::SearchReadsTooMany { limit },
        SearchError::Lost { .. } => Fault::StateLost,
    }
}

/// Whether the parameters name one record, or one patient's: answered at once. Any other search
/// may walk every row, and is kept off the threads that answer others.
pub(crate) fn is_selective(params: &str) -> bool {
    // What a chain finds in other records is looked up whatever else is asked.
    let joins = |parameter: &str| {
        parameter.contains('.')
            || parameter.starts_with("_has")
            || parameter.contains(":above")
            || parameter.contains(":below")
    };
    if params.split('&').filter_map(|pair| pair.split('=').next()).any(joins) {
        return false;
    }
    params.split('&').any(|pair| {
        let name = pair.split(['=', ':']).next().unwrap_or_default();
        matches!(name, "_id" | "identifier" | "patient" | "subject")
            && !pair.contains(":missing")
            && !pair.contains(":not")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_searches_by_identity_are_selective() {
        assert!(is_selective("_count=5&identifier=urn:x|1"));
        assert!(is_selective("patient:Patient=1"));
        for wide in [
            "",
            "name=a",
            "patient:missing=true",
            "_identity=1",
            "identifier:not=1",
            "patient.name=a",
            "subject:Patient.name=a",
            "patient=1&_has:Condition:encounter:code=a",
            "patient=1&location:below=1",
        ] {
            assert!(!is_selective(wide), "{wide}");
        }
    }

    #[test]
    fn a_name_that_could_be_anything_is_told_by_its_place() {
        assert_eq!(told_name("_revinclude", 0), "_revinclude");
        assert_eq!(told_name("1850578000123", 3), "parameter 4");
        assert_eq!(told_name("", 0), "parameter 1");
    }

    #[test]
    fn our_own_base_is_taken_off_references_and_no_other() {
        let root = "http://localhost";
        let mut value = format!(
            "{root}/fhir/R4/Patient/1,{root}/ej/EJ1/fhir/R4/Patient/2,{root}/Patient/3,\
             http://other/fhir/R4/Patient/4"
        );
        local_reference(RecordType::Stay, "patient", &mut value, root, FhirVersion::R4);
        let expected =
            format!("Patient/1,Patient/2,{root}/Patient/3,http://other/fhir/R4/Patient/4");
        assert_eq!(value, expected);
    }
}
