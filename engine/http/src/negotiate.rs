//! What the client takes: media types and encodings (RFC 9110 §12.5; FHIR "Content types").

/// How an answer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Zstd,
}

impl Coding {
    /// What the client likes best (RFC 9110 §12.5.3). Of those that it likes alike, `first` goes
    /// before the other, and either before no packing at all.
    pub(crate) fn best<'v>(accepted: impl Iterator<Item = &'v str>, first: Self) -> Self {
        let (mut gzip, mut zstd, mut identity, mut any) = (None, None, None, None);
        for item in accepted.flat_map(|value| value.split(',')) {
            let (coding, quality) = quality(item);
            let is = |name: &str| coding.eq_ignore_ascii_case(name);
            let slot = match () {
                () if is("gzip") || is("x-gzip") => &mut gzip,
                () if is("zstd") => &mut zstd,
                () if is("identity") => &mut identity,
                () if coding == "*" => &mut any,
                () => continue,
            };
            *slot = Some(quality);
        }
        let quality = |named: Option<u16>| named.or(any).unwrap_or(0);
        let second = if first == Self::Zstd { Self::Gzip } else { Self::Zstd };
        let of = |coding| quality(if coding == Self::Zstd { zstd } else { gzip });
        let best = if of(second) > of(first) { second } else { first };
        // Not named it has no quality of its own: it is what is left.
        if of(best) > 0 && of(best) >= identity.unwrap_or(0) { best } else { Self::Identity }
    }

    /// The value of `Content-Encoding`.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// An item of a list, and its quality in thousandths; one that cannot be read is taken as 1.
fn quality(item: &str) -> (&str, u16) {
    let mut parts = item.split(';');
    let name = parts.next().unwrap_or_default().trim();
    let of = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let value = of.and_then(|value| value.parse::<f32>().ok()).unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    let thousandths = (value.clamp(0.0, 1.0) * 1000.0).round() as u16;
    (name, thousandths)
}

/// Whether an `Accept` value takes FHIR JSON of `fhir_version` (`4.0`). Absent takes anything.
pub(crate) fn takes_fhir_json(accept: Option<&str>, fhir_version: &str) -> bool {
    let Some(accept) = accept else { return true };
    json_quality(accept, fhir_version) > 0
}

/// How much FHIR JSON of that version is liked.
fn json_quality(accept: &str, fhir_version: &str) -> u16 {
    let liked = |item: &str| {
        let (media, quality) = quality(item);
        let other = item.split(';').skip(1).any(|p| is_other_version(p, fhir_version));
        if is_json(media) && !other { quality } else { 0 }
    };
    accept.split(',').map(liked).max().unwrap_or(0)
}

/// The names of FHIR JSON, the one of DSTU2 included, and what stands for anything.
pub(crate) fn is_json(media: &str) -> bool {
    const NAMES: [&str; 7] = [
        "application/fhir+json",
        "*/*",
        "application/json",
        "application/*",
        "text/json",
        "application/json+fhir",
        "json",
    ];
    NAMES.iter().any(|name| media.eq_ignore_ascii_case(name))
}

/// `fhirVersion=5.0` where R4 is served.
fn is_other_version(parameter: &str, fhir_version: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.trim().eq_ignore_ascii_case("fhirVersion")
            && value.trim().trim_matches('"') != fhir_version
    })
}

/// The names of NDJSON.
pub(crate) fn is_ndjson(media: &str) -> bool {
    const NAMES: [&str; 4] =
        ["application/fhir+ndjson", "application/ndjson", "application/x-ndjson", "ndjson"];
    NAMES.iter().any(|name| media.eq_ignore_ascii_case(name))
}

/// Whether an `Accept` value names NDJSON, and likes it no less than FHIR JSON.
pub(crate) fn prefers_ndjson(accept: &str, fhir_version: &str) -> bool {
    let liked = accept.split(',').map(quality).filter(|(media, _)| is_ndjson(media));
    let liked = liked.map(|(_, quality)| quality).max().unwrap_or(0);
    liked > 0 && liked >= json_quality(accept, fhir_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_that_the_client_likes_best_is_taken_and_none_that_it_refuses() {
        use Coding::{Gzip, Identity, Zstd};
        for (accepted, gzip_first, zstd_first) in [
            ("gzip", Gzip, Gzip),
            ("x-gzip", Gzip, Gzip),
            ("deflate, gzip;q=0.5", Gzip, Gzip),
            ("br;q=1.0, GZIP", Gzip, Gzip),
            ("gzip, deflate, br, zstd", Gzip, Zstd),
            ("zstd", Zstd, Zstd),
            ("gzip;q=0.8, zstd;q=0.9", Zstd, Zstd),
            ("gzip;q=0.9, zstd;q=0.8", Gzip, Gzip),
            ("*", Gzip, Zstd),
            ("zstd;q=0, *", Gzip, Gzip),
            ("identity;q=0, *;q=0.1", Gzip, Zstd),
            ("gzip;q=0.5, identity", Identity, Identity),
            ("gzip;q=0.001", Gzip, Gzip),
            ("", Identity, Identity),
            ("identity", Identity, Identity),
            ("gzip;q=0", Identity, Identity),
            ("gzip; q=0.000, zstd;q=0, *", Identity, Identity),
            ("br, deflate", Identity, Identity),
            ("*;q=0", Identity, Identity),
        ] {
            assert_eq!(Coding::best([accepted].into_iter(), Gzip), gzip_first, "{accepted}");
            assert_eq!(Coding::best([accepted].into_iter(), Zstd), zstd_first, "{accepted}");
        }
        assert_eq!(Coding::best(["br", "gzip"].into_iter(), Gzip), Gzip, "two headers are one");
    }

    #[test]
    fn fhir_json_is_taken_by_its_names_and_by_a_browser_but_not_in_another_version() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for yes in [
            "application/fhir+json",
            "application/fhir+json; fhirVersion=4.0",
            "application/fhir+xml;q=0.5, application/json",
            "application/*",
            browser,
        ] {
            assert!(takes_fhir_json(Some(yes), "4.0"), "{yes}");
        }
        assert!(takes_fhir_json(None, "4.0"));
        for no in [
            "application/fhir+xml",
            "text/html",
            "application/fhir+json;fhirVersion=5.0",
            "application/json;q=0",
            "application/fhir+ndjson",
        ] {
            assert!(!takes_fhir_json(Some(no), "4.0"), "{no}");
        }
        for yes in [
            "text/plain, application/ndjson;q=0.3",
            "application/fhir+ndjson, application/fhir+json",
            "application/ndjson, */*;q=0.1",
        ] {
            assert!(prefers_ndjson(yes, "4.0"), "{yes}");
        }
        for no in ["application/ndjson;q=0", "*/*", "application/fhir+json, ndjson;q=0.5"] {
            assert!(!prefers_ndjson(no, "4.0"), "{no}");
        }
    }
}
