//! Webhook: one message as JSON, signed.
//!
//! `sluice-signature: t=<seconds since 1970>,v1=<hex of HMAC-SHA256(secret, "<t>." + body)>`. The
//! receiver computes the same over the bytes that it got, compares in constant time, and refuses
//! what is older than some minutes. `sluice-delivery: <ej>/<seq>` is the same at each attempt.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use reqwest::Client;
use serde::Serialize;
use sha2::Sha256;

use super::http::{ask, client};
use super::open::{OpenError, secret};
use super::outcome::{Body, Code, DeliverFuture, Destination, Outcome, Outgoing};
use super::settings::{WebhookOut, ms};

pub(super) struct WebhookDestination {
    client: Client,
    url: String,
    secret_file: PathBuf,
}

/// A message as a webhook and an NDJSON file tell it.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    ej: &'a str,
    channel: &'a str,
    seq: u64,
    received_at: String,
    control_id: &'a str,
    /// The whole message after its channel's steps, segments ended by CR.
    message: &'a str,
}

impl<'a> Told<'a> {
    /// `None` where there is no message.
    pub fn of(outgoing: &'a Outgoing) -> Option<Self> {
        let Body::Message { text, control_id, .. } = &outgoing.body else { return None };
        let at = Timestamp::from_microsecond(outgoing.received_at.get()).unwrap_or_default();
        Some(Self {
            ej: outgoing.ej.as_str(),
            channel: outgoing.channel.as_str(),
            seq: outgoing.seq.get(),
            received_at: at.to_string(),
            control_id,
            message: text,
        })
    }

    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text and numbers have a JSON form")
    }
}

impl WebhookDestination {
    pub fn new(settings: &WebhookOut) -> Result<Self, OpenError> {
        let client = client(settings.ca.as_deref(), ms(settings.timeout_ms))?;
        secret("secret_file", &settings.secret_file)?;
        let (url, secret_file) = (settings.url.clone(), settings.secret_file.clone());
        Ok(Self { client, url, secret_file })
    }
}

impl Destination for WebhookDestination {
    fn deliver(&self, outgoing: Outgoing) -> DeliverFuture {
        let Some(body) = Told::of(&outgoing).map(|told| told.json()) else {
            return Box::pin(async { Outcome::Refused(Code::of("not a message")) });
        };
        // Read with each message: a new secret needs no restart.
        let signature = secret("secret_file", &self.secret_file).map(|secret| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            sign(secret.as_bytes(), since.as_secs(), &body)
        });
        let signature = match signature {
            Ok(signature) => signature,
            Err(error) => {
                tracing::error!(error = %error, "a webhook's secret cannot be read");
                return Box::pin(async { Outcome::Unreached(Code::of("secret file")) });
            }
        };
        let request = self
            .client
            .post(&self.url)
            .header("content-type", "application/json")
            .header("sluice-delivery", format!("{}/{}", outgoing.ej, outgoing.seq))
            .header("sluice-signature", signature)
            .body(body);
        Box::pin(async move {
            match ask(request).await {
                Ok(answer) => answer.outcome(),
                Err(code) => Outcome::Unreached(code),
            }
        })
    }
}

/// The value of `sluice-signature` at `t`, in seconds since 1970.
#[must_use]
pub fn sign(secret: &[u8], t: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(format!("{t}.").as_bytes());
    mac.update(body);
    let mut value = format!("t={t},v1=");
    for byte in mac.finalize().into_bytes() {
        let _ = write!(value, "{byte:02x}");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_another_implementation_computes() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        let value = sign(b"secret", 1_700_000_000, br#"{"a":1}"#);
        assert_eq!(
            value,
            "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
        );
    }
}
