//! What every backend of the journal port must do, written only against the port.
//!
//! A backend's tests give a [`Subject`] and call [`run`]. Nothing here knows of segments, files
//! or streams; `Seq`s are compared, never counted, because gaps are allowed.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use sluice_ids::{ChannelId, EjId, Micros, Seq};

use crate::port::{
    Append, Entry, IdempotencyKey, Journal, KeyIndex, Keys, KeysOf, Kind, ReadError, Record,
    Refusal,
};

/// Closes a journal and opens it again.
pub type Reopen = Box<dyn FnMut(Box<dyn Journal>) -> Box<dyn Journal>>;

/// A journal under test, opened with [`keys_of`].
pub struct Subject {
    pub journal: Box<dyn Journal>,
    pub reopen: Reopen,
}

/// One rule, by name.
pub type Case = (&'static str, fn(Subject));

/// Every rule of the port.
pub const CASES: &[Case] = &[
    ("stored records are read back in order, each once", stored_is_read_back),
    ("call order is kept per appender without awaiting", call_order_is_kept),
    ("a dropped future does not undo the append", dropping_does_not_undo),
    ("seqs of one EJ grow and other EJs' do not matter", seqs_are_per_ej),
    ("get gives that record and none other", get_is_exact),
    ("a reader at the end goes on with what comes later", readers_go_on),
    ("wait_past ends at the append or at the timeout", wait_past_ends),
    ("an entry over the limit is refused and leaves nothing", too_large_leaves_nothing),
    ("everything stored survives a reopen and seqs go on", reopen_keeps_all),
    ("many appenders at once lose and repeat nothing", many_appenders),
    ("find gives the seqs that carry a key", find_by_key),
    ("release never takes what is not before", release_is_careful),
];

/// Runs every case, each on a fresh subject.
///
/// # Panics
/// When the backend breaks a rule.
pub fn run(mut fresh: impl FnMut() -> Subject) {
    for (_, case) in CASES {
        case(fresh());
    }
}

/// The keys that the suite's entries carry: payload byte 0 is the control id, byte 1 a patient.
#[must_use]
pub fn keys_of() -> KeysOf {
    Arc::new(|record: &Record| Keys {
        control_id: record.entry.payload.first().map(|b| u64::from(*b)),
        patients: record.entry.payload.get(1).map(|b| u64::from(*b)).into_iter().collect(),
    })
}

/// An entry of `ej` with that payload.
///
/// # Panics
/// When `ej` is no name.
pub fn entry(ej: &str, payload: impl Into<Bytes>) -> Entry {
    let payload = payload.into();
    let mut key = [0; 16];
    key[..8].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    Entry {
        kind: Kind::Message,
        flags: 5,
        verdict: 7,
        ej: ej_id(ej),
        channel: ChannelId::new("conformance").expect("a name"),
        received_at: Micros::new(1_700_000_000_000_000),
        key: IdempotencyKey(key),
        payload,
    }
}

/// # Panics
/// When it is no name.
#[must_use]
pub fn ej_id(name: &str) -> EjId {
    EjId::new(name).expect("a name")
}

fn store(journal: &dyn Journal, ej: &str, payload: impl Into<Bytes>) -> Seq {
    match journal.appender().append(entry(ej, payload)).wait() {
        Append::Stored { seq, .. } => seq,
        other => panic!("not stored: {other:?}"),
    }
}

/// All records of `ej` from `from` on.
///
/// # Panics
/// When one cannot be read.
pub fn read_all(journal: &dyn Journal, ej: &str, from: Seq) -> Vec<Record> {
    let mut reader = journal.read(ej_id(ej), from);
    std::iter::from_fn(|| reader.next().expect("a readable record")).collect()
}

fn payloads(records: &[Record]) -> Vec<&[u8]> {
    records.iter().map(|r| &r.entry.payload[..]).collect()
}

fn stored_is_read_back(subject: Subject) {
    let journal = &*subject.journal;
    let stored: Vec<_> = [&b"a"[..], b"", b"ccc"]
        .into_iter()
        .map(|p| store(journal, "EJ1", Bytes::copy_from_slice(p)))
        .collect();
    let records = read_all(journal, "EJ1", Seq::ZERO);
    assert_eq!(payloads(&records), [&b"a"[..], b"", b"ccc"]);
    assert_eq!(records.iter().map(|r| r.seq).collect::<Vec<_>>(), stored);
    assert!(records.is_sorted_by(|a, b| a.lsn < b.lsn));
    let (read, wrote) = (&records[2].entry, entry("EJ1", &b"ccc"[..]));
    assert_eq!((read.kind, read.flags, read.verdict), (wrote.kind, wrote.flags, wrote.verdict));
    assert_eq!((read.ej, read.channel), (wrote.ej, wrote.channel));
    assert_eq!((read.received_at, read.key), (wrote.received_at, wrote.key));
    assert_eq!(journal.ejs(), [ej_id("EJ1")]);
    assert!(read_all(journal, "EJ9", Seq::ZERO).is_empty());
}

fn call_order_is_kept(subject: Subject) {
    let mut appender = subject.journal.appender();
    let futures: Vec<_> = (0u8..200).map(|n| appender.append(entry("EJ1", vec![n]))).collect();
    for future in futures {
        assert!(matches!(future.wait(), Append::Stored { .. }));
    }
    let records = read_all(&*subject.journal, "EJ1", Seq::ZERO);
    assert!(records.iter().map(|r| r.entry.payload[0]).eq(0u8..200));
}

fn dropping_does_not_undo(subject: Subject) {
    let mut appender = subject.journal.appender();
    drop(appender.append(entry("EJ1", &b"dropped"[..])));
    assert!(matches!(appender.append(entry("EJ1", &b"kept"[..])).wait(), Append::Stored { .. }));
    let records = read_all(&*subject.journal, "EJ1", Seq::ZERO);
    assert_eq!(payloads(&records), [&b"dropped"[..], b"kept"]);
}

fn seqs_are_per_ej(subject: Subject) {
    let journal = &*subject.journal;
    let mut last: HashMap<&str, Seq> = HashMap::new();
    for n in 0..60u8 {
        let ej = ["EJ1", "EJ2", "EJ3"][usize::from(n) * 7 % 3];
        let seq = store(journal, ej, vec![n]);
        assert!(seq > last.get(ej).copied().unwrap_or(Seq::ZERO));
        last.insert(ej, seq);
    }
    for (ej, seq) in last {
        assert_eq!(journal.tail(ej_id(ej)), seq);
        assert_eq!(read_all(journal, ej, Seq::ZERO).len(), 20);
    }
    assert_eq!(journal.tail(ej_id("EJ9")), Seq::ZERO);
}

fn get_is_exact(subject: Subject) {
    let journal = &*subject.journal;
    let seqs: Vec<_> = (0..5u8).map(|n| store(journal, "EJ1", vec![n])).collect();
    store(journal, "EJ2", vec![9]);
    for (n, seq) in (0u8..).zip(&seqs) {
        let record = journal.get(ej_id("EJ1"), *seq).expect("readable").expect("stored");
        assert_eq!((record.seq, &record.entry.payload[..]), (*seq, &[n][..]));
    }
    let beyond = Seq::new(seqs[4].get() + 1);
    assert!(journal.get(ej_id("EJ1"), beyond).expect("readable").is_none());
    assert!(journal.get(ej_id("EJ1"), Seq::ZERO).expect("readable").is_none());
    assert!(journal.get(ej_id("EJ9"), seqs[0]).expect("readable").is_none());
    assert_eq!(payloads(&read_all(journal, "EJ1", seqs[3])), [[3], [4]]);
}

fn readers_go_on(subject: Subject) {
    let journal = &*subject.journal;
    let mut early = journal.read(ej_id("EJ1"), Seq::ZERO);
    assert!(early.next().expect("readable").is_none());
    store(journal, "EJ1", &b"1"[..]);
    assert_eq!(early.next().expect("readable").expect("there").entry.payload, &b"1"[..]);
    assert!(early.next().expect("readable").is_none());
    store(journal, "EJ1", &b"2"[..]);
    assert_eq!(early.next().expect("readable").expect("there").entry.payload, &b"2"[..]);
}

fn wait_past_ends(subject: Subject) {
    let journal: Arc<dyn Journal> = subject.journal.into();
    let ej = ej_id("EJ1");
    assert_eq!(journal.wait_past(ej, Seq::ZERO, Duration::ZERO), Seq::ZERO);
    let waiter = {
        let journal = Arc::clone(&journal);
        thread::spawn(move || journal.wait_past(ej, Seq::ZERO, Duration::from_secs(60)))
    };
    let seq = store(&*journal, "EJ1", &b"x"[..]);
    assert_eq!(waiter.join().expect("the waiter ends"), seq);
    assert_eq!(journal.wait_past(ej, seq, Duration::from_millis(1)), seq);
}

fn too_large_leaves_nothing(subject: Subject) {
    let journal = &*subject.journal;
    let limit = journal.entry_bytes_max();
    let mut appender = journal.appender();
    let outcome = appender.append(entry("EJ1", vec![0; limit as usize + 1])).wait();
    assert_eq!(outcome, Append::Refused(Refusal::TooLarge { bytes: limit + 1, limit }));
    assert!(read_all(journal, "EJ1", Seq::ZERO).is_empty());
    store(journal, "EJ1", vec![1; limit as usize]);
    assert_eq!(read_all(journal, "EJ1", Seq::ZERO)[0].entry.payload.len() as u64, limit);
}

fn reopen_keeps_all(mut subject: Subject) {
    let mut expected = Vec::new();
    let mut last = Seq::ZERO;
    for round in 0..4u8 {
        for n in 0..10u8 {
            let seq = store(&*subject.journal, "EJ1", vec![round, n]);
            assert!(seq > last);
            last = seq;
            expected.push(vec![round, n]);
        }
        subject.journal = (subject.reopen)(subject.journal);
        assert_eq!(subject.journal.tail(ej_id("EJ1")), last);
        assert_eq!(payloads(&read_all(&*subject.journal, "EJ1", Seq::ZERO)), expected);
        assert_eq!(subject.journal.ejs(), [ej_id("EJ1")]);
    }
}

fn many_appenders(subject: Subject) {
    let journal: Arc<dyn Journal> = subject.journal.into();
    let workers: Vec<_> = (0..8u8)
        .map(|worker| {
            let mut appender = journal.appender();
            let ej = if worker % 2 == 0 { "EJ1" } else { "EJ2" };
            thread::spawn(move || {
                for n in 0..50u8 {
                    let outcome = appender.append(entry(ej, vec![worker, n])).wait();
                    assert!(matches!(outcome, Append::Stored { .. }));
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().expect("a worker ends");
    }
    for (ej, parity) in [("EJ1", 0), ("EJ2", 1)] {
        let records = read_all(&*journal, ej, Seq::ZERO);
        assert_eq!(records.len(), 200);
        for worker in (parity..8u8).step_by(2) {
            let of_worker = records.iter().filter(|r| r.entry.payload[0] == worker);
            assert!(of_worker.map(|r| r.entry.payload[1]).eq(0..50));
        }
    }
}

fn find_by_key(mut subject: Subject) {
    let ej = ej_id("EJ1");
    let first = store(&*subject.journal, "EJ1", vec![1, 40]);
    store(&*subject.journal, "EJ2", vec![1, 40]);
    store(&*subject.journal, "EJ1", vec![2, 40]);
    let check = |journal: &dyn Journal, last: Seq| {
        let find = |index, hash| journal.find(ej, index, hash).expect("readable");
        assert_eq!(find(KeyIndex::ControlId, 1), [first, last]);
        assert_eq!(find(KeyIndex::Patient, 40).len(), 2);
        assert_eq!(find(KeyIndex::Patient, 41), [last]);
        assert!(find(KeyIndex::ControlId, 40).is_empty());
    };
    let last = store(&*subject.journal, "EJ1", vec![1, 41]);
    check(&*subject.journal, last);
    subject.journal = (subject.reopen)(subject.journal);
    check(&*subject.journal, last);
}

fn release_is_careful(mut subject: Subject) {
    let filler = vec![0; (subject.journal.entry_bytes_max() / 2) as usize];
    for _ in 0..30 {
        store(&*subject.journal, "EJ1", filler.clone());
        store(&*subject.journal, "EJ2", filler.clone());
    }
    let (ej1, ej2) = (ej_id("EJ1"), ej_id("EJ2"));
    let all = read_all(&*subject.journal, "EJ1", Seq::ZERO);
    let until = all[20].seq;
    // EJ2 is not named, so nothing that holds a record of it may go.
    assert_eq!(subject.journal.release(&[(ej1, until)]).expect("no failure"), 0);
    subject.journal.release(&[(ej1, until), (ej2, Seq::new(u64::MAX))]).expect("no failure");
    for _ in 0..2 {
        let journal = &*subject.journal;
        let mut reader = journal.read(ej1, Seq::ZERO);
        let oldest = match reader.next() {
            Err(ReadError::Released { oldest, .. }) => oldest,
            Ok(Some(record)) => record.seq,
            _ => panic!("neither a record nor a word of its release"),
        };
        assert!(oldest <= until);
        let kept = read_all(journal, "EJ1", oldest);
        assert_eq!(kept.last().map(|r| r.seq), all.last().map(|r| r.seq));
        assert!(kept.iter().any(|r| r.seq == until));
        assert_eq!(journal.tail(ej1), all[29].seq);
        subject.journal = (subject.reopen)(subject.journal);
    }
    assert!(store(&*subject.journal, "EJ2", vec![1]) > all[0].seq);
}
