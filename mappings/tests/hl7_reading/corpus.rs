//! Every message that lies beside the project, where there are any: never a panic, the same
//! bytes back, and how many defects.
#![allow(clippy::disallowed_methods, clippy::print_stdout)] // A test may; the crate may not.

use std::path::{Path, PathBuf};

use sluice_mappings::hl7::{Charset, Message, decode_message};

use crate::{oracle, walk};

fn shared(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let path = root.parent()?.join("shared").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no ../shared/{folder} beside the project");
    None
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_under(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "hl7") {
            found.push(path);
        }
    }
}

/// The messages of a file: each begins with a line that starts with `MSH`.
fn messages(raw: &[u8]) -> Vec<&[u8]> {
    let starts_line = |at: usize| at == 0 || matches!(raw[at - 1], b'\r' | b'\n' | 0x0B);
    let mut starts: Vec<_> =
        (0..raw.len()).filter(|at| raw[*at..].starts_with(b"MSH") && starts_line(*at)).collect();
    starts.push(raw.len());
    starts.windows(2).map(|pair| &raw[pair[0]..pair[1]]).collect()
}

#[test]
fn every_message_at_hand_is_read_and_written_back() {
    let mut files = Vec::new();
    for folder in ["messages", "feeds"] {
        if let Some(path) = shared(folder) {
            files_under(&path, &mut files);
        }
    }
    let (mut count, mut readable, mut with_defects, mut defects, mut lying, mut compared) =
        (0, 0, 0, 0, 0, 0);
    for file in &files {
        let raw = std::fs::read(file).unwrap();
        walk::everything(&raw, Charset::Utf8);
        for message in messages(&raw) {
            let found = walk::everything(message, Charset::Utf8);
            count += 1;
            readable += usize::from(found.readable);
            with_defects += usize::from(found.defects > 0);
            defects += found.defects;
            lying += usize::from(found.lie);
            compared += oracle_parts(message);
        }
    }
    println!(
        "{} files, {count} messages: {readable} readable, {with_defects} with {defects} defects, \
         {lying} whose charset lies; {compared} parts equal the oracle's",
        files.len()
    );
    assert!(files.is_empty() || readable > 2_700);
}

/// The message with CR for its line ends, as the oracle needs it.
fn oracle_parts(message: &[u8]) -> usize {
    let text = decode_message(message, Charset::Utf8).text.into_owned();
    let lines: Vec<_> = text.split(['\r', '\n']).filter(|line| !line.is_empty()).collect();
    let text = lines.join("\r");
    if oracle::is_served(&text) { oracle::compare(&text) } else { 0 }
}

#[test]
fn french_messages_keep_their_letters() {
    let Some(folder) = shared("messages/pam-fr") else { return };
    let raw = std::fs::read(folder.join("13_A28_ISO-8859-15.hl7")).unwrap();
    let decoded = decode_message(&raw, Charset::Utf8);
    assert_eq!((decoded.charset, decoded.lie), (Charset::Latin9, None));
    for text in ["Cœur", "L'HAŸ", "Œillet", "€"] {
        assert!(decoded.text.contains(text), "{text}");
    }
    let raw = std::fs::read(folder.join("04_A01_admission.hl7")).unwrap();
    let decoded = decode_message(&raw, Charset::Latin9);
    assert_eq!((decoded.charset, decoded.lie), (Charset::Utf8, None));
    let message = Message::index(&decoded.text).unwrap();
    assert_eq!(message.segment("PID").field(5).component(1).raw(), "BRÛLÉ-DÉMO");
    assert_eq!(message.defects(), []);
}
