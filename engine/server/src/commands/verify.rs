//! `sluice verify`: the whole journal read, also beside a running server.

use std::process::ExitCode;

use sluice_channels::ack::Verdict;
use sluice_config::Config;
use sluice_flow::keys_of;
use sluice_ids::Lsn;
use sluice_journal::{Damage, EmbeddedJournal, Owner, VerifyReport, verify};

use crate::cli;
use crate::engine::{chain, holds_journal, journal_folder};
use crate::exit::{CANNOT_START, Failure, NOT_SO, Outcome, USAGE};

pub fn run(arguments: &cli::Verify) -> Outcome {
    let config = super::load(&arguments.config, None)?.config;
    let folder = journal_folder(&config);
    if !holds_journal(&folder) {
        return Err(Failure::new(
            NOT_SO,
            format!("{}: holds no journal", config.data_dir.display()),
        ));
    }
    if let (Some(id), Some(who), Some(reason)) =
        (&arguments.accept, &arguments.who, &arguments.reason)
    {
        return accept(&config, id, who, reason);
    }
    let report = verify(&folder, Some(keys_of()))
        .map_err(|e| Failure::new(NOT_SO, chain("reading the journal", &e)))?;
    if arguments.json {
        println!("{}", json(&report));
    } else {
        print(&report);
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(NOT_SO) })
}

fn print(report: &VerifyReport) {
    println!(
        "{} records in {} segments, up to record {}",
        report.records, report.segments, report.last_lsn
    );
    for (ej, span) in &report.ejs {
        println!("  {ej}: {} records, messages {} to {}", span.records, span.first, span.last);
    }
    for (verdict, count) in verdicts(report) {
        println!("  {count} messages: {verdict}");
    }
    for finding in &report.sidecars {
        println!(
            "sidecar of segment {}: {:?} (it is made again at the next start)",
            finding.segment, finding.fault
        );
    }
    if let Some(tail) = &report.unsynced {
        println!(
            "{} bytes that were never synced after byte {} of segment {}: nothing in them was acknowledged",
            tail.bytes, tail.offset, tail.segment
        );
    }
    if report.head_lsn.is_none() {
        println!("the head mark is missing: what was lost at the very end could go unseen");
    }
    for damage in &report.damages {
        print_damage(damage);
    }
    let open = report.damages.iter().filter(|damage| !damage.accepted).count();
    let accepted = report.damages.len() - open;
    println!(
        "{}",
        match (open, accepted) {
            (0, 0) => "all of it is sound".to_owned(),
            (0, _) => format!(
                "all of it is sound, but for {accepted} damaged place(s) that were accepted"
            ),
            _ => format!(
                "{open} damaged place(s) that nobody accepted: their EJs take no messages \
                 (`sluice verify --accept ID --who NAME --reason WHY`, with the server stopped)"
            ),
        }
    );
}

/// Messages by what their senders were told.
fn verdicts(report: &VerifyReport) -> Vec<(&'static str, u64)> {
    let name = |number| Verdict::from_number(number).map_or("unknown", Verdict::as_str);
    report.verdicts.iter().map(|(number, count)| (name(*number), *count)).collect()
}

fn accepted(report: &VerifyReport) -> u64 {
    let accepted = |number| Verdict::from_number(number).is_some_and(Verdict::is_accepted);
    report.verdicts.iter().filter(|(number, _)| accepted(*number)).map(|(_, count)| count).sum()
}

fn print_damage(damage: &Damage) {
    println!(
        "damage {}: {}, bytes {} to {} of segment {}, {} records{}",
        damage.id,
        damage.kind.as_str(),
        damage.id.offset,
        damage.end,
        damage.id.segment,
        damage.records(),
        if damage.accepted { " (accepted)" } else { "" }
    );
    for loss in &damage.losses {
        println!(
            "  {} {} messages after {} up to {}",
            loss.ej,
            if loss.certain { "lost" } else { "may have lost" },
            loss.after,
            loss.through
        );
    }
}

fn json(report: &VerifyReport) -> serde_json::Value {
    let damages: Vec<_> = report
        .damages
        .iter()
        .map(|damage| {
            let losses: Vec<_> = damage
                .losses
                .iter()
                .map(|l| {
                    serde_json::json!({
                        "ej": l.ej, "after": l.after, "through": l.through, "certain": l.certain,
                    })
                })
                .collect();
            serde_json::json!({
                "id": damage.id.to_string(), "kind": damage.kind.as_str(),
                "segment": damage.id.segment, "offset": damage.id.offset, "end": damage.end,
                "records": damage.records(), "losses": losses, "accepted": damage.accepted,
            })
        })
        .collect();
    serde_json::json!({
        "sound": report.is_sound(),
        "segments": report.segments,
        "records": report.records,
        "accepted": accepted(report),
        "messages": verdicts(report).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "last_lsn": report.last_lsn,
        "ejs": report.ejs.iter().map(|(ej, _)| ej).collect::<Vec<_>>(),
        "sidecars": report.sidecars.len(),
        "unsynced_bytes": report.unsynced.map_or(0, |tail| tail.bytes),
        "damages": damages,
    })
}

/// Journals the acceptance. The server must be stopped: the journal has one owner.
fn accept(config: &Config, id: &str, who: &str, reason: &str) -> Outcome {
    let id =
        id.parse().map_err(|_| Failure::new(USAGE, format!("--accept {id}: is no damage id")))?;
    let owner =
        Owner { watermark: Lsn::ZERO, keys_of: keys_of(), on_fault: std::sync::Arc::new(|_| {}) };
    let (journal, _) =
        EmbeddedJournal::open(&journal_folder(config), config.journal.clone(), owner)
            .map_err(|e| Failure::new(CANNOT_START, chain("the journal", &e)))?;
    let damage = journal
        .accept(id, who, reason)
        .map_err(|e| Failure::new(NOT_SO, chain("the damage is not accepted", &e)))?;
    journal.stop();
    print_damage(&damage);
    Ok(ExitCode::SUCCESS)
}
