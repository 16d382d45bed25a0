//! The HTTP client of the commands that speak to a running engine.
//!
//! One request at a time, no redirects, no proxies: what is asked and answered is patient data,
//! and goes where the flag says and nowhere else.

use std::fs;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder, Url};
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use crate::cli::Remote;
use crate::exit::{Failure, NOT_SO, USAGE};

/// The environment's token, where no file is named.
const TOKEN_VARIABLE: &str = "SLUICE_TOKEN";

/// A selection of messages is acted upon before it is answered.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An engine that runs elsewhere, or in another process.
pub struct Engine {
    base: Url,
    token: Option<String>,
    client: Client,
    runtime: Runtime,
}

impl Engine {
    /// The engine that the flags name; nothing is asked yet.
    pub fn of(flags: &Remote) -> Result<Self, Failure> {
        let usage =
            |flag: &str, why: &dyn std::fmt::Display| Failure::new(USAGE, format!("{flag}: {why}"));
        let base = Url::parse(&flags.url).map_err(|error| usage("--url", &error))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(usage("--url", &"needs http:// or https://"));
        }
        let token = match &flags.token_file {
            Some(file) => {
                let read = fs::read_to_string(file);
                let text = read.map_err(|e| usage("--token-file", &named(file, &e)))?;
                Some(text.trim().to_owned())
            }
            None => std::env::var(TOKEN_VARIABLE).ok(),
        };
        // Another part of the process may have said so already: it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder().redirect(Policy::none()).no_proxy().timeout(TIMEOUT);
        if let Some(file) = &flags.ca {
            let pem = fs::read(file).map_err(|error| usage("--ca", &named(file, &error)))?;
            let vouching = Certificate::from_pem_bundle(&pem);
            client = client.tls_certs_only(vouching.map_err(|error| usage("--ca", &error))?);
        }
        let client = client.build().map_err(|error| Failure::new(NOT_SO, told(&error)))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { base, token, client, runtime })
    }

    /// What stands at `path`, asked with these parameters; those without a value are left out.
    pub fn get(&self, path: &str, query: &[(&str, Option<String>)]) -> Result<Value, Failure> {
        let mut url = self.at(path)?;
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        self.json(self.client.request(Method::GET, url))
    }

    /// What is found by a form of texts: none of it stands in the URL.
    pub fn search(&self, path: &str, form: &Map<String, Value>) -> Result<Value, Failure> {
        let mut body = Url::parse("form:").map_err(|e| Failure::new(NOT_SO, e.to_string()))?;
        let texts = form.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        body.query_pairs_mut().extend_pairs(texts);
        let request = self.client.request(Method::POST, self.at(path)?);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        self.json(request.body(body.query().unwrap_or_default().to_owned()))
    }

    /// Has something done.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.client.request(Method::POST, self.at(path)?);
        let request = request.header("Content-Type", "application/json").body(body.to_string());
        self.json(request)
    }

    fn at(&self, path: &str) -> Result<Url, Failure> {
        let base = self.base.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}"))
            .map_err(|error| Failure::new(USAGE, format!("--url: {error}")))
    }

    fn json(&self, mut request: RequestBuilder) -> Result<Value, Failure> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answered = self.runtime.block_on(async {
            let answer = request.send().await?;
            Ok((answer.status(), answer.bytes().await?))
        });
        let (status, body) = answered.map_err(|error: reqwest::Error| {
            let hint = if error.is_connect() { "; does the engine run there (--url)?" } else { "" };
            Failure::new(NOT_SO, format!("{}: {}{hint}", self.base, told(&error)))
        })?;
        let body: Option<Value> = serde_json::from_slice(&body).ok();
        if status.is_success()
            && let Some(body) = body
        {
            return Ok(body);
        }
        let said = body.as_ref().and_then(|body| body["error"]["message"].as_str());
        let said = said.unwrap_or("what answers there is no sluice engine");
        let hint = match (status.as_u16(), &self.token) {
            (401, None) => "; --token-file FILE or SLUICE_TOKEN says who asks",
            _ => "",
        };
        Err(Failure::new(NOT_SO, format!("{}: {status}: {said}{hint}", self.base)))
    }
}

fn named(file: &std::path::Path, error: &std::io::Error) -> String {
    format!("{}: {error}", file.display())
}

/// An error with its causes; never the URL, whose query may name somebody.
fn told(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time" } else { "no answer" }.to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
