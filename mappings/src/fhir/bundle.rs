//! Bundle: a frame around resources that are rendered already.
//!
//! Their bytes are spliced in as they are, without being read again: a page of 1 000 costs a copy.
//! [`Bundle::head`], [`Entry::write`] and [`Bundle::TAIL`] serve a body that is sent in pieces;
//! [`Bundle::write`] puts them together.

use serde::Serialize;

use sluice_ids::Micros;

use super::datatypes::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BundleType {
    Searchset,
    Collection,
    History,
    #[serde(rename = "batch-response")]
    BatchResponse,
    #[serde(rename = "transaction-response")]
    TransactionResponse,
    Transaction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchMode {
    Match,
    Include,
    Outcome,
}

#[derive(Clone, Serialize)]
pub struct Link {
    /// `self`, `next`…
    pub relation: &'static str,
    pub url: String,
}

/// The `fullUrl` of a search's OperationOutcome, which has no id and of which there is one at most.
pub const OUTCOME_URL: &str = "urn:uuid:2f9c1a64-7d0e-4b53-9a1c-6f0b8e1d7c35";

/// The frame.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType", rename = "Bundle")]
pub struct Bundle {
    #[serde(rename = "type")]
    pub of_type: BundleType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Instant>,
    /// Matches in all pages (searchset only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<Link>,
}

/// `Bundle.entry.request.method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

/// What an entry was asked for, and what was answered. Of a version in a history: how it came to
/// be, as if a client had made it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exchange<'a> {
    /// For a history: its URL is relative to the base.
    pub request: Option<(Method, &'a str)>,
    /// `200`; empty for what is only asked for.
    pub status: &'a str,
    /// `W/"7"`.
    pub etag: Option<&'a str>,
    pub last_modified: Option<Micros>,
    /// An OperationOutcome; empty where there is none.
    pub outcome: &'a [u8],
}

/// How sure a match is (`match-grade`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchGrade {
    CertainlyNot,
    Possible,
    Probable,
    Certain,
}

/// What a match is worth: hundredths, and in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    pub hundredths: u8,
    pub grade: MatchGrade,
}

const MATCH_GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";

#[derive(Serialize)]
struct Request<'a> {
    method: Method,
    url: &'a str,
}

/// One entry; `resource` is one JSON object.
#[derive(Clone, Copy, Default)]
pub struct Entry<'a> {
    /// Absolute. R5 wants one of every entry (bdl-15): an outcome's is [`OUTCOME_URL`].
    pub full_url: Option<&'a str>,
    /// Empty where there is none: a deletion in a history.
    pub resource: &'a [u8],
    /// For a searchset.
    pub mode: Option<SearchMode>,
    /// For the answer to `$match`.
    pub score: Option<Score>,
    /// For a history, and for the answer to a batch.
    pub exchange: Option<Exchange<'a>>,
}

impl Bundle {
    /// Closes the list of entries and the bundle, where there was an entry.
    pub const TAIL: &'static [u8] = b"]}";

    #[must_use]
    pub const fn new(of_type: BundleType) -> Self {
        Self { of_type, timestamp: None, total: None, link: Vec::new() }
    }

    /// The whole bundle.
    #[must_use]
    pub fn write<'a>(&self, entries: impl IntoIterator<Item = Entry<'a>>) -> Vec<u8> {
        let mut bytes = self.object();
        let mut any = false;
        for entry in entries {
            if any {
                bytes.push(b',');
            } else {
                open_entries(&mut bytes);
            }
            entry.write(&mut bytes);
            any = true;
        }
        if any {
            bytes.extend_from_slice(Self::TAIL);
        }
        bytes
    }

    /// The start of a bundle that has entries: they follow, a comma between two, then the tail.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let mut bytes = self.object();
        open_entries(&mut bytes);
        bytes
    }

    /// A transaction that deletes `urls` (`Type/id`): how a bulk export tells what is gone.
    #[must_use]
    pub fn deletions(urls: &[String]) -> Vec<u8> {
        let mut bytes = Self::new(BundleType::Transaction).head();
        for (at, url) in urls.iter().enumerate() {
            bytes.extend_from_slice(if at == 0 { b"{" } else { b",{" });
            member(&mut bytes, "request", &Request { method: Method::Delete, url });
            bytes.push(b'}');
        }
        bytes.extend_from_slice(Self::TAIL);
        bytes
    }

    fn object(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("structs with text keys, written to memory")
    }
}

/// `{…}` → `{…,"entry":[`.
fn open_entries(bytes: &mut Vec<u8>) {
    bytes.pop();
    bytes.extend_from_slice(br#","entry":["#);
}

impl Entry<'_> {
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(b'{');
        if let Some(url) = self.full_url {
            member(bytes, "fullUrl", &url);
        }
        if !self.resource.is_empty() {
            name(bytes, "resource");
            bytes.extend_from_slice(self.resource);
        }
        if let Some(mode) = self.mode {
            name(bytes, "search");
            bytes.push(b'{');
            if let Some(score) = self.score {
                let grade = serde_json::json!([{ "url": MATCH_GRADE, "valueCode": score.grade }]);
                member(bytes, "extension", &grade);
            }
            member(bytes, "mode", &mode);
            if let Some(Score { hundredths, .. }) = self.score {
                name(bytes, "score");
                let (whole, rest) = (hundredths / 100, hundredths % 100);
                bytes.extend_from_slice(format!("{whole}.{rest:02}").as_bytes());
            }
            bytes.push(b'}');
        }
        if let Some(exchange) = &self.exchange {
            if let Some((method, url)) = exchange.request {
                member(bytes, "request", &Request { method, url });
            }
            // What is asked for has none yet (bdl-4).
            if !exchange.status.is_empty() {
                name(bytes, "response");
                exchange.write(bytes);
            }
        }
        bytes.push(b'}');
    }
}

impl Exchange<'_> {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(b'{');
        member(bytes, "status", &self.status);
        if let Some(etag) = self.etag {
            member(bytes, "etag", &etag);
        }
        if let Some(at) = self.last_modified {
            member(bytes, "lastModified", &Instant(at));
        }
        if !self.outcome.is_empty() {
            name(bytes, "outcome");
            bytes.extend_from_slice(self.outcome);
        }
        bytes.push(b'}');
    }
}

fn name(bytes: &mut Vec<u8>, name: &str) {
    if bytes.last() != Some(&b'{') {
        bytes.push(b',');
    }
    bytes.extend_from_slice(format!("\"{name}\":").as_bytes());
}

fn member(bytes: &mut Vec<u8>, of: &str, value: &impl Serialize) {
    name(bytes, of);
    serde_json::to_writer(bytes, value).expect("text, written to memory");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(resource: &[u8]) -> Entry<'_> {
        Entry {
            full_url: Some("http://a/Patient/1"),
            resource,
            mode: Some(SearchMode::Match),
            ..Entry::default()
        }
    }

    #[test]
    fn entries_are_spliced_in_as_they_are() {
        let bundle = Bundle { total: Some(2), ..Bundle::new(BundleType::Searchset) };
        let bytes = bundle.write([entry(b"{\"a\": 1}"), entry(b"{}")]);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":2,\"entry\":[\
             {\"fullUrl\":\"http://a/Patient/1\",\"resource\":{\"a\": 1},\
             \"search\":{\"mode\":\"match\"}},\
             {\"fullUrl\":\"http://a/Patient/1\",\"resource\":{},\
             \"search\":{\"mode\":\"match\"}}]}"
        );
    }

    #[test]
    fn a_score_and_an_exchange_are_written_in_the_order_of_their_elements() {
        let score = |hundredths| {
            let mut bytes = Vec::new();
            let score = Some(Score { hundredths, grade: MatchGrade::CertainlyNot });
            Entry { full_url: None, score, ..entry(b"{}") }.write(&mut bytes);
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(
            score(7),
            "{\"resource\":{},\"search\":{\"extension\":[{\"url\":\"http://hl7.org/fhir/\
             StructureDefinition/match-grade\",\"valueCode\":\"certainly-not\"}],\
             \"mode\":\"match\",\"score\":0.07}}"
        );
        assert!(score(100).ends_with("\"score\":1.00}}"));
        let exchange = Exchange {
            request: Some((Method::Get, "Patient")),
            status: "404",
            outcome: b"{}",
            ..Exchange::default()
        };
        let mut bytes = Vec::new();
        Entry { exchange: Some(exchange), ..Entry::default() }.write(&mut bytes);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "{\"request\":{\"method\":\"GET\",\"url\":\"Patient\"},\
             \"response\":{\"status\":\"404\",\"outcome\":{}}}"
        );
        // Of what is only asked for nothing was answered.
        let exchange = Exchange { request: Some((Method::Get, "Patient")), ..Exchange::default() };
        let mut bytes = Vec::new();
        Entry { exchange: Some(exchange), ..Entry::default() }.write(&mut bytes);
        let asked = "{\"request\":{\"method\":\"GET\",\"url\":\"Patient\"}}";
        assert_eq!(String::from_utf8(bytes).unwrap(), asked);
    }

    #[test]
    fn a_bundle_without_entries_has_no_empty_list() {
        let bytes = Bundle::new(BundleType::Collection).write([]);
        assert_eq!(bytes, br#"{"resourceType":"Bundle","type":"collection"}"#);
    }

    #[test]
    fn the_pieces_of_a_body_come_to_the_whole() {
        let bundle = Bundle::new(BundleType::Collection);
        let mut pieces = bundle.head();
        entry(b"{}").write(&mut pieces);
        pieces.push(b',');
        entry(b"{}").write(&mut pieces);
        pieces.extend_from_slice(Bundle::TAIL);
        assert_eq!(pieces, bundle.write([entry(b"{}"), entry(b"{}")]));
    }

    #[test]
    fn a_deletion_is_a_request_for_each_resource() {
        let deletes =
            |url: &str| format!("{{\"request\":{{\"method\":\"DELETE\",\"url\":\"{url}\"}}}}");
        let (one, two) = (deletes("Patient/1"), deletes("Patient/2"));
        let bytes = Bundle::deletions(&["Patient/1".to_owned(), "Patient/2".to_owned()]);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            format!(
                "{{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{one},{two}]}}"
            )
        );
    }

    #[test]
    fn an_answer_says_which_version_it_has_and_of_when() {
        let exchange = Exchange {
            status: "200",
            etag: Some("W/\"7\""),
            last_modified: Some(Micros::new(1_773_133_500_000_000)),
            ..Exchange::default()
        };
        let mut bytes = Vec::new();
        Entry { exchange: Some(exchange), ..entry(b"{}") }.write(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let response = "\"response\":{\"status\":\"200\",\"etag\":\"W/\\\"7\\\"\",\
             \"lastModified\":\"2026-03-10T09:05:00.000Z\"}}";
        assert!(text.ends_with(response), "{text}");
    }
}
