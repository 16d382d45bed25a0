//! What an answer tells of how it was made: where the time went, and how much of it was kept.
//!
//! All times are milliseconds up to the answer's header, so that what streams (an export) is told
//! as far as it is known then. The share that was kept is this answer's own: the server's would
//! tell one EJ's reader of another EJ's.

use std::time::Duration;

use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use crate::call::{Call, Spent};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// From the request's header to the answer's.
const X_PROCESS_TIME: HeaderName = HeaderName::from_static("x-process-time");
/// In the state: looking up, searching.
const X_STORE_TIME: HeaderName = HeaderName::from_static("x-store-time");
/// In the route itself: without admission, the reading of a form, and waiting for a turn.
const X_FHIR_ROUTE_TIME: HeaderName = HeaderName::from_static("x-fhir-route-time");
/// `HIT` where all was kept, `MISS` where something had to be made, `BYPASS` where nothing kept
/// was looked for. Absent where nothing is kept of what was asked.
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
/// The share of this answer's resources or chunks that was kept.
const X_CACHE_HIT_RATE: HeaderName = HeaderName::from_static("x-cache-hit-rate");

/// Writes the headers that the settings ask for. `route` is the time in the route itself.
pub(crate) fn tell(call: &Call<'_>, route: Duration, headers: &mut HeaderMap) {
    let settings = &call.app.settings;
    let (spent, total) = (call.spent.get(), call.began.elapsed());
    // One text for all: each header's value is a part of it.
    let mut text = String::with_capacity(128);
    let mut parts: [(HeaderName, usize); 4] =
        [(SERVER_TIMING, 0), (X_PROCESS_TIME, 0), (X_STORE_TIME, 0), (X_FHIR_ROUTE_TIME, 0)];
    if settings.server_timing {
        let named = [("auth", spent.auth), ("store", spent.store), ("render", spent.render)];
        for (name, took) in named {
            text.push_str(name);
            text.push_str(";dur=");
            write_ms(&mut text, took);
            text.push_str(", ");
        }
        text.push_str("total;dur=");
        write_ms(&mut text, total);
    }
    parts[0].1 = text.len();
    if settings.timing_headers {
        for (part, took) in parts[1..].iter_mut().zip([total, spent.store, route]) {
            write_ms(&mut text, took);
            part.1 = text.len();
        }
        cache(call, spent, headers);
    }
    let text = Bytes::from(text);
    let mut start = 0;
    for (name, end) in parts {
        if end > start
            && let Ok(value) = HeaderValue::from_maybe_shared(text.slice(start..end))
        {
            headers.insert(name, value);
            start = end;
        }
    }
}

fn cache(call: &Call<'_>, spent: Spent, headers: &mut HeaderMap) {
    let (hits, all) = (spent.hits, spent.hits + spent.misses);
    let (word, rate) = match () {
        () if !call.takes_kept() => ("BYPASS", "0.000"),
        () if all == 0 => return,
        () if hits == all => ("HIT", "1.000"),
        () if hits == 0 => ("MISS", "0.000"),
        () => ("MISS", ""),
    };
    headers.insert(X_CACHE, HeaderValue::from_static(word));
    let rate = if rate.is_empty() {
        // Rounded down: only what was all kept is 1.
        let thousandths = u64::from(hits) * 1000 / u64::from(all);
        HeaderValue::try_from(format!("0.{thousandths:03}")).ok()
    } else {
        Some(HeaderValue::from_static(rate))
    };
    headers.extend(rate.map(|rate| (X_CACHE_HIT_RATE, rate)));
}

/// Without the machinery of `fmt`: every answer has seven of them.
fn write_ms(text: &mut String, took: Duration) {
    let mut micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
    let mut digits = [b'0'; 12];
    let mut at = digits.len();
    // Three decimals, the point, and at least one digit before it.
    for place in 0.. {
        if place == 3 {
            at -= 1;
            digits[at] = b'.';
        }
        if place > 3 && micros == 0 {
            break;
        }
        at -= 1;
        digits[at] += u8::try_from(micros % 10).unwrap_or_default();
        micros /= 10;
    }
    text.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_with_three_decimals() {
        for (micros, expected) in [
            (0, "0.000"),
            (7, "0.007"),
            (999, "0.999"),
            (1_000, "1.000"),
            (12_345, "12.345"),
            (4_294_967_295, "4294967.295"),
            (u64::MAX, "4294967.295"),
        ] {
            let mut text = String::new();
            write_ms(&mut text, Duration::from_micros(micros));
            assert_eq!(text, expected);
        }
    }
}
