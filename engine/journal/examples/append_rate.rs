//! How fast the journal appends, against bare loops in the same run on the same disk.
//!
//! `cargo run --release -p sluice-journal --example append_rate -- [FOLDER] [TASKS] [ROUNDS]`
//!
//! Three things take turns, half a second each, so that a noisy machine is noisy for all of
//! them. The median tells the machine as it is, the best round the machine when it is quiet, and
//! the processor time an append costs is hardly touched by what else runs:
//! - **journal**: closed-loop tokio tasks, each waits for its append before it sends the next;
//! - **bare appender**: the same tasks, a list behind a lock, one thread that copies what waits,
//!   one pwrite and one fdatasync, and wakes them; no records, checksums, index or readers;
//! - **bare sync**: one thread that writes groups as large as the journal's and syncs, no tasks.
#![allow(clippy::print_stdout, reason = "a measurement is there to be printed")]

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use sluice_ids::{ChannelId, EjId, Lsn, Micros, Seq};
use sluice_journal::{
    Append, Completer, EmbeddedJournal, Entry, IdempotencyKey, Journal, JournalSettings, Keys,
    Kind, Owner, Slots,
};

const PAYLOAD_BYTES: usize = 800;
const FILE_BYTES: usize = 64 * 1024 * 1024;
const SPAN: Duration = Duration::from_millis(500);

struct Rate {
    appends: u64,
    groups: u64,
    seconds: f64,
    cpu_us: f64,
    latencies_us: Vec<u32>,
}

impl Rate {
    fn per_second(&self) -> f64 {
        self.appends as f64 / self.seconds
    }

    fn per_group(&self) -> f64 {
        self.appends as f64 / self.groups.max(1) as f64
    }

    fn percentile_us(&mut self, percent: usize) -> u32 {
        self.latencies_us.sort_unstable();
        let at = self.latencies_us.len() * percent / 100;
        self.latencies_us.get(at).copied().unwrap_or_default()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().map_or_else(std::env::temp_dir, PathBuf::from).join("append_rate");
    let tasks: usize = args.next().map_or(Ok(32), |text| text.parse())?;
    let rounds: usize = args.next().map_or(Ok(21), |text| text.parse())?;
    std::fs::create_dir_all(&folder)?;
    println!("{tasks} tasks, {PAYLOAD_BYTES} byte payloads, {rounds} rounds of {SPAN:?} each");

    let measured = Measured::open(&folder.join("journal"))?;
    let (mut all_ours, mut all_bare, mut all_sync) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut ours = measured.round(tasks)?;
        let mut bare = bare_appender(&folder, tasks, SPAN)?;
        let sync = bare_sync(&folder, ours.per_group().round().max(1.0) as usize, SPAN)?;
        println!(
            "round {round}: journal {:6.0}/s ({:4.1} a group, p50 {} µs, p99 {} µs) · bare appender \
             {:6.0}/s ({:4.1} a group, p50 {} µs, p99 {} µs) · bare sync {:6.0}/s ({:.0} µs)",
            ours.per_second(),
            ours.per_group(),
            ours.percentile_us(50),
            ours.percentile_us(99),
            bare.per_second(),
            bare.per_group(),
            bare.percentile_us(50),
            bare.percentile_us(99),
            sync.per_second(),
            sync.seconds * 1e6 / sync.groups as f64,
        );
        for (all, one) in
            [&mut all_ours, &mut all_bare, &mut all_sync].into_iter().zip([ours, bare, sync])
        {
            all.push(one);
        }
    }
    let ours = summary("journal", &all_ours);
    for (name, all) in [("bare appender", &all_bare), ("bare sync", &all_sync)] {
        let bare = summary(name, all);
        println!("journal / {name}: median {:.2}, best {:.2}", ours.0 / bare.0, ours.1 / bare.1);
    }
    let stored: u64 = all_ours.iter().map(|round| round.appends).sum();
    assert_eq!(measured.journal.last_lsn().get(), stored + 1, "every append is counted once");
    drop(measured);
    reopen(&folder.join("journal"), stored + 1)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// How long it takes to open what was written, with its sidecars and without, and to read it all.
fn reopen(folder: &Path, records: u64) -> Result<(), Box<dyn Error>> {
    let open = || -> Result<(f64, usize), Box<dyn Error>> {
        let begun = Instant::now();
        let (journal, report) = EmbeddedJournal::open(folder, JournalSettings::default(), owner())?;
        let opened = begun.elapsed().as_secs_f64();
        assert_eq!(journal.last_lsn().get(), records);
        Ok((opened, report.segments_scanned))
    };
    let (with, scanned) = open()?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "idx") {
            std::fs::remove_file(path)?;
        }
    }
    let (without, scanned_all) = open()?;
    let begun = Instant::now();
    let report = sluice_journal::verify(folder, None)?;
    assert!(report.is_sound() && report.records == records, "{:?}", report.damages);
    println!(
        "{records} records: open {with:.3} s ({scanned} segments scanned), without sidecars \
         {without:.3} s ({scanned_all}), verify {:.3} s",
        begun.elapsed().as_secs_f64(),
    );
    Ok(())
}

fn owner() -> Owner {
    Owner {
        watermark: Lsn::ZERO,
        keys_of: Arc::new(|_| Keys::default()),
        on_fault: Arc::new(|fault| panic!("{fault}")),
    }
}

/// Prints and returns the median and the best rate.
fn summary(name: &str, rounds: &[Rate]) -> (f64, f64) {
    let mut rates: Vec<f64> = rounds.iter().map(Rate::per_second).collect();
    rates.sort_by(f64::total_cmp);
    let (median, best) = (rates[rates.len() / 2], rates[rates.len() - 1]);
    let cpu_us: f64 = rounds.iter().map(|round| round.cpu_us).sum();
    let appends: u64 = rounds.iter().map(|round| round.appends).sum();
    let cpu_each = cpu_us / appends as f64;
    println!("{name}: median {median:.0}/s, best {best:.0}/s, {cpu_each:.1} µs of processor each");
    (median, best)
}

/// Runs closed-loop tasks; `start` gives each its append.
fn closed_loop<F>(
    tasks: usize,
    span: Duration,
    mut start: impl FnMut(usize) -> F,
) -> Result<Rate, Box<dyn Error>>
where
    F: AsyncAppend + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let (begun, cpu_begun) = (Instant::now(), cpu_us()?);
    let workers: Vec<_> = (0..tasks)
        .map(|task| {
            let mut append = start(task);
            let stopped = Arc::clone(&stopped);
            runtime.spawn(async move {
                let mut latencies_us = Vec::with_capacity(100_000);
                while !stopped.load(Ordering::Relaxed) {
                    let sent = Instant::now();
                    assert!(append.append().await, "an append failed");
                    latencies_us.push(sent.elapsed().as_micros() as u32);
                }
                latencies_us
            })
        })
        .collect();
    thread::sleep(span);
    stopped.store(true, Ordering::Relaxed);
    let mut latencies_us = Vec::new();
    for worker in workers {
        latencies_us.extend(runtime.block_on(worker)?);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_us = cpu_us()? - cpu_begun;
    Ok(Rate { appends: latencies_us.len() as u64, groups: 0, seconds, cpu_us, latencies_us })
}

trait AsyncAppend {
    fn append(&mut self) -> impl Future<Output = bool> + Send;
}

struct Journaled {
    appender: Box<dyn sluice_journal::Appender>,
    entry: Entry,
}

impl AsyncAppend for Journaled {
    fn append(&mut self) -> impl Future<Output = bool> + Send {
        let future = self.appender.append(self.entry.clone());
        async move { matches!(future.await, Append::Stored { .. }) }
    }
}

/// The journal under measurement, open over all rounds, and its own count of commits.
struct Measured {
    journal: EmbeddedJournal,
    commits: Arc<AtomicU64>,
}

impl Measured {
    fn open(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let recorder = CountCommits::default();
        let commits = Arc::clone(&recorder.0);
        let opened = metrics::with_local_recorder(&recorder, || {
            EmbeddedJournal::open(folder, JournalSettings::default(), owner())
        });
        let measured = Self { journal: opened?.0, commits };
        // The first append waits for the first segment to be made.
        let warm = measured.journal.appender().append(entry(0)?).wait();
        assert!(matches!(warm, Append::Stored { .. }));
        Ok(measured)
    }

    fn round(&self, tasks: usize) -> Result<Rate, Box<dyn Error>> {
        let before = self.commits.load(Ordering::Relaxed);
        let entries = (0..tasks).map(entry).collect::<Result<Vec<_>, _>>()?;
        let mut rate = closed_loop(tasks, SPAN, |task| Journaled {
            appender: self.journal.appender(),
            entry: entries[task].clone(),
        })?;
        rate.groups = self.commits.load(Ordering::Relaxed) - before;
        Ok(rate)
    }
}

fn entry(task: usize) -> Result<Entry, Box<dyn Error>> {
    Ok(Entry {
        kind: Kind::Message,
        flags: 0,
        verdict: 0,
        ej: EjId::new(["EJ1", "EJ2", "EJ3", "EJ4"][task % 4])?,
        channel: ChannelId::new("append_rate")?,
        received_at: Micros::new(1),
        key: IdempotencyKey([task as u8; 16]),
        payload: Bytes::from(vec![b'x'; PAYLOAD_BYTES]),
    })
}

#[derive(Default)]
struct Waiting {
    jobs: Mutex<(Vec<(Bytes, Completer)>, bool)>,
    arrived: Condvar,
}

struct Bare {
    waiting: Arc<Waiting>,
    slots: Slots,
    payload: Bytes,
}

impl AsyncAppend for Bare {
    fn append(&mut self) -> impl Future<Output = bool> + Send {
        let (completer, future) = self.slots.pair();
        self.waiting.jobs.lock().0.push((self.payload.clone(), completer));
        self.waiting.arrived.notify_one();
        async move { matches!(future.await, Append::Stored { .. }) }
    }
}

fn bare_appender(folder: &Path, tasks: usize, span: Duration) -> Result<Rate, Box<dyn Error>> {
    let file = zero_filled(&folder.join("bare"))?;
    let waiting = Arc::new(Waiting::default());
    let groups = Arc::new(AtomicU64::new(0));
    let committer = {
        let (waiting, groups) = (Arc::clone(&waiting), Arc::clone(&groups));
        thread::spawn(move || -> std::io::Result<()> {
            let mut at = 0;
            loop {
                let jobs = {
                    let mut guard = waiting.jobs.lock();
                    while guard.0.is_empty() {
                        if guard.1 {
                            return Ok(());
                        }
                        waiting.arrived.wait(&mut guard);
                    }
                    std::mem::take(&mut guard.0)
                };
                let mut buffer = Vec::with_capacity(jobs.len() * PAYLOAD_BYTES);
                jobs.iter().for_each(|(payload, _)| buffer.extend_from_slice(payload));
                if at + buffer.len() > FILE_BYTES {
                    at = 0;
                }
                file.write_all_at(&buffer, at as u64)?;
                file.sync_data()?;
                at += buffer.len();
                groups.fetch_add(1, Ordering::Relaxed);
                for (_, completer) in jobs {
                    completer.complete(Append::Stored { seq: Seq::ZERO, lsn: Lsn::ZERO });
                }
            }
        })
    };
    let mut rate = closed_loop(tasks, span, |_| Bare {
        waiting: Arc::clone(&waiting),
        slots: Slots::default(),
        payload: Bytes::from(vec![b'x'; PAYLOAD_BYTES]),
    })?;
    waiting.jobs.lock().1 = true;
    waiting.arrived.notify_one();
    committer.join().map_err(|_| "the bare committer panicked")??;
    rate.groups = groups.load(Ordering::Relaxed);
    Ok(rate)
}

fn bare_sync(folder: &Path, per_group: usize, span: Duration) -> Result<Rate, Box<dyn Error>> {
    let file = zero_filled(&folder.join("bare"))?;
    let buffer = vec![b'x'; per_group * PAYLOAD_BYTES];
    let (begun, cpu_begun) = (Instant::now(), cpu_us()?);
    let (mut at, mut groups) = (0, 0);
    while begun.elapsed() < span {
        if at + buffer.len() > FILE_BYTES {
            at = 0;
        }
        file.write_all_at(&buffer, at as u64)?;
        file.sync_data()?;
        at += buffer.len();
        groups += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_us = cpu_us()? - cpu_begun;
    let appends = groups * per_group as u64;
    Ok(Rate { appends, groups, seconds, cpu_us, latencies_us: Vec::new() })
}

/// What this process has used of the processors so far (user and system, ticks of 10 ms).
fn cpu_us() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? * 10_000.0)
}

fn zero_filled(path: &Path) -> std::io::Result<File> {
    let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
    file.write_all_at(&vec![0; FILE_BYTES], 0)?;
    file.sync_all()?;
    Ok(file)
}

/// Counts commits by the journal's own metric.
#[derive(Default)]
struct CountCommits(Arc<AtomicU64>);

impl metrics::Recorder for CountCommits {
    fn describe_counter(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }
    fn describe_gauge(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }
    fn describe_histogram(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }
    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        if key.name() == "sluice_journal_commits_total" {
            metrics::Counter::from_arc(Arc::clone(&self.0))
        } else {
            metrics::Counter::noop()
        }
    }
    fn register_gauge(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::noop()
    }
    fn register_histogram(
        &self,
        _: &metrics::Key,
        _: &metrics::Metadata<'_>,
    ) -> metrics::Histogram {
        metrics::Histogram::noop()
    }
}
