//! Making a way out from its settings, and the PEM files of all of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sluice_ids::{ChannelId, EjId};

use super::fhir::FhirDestination;
use super::file::FileDestination;
use super::mllp::MllpDestination;
use super::outcome::Destination;
use super::settings::DestinationSettings;
use super::webhook::WebhookDestination;

/// Why a way out cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{key}: {}: {source}", path.display())]
    Io { key: &'static str, path: PathBuf, source: io::Error },
    #[error("{key}: {}: holds no {what} in PEM form", path.display())]
    Pem { key: &'static str, path: PathBuf, what: &'static str },
    #[error("tls.server_name: neither a DNS name nor an address")]
    ServerName,
    #[error("tls: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the HTTP client cannot be made: {0}")]
    Http(String),
    #[error("url: is not a URL")]
    Url,
}

/// For the messages of one EJ. Reads its files; connects with the first message. Within a tokio
/// runtime.
///
/// # Errors
/// When a file or folder cannot be used.
pub fn open(
    settings: &DestinationSettings,
    ej: EjId,
    channel: ChannelId,
) -> Result<Arc<dyn Destination>, OpenError> {
    Ok(match settings {
        DestinationSettings::Mllp(settings) => Arc::new(MllpDestination::start(settings)?),
        DestinationSettings::Fhir(settings) => Arc::new(FhirDestination::new(settings)?),
        DestinationSettings::File(settings) => {
            Arc::new(FileDestination::open(settings, ej, channel)?)
        }
        DestinationSettings::Webhook(settings) => Arc::new(WebhookDestination::new(settings)?),
    })
}

pub(super) fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, OpenError> {
    std::fs::read(path).map_err(|source| OpenError::Io { key, path: path.to_owned(), source })
}

/// A secret of one line.
pub(super) fn secret(key: &'static str, path: &Path) -> Result<String, OpenError> {
    let text = String::from_utf8(read(key, path)?);
    let text = text.map_err(|_| OpenError::Pem { key, path: path.to_owned(), what: "text" })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let pem = read(key, path)?;
    let unusable = || OpenError::Pem { key, path: path.to_owned(), what: "certificate" };
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| unusable())?;
    if found.is_empty() { Err(unusable()) } else { Ok(found) }
}

pub(super) fn authorities(key: &'static str, path: &Path) -> Result<RootCertStore, OpenError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(key, path)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

pub(super) fn own_certificate(
    certificate: &Path,
    key: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), OpenError> {
    let chain = certificates("tls.certificate", certificate)?;
    let pem = read("tls.key", key)?;
    let unusable = OpenError::Pem { key: "tls.key", path: key.to_owned(), what: "private key" };
    Ok((chain, PrivateKeyDer::from_pem_slice(&pem).map_err(|_| unusable)?))
}
