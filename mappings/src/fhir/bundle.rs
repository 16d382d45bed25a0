//! Bundle: a frame around resources that are rendered already.
//!
//! Their bytes are spliced in as they are, without being read again: a page of 1 000 costs a copy.
//! [`Bundle::head`], [`Entry::write`] and [`Bundle::TAIL`] serve a body that is sent in pieces;
//! [`Bundle::write`] puts them together.

use serde::Serialize;

use sluice_ids::{Micros, Seq};

use super::datatypes::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BundleType {
    Searchset,
    Collection,
    History,
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
    Post,
    Put,
    Delete,
}

/// What a history says of a version: how it came to be, as if a client had made it.
#[derive(Debug, Clone, Copy)]
pub struct HistoryEntry<'a> {
    pub method: Method,
    /// Relative to the base.
    pub url: &'a str,
    pub version: Seq,
    pub last_modified: Micros,
}

#[derive(Serialize)]
struct Request<'a> {
    method: Method,
    url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: &'static str,
    etag: String,
    last_modified: Instant,
}

/// One entry; `resource` is one JSON object.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// Absolute. R5 wants one of every entry (bdl-15): an outcome's is [`OUTCOME_URL`].
    pub full_url: Option<&'a str>,
    /// Empty where there is none: a deletion in a history.
    pub resource: &'a [u8],
    /// For a searchset.
    pub mode: Option<SearchMode>,
    /// For a history.
    pub history: Option<HistoryEntry<'a>>,
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
            bytes.extend_from_slice(br#"{"mode":"#);
            serde_json::to_writer(&mut *bytes, &mode).expect("text, written to memory");
            bytes.push(b'}');
        }
        if let Some(version) = &self.history {
            member(bytes, "request", &Request { method: version.method, url: version.url });
            let response = Response {
                status: match version.method {
                    Method::Post => "201",
                    Method::Put => "200",
                    Method::Delete => "204",
                },
                etag: format!("W/\"{}\"", version.version),
                last_modified: Instant(version.last_modified),
            };
            member(bytes, "response", &response);
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
            history: None,
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
}
