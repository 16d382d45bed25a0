//! URL parameters: `application/x-www-form-urlencoded`, both ways.

use crate::fault::Fault;

/// Decodes a query or a form into pairs, in order.
pub(crate) fn pairs(encoded: &str, pairs_max: usize) -> Result<Vec<(String, String)>, Fault> {
    let mut pairs = Vec::new();
    for pair in encoded.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == pairs_max {
            return Err(Fault::TooManyValues { limit: pairs_max });
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((decoded(name)?, decoded(value)?));
    }
    Ok(pairs)
}

fn decoded(text: &str) -> Result<String, Fault> {
    if !text.bytes().any(|b| matches!(b, b'%' | b'+')) {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let digit = char::from(rest.next()?).to_digit(16)?;
                    u8::try_from(digit).ok()
                };
                let (high, low) = (digit(), digit());
                high.zip(low).map(|(high, low)| high << 4 | low).ok_or(Fault::QueryEncoding)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Fault::QueryEncoding)
}

/// An instant in microseconds since 1970.
pub(crate) fn instant(name: &'static str, value: &str) -> Result<i64, Fault> {
    // In a URL `+` is a space.
    let parsed: Result<jiff::Timestamp, _> = value.replace(' ', "+").parse();
    let instant = parsed
        .map_err(|_| Fault::parameter(name, "is no instant, such as 2026-11-20T10:15:00.000Z"))?;
    Ok(instant.as_microsecond())
}

/// Appends `name=value`, and `&` before it if `out` does not end with `?`.
pub(crate) fn append(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() && !out.ends_with('?') {
        out.push('&');
    }
    encode(out, name);
    out.push('=');
    encode(out, value);
}

fn encode(out: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        // RFC 3986 unreserved, and what may stand in a query and reads better as it is.
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b',' | b'$')
        {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_decoded_to_the_same() {
        let pairs_in = [("name", "Éloïse & fils+100%"), ("identifier", "urn:x|12 3"), ("a", "")];
        let mut text = String::new();
        for (name, value) in pairs_in {
            append(&mut text, name, value);
        }
        assert!(text.is_ascii() && !text.contains(' '));
        let back = pairs(&text, 10).unwrap();
        let back: Vec<(&str, &str)> = back.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(back, pairs_in);
    }

    #[test]
    fn a_broken_escape_or_text_that_is_no_utf8_is_refused() {
        for bad in ["a=%", "a=%4", "a=%zz", "%ff=1", "a=%C3%28"] {
            assert_eq!(pairs(bad, 10), Err(Fault::QueryEncoding), "{bad}");
        }
        assert_eq!(pairs("a=1&b=2&c=3", 2), Err(Fault::TooManyValues { limit: 2 }));
        assert_eq!(pairs("&&a&", 2).unwrap(), [("a".to_owned(), String::new())]);
    }
}
