//! Messages of other programs: a simulator, and public projects.

use std::path::Path;

use sluice_channels::ack::{AckMode, AckWhen, Terms, When, is_acknowledgement};
use sluice_mappings::hl7::MshRaw;

use super::{Road, demo, ej1, messages, shared};
use crate::support::Client;

/// Messages that are not ours to keep in the repository; they are beside it where it is worked on.
#[tokio::test]
async fn a_simulators_feed_is_answered_ca_from_end_to_end() {
    let Some(feed) = shared("feeds/simulated-hospital-adt.hl7") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let demo = demo();
    let road = Road::open(&folder.path().join("journal"), &folder.path().join("state"), &demo);
    let mut client = road.client(ej1()).await;
    let messages = messages(&std::fs::read(feed).expect("a feed"));
    for (n, message) in messages.iter().enumerate() {
        client.send(message).await;
        let (code, control_id, _) =
            crate::support::told(&client.answer().await.expect("an answer"));
        let sent = MshRaw::find(message).expect("a header").control_id();
        assert_eq!((&*code, control_id.as_bytes()), ("CA", sent), "message {n}");
    }
    assert_eq!(messages.len(), 2737);
    road.folded().await;
    road.close().await;
}

#[tokio::test]
async fn messages_of_public_projects_are_answered_under_their_own_control_ids() {
    let Some(folder_of_messages) = shared("messages/public") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let demo = demo();
    let road = Road::open(&folder.path().join("journal"), &folder.path().join("state"), &demo);
    let mut client = road.client(ej1()).await;
    let mut folders = vec![folder_of_messages];
    let mut answered = 0;
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "hl7") {
                let file = std::fs::read(&path).expect("a file");
                answered += usize::from(answer_of_its_own(&mut client, &file, &path).await);
            }
        }
    }
    assert!(answered > 100, "{answered} answered");
    road.folded().await;
    road.close().await;
}

/// Sends a file as one frame; false where its sender wants no answer to it.
async fn answer_of_its_own(client: &mut Client, file: &[u8], path: &Path) -> bool {
    // What the decoder would take for a frame's end or start is not a frame's content.
    let frame: Vec<u8> = file.iter().copied().filter(|b| !matches!(b, 0x0B | 0x1C)).collect();
    let msh = MshRaw::find(&frame);
    let terms = Terms::of(AckMode::Auto, AckWhen::Stored, msh.as_ref());
    let always = if terms.is_twofold() { terms.accept } else { terms.application };
    if always != When::Always || msh.is_some_and(|msh| is_acknowledgement(&msh, &frame)) {
        return false;
    }
    client.send(&frame).await;
    let answer = client.answer().await.unwrap_or_else(|| panic!("closed at {}", path.display()));
    let (code, control_id, condition) = crate::support::told(&answer);
    let sent = msh.map_or(&b""[..], |msh| msh.control_id());
    assert_eq!(
        control_id.as_bytes(),
        String::from_utf8_lossy(sent).as_bytes(),
        "{}",
        path.display()
    );
    assert!(matches!(&*code, "AA" | "AE" | "AR" | "CA" | "CE" | "CR"), "{}", path.display());
    assert_ne!(condition, "207", "nothing is transient here: {}", path.display());
    if code == "CA" && terms.application == When::Always {
        let answer = crate::support::told(&client.answer().await.expect("told when it is applied"));
        assert_eq!(answer.1, control_id, "{}", path.display());
        assert!(matches!(&*answer.0, "AA" | "AE"), "{} {}", answer.0, path.display());
    }
    true
}
