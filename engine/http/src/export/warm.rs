//! Exports that are hot before anyone asks: read to their end, a chunk at a time, and sent to
//! nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sluice_ids::EjId;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::RecordType;
use tokio_util::sync::CancellationToken;

use super::chunk::Packing;
use super::pieces::{Broken, Pieces};
use super::source::{InBundle, Keeping, Source};
use crate::app::App;
use crate::fhir::links;
use crate::role::Reach;

/// Between two looks at whether an EJ is folded.
const FOLDED_EVERY: Duration = Duration::from_millis(250);

/// One at a time, and one more that waits: what changed behind the first is seen by the second.
#[derive(Default)]
pub(crate) struct Warming {
    wanted: AtomicUsize,
    turn: tokio::sync::Mutex<()>,
}

impl Warming {
    pub(crate) fn is_on(&self) -> bool {
        self.wanted.load(Ordering::Acquire) > 0
    }
}

/// Warms each EJ once what was journaled before the start is applied.
pub(crate) async fn after_start(app: Arc<App>, stop: CancellationToken) {
    let mut waiting: Vec<EjId> = app.entities.keys().copied().collect();
    while !waiting.is_empty() {
        let folding = app.vitals.folding();
        let (later, now) = waiting.into_iter().partition(|ej| folding.contains(ej));
        waiting = later;
        warm(&app, now, &stop).await;
        if !waiting.is_empty() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(FOLDED_EVERY) => {}
            }
        }
    }
}

/// Builds the exports of those EJs that are not kept: NDJSON as gzip, and so too the Bundles for
/// the bases that are known. Ends early when there is no room for more, or another waits already.
pub(crate) async fn warm(app: &Arc<App>, ejs: Vec<EjId>, stop: &CancellationToken) {
    let wanted = &app.warming.wanted;
    let one_more = |wanted| (wanted < 2).then_some(wanted + 1);
    if !app.settings.cache.enabled
        || wanted.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_err()
    {
        return;
    }
    let turn = app.warming.turn.lock().await;
    let versions = || app.settings.cache.warmed();
    let exports = ejs.iter().flat_map(|ej| versions().map(|fhir| (*ej, fhir)));
    for (ej, fhir) in exports {
        for exported in super::EXPORTS {
            if stop.is_cancelled() || read_through(app, ej, fhir, exported).await.is_err() {
                break;
            }
        }
    }
    drop(turn);
    wanted.fetch_sub(1, Ordering::AcqRel);
}

async fn read_through(
    app: &Arc<App>,
    ej: EjId,
    fhir: FhirVersion,
    exported: &[RecordType],
) -> Result<(), Broken> {
    let scope = app.scope(&Reach::only([ej])).into_owned();
    let (Some(view), Some(entity)) = (scope.ej(ej), app.entities.get(&ej)) else { return Ok(()) };
    let bases = app.bases.all().into_iter().map(|(id, root)| {
        let base = links::base_under(&root, ej, fhir).into();
        Some(InBundle { base, id: Some(id), first: true })
    });
    for bundle in std::iter::once(None).chain(bases) {
        let sources = exported.iter().map(|record_type| Source {
            view: view.clone(),
            entity: Arc::clone(entity),
            record_type: *record_type,
            fhir,
            keeping: Keeping::Warming,
            since: None,
        });
        let sources = sources.collect();
        let evictions = app.chunks.evictions();
        let mut pieces = Pieces::new(Arc::clone(app), sources, Some(Packing::Gzip), bundle);
        while pieces.piece().await?.is_some() {
            if app.chunks.evictions() > evictions {
                return Ok(());
            }
        }
    }
    Ok(())
}
