//! Why a TLS handshake came to nothing, in a few closed words: an operator has to know which of the
//! two certificates to look at, and nothing of what is in them.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::outcome::Code;

/// `None` where TLS was not the reason.
pub(super) fn why(error: &(dyn Error + 'static)) -> Option<Code> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(Code::of(words(tls)));
        }
        // What an I/O error carries is not its source.
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match carried {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    None
}

const fn words(error: &rustls::Error) -> &'static str {
    use CertificateError as Of;
    match error {
        rustls::Error::InvalidCertificate(Of::UnknownIssuer) => "tls: unknown issuer",
        rustls::Error::InvalidCertificate(Of::Expired | Of::ExpiredContext { .. }) => {
            "tls: certificate expired"
        }
        rustls::Error::InvalidCertificate(
            Of::NotValidForName | Of::NotValidForNameContext { .. },
        ) => "tls: certificate of another name",
        rustls::Error::InvalidCertificate(_) => "tls: certificate not valid",
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "tls: the peer wants a certificate"
        }
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(_) => "tls: no version in common",
        rustls::Error::AlertReceived(_) => "tls: refused by the peer",
        _ => "tls",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_found_however_deep_it_is_and_nothing_else_is_taken_for_it() {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let carried = io::Error::other(io::Error::other(unknown));
        assert_eq!(why(&carried), Some(Code::of("tls: unknown issuer")));
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let alert = io::Error::new(io::ErrorKind::InvalidData, alert);
        assert_eq!(why(&alert), Some(Code::of("tls: the peer wants a certificate")));
        assert_eq!(why(&io::Error::from(io::ErrorKind::ConnectionReset)), None);
        assert_eq!(why(&io::Error::other("tls")), None);
    }
}
