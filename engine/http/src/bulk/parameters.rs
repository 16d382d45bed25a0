//! A `Parameters` resource as pairs, so that a POST is read as a GET is.

use serde_json::Value;

use crate::fault::Fault;

/// Most parameters of a kick-off.
pub(super) const PARAMETERS_MAX: usize = 128;

const NO_PARAMETERS: Fault = Fault::BodyNot { what: "Parameters resource" };

/// Names and values, in order. A value is whatever primitive `value[x]` holds; another one (a
/// Reference) is an empty text: its parameter is refused by name before its value counts.
pub(super) fn pairs(body: &[u8]) -> Result<Vec<(String, String)>, Fault> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| NO_PARAMETERS)?;
    if body["resourceType"] != "Parameters" {
        return Err(NO_PARAMETERS);
    }
    let list = match &body["parameter"] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) if list.len() <= PARAMETERS_MAX => list,
        Value::Array(_) => return Err(Fault::TooManyValues { limit: PARAMETERS_MAX }),
        _ => return Err(NO_PARAMETERS),
    };
    list.iter().map(pair).collect()
}

fn pair(parameter: &Value) -> Result<(String, String), Fault> {
    let name = parameter["name"].as_str().ok_or(NO_PARAMETERS)?;
    let members = parameter.as_object().ok_or(NO_PARAMETERS)?;
    let value = members.iter().find(|(member, _)| member.starts_with("value"));
    let value = match value.map(|(_, value)| value) {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        _ => String::new(),
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_pairs_whatever_the_type_of_their_values() {
        let body = br#"{"resourceType":"Parameters","parameter":[
            {"name":"_type","valueString":"Patient,Encounter"},
            {"name":"_since","valueInstant":"2026-11-20T10:00:00Z"},
            {"name":"patient","valueReference":{"reference":"Patient/1"}}]}"#;
        let names: Vec<_> = pairs(body).unwrap();
        assert_eq!(names[0], ("_type".into(), "Patient,Encounter".into()));
        assert_eq!(names[1].1, "2026-11-20T10:00:00Z");
        assert_eq!(names[2], ("patient".into(), String::new()));
        assert_eq!(pairs(b"").unwrap(), []);
        assert_eq!(pairs(br#"{"resourceType":"Parameters"}"#).unwrap(), []);
    }

    #[test]
    fn what_is_no_parameters_is_refused() {
        for wrong in [
            &b"_type=Patient"[..],
            br#"{"resourceType":"Patient"}"#,
            br#"{"resourceType":"Parameters","parameter":{}}"#,
            br#"{"resourceType":"Parameters","parameter":[{"valueString":"x"}]}"#,
            b"[]",
        ] {
            assert_eq!(pairs(wrong), Err(NO_PARAMETERS));
        }
    }
}
