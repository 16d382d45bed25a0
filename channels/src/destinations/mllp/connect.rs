//! Connecting to a listener, in plaintext or by TLS 1.2 or 1.3. The files are read with each
//! connection: a renewed certificate needs no restart.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::super::handshake::why;
use super::super::open::{OpenError, authorities, own_certificate};
use super::super::outcome::Code;
use super::super::settings::{MllpOut, TlsOut};

pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

pub(super) struct Connector {
    address: String,
    tls: Option<(TlsOut, ServerName<'static>)>,
}

impl Connector {
    /// # Errors
    /// When the files of its TLS cannot be used.
    pub fn new(settings: &MllpOut) -> Result<Self, OpenError> {
        let host = settings.address.rsplit_once(':').map_or("", |(host, _)| host);
        let tls = match &settings.tls {
            None => None,
            Some(tls) => {
                let name = if tls.server_name.is_empty() { host } else { &tls.server_name };
                let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned());
                let name = name.map_err(|_| OpenError::ServerName)?;
                client_config(tls)?;
                Some((tls.clone(), name))
            }
        };
        Ok(Self { address: settings.address.clone(), tls })
    }

    pub async fn connect(&self) -> Result<Box<dyn Wire>, Code> {
        let stream = TcpStream::connect(&self.address).await.map_err(|error| unreached(&error))?;
        // An acknowledgement is awaited: nothing is gained by collecting.
        stream.set_nodelay(true).map_err(|error| unreached(&error))?;
        let Some((tls, name)) = &self.tls else { return Ok(Box::new(stream)) };
        let config = client_config(tls).map_err(|error| {
            tracing::error!(error = %error, "the files of a destination's TLS cannot be used");
            Code::of("tls files")
        })?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name.clone(), stream).await;
        let unfit = |error: io::Error| why(&error).unwrap_or(Code::of("tls"));
        Ok(Box::new(stream.map_err(unfit)?))
    }
}

fn client_config(tls: &TlsOut) -> Result<ClientConfig, OpenError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_root_certificates(authorities("tls.ca", &tls.ca)?);
    if tls.certificate.as_os_str().is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    let (chain, key) = own_certificate(&tls.certificate, &tls.key)?;
    Ok(builder.with_client_auth_cert(chain, key)?)
}

fn unreached(error: &io::Error) -> Code {
    Code::of(match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::TimedOut => "timeout",
        _ => "connect",
    })
}
