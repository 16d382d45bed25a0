//! FHIR REST out: what a message changed, under our own stable ids.
//!
//! - `each`: a PUT (or a DELETE) for each resource, what others refer to first, the next only
//!   when the one before was taken. `transaction`: one Bundle, all or nothing.
//! - A version that the server has taken is remembered (the last 16 384 of them), and neither it
//!   nor an older one is sent again: an attempt that broke off half-way goes on where it stood.
//! - A DELETE of what the server does not have (404, 410) is accepted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use reqwest::{Client, Method as Verb};
use serde::Deserialize;
use sluice_ids::Seq;
use sluice_mappings::fhir::{Bundle, BundleType, Entry, Exchange, Method};

use super::auth::Auth;
use super::http::{Answer, ask, client};
use super::open::OpenError;
use super::outcome::{Body, Code, DeliverFuture, Destination, Outcome, Outgoing, Resource};
use super::settings::{FhirMode, FhirOut, ms};

/// Versions that are remembered: some seconds of a busy feed.
const TAKEN_MAX: usize = 16_384;

pub(super) struct FhirDestination(Arc<Server>);

struct Server {
    client: Client,
    base: String,
    mode: FhirMode,
    auth: Auth,
    taken: Mutex<Taken>,
}

/// By `Type/id`, the newest version that the server took.
#[derive(Default)]
struct Taken {
    versions: HashMap<String, Seq>,
    order: VecDeque<String>,
}

impl FhirDestination {
    pub fn new(settings: &FhirOut) -> Result<Self, OpenError> {
        let client = client(settings.ca.as_deref(), ms(settings.timeout_ms))?;
        let auth = Auth::new(settings, &client)?;
        let base = settings.url.trim_end_matches('/').to_owned();
        let taken = Mutex::default();
        Ok(Self(Arc::new(Server { client, base, mode: settings.mode, auth, taken })))
    }
}

impl Destination for FhirDestination {
    fn deliver(&self, outgoing: Outgoing) -> DeliverFuture {
        let server = Arc::clone(&self.0);
        Box::pin(async move {
            let Body::Resources(mut resources) = outgoing.body else {
                return Outcome::Refused(Code::of("not resources"));
            };
            server.taken.lock().leave_out(&mut resources);
            if resources.is_empty() {
                return Outcome::Accepted;
            }
            let sent = match server.mode {
                FhirMode::Each => server.each(&resources).await,
                FhirMode::Transaction => server.transaction(&resources).await,
            };
            sent.unwrap_or_else(Outcome::Unreached)
        })
    }
}

impl Server {
    async fn each(&self, resources: &[Resource]) -> Result<Outcome, Code> {
        // What refers to others goes first when it is taken away.
        let (gone, there): (Vec<_>, Vec<_>) = resources.iter().partition(|r| r.json.is_none());
        for resource in there.into_iter().chain(gone.into_iter().rev()) {
            let url = format!("{}/{}", self.base, path(resource));
            let answer = match &resource.json {
                Some(json) => self.ask(Verb::PUT, &url, json.clone()).await?,
                None => self.ask(Verb::DELETE, &url, bytes::Bytes::new()).await?,
            };
            let absent = resource.json.is_none() && matches!(answer.status, 404 | 410);
            match answer.outcome() {
                _ if absent => {}
                Outcome::Accepted => {}
                otherwise => return Ok(otherwise),
            }
            self.taken.lock().note(resource);
        }
        Ok(Outcome::Accepted)
    }

    async fn transaction(&self, resources: &[Resource]) -> Result<Outcome, Code> {
        let paths: Vec<String> = resources.iter().map(path).collect();
        let urls: Vec<String> = paths.iter().map(|path| format!("{}/{path}", self.base)).collect();
        let entries = resources.iter().zip(&paths).zip(&urls).map(|((resource, path), url)| {
            let method = if resource.json.is_some() { Method::Put } else { Method::Delete };
            Entry {
                full_url: resource.json.is_some().then_some(url.as_str()),
                resource: resource.json.as_deref().unwrap_or_default(),
                exchange: Some(Exchange { request: Some((method, path)), ..Exchange::default() }),
                ..Entry::default()
            }
        });
        let bundle = Bundle::new(BundleType::Transaction).write(entries);
        let answer = self.ask(Verb::POST, &self.base, bundle.into()).await?;
        let outcome = match answer.outcome() {
            Outcome::Accepted => told(&answer, resources),
            otherwise => otherwise,
        };
        if outcome == Outcome::Accepted {
            let mut taken = self.taken.lock();
            resources.iter().for_each(|resource| taken.note(resource));
        }
        Ok(outcome)
    }

    /// Asks, once more under a new token where the one at hand is not taken.
    async fn ask(&self, verb: Verb, url: &str, body: bytes::Bytes) -> Result<Answer, Code> {
        let mut again = matches!(self.auth, Auth::OAuth2(_));
        loop {
            let mut request = self
                .client
                .request(verb.clone(), url)
                .header("accept", "application/fhir+json")
                .header("prefer", "return=minimal");
            let token = self.auth.token().await?;
            if let Some(token) = &token {
                request = request.bearer_auth(token);
            }
            if !body.is_empty() {
                request =
                    request.header("content-type", "application/fhir+json").body(body.clone());
            }
            let answer = ask(request).await?;
            if answer.status != 401 || !std::mem::take(&mut again) {
                return Ok(answer);
            }
            self.auth.forget(&token.unwrap_or_default()).await;
        }
    }
}

fn path(resource: &Resource) -> String {
    format!("{}/{}", resource.of_type, resource.id)
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    entry: Vec<ToldEntry>,
}

#[derive(Deserialize)]
struct ToldEntry {
    response: Option<ToldResponse>,
}

#[derive(Deserialize)]
struct ToldResponse {
    #[serde(default)]
    status: String,
}

/// A transaction is whole or not at all, but some servers answer 200 to one that they treated as a
/// batch: each entry is looked at.
fn told(answer: &Answer, resources: &[Resource]) -> Outcome {
    let Ok(told) = serde_json::from_slice::<Told>(&answer.body) else {
        // `return=minimal` may leave nothing to read.
        return if answer.body.is_empty() {
            Outcome::Accepted
        } else {
            Outcome::NotNow(Code::of("no bundle"), None)
        };
    };
    if told.entry.is_empty() {
        return Outcome::Accepted;
    }
    if told.entry.len() != resources.len() {
        return Outcome::NotNow(Code::of("entries missing"), None);
    }
    for (entry, resource) in told.entry.into_iter().zip(resources) {
        let status = entry.response.map(|response| response.status).unwrap_or_default();
        let status = status.split(' ').next().unwrap_or_default().parse().unwrap_or(0);
        let (retry_after, body) = (None, Vec::new());
        match (Answer { status, retry_after, body }).outcome() {
            Outcome::Accepted => {}
            _ if resource.json.is_none() && matches!(status, 404 | 410) => {}
            otherwise => return otherwise,
        }
    }
    Outcome::Accepted
}

impl Taken {
    fn leave_out(&self, resources: &mut Vec<Resource>) {
        resources.retain(|resource| {
            self.versions.get(&path(resource)).is_none_or(|taken| *taken < resource.version)
        });
    }

    fn note(&mut self, resource: &Resource) {
        let path = path(resource);
        match self.versions.get_mut(&path) {
            Some(version) => *version = (*version).max(resource.version),
            None => {
                self.versions.insert(path.clone(), resource.version);
                self.order.push_back(path);
                if self.order.len() > TAKEN_MAX
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.versions.remove(&oldest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(version: u64) -> Resource {
        let (of_type, id, version) = ("Patient", "7".to_owned(), Seq::new(version));
        Resource { of_type, id, version, json: None }
    }

    #[test]
    fn what_was_taken_is_neither_sent_again_nor_replaced_by_what_is_older() {
        let mut taken = Taken::default();
        taken.note(&resource(5));
        let mut left = vec![resource(4), resource(5), resource(6)];
        taken.leave_out(&mut left);
        assert_eq!(left.iter().map(|r| r.version.get()).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn a_transaction_that_was_treated_as_a_batch_is_read_entry_by_entry() {
        let answer = |body: &str| Answer { status: 200, retry_after: None, body: body.into() };
        let bundle = |second: &str| {
            format!(
                r#"{{"entry":[{{"response":{{"status":"200 OK"}}}},{{"response":{{"status":"{second}"}}}}]}}"#
            )
        };
        let put = || Resource { json: Some("{}".into()), ..resource(2) };
        let two = [put(), put()];
        assert_eq!(told(&answer(&bundle("201 Created")), &two), Outcome::Accepted);
        assert_eq!(told(&answer(&bundle("422")), &two), Outcome::Refused(Code::http(422)));
        assert_eq!(told(&answer(""), &two), Outcome::Accepted);
        let three = [put(), put(), put()];
        assert!(matches!(told(&answer(&bundle("200")), &three), Outcome::NotNow(..)));
        for absent in [404, 410] {
            let answer = answer(&bundle(&absent.to_string()));
            assert_eq!(told(&answer, &two), Outcome::Refused(Code::http(absent)), "of a PUT");
            assert_eq!(told(&answer, &[put(), resource(3)]), Outcome::Accepted, "of a DELETE");
        }
    }
}
