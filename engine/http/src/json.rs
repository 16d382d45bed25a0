//! Changes to JSON that is already written, without building a tree: what comes in was rendered
//! by us, so it is well-formed and has no white space between its parts.

/// The members of the object that `json` is: name and value, as written.
pub(crate) fn members(json: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    // Inside the braces.
    let mut rest = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    std::iter::from_fn(move || {
        let name_end = value_end(rest)?;
        let name = rest.get(1..name_end.checked_sub(1)?)?;
        let value = rest.get(name_end + 1..)?;
        let end = value_end(value)?;
        let found = (name, &value[..end]);
        rest = value.get(end + 1..).unwrap_or_default();
        Some(found)
    })
}

/// Where the value that `json` begins with ends: before the next `,`, `:` or closing bracket of
/// its own depth.
fn value_end(json: &[u8]) -> Option<usize> {
    if json.is_empty() {
        return None;
    }
    let mut depth = 0_u32;
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b'"' => at = string_end(json, at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth -= 1,
            b',' | b':' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    Some(json.len())
}

/// The closing quote of the string whose opening quote is at `open`.
fn string_end(json: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while at < json.len() && json[at] != b'"' {
        at += if json[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// The same JSON, two spaces per level.
pub(crate) fn pretty(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut at = 0;
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    while at < json.len() {
        match json[at] {
            b'"' => {
                let end = (string_end(json, at) + 1).min(json.len());
                out.extend_from_slice(&json[at..end]);
                at = end;
                continue;
            }
            open @ (b'{' | b'[') => {
                out.push(open);
                if matches!(json.get(at + 1), Some(b'}' | b']')) {
                    out.push(json[at + 1]);
                    at += 1;
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            close @ (b'}' | b']') => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(close);
            }
            b',' => {
                out.push(b',');
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            other => out.push(other),
        }
        at += 1;
    }
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRICKY: &str =
        r#"{"a":"x,\"y\":{","b":[{"c":[1,2]},{}],"d":{"e":":}"},"f":-1.5,"g":[],"h":"\\"}"#;

    #[test]
    fn members_are_found_whatever_stands_in_strings() {
        let found: Vec<(String, String)> = members(TRICKY.as_bytes())
            .map(|(name, value)| {
                (String::from_utf8_lossy(name).into(), String::from_utf8_lossy(value).into())
            })
            .collect();
        let rebuilt: Vec<String> = found.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
        assert_eq!(format!("{{{}}}", rebuilt.join(",")), TRICKY);
        assert_eq!(found.len(), 6);
        assert_eq!(members(b"{}").count(), 0);
    }

    #[test]
    fn pretty_text_means_the_same() {
        let before: serde_json::Value = serde_json::from_str(TRICKY).unwrap();
        let text = pretty(TRICKY.as_bytes());
        let after: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(before, after);
        assert!(text.iter().filter(|b| **b == b'\n').count() > 8);
    }
}
