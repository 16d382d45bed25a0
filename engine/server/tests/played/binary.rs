//! A feed's message, a listener that accepts everything, and what is refused.

use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::path::Path;

use crate::support::run;

/// Its exit code, and what it said on standard error.
pub fn refused(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
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
