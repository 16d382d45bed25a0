//! Measures memory, cut and restart with a hospital's worth of records:
//! `cargo run --release -p sluice-state --example state_memory -- [PATIENTS] [STAYS] [FOLDER]`.
//! With 0 patients, what is in the folder is opened; else the folder must not exist.
//!
//! Prints resident memory after filling, after settling, and after a restart, and how long each
//! took. Records have the size of those of a real feed: about 450 bytes a patient, 900 a stay.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use jiff::tz::TimeZone;
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::Change;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::{
    Address, Coded, Contact, HumanName, Identifier, IdentifierUse, Moment, Movement,
    MovementEffect, PatientRecord, Place, PlaceRole, PlaceStatus, Practitioner, Precision, Record,
    RecordType, ResourceId, Situation, Stamp, StayRecord, StayStatus, Telecom,
};
use sluice_mappings::search;
use sluice_state::{Access, PageRequest, State, StateSettings};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let patients: u64 = args.next().map_or(Ok(100_000), |n| n.parse())?;
    let stays: u64 = args.next().map_or(Ok(150_000), |n| n.parse())?;
    let scratch = std::env::temp_dir().join("sluice-state-memory");
    let folder = args.next().map_or(scratch, PathBuf::from);
    let ej = EjId::new("EJ1")?;
    let settings = StateSettings { checkpoint_every_ms: 0, ..StateSettings::default() };
    say("at start", Instant::now())?;

    if patients > 0 {
        filled(&folder, &settings, ej, patients, stays)?;
    }
    let started = Instant::now();
    let (state, opened) = State::open(&folder, settings, &[ej])?;
    say(&format!("opened again (rebuilt: {:?})", opened.rebuilt), started)?;
    searches(&state)?;
    state.close()?;
    Ok(())
}

fn filled(
    folder: &Path,
    settings: &StateSettings,
    ej: EjId,
    patients: u64,
    stays: u64,
) -> Outcome<()> {
    if folder.exists() {
        return Err("the folder exists".into());
    }
    let (state, _) = State::open(folder, settings.clone(), &[ej])?;
    let started = Instant::now();
    fill(&state, ej, patients, stays)?;
    say("filled", started)?;
    let started = Instant::now();
    state.flush()?;
    say("flushed", started)?;
    let started = Instant::now();
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| reads_beside(&state, patients, &stop));
        let outcome = changes(&state, ej, patients, stays, 100_000);
        stop.store(true, Ordering::Release);
        outcome.and(reader.join().map_err(|_| "the reader panicked")?.map_err(Into::into))
    })?;
    state.flush()?;
    say("100 000 messages, a patient and a stay each, all over the hospital", started)?;
    searches(&state)?;
    let started = Instant::now();
    let made = state.checkpoint()?;
    say(&format!("checkpoint of {} MB", made.bytes >> 20), started)?;
    let started = Instant::now();
    state.close()?;
    say("closed", started)
}

fn say(what: &str, since: Instant) -> Outcome<()> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kb = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
    };
    let (now, peak) = (kb("VmRSS:") >> 10, kb("VmHWM:") >> 10);
    let took = since.elapsed();
    writeln!(std::io::stdout(), "{what}: {now} MB resident, {peak} MB at most, {took:.2?}")?;
    Ok(())
}

fn searches(state: &State) -> Outcome<()> {
    let scope = state.scope(&Access::all());
    for (name, ty, pairs) in [
        ("all patients, a page of 100", RecordType::Patient, vec![]),
        ("family=mar", RecordType::Patient, vec![("family", "mar")]),
        ("identifier", RecordType::Patient, vec![("identifier", "IPP0000000777")]),
        ("status and class", RecordType::Stay, vec![("status", "in-progress"), ("class", "IMP")]),
    ] {
        let pairs: Vec<_> = pairs.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        let query = search::parse(ty, FhirVersion::R4, &pairs, &TimeZone::UTC)?.query;
        let started = Instant::now();
        let page = scope.search(&query, &PageRequest { count: 100, after: None })?;
        say(&format!("  {name}: {} found", page.total), started)?;
    }
    Ok(())
}

/// Reads one patient after another while the feed goes on, and tells how long a read took.
fn reads_beside(state: &State, patients: u64, stop: &AtomicBool) -> std::io::Result<()> {
    let scope = state.scope(&Access::all());
    let mut took = Vec::new();
    let mut number = 0_u64;
    while !stop.load(Ordering::Acquire) {
        number = number.wrapping_add(7_919);
        let started = Instant::now();
        let found = scope.get(RecordType::Patient, id(RecordType::Patient, number % patients));
        took.push(started.elapsed());
        if found.is_none() {
            return Err(std::io::Error::other("a patient was not found"));
        }
        // A reader that leaves the machine to the writer most of the time.
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 1_000).copied().unwrap_or_default();
    writeln!(
        std::io::stdout(),
        "  {} reads beside: p50 {:.2?}, p99 {:.2?}, p99.9 {:.2?}",
        took.len(),
        at(500),
        at(990),
        at(999)
    )
}

fn fill(state: &State, ej: EjId, patients: u64, stays: u64) -> Outcome<()> {
    let mut writer = state.writer(ej).ok_or("the lane is taken")?;
    let mut seq = Seq::ZERO;
    for number in 0..patients {
        seq = seq.next();
        writer.stage(seq, vec![Change::Put(patient(number, seq))])?;
        if number % 64 == 63 {
            writer.publish();
        }
    }
    for number in 0..stays {
        seq = seq.next();
        writer.stage(seq, vec![Change::Put(stay(number, number % patients, seq))])?;
        if number % 64 == 63 {
            writer.publish();
        }
    }
    writer.publish();
    Ok(())
}

/// Messages all over the hospital, as a feed would send them.
fn changes(state: &State, ej: EjId, patients: u64, stays: u64, count: u64) -> Outcome<()> {
    let mut writer = state.writer(ej).ok_or("the lane is taken")?;
    let mut seq = writer.applied();
    let mut worst = std::time::Duration::ZERO;
    for n in 0..count {
        seq = seq.next();
        let number = n.wrapping_mul(7_919) % stays;
        let who = number % patients;
        writer.stage(
            seq,
            vec![Change::Put(patient(who, seq)), Change::Put(stay(number, who, seq))],
        )?;
        if n % 64 == 63 {
            let started = Instant::now();
            writer.publish();
            worst = worst.max(started.elapsed());
        }
    }
    writer.publish();
    writeln!(std::io::stdout(), "  longest publication: {worst:.2?}")?;
    Ok(())
}

fn id(ty: RecordType, number: u64) -> ResourceId {
    let mix = |n: u64| (n ^ n >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ n.rotate_left(31);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mix(number ^ (ty as u64) << 56).to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    ResourceId(bytes)
}

fn identifier(value: String, type_code: &str) -> Identifier {
    Identifier {
        system: "urn:oid:1.2.250.1.71.4.2.2.750000001".into(),
        value,
        type_code: type_code.into(),
        r#use: IdentifierUse::Usual,
        ..Identifier::default()
    }
}

fn moment(number: u64) -> Moment {
    Moment {
        low: Micros::new((number % 1_900_000_000).cast_signed() * 1_000_000),
        precision: Precision::Second,
        offset_minutes: 60,
    }
}

fn stamp(seq: Seq) -> Stamp {
    let updated_at = Micros::new(1_790_000_000_000_000 + seq.get().cast_signed() * 50_000);
    Stamp { created: seq, version: seq, updated_at, ..Stamp::default() }
}

fn coded(code: &str, text: &str, table: &str) -> Coded {
    Coded { code: code.into(), text: text.into(), table: table.into(), ..Coded::default() }
}

fn name(number: u64) -> HumanName {
    let families = ["Martin", "Bernard", "Lefèvre", "Marchand", "Nguyen", "Rousseau", "Petit"];
    let given = ["Anne", "Paul", "Zoé", "Jean-Baptiste", "Li"];
    let pick = |list: &[&str], n: u64| list[(n % list.len() as u64) as usize].to_owned();
    HumanName {
        family: format!("{}{}", pick(&families, number), number % 1_000),
        given: vec![pick(&given, number / 7)],
        name_type: "L".into(),
        ..HumanName::default()
    }
}

fn patient(number: u64, seq: Seq) -> Record {
    Record::Patient(Arc::new(PatientRecord {
        stamp: stamp(seq),
        identifiers: vec![
            identifier(format!("IPP{number:010}"), "PI"),
            identifier(format!("INS{number:012}"), "INS-NIR"),
        ],
        names: vec![name(number), HumanName { name_type: "D".into(), ..name(number + 1) }],
        birth_date: Some(moment(number * 3_600)),
        gender: if number.is_multiple_of(2) { "F" } else { "M" }.into(),
        addresses: vec![Address {
            lines: vec![format!("{} rue de la République", number % 300)],
            city: "Saint-Étienne".into(),
            postal_code: "42000".into(),
            country: "FRA".into(),
            address_type: "H".into(),
            ..Address::default()
        }],
        telecoms: vec![Telecom {
            value: format!("+3360000{number:06}"),
            use_code: "PRN".into(),
            equipment: "CP".into(),
            ..Telecom::default()
        }],
        marital_status: coded("M", "", "0002"),
        nationalities: vec![coded("FRA", "", "0212")],
        reliability: vec!["VALI".into()],
        contacts: vec![Contact { name: name(number + 5), ..Contact::default() }],
        ..PatientRecord::new(id(RecordType::Patient, number))
    }))
}

fn stay(number: u64, patient: u64, seq: Seq) -> Record {
    // One stay in thirty is open; the others are history.
    let open = number.is_multiple_of(30);
    let status = if open { StayStatus::InProgress } else { StayStatus::Finished };
    let movement = |n: u64| Movement {
        identifier: Some(identifier(format!("MVT{number}{n}"), "")),
        event: if n == 0 { "A01" } else { "A02" }.into(),
        seq,
        start: Some(moment(number * 60 + n)),
        end: None,
        place: Some(Place {
            point_of_care: format!("UF{}", number % 40),
            room: format!("{}", 100 + number % 80),
            bed: format!("{}", number % 4),
            facility: "HOP-NORD".into(),
            ..Place::default()
        }),
        location: Some(id(RecordType::Location, number % 400)),
        role: PlaceRole::Assigned,
        nature: String::new(),
        place_status: PlaceStatus::Completed,
        effect: MovementEffect { status: Some(status), ..MovementEffect::default() },
        cancelled: None,
        seen: vec![seq.get()],
        held: None,
    };
    let practitioner = |role: &str| Practitioner {
        role: role.into(),
        identifier: Some(identifier(format!("1000{:07}", number % 900), "RPPS")),
        name: name(number % 900),
        ..Practitioner::default()
    };
    Record::Stay(Arc::new(StayRecord {
        stamp: stamp(seq),
        identifiers: vec![identifier(format!("IEP{number:010}"), "VN")],
        account: Some(identifier(format!("DOS{number:010}"), "AN")),
        situation: Situation {
            status,
            class: coded("I", "", "0004"),
            current: Some(2),
            start: Some(moment(number * 60)),
            end: (!open).then(|| moment(number * 60 + 90_000)),
            disposition: coded("01", "", "0112"),
            destination: Coded::default(),
            discharged: false,
            pending_discharge: None,
            expected_return: None,
            medical_unit: None,
            nursing_unit: None,
        },
        movements: (0..3).map(movement).collect(),
        practitioners: vec![practitioner("ATND"), practitioner("ADM")],
        admission_type: coded("R", "", "0007"),
        service: coded("MED", "", "0069"),
        admit_source: coded("7", "", "0023"),
        ..StayRecord::new(id(RecordType::Stay, number), id(RecordType::Patient, patient))
    }))
}
