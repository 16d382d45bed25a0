//! An export as it is written: part by part, piece by piece, one piece in memory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::tz::TimeZone;
use sluice_mappings::fhir::{
    Bundle, FhirVersion, IssueType, OperationOutcome, OutcomeIssue, ResourceType,
};
use sluice_state::{Matching, SearchError};
use tokio_util::sync::CancellationToken;

use super::asked;
use super::cut::{self, Cut};
use super::job::{Done, Failure, Job, Purpose, WrittenFile};
use super::order::Order;
use super::retention;
use super::select::{Overtaken, Part, Piece, Selected, shape_of};
use super::shelf::{self, Shelf};
use crate::app::App;
use crate::role::Reach;

/// Tries, each at a new pin, of an export that the feed overtook.
const TRIES_MAX: u32 = 3;
/// Most bytes of a file that wait for the disk: the journal's syncs wait behind them.
const UNSYNCED_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Why nothing came of a try.
enum Broken {
    /// By its caller, or by a stop: nobody is told.
    Ended,
    Overtaken,
    Failed(Failure),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        tracing::error!(error = %error, "an export could not be written");
        Self::Failed(Failure::Disk)
    }
}

/// Writes the export; `None` where `end` came first.
pub(super) async fn write(
    app: &Arc<App>,
    job: &Arc<Job>,
    end: &CancellationToken,
) -> Option<Result<Done, Failure>> {
    for _ in 0..TRIES_MAX {
        match attempt(app, job, end).await {
            Ok(done) => return Some(Ok(done)),
            Err(Broken::Ended) => return None,
            Err(Broken::Failed(why)) => return Some(Err(why)),
            Err(Broken::Overtaken) => {
                tracing::info!("an export was overtaken by the feed and begins again");
            }
        }
    }
    Some(Err(Failure::Overtaken))
}

async fn attempt(app: &Arc<App>, job: &Arc<Job>, end: &CancellationToken) -> Result<Done, Broken> {
    let cut = Cut::take(app, job, end).await.ok_or(Broken::Ended)?;
    let transaction_time = cut.transaction_time;
    let mut files = {
        let job = Arc::clone(job);
        blocking(move || Files::begin(job)).await??
    };
    let parts = {
        // It may walk whole indexes, as a search may.
        let permit = Arc::clone(&app.searches).acquire_owned().await;
        let (app, job) = (Arc::clone(app), Arc::clone(job));
        blocking(move || {
            let parts = parts(&app, &job.order, &cut);
            drop(permit);
            parts
        })
        .await??
    };
    job.begin(parts.iter().map(|(_, pieces)| pieces.len() as u64).sum());
    for (part, pieces) in parts {
        let part = Arc::new(part);
        for piece in pieces {
            let permit = Arc::clone(&app.builders).acquire_owned().await;
            if end.is_cancelled() {
                return Err(Broken::Ended);
            }
            let (app, part) = (Arc::clone(app), Arc::clone(&part));
            files = blocking(move || {
                let selected = part.select(&app, piece);
                drop(permit);
                let selected = selected.map_err(|Overtaken| Broken::Overtaken)?;
                // Asked after the records were read: those that were lost are left out.
                if !app.is_whole() {
                    return Err(Broken::Failed(Failure::StateLost));
                }
                files.take(&app.exports, &part, &selected)?;
                Ok(files)
            })
            .await??;
            job.part_written();
        }
        files = blocking(move || files.end_of_part().map(|()| files)).await??;
    }
    let ignored = job.order.ignored.clone();
    let shelf = Arc::clone(app);
    let files = blocking(move || files.end(&shelf.exports, &ignored)).await??;
    Ok(Done { transaction_time, finished_at: cut::now(), files })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Broken> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Broken::Failed(Failure::Internal))
}

/// The parts of an order at a cut, and the pieces of each.
fn parts(app: &App, order: &Order, cut: &Cut) -> Result<Vec<(Part, Vec<Piece>)>, Broken> {
    let failed = |_| Broken::Failed(Failure::Internal);
    let fhir = order.fhir().ok_or(Broken::Failed(Failure::Internal))?;
    let mut parts = Vec::new();
    for name in &order.types {
        let of = ResourceType::parse(name, fhir).ok_or(Broken::Failed(Failure::Internal))?;
        let shape = shape_of(order, of).map_err(failed)?;
        let matching = matching(app, order, cut, of, fhir)?;
        for (ej, pin) in &cut.pins {
            let known = (cut.scope.ej(*ej), app.entities.get(ej));
            let (Some(view), Some(entity)) = known else { continue };
            let part = Part {
                of,
                entity: Arc::clone(entity),
                view,
                pin: *pin,
                fhir,
                shape: shape.clone(),
                matching: matching.clone(),
                since: order.since,
            };
            let pieces = part.pieces();
            parts.push((part, pieces));
        }
    }
    Ok(parts)
}

/// What the order's filters of that type find at the cut; `None` without any.
fn matching(
    app: &App,
    order: &Order,
    cut: &Cut,
    of: ResourceType,
    fhir: FhirVersion,
) -> Result<Option<Arc<Matching>>, Broken> {
    let zone = zone(app, order);
    let of_type = order.filters.iter().filter(|filter| filter.of == of.name());
    let queries = of_type.map(|filter| asked::parsed(filter, fhir, &zone));
    let queries =
        queries.map(|query| query.map(|query| query.with_entities(app.entities.values())));
    let queries: Vec<_> =
        queries.collect::<Result<_, _>>().map_err(|_| Broken::Failed(Failure::Internal))?;
    if queries.is_empty() {
        return Ok(None);
    }
    match cut.scope.matching_at(&queries, &cut.pins) {
        Ok(matching) => Ok(Some(Arc::new(matching))),
        Err(SearchError::JoinedTooMany { .. } | SearchError::VerifiedTooMany { .. }) => {
            Err(Broken::Failed(Failure::FilterTooCostly))
        }
        Err(SearchError::Lost { .. }) => Err(Broken::Failed(Failure::StateLost)),
        Err(SearchError::CursorExpired | SearchError::CursorForeign) => Err(Broken::Overtaken),
    }
}

/// The clock of dates without an offset, as a search has it: that of the first EJ in scope.
pub(super) fn zone(app: &App, order: &Order) -> TimeZone {
    let reach = Reach::only(order.ejs.iter().copied());
    let first = app.visible(&reach).next();
    first.map_or(TimeZone::UTC, |entity| entity.zone.clone())
}

/// The files of an export under way.
struct Files {
    job: Arc<Job>,
    written: Vec<WrittenFile>,
    /// Of the part under way, once it has a line.
    output: Option<Growing>,
    /// Of all parts.
    deleted: Option<Growing>,
}

impl Files {
    /// With nothing left of a try before.
    fn begin(job: Arc<Job>) -> Result<Self, Broken> {
        for entry in fs::read_dir(&job.folder)?.flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "ndjson") {
                fs::remove_file(entry.path())?;
            }
        }
        job.bytes.store(0, Ordering::Relaxed);
        Ok(Self { job, written: Vec::new(), output: None, deleted: None })
    }

    fn take(&mut self, shelf: &Shelf, part: &Part, selected: &Selected) -> Result<(), Broken> {
        if selected.lines > 0 {
            let name = format!("{}-{}.ndjson", part.of.name(), part.entity.id());
            let of = || (name, Purpose::Output, part.of.name());
            let file = growing(&self.job, &mut self.output, of)?;
            file.append(shelf, &self.job, &selected.ndjson, selected.lines)?;
        }
        if !selected.gone.is_empty() {
            let mut line = Bundle::deletions(&selected.gone);
            line.push(b'\n');
            let of = || ("deleted.ndjson".to_owned(), Purpose::Deleted, "Bundle");
            let file = growing(&self.job, &mut self.deleted, of)?;
            file.append(shelf, &self.job, &line, 1)?;
        }
        Ok(())
    }

    fn end_of_part(&mut self) -> Result<(), Broken> {
        if let Some(file) = self.output.take() {
            self.written.push(file.end()?);
        }
        Ok(())
    }

    fn end(mut self, shelf: &Shelf, ignored: &[String]) -> Result<Vec<WrittenFile>, Broken> {
        if let Some(file) = self.deleted.take() {
            self.written.push(file.end()?);
        }
        if !ignored.is_empty() {
            let text = format!("left out, as not known here: {}", ignored.join(", "));
            let issue = OutcomeIssue::warning(IssueType::NotSupported, text);
            let mut line = OperationOutcome::new(issue).to_json();
            line.push(b'\n');
            let (name, of) = ("error.ndjson".to_owned(), "OperationOutcome");
            let mut file = Growing::open(&self.job, name, Purpose::Error, of)?;
            file.append(shelf, &self.job, &line, 1)?;
            self.written.push(file.end()?);
        }
        Ok(self.written)
    }
}

fn growing<'f>(
    job: &Job,
    file: &'f mut Option<Growing>,
    of: impl FnOnce() -> (String, Purpose, &'static str),
) -> Result<&'f mut Growing, Broken> {
    if file.is_none() {
        let (name, purpose, of) = of();
        *file = Some(Growing::open(job, name, purpose, of)?);
    }
    Ok(file.as_mut().expect("opened if it was not"))
}

struct Growing {
    file: File,
    told: WrittenFile,
    unsynced: u64,
}

impl Growing {
    fn open(job: &Job, name: String, purpose: Purpose, of: &str) -> Result<Self, Broken> {
        let file = shelf::private().create_new(true).open(job.folder.join(&name))?;
        let told = WrittenFile { name, purpose, of: of.to_owned(), count: 0, bytes: 0 };
        Ok(Self { file, told, unsynced: 0 })
    }

    fn append(&mut self, shelf: &Shelf, job: &Job, lines: &[u8], count: u64) -> Result<(), Broken> {
        let bytes = lines.len() as u64;
        if !shelf.has_space() {
            return Err(Broken::Failed(Failure::NoSpace));
        }
        if !retention::make_room(shelf, bytes) {
            return Err(Broken::Failed(Failure::TooLarge));
        }
        self.file.write_all(lines)?;
        self.told.bytes += bytes;
        self.told.count += count;
        job.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.unsynced += bytes;
        if self.unsynced >= UNSYNCED_BYTES_MAX {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Whole, and on disk.
    fn end(self) -> Result<WrittenFile, Broken> {
        self.file.sync_all()?;
        Ok(self.told)
    }
}
