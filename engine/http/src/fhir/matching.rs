//! `POST [base]/Patient/$match` (FHIR; PDQm ITI-119): who a person is, among the patients of the EJs
//! that the caller may see.
//!
//! Candidates are what a few searches find, which the index answers: by number, by date of birth, by
//! names. Each is weighed (`sluice_mappings::matching`); what was merged into another or entered in
//! error is nobody's match, since its numbers find who it was merged into.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use serde_json::Value;
use sluice_ids::EjId;
use sluice_mappings::fhir::{
    Bundle, BundleType, Entry, FhirVersion, IssueType, Link, MatchGrade, OUTCOME_URL,
    OperationOutcome, OutcomeIssue, ResourceType, Score, SearchMode,
};
use sluice_mappings::matching::{self, Person};
use sluice_mappings::records::{PatientRecord, Record, RecordType, ResourceId};
use sluice_mappings::search;
use sluice_state::PageRequest;

use super::search::zone;
use super::shape::Shape;
use super::{links, reply};
use crate::call::Call;
use crate::fault::Fault;
use crate::json;

/// Of one search, the candidates that are looked at.
const CANDIDATES_MAX: u32 = 200;

const PATIENT: ResourceType = ResourceType::Record(RecordType::Patient);

struct Asked {
    person: Person,
    only_certain: bool,
    only_single: bool,
    count: usize,
}

pub(crate) fn patients(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let shape = Shape::alone(call, Some(PATIENT))?;
    let asked = Asked::read(call)?;
    if !asked.person.is_enough() {
        return Err(Fault::TooLittle);
    }
    let (mut found, cut) = matches(call, &asked.person)?;
    found.retain(|one| !asked.only_certain || one.score.grade == MatchGrade::Certain);
    let total = found.len() as u64;
    found.truncate(if asked.only_single { 1 } else { asked.count });

    let base = links::base(call);
    let body = call.in_render(|| {
        let shown: Vec<_> = found
            .iter()
            .map(|one| {
                let record = Record::Patient(one.patient.clone());
                let rendered = call.rendered(one.ej, &record);
                let resource = shape.cut(PATIENT, &rendered.json).into_owned();
                (format!("{base}/Patient/{}", one.patient.id), resource, one.score)
            })
            .collect();
        let entries = shown.iter().map(|(url, resource, score)| Entry {
            full_url: Some(url),
            resource,
            mode: Some(SearchMode::Match),
            score: Some(*score),
            ..Entry::default()
        });
        let outcome = cut.then(|| {
            let text = format!(
                "a part of what is said fits more than {CANDIDATES_MAX} patients, of whom so many \
                 were looked at: say more"
            );
            OperationOutcome::new(OutcomeIssue::warning(IssueType::TooCostly, text)).to_json()
        });
        let outcome = outcome.as_deref().map(|resource| Entry {
            full_url: Some(OUTCOME_URL),
            resource,
            mode: Some(SearchMode::Outcome),
            ..Entry::default()
        });
        let link = vec![Link { relation: "self", url: format!("{base}/Patient/$match") }];
        let bundle = Bundle { total: Some(total), link, ..Bundle::new(BundleType::Searchset) };
        let page = bundle.write(entries.chain(outcome));
        if shape.pretty { json::pretty(&page) } else { page }
    });
    Ok(reply::fhir_json(call, body.into()))
}

impl Asked {
    /// A Parameters resource, or the Patient alone (ITI-119).
    fn read(call: &Call<'_>) -> Result<Self, Fault> {
        let no_patient = Fault::BodyNot { what: "Parameters resource with a Patient in it" };
        let body = call.parameters.as_deref().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).map_err(|_| no_patient.clone())?;
        let settings = &call.app.settings;
        let mut count = settings.page_count_default;
        let (mut only_certain, mut only_single) = (false, false);
        let mut person = Person::asked(&body);
        if body["resourceType"] == "Parameters" {
            for parameter in body["parameter"].as_array().into_iter().flatten() {
                let flag = |name| {
                    let told = parameter["valueBoolean"].as_bool();
                    told.ok_or_else(|| Fault::parameter(name, "is no valueBoolean"))
                };
                match parameter["name"].as_str().unwrap_or_default() {
                    "resource" => person = Person::asked(&parameter["resource"]),
                    "onlyCertainMatches" => only_certain = flag("onlyCertainMatches")?,
                    // R5.
                    "onlySingleMatch" => only_single = flag("onlySingleMatch")?,
                    "count" => {
                        let told = parameter["valueInteger"].as_u64().filter(|count| *count > 0);
                        let told = told.ok_or_else(|| {
                            Fault::parameter("count", "is no valueInteger of 1 or more")
                        })?;
                        count = u32::try_from(told).unwrap_or(u32::MAX);
                    }
                    _ => {}
                }
            }
        }
        let person = person.ok_or(no_patient)?;
        let count = count.min(settings.page_count_max) as usize;
        Ok(Self { person, only_certain, only_single, count })
    }
}

/// A patient who may be the person.
pub(super) struct Match {
    pub(super) ej: EjId,
    pub(super) patient: Arc<PatientRecord>,
    pub(super) score: Score,
}

/// Those who may be the person, the likeliest first; and whether not all that could be were looked
/// at.
pub(super) fn matches(call: &Call<'_>, person: &Person) -> Result<(Vec<Match>, bool), Fault> {
    let mut seen: BTreeSet<ResourceId> = BTreeSet::new();
    let (mut found, mut cut) = (Vec::new(), false);
    for pairs in matching::candidates(person) {
        let (records, more) = search_patients(call, &pairs, CANDIDATES_MAX)?;
        cut |= more;
        for (ej, patient) in records {
            if !seen.insert(patient.id) {
                continue;
            }
            if let Some(score) = matching::score(person, &Person::known(&patient)) {
                found.push(Match { ej, patient, score });
            }
        }
    }
    found.sort_by(|one, other| {
        let order = |m: &Match| (m.score.grade, m.score.hundredths);
        order(other).cmp(&order(one)).then(one.patient.id.cmp(&other.patient.id))
    });
    Ok((found, cut))
}

/// A patient, and of which EJ.
type Known = (EjId, Arc<PatientRecord>);

/// Patients whom a search finds and who stand for somebody; and whether there are more.
pub(super) fn search_patients(
    call: &Call<'_>,
    pairs: &[(String, String)],
    count: u32,
) -> Result<(Vec<Known>, bool), Fault> {
    // What a person is known by is the same in every version.
    let parsed = search::parse(RecordType::Patient, FhirVersion::R4, pairs, &zone(call));
    // A name without a letter or a date of the 13th month finds nobody.
    let Ok(parsed) = parsed else { return Ok((Vec::new(), false)) };
    if parsed.query.clauses.len() < pairs.len() {
        return Ok((Vec::new(), false));
    }
    let request = PageRequest { count, after: None };
    let page = call.search(&parsed.query, &request)?;
    let stands = |(ej, record): (EjId, Record)| match record {
        Record::Patient(patient) if patient.replaced_by().is_none() && !patient.void => {
            Some((ej, patient))
        }
        _ => None,
    };
    let more = page.total > u64::from(count);
    Ok((page.records.into_iter().filter_map(stands).collect(), more))
}
