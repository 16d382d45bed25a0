//! What can be set of the ways out.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sluice_ids::{DestinationName, Micros};

/// One `[[destination]]` of a channel, by its `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DestinationSettings {
    Mllp(MllpOut),
    Fhir(FhirOut),
    File(FileOut),
    Webhook(WebhookOut),
}

impl DestinationSettings {
    /// Under which its cursor is kept, with its channel's id.
    #[must_use]
    pub const fn name(&self) -> DestinationName {
        match self {
            Self::Mllp(out) => out.name,
            Self::Fhir(out) => out.name,
            Self::File(out) => out.name,
            Self::Webhook(out) => out.name,
        }
    }

    #[must_use]
    pub const fn delivery(&self) -> &DeliverySettings {
        match self {
            Self::Mllp(out) => &out.delivery,
            Self::Fhir(out) => &out.delivery,
            Self::File(out) => &out.delivery,
            Self::Webhook(out) => &out.delivery,
        }
    }

    /// As `type` says.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Mllp(_) => "mllp",
            Self::Fhir(_) => "fhir",
            Self::File(_) => "file",
            Self::Webhook(_) => "webhook",
        }
    }

    /// Whether it is sent records as FHIR, and not messages.
    #[must_use]
    pub const fn is_fhir(&self) -> bool {
        matches!(self, Self::Fhir(_))
    }

    /// Whose breaker it shares: what stands at one address is down for all of its callers.
    #[must_use]
    pub fn peer(&self) -> String {
        match self {
            Self::Mllp(out) => format!("mllp://{}", out.address),
            Self::Fhir(out) => origin(&out.url),
            Self::File(out) => format!("file:{}", out.folder.display()),
            Self::Webhook(out) => origin(&out.url),
        }
    }

    /// Values that it could not work with: the key, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = self.delivery().problems();
        let mut say = |key: &str, what: &str| problems.push((key.to_owned(), what.to_owned()));
        match self {
            Self::Mllp(out) => {
                if !out.address.rsplit_once(':').is_some_and(|(host, port)| {
                    !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
                }) {
                    say("address", "is not host:port, as in 10.0.0.5:2575");
                }
                if let Some(tls) = &out.tls {
                    if tls.ca.as_os_str().is_empty() {
                        say("tls.ca", "is empty: who would vouch for the peer?");
                    }
                    if tls.certificate.as_os_str().is_empty() != tls.key.as_os_str().is_empty() {
                        say("tls.key", "certificate and key are given together or not at all");
                    }
                }
                positive(&mut say, "answer_timeout_ms", out.answer_timeout_ms);
                positive(&mut say, "connect_timeout_ms", out.connect_timeout_ms);
            }
            Self::Fhir(out) => {
                web(&mut say, &out.url, out.allow_plaintext_off_loopback);
                positive(&mut say, "timeout_ms", out.timeout_ms);
                if let Some(oauth2) = &out.oauth2 {
                    if out.bearer_file.is_some() {
                        say("bearer_file", "give either bearer_file or oauth2");
                    }
                    let plain = out.allow_plaintext_off_loopback;
                    if let Some(what) = unfit(&oauth2.token_url, plain) {
                        say("oauth2.token_url", what);
                    }
                }
            }
            Self::File(out) => {
                if out.folder.as_os_str().is_empty() {
                    say("folder", "is empty");
                }
                positive(&mut say, "rotate_bytes", out.rotate_bytes);
                positive(&mut say, "rotate_ms", out.rotate_ms);
            }
            Self::Webhook(out) => {
                web(&mut say, &out.url, out.allow_plaintext_off_loopback);
                positive(&mut say, "timeout_ms", out.timeout_ms);
            }
        }
        problems
    }
}

fn positive(say: &mut impl FnMut(&str, &str), key: &str, value: u64) {
    if value == 0 {
        say(key, "0 is too small; it must be at least 1");
    }
}

fn web(say: &mut impl FnMut(&str, &str), url: &str, plain: bool) {
    if let Some(what) = unfit(url, plain) {
        say("url", what);
    }
}

/// What is wrong with where patient data would be sent.
fn unfit(url: &str, plain: bool) -> Option<&'static str> {
    let Ok(parsed) = reqwest::Url::parse(url) else { return Some("is not a URL") };
    let Some(host) = parsed.host_str() else { return Some("names no host") };
    let loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    match parsed.scheme() {
        "https" => None,
        "http" if loopback || plain => None,
        "http" => Some(
            "would carry patient data unencrypted to another machine: use https, or set \
             allow_plaintext_off_loopback = true if the network is trusted",
        ),
        _ => Some("is neither http nor https"),
    }
}

fn origin(url: &str) -> String {
    reqwest::Url::parse(url)
        .map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

/// `delivery = { … }`: in which order and how stubbornly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeliverySettings {
    /// Where one that was never started begins: `now` (default: what came before is somebody
    /// else's), `beginning`, or a time such as `2026-11-20T08:00:00Z`.
    pub from: From,
    /// Most messages in flight at once, of different patients; those of one patient follow each
    /// other. Default 16: hides a network's delay; 1 gives strict order over all patients.
    pub window: usize,
    /// Whether later messages of a patient wait, set aside, behind one that was refused for good.
    /// Default false: admissions carry a snapshot, so that the next one repairs most.
    pub hold_patient: bool,
    /// Before the second attempt, in ms; doubled each time, the half of it drawn by lot. Default 500.
    pub retry_first_ms: u64,
    /// Longest time between two attempts, in ms. Default 60 000.
    pub retry_max_ms: u64,
    /// How often a peer may answer "not now" to one message before it is set aside. Default 100:
    /// an hour and a half. Failures to reach the peer do not count; 0: no end.
    pub answered_retries_max: u32,
    /// Failures in a row to reach a peer after which it is left alone. Default 5.
    pub breaker_failures: u32,
    /// How long it is left alone before one message tries again, in ms. Default 10 000.
    pub breaker_open_ms: u64,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            from: From::Now,
            window: 16,
            hold_patient: false,
            retry_first_ms: 500,
            retry_max_ms: 60_000,
            answered_retries_max: 100,
            breaker_failures: 5,
            breaker_open_ms: 10_000,
        }
    }
}

/// Most messages in flight of one destination.
pub const WINDOW_MAX: usize = 1_024;

impl DeliverySettings {
    fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut say = |key: &str, what: String| problems.push((format!("delivery.{key}"), what));
        if self.window == 0 || self.window > WINDOW_MAX {
            say("window", format!("{} must lie between 1 and {WINDOW_MAX}", self.window));
        }
        for (key, value) in [
            ("retry_first_ms", self.retry_first_ms),
            ("breaker_failures", u64::from(self.breaker_failures)),
            ("breaker_open_ms", self.breaker_open_ms),
        ] {
            if value == 0 {
                say(key, "0 is too small; it must be at least 1".to_owned());
            }
        }
        if self.retry_max_ms < self.retry_first_ms {
            say("retry_max_ms", format!("is under retry_first_ms ({})", self.retry_first_ms));
        }
        problems
    }
}

/// Where a destination begins that was never started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum From {
    #[default]
    Now,
    Beginning,
    /// With the first message that was received then or later.
    Time(Micros),
}

impl Serialize for From {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Now => serializer.serialize_str("now"),
            Self::Beginning => serializer.serialize_str("beginning"),
            Self::Time(at) => match Timestamp::from_microsecond(at.get()) {
                Ok(at) => serializer.collect_str(&at),
                Err(_) => serializer.serialize_str("beginning"),
            },
        }
    }
}

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "now" => Ok(Self::Now),
            "beginning" => Ok(Self::Beginning),
            other => {
                let what = "is neither now, beginning nor a time such as 2026-11-20T08:00:00Z";
                let at: Timestamp =
                    other.parse().map_err(|_| de::Error::custom(format!("{other:?} {what}")))?;
                Ok(Self::Time(Micros::new(at.as_microsecond())))
            }
        }
    }
}

/// `type = "mllp"`: messages to a listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MllpOut {
    pub name: DestinationName,
    #[serde(default)]
    pub delivery: DeliverySettings,
    /// `host:port`.
    pub address: String,
    /// Encryption, and our own certificate where the peer wants one. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsOut>,
    /// How long connecting may take, handshake included, in ms. Default 10 000.
    #[serde(default = "ten_seconds")]
    pub connect_timeout_ms: u64,
    /// How long an acknowledgement may take, in ms. Default 30 000: receivers that file before they
    /// answer take seconds.
    #[serde(default = "thirty_seconds")]
    pub answer_timeout_ms: u64,
    /// A connection on which nothing goes out is closed after this, in ms. Default 600 000 (10 min):
    /// firewalls forget silent ones without telling.
    #[serde(default = "ten_minutes")]
    pub idle_timeout_ms: u64,
}

/// `[destination.tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsOut {
    /// The authorities of the peer's certificate, PEM.
    pub ca: PathBuf,
    /// Our certificate chain, PEM. Default empty: none is shown.
    #[serde(default)]
    pub certificate: PathBuf,
    /// Its private key, PEM.
    #[serde(default)]
    pub key: PathBuf,
    /// The name in the peer's certificate. Default empty: the host of the address.
    #[serde(default)]
    pub server_name: String,
}

/// `type = "fhir"`: what a message changed, to a FHIR server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FhirOut {
    pub name: DestinationName,
    #[serde(default)]
    pub delivery: DeliverySettings,
    /// The server's base, e.g. `https://fhir.example/r4`.
    pub url: String,
    /// `R4` (default) or `R5`.
    #[serde(default)]
    pub version: FhirRelease,
    /// `each` (default): a PUT for each resource; `transaction`: one Bundle for each message.
    #[serde(default)]
    pub mode: FhirMode,
    /// The authorities of the server's certificate, PEM. Default none: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// A file with the bearer token, read with each request. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_file: Option<PathBuf>,
    /// OAuth2 client credentials. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
    /// How long a request may take, in ms. Default 30 000.
    #[serde(default = "thirty_seconds")]
    pub timeout_ms: u64,
    /// Default false: off loopback the address must be https unless this says that the network is
    /// trusted.
    #[serde(default)]
    pub allow_plaintext_off_loopback: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FhirRelease {
    #[default]
    R4,
    R5,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FhirMode {
    #[default]
    Each,
    Transaction,
}

/// `[destination.oauth2]`: the client credentials grant (RFC 6749 §4.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    pub token_url: String,
    pub client_id: String,
    /// A file with the client's secret.
    pub client_secret_file: PathBuf,
    /// Default empty: none is asked for.
    #[serde(default)]
    pub scope: String,
}

/// `type = "file"`: messages to files of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileOut {
    pub name: DestinationName,
    #[serde(default)]
    pub delivery: DeliverySettings,
    /// Made where it is not there.
    pub folder: PathBuf,
    /// `hl7` (default): messages as they are; `ndjson`: one JSON object a line.
    #[serde(default)]
    pub format: FileFormat,
    /// A file is closed once it is as long, in bytes. Default 67 108 864 (64 MiB).
    #[serde(default = "sixty_four_mib")]
    pub rotate_bytes: u64,
    /// And once it is as old, in ms. Default 3 600 000 (1 h): who reads the folder waits no longer.
    #[serde(default = "one_hour")]
    pub rotate_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    #[default]
    Hl7,
    Ndjson,
}

/// `type = "webhook"`: messages as signed JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookOut {
    pub name: DestinationName,
    #[serde(default)]
    pub delivery: DeliverySettings,
    pub url: String,
    /// A file with the secret that both sides know; its end of line does not count.
    pub secret_file: PathBuf,
    /// The authorities of the server's certificate, PEM. Default none: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// How long a request may take, in ms. Default 30 000.
    #[serde(default = "thirty_seconds")]
    pub timeout_ms: u64,
    /// Default false: off loopback the address must be https unless this says that the network is
    /// trusted.
    #[serde(default)]
    pub allow_plaintext_off_loopback: bool,
}

const fn ten_seconds() -> u64 {
    10_000
}

const fn thirty_seconds() -> u64 {
    30_000
}

const fn ten_minutes() -> u64 {
    600_000
}

const fn one_hour() -> u64 {
    3_600_000
}

const fn sixty_four_mib() -> u64 {
    64 * 1024 * 1024
}

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
