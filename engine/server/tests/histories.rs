//! What was, told by the binary itself: messages over MLLP, histories over HTTP, and the same again
//! after a restart, since all of it comes from the journal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::Serving;

impl Serving {
    /// Sends messages one after another; each is accepted.
    fn send(&self, messages: &[String]) {
        let mut mllp = TcpStream::connect(&self.addresses["EJ1.mllp"]).unwrap();
        for message in messages {
            write!(mllp, "\x0b{message}\x1c\r").unwrap();
            let mut answer = Vec::new();
            let mut byte = [0];
            while !answer.ends_with(b"\x1c\r") {
                assert_eq!(mllp.read(&mut byte).unwrap(), 1, "closed in mid-answer");
                answer.push(byte[0]);
            }
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.contains("MSA|AA|") || answer.contains("MSA|CA|"), "{answer}");
        }
    }

    /// The answer once its first entry is about version `newest`: what is acknowledged is seen a
    /// moment later.
    fn history(&self, path: &str, newest: u64) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < deadline, "{path} never came to {newest}");
            let bundle = self.get(path);
            if bundle["entry"][0]["response"]["etag"] == format!("W/\"{newest}\"") {
                return bundle;
            }
            std::thread::yield_now();
        }
    }

    fn get(&self, path: &str) -> Value {
        let mut http = TcpStream::connect(&self.addresses["http"]).unwrap();
        write!(http, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        http.read_to_end(&mut answer).unwrap();
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        serde_json::from_slice(&answer[body..])
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&answer)))
    }
}

fn message(event: &str, number: u32, patient: &str, family: &str, more: &str) -> String {
    format!(
        "MSH|^~\\&|A|PROOF|B|C|20260301120{number:03}||ADT^{event}|H{number}|P|2.5\r\
         EVN||20260301120000\rPID|1||{patient}^^^PROOF&699000014&M^PI||{family}^Given\r{more}"
    )
}

/// Each entry as `METHOD Type version family`.
fn told(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().unwrap();
    let of = |entry: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let resource = &entry["resource"];
        format!(
            "{} {} {} {}",
            text(&entry["request"]["method"]),
            text(&resource["resourceType"]),
            text(&entry["response"]["etag"]),
            text(&resource["name"][0]["family"])
        )
    };
    entries.iter().map(of).collect()
}

#[test]
fn a_history_over_http_is_what_the_messages_made_and_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path());
    let stay = "PV1|1|I|W^1^1||||||||||||||||V1\r";
    serving.send(&[
        message("A28^ADT_A05", 1, "1", "Un", ""),
        message("A28^ADT_A05", 2, "2", "Deux", ""),
        message("A31^ADT_A05", 3, "1", "Uns", ""),
        message("A01^ADT_A01", 4, "2", "Deux", stay),
        message("A40^ADT_A39", 5, "1", "Uns", "MRG|2^^^PROOF&699000014&M^PI\r"),
    ]);
    // The journal's first record is the settings: the messages are 2 to 6.
    let path = "/fhir/R4/Patient/_history?_count=50";
    let patients = serving.history(path, 6);
    let lines = told(&patients);
    let of_merge: Vec<&String> = lines.iter().filter(|line| line.contains("W/\"6\"")).collect();
    assert_eq!(of_merge.len(), 2, "a merge is a version of both: {lines:?}");
    let kept: Vec<&str> =
        lines.iter().filter(|l| !l.contains("W/\"6\"")).map(|l| l.as_str()).collect();
    let order = |version: u64| kept.iter().position(|l| l.contains(&format!("W/\"{version}\"")));
    assert!(order(4) < order(3) && order(3) < order(2), "{lines:?}");
    for expected in
        ["PUT Patient W/\"4\" Uns", "POST Patient W/\"3\" Deux", "POST Patient W/\"2\" Un"]
    {
        assert!(kept.contains(&expected), "{expected}: {lines:?}");
    }
    // By pages of one, the same; and the stay has its place among all.
    let mut walked = Vec::new();
    let mut next = Some("/fhir/R4/Patient/_history?_count=1".to_owned());
    while let Some(path) = next.take() {
        let page = serving.get(&path);
        walked.extend(told(&page));
        let links = page["link"].as_array().unwrap();
        let link = links.iter().find(|link| link["relation"] == "next");
        next = link.map(|link| link["url"].as_str().unwrap().replace("http://localhost", ""));
    }
    assert_eq!(walked, lines);
    let all = told(&serving.get("/ej/EJ1/fhir/R5/_history?_count=100"));
    assert!(all.iter().any(|line| line.starts_with("POST Encounter W/\"5\"")), "{all:?}");

    drop(serving);
    let again = Serving::start(folder.path());
    assert_eq!(again.history(path, 6), patients, "it was killed, and tells the same");
}
