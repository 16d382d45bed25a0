//! Who we are to a FHIR server: a bearer token from a file, or one asked for by OAuth2 client
//! credentials and kept until shortly before its end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::http::ask;
use super::open::{OpenError, secret};
use super::outcome::{Code, Outcome};
use super::settings::{FhirOut, OAuth2};

/// A token is not used for its last seconds: a request takes some. One that lasts less than twice
/// as long, for the first half of its time.
const BEFORE_END: Duration = Duration::from_secs(30);
/// Where the server does not say how long a token lasts (RFC 6749 §5.1: it should).
const UNTOLD: Duration = Duration::from_secs(300);
/// Whatever it says: a day.
const LASTS_MAX: Duration = Duration::from_secs(86_400);

pub(super) enum Auth {
    None,
    Bearer(PathBuf),
    /// Boxed by rarity.
    OAuth2(Box<Granted>),
}

pub(super) struct Granted {
    client: Client,
    settings: OAuth2,
    url: Url,
    token: Mutex<Option<(String, Instant)>>,
}

#[derive(Deserialize)]
struct Grant {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Auth {
    pub fn new(settings: &FhirOut, client: &Client) -> Result<Self, OpenError> {
        if let Some(file) = &settings.bearer_file {
            secret("bearer_file", file)?;
            return Ok(Self::Bearer(file.clone()));
        }
        let Some(oauth2) = &settings.oauth2 else { return Ok(Self::None) };
        secret("oauth2.client_secret_file", &oauth2.client_secret_file)?;
        let url = Url::parse(&oauth2.token_url).map_err(|_| OpenError::Url)?;
        let (client, settings) = (client.clone(), oauth2.clone());
        Ok(Self::OAuth2(Box::new(Granted { client, settings, url, token: Mutex::new(None) })))
    }

    /// The token to show, if any.
    pub async fn token(&self) -> Result<Option<String>, Code> {
        match self {
            Self::None => Ok(None),
            Self::Bearer(file) => {
                let token = secret("bearer_file", file).map_err(|error| {
                    tracing::error!(error = %error, "a token's file cannot be read");
                    Code::of("token file")
                })?;
                Ok(Some(token))
            }
            Self::OAuth2(granted) => granted.token().await.map(Some),
        }
    }

    /// The server did not take that token: the next request asks for another, unless one did already.
    pub async fn forget(&self, refused: &str) {
        if let Self::OAuth2(granted) = self {
            granted.token.lock().await.take_if(|(token, _)| token == refused);
        }
    }
}

impl Granted {
    async fn token(&self) -> Result<String, Code> {
        // Held while it is asked for: of many requests one asks.
        let mut token = self.token.lock().await;
        if let Some((token, until)) = &*token
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let grant = self.ask().await?;
        let lasts = grant.expires_in.map_or(UNTOLD, Duration::from_secs).min(LASTS_MAX);
        let until = Instant::now() + lasts - BEFORE_END.min(lasts / 2);
        *token = Some((grant.access_token.clone(), until));
        Ok(grant.access_token)
    }

    /// RFC 6749 §4.4.2, the client by HTTP Basic (§2.3.1).
    async fn ask(&self) -> Result<Grant, Code> {
        let OAuth2 { client_id, client_secret_file, scope, .. } = &self.settings;
        let secret = secret("oauth2.client_secret_file", client_secret_file).map_err(|error| {
            tracing::error!(error = %error, "a client secret's file cannot be read");
            Code::of("secret file")
        })?;
        let mut body = vec![("grant_type", "client_credentials")];
        if !scope.is_empty() {
            body.push(("scope", scope));
        }
        let client = STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(&secret)));
        let request = self
            .client
            .post(self.url.clone())
            .header("authorization", format!("Basic {client}"))
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form(&body));
        let answer = ask(request).await.map_err(|code| code.of_token_server())?;
        if answer.outcome() != Outcome::Accepted {
            return Err(Code::http(answer.status).of_token_server());
        }
        serde_json::from_slice(&answer.body).map_err(|_| Code::of("no token").of_token_server())
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:").expect("a scheme alone is a URL");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// As in a form (RFC 6749 §2.3.1 asks for it before the two are joined).
fn encoded(text: &str) -> String {
    form(&[("", text)]).trim_start_matches('=').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_as_a_form_is_encoded_as_one() {
        assert_eq!(form(&[("a", "b c"), ("d", "é&=")]), "a=b+c&d=%C3%A9%26%3D");
        assert_eq!(encoded("s:e+c"), "s%3Ae%2Bc");
    }
}
