//! Which `Host` (and `Origin`) is answered.
//!
//! A web page can have its own name resolve to 127.0.0.1 and then read a server that trusts
//! loopback. Its requests carry the page's name as `Host`, so on loopback only names that mean
//! loopback are answered.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The names that are answered.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    allowed: Vec<String>,
    loopback: bool,
}

/// `example.org:8080` → `example.org`; `[::1]:8080` → `[::1]`.
pub(crate) fn without_port(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon)
            if authority[colon + 1..].bytes().all(|b| b.is_ascii_digit())
                && (!authority[..colon].contains(':') || authority[..colon].ends_with(']')) =>
        {
            &authority[..colon]
        }
        _ => authority,
    }
}

impl Hosts {
    pub(crate) fn new(address: SocketAddr, allowed: &[String], public_base: &str) -> Self {
        let mut allowed: Vec<String> =
            allowed.iter().map(|name| name.to_ascii_lowercase()).collect();
        let loopback = address.ip().is_loopback();
        // Off loopback an empty list means any; the base alone must not close it.
        if (loopback || !allowed.is_empty())
            && let Some(host) = crate::settings::base_host(public_base)
        {
            allowed.push(host.to_ascii_lowercase());
        }
        Self { allowed, loopback }
    }

    /// Whether a `Host` header's value is answered.
    pub(crate) fn answers(&self, authority: &str) -> bool {
        let host = without_port(authority);
        if host.is_empty() || !host.bytes().all(is_host_byte) {
            return false;
        }
        let listed = self.allowed.iter().any(|name| name.eq_ignore_ascii_case(host));
        if self.loopback {
            listed || names_loopback(host)
        } else {
            listed || self.allowed.is_empty()
        }
    }

    /// Whether an `Origin` header's value is one of our own pages.
    pub(crate) fn is_own_origin(&self, origin: &str, host: &str) -> bool {
        let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        authority.is_some_and(|authority| {
            authority.eq_ignore_ascii_case(host)
                || self
                    .allowed
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(without_port(authority)))
        })
    }
}

fn names_loopback(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    match v6 {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback()),
        None => host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
    }
}

/// What may stand in a host: it is written into links, so nothing that JSON or a URL would read.
pub(crate) fn is_host_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(address: &str, allowed: &[&str], base: &str) -> Hosts {
        let allowed: Vec<String> = allowed.iter().map(|a| (*a).to_owned()).collect();
        Hosts::new(address.parse().unwrap(), &allowed, base)
    }

    #[test]
    fn on_loopback_a_rebound_name_is_not_answered() {
        let hosts = hosts("127.0.0.1:8080", &[], "");
        for own in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.0.0.2", "[::1]:8080"] {
            assert!(hosts.answers(own), "{own}");
        }
        for foreign in
            ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "10.0.0.1"]
        {
            assert!(!hosts.answers(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_listed_name_and_the_public_base_are_answered_on_loopback() {
        let hosts = hosts("127.0.0.1:8080", &["Fhir.Local"], "https://gw.example.org:8443/x");
        assert!(hosts.answers("fhir.local:1") && hosts.answers("GW.example.org"));
        assert!(!hosts.answers("other.example.org"));
    }

    #[test]
    fn off_loopback_any_name_is_answered_until_a_list_is_given() {
        assert!(hosts("0.0.0.0:8080", &[], "https://gw.example.org").answers("10.1.2.3:8080"));
        assert!(!hosts("0.0.0.0:8080", &["a.example"], "").answers("b.example"));
        assert!(!hosts("0.0.0.0:8080", &[], "").answers("a\"b"));
    }

    #[test]
    fn an_origin_is_ours_only_with_our_own_host() {
        let hosts = hosts("127.0.0.1:8080", &[], "");
        assert!(hosts.is_own_origin("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(!hosts.is_own_origin("http://127.0.0.1:9999", "127.0.0.1:8080"));
        assert!(!hosts.is_own_origin("null", "127.0.0.1:8080"));
    }
}
