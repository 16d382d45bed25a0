//! The binary, an engine of it that serves, and a listener that accepts everything.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const CONFIG: &str = r#"
[[ej]]
id = "EJ1"
name = "Proof"
finess = "699000014"
[[ej.authority]]
namespace = "PROOF"
universal_id = "699000014"
system = "https://proof.example/ipp"
use = "patient"
[[listener]]
id = "EJ1.mllp"
ejs = ["EJ1"]
address = "127.0.0.1:0"
"#;

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

/// Its exit code, and what it said on standard error.
pub fn refused(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

/// An engine in `folder/data`; killed when dropped.
pub struct Serving {
    child: Child,
    addresses: BTreeMap<String, String>,
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

pub fn message(event: &str, number: usize, patient: usize, more: &str) -> String {
    format!(
        "MSH|^~\\&|A|PROOF|B|C|20260301120{:03}||ADT^{event}|P{number}|P|2.5\r\
         EVN||20260301120000\rPID|1||{patient}^^^PROOF&699000014&M^PI||PERSON^Given\r{more}\r",
        number % 1000
    )
}

/// A listener that accepts everything; where it listens.
pub fn accepting() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    received.extend_from_slice(&buffer[..read]);
                    while let Some(end) = received.windows(2).position(|two| two == b"\x1c\r") {
                        let message = String::from_utf8_lossy(&received[1..end]).into_owned();
                        received.drain(..end + 2);
                        let id = message.split('|').nth(9).unwrap_or_default();
                        let answer = format!("\x0bMSH|^~\\&|\rMSA|AA|{id}\r\x1c\r");
                        stream.write_all(answer.as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    address
}
