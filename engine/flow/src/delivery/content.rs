//! What a message changed, as it is now: for destinations that are sent records.
//!
//! A record is sent for the message that changed it last, and as it is when it is sent. An earlier
//! message that changed it has nothing to send any more: the later one, which stands behind it in
//! line, satisfies it. So a late retry cannot bring back what has been replaced, and a destination
//! that catches up is sent each record once.

use std::collections::{BTreeSet, HashMap};

use sluice_channels::destinations::{FhirRelease, Resource};
use sluice_ids::EjId;
use sluice_journal::Record as Journaled;
use sluice_mappings::fhir::{FhirVersion, render};
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_state::{Access, EjView};

use super::Deps;
use crate::keys::keys_of;

/// In which order they are sent: what others refer to first.
const ORDER: [RecordType; RecordType::COUNT] = [
    RecordType::Organization,
    RecordType::Location,
    RecordType::Practitioner,
    RecordType::PractitionerRole,
    RecordType::Patient,
    RecordType::RelatedPerson,
    RecordType::Coverage,
    RecordType::Account,
    RecordType::Stay,
    RecordType::Condition,
    RecordType::Procedure,
    RecordType::AllergyIntolerance,
    RecordType::Observation,
];

fn view(deps: &Deps, ej: EjId) -> Option<EjView> {
    deps.state.scope(&Access::to([ej])).ej(ej)
}

/// The records that this message was the last to change, those that it took away included. Reads
/// the state, and the journal where the message was folded before this process began.
pub(super) fn changed_by(
    deps: &Deps,
    ej: EjId,
    message: &Journaled,
) -> Vec<(RecordType, ResourceId)> {
    let Some(view) = view(deps, ej) else { return Vec::new() };
    let seq = message.seq;
    let of = |record: &Record| (record.record_type(), record.id());
    let changed = view.changed_at(&ORDER, message.entry.received_at);
    let mut changed: Vec<_> =
        changed.iter().filter(|record| record.stamp().version == seq).map(of).collect();
    let noted = deps.lane(ej).and_then(|lane| lane.noted.of(seq));
    let gone = match noted {
        Some(note) => note.gone,
        None => gone_before(deps, &view, ej, message),
    };
    let still = |(ty, id): &(RecordType, ResourceId)| {
        view.stamp(*ty, *id).is_some_and(|stamp| stamp.gone && stamp.version == seq)
    };
    changed.extend(gone.into_iter().filter(still));
    changed
}

/// What a message took away that was folded before: its patients' messages are folded again.
fn gone_before(
    deps: &Deps,
    view: &EjView,
    ej: EjId,
    message: &Journaled,
) -> Vec<(RecordType, ResourceId)> {
    let patients = keys_of()(message).patients;
    let Some(entity) = deps.entities.iter().find(|entity| entity.id() == ej) else {
        return Vec::new();
    };
    let past = deps.past();
    let seqs = past.messages(ej, patients, &mut BTreeSet::new());
    let folded: HashMap<_, _> = match seqs.and_then(|seqs| past.fold(entity, view, &seqs)) {
        Ok(folded) => folded,
        Err(_) => {
            // Too many messages, or some are no longer kept.
            metrics::counter!("sluice_delivery_untold_total", "ej" => ej.to_string()).increment(1);
            return Vec::new();
        }
    };
    let gone = folded.into_iter().filter(|(_, versions)| {
        versions.get(&message.seq).is_some_and(|record| record.stamp().gone)
    });
    gone.map(|(key, _)| key).collect()
}

/// Of these records, those that are still as this message left them, rendered.
pub(super) fn rendered(
    deps: &Deps,
    ej: EjId,
    message: &Journaled,
    release: FhirRelease,
) -> Vec<Resource> {
    let (Some(view), Some(entity)) =
        (view(deps, ej), deps.entities.iter().find(|entity| entity.id() == ej))
    else {
        return Vec::new();
    };
    let version = match release {
        FhirRelease::R4 => FhirVersion::R4,
        FhirRelease::R5 => FhirVersion::R5,
    };
    let mut changed = changed_by(deps, ej, message);
    changed.sort_by_key(|(ty, _)| ORDER.iter().position(|of| of == ty));
    let records = changed.into_iter().filter_map(|(ty, id)| view.get(ty, id));
    let resource = |record: Record| {
        let stamp = record.stamp();
        (stamp.version == message.seq).then(|| Resource {
            of_type: record.record_type().fhir(),
            id: record.id().to_string(),
            version: stamp.version,
            json: (!stamp.gone).then(|| render(&record, entity, version).into()),
        })
    };
    records.filter_map(resource).collect()
}
