//! Every combination of MSH-15 and MSH-16, of what becomes of the message and of what its channel
//! settles: what was answered, over real sockets. `docs/acknowledgement-cases.md` is what this saw.

mod support;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use sluice_channels::AckMode;
use sluice_channels::ack::AckWhen;
use sluice_journal::Refusal;
use sluice_mappings::hl7::Message;
use support::journal::Disk;
use support::{Bench, Client, adt, told};

const CODES: [&str; 5] = ["", "AL", "NE", "ER", "SU"];

/// What becomes of a message, and how the control id begins by which that comes.
const FATES: [(&str, &str); 6] = [
    ("applied", "OK"),
    ("in part", "PART"),
    ("no effect", "NOTHING"),
    ("set aside", "POISON"),
    ("refused for good", "REFUSED"),
    ("refused for now", "LATER"),
];

fn asking(control_id: &str, accept: &str, application: &str) -> String {
    let modes = format!("|P|2.5|||{accept}|{application}\r");
    adt("A01", control_id).replacen("|P|2.5\r", &modes, 1)
}

struct Play<'a> {
    bench: &'a Bench,
    client: Client,
    own: HashSet<String>,
}

impl Play<'_> {
    /// What was answered to one message, in order.
    async fn answers(&mut self, accept: &str, application: &str, fate: &str) -> String {
        let control_id = format!("{fate}-{accept}-{application}");
        let mut message = asking(&control_id, accept, application);
        match fate {
            "REFUSED" => message = message.replace("|ADT^", "|ORU^"),
            "LATER" => {
                let busy = Refusal::Busy { queued_bytes: 2, limit: 1 };
                self.bench.journal.disk(Disk::RefusesOnce(busy));
            }
            _ => {}
        }
        self.client.send(message.as_bytes()).await;
        // Whatever is owed to the message comes before the last that is owed to this one.
        let last = format!("END-{control_id}");
        self.client.send(asking(&last, "AL", "AL").as_bytes()).await;
        let mut codes = Vec::new();
        loop {
            let answer = self.client.answer().await.expect("an answer");
            let message = Message::index(&answer).expect("a message");
            let own = message.segment("MSH").field(10).text().into_owned();
            assert!(self.own.insert(own), "each answer has a control id of its own: {answer}");
            let (code, of, _) = told(&answer);
            if of == control_id {
                codes.push(code);
                continue;
            }
            assert_eq!(of, last);
            if code == "AA" {
                return if codes.is_empty() { "–".to_owned() } else { codes.join(", ") };
            }
        }
    }
}

async fn table(name: &str, ack_mode: AckMode, ack_when: AckWhen) -> String {
    let mut bench = Bench::new(name);
    (bench.ack_mode, bench.ack_when) = (ack_mode, ack_when);
    let running = bench.start();
    let client = Client::to(&running).await;
    let mut play = Play { bench: &bench, client, own: HashSet::new() };
    let mut table = String::from("| MSH-15 | MSH-16 |");
    for (fate, _) in FATES {
        write!(table, " {fate} |").expect("a String takes it");
    }
    table.push_str("\n|---|---|---|---|---|---|---|---|\n");
    for accept in CODES {
        for application in CODES {
            let name =
                |code: &str| if code.is_empty() { "empty".to_owned() } else { code.to_owned() };
            write!(table, "| {} | {} |", name(accept), name(application))
                .expect("a String takes it");
            for (_, fate) in FATES {
                write!(table, " {} |", play.answers(accept, application, fate).await)
                    .expect("a String takes it");
            }
            table.push('\n');
        }
    }
    table
}

const INTRODUCTION: &str = "# Every case of acknowledgement\n\n\
    What was answered over a socket, by MSH-15 and MSH-16 of the message (empty or a code of table 0155) and what became of it:\n\
    one table for each setting of its channel. `engine/flow/tests/modes.rs` plays all of them, and holds this page to what it saw.\n\
    `CA, AE` are two messages, the second when the message is applied; – is silence. [acknowledgement.md](acknowledgement.md) has the rules.\n";

#[tokio::test]
async fn every_combination_is_answered_as_documented() {
    let auto = "`ack_mode = \"auto\"`";
    let enhanced = "`ack_mode = \"enhanced\"`";
    let original = "`ack_mode = \"original\"`";
    let mut seen = INTRODUCTION.to_owned();
    for (when, suffix) in [(AckWhen::Stored, ""), (AckWhen::Applied, ", `ack_when = \"applied\"`")]
    {
        for (title, mode) in
            [(auto, AckMode::Auto), (enhanced, AckMode::Enhanced), (original, AckMode::Original)]
        {
            let name = format!("{mode:?}-{when:?}");
            let table = table(&name, mode, when).await;
            write!(seen, "\n## {title}{suffix}\n\n{table}").expect("a String takes it");
        }
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/acknowledgement-cases.md");
    let page = std::fs::read_to_string(page).expect("the documented cases");
    assert!(page == seen, "docs/acknowledgement-cases.md should be:\n{seen}\n(its end)");
}
