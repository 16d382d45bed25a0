//! Group: all patients of an EJ, one for each EJ that the caller may see. What a bulk export of one
//! EJ is asked of (`Group/[id]/$export`).

use std::sync::Arc;

use axum::http::HeaderValue;
use sluice_ids::{Micros, Seq};
use sluice_mappings::adt::group_id;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::fhir::{self, GroupRecord, ResourceType};
use sluice_mappings::records::{RecordType, ResourceId};
use sluice_state::EjView;

use super::page::Shown;
use crate::cache::{Rendered, etag};
use crate::call::Call;
use crate::fault::Fault;

/// The one that the path names.
pub(crate) fn read(call: &Call<'_>) -> Result<Arc<Rendered>, Fault> {
    let found = by_id(call, call.id()).ok_or_else(|| call.absent())?;
    Ok(found.rendered)
}

pub(crate) fn all(call: &Call<'_>) -> Vec<Shown> {
    let reach = call.reach();
    call.app.visible(&reach).filter_map(|entity| shown(call, entity)).collect()
}

pub(crate) fn by_id(call: &Call<'_>, id: &str) -> Option<Shown> {
    let entity = entity(call, ResourceId::parse(id)?)?;
    shown(call, &entity)
}

/// That of the EJ whose own Organization it is.
pub(crate) fn managed_by(call: &Call<'_>, organization: ResourceId) -> Option<Shown> {
    let reach = call.reach();
    let entity = call.app.visible(&reach).find(|entity| entity.organization == organization)?;
    shown(call, entity)
}

/// The EJ whose Group has that id.
pub(crate) fn entity(call: &Call<'_>, id: ResourceId) -> Option<Arc<LegalEntity>> {
    let reach = call.reach();
    call.app.visible(&reach).find(|entity| group_id(entity.id()) == id).cloned()
}

fn shown(call: &Call<'_>, entity: &LegalEntity) -> Option<Shown> {
    let view = call.scope().ej(entity.id())?;
    let group = call.in_store(|| record(&view, view.applied()));
    let json = call.in_render(|| fhir::render_group(group, entity, call.route.fhir));
    let etag = etag(group.version, None);
    let rendered = Rendered {
        json: json.into(),
        etag: HeaderValue::try_from(etag).expect("digits and quotes are header characters"),
        last_modified: None,
        dated: false,
    };
    let (of, updated_at) = (ResourceType::Group, Micros::default());
    let id = group_id(entity.id());
    Some(Shown { of, id, local: None, updated_at, rendered: Arc::new(rendered) })
}

/// What is known of the EJ's patients at a pin.
pub(crate) fn record(view: &EjView, pin: Seq) -> GroupRecord {
    let (quantity, version) = view.created_at(RecordType::Patient, pin);
    GroupRecord { quantity, version }
}
