//! Group: all patients of an EJ, one for each EJ that the caller may see. What a bulk export of one
//! EJ is asked of (`Group/[id]/$export`).

use std::sync::Arc;

use sluice_ids::Seq;
use sluice_mappings::adt::group_id;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::fhir::{self, GroupRecord, ResourceType};
use sluice_mappings::records::{Record, RecordType, ResourceId, Stamp};
use sluice_state::EjView;

use super::page::Shown;
use crate::app::App;
use crate::cache::Rendered;
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
    let group = call.in_store(|| record(call.app, &view, view.applied()));
    let json = call.in_render(|| fhir::render_group(group, entity, call.route.fhir));
    let updated_at = group.updated_at.unwrap_or_default();
    let stamp = Stamp { version: group.version, updated_at, ..Stamp::default() };
    let mut rendered = Rendered::of(json, &stamp, None);
    if group.updated_at.is_none() {
        (rendered.last_modified, rendered.dated) = (None, false);
    }
    let (of, id) = (ResourceType::Group, group_id(entity.id()));
    Some(Shown { of, id, local: None, updated_at, rendered: Arc::new(rendered) })
}

/// What is known of the EJ's patients at a pin. Where the newest of them has changed since it came,
/// when it came is told by the journal.
pub(crate) fn record(app: &App, view: &EjView, pin: Seq) -> GroupRecord {
    let (quantity, newest) = view.created_at(RecordType::Patient, pin);
    let Some(newest) = newest else {
        return GroupRecord { quantity, version: Seq::ZERO, updated_at: None };
    };
    let made = |record: &Record| record.stamp().version == record.stamp().created;
    let first = if made(&newest) {
        Some(newest.stamp().updated_at)
    } else {
        let versions = app.past.versions(view.id(), RecordType::Patient, newest.id());
        let first = versions.ok().and_then(|versions| versions.into_iter().next());
        first.filter(made).map(|record| record.stamp().updated_at)
    };
    GroupRecord { quantity, version: newest.stamp().created, updated_at: first }
}
