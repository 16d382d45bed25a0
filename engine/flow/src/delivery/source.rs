//! Reading what a destination is to be sent: the EJ's journal from its cursor on, as far as it is
//! folded, what is its channel's, after the steps in force at each place.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sluice_channels::ack::Verdict;
use sluice_channels::destinations::Body;
use sluice_channels::steps::Passed;
use sluice_ids::{ChannelId, EjId, Micros, Seq};
use sluice_journal::{KeyIndex, Kind, ReadError, Reader, Record};
use sluice_mappings::hl7::{MshRaw, charset};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::Deps;
use super::content::changed_by;
use super::line::InLine;
use crate::epoch::Epoch;
use crate::keys::{control_id_hash, keys_of};
use crate::operator::{Act, Deed, message_of};

/// Read at once, at most: records, and bytes of messages.
const BATCH_RECORDS_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Between two tries to read what cannot be read.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a source sleeps at the end of what is folded before it looks whether it is still wanted.
const END_WAIT: Duration = Duration::from_secs(5);

/// Why a source stands still where reading panicked.
const PANICKED: &str = "reading it panicked; the log says why";

/// Where a message that names no patient stands in line: those follow each other.
const NOBODY: u64 = 0;

/// One message of the channel.
pub(super) struct Item {
    pub seq: Seq,
    pub received_at: Micros,
    /// Set aside before, and tried again.
    pub is_letter: bool,
    pub keys: Vec<u64>,
    /// The patients' alone.
    pub patients: Vec<u64>,
    /// The message; `None`: what it changed is looked up when it is sent.
    pub body: Option<Body>,
}

impl InLine for Item {
    fn seq(&self) -> Seq {
        self.seq
    }

    fn keys(&self) -> &[u64] {
        &self.keys
    }
}

/// What was read of the journal.
pub(super) enum Batch {
    Read {
        items: Vec<Item>,
        to: Seq,
    },
    /// Retention let go what was still to be read; the source goes on after it.
    Lost {
        from: Seq,
        to: Seq,
    },
    /// Cannot go on for now.
    Stuck(&'static str),
}

/// One destination's way of reading.
#[derive(Clone)]
pub(super) struct Source {
    pub deps: Arc<Deps>,
    pub ej: EjId,
    pub channel: ChannelId,
    pub fhir: bool,
}

struct Place {
    reader: Box<dyn Reader>,
    epoch: Epoch,
    next: Seq,
    /// Read, and not folded yet.
    ahead: Option<Record>,
}

impl Source {
    /// Gives all from `from` on, a batch at a time and the next only when there is room, until
    /// nobody takes them any more.
    pub async fn run(self, from: Seq, batches: mpsc::Sender<Batch>) {
        let mut from = from;
        // What could not be read is read at once when it can be, new or not: so it is told.
        let mut stuck = false;
        loop {
            let (source, at) = (self.clone(), from);
            let opened = spawn_blocking(move || source.open(at)).await;
            let mut place = match opened {
                Ok(Ok(place)) => place,
                failed => {
                    let why = if let Ok(Err(error)) = failed { reason(&error) } else { PANICKED };
                    stuck = true;
                    if batches.send(Batch::Stuck(why)).await.is_err() {
                        return;
                    }
                    sleep(AGAIN).await;
                    continue;
                }
            };
            loop {
                let Some(lane) = self.deps.lane(self.ej) else { return };
                if !stuck && !lane.progress.reached(place.next, END_WAIT).await {
                    if batches.is_closed() {
                        return;
                    }
                    continue;
                }
                let source = self.clone();
                let read = spawn_blocking(move || {
                    let batch = source.batch(&mut place);
                    (place, batch)
                });
                let batch = match read.await {
                    Ok((back, Ok(batch))) => {
                        (from, stuck) = (back.next, false);
                        place = back;
                        if batches.send(batch).await.is_err() {
                            return;
                        }
                        continue;
                    }
                    Ok((back, Err(ReadError::Released { oldest, .. }))) => {
                        from = oldest;
                        Batch::Lost { from: back.next, to: oldest }
                    }
                    Ok((_, Err(error))) => Batch::Stuck(reason(&error)),
                    // A panic in here is ours; the place is doubtful, and read anew.
                    Err(_) => Batch::Stuck(PANICKED),
                };
                stuck |= matches!(batch, Batch::Stuck(_));
                if batches.send(batch).await.is_err() {
                    return;
                }
                sleep(AGAIN).await;
                break;
            }
        }
    }

    fn open(&self, from: Seq) -> Result<Place, ReadError> {
        let epoch = self.epoch_at(from)?;
        let reader = self.deps.journal.read(self.ej, from);
        Ok(Place { reader, epoch, next: from, ahead: None })
    }

    /// In force there. One that this version cannot read stops the lane, and nothing after it is
    /// folded.
    fn epoch_at(&self, at: Seq) -> Result<Epoch, ReadError> {
        let found = Epoch::at(&*self.deps.journal, self.ej, at)?;
        Ok(found.ok().flatten().unwrap_or_else(|| Epoch::bare(self.deps.entity(self.ej))))
    }

    /// What is folded and was not read. Blocking.
    fn batch(&self, place: &mut Place) -> Result<Batch, ReadError> {
        let applied = self.deps.applied(self.ej);
        let mut items = Vec::new();
        let mut bytes = 0;
        let mut to = Seq::new(place.next.get().saturating_sub(1));
        for _ in 0..BATCH_RECORDS_MAX {
            let record = match place.ahead.take() {
                Some(record) => record,
                None => match place.reader.next() {
                    Ok(Some(record)) => record,
                    Ok(None) => break,
                    Err(_) if to >= place.next => break,
                    Err(error) => return Err(error),
                },
            };
            if record.seq > applied {
                place.ahead = Some(record);
                break;
            }
            to = record.seq;
            if let Some(item) = self.item(&mut place.epoch, &record)? {
                bytes += record.entry.payload.len();
                items.push(item);
            }
            if bytes >= BATCH_BYTES_MAX {
                break;
            }
        }
        if place.ahead.is_none() && to < applied && to < place.next {
            // Places that were never given, up to what is folded.
            to = applied;
        }
        place.next = to.next();
        Ok(Batch::Read { items, to })
    }

    /// What a record is to the destination.
    fn item(&self, epoch: &mut Epoch, record: &Record) -> Result<Option<Item>, ReadError> {
        match record.entry.kind {
            Kind::ConfigEpoch => {
                if let Some(decoded) = Epoch::decode(&record.entry.payload) {
                    *epoch = decoded;
                }
                return Ok(None);
            }
            Kind::CursorAdvance | Kind::DeadLetter => return Ok(None),
            Kind::Message if !is_accepted(record) => return Ok(None),
            Kind::Message | Kind::OperatorAct => {}
        }
        if record.entry.channel != self.channel {
            return Ok(None);
        }
        let Some(raw) = message_of(record) else { return Ok(None) };
        if record.entry.kind == Kind::Message && self.is_repeated(record)? {
            return Ok(None);
        }
        let body = self.body(epoch, &raw);
        if self.fhir {
            return Ok(Some(self.of_records(record)));
        }
        let Some(body) = body else { return Ok(None) };
        if self.was_delivered_before(record)? {
            return Ok(None);
        }
        Ok(Some(item(record, Some(body), Vec::new())))
    }

    /// A reprocessed message goes out again only if its steps did not let it through before: with
    /// the same bytes and control id it would be one message twice.
    fn was_delivered_before(&self, record: &Record) -> Result<bool, ReadError> {
        let act = (record.entry.kind == Kind::OperatorAct)
            .then(|| Act::decode(&record.entry.payload))
            .flatten();
        let Some(Act { deed: Deed::Reprocess { message }, .. }) = act else { return Ok(false) };
        let journal = &*self.deps.journal;
        let original = match journal.get(self.ej, message) {
            Ok(original) => original,
            Err(ReadError::Released { .. }) => return Ok(true),
            Err(error) => return Err(error),
        };
        let Some(original) = original else { return Ok(false) };
        Ok(self.body(&self.epoch_at(message)?, &original.entry.payload).is_some())
    }

    /// The journal may hold the same bytes twice (a crash between append and answer); the fold
    /// applied the first.
    fn is_repeated(&self, record: &Record) -> Result<bool, ReadError> {
        if let Some(note) = self.deps.lane(self.ej).and_then(|lane| lane.noted.of(record.seq)) {
            return Ok(note.repeated);
        }
        let Some(msh) = MshRaw::find(&record.entry.payload) else { return Ok(false) };
        let hash = control_id_hash(msh.control_id());
        let reach = record.seq.get().saturating_sub(self.deps.reach);
        for seq in self.deps.journal.find(self.ej, KeyIndex::ControlId, hash)? {
            if seq >= record.seq || seq.get() < reach {
                continue;
            }
            match self.deps.journal.get(self.ej, seq) {
                Ok(Some(other)) if is_accepted(&other) && other.entry.key == record.entry.key => {
                    return Ok(true);
                }
                Ok(_) | Err(ReadError::Released { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// After its steps, in the character set that it came in.
    fn body(&self, epoch: &Epoch, raw: &Bytes) -> Option<Body> {
        let msh = MshRaw::find(raw);
        let control_id = msh.as_ref().map(|msh| msh.control_id().to_vec()).unwrap_or_default();
        let declared = msh.and_then(|msh| msh.charset());
        let decoded = charset::decode(raw, declared, epoch.entity.charset);
        let text = match epoch.steps(self.channel).map(|steps| steps.run(&decoded.text)) {
            None => Cow::Borrowed(&*decoded.text),
            Some(Passed::On(text)) => text,
            // Filtered, or a dead letter of the other kind.
            Some(Passed::Dropped { .. } | Passed::Failed { .. }) => return None,
        };
        let control_id = match &text {
            Cow::Owned(text) => MshRaw::find(text.as_bytes())
                .map(|msh| String::from_utf8_lossy(msh.control_id()).into_owned()),
            Cow::Borrowed(_) => None,
        }
        .unwrap_or_else(|| String::from_utf8_lossy(&control_id).into_owned());
        let encoded = match &text {
            Cow::Borrowed(_) => raw.clone(),
            Cow::Owned(text) => charset::encode(text, decoded.charset).into(),
        };
        Some(Body::Message { text: text.into_owned(), encoded, control_id })
    }

    fn of_records(&self, record: &Record) -> Item {
        let changed = changed_by(&self.deps, self.ej, record);
        let shared = changed.iter().map(|(ty, id)| {
            let mut first = [0; 8];
            first.copy_from_slice(&id.0[..8]);
            u64::from_le_bytes(first) ^ (u64::from(*ty as u8) << 56)
        });
        item(record, None, shared.collect())
    }

    /// A message that was set aside, by the steps in force now. Blocking.
    pub fn letter(&self, seq: Seq) -> Result<Option<Item>, ReadError> {
        let journal = &*self.deps.journal;
        let record = match journal.get(self.ej, seq) {
            Ok(Some(record)) => record,
            Ok(None) | Err(ReadError::Released { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut item = if self.fhir {
            self.of_records(&record)
        } else {
            let epoch = self.epoch_at(Seq::new(u64::MAX))?;
            let body = message_of(&record).and_then(|raw| self.body(&epoch, &raw));
            let Some(body) = body else { return Ok(None) };
            item(&record, Some(body), Vec::new())
        };
        item.is_letter = true;
        Ok(Some(item))
    }
}

fn item(record: &Record, body: Option<Body>, shared: Vec<u64>) -> Item {
    let mut patients = keys_of()(record).patients;
    if patients.is_empty() && shared.is_empty() {
        patients.push(NOBODY);
    }
    patients.sort_unstable();
    patients.dedup();
    let mut keys = [patients.as_slice(), &shared].concat();
    keys.sort_unstable();
    keys.dedup();
    let received_at = record.entry.received_at;
    Item { seq: record.seq, received_at, is_letter: false, keys, patients, body }
}

fn is_accepted(record: &Record) -> bool {
    Verdict::from_number(record.entry.verdict).is_some_and(Verdict::is_accepted)
}

pub(super) const fn reason(error: &ReadError) -> &'static str {
    match error {
        ReadError::Damaged { .. } => "the journal is damaged",
        ReadError::Released { .. } => "the journal let it go",
        ReadError::Io { .. } => "the journal cannot be read",
    }
}
