//! The server's certificate and key. TLS 1.2 and 1.3, ring's suites, no client certificates yet.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::settings::TlsSettings;

/// Why the certificate or the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("http.tls.{key}: {}: {source}", path.display())]
    Io { key: &'static str, path: PathBuf, source: io::Error },
    #[error("http.tls.{key}: {}: holds no {what} in PEM form", path.display())]
    Pem { key: &'static str, path: PathBuf, what: &'static str },
    #[error("http.tls: certificate and key do not serve together: {source}")]
    Pair { source: rustls::Error },
}

/// An acceptor, or `None` where TLS is not set.
pub(crate) fn acceptor(settings: &TlsSettings) -> Result<Option<TlsAcceptor>, TlsError> {
    if !settings.is_set() {
        return Ok(None);
    }
    let chain = CertificateDer::pem_file_iter(&settings.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| unreadable("certificate", &settings.certificate, "certificate", e))?;
    if chain.is_empty() {
        return Err(unreadable(
            "certificate",
            &settings.certificate,
            "certificate",
            pem::Error::NoItemsFound,
        ));
    }
    let key = PrivateKeyDer::from_pem_file(&settings.key)
        .map_err(|e| unreadable("key", &settings.key, "private key", e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|source| TlsError::Pair { source })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn unreadable(key: &'static str, path: &Path, what: &'static str, error: pem::Error) -> TlsError {
    match error {
        pem::Error::Io(source) => TlsError::Io { key, path: path.to_owned(), source },
        _ => TlsError::Pem { key, path: path.to_owned(), what },
    }
}
