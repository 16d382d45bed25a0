//! The drawing in docs/ARCHITECTURE.md against what cargo says: edges go down only.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The crates from the top floor to the bottom one, as ARCHITECTURE.md draws them. A crate may
/// depend on any crate of a floor further down, never on one beside or above it.
const FLOORS: [&[&str]; 6] = [
    &["sluice-server"],
    &["sluice-config"],
    &["sluice-http", "sluice-flow", "sluice-fixtures"],
    &["sluice-state", "sluice-channels"],
    &["sluice-journal", "sluice-mappings"],
    &["sluice-ids"],
];

/// What a floor may not touch, whatever cargo would allow (DESIGN §2).
const FORBIDDEN: [(&str, &[&str]); 2] = [
    ("sluice-journal", &["sluice-mappings"]),
    (
        "sluice-mappings",
        &["tokio", "tracing", "metrics", "sled", "getrandom", "rustix", "parking_lot"],
    ),
];

#[test]
fn every_edge_between_our_crates_goes_down() {
    let floor_of: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(n, floor)| floor.iter().map(move |c| (*c, n)))
        .collect();
    let manifests = manifests();
    let names: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        floor_of.keys().copied().collect(),
        "crates of the workspace and the drawing"
    );
    for (name, dependencies) in &manifests {
        for dependency in dependencies {
            let Some(below) = floor_of.get(dependency.as_str()) else { continue };
            assert!(
                floor_of[name.as_str()] < *below,
                "{name} depends on {dependency}, which is not on a lower floor"
            );
        }
    }
}

#[test]
fn the_pure_crates_pull_in_nothing_impure() {
    let manifests = manifests();
    for (name, forbidden) in FORBIDDEN {
        for dependency in forbidden {
            assert!(
                !manifests[name].contains(*dependency),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn the_drawing_in_the_documents_names_the_same_floors() {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let drawn = text
        .lines()
        .skip_while(|line| !line.starts_with("```floors"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .map(|line| line.split_whitespace().filter(|w| *w != "↓").collect::<Vec<_>>())
        .filter(|floor| !floor.is_empty())
        .collect::<Vec<_>>();
    let short: Vec<Vec<&str>> = FLOORS
        .iter()
        .map(|floor| floor.iter().map(|c| c.trim_start_matches("sluice-")).collect())
        .collect();
    assert_eq!(drawn, short);
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Crate name → its normal (not dev) dependencies, from `cargo metadata`.
fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let normal = dependencies.iter().filter(|d| d["kind"].is_null());
            (text(&package["name"]), normal.map(|d| text(&d["name"])).collect())
        })
        .collect()
}
