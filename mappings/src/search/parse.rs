//! URL parameters → [`Query`].

use jiff::tz::TimeZone;

use super::asked::Place;
use super::{Query, QueryError, Reason, chained, sort};
use crate::fhir::FhirVersion;
use crate::named::uuid_v5;
use crate::records::RecordType;

/// Most parameters of one query.
pub const CLAUSES_MAX: usize = 64;
/// Most values of one parameter: a page of ids fits.
pub const VALUES_MAX: usize = 500;
/// Most bytes of one value.
pub const VALUE_BYTES_MAX: usize = 1_024;

/// Most links of a chain, in either direction.
pub const CHAIN_LINKS_MAX: usize = 5;

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
            sort = sort::parse(record_type, version, value).map_err(failed)?;
            kept.push((name, value));
            continue;
        }
        let place = Place { record_type, version, zone };
        let Some(clause) = chained::clause(place, name, value, 0)? else {
            ignored.push(at);
            continue;
        };
        if clauses.len() == CLAUSES_MAX {
            let reason = Reason::TooManyClauses { clauses: pairs.len(), limit: CLAUSES_MAX };
            return Err(QueryError { param: clause.param, reason });
        }
        clauses.push(clause);
        kept.push((name, value));
    }
    let hash = hash(record_type, version, kept, zone);
    Ok(Parsed { query: Query { record_type, clauses, sort, hash }, ignored })
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
    let digest = uuid_v5(&uuid::Uuid::NAMESPACE_URL, text.as_bytes());
    digest.as_u64_pair().0
}
