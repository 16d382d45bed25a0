//! Where each EJ's feed is sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::super::resolve;
use crate::exit::{Failure, USAGE};

/// One listener for each of `ejs`: the one that was named for it, or the one that was named for all.
pub fn of(to: &[String], ejs: &[String]) -> Result<BTreeMap<String, SocketAddr>, Failure> {
    let usage = |why: String| Failure::new(USAGE, why);
    let mut listeners = BTreeMap::new();
    let mut other = None;
    for listener in to {
        let (ej, address) = match listener.split_once('=') {
            Some((ej, address)) => (Some(ej), address),
            None => (None, &**listener),
        };
        if let Some(ej) = ej.filter(|ej| !ejs.iter().any(|known| known == ej)) {
            let generated = ejs.join(", ");
            return Err(usage(format!(
                "--to {listener}: {ej} is not generated, only {generated} (--ej)"
            )));
        }
        let address = resolve("--to", address)?;
        let before = match ej {
            Some(ej) => listeners.insert(ej.to_owned(), address),
            None => other.replace(address),
        };
        if before.is_some() {
            let whom = ej.unwrap_or("every EJ");
            return Err(usage(format!("--to {listener}: a listener for {whom} was named before")));
        }
    }
    for ej in ejs {
        if let (false, Some(address)) = (listeners.contains_key(ej), other) {
            listeners.insert(ej.clone(), address);
        }
        if !listeners.contains_key(ej) {
            return Err(usage(format!("--to: no listener was named for {ej}")));
        }
    }
    Ok(listeners)
}
