//! `/`: one self-contained page. It holds no data itself: its script asks `/api/status`, with the
//! token that is typed into it and kept nowhere else.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::Response;
use axum::http::header::{self, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::fault::Fault;

const PAGE: &str = include_str!("console.html");

/// Nothing may run, load or be sent anywhere but what this page itself holds and asks here.
static CONTENT_SECURITY_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |tag| STANDARD.encode(Sha256::digest(inline(tag).as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("style"),
        hash("script")
    );
    HeaderValue::from_str(&policy).expect("base64 and the words above are header characters")
});

/// What stands between `<tag>` and `</tag>`, which is what a browser hashes.
fn inline(tag: &str) -> &'static str {
    PAGE.split_once(&format!("<{tag}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")))
        .map_or("", |(inside, _)| inside)
}

pub(crate) fn page(_: &Call<'_>) -> Result<Response<Body>, Fault> {
    let mut response = Response::new(Body::from(PAGE));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.clone());
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_from_elsewhere_and_its_inline_parts_are_hashed() {
        assert!(!inline("style").is_empty() && !inline("script").is_empty());
        assert_eq!(PAGE.matches("<script").count(), 1);
        assert_eq!(PAGE.matches("<style").count(), 1);
        for outside in ["http:", "https:", "src=", "style=\"", "onclick", "@import", "url("] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        assert!(!CONTENT_SECURITY_POLICY.to_str().unwrap().contains("sha256-'"));
    }
}
