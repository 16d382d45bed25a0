//! `GET [base]/[type]/[id]`.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use axum::http::{Response, StatusCode};
use sluice_mappings::fhir::ResourceType;
use sluice_mappings::records::{RecordType, ResourceId};

use super::shape::Shape;
use super::{conditional, derived, group};
use crate::cache::Rendered;
use crate::call::Call;
use crate::fault::Fault;

pub(crate) fn resource(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let resource_type = call.resource_type()?;
    let shape = Shape::alone(call, Some(resource_type))?;
    let rendered = match resource_type {
        ResourceType::Record(record_type) => {
            // An id that is no UUID is one of nothing: the same answer as for one in another EJ.
            let id = ResourceId::parse(call.id()).ok_or(Fault::NotFound)?;
            rendered(call, record_type, id)?
        }
        ResourceType::EncounterHistory | ResourceType::Provenance => {
            derived::read(call, resource_type)?
        }
        ResourceType::Group => group::read(call)?,
    };

    let last_modified = rendered.last_modified.as_ref();
    let dated = last_modified.filter(|_| rendered.dated);
    let mut response = if conditional::unchanged(call.headers(), &rendered.etag, dated) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        shape.reply(call, resource_type, &rendered)
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, rendered.etag.clone());
    if let Some(last_modified) = last_modified {
        headers.insert(header::LAST_MODIFIED, last_modified.clone());
    }
    Ok(response)
}

/// From the cache, by the version alone; else from the record.
fn rendered(
    call: &Call<'_>,
    record_type: RecordType,
    id: ResourceId,
) -> Result<Arc<Rendered>, Fault> {
    let scope = call.scope();
    let stamp = call.in_store(|| scope.stamp(record_type, id));
    let (_, stamp) = stamp.ok_or_else(|| call.absent())?;
    if stamp.gone {
        return Err(Fault::Gone);
    }
    if let Some(kept) = call.in_render(|| call.kept(id, stamp.version)) {
        return Ok(kept);
    }
    let (ej, record) = call.in_store(|| scope.get(record_type, id)).ok_or_else(|| call.absent())?;
    Ok(call.in_render(|| call.render(ej, &record)))
}
