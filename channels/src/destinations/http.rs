//! What FHIR servers and webhooks share: one client each, and what an HTTP status means.
//!
//! | status | then |
//! |---|---|
//! | 2xx | accepted |
//! | 408, 425, 429, 5xx | not now; `Retry-After` in seconds is heeded, up to 5 minutes |
//! | 401, 403, 407 | not reached: it is our leave that is missing, not the message that is wrong |
//! | 409, 412, 423 | not now: somebody else writes the same |
//! | 3xx, other 4xx | refused |

use std::path::Path;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response};

use super::handshake::why;
use super::open::{OpenError, read};
use super::outcome::{Code, Outcome};

/// Longest that a server may have us wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Most bytes that are read of an answer: a transaction's has a line for each resource.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// No redirects, no proxies: patient data goes where the settings say and nowhere else.
pub(super) fn client(ca: Option<&Path>, timeout: Duration) -> Result<Client, OpenError> {
    // Another part of the process may have said so already: it is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(timeout)
        .connect_timeout(timeout)
        .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")));
    if let Some(path) = ca {
        let unusable = |_| OpenError::Pem { key: "ca", path: path.to_owned(), what: "certificate" };
        let vouching = Certificate::from_pem_bundle(&read("ca", path)?).map_err(unusable)?;
        client = client.tls_certs_only(vouching);
    }
    client.build().map_err(|error| OpenError::Http(error.without_url().to_string()))
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// Asks once.
pub(super) async fn ask(request: RequestBuilder) -> Result<Answer, Code> {
    let answer = request.send().await.map_err(|error| unreached(&error))?;
    let status = answer.status().as_u16();
    let retry_after = retry_after(&answer);
    let body = whole(answer).await?;
    Ok(Answer { status, retry_after, body })
}

impl Answer {
    pub fn outcome(&self) -> Outcome {
        let code = Code::http(self.status);
        match self.status {
            200..=299 => Outcome::Accepted,
            401 | 403 | 407 => Outcome::Unreached(code),
            408 | 409 | 412 | 423 | 425 | 429 | 500..=599 => {
                Outcome::NotNow(code, self.retry_after)
            }
            _ => Outcome::Refused(code),
        }
    }
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

async fn whole(mut answer: Response) -> Result<Vec<u8>, Code> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreached(&error))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Code::of("answer too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreached(error: &reqwest::Error) -> Code {
    if let Some(code) = why(error) {
        return code;
    }
    Code::of(if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else {
        "reset"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds() {
        for (status, means) in [
            (201, "Accepted"),
            (302, "Refused(http 302)"),
            (400, "Refused(http 400)"),
            (401, "Unreached(http 401)"),
            (409, "NotNow(http 409, None)"),
            (422, "Refused(http 422)"),
            (429, "NotNow(http 429, None)"),
            (503, "NotNow(http 503, None)"),
        ] {
            let answer = Answer { status, retry_after: None, body: Vec::new() };
            assert_eq!(format!("{:?}", answer.outcome()), means);
        }
    }
}
