#![allow(dead_code, reason = "each test file uses its part")]
//! The binary, and an engine of it that serves.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// One EJ, whose authority numbers patients.
pub const CONFIG: &str = r#"
[[ej]]
id = "EJ1"
name = "Proof"
finess = "699000014"
[[ej.authority]]
namespace = "PROOF"
universal_id = "699000014"
system = "https://proof.example/ipp"
use = "patient"
[[channel]]
id = "EJ1.mllp"
ejs = ["EJ1"]
source = { type = "mllp", address = "127.0.0.1:0" }
"#;

/// The binary in `folder`, with nothing of this machine's own settings.
pub fn sluice(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    let ours = |(name, _): &(String, String)| name.starts_with("SLUICE_");
    for (name, _) in std::env::vars().filter(ours) {
        command.env_remove(name);
    }
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    sluice(folder, arguments).output().unwrap()
}

/// An engine in `folder/data`; killed when dropped.
pub struct Serving {
    pub child: Child,
    pub addresses: BTreeMap<String, String>,
}

impl Serving {
    pub fn start(folder: &Path) -> Self {
        std::fs::write(folder.join("proof.toml"), CONFIG).unwrap();
        let arguments =
            ["serve", "--config", "proof.toml", "--data-dir", "data", "--http", "127.0.0.1:0"];
        let mut command = sluice(folder, &arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut serving = Self { child, addresses: BTreeMap::new() };
        let said = BufReader::new(serving.child.stdout.take().unwrap());
        for line in said.lines().map(Result::unwrap) {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["listening", id, address] => {
                    serving.addresses.insert((*id).to_owned(), (*address).to_owned());
                }
                ["ready"] => return serving,
                _ => {}
            }
        }
        panic!("it ended before it was ready: {:?}", serving.child.wait());
    }

    pub fn mllp(&self) -> &str {
        &self.addresses["EJ1.mllp"]
    }

    pub fn http(&self) -> String {
        format!("http://{}", self.addresses["http"])
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
