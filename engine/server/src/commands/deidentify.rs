//! `sluice deidentify`: a feed under surrogates.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use sha2::{Digest, Sha256};
use sluice_channels::steps::{KeyFileError, read_key};
use sluice_fixtures::feed::{Provenance, hex, messages};
use sluice_mappings::deidentify::{KEY_BYTES_MIN, Key, deidentify};

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
    let done: Vec<Vec<u8>> = feed.messages.iter().map(|one| deidentify(one, &key)).collect();
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

/// The key in a file; a new one, for nobody else to read, where there is no file.
///
/// # Errors
/// When it can be neither read nor made.
pub fn key(path: &Path) -> Result<Key, Failure> {
    match read_key(path) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
        read => return read.map_err(|error| Failure::new(NOT_SO, error.to_string())),
    }
    let bytes =
        make(path).map_err(|error| Failure::new(NOT_SO, format!("{}: {error}", path.display())))?;
    eprintln!("{}: a new key; whoever holds it can check guesses", path.display());
    Key::from_bytes(&bytes)
        .ok_or_else(|| Failure::new(NOT_SO, format!("{}: no key", path.display())))
}

fn make(path: &Path) -> Result<[u8; KEY_BYTES_MIN], Error> {
    let mut bytes = [0; KEY_BYTES_MIN];
    getrandom::fill(&mut bytes).map_err(|error| Error::other(error.to_string()))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_nobody_else_to_read_and_then_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.key");
        let (first, second) = (key(&path).ok().unwrap(), key(&path).ok().unwrap());
        assert_eq!(first.id(), second.id());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
