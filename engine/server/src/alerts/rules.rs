//! What is wrong, of two samples: the present one, and the one that the window began with. Pure.

use std::collections::BTreeMap;

use sluice_config::AlertSettings;

use super::sample::Sample;

/// Of fewer messages or reads in a window no share is told.
const LEAST: f64 = 20.0;

/// What an alert is about: its name, and the EJ, channel or certificate (empty: the engine).
pub type About = (&'static str, String);

/// The value, and its limit.
pub type Beyond = (f64, f64);

/// Every alert that the engine knows, and what it says.
pub const ALERTS: [(&str, &str); 10] = [
    ("feed_quiet", "a channel took no message for longer than it usually does, in seconds"),
    ("queue_age", "what was stored waits to be applied or delivered, in seconds"),
    ("delivery_stuck", "a destination cannot go on, or could not begin"),
    ("refused_share", "many messages of an EJ are refused, in percent"),
    ("dead_letters", "messages of an EJ were set aside in the window"),
    ("disk_floor", "the free space under the journal nears its floor, in bytes"),
    ("certificate_end", "a certificate nears its end, in days"),
    ("cache_hits", "few answers come from the caches, in percent"),
    ("p95", "HTTP answers are slow, 95th percentile in ms"),
    ("memory", "the memory in use nears its bound, in percent"),
];

/// All but the quiet feeds.
pub fn beyond(
    settings: &AlertSettings,
    floor_bytes: u64,
    now_s: f64,
    then: &Sample,
    sample: &Sample,
) -> BTreeMap<About, Beyond> {
    let mut found = BTreeMap::new();
    let grown = |name: &str, label: &str| {
        let before = then.by(name, label);
        let grown = sample.by(name, label).into_iter().map(|(of, value)| {
            let since = value - before.get(of).copied().unwrap_or(0.0);
            (of.to_owned(), since)
        });
        grown.collect::<BTreeMap<String, f64>>()
    };
    let limit = settings.queue_age_s as f64;
    for (ej, age) in sample.by("sluice_apply_lag_seconds", "ej") {
        if age > limit {
            found.insert(("queue_age", ej.to_owned()), (age, limit));
        }
    }
    for (alert, name, limit) in [
        ("queue_age", "sluice_delivery_oldest_seconds", limit),
        ("delivery_stuck", "sluice_delivery_stuck", 0.0),
    ] {
        for series in sample.all(name).iter().filter(|series| series.value > limit) {
            let label = |name: &str| series.labels.get(name).map_or("", String::as_str);
            let of = format!("{}/{}/{}", label("ej"), label("channel"), label("destination"));
            found.insert((alert, of), (series.value, limit));
        }
    }
    let limit = settings.refused_percent as f64;
    let verdicts = grown("sluice_intake_verdicts_total", "ej");
    let taken = |sample: &Sample, ej: &str| -> f64 {
        let of_ej = sample.all("sluice_intake_verdicts_total").iter().filter(|series| {
            series.labels.get("ej").is_some_and(|of| of == ej)
                && series
                    .labels
                    .get("verdict")
                    .is_some_and(|v| v == "accepted" || v == "kept_unread")
        });
        of_ej.map(|series| series.value).sum()
    };
    for (ej, all) in verdicts {
        let refused = 100.0 * (all - taken(sample, &ej) + taken(then, &ej)) / all;
        if all >= LEAST && refused > limit {
            found.insert(("refused_share", ej), (refused, limit));
        }
    }
    for (ej, letters) in grown("sluice_dead_letters_total", "ej") {
        if letters > 0.0 {
            found.insert(("dead_letters", ej), (letters, 0.0));
        }
    }
    let limit = floor_bytes as f64 * settings.disk_floor_percent as f64 / 100.0;
    if let [free] = sample.all("sluice_journal_free_bytes")
        && free.value > 0.0
        && free.value < limit
    {
        found.insert(("disk_floor", String::new()), (free.value, limit));
    }
    let limit = settings.certificate_days as f64;
    for (of, at) in sample.by("sluice_certificate_end_timestamp_seconds", "certificate") {
        let days = (at - now_s) / 86_400.0;
        if days < limit {
            found.insert(("certificate_end", of.to_owned()), (days, limit));
        }
    }
    let since = |name: &str| sample.sum(name) - then.sum(name);
    let (hits, misses) = (since("sluice_cache_hits_total"), since("sluice_cache_misses_total"));
    let (share, limit) = (100.0 * hits / (hits + misses), settings.cache_hit_percent as f64);
    if hits + misses >= LEAST && share < limit {
        found.insert(("cache_hits", String::new()), (share, limit));
    }
    let limit = settings.p95_ms as f64;
    if let Some(p95) = p95_ms(then, sample).filter(|p95| *p95 > limit) {
        found.insert(("p95", String::new()), (p95, limit));
    }
    let bound = sample.sum("sluice_memory_bound_bytes");
    let used = 100.0 * sample.sum("sluice_memory_resident_bytes") / bound;
    let limit = settings.memory_percent as f64;
    if bound > 0.0 && used > limit {
        found.insert(("memory", String::new()), (used, limit));
    }
    found
}

/// The upper bound of the bucket in which the 95th percentile of all routes falls.
fn p95_ms(then: &Sample, sample: &Sample) -> Option<f64> {
    let name = "sluice_http_request_seconds_bucket";
    let before = then.by(name, "le");
    let mut buckets: Vec<(f64, f64)> = Vec::new();
    for (le, count) in sample.by(name, "le") {
        let bound = if le == "+Inf" { f64::INFINITY } else { le.parse().ok()? };
        buckets.push((bound, count - before.get(le).copied().unwrap_or(0.0)));
    }
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    let all = buckets.last()?.1;
    if all < LEAST {
        return None;
    }
    let (bound, _) = buckets.into_iter().find(|(_, count)| *count >= 0.95 * all)?;
    // Beyond the last bound nothing is known but that.
    Some(if bound.is_finite() { bound * 1000.0 } else { f64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(then: &str, now: &str) -> Vec<String> {
        let (then, now) = (Sample::read(then), Sample::read(now));
        let found = beyond(&AlertSettings::default(), 1_000, 0.0, &then, &now);
        found.into_keys().map(|(name, of)| format!("{name} {of}").trim().to_owned()).collect()
    }

    #[test]
    fn each_limit_has_its_alert_and_what_is_within_has_none() {
        let fine = "sluice_journal_free_bytes 5000\nsluice_apply_lag_seconds{ej=\"EJ1\"} 1\n\
            sluice_intake_verdicts_total{ej=\"EJ1\",verdict=\"accepted\"} 100\n\
            sluice_intake_verdicts_total{ej=\"EJ1\",verdict=\"unreadable\"} 9\n\
            sluice_cache_hits_total{cache=\"chunks\"} 90\nsluice_cache_misses_total{cache=\"chunks\"} 9\n\
            sluice_http_request_seconds_bucket{route=\"/\",le=\"0.5\"} 99\n\
            sluice_http_request_seconds_bucket{route=\"/\",le=\"+Inf\"} 100\n\
            sluice_memory_bound_bytes 100\nsluice_memory_resident_bytes 79\n\
            sluice_certificate_end_timestamp_seconds{certificate=\"http\"} 9999999\n\
            sluice_delivery_stuck{channel=\"EJ1.mllp\",destination=\"ward\",ej=\"EJ1\"} 0\n\
            sluice_dead_letters_total{ej=\"EJ1\"} 3\n";
        let without = "sluice_dead_letters_total{ej=\"EJ1\"} 3\n";
        assert_eq!(names(without, fine), Vec::<String>::new());
        for (from, to, expected) in [
            ("free_bytes 5000", "free_bytes 1999", "disk_floor"),
            ("lag_seconds{ej=\"EJ1\"} 1", "lag_seconds{ej=\"EJ1\"} 61", "queue_age EJ1"),
            ("\"unreadable\"} 9", "\"unreadable\"} 26", "refused_share EJ1"),
            ("misses_total{cache=\"chunks\"} 9", "misses_total{cache=\"chunks\"} 91", "cache_hits"),
            ("le=\"0.5\"} 99", "le=\"0.5\"} 94", "p95"),
            ("resident_bytes 79", "resident_bytes 81", "memory"),
            ("ward\",ej=\"EJ1\"} 0", "ward\",ej=\"EJ1\"} 1", "delivery_stuck EJ1/EJ1.mllp/ward"),
            ("} 9999999", "} 1000000", "certificate_end http"),
            ("letters_total{ej=\"EJ1\"} 3", "letters_total{ej=\"EJ1\"} 4", "dead_letters EJ1"),
        ] {
            assert!(fine.contains(from), "{from}");
            assert_eq!(names(without, &fine.replace(from, to)), [expected]);
        }
    }
}
