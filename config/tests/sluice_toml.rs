//! `config/sluice.toml` shows every key, with its default; its examples can be used.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

use std::path::{Path, PathBuf};

use sluice_config::{Config, Sources, load};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sluice.toml")
}

fn leaves(prefix: &str, value: &toml::Value, out: &mut Vec<(String, toml::Value)>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                leaves(&key, value, out);
            }
        }
        other => out.push((prefix.to_owned(), other.clone())),
    }
}

#[test]
fn every_key_stands_in_the_file_with_its_default() {
    let file: toml::Table = std::fs::read_to_string(path()).unwrap().parse().unwrap();
    let default = toml::Value::try_from(Config::default()).unwrap();
    let (mut written, mut known) = (Vec::new(), Vec::new());
    leaves("", &toml::Value::Table(file), &mut written);
    leaves("", &default, &mut known);
    // EJs and channels have no default: they stand there as commented examples.
    known.retain(|(key, _)| key != "ej" && key != "channel");
    written.sort_by(|a, b| a.0.cmp(&b.0));
    known.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(written, known);
}

#[test]
fn every_key_has_its_reason_above_it() {
    let text = std::fs::read_to_string(path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let is_key = bare.split_once(" = ").is_some_and(|(key, _)| {
            !key.is_empty()
                && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
        });
        if is_key {
            let above = lines[at - 1];
            assert!(above.starts_with('#') && above.len() > 2, "line {}: {line}", at + 1);
        }
    }
    let told = text.matches("Default").count();
    let keys = text.lines().filter(|l| !l.starts_with('#') && l.contains(" = ")).count();
    assert!(told >= keys - 2, "{told} defaults are told for {keys} keys");
}

#[test]
fn the_examples_can_be_used_as_they_stand() {
    let text = std::fs::read_to_string(path()).unwrap();
    let example: Vec<String> = text
        .lines()
        .skip_while(|line| *line != "# [[ej]]")
        .map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned())
        .collect();
    let sources = Sources {
        text: Some(("the example", example.join("\n").replace("One block", "# One block"))),
        ..Sources::default()
    };
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.config.ej.len(), 1);
    assert_eq!(loaded.config.channel.len(), 3, "one for each kind of source");
    // Every key of an EJ and of a channel is shown.
    let shown = toml::Value::try_from(&loaded.config.ej[0]).unwrap();
    for (key, _) in shown.as_table().unwrap() {
        let needed = format!("{key} = ");
        // The site's tables stand in files of their own.
        let found = matches!(&**key, "authority" | "site")
            || example.iter().any(|line| line.starts_with(&needed));
        assert!(found, "[[ej]] {key} is not shown");
    }
    for channel in &loaded.config.channel {
        let shown = toml::Value::try_from(channel).unwrap();
        for (of, table) in [("channel", &shown), ("channel.source", &shown["source"])] {
            for (key, _) in table.as_table().unwrap() {
                let (value, table) = (format!("{key} = "), format!("[{of}.{key}]"));
                let shown = |line: &String| line.starts_with(&value) || line.contains(&table);
                assert!(example.iter().any(shown), "[{of}] {key}");
            }
        }
    }
}

#[test]
fn the_file_as_it_is_means_the_defaults() {
    let loaded = load(&Sources { file: Some(path()), ..Sources::default() }).unwrap();
    let (a, b) = (toml::Value::try_from(loaded.config), toml::Value::try_from(Config::default()));
    assert_eq!(a.unwrap(), b.unwrap());
}
