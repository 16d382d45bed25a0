//! What no single key can tell: whether the configuration fits together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use sluice_channels::SourceSettings;
use sluice_channels::steps::{Steps, Test};
use sluice_channels::tls::TlsSettings;
use sluice_journal::SettingsError;
use sluice_mappings::entity::LegalEntity;

use crate::settings::Config;

/// A key as the whole configuration knows it, and what is wrong with its value.
pub type Wrong = (String, String);

/// Everything that does not fit; empty when all does. `name_of` tells how a channel is called.
pub fn check(config: &Config, name_of: &dyn Fn(usize) -> String) -> Vec<Wrong> {
    let mut found = Found { wrong: Vec::new(), name_of };
    entities(config, &mut found);
    channels(config, &mut found);
    ports(config, &mut found);
    folders(config, &mut found);
    reachable(config, &mut found);
    bounds(config, &mut found);
    found.wrong
}

struct Found<'a> {
    wrong: Vec<Wrong>,
    name_of: &'a dyn Fn(usize) -> String,
}

impl Found<'_> {
    fn add(&mut self, key: &str, what: String) {
        self.wrong.push((key.to_owned(), what));
    }
}

fn entities(config: &Config, found: &mut Found<'_>) {
    let mut ids = BTreeMap::new();
    let mut senders: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, ej) in config.ej.iter().enumerate() {
        if let Some(first) = ids.insert(ej.id, index) {
            found.add(&format!("ej.{index}.id"), format!("{} is already ej.{first}", ej.id));
        }
        if let Err(error) = LegalEntity::new(ej.clone()) {
            found.add(&format!("ej.{index}"), format!("{}: {error}", ej.id));
        }
        for (key, sender) in ej
            .msh4
            .iter()
            .map(|sender| ("msh4", sender.as_str()))
            .chain((!ej.finess.is_empty()).then_some(("finess", ej.finess.as_str())))
        {
            if let Some(first) = senders.insert(sender, index).filter(|first| *first != index) {
                found.add(
                    &format!("ej.{index}.{key}"),
                    format!("{sender:?} already tells ej.{first} ({}) apart", config.ej[first].id),
                );
            }
        }
    }
}

fn channels(config: &Config, found: &mut Found<'_>) {
    let mut ids = BTreeMap::new();
    for (index, channel) in config.channel.iter().enumerate() {
        let at = |key: &str| format!("channel.{index}.{key}");
        if let Some(first) = ids.insert(channel.id, index) {
            let first = (found.name_of)(first);
            found.add(&at("id"), format!("{} is already {first}", channel.id));
        }
        for problem in Steps::new(&channel.step).err().into_iter().flatten() {
            found.add(&at(&format!("step.{}.{}", problem.step, problem.key)), problem.what);
        }
        if let Some(Err(problem)) = channel.urgent_when.as_ref().map(Test::new) {
            found.add(&at(&format!("urgent_when.{}", problem.key)), problem.what);
        }
        for (place, destination) in channel.destination.iter().enumerate() {
            let key = |key: &str| at(&format!("destination.{place}.{key}"));
            for (named, what) in destination.problems() {
                found.add(&key(&named), what);
            }
            let name = destination.name();
            if channel.destination[..place].iter().any(|other| other.name() == name) {
                found.add(&key("name"), format!("{name} is already another destination's"));
            }
        }
        let tls = channel.mllp().and_then(|source| source.tls.as_ref());
        for (key, what) in tls.map(TlsSettings::problems).unwrap_or_default() {
            found.add(&at(&format!("source.tls.{key}")), what);
        }
        for (key, what) in source_problems(&channel.source, config) {
            found.add(&at(&format!("source.{key}")), what);
        }
        if channel.ejs.is_empty() {
            found.add(&at("ejs"), "names no EJ".to_owned());
        }
        for (place, ej) in channel.ejs.iter().enumerate() {
            if channel.ejs[..place].contains(ej) {
                found.add(&at("ejs"), format!("names {ej} twice"));
            }
            if !config.ej.iter().any(|declared| declared.id == *ej) {
                let known: Vec<&str> = config.ej.iter().map(|ej| ej.id.as_str()).collect();
                found.add(
                    &at("ejs"),
                    format!("{ej} is not a declared EJ (declared: {})", known.join(", ")),
                );
            }
        }
    }
}

/// What is wrong with a source that is no listener, and what does not fit the engine behind it.
fn source_problems(source: &SourceSettings, config: &Config) -> Vec<(&'static str, String)> {
    let (mut problems, message) = match source {
        SourceSettings::Mllp(_) => return Vec::new(),
        SourceSettings::Folder(source) => (source.problems(), source.message_bytes_max),
        SourceSettings::Http(source) => (source.problems(), source.message_bytes_max),
    };
    let entry = config.journal.entry_bytes_max;
    if message as u64 > entry {
        let what = format!(
            "{message} is over journal.entry_bytes_max ({entry}): such a message could not be kept"
        );
        problems.push(("message_bytes_max", what));
    }
    if let SourceSettings::Folder(source) = source {
        let most = config.flow.control_ids_max / 2;
        if source.messages_max as u64 > most {
            let what = format!(
                "{} is over half of flow.control_ids_max ({most}): a file that is read again after a \
                 crash would not be known again as a whole",
                source.messages_max
            );
            problems.push(("messages_max", what));
        }
    }
    problems
}

/// What could be reached from other machines without leave.
fn reachable(config: &Config, found: &mut Found<'_>) {
    let http = &config.http;
    if !http.address.ip().is_loopback() && !http.tls.is_set() {
        found.add(
            "http.address",
            format!(
                "{} can be reached from other machines, so it needs TLS: set http.tls.certificate \
                 and http.tls.key (PEM files), or listen on 127.0.0.1 behind a proxy that ends TLS",
                http.address
            ),
        );
    }
    for (index, channel) in config.channel.iter().enumerate() {
        let Some(source) = channel.mllp() else { continue };
        let open = source.tls.is_none() && !source.allow_plaintext_off_loopback;
        if !source.address.ip().is_loopback() && open {
            found.add(
                &format!("channel.{index}.source.address"),
                format!(
                    "{} can be reached from other machines, and MLLP without TLS is neither \
                     encrypted nor authenticated: write [source.tls], or set \
                     allow_plaintext_off_loopback = true if the network is trusted",
                    source.address
                ),
            );
        }
    }
}

/// Two channels on one folder would take each other's files.
fn folders(config: &Config, found: &mut Found<'_>) {
    let mut taken: Vec<(usize, &Path)> = Vec::new();
    for (index, channel) in config.channel.iter().enumerate() {
        let SourceSettings::Folder(source) = &channel.source else { continue };
        let other = taken.iter().find(|(_, other)| *other == source.path).map(|(other, _)| *other);
        if let Some(other) = other {
            let what = format!("is also the folder of {}", (found.name_of)(other));
            found.add(&format!("channel.{index}.source.path"), what);
        }
        taken.push((index, &source.path));
    }
}

/// Two sockets on one port; port 0 is a different one each time.
fn ports(config: &Config, found: &mut Found<'_>) {
    let mut taken: Vec<(String, SocketAddr)> =
        vec![("http.address".to_owned(), config.http.address)];
    for (index, channel) in config.channel.iter().enumerate() {
        let Some(address) = channel.mllp().map(|source| source.address) else { continue };
        if let Some((other, _)) = taken.iter().find(|(_, other)| clash(*other, address)) {
            let what = format!("{address} is also {other}");
            found.add(&format!("channel.{index}.source.address"), what);
        }
        taken.push((format!("that of {}", (found.name_of)(index)), address));
    }
}

fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port()
        && one.port() != 0
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}

fn bounds(config: &Config, found: &mut Found<'_>) {
    if let Err(SettingsError::OutOfRange { key, value, min, max }) = config.journal.check() {
        found.add(
            &format!("journal.{key}"),
            format!("{value} is out of range; it must lie between {min} and {max}"),
        );
    }
    for (section, problems) in [
        ("mllp", config.mllp.problems()),
        ("state", config.state.problems()),
        ("flow", config.flow.problems()),
        ("alerts", config.alerts.problems()),
    ] {
        for (key, what) in problems {
            found.add(&format!("{section}.{key}"), what);
        }
    }
    if let Err(error) = config.http.check() {
        found.add("http", error.to_string());
    }
    let (bulk, journal) = (config.http.bulk.free_floor_bytes, config.journal.free_floor_bytes);
    if bulk < journal {
        found.add(
            "http.bulk.free_floor_bytes",
            format!(
                "{bulk} is under journal.free_floor_bytes ({journal}): an export could take the \
                 space that messages need"
            ),
        );
    }
    let frame = config.mllp.frame_bytes_max as u64;
    let entry = config.journal.entry_bytes_max;
    if frame > entry {
        found.add(
            "mllp.frame_bytes_max",
            format!(
                "{frame} is over journal.entry_bytes_max ({entry}): such a frame could not be kept"
            ),
        );
    }
}
