//! What the client takes: media types and encodings (RFC 9110 §12.5; FHIR "Content types").

/// Whether `Accept-Encoding` takes gzip: by name, or by `*`, with a quality above zero.
pub(crate) fn takes_gzip(value: &str) -> bool {
    let mut any = false;
    for item in value.split(',') {
        let mut parts = item.split(';');
        let coding = parts.next().unwrap_or_default().trim();
        let refused = parts.any(is_zero_quality);
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            return !refused;
        }
        if coding == "*" {
            any = !refused;
        }
    }
    any
}

/// `q=0`, `q=0.000`.
fn is_zero_quality(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q")
        && value.trim().starts_with('0')
        && value.trim().bytes().all(|b| matches!(b, b'0' | b'.'))
}

/// Whether an `Accept` value takes FHIR JSON of `fhir_version` (`4.0`). Absent takes anything.
pub(crate) fn takes_fhir_json(accept: Option<&str>, fhir_version: &str) -> bool {
    let Some(accept) = accept else { return true };
    accept.split(',').any(|item| {
        let mut parts = item.split(';');
        let media = parts.next().unwrap_or_default().trim();
        is_json(media)
            && !parts.any(|parameter| {
                is_zero_quality(parameter) || is_other_version(parameter, fhir_version)
            })
    })
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

/// Whether an `Accept` value names NDJSON, and not with quality zero.
pub(crate) fn takes_ndjson(accept: &str) -> bool {
    accept.split(',').any(|item| {
        let mut parts = item.split(';');
        is_ndjson(parts.next().unwrap_or_default().trim()) && !parts.any(is_zero_quality)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_by_name_or_star_unless_its_quality_is_zero() {
        for yes in ["gzip", "deflate, gzip;q=0.5", "br;q=1.0, GZIP", "*", "identity;q=0, *;q=0.1"] {
            assert!(takes_gzip(yes), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "gzip; q=0.000, *", "br, deflate", "*;q=0"] {
            assert!(!takes_gzip(no), "{no}");
        }
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
        assert!(takes_ndjson("text/plain, application/ndjson;q=0.3"));
        assert!(!takes_ndjson("application/ndjson;q=0") && !takes_ndjson("*/*"));
    }
}
