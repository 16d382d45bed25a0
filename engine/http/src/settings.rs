//! `[http]`: where the HTTP face listens and the ceiling on everything that it takes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sluice_mappings::fhir::FhirVersion;

pub use crate::bulk::BulkSettings;

/// `[http]`. Every limit has its unit in its name; each refusal is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Where to listen. Default `127.0.0.1:8080`: this machine only. Any other address is refused
    /// at start without `[http.tls]` and at least one token.
    pub address: SocketAddr,
    /// The URL under which clients reach the server, without a trailing slash, e.g.
    /// `https://fhir.example.org/sluice`. Default empty: taken from each request's `Host`, which
    /// is right without a proxy. Links in Bundles start with it.
    pub public_base: String,
    /// Take `Forwarded` (RFC 7239), or else `X-Forwarded-Proto` and `-Host`, and
    /// `X-Forwarded-Prefix` for links. Default `false`: only a proxy that overwrites them makes them
    /// trustworthy.
    pub trust_forwarded: bool,
    /// `Host` names that are answered, without port. Default empty: on loopback `localhost` and
    /// loopback addresses only (a web page that rebinds its name to 127.0.0.1 gets nothing),
    /// elsewhere any. The host of `public_base` is always one of them.
    pub allowed_hosts: Vec<String>,
    /// Who must show a token: `auto` (default: everyone, except on loopback while no token has
    /// ever been created) or `required` (everyone, always).
    pub authentication: Authentication,
    /// Most connections at once. Default 1024: each costs about 10 KB.
    pub connections_max: usize,
    /// Most connections at once from one address. Default 512, so that one client cannot take
    /// every place; raise it to `connections_max` behind a proxy.
    pub connections_per_peer_max: usize,
    /// Longest wait for a request's complete header, and for the next request on an idle
    /// connection, in milliseconds. Default 15000: against senders that drip bytes.
    pub header_timeout_ms: u64,
    /// Longest wait for a request's complete body, in milliseconds. Default 10000.
    pub body_timeout_ms: u64,
    /// Longest time that a client may leave an answer unread, in milliseconds. Default 30000: an
    /// export takes as long as it takes, provided that it moves.
    pub write_stall_timeout_ms: u64,
    /// Longest TLS handshake, in milliseconds. Default 5000.
    pub handshake_timeout_ms: u64,
    /// Longest wait for requests under way when stopping, in milliseconds. Default 5000.
    pub stop_timeout_ms: u64,
    /// Largest request header, in bytes. Default 32768 (the least that is taken is 8192).
    pub header_bytes_max: usize,
    /// Longest request target (path and query), in bytes. Default 16384: a longer search goes by
    /// `POST _search`; next links stay within it.
    pub uri_bytes_max: usize,
    /// Largest request body, in bytes. Default 65536: only searches, operations and batches have
    /// one.
    pub body_bytes_max: usize,
    /// Resources on a page when `_count` is absent. Default 20.
    pub page_count_default: u32,
    /// Most resources on a page; a larger `_count` gets this. Default 1000.
    pub page_count_max: u32,
    /// Most messages that are folded again for one page of a type's or a system's history; a page
    /// that needs more is shorter, and its next link goes on. Default 8192: less than a second.
    pub history_messages_max: usize,
    /// Most entries of a batch. Default 100: each may cost as much as a request.
    pub batch_entries_max: usize,
    /// What the answers to a batch's entries may come to, in bytes; the entries after that are
    /// refused. Default 16777216 (16 MiB): it is made whole before it is sent.
    pub batch_bytes_max: usize,
    /// Most resources that `_include` and `_revinclude` add to a page; what is beyond is told in an
    /// entry of its own. Default 1000.
    pub included_max: u32,
    /// Searches that may walk a whole index (all but those by `_id`, `identifier` or `patient`) at
    /// the same time; others wait. Default 2: they share the processors with the feed.
    pub wide_searches_max: usize,
    /// What becomes of a search parameter that is not known here where `Prefer: handling=` does not
    /// say: `lenient` (default: left out, and told in an entry of its own) or `strict` (refused).
    pub search_handling: SearchHandling,
    /// Compress answers of at least this many bytes when the client takes zstd or gzip. Default
    /// 4096: one resource is not worth its 30 µs.
    pub compress_bytes_min: usize,
    /// Exports that may build chunks at the same time. Default 1: the feed comes first.
    pub export_builders_max: usize,
    /// Send `Server-Timing` (auth, store, render, total; milliseconds) with FHIR answers and
    /// exports. Default `true`: browsers and proxies show it.
    pub server_timing: bool,
    /// Send `X-Process-Time`, `X-Store-Time`, `X-FHIR-Route-Time` (milliseconds), `X-Cache` and
    /// `X-Cache-Hit-Rate` with FHIR answers and exports. Default `true`: who asks why an answer was
    /// slow sees it in the answer; a few hundred nanoseconds and 120 bytes.
    pub timing_headers: bool,
    pub tls: TlsSettings,
    pub cache: CacheSettings,
    pub bulk: BulkSettings,
}

/// Who must show a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// Everyone, except on loopback while no token has ever been created.
    #[default]
    Auto,
    /// Everyone, always.
    Required,
}

/// What becomes of a search parameter that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchHandling {
    /// It is left out, which the answer says.
    #[default]
    Lenient,
    /// The search is refused.
    Strict,
}

/// `[http.tls]`: both empty (default) is plain HTTP. TLS 1.2 and 1.3.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// PEM file with the certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// PEM file with its private key (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
}

/// `[http.cache]`: rendered resources, export chunks and pages of searches, kept as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheSettings {
    /// Keep rendered bytes. Default `true`; `false` renders every answer anew (to compare).
    pub enabled: bool,
    /// Rendered resources, in bytes. Default 67108864 (64 MiB, about 40 000 resources).
    pub resource_bytes_max: usize,
    /// Export chunks, plain and compressed, in bytes. Default 268435456 (256 MiB): compressed
    /// exports of a million resources, or plain ones of about 100 000. One that does not hold the
    /// whole export still answers, but builds each time what it could not keep.
    pub chunk_bytes_max: usize,
    /// Whole pages of searches, as they go out, in bytes. Default 33554432 (32 MiB): some 1 000
    /// pages of 20 Patients.
    pub page_bytes_max: usize,
    /// Versions of FHIR whose exports are built (as gzip) after a start, `R4`, `R5`, both or none.
    /// Default `["R4"]`: the first export of the day is as quick as the second; 1 to 2 s of one
    /// processor for 100 000 patients, in the background.
    pub warm: Vec<String>,
    /// How long rendered bytes are good for, in milliseconds, even if nothing changed. Default 0:
    /// for ever, since a change is seen at once whatever stands here.
    pub ttl_ms: u64,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_base: String::new(),
            trust_forwarded: false,
            allowed_hosts: Vec::new(),
            authentication: Authentication::Auto,
            connections_max: 1024,
            connections_per_peer_max: 512,
            header_timeout_ms: 15_000,
            body_timeout_ms: 10_000,
            write_stall_timeout_ms: 30_000,
            handshake_timeout_ms: 5_000,
            stop_timeout_ms: 5_000,
            header_bytes_max: 32 * 1024,
            uri_bytes_max: 16 * 1024,
            body_bytes_max: 64 * 1024,
            page_count_default: 20,
            page_count_max: 1000,
            history_messages_max: 8192,
            batch_entries_max: 100,
            batch_bytes_max: 16 * 1024 * 1024,
            included_max: 1000,
            wide_searches_max: 2,
            search_handling: SearchHandling::Lenient,
            compress_bytes_min: 4096,
            export_builders_max: 1,
            server_timing: true,
            timing_headers: true,
            tls: TlsSettings::default(),
            cache: CacheSettings::default(),
            bulk: BulkSettings::default(),
        }
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            resource_bytes_max: 64 * 1024 * 1024,
            chunk_bytes_max: 256 * 1024 * 1024,
            page_bytes_max: 32 * 1024 * 1024,
            warm: vec!["R4".to_owned()],
            ttl_ms: 0,
        }
    }
}

impl CacheSettings {
    /// The versions whose exports are built after a start.
    pub(crate) fn warmed(&self) -> impl Iterator<Item = FhirVersion> {
        self.warm.iter().filter_map(|name| name.parse().ok())
    }

    pub(crate) fn ttl(&self) -> Option<Duration> {
        (self.ttl_ms > 0).then(|| Duration::from_millis(self.ttl_ms))
    }
}

impl TlsSettings {
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.certificate.as_os_str().is_empty() || !self.key.as_os_str().is_empty()
    }
}

/// A value that cannot work, found before anything is bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("http.{key} is {value}; it must be at least {least}")]
    TooSmall { key: &'static str, value: u64, least: u64 },
    #[error("http.page_count_default is {default}, above http.page_count_max ({max})")]
    PageDefaultAboveMax { default: u32, max: u32 },
    #[error("http.tls needs both certificate and key")]
    HalfTls,
    #[error("http.cache.warm names {value:?}; it takes R4 and R5")]
    Warm { value: String },
    #[error(
        "http.public_base {value:?} must start with http:// or https:// and a host, and have no \
         trailing slash, query or fragment"
    )]
    PublicBase { value: String },
}

impl HttpSettings {
    /// What `sluice check` asks.
    ///
    /// # Errors
    /// The first value that cannot work.
    pub fn check(&self) -> Result<(), SettingsError> {
        let least: [(&'static str, u64, u64); 17] = [
            ("connections_max", self.connections_max as u64, 1),
            ("connections_per_peer_max", self.connections_per_peer_max as u64, 1),
            ("header_timeout_ms", self.header_timeout_ms, 1),
            ("body_timeout_ms", self.body_timeout_ms, 1),
            ("write_stall_timeout_ms", self.write_stall_timeout_ms, 1),
            ("handshake_timeout_ms", self.handshake_timeout_ms, 1),
            ("header_bytes_max", self.header_bytes_max as u64, 8192),
            ("uri_bytes_max", self.uri_bytes_max as u64, 256),
            ("body_bytes_max", self.body_bytes_max as u64, 256),
            ("page_count_default", u64::from(self.page_count_default), 1),
            ("page_count_max", u64::from(self.page_count_max), 1),
            ("history_messages_max", self.history_messages_max as u64, 1),
            ("batch_entries_max", self.batch_entries_max as u64, 1),
            ("batch_bytes_max", self.batch_bytes_max as u64, 1),
            ("wide_searches_max", self.wide_searches_max as u64, 1),
            ("compress_bytes_min", self.compress_bytes_min as u64, 1),
            ("export_builders_max", self.export_builders_max as u64, 1),
        ];
        for (key, value, least) in least.into_iter().chain(self.bulk.least()) {
            if value < least {
                return Err(SettingsError::TooSmall { key, value, least });
            }
        }
        if self.page_count_default > self.page_count_max {
            return Err(SettingsError::PageDefaultAboveMax {
                default: self.page_count_default,
                max: self.page_count_max,
            });
        }
        if self.tls.is_set()
            && (self.tls.certificate.as_os_str().is_empty() || self.tls.key.as_os_str().is_empty())
        {
            return Err(SettingsError::HalfTls);
        }
        if let Some(value) = self.cache.warm.iter().find(|v| v.parse::<FhirVersion>().is_err()) {
            return Err(SettingsError::Warm { value: value.clone() });
        }
        if !self.public_base.is_empty() && base_host(&self.public_base).is_none() {
            return Err(SettingsError::PublicBase { value: self.public_base.clone() });
        }
        Ok(())
    }

    pub(crate) fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }
}

/// The host of an absolute base URL that links can be appended to; `None` if it is not one.
pub(crate) fn base_host(base: &str) -> Option<&str> {
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"))?;
    let clean = |b: u8| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'"' | b'\\' | b'<');
    if base.ends_with('/') || !rest.bytes().all(clean) {
        return None;
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let host = crate::host::without_port(authority);
    (!host.is_empty() && !host.contains('@')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check() {
        assert_eq!(HttpSettings::default().check(), Ok(()));
    }

    #[test]
    fn a_base_that_links_cannot_be_appended_to_is_refused() {
        for bad in ["example.org", "https://", "https://example.org/", "ftp://x", "http://x?y"] {
            let settings = HttpSettings { public_base: bad.into(), ..HttpSettings::default() };
            assert!(settings.check().is_err(), "{bad}");
        }
        assert_eq!(base_host("https://fhir.example.org:8443/sluice"), Some("fhir.example.org"));
        assert_eq!(base_host("http://[::1]:8080"), Some("[::1]"));
    }

    #[test]
    fn half_a_tls_setting_and_a_zero_limit_are_named() {
        let mut settings = HttpSettings::default();
        settings.tls.key = "key.pem".into();
        assert_eq!(settings.check(), Err(SettingsError::HalfTls));
        let settings = HttpSettings { connections_max: 0, ..HttpSettings::default() };
        assert_eq!(
            settings.check(),
            Err(SettingsError::TooSmall { key: "connections_max", value: 0, least: 1 })
        );
    }
}
