//! What no single key can tell: whether the configuration fits together.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sluice_channels::steps::Steps;
use sluice_channels::tls::TlsSettings;
use sluice_journal::SettingsError;
use sluice_mappings::entity::LegalEntity;

use crate::problem::Problem;
use crate::settings::Config;

/// Everything that does not fit; empty when all does. `source_of` tells where a key was set.
pub fn check(config: &Config, source_of: &dyn Fn(&str) -> String) -> Vec<Problem> {
    let mut found = Found { problems: Vec::new(), source_of };
    entities(config, &mut found);
    listeners(config, &mut found);
    ports(config, &mut found);
    reachable(config, &mut found);
    bounds(config, &mut found);
    found.problems
}

struct Found<'a> {
    problems: Vec<Problem>,
    source_of: &'a dyn Fn(&str) -> String,
}

impl Found<'_> {
    fn add(&mut self, key: &str, what: String) {
        let source = (self.source_of)(key);
        self.problems.push(Problem { key: key.to_owned(), source, what, nearest: None });
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

fn listeners(config: &Config, found: &mut Found<'_>) {
    let mut ids = BTreeMap::new();
    for (index, listener) in config.listener.iter().enumerate() {
        if let Some(first) = ids.insert(listener.id, index) {
            found.add(
                &format!("listener.{index}.id"),
                format!("{} is already listener.{first}", listener.id),
            );
        }
        for problem in Steps::new(&listener.step).err().into_iter().flatten() {
            let key = format!("listener.{index}.step.{}.{}", problem.step, problem.key);
            found.add(&key, problem.what);
        }
        for (key, what) in listener.tls.as_ref().map(TlsSettings::problems).unwrap_or_default() {
            found.add(&format!("listener.{index}.tls.{key}"), what);
        }
        if listener.ejs.is_empty() {
            found.add(&format!("listener.{index}.ejs"), "names no EJ".to_owned());
        }
        for (place, ej) in listener.ejs.iter().enumerate() {
            if listener.ejs[..place].contains(ej) {
                found.add(&format!("listener.{index}.ejs"), format!("names {ej} twice"));
            }
            if !config.ej.iter().any(|declared| declared.id == *ej) {
                let known: Vec<&str> = config.ej.iter().map(|ej| ej.id.as_str()).collect();
                found.add(
                    &format!("listener.{index}.ejs"),
                    format!("{ej} is not a declared EJ (declared: {})", known.join(", ")),
                );
            }
        }
    }
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
    for (index, listener) in config.listener.iter().enumerate() {
        let open = listener.tls.is_none() && !listener.allow_plaintext_off_loopback;
        if !listener.address.ip().is_loopback() && open {
            found.add(
                &format!("listener.{index}.address"),
                format!(
                    "{} can be reached from other machines, and MLLP without TLS is neither \
                     encrypted nor authenticated: write [listener.tls], or set \
                     allow_plaintext_off_loopback = true if the network is trusted",
                    listener.address
                ),
            );
        }
    }
}

/// Two sockets on one port; port 0 is a different one each time.
fn ports(config: &Config, found: &mut Found<'_>) {
    let mut taken: Vec<(String, SocketAddr)> = vec![("http.address".into(), config.http.address)];
    for (index, listener) in config.listener.iter().enumerate() {
        let key = format!("listener.{index}.address");
        let address = listener.address;
        if let Some((other, _)) = taken.iter().find(|(_, other)| clash(*other, address)) {
            found.add(&key, format!("{address} is also {other}"));
        }
        taken.push((key, address));
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
