//! A parameter's name: plain (`family:exact`), chained (`patient.family`, `subject:Patient.name`)
//! or reverse-chained (`_has:Observation:patient:code`), each part of which may be one again.

use super::asked::{self, Place, via};
use super::clause::{Clause, Test};
use super::joined::{Join, Referred, Via};
use super::params::{Parameter, param};
use super::{CHAIN_LINKS_MAX, Query, QueryError, Reason};
use crate::records::RecordType;

/// The clause that a parameter comes to; `None` where one of its names is not known.
///
/// # Errors
/// When its modifier or value is wrong.
pub(super) fn clause(
    place: Place<'_>,
    name: &str,
    value: &str,
    links: usize,
) -> Result<Option<Clause>, QueryError> {
    if let Some(path) = name.strip_prefix("_has:") {
        return reverse(place, path, value, links);
    }
    // A modifier holds no point: what stands before one is what refers.
    if let Some((from, rest)) = name.split_once('.') {
        return chain(place, from, rest, value, links);
    }
    let (base, modifier) = name.split_once(':').unwrap_or((name, ""));
    let Some(parameter) = param(place.record_type, place.version, base) else { return Ok(None) };
    let test = asked::test(place, parameter, modifier, value);
    let test = test.map_err(|reason| QueryError { param: parameter.name, reason })?;
    Ok(Some(Clause::new(parameter.name, test)))
}

fn chain(
    place: Place<'_>,
    from: &str,
    rest: &str,
    value: &str,
    links: usize,
) -> Result<Option<Clause>, QueryError> {
    let (base, of_type) = from.split_once(':').unwrap_or((from, ""));
    let Some(parameter) = param(place.record_type, place.version, base) else { return Ok(None) };
    check_links(parameter, links)?;
    let Some(via) = via(parameter.of, place.version) else {
        return Err(QueryError { param: parameter.name, reason: Reason::ChainFromNoReference });
    };
    let mut queries = Vec::new();
    for target in parameter.targets {
        if !of_type.is_empty() && target.fhir() != of_type {
            continue;
        }
        let place = Place { record_type: *target, ..place };
        if let Some(clause) = clause(place, rest, value, links + 1)? {
            queries.push(Query::of(*target, vec![clause]));
        }
    }
    // None of the targets has such a parameter.
    if queries.is_empty() {
        return Ok(None);
    }
    let test = Test::Joined { join: Join::Found(queries), via };
    Ok(Some(Clause::new(parameter.name, test)))
}

fn reverse(
    place: Place<'_>,
    path: &str,
    value: &str,
    links: usize,
) -> Result<Option<Clause>, QueryError> {
    let mut parts = path.splitn(3, ':');
    let (Some(source), Some(reference), Some(rest)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(QueryError { param: "_has", reason: Reason::HasMalformed });
    };
    let source = RecordType::ALL.into_iter().find(|of_type| of_type.fhir() == source);
    let Some(source) = source else { return Ok(None) };
    let Some(parameter) = param(source, place.version, reference) else { return Ok(None) };
    check_links(parameter, links)?;
    let via = via(parameter.of, place.version);
    let Some(via) = via.filter(|_| parameter.targets.contains(&place.record_type)) else {
        return Err(QueryError { param: "_has", reason: Reason::HasNoReference });
    };
    let of_source = Place { record_type: source, ..place };
    let Some(clause) = clause(of_source, rest, value, links + 1)? else { return Ok(None) };
    let query = Box::new(Query::of(source, vec![clause]));
    let join = Join::ReferredTo(query, Referred(via));
    Ok(Some(Clause::new("_has", Test::Joined { join, via: Via::Itself })))
}

const fn check_links(parameter: &Parameter, links: usize) -> Result<(), QueryError> {
    if links < CHAIN_LINKS_MAX {
        return Ok(());
    }
    let reason = Reason::ChainTooLong { limit: CHAIN_LINKS_MAX };
    Err(QueryError { param: parameter.name, reason })
}
