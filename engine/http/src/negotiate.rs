//! What the client takes: media types, `_format`, encodings.

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
}
