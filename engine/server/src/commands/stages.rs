//! `sluice bench stages`: what each step of a message costs, on one core.
//!
//! Each step runs over the same messages as `bench mllp` sends; index + apply stands beside its
//! floor, one memchr scan over the same bytes, and rendering beside serde_json on a ready value.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use serde::Serialize;
use sluice_fixtures::bench::load;
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::memory::MemoryRecords;
use sluice_mappings::adt::{Change, Context, apply};
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_mappings::fhir::{FhirVersion, render};
use sluice_mappings::hl7::{Message, decode_message};
use sluice_mappings::records::Record;
use sluice_mappings::search;

use crate::exit::{Failure, NOT_SO, Outcome};

#[derive(Serialize)]
struct Stage {
    name: &'static str,
    microseconds: f64,
    floor: &'static str,
    floor_microseconds: f64,
}

pub fn run(messages: u64, json: bool) -> Outcome {
    let mut settings = EjSettings::named(EjId::new("BENCH").map_err(wrong)?);
    settings.msh4 = vec!["BENCH".to_owned()];
    let entity = LegalEntity::new(settings).map_err(wrong)?;
    let texts = texts(messages);
    let stages = measure(&texts, &entity);
    if json {
        println!("{}", serde_json::to_string_pretty(&stages)?);
    } else {
        println!("{} messages, one core, µs each", texts.len());
        for stage in &stages {
            println!(
                "{:<40} {:>8.2}   {:<38} {:>8.2}   ratio {:>6.1}",
                stage.name,
                stage.microseconds,
                stage.floor,
                stage.floor_microseconds,
                stage.microseconds / stage.floor_microseconds
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn wrong(error: impl std::fmt::Display) -> Failure {
    Failure::new(NOT_SO, error.to_string())
}

fn texts(messages: u64) -> Vec<String> {
    let mut texts = Vec::new();
    'all: for patient in 0.. {
        for step in 0..load::course(patient).len() {
            if texts.len() as u64 >= messages {
                break 'all;
            }
            let mut text = String::new();
            load::write_message(&mut text, 0, 0, patient, step);
            texts.push(text);
        }
    }
    texts
}

fn measure(texts: &[String], entity: &LegalEntity) -> Vec<Stage> {
    let scan = per_item(texts.len(), || {
        for text in texts {
            black_box(memchr::memchr_iter(b'|', text.as_bytes()).count());
        }
    });
    let index = per_item(texts.len(), || {
        for text in texts {
            let decoded = decode_message(text.as_bytes(), entity.charset);
            black_box(Message::index(&decoded.text).map(|m| m.segments().len()).ok());
        }
    });
    let mut records = MemoryRecords::new();
    let mut kept: Vec<Record> = Vec::new();
    let began = Instant::now();
    let mut accepting = std::time::Duration::ZERO;
    for (number, text) in texts.iter().enumerate() {
        let decoded = decode_message(text.as_bytes(), entity.charset);
        let Ok(message) = Message::index(&decoded.text) else { continue };
        let seq = Seq::new(number as u64 + 1);
        let context = Context { entity, seq, received_at: Micros::new(number as i64) };
        let outcome = apply(&message, &context, &records);
        let paused = Instant::now();
        for change in &outcome.changes {
            if let Change::Put(record) = change {
                kept.push(record.clone());
            }
        }
        records.accept(outcome.changes);
        accepting += paused.elapsed();
    }
    let applied = (began.elapsed() - accepting).as_secs_f64() * 1e6 / texts.len() as f64;
    let rendered: Vec<Vec<u8>> =
        kept.iter().map(|record| render(record, entity, FhirVersion::R4)).collect();
    let rendering = per_item(kept.len(), || {
        for record in &kept {
            black_box(render(record, entity, FhirVersion::R4));
        }
    });
    let values: Vec<serde_json::Value> =
        rendered.iter().filter_map(|bytes| serde_json::from_slice(bytes).ok()).collect();
    let writing = per_item(values.len(), || {
        for value in &values {
            black_box(serde_json::to_vec(value).ok());
        }
    });
    let rows = per_item(kept.len(), || {
        let mut rows = Vec::new();
        for record in &kept {
            rows.clear();
            search::rows(entity.id(), record, &mut rows);
            black_box(rows.len());
        }
    });
    let scanned = "memchr over the same bytes";
    let written = "serde_json on the same, ready";
    [
        ("decode and index", index, scanned, scan),
        ("decode, index and apply", applied, scanned, scan),
        ("render one resource as FHIR R4", rendering, written, writing),
        ("search rows of one resource", rows, written, writing),
    ]
    .map(|(name, microseconds, floor, floor_microseconds)| Stage {
        name,
        microseconds,
        floor,
        floor_microseconds,
    })
    .into_iter()
    .chain(admission(entity))
    .collect()
}

/// An admission of 1 KB, as a French hospital sends one; all of it is invented.
const ADMISSION: &str = "MSH|^~\\&|GAM|CHU-DEMO^699000014^M|SLUICE|GHT|20260301090512||ADT^A01^ADT_A01|MSG0000001|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8\r\
EVN||20260301090512|||DUPUIS^Dupuis^Line|20260301090000\r\
PID|1||8009001^^^CHULY&699000014&M^PI||MARTIN-DEMO^ANNE^ANNE MARIE^^Mme^^L~DURAND-DEMO^Anne^^^Mme^^D||19800415|F|||12 rue des Lilas^^LYON^^69003^FRA^H~^^LYON^^69003^FRA^BDL^^69383||^PRN^PH^^^^^^^^^0472000000~^PRN^CP^^^^^^^^^0639980000|||M||9009001^^^CHULY&699000014&M^AN||||||||FRA||||||PROV\r\
NK1|1|DURAND-DEMO^Paul^^^M.^^L|SPO^Conjoint||^PRN^CP^^^^^^^^^0639980001||K^Personne de confiance\r\
PV1|1|I|3101^305^F^CHULY&699000014&M|R||3102^201^A^CHULY&699000014&M|99999990001^LEROY^Luc^^^Dr^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS|||181|||8|8|||99999990001^LEROY^Luc^^^Dr^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS||7009001^^^CHULY&699000014&M^VN|||||||||||||||||||||||||20260301090000\r\
PV2||||||||20260301090000|20260306\r\
ZBE|M0009001^CHULY^699000014^M|20260301090000||INSERT|N||^^^^^CHULY&699000014&M^UF^^^3101|^^^^^CHULY&699000014&M^UF^^^3101|HMS\r";

/// One admission to an EJ that knows nobody: index and apply, and the Patient and Encounter that it
/// makes, in both versions.
fn admission(entity: &LegalEntity) -> Vec<Stage> {
    /// Short enough that many of its passes are left alone by what else the machine does.
    const ROUNDS: usize = 20;
    const PASSES: usize = 500;
    let repeated = |mut once: Box<dyn FnMut() + '_>| {
        best_of(PASSES, ROUNDS, || {
            for _ in 0..ROUNDS {
                once();
            }
        })
    };
    let records = MemoryRecords::new();
    let outcome = || {
        let decoded = decode_message(ADMISSION.as_bytes(), entity.charset);
        let message = Message::index(&decoded.text).ok()?;
        let context = Context { entity, seq: Seq::new(1), received_at: Micros::new(1) };
        Some(apply(&message, &context, &records))
    };
    let applied = repeated(Box::new(|| drop(black_box(outcome()))));
    let scanned = repeated(Box::new(|| {
        black_box(memchr::memchr_iter(b'|', ADMISSION.as_bytes()).count());
    }));
    let mut stages = vec![Stage {
        name: "decode, index and apply an A01 of 1 KB",
        microseconds: applied,
        floor: "memchr over the same bytes",
        floor_microseconds: scanned,
    }];
    let changes = outcome().map(|outcome| outcome.changes).unwrap_or_default();
    let both: Vec<Record> = changes
        .into_iter()
        .filter_map(|change| match change {
            Change::Put(record @ (Record::Patient(_) | Record::Stay(_))) => Some(record),
            _ => None,
        })
        .collect();
    for (name, version) in [
        ("render its Patient and Encounter, R4", FhirVersion::R4),
        ("render its Patient and Encounter, R5", FhirVersion::R5),
    ] {
        let ready: Vec<serde_json::Value> = both
            .iter()
            .filter_map(|record| serde_json::from_slice(&render(record, entity, version)).ok())
            .collect();
        let microseconds = repeated(Box::new(|| {
            for record in &both {
                black_box(render(record, entity, version));
            }
        }));
        let floor_microseconds = repeated(Box::new(|| {
            for value in &ready {
                black_box(serde_json::to_vec(value).ok());
            }
        }));
        let floor = "serde_json on the same, ready";
        stages.push(Stage { name, microseconds, floor, floor_microseconds });
    }
    stages
}

/// The best of three passes, in microseconds an item.
fn per_item(items: usize, pass: impl FnMut()) -> f64 {
    best_of(3, items, pass)
}

fn best_of(passes: usize, items: usize, mut pass: impl FnMut()) -> f64 {
    (0..passes)
        .map(|_| {
            let began = Instant::now();
            pass();
            began.elapsed().as_secs_f64() * 1e6 / items.max(1) as f64
        })
        .fold(f64::INFINITY, f64::min)
}
