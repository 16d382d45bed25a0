//! `[base]/$export`, `[base]/Patient/$export`, `[base]/Group/[id]/$export`, by GET and by POST.

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use sluice_mappings::fhir::ResourceType;
use sluice_mappings::records::{RecordType, ResourceId};

use super::asked::{self, Level};
use super::order::Order;
use super::parameters::{self, PARAMETERS_MAX};
use super::{cut, write};
use crate::call::Call;
use crate::fault::Fault;
use crate::fhir::shape::negotiated;
use crate::fhir::{group, links, search};
use crate::query;

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Of everything.
pub(crate) fn of_system(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    kick_off(call, Level::System, None)
}

/// Of all patients: `Patient/$export`.
pub(crate) fn of_type(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    match call.resource_type()? {
        ResourceType::Record(RecordType::Patient) => kick_off(call, Level::Patients, None),
        _ => Err(Fault::OperationNotServed),
    }
}

/// Of the patients of an EJ: `Group/[id]/$export`.
pub(crate) fn of_group(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    if call.resource_type()? != ResourceType::Group {
        return Err(Fault::OperationNotServed);
    }
    let id = ResourceId::parse(call.id()).ok_or(Fault::NotFound)?;
    kick_off(call, Level::Patients, Some(id))
}

fn kick_off(
    call: &Call<'_>,
    level: Level,
    group: Option<ResourceId>,
) -> Result<Response<Body>, Fault> {
    let group = match group {
        Some(id) => Some(group::entity(call, id).ok_or(Fault::NotFound)?),
        None => None,
    };
    if !is_async(call) {
        return Err(Fault::RespondAsync);
    }
    let mut pairs = query::pairs(call.query(), PARAMETERS_MAX)?;
    if let Some(body) = &call.parameters {
        pairs.extend(parameters::pairs(body)?);
    }
    let format = pairs.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    negotiated(call, call.route.fhir, format)?;
    if !call.app.is_whole() {
        return Err(Fault::StateLost);
    }
    let grant = call.grant.as_ref().ok_or(Fault::TokenMissing)?;
    let target = call.parts.uri.path_and_query().map_or("", |target| target.as_str());
    let request = format!("{}{target}", links::root(call));
    let mut order = Order::new(grant.id.to_string(), call.route.fhir, request, cut::now());
    order.ejs = match group {
        Some(entity) => vec![entity.id()],
        None => call.scope().ejs().to_vec(),
    };
    let zone = write::zone(call.app, &order);
    asked::read(&mut order, level, call.route.fhir, &zone, pairs, search::is_strict(call))?;
    let job = call.app.exports.take(order)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    let location = format!("{}/exports/{}", links::root(call), job.id);
    let location = HeaderValue::try_from(location).map_err(|_| Fault::Internal)?;
    response.headers_mut().insert(header::CONTENT_LOCATION, location);
    Ok(response)
}

/// `Prefer: respond-async`, alone or beside other preferences (RFC 7240).
fn is_async(call: &Call<'_>) -> bool {
    let values = call.headers().get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split([',', ';']))
        .any(|preference| preference.trim().eq_ignore_ascii_case("respond-async"))
}
