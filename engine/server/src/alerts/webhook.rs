//! Alerts, posted: JSON, signed, tried again a few times, one after another.

use std::time::Duration;

use hmac::{Hmac, Mac};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use sha2::Sha256;
use sluice_config::AlertSettings;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

/// Alerts that wait to be posted; more are counted and left out: `/api/alerts` has what stands.
const WAITING_MAX: usize = 256;

/// Times that one is tried, and how long it is from the first to the second; then twice as long.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(10);

/// HMAC-SHA256 of the body, in hexadecimal.
pub const SIGNATURE: &str = "X-Sluice-Signature";

const POSTED: &str = "sluice_alerts_posted_total";

pub fn describe_metrics() {
    metrics::describe_counter!(POSTED, "Alerts posted to the webhook: done, failed, left_out");
}

pub struct Webhook {
    to: Sender<String>,
    task: JoinHandle<()>,
}

impl Webhook {
    /// `None` where none is set.
    ///
    /// # Errors
    /// When the secret cannot be read, or the address is none.
    pub fn open(settings: &AlertSettings) -> Result<Option<Self>, String> {
        if settings.webhook_url.is_empty() {
            return Ok(None);
        }
        let url = Url::parse(&settings.webhook_url).map_err(|e| format!("webhook_url: {e}"))?;
        let file = &settings.webhook_secret_file;
        let secret = match file.as_os_str().is_empty() {
            true => None,
            false => {
                let secret = std::fs::read(file);
                let secret =
                    secret.map_err(|e| format!("webhook_secret_file: {}: {e}", file.display()));
                Some(secret?.trim_ascii().to_vec())
            }
        };
        // Another part of the process may have said so already: it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(TIMEOUT).build();
        let client = client.map_err(|error| format!("webhook_url: {error}"))?;
        let (to, from) = channel(WAITING_MAX);
        let task = tokio::spawn(post_all(client, url, secret, from));
        Ok(Some(Self { to, task }))
    }

    pub fn post(&self, body: String) {
        if self.to.try_send(body).is_err() {
            metrics::counter!(POSTED, "outcome" => "left_out").increment(1);
        }
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn post_all(client: Client, url: Url, secret: Option<Vec<u8>>, mut from: Receiver<String>) {
    while let Some(body) = from.recv().await {
        let mut wait = FIRST_WAIT;
        let mut outcome = "failed";
        for attempt in 1..=TRIES {
            let mut request = client.post(url.clone()).header("Content-Type", "application/json");
            if let Some(secret) = &secret {
                request = request.header(SIGNATURE, signature(secret, body.as_bytes()));
            }
            let answer = request.body(body.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                outcome = "done";
                break;
            }
            if attempt < TRIES {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
        }
        metrics::counter!(POSTED, "outcome" => outcome).increment(1);
        if outcome == "failed" {
            tracing::warn!("an alert could not be posted");
        }
    }
}

fn signature(secret: &[u8], body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    let digest = mac.chain_update(body).finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_rfc_4231() {
        let signed = signature(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(
            signed,
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
