//! `sluice deidentify`: a feed under surrogates.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use sha2::{Digest, Sha256};
use sluice_fixtures::deidentify::{Key, deidentify};
use sluice_fixtures::feed::{Provenance, hex, messages};

use super::whole_file::WholeFile;
use crate::cli;
use crate::exit::{Failure, NOT_SO, Outcome, USAGE};

pub fn run(arguments: &cli::Deidentify) -> Outcome {
    if arguments.output == Path::new("-") {
        let said = "--output -: goes to a file, so that its manifest can stand beside it";
        return Err(Failure::new(USAGE, said));
    }
    let feed = super::replay::read(&arguments.files)?;
    let key = key(&arguments.key)?;
    let done = deidentify(&feed.messages, &key);
    let mut file = Vec::new();
    for message in &done {
        file.extend_from_slice(message);
        let ended = matches!(message.last(), Some(b'\r' | b'\n'));
        file.extend_from_slice(if ended { b"\r" } else { b"\r\r" });
    }
    // A blank line inside a message would end it: such a feed is written in frames.
    if messages(file.clone()).len() != done.len() {
        file.clear();
        for message in &done {
            file.push(0x0b);
            file.extend_from_slice(message);
            file.extend_from_slice(b"\x1c\r");
        }
    }
    let manifest = json!({
        "made_by": "sluice deidentify",
        "sha256": hex(&Sha256::digest(&file)),
        "messages": done.len(),
    });
    let beside = Provenance::beside(&arguments.output);
    for (path, bytes) in [(&arguments.output, file), (&beside, manifest.to_string().into())] {
        WholeFile::write(path, &bytes)
            .map_err(|error| Failure::new(NOT_SO, format!("{}: {error}", path.display())))?;
    }
    println!("{} messages under surrogates in {}", done.len(), arguments.output.display());
    Ok(ExitCode::SUCCESS)
}

/// The key in a file, or a new one.
pub fn key(file: &Path) -> Result<Key, Failure> {
    let (key, made) =
        Key::open_or_make(file).map_err(|error| Failure::new(NOT_SO, error.to_string()))?;
    if made {
        eprintln!("{}: a new key; whoever holds it can check guesses", file.display());
    }
    Ok(key)
}
