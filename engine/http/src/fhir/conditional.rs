//! `If-None-Match` and `If-Modified-Since` (RFC 9110 §13; FHIR "conditional read").

use axum::http::header::{self, HeaderMap, HeaderValue};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// Whether the client already has it. Tags are compared weakly; a tag goes before a date.
pub(crate) fn unchanged(
    headers: &HeaderMap,
    etag: &HeaderValue,
    last_modified: Option<&HeaderValue>,
) -> bool {
    let mut tags = headers.get_all(header::IF_NONE_MATCH).iter().peekable();
    if tags.peek().is_some() {
        let own = opaque(etag.as_bytes());
        return tags.any(|value| {
            value.as_bytes().split(|b| *b == b',').any(|tag| {
                let tag = tag.trim_ascii();
                tag == b"*" || opaque(tag) == own
            })
        });
    }
    let date = |value: &HeaderValue| -> Option<Timestamp> {
        DateTimeParser::new().parse_timestamp(value.to_str().ok()?).ok()
    };
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(date);
    since.zip(last_modified.and_then(date)).is_some_and(|(since, modified)| modified <= since)
}

/// `W/"7"` → `7`; clients that forget the quotes are understood.
fn opaque(tag: &[u8]) -> &[u8] {
    let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
    tag.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: header::HeaderName, value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        let etag = HeaderValue::from_static("W/\"7\"");
        let modified = HeaderValue::from_static("Thu, 01 Oct 2026 08:00:00 GMT");
        unchanged(&headers, &etag, Some(&modified))
    }

    #[test]
    fn a_tag_matches_weakly_and_in_a_list() {
        for yes in ["W/\"7\"", "\"7\"", "7", "*", "\"5\", W/\"7\""] {
            assert!(asked(header::IF_NONE_MATCH, yes), "{yes}");
        }
        for no in ["W/\"8\"", "", "\"77\"", "W/7x"] {
            assert!(!asked(header::IF_NONE_MATCH, no), "{no}");
        }
    }

    #[test]
    fn a_date_counts_to_the_second_and_one_that_cannot_be_read_does_not() {
        assert!(asked(header::IF_MODIFIED_SINCE, "Thu, 01 Oct 2026 08:00:00 GMT"));
        assert!(!asked(header::IF_MODIFIED_SINCE, "Thu, 01 Oct 2026 07:59:59 GMT"));
        assert!(!asked(header::IF_MODIFIED_SINCE, "yesterday"));
    }
}
