//! What a FHIR client sees of an EJ, before and after.

use std::collections::BTreeMap;

use serde::Deserialize;
use sluice_fixtures::audit::Engine;
use sluice_fixtures::demo::DemoFeed;
use sluice_fixtures::replay::Replayed;

use crate::exit::{Failure, NOT_SO};

pub const STATUSES: [&str; 6] =
    ["planned", "in-progress", "onleave", "finished", "cancelled", "entered-in-error"];

/// The resources of one EJ, from its exports.
pub struct Seen {
    pub patients: u64,
    pub active: u64,
    pub stays: BTreeMap<String, u64>,
    pub rooms_and_beds: u64,
    /// By type and id, its version.
    versions: BTreeMap<(String, String), String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource_type: String,
    id: String,
    meta: Option<Meta>,
    active: Option<bool>,
    status: Option<String>,
    physical_type: Option<Concept>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    version_id: Option<String>,
}

#[derive(Deserialize)]
struct Concept {
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    code: Option<String>,
}

impl Seen {
    pub fn of(engine: &Engine, ej: &str) -> Result<Self, Failure> {
        let mut seen = Self {
            patients: 0,
            active: 0,
            stays: BTreeMap::new(),
            rooms_and_beds: 0,
            versions: BTreeMap::new(),
        };
        for export in ["structure", "patients", "venues"] {
            engine
                .export(ej, export, |resource| seen.add(resource))
                .map_err(|error| Failure::new(NOT_SO, error.to_string()))?;
        }
        Ok(seen)
    }

    fn add(&mut self, resource: Resource) {
        match &*resource.resource_type {
            "Patient" => {
                self.patients += 1;
                self.active += u64::from(resource.active == Some(true));
            }
            "Encounter" => {
                *self.stays.entry(resource.status.unwrap_or_default()).or_default() += 1;
            }
            "Location" => {
                let codings = resource.physical_type.into_iter().flat_map(|kind| kind.coding);
                let mut codes = codings.filter_map(|coding| coding.code);
                let counts = codes.any(|code| matches!(&*code, "ro" | "bd"));
                self.rooms_and_beds += u64::from(counts);
            }
            _ => {}
        }
        let version = resource.meta.and_then(|meta| meta.version_id).unwrap_or_default();
        self.versions.insert((resource.resource_type, resource.id), version);
    }
}

/// What a seeding did, by resource type.
#[derive(Default)]
pub struct Seeded(BTreeMap<String, Counts>);

#[derive(Default)]
struct Counts {
    created: u64,
    updated: u64,
    left: u64,
}

impl Seeded {
    /// Of all EJs together.
    pub fn between(before: &[Seen], after: &[Seen]) -> Self {
        let mut seeded = Self::default();
        for (before, after) in before.iter().zip(after) {
            for (resource, version) in &after.versions {
                let counts = seeded.0.entry(resource.0.clone()).or_default();
                match before.versions.get(resource) {
                    None => counts.created += 1,
                    Some(known) if known != version => counts.updated += 1,
                    Some(_) => counts.left += 1,
                }
            }
        }
        seeded
    }
}

pub fn print_seeded(seeded: &Seeded) {
    println!("\n{:<14} {:>8} {:>8} {:>8}", "", "created", "updated", "left");
    for (kind, counts) in &seeded.0 {
        println!("{kind:<14} {:>8} {:>8} {:>8}", counts.created, counts.updated, counts.left);
    }
}

pub fn print_table(feeds: &[DemoFeed], answered: &[Replayed], seen: &[Seen]) {
    println!(
        "\n{:<5} {:>8} {:<12} {:>13} {:>8} {:>7} {:>8} {:>12} {:>8} {:>9} {:>10}",
        "EJ",
        "messages",
        "answers",
        "rooms, beds",
        "patients",
        "active",
        "planned",
        "in progress",
        "on leave",
        "finished",
        "cancelled"
    );
    for ((feed, answered), seen) in feeds.iter().zip(answered).zip(seen) {
        let answers: Vec<String> =
            answered.answers.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let stays = |status: &str| seen.stays.get(status).copied().unwrap_or(0);
        println!(
            "{:<5} {:>8} {:<12} {:>13} {:>8} {:>7} {:>8} {:>12} {:>8} {:>9} {:>10}",
            feed.ej,
            answered.messages,
            answers.join(", "),
            seen.rooms_and_beds,
            seen.patients,
            seen.active,
            stays("planned"),
            stays("in-progress"),
            stays("onleave"),
            stays("finished"),
            stays("cancelled"),
        );
    }
}
