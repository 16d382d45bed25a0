//! The binary as a process: how it starts, stops, dies and refuses. What needs more rounds, load
//! or root is in `proofs/`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, ExitStatus, Output};
use std::time::{Duration, Instant};

use support::{CONFIG, Serving, run};

/// Longer than anything here takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

impl Serving {
    fn connect(&self) -> Sender {
        let stream = TcpStream::connect(self.mllp()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Sender { stream }
    }

    fn get(&self, path: &str) -> String {
        let url = format!("{}{path}", self.http());
        let request = ureq::get(&url).header("Accept", "application/fhir+ndjson");
        request.call().unwrap().body_mut().read_to_string().unwrap()
    }

    /// Orders a bulk export of the patients; the path of its job.
    fn ordered(&self) -> String {
        let url = format!("{}/fhir/R4/$export?_type=Patient", self.http());
        let answer = ureq::get(&url).header("Prefer", "respond-async").call().unwrap();
        assert_eq!(answer.status(), 202);
        let location = answer.headers()["content-location"].to_str().unwrap();
        location.strip_prefix(&self.http()).unwrap().to_owned()
    }

    /// The lines of the one file of a bulk export, once it is done.
    fn exported(&self, job: &str) -> String {
        let began = Instant::now();
        loop {
            let told = self.get(job);
            if !told.is_empty() {
                let manifest: serde_json::Value = serde_json::from_str(&told).unwrap();
                let url = manifest["output"][0]["url"].as_str().unwrap();
                // After a restart it listens elsewhere.
                return self.get(&url[url.find("/exports").unwrap()..]);
            }
            assert!(began.elapsed() < PATIENCE, "the export is not done");
            std::thread::yield_now();
        }
    }

    fn page(&self, path: &str) -> String {
        let url = format!("{}{path}", self.http());
        ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap()
    }

    /// Every patient that is served, with how often, once the fold has caught up.
    fn patients(&self) -> BTreeMap<String, usize> {
        let began = Instant::now();
        loop {
            let url = format!("{}/api/status", self.http());
            let status = ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap();
            let status: serde_json::Value = serde_json::from_str(&status).unwrap();
            if status["ready"] == true && status["ejs"][0]["lag"] == 0 {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "the fold does not catch up");
            std::thread::yield_now();
        }
        let mut found = BTreeMap::new();
        for line in self.get("/ej/EJ1/export/patients").lines() {
            let patient: serde_json::Value = serde_json::from_str(line).unwrap();
            let number = patient["identifier"][0]["value"].as_str().unwrap().to_owned();
            *found.entry(number).or_default() += 1;
        }
        found
    }

    /// kill -9.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn terminate(mut self) -> ExitStatus {
        let ask = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &ask]).status().unwrap().success());
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not stop");
            std::thread::yield_now();
        }
    }
}

struct Sender {
    stream: TcpStream,
}

impl Sender {
    fn send(&mut self, number: &str) {
        self.send_as(number, number);
    }

    /// With a control id of its own.
    fn send_as(&mut self, control_id: &str, number: &str) {
        let message = format!(
            "\x0bMSH|^~\\&|PROOF|PROOF|SLUICE|GHT|20260301120000||ADT^A28^ADT_A05|{control_id}|P|2.5\r\
             EVN||20260301120000\rPID|1||{number}^^^PROOF&699000014&M^PI||DOE^JANE||19700101|F\r\
             PV1|1|N\r\x1c\r"
        );
        self.stream.write_all(message.as_bytes()).unwrap();
    }

    /// Sends and waits for `AA`.
    fn exchange(&mut self, number: &str) {
        self.exchange_as(number, number);
    }

    fn exchange_as(&mut self, control_id: &str, number: &str) {
        self.send_as(control_id, number);
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"\x1c\r") {
            self.stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let accepted = format!("MSA|AA|{control_id}\r");
        assert!(
            String::from_utf8_lossy(&answer).contains(&accepted),
            "{control_id} was not accepted"
        );
    }
}

#[test]
fn the_demonstration_checks_itself_and_the_second_time_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let demo =
        ["demo", "--exit", "--data-dir", "data", "--http", "127.0.0.1:0", "--mllp-base", "0"];
    for again in [false, true] {
        let done = run(folder.path(), &demo);
        let said = String::from_utf8_lossy(&done.stdout);
        assert_eq!(code(&done), 0, "{said}");
        for kind in ["Encounter", "Location", "Organization", "Patient"] {
            let line = said.lines().find(|line| line.starts_with(kind)).unwrap();
            let counts: Vec<u64> =
                line.split_whitespace().skip(1).map(|count| count.parse().unwrap()).collect();
            let (changed, left) = (counts[0] + counts[1], counts[2]);
            assert!(if again { changed == 0 && left > 0 } else { left == 0 }, "{again}: {line}");
        }
    }
}

#[test]
fn what_is_generated_is_answered_as_the_generator_says() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path());
    let to = serving.mllp();
    let fault = ["bad-segment", "disorder", "duplicate", "lying-charset", "missing-field"];
    let faults = fault.map(|kind| format!("--fault={kind}=0.03"));
    let mut arguments = vec!["generate", "--patients", "60", "--to", to];
    arguments.extend(faults.iter().map(String::as_str));
    let done = run(folder.path(), &arguments);
    assert_eq!(code(&done), 0, "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn what_was_acknowledged_outlives_kill_9_and_has_its_effect_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..3 {
        let serving = Serving::start(folder.path());
        let mut sender = serving.connect();
        if round > 0 {
            // Sent before the kill, never answered: sent again, as hospital systems do.
            sender.exchange(&format!("P{}X", round - 1));
            acknowledged += 1;
        }
        for number in 0..40 {
            sender.exchange(&format!("P{round}N{number}"));
            acknowledged += 1;
        }
        sender.send(&format!("P{round}X"));
        serving.kill();
    }
    let serving = Serving::start(folder.path());
    let patients = serving.patients();
    assert!(patients.values().all(|times| *times == 1), "something is there twice");
    let kept = patients.keys().filter(|number| *number != "P2X").count();
    assert_eq!(kept, acknowledged, "of what was acknowledged");
    let report = run(folder.path(), &["verify", "--data-dir", "data", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["accepted"], patients.len(), "a message stands in the journal twice");
}

#[test]
fn an_export_that_was_killed_is_done_after_the_restart_and_one_that_was_done_stays() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path());
    let mut sender = serving.connect();
    (0..20).for_each(|number| sender.exchange(&format!("B{number}")));
    let done = serving.ordered();
    let before = serving.exported(&done);
    assert_eq!(before.lines().count(), 20);
    sender.exchange("C");
    // It waits for its cut (http.bulk.settle_ms), or is in the midst of it.
    let killed = serving.ordered();
    serving.kill();
    let serving = Serving::start(folder.path());
    assert!(serving.exported(&done) == before);
    assert_eq!(serving.exported(&killed).lines().count(), 21);
}

#[test]
fn a_walk_over_pages_goes_on_across_kill_9_while_the_feed_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(folder.path());
    let mut sender = serving.connect();
    for number in 0..30 {
        sender.exchange(&format!("W{number}"));
    }
    serving.patients();
    // By the key that every message changes, the newest first.
    let mut next = "/fhir/R4/Patient?family=doe&_sort=-_lastUpdated&_count=4".to_owned();
    let mut walked: Vec<String> = Vec::new();
    for turn in 0.. {
        let page: serde_json::Value = serde_json::from_str(&serving.page(&next)).unwrap();
        assert_eq!(page["total"], 30);
        let shown = page["entry"].as_array().unwrap().iter();
        walked.extend(shown.map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()));
        let links = page["link"].as_array().unwrap();
        let Some(link) = links.iter().find(|link| link["relation"] == "next") else { break };
        let link = link["url"].as_str().unwrap();
        next = link[link.find("/fhir/").unwrap()..].to_owned();
        // Known patients come again and new ones beside them; then it dies, and more of both come.
        for known in [turn, turn * 7 % 30, 29 - turn] {
            sender.exchange_as(&format!("A{turn}K{known}"), &format!("W{known}"));
        }
        sender.exchange(&format!("N{turn}"));
        serving.kill();
        serving = Serving::start(folder.path());
        sender = serving.connect();
        sender.exchange_as(&format!("B{turn}"), &format!("W{}", turn * 11 % 30));
        serving.patients();
    }
    assert_eq!(walked.len(), 30);
    let patients: std::collections::BTreeSet<&String> = walked.iter().collect();
    assert_eq!(patients.len(), 30, "shown twice");
}

#[test]
fn sigterm_ends_with_0_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path());
    let mut sender = serving.connect();
    for number in 0..20 {
        sender.exchange(&format!("T{number}"));
    }
    assert_eq!(serving.terminate().code(), Some(0));
    let verified = run(folder.path(), &["verify", "--data-dir", "data"]);
    assert_eq!(code(&verified), 0);
    assert_eq!(Serving::start(folder.path()).patients().len(), 20);
}

#[test]
fn a_second_process_on_the_folder_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path());
    let mut sender = serving.connect();
    sender.exchange("A");
    let arguments =
        ["serve", "--config", "proof.toml", "--data-dir", "data", "--http", "127.0.0.1:0"];
    assert_eq!(code(&run(folder.path(), &arguments)), 73);
    let rebuild = ["rebuild", "--config", "proof.toml", "--data-dir", "data"];
    assert_eq!(code(&run(folder.path(), &rebuild)), 73);
    sender.exchange("B");
    assert_eq!(serving.patients().len(), 2);
}

#[test]
fn nothing_listens_off_loopback_without_protection() {
    let folder = tempfile::tempdir().unwrap();
    let open = CONFIG.replace("127.0.0.1:0", "0.0.0.0:0");
    for (config, http) in [(CONFIG, "0.0.0.0:0"), (open.as_str(), "127.0.0.1:0")] {
        std::fs::write(folder.path().join("off.toml"), config).unwrap();
        let done = run(
            folder.path(),
            &["serve", "--config", "off.toml", "--data-dir", "data", "--http", http],
        );
        assert!(!String::from_utf8_lossy(&done.stdout).contains("ready"));
        assert!(matches!(code(&done), 73 | 78), "{http}");
    }
}

#[test]
fn check_tells_right_from_wrong_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let check = |config: &str| {
        std::fs::write(folder.path().join("one.toml"), config).unwrap();
        run(folder.path(), &["check", "--config", "one.toml"])
    };
    assert_eq!(code(&check(CONFIG)), 0);
    let wrong = check(&CONFIG.replace("address =", "adress ="));
    assert_eq!(code(&wrong), 1);
    assert!(String::from_utf8_lossy(&wrong.stdout).contains("adress"), "it names the key");
    assert_eq!(code(&run(folder.path(), &["check", "--no-such-flag"])), 2);
    assert_eq!(code(&run(folder.path(), &["serve", "--config", "nowhere.toml"])), 78);
    assert!(!folder.path().join("data").exists(), "a check makes nothing");
}

#[test]
fn inspect_shows_a_message_after_each_step_of_its_channel() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(
        folder.join("s.toml"),
        "[[ej]]\nid = \"EJ1\"\nname = \"One\"\n[[channel]]\nid = \"EJ1.mllp\"\nejs = [\"EJ1\"]\n\
         source = { type = \"mllp\", address = \"127.0.0.1:0\" }\n[[channel.step]]\ntype = \"set\"\nat = \"PV1-2\"\ntext = \"I\"\n\
         [[channel.step]]\ntype = \"filter\"\ndrop = { event = [\"A08\"] }\n",
    )
    .unwrap();
    let message = |event: &str| {
        format!(
            "MSH|^~\\&|A|F|||20260310||ADT^{event}|1|P|2.5\rEVN||20260310\r\
             PID|1||1^^^F||N^G\rPV1|1|X|||||||||||||||||9\r"
        )
    };
    std::fs::write(folder.join("m.hl7"), message("A01") + &message("A08")).unwrap();
    let arguments = ["inspect", "m.hl7", "--channel", "EJ1.mllp", "--config", "s.toml"];
    let output = run(folder, &arguments);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    for line in [
        "step 1    set: makes it\n  MSH",
        "PV1|1|I|",
        "step 2    filter: leaves it as it is\neffect    applied",
        "step 2 sets it aside",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let output = run(folder, &["inspect", "m.hl7", "--channel", "EJ2", "--config", "s.toml"]);
    assert_eq!(code(&output), 2);
}

#[test]
fn inspect_counts_what_the_guide_maps_and_what_of_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // PID-1 and PID-8 count for the guide or not; PID-11 is null, and nothing is there to delete.
    let message = "MSH|^~\\&|A|F|||20260310||ADT^A01|1|P|2.5\rEVN||20260310\r\
                   PID|1||1^^^F||N^G|||F|||\"\"\rPV1|1|I|||||||||||||||||9|SELF\r";
    std::fs::write(folder.join("m.hl7"), message).unwrap();
    let output = run(folder, &["inspect", "m.hl7", "--coverage", "--json"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let values: serde_json::Value = serde_json::from_str(&said).unwrap();
    let summary = values.as_array().and_then(|values| values.last()).unwrap();
    let pid = &summary["by_segment"]["PID"];
    assert_eq!(
        (&pid["populated"], &pid["null"], &pid["not_mapped"]),
        (&5.into(), &1.into(), &1.into())
    );
    let guide = &pid["guide_maps"];
    assert_eq!(guide["populated"], 3, "the number, the name, the sex: {guide}");
    assert_eq!((&guide["mapped_percent"], &guide["shown_percent"]), (&100.0.into(), &100.0.into()));
    // PV1-20 goes to a Coverage, and there is none.
    let guide = &summary["by_segment"]["PV1"]["guide_maps"];
    assert_eq!((&guide["mapped_percent"], &guide["shown_percent"]), (&100.0.into(), &66.7.into()));
}
