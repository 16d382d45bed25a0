//! URL parameters → [`Query`].

use jiff::tz::TimeZone;

use super::clause::{StatusCode, Test, TextMode, TextOf, TextValue};
use super::date::DateValue;
use super::elements::{Element, element};
use super::params::params;
use super::referring::targets;
use super::sites::Sites;
use super::values::{Target, Token, reference, split, unescape};
use super::{Clause, Param, Query, QueryError, Reason, sort, text};
use crate::fhir::FhirVersion;
use crate::fhir::codes::administrative_sex::Gender;
use crate::fhir::codes::{stay_status, systems};
use crate::records::{RecordType, ResourceId, StayStatus};

/// Most parameters of one query.
pub const CLAUSES_MAX: usize = 64;
/// Most values of one parameter: a page of ids fits.
pub const VALUES_MAX: usize = 500;
/// Most bytes of one value.
pub const VALUE_BYTES_MAX: usize = 1_024;

/// A query, and what was not understood of it.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub query: Query,
    /// Places in `pairs` of the parameters that are unknown, or known and without any value. The
    /// caller decides between refusing and warning; it may never hide them.
    pub ignored: Vec<usize>,
}

/// Parses the decoded URL parameters of a search. Those that do not filter or sort (`_count`, a
/// cursor…) are the caller's: it takes them out before, or finds them in [`Parsed::ignored`].
///
/// A repeated parameter is an AND, a comma an OR. `zone` is the clock of dates without an offset.
///
/// # Errors
/// The first parameter whose modifier or value is wrong.
pub fn parse(
    record_type: RecordType,
    version: FhirVersion,
    pairs: &[(String, String)],
    zone: &TimeZone,
) -> Result<Parsed, QueryError> {
    let mut clauses = Vec::new();
    let mut sort = Vec::new();
    let mut ignored = Vec::new();
    let mut kept = Vec::new();
    for (at, (name, value)) in pairs.iter().enumerate() {
        if value.is_empty() {
            ignored.push(at);
            continue;
        }
        if name == "_sort" {
            let failed = |reason| QueryError { param: "_sort", reason };
            if !sort.is_empty() {
                return Err(failed(Reason::SortUnsupported));
            }
            sort = sort::parse(record_type, value).map_err(failed)?;
            kept.push((name, value));
            continue;
        }
        let (base, modifier) = name.split_once(':').unwrap_or((name, ""));
        let Some((param, _)) = params(record_type).iter().find(|(p, _)| *p == base) else {
            ignored.push(at);
            continue;
        };
        let failed = |reason| QueryError { param, reason };
        if clauses.len() == CLAUSES_MAX {
            let clauses = pairs.len();
            return Err(failed(Reason::TooManyClauses { clauses, limit: CLAUSES_MAX }));
        }
        let test = test((record_type, version), param, modifier, value, zone).map_err(failed)?;
        clauses.push(Clause { param, test });
        kept.push((name, value));
    }
    let hash = hash(record_type, version, kept, zone);
    Ok(Parsed { query: Query { record_type, clauses, sort, hash }, ignored })
}

fn test(
    (record_type, version): (RecordType, FhirVersion),
    param: &'static str,
    modifier: &str,
    raw: &str,
    zone: &TimeZone,
) -> Result<Test, Reason> {
    let values = split(raw, ',');
    if values.len() > VALUES_MAX {
        return Err(Reason::TooManyValues { values: values.len(), limit: VALUES_MAX });
    }
    for value in &values {
        let bytes = value.len();
        if value.trim().is_empty() {
            return Err(Reason::ValueEmpty);
        }
        if bytes > VALUE_BYTES_MAX {
            return Err(Reason::ValueTooLong { bytes, limit: VALUE_BYTES_MAX });
        }
    }
    if modifier == "missing" {
        return missing((record_type, version), param, raw);
    }
    let targets = targets(record_type, param);
    if let Some(element) = element(record_type, param) {
        return of_element(element, version, modifier, &values, targets);
    }
    let test = match param {
        "family" => return text_test(TextOf::Family, modifier, &values),
        "given" => return text_test(TextOf::Given, modifier, &values),
        "name" => return text_test(name_of(record_type), modifier, &values),
        "patient" | "subject" | "beneficiary" => {
            return Ok(Test::Patient(referred(modifier, &values, targets)?));
        }
        "location" => return Ok(Test::Location(referred(modifier, &values, targets)?)),
        "_id" if modifier.is_empty() => Test::Id(references(&values, &[])?),
        "birthdate" if modifier.is_empty() => Test::BirthDate(dates(&values, zone)?),
        "_lastUpdated" if modifier.is_empty() => Test::LastUpdated(dates(&values, zone)?),
        "date" | "onset-date" if modifier.is_empty() => {
            Test::Period { values: dates(&values, zone)?, zone: zone.clone() }
        }
        "identifier" => Test::Identifier(tokens(&values)?),
        "gender" => Test::Gender(codes(&values, systems::ADMINISTRATIVE_GENDER, |code| {
            Gender::from_code(code).map(Some)
        })?),
        "active" => Test::Active(booleans(&values)?),
        "status" => {
            Test::Status(codes(&values, systems::ENCOUNTER_STATUS, |code| status(code, version))?)
        }
        "class" => Test::Class(tokens(&values)?),
        _ => return Err(Reason::ModifierUnsupported),
    };
    match modifier {
        "" => Ok(test),
        "not" => Ok(Test::Not(Box::new(test))),
        _ => Err(Reason::ModifierUnsupported),
    }
}

const fn name_of(record_type: RecordType) -> TextOf {
    match record_type {
        RecordType::Location | RecordType::Organization => TextOf::Name,
        _ => TextOf::PersonName,
    }
}

/// A coded element, or one that refers to another record.
fn of_element(
    element: Element,
    version: FhirVersion,
    modifier: &str,
    values: &[&str],
    targets: &[RecordType],
) -> Result<Test, Reason> {
    match (element, modifier) {
        (Element::Token(of), "" | "not") => {
            let tokens = tokens(values)?;
            let test = Test::Coded { of, version, tokens, sites: Sites::default() };
            Ok(if modifier.is_empty() { test } else { Test::Not(Box::new(test)) })
        }
        (Element::Reference(of), modifier) => {
            Ok(Test::Refers { of, version, ids: referred(modifier, values, targets)? })
        }
        (Element::Token(_), _) => Err(Reason::ModifierUnsupported),
    }
}

fn missing(
    (record_type, version): (RecordType, FhirVersion),
    param: &str,
    raw: &str,
) -> Result<Test, Reason> {
    let missing = match raw {
        "true" => true,
        "false" => false,
        _ => return Err(Reason::BooleanMalformed),
    };
    if let Some(element) = element(record_type, param) {
        return Ok(Test::Lacks { element, version, missing });
    }
    let params: &[Param] = match param {
        "identifier" => &[Param::Identifier],
        "family" => TextOf::Family.params(),
        "given" => TextOf::Given.params(),
        "name" => name_of(record_type).params(),
        "birthdate" => &[Param::BirthDate],
        "gender" => &[Param::Gender],
        "active" => &[Param::Active],
        "patient" | "subject" | "beneficiary" => &[Param::Patient],
        "status" => &[Param::Status],
        "class" => &[Param::Class],
        "date" | "onset-date" => &[Param::PeriodStart],
        "location" => &[Param::Location],
        _ => return Err(Reason::ModifierUnsupported),
    };
    Ok(Test::Missing { params, missing })
}

fn text_test(of: TextOf, modifier: &str, values: &[&str]) -> Result<Test, Reason> {
    let mode = match modifier {
        "" => TextMode::StartsWith,
        "exact" => TextMode::Exact,
        "contains" => TextMode::Contains,
        _ => return Err(Reason::ModifierUnsupported),
    };
    let mut read = Vec::with_capacity(values.len());
    for value in values {
        let raw = unescape(value).trim().to_owned();
        let folded = text::normalise(&raw);
        if folded.is_empty() && mode != TextMode::Exact {
            // It would match everything.
            return Err(Reason::TextWithoutLetters);
        }
        read.push(TextValue { raw, folded });
    }
    Ok(Test::Text { of, mode, values: read })
}

/// References of a parameter whose modifier, if there is one, is one of its targets' types.
fn referred(
    modifier: &str,
    values: &[&str],
    targets: &[RecordType],
) -> Result<Vec<ResourceId>, Reason> {
    if modifier.is_empty() {
        return references(values, targets);
    }
    let of = targets.iter().find(|target| target.fhir() == modifier);
    references(values, of.map(std::slice::from_ref).ok_or(Reason::ModifierUnsupported)?)
}

fn references(values: &[&str], types: &[RecordType]) -> Result<Vec<ResourceId>, Reason> {
    let mut ids = Vec::with_capacity(values.len());
    for value in values {
        match reference(value, types).ok_or(Reason::ReferenceMalformed)? {
            Target::Id(id) => ids.push(id),
            Target::Foreign => {}
        }
    }
    Ok(ids)
}

fn dates(values: &[&str], zone: &TimeZone) -> Result<Vec<DateValue>, Reason> {
    values.iter().map(|v| DateValue::parse(v, zone).ok_or(Reason::DateMalformed)).collect()
}

fn tokens(values: &[&str]) -> Result<Vec<Token>, Reason> {
    values.iter().map(|v| Token::parse(v).ok_or(Reason::TokenMalformed)).collect()
}

/// Tokens of an element that is bound to one value set. `read` gives `None` for a code outside
/// it, and `Some(None)` for one that no record has. A token of another system finds nothing.
fn codes<T: Copy + PartialEq>(
    values: &[&str],
    system: &str,
    read: impl Fn(&str) -> Option<Option<T>>,
) -> Result<Vec<T>, Reason> {
    let mut found = Vec::new();
    for token in tokens(values)? {
        let Some(code) = &token.code else { return Err(Reason::TokenMalformed) };
        if token.system.as_deref().is_some_and(|s| s != system) {
            continue;
        }
        found.extend(read(code).ok_or(Reason::CodeUnknown)?);
    }
    Ok(found)
}

#[expect(clippy::option_option, reason = "an unknown code differs from one that is never said")]
fn status(code: &str, version: FhirVersion) -> Option<Option<StatusCode>> {
    let (never_said, all): (&[&str], _) = match version {
        FhirVersion::R4 => (&stay_status::R4_NEVER_SAID, [true, true]),
        FhirVersion::R5 => (&stay_status::R5_NEVER_SAID, [true, false]),
    };
    if never_said.contains(&code) {
        return Some(None);
    }
    stay_status::ALL.into_iter().find_map(|status| {
        let said = all.into_iter().map(|discharged| match version {
            FhirVersion::R4 => stay_status::r4(status),
            FhirVersion::R5 => stay_status::r5(status, discharged),
        });
        let said = said.into_iter().find(|said| *said == code)?;
        let told_apart = version == FhirVersion::R5 && status == StayStatus::Finished;
        Some(Some(StatusCode { status, ended: told_apart.then_some(said) }))
    })
}

fn booleans(values: &[&str]) -> Result<Vec<bool>, Reason> {
    let read = |token: Token| match token.code.as_deref() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(Reason::BooleanMalformed),
    };
    tokens(values)?.into_iter().map(read).collect()
}

/// The first half of a UUIDv5 (SHA-1): results are kept under it, so that two queries with one
/// hash must not be easy to make.
fn hash(
    record_type: RecordType,
    version: FhirVersion,
    mut kept: Vec<(&String, &String)>,
    zone: &TimeZone,
) -> u64 {
    kept.sort();
    let zone = zone.iana_name().unwrap_or_default();
    let mut text = format!("{}\0{}\0{zone}", record_type.fhir(), version.name());
    for (name, value) in kept {
        // Lengths, so that no value can pose as a name.
        text.push_str(&format!("\0{}\0{name}{}\0{value}", name.len(), value.len()));
    }
    let digest = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, text.as_bytes());
    digest.as_u64_pair().0
}
