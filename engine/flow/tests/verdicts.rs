//! The verdict matrix, over a real socket: what a sender is told of each message.

mod support;

use sluice_channels::ack::Verdict;
use sluice_channels::{AckMode, MllpSettings};
use sluice_flow::{FlowSettings, Unserved};
use sluice_mappings::entity::LegalEntity;
use support::{Bench, Client, adt, entity, told, told_as};

/// A message with one field of MSH, or one segment, replaced.
fn with(field: usize, value: &str) -> String {
    let message = adt("A01", "7");
    let (msh, rest) = message.split_once('\r').expect("a message has lines");
    let mut fields: Vec<&str> = msh.split('|').collect();
    fields.resize(fields.len().max(field), "");
    fields[field - 1] = value;
    format!("{}\r{rest}", fields.join("|"))
}

fn without(segment: &str) -> String {
    let message = adt("A01", "7");
    let kept = message.split_inclusive('\r').filter(|line| !line.starts_with(segment));
    kept.collect()
}

/// MFN^M05 under that MSH-9, with these segments.
fn structure(msh9: &str, segments: &str) -> String {
    let message = with(9, msh9);
    let (msh, _) = message.split_once('\r').expect("a message has lines");
    format!("{msh}\r{segments}")
}

const MFI: &str = "MFI|LOC^^HL70175|APP_LOC_FRA|REP|||AL\r";
const MFE: &str = "MFE|MAD|||^^^^^D^^^^S1&APP&1&FINEJ|PL\rLOC|^^^^^D^^^^S1&APP&1&FINEJ||D|Ward\r";

/// `verdict`, as the sender of message 7 is told in original mode.
fn original(verdict: Verdict) -> (String, String, String) {
    let row = verdict.row();
    let condition = row.condition.map_or(String::new(), |condition| condition.code.to_string());
    told_as(row.original, "7", &condition)
}

#[tokio::test]
async fn each_message_gets_its_verdict_and_is_journaled_with_it() {
    let bench = Bench::new("MATRIX");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let cases = [
        (Verdict::Accepted, adt("A01", "7")),
        (Verdict::Accepted, with(12, "2.5^FRA^2.11")),
        (Verdict::Accepted, with(11, "P^I")),
        (Verdict::Accepted, with(18, "8859/15")),
        (Verdict::Accepted, adt("A01", "7").replace('\r', "\n")),
        (Verdict::Accepted, adt("A01", "7").replace('\r', "\r\n")),
        (Verdict::Accepted, adt("A08", "7").replace("PV1|", "ZZ1|")),
        (Verdict::Accepted, with(9, "ADT").replace("EVN||", "EVN|A01|")),
        (Verdict::Accepted, adt("A20", "7").replace("PID|", "NPU|")),
        (Verdict::Accepted, structure("MFN^M05^MFN_M05", &format!("{MFI}{MFE}"))),
        (Verdict::Accepted, structure("MFN^M05^MFM_M05", &format!("{MFI}{MFE}"))),
        (Verdict::Accepted, structure("MFN^M05", &format!("{MFI}{MFE}"))),
        (Verdict::MfiMissing, structure("MFN^M05", MFE)),
        (Verdict::MfeMissing, structure("MFN^M05", MFI)),
        (Verdict::EventUnsupported, structure("MFN^M02", &format!("{MFI}{MFE}"))),
        (Verdict::Unreadable, with(2, "")),
        (Verdict::Batch, format!("{}{}", adt("A01", "7"), adt("A01", "8"))),
        (Verdict::MessageTypeMissing, with(9, "")),
        (Verdict::MessageTypeUnsupported, with(9, "ORU^R01")),
        (Verdict::EventUnsupported, with(9, "ADT")),
        (Verdict::EventUnsupported, with(9, "ADT^A03*")),
        (Verdict::ProcessingIdMissing, with(11, "")),
        (Verdict::ProcessingIdUnsupported, with(11, "X")),
        (Verdict::TestMessage, with(11, "T")),
        (Verdict::TestMessage, with(11, "D")),
        (Verdict::VersionMissing, with(12, "")),
        (Verdict::VersionUnsupported, with(12, "3.0")),
        (Verdict::CharsetUnsupported, with(18, "ISO IR87")),
        (Verdict::PidMissing, without("PID")),
        (Verdict::PatientIdMissing, adt("A01", "7").replace("4711^^^SITE", "^^^SITE")),
        (Verdict::PatientIdMissing, adt("A01", "7").replace("4711^^^SITE", "\"\"")),
        (Verdict::Pv1Missing, without("PV1")),
        (Verdict::MrgMissing, adt("A40", "7").replace("MRG|", "ZZZ|")),
        (Verdict::MergedIdMissing, adt("A40", "7").replace("4712^^^SITE", "")),
    ];
    for (verdict, message) in cases {
        let case = format!("{verdict:?} for {message:?}");
        assert_eq!(client.ask(&message).await, original(verdict), "{case}");
        let record = bench.messages().pop().unwrap();
        assert_eq!(record.entry.verdict, verdict.number(), "{case}");
        assert_eq!(record.entry.payload, message.as_bytes(), "{case}");
    }
    for (control_id, verdict) in
        [("", Verdict::ControlIdMissing), (&*"9".repeat(200), Verdict::ControlIdTooLong)]
    {
        let row = verdict.row();
        let condition = row.condition.unwrap().code.to_string();
        let expected = told_as(row.original, control_id, &condition);
        assert_eq!(client.ask(&adt("A01", control_id)).await, expected);
    }
    for nothing in ["", "hello", "FHS|^~\\&", "PID|||1"] {
        let (code, control_id, _) = client.ask(nothing).await;
        assert_eq!((&*code, &*control_id), ("AR", ""), "{nothing:?}");
    }
    bench.folded(&running).await;
    bench.assert_metric("sluice_intake_verdicts_total{ej=\"MATRIX\",verdict=\"pid_missing\"} 1");
    bench.assert_metric("sluice_applied_total{ej=\"MATRIX\",effect=\"refused\"} 28");
    bench.assert_metric("sluice_events_total{event=\"A20\"} 1");
}

#[tokio::test]
async fn a_type_that_is_not_served_can_be_kept_unread() {
    let mut bench = Bench::new("UNREAD");
    bench.flow = FlowSettings { unserved: Unserved::Keep, ..FlowSettings::default() };
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&with(9, "ORU^R01")).await, told_as("AA", "7", ""));
    bench.folded(&running).await;
    assert_eq!(support::applied(bench.ej), Vec::<String>::new());
    assert_eq!(bench.messages()[0].entry.verdict, Verdict::KeptUnread.number());
}

#[tokio::test]
async fn test_messages_are_taken_where_the_ej_says_so() {
    let mut bench = Bench::new("TESTS");
    let settings = serde_json::json!({ "id": "TESTS", "name": "first", "test_messages": true });
    bench.entities = vec![entity(settings)];
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&with(11, "T")).await, told_as("AA", "7", ""));
}

#[tokio::test]
async fn the_answer_follows_msh_15_and_msh_16() {
    let bench = Bench::new("MODES");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let modes = |accept: &str, application: &str, control_id: &str| {
        let modes = format!("|P|2.5|||{accept}|{application}\r");
        adt("A01", control_id).replacen("|P|2.5\r", &modes, 1)
    };
    assert_eq!(client.ask(&modes("AL", "", "1")).await, told_as("CA", "1", ""));
    // Neither is answered; the next answer is to the third.
    client.send(modes("NE", "NE", "2").as_bytes()).await;
    client.send(modes("ER", "", "3").as_bytes()).await;
    assert_eq!(client.ask(&modes("NE", "AL", "4")).await, told_as("AA", "4", ""));
    let refused = modes("ER", "", "5").replace("ADT^", "ORU^");
    assert_eq!(client.ask(&refused).await, told_as("CR", "5", "200"));
    let silent = modes("SU", "", "6").replace("ADT^", "ORU^");
    client.send(silent.as_bytes()).await;
    assert_eq!(client.ask(&modes("SU", "", "7")).await, told_as("CA", "7", ""));
    bench.folded(&running).await;
    assert_eq!(support::applied(bench.ej), ["1", "2", "3", "4", "7"], "silence is not refusal");
}

#[tokio::test]
async fn a_listener_in_enhanced_mode_says_ca_to_everybody() {
    let mut bench = Bench::new("ENHANCED");
    bench.ack_mode = AckMode::Enhanced;
    let running = bench.start();
    let mut client = Client::to(&running).await;
    assert_eq!(client.ask(&adt("A01", "1")).await, told_as("CA", "1", ""));
}

#[tokio::test]
async fn an_acknowledgement_is_never_acknowledged() {
    let bench = Bench::new("PINGPONG");
    let running = bench.start();
    let mut client = Client::to(&running).await;
    client.send(adt("A01", "1").as_bytes()).await;
    let answer = client.answer().await.unwrap();
    client.send(answer.as_bytes()).await;
    assert_eq!(client.ask(&adt("A01", "2")).await, told_as("AA", "2", ""));
    assert_eq!(bench.messages().len(), 2, "answers are not kept");
    bench.assert_metric("sluice_intake_acknowledgements_ignored_total{ej=\"PINGPONG\"} 1");
}

#[tokio::test]
async fn a_frame_too_large_is_refused_once_with_its_own_control_id() {
    let mut bench = Bench::new("LARGE");
    bench.mllp = MllpSettings { frame_bytes_max: 1000, ..MllpSettings::default() };
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let large = [adt("A01", "big"), "NTE|||x\r".repeat(1000)].concat();
    assert_eq!(client.ask(&large).await, told_as("AR", "big", "104"));
    assert_eq!(client.ask(&adt("A01", "1")).await, told_as("AA", "1", ""));
}

#[tokio::test]
async fn a_message_is_never_filed_in_another_ej() {
    let mut bench = Bench::new("GHT1");
    let ej = |id: &str, finess: &str, name: &str| -> LegalEntity {
        entity(serde_json::json!({ "id": id, "name": id, "finess": finess, "msh4": [name] }))
    };
    bench.entities = vec![ej("GHT1", "699000014", "CHU"), ej("GHT2", "699000022", "CH")];
    let running = bench.start();
    let mut client = Client::to(&running).await;
    let from = |sender: &str| adt("A01", "7").replace("|SITE|SLUICE", &format!("|{sender}|SLUICE"));
    assert_eq!(client.ask(&from("CHU")).await, told_as("AA", "7", ""));
    assert_eq!(client.ask(&from("CH")).await, told_as("AA", "7", ""));
    assert_eq!(client.ask(&from("NOBODY")).await, told_as("AR", "7", "103"));
    let foreign = from("CHU").replace("4711^^^SITE", "4711^^^CH&699000022&M");
    client.send(foreign.as_bytes()).await;
    let answer = client.answer().await.unwrap();
    assert_eq!(told(&answer), told_as("AR", "7", "103"));
    assert!(answer.contains("\rERR||PID^1^3^1^4|103^"), "{answer}");
    bench.folded(&running).await;
    for entity in &bench.entities {
        assert_eq!(support::applied(entity.id()), ["7"]);
    }
}
