//! Alerts, posted: JSON, signed, tried again a few times, one after another.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use sluice_channels::destinations::sign;
use sluice_config::AlertSettings;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

/// Alerts that wait to be posted; more are counted and left out: `/api/alerts` has what stands.
const WAITING_MAX: usize = 256;

/// Times that one is tried, and how long it is from the first to the second; then twice as long.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(10);

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
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let signed = sign(secret, since.as_secs(), body.as_bytes());
                request = request.header("sluice-signature", signed);
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
