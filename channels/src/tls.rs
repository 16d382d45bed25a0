//! TLS for MLLP: the server's certificate, and whom a client's certificate may speak for. TLS 1.2
//! and 1.3, ring's suites.
//!
//! The files are looked at again at most once in [`LOOK_AGAIN`], with the next connection: a
//! renewed certificate serves without a restart. One that cannot be used is told once, and the last
//! good one serves on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use metrics::{Counter, counter, describe_counter};
use parking_lot::Mutex;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use sluice_ids::ChannelId;
use webpki::EndEntityCert;

/// How old the last look at the files may be.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// `[source.tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The server's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authorities of clients' certificates, PEM. Default empty: clients show none.
    #[serde(default)]
    pub client_ca: PathBuf,
    /// Which clients may connect, and what each may send. Default none: whoever has a certificate
    /// of `client_ca`, for any sender.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client: Vec<ClientSettings>,
}

/// One `[[source.tls.client]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// A DNS name or an address in its certificate's subjectAltName.
    pub name: String,
    /// The sending facilities (MSH-4) that it speaks for, by namespace or universal id.
    pub facility: Vec<String>,
}

impl TlsSettings {
    /// What is wrong whatever the files hold: the key, and what about it.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (key, path) in [("certificate", &self.certificate), ("key", &self.key)] {
            if path.as_os_str().is_empty() {
                problems.push((key.to_owned(), "is empty".to_owned()));
            }
        }
        if !self.client.is_empty() && self.client_ca.as_os_str().is_empty() {
            let what = "is needed where clients are named: who else would vouch for them?";
            problems.push(("client_ca".to_owned(), what.to_owned()));
        }
        for (at, client) in self.client.iter().enumerate() {
            if ServerName::try_from(client.name.as_str()).is_err() {
                let what = "is neither a DNS name nor an address".to_owned();
                problems.push((format!("client.{at}.name"), what));
            }
            if client.facility.is_empty() {
                let what = "is empty: this client could send nothing".to_owned();
                problems.push((format!("client.{at}.facility"), what));
            }
        }
        problems
    }
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("tls.{key}: {}: {source}", path.display())]
    Io { key: &'static str, path: PathBuf, source: io::Error },
    #[error("tls.{key}: {}: holds no {what} in PEM form", path.display())]
    Pem { key: &'static str, path: PathBuf, what: &'static str },
    #[error("tls: certificate and key do not serve together: {source}")]
    Pair { source: rustls::Error },
    #[error("tls.client_ca: {}: {what}", path.display())]
    Authorities { path: PathBuf, what: String },
}

/// What a client may send: any sender's messages, or those of some facilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpeaksFor {
    Anybody,
    Facilities(Arc<[String]>),
}

impl SpeaksFor {
    /// Whether it may send for a facility that bears one of these names.
    #[must_use]
    pub fn covers(&self, names: &[&[u8]]) -> bool {
        match self {
            Self::Anybody => true,
            Self::Facilities(own) => own
                .iter()
                .any(|facility| !facility.is_empty() && names.contains(&facility.as_bytes())),
        }
    }
}

/// A listener's TLS, renewed as its files are.
pub struct Tls {
    channel: ChannelId,
    settings: TlsSettings,
    current: Mutex<Current>,
    reloads: Counter,
    failures: Counter,
}

struct Current {
    config: Arc<ServerConfig>,
    files: Stamp,
    looked: Instant,
}

/// When each file was written last, and how long it is.
type Stamp = [Option<(SystemTime, u64)>; 3];

impl Tls {
    /// # Errors
    /// When a file cannot be read or used.
    pub fn open(channel: ChannelId, settings: &TlsSettings) -> Result<Self, TlsError> {
        let files = stamp(settings);
        let config = load(settings)?;
        let id = channel.to_string();
        Ok(Self {
            channel,
            settings: settings.clone(),
            current: Mutex::new(Current { config, files, looked: Instant::now() }),
            reloads: counter!("sluice_mllp_tls_reloads_total", "channel" => id.clone()),
            failures: counter!("sluice_mllp_tls_reload_failures_total", "channel" => id),
        })
    }

    /// For the next connection.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        let mut current = self.current.lock();
        if current.looked.elapsed() < LOOK_AGAIN {
            return Arc::clone(&current.config);
        }
        current.looked = Instant::now();
        let files = stamp(&self.settings);
        if files != current.files {
            current.files = files;
            match load(&self.settings) {
                Ok(config) => {
                    current.config = config;
                    self.reloads.increment(1);
                    tracing::info!(channel = %self.channel, "the renewed certificate serves");
                }
                Err(error) => {
                    self.failures.increment(1);
                    tracing::error!(channel = %self.channel, error = %error, "the last good certificate serves on");
                }
            }
        }
        Arc::clone(&current.config)
    }

    /// What the bearer of a certificate may send; `None` where it is no client of ours.
    #[must_use]
    pub fn speaks_for(&self, certificate: Option<&CertificateDer<'_>>) -> Option<SpeaksFor> {
        if self.settings.client.is_empty() {
            return Some(SpeaksFor::Anybody);
        }
        let certificate = EndEntityCert::try_from(certificate?).ok()?;
        let is = |client: &&ClientSettings| {
            ServerName::try_from(client.name.as_str())
                .is_ok_and(|name| certificate.verify_is_valid_for_subject_name(&name).is_ok())
        };
        let mut own = self.settings.client.iter().filter(is).peekable();
        own.peek()?;
        Some(SpeaksFor::Facilities(
            own.flat_map(|client| client.facility.iter().cloned()).collect(),
        ))
    }
}

/// Tells an installed recorder what these metrics are.
pub(crate) fn describe_metrics() {
    describe_counter!("sluice_mllp_tls_reloads_total", "Renewed certificates taken into use");
    describe_counter!(
        "sluice_mllp_tls_reload_failures_total",
        "Renewed certificates that could not be used; the last good one serves on"
    );
}

fn stamp(settings: &TlsSettings) -> Stamp {
    [&settings.certificate, &settings.key, &settings.client_ca].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn load(settings: &TlsSettings) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates("certificate", &settings.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&settings.key)
        .map_err(|e| unreadable("key", &settings.key, "private key", e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|source| TlsError::Pair { source })?;
    let builder = if settings.client_ca.as_os_str().is_empty() {
        builder.with_no_client_auth()
    } else {
        let unusable =
            |what: String| TlsError::Authorities { path: settings.client_ca.clone(), what };
        let mut roots = RootCertStore::empty();
        for authority in certificates("client_ca", &settings.client_ca)? {
            roots.add(authority).map_err(|error| unusable(error.to_string()))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().map_err(|e| unusable(e.to_string()))?)
    };
    let config =
        builder.with_single_cert(chain, key).map_err(|source| TlsError::Pair { source })?;
    Ok(Arc::new(config))
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(key, path, "certificate", error))?;
    if found.is_empty() {
        return Err(unreadable(key, path, "certificate", pem::Error::NoItemsFound));
    }
    Ok(found)
}

fn unreadable(key: &'static str, path: &Path, what: &'static str, error: pem::Error) -> TlsError {
    match error {
        pem::Error::Io(source) => TlsError::Io { key, path: path.to_owned(), source },
        _ => TlsError::Pem { key, path: path.to_owned(), what },
    }
}
