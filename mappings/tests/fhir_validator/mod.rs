//! An independent validator: structure, invariants, required bindings, dates, references.
//!
//! Needs `node` and the validator `fhirlint.mjs` with its packages installed beside it: at the
//! path in `SLUICE_FHIRLINT`, else in `target/fhirlint`. Skipped, and said so, where one is
//! missing.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the validator is a program that reads files, and a test says what it skips"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use sluice_mappings::fhir::FhirVersion;

pub fn validator() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fhirlint/fhirlint.mjs");
    let script = std::env::var_os("SLUICE_FHIRLINT").map_or_else(beside, PathBuf::from);
    let installed = script.parent().is_some_and(|folder| folder.join("npm/pkg").is_dir());
    let node = Command::new("node").arg("--version").output();
    (script.is_file() && installed && node.is_ok_and(|o| o.status.success())).then_some(script)
}

/// To be called where there is no [`validator`].
pub fn skipped() {
    println!("skipped: node and fhirlint.mjs with its packages (SLUICE_FHIRLINT) are needed");
}

/// Runs the validator over the resources; each is a file in a folder of its own, named for what
/// it is.
pub fn lint(script: &Path, of: &str, version: FhirVersion, resources: &[(String, Vec<u8>)]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(of).join(version.name());
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new("node");
    command.arg(script).arg(version.name());
    for (name, bytes) in resources {
        let file = folder.join(format!("{name}.json"));
        std::fs::write(&file, bytes).unwrap();
        command.arg(file);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let verdict = format!("files {} with issues 0", resources.len());
    assert!(output.status.success() && said.contains(&verdict), "{said}{errors}");
}
