//! OBX-5, each repetition by the datatype that OBX-2 names (FACTS §3 OBX; v2-to-FHIR
//! OBX[Observation]). What does not read as that type is kept as the text that it is.

use std::borrow::Cow;

use jiff::civil::Time;

use super::super::IssueCode;
use super::super::draft::Draft;
use super::super::values::at;
use super::coding;
use crate::hl7::datatypes::{Cwe, Dtm, Ts};
use crate::hl7::{Component, Location, Repetition, Segment};
use crate::records::{Moment, ObservationValue};

/// Bytes of a text or of an attachment's base64 that a record keeps: some screens of a narrative.
/// A document is no part of a record; it stays in the message, which is kept.
const VALUE_BYTES_MAX: usize = 4096;

/// Characters of a number: more than any decimal of FHIR (18 digits) with sign and point.
const NUMBER_BYTES_MAX: usize = 32;

/// `None` where OBX-5 says nothing.
pub(super) fn read(draft: &mut Draft<'_>, obx: &Segment<'_>) -> Option<Vec<ObservationValue>> {
    let of_type = obx.field(2).component(1).text();
    let of_type = of_type.trim();
    let listed = draft.list(obx, 5, |draft, repetition, at| {
        if repetition.is_null() { None } else { value(draft, of_type, repetition, at) }
    });
    if of_type.is_empty() && listed.as_ref().is_some_and(|values| !values.is_empty()) {
        draft.issue(IssueCode::FieldMissing, at(obx, 2));
    }
    listed
}

fn value(
    draft: &mut Draft<'_>,
    of_type: &str,
    repetition: Repetition<'_>,
    at: Location,
) -> Option<ObservationValue> {
    let read = match of_type {
        "NM" => number(&part(repetition, 1)).map(ObservationValue::Number),
        "CE" | "CWE" | "CNE" | "CF" | "IS" | "ID" => {
            let coded = draft.coded(Cwe::of(repetition), "", at);
            return coding::says(&coded).then_some(ObservationValue::Coded(coded));
        }
        "DT" | "DTM" | "TS" => draft.moment(Ts::of(repetition), at).map(ObservationValue::Moment),
        "TM" => time(draft, repetition, at),
        "SN" => structured(repetition),
        "NR" => range(&part(repetition, 1), &part(repetition, 2)),
        "DR" => period(draft, repetition, at),
        "ED" => return encapsulated(draft, repetition, at),
        "RP" => pointer(draft, repetition, at),
        "VR" => {
            Some(ObservationValue::Text(format!("{}-{}", part(repetition, 1), part(repetition, 2))))
        }
        _ => None,
    };
    read.or_else(|| text(draft, repetition, at))
}

/// A component's text, trimmed.
fn part(repetition: Repetition<'_>, n: usize) -> Cow<'_, str> {
    trimmed(repetition.component(n))
}

fn trimmed(component: Component<'_>) -> Cow<'_, str> {
    if component.is_null() {
        return Cow::Borrowed("");
    }
    match component.text() {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// All of its components, one after another.
fn text(
    draft: &mut Draft<'_>,
    repetition: Repetition<'_>,
    at: Location,
) -> Option<ObservationValue> {
    let separator = char::from(repetition.separators().component());
    let parts = repetition.raw().split(separator).count();
    let mut text = String::new();
    for n in 1..=parts {
        let part = part(repetition, n);
        if !part.is_empty() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&part);
        }
        if text.len() > VALUE_BYTES_MAX {
            draft.issue(IssueCode::ValueCut, at);
            text.truncate(text.floor_char_boundary(VALUE_BYTES_MAX));
            break;
        }
    }
    (!text.is_empty()).then_some(ObservationValue::Text(text))
}

/// An NM (`+05.20`, `.5`, `7.`) as JSON writes it: `5.20`, `0.5`, `7`. A sender's comma, sign or
/// unit makes it no number.
fn number(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() > NUMBER_BYTES_MAX
        || !all_digits(whole)
        || !all_digits(fraction)
        || (whole.is_empty() && fraction.is_empty())
    {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// TM: `HH[MM[SS[.S]]][+ZZZZ]` as a FHIR time, which knows no offset.
fn time(
    draft: &mut Draft<'_>,
    repetition: Repetition<'_>,
    at: Location,
) -> Option<ObservationValue> {
    let on_some_day = format!("20000101{}", part(repetition, 1));
    let Ok(dtm) = Dtm::parse(&on_some_day) else {
        draft.issue(IssueCode::TimeUnreadable, at);
        return None;
    };
    let time: Time = dtm.start().time();
    let mut text = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    if time.millisecond() > 0 {
        text.push_str(&format!(".{:03}", time.millisecond()));
    }
    Some(ObservationValue::Time(text))
}

/// SN: comparator, number, separator or suffix, number.
fn structured(repetition: Repetition<'_>) -> Option<ObservationValue> {
    let comparator = match &*part(repetition, 1) {
        "" | "=" => "",
        "<" => "<",
        "<=" => "<=",
        ">" => ">",
        ">=" => ">=",
        _ => return None,
    };
    let (one, separator, other) = (part(repetition, 2), part(repetition, 3), part(repetition, 4));
    match &*separator {
        "-" if comparator.is_empty() => range(&one, &other),
        ":" | "/" if comparator.is_empty() => {
            let (numerator, denominator) = (number(&one)?, number(&other)?);
            Some(ObservationValue::Ratio { numerator, denominator })
        }
        "" if other.is_empty() => {
            let value = number(&one)?;
            Some(ObservationValue::Quantity { comparator: comparator.to_owned(), value })
        }
        _ => None,
    }
}

/// One end may be open.
fn range(low: &str, high: &str) -> Option<ObservationValue> {
    let end = |text: &str| if text.is_empty() { Some(String::new()) } else { number(text) };
    let (low, high) = (end(low)?, end(high)?);
    let says = !low.is_empty() || !high.is_empty();
    says.then_some(ObservationValue::Range { low, high })
}

fn period(
    draft: &mut Draft<'_>,
    repetition: Repetition<'_>,
    at: Location,
) -> Option<ObservationValue> {
    let mut end = |n| -> Option<Moment> { draft.moment(Ts::of(repetition.component(n)), at) };
    let (start, end) = (end(1), end(2));
    let says = start.is_some() || end.is_some();
    says.then_some(ObservationValue::Period { start, end })
}

/// ED: the data where it is base64 and short enough to keep, else that there is some.
fn encapsulated(
    draft: &mut Draft<'_>,
    repetition: Repetition<'_>,
    at: Location,
) -> Option<ObservationValue> {
    let media_type = media_type(&part(repetition, 2), &part(repetition, 3));
    if !part(repetition, 4).eq_ignore_ascii_case("Base64") {
        // `A` is plain text; what else there is has no home.
        let text = part(repetition, 5);
        let cut = text.floor_char_boundary(VALUE_BYTES_MAX);
        if cut < text.len() {
            draft.issue(IssueCode::ValueCut, at);
        }
        return (!text.is_empty()).then(|| ObservationValue::Text(text[..cut].to_owned()));
    }
    let mut data = part(repetition, 5).into_owned();
    data.retain(|c| !c.is_whitespace());
    if data.len() > VALUE_BYTES_MAX || !is_base64(&data) {
        draft.issue(IssueCode::ValueCut, at);
        data = String::new();
    }
    let says = !data.is_empty() || !media_type.is_empty();
    says.then_some(ObservationValue::Attachment { media_type, data, url: String::new() })
}

fn is_base64(data: &str) -> bool {
    let digits = data.trim_end_matches('=');
    data.len().is_multiple_of(4)
        && data.len() - digits.len() <= 2
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// RP: where the data is, if that is a URL.
fn pointer(
    draft: &mut Draft<'_>,
    repetition: Repetition<'_>,
    at: Location,
) -> Option<ObservationValue> {
    let url = draft.text(Some(part(repetition, 1)), at);
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_url = !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !url.contains(char::is_whitespace);
    let media_type = media_type(&part(repetition, 3), &part(repetition, 4));
    is_url.then_some(ObservationValue::Attachment { media_type, data: String::new(), url })
}

/// Tables 0191 and 0291 → a MIME type; empty where the two name none.
fn media_type(of_data: &str, subtype: &str) -> String {
    let of_data = match of_data.to_ascii_lowercase().as_str() {
        "application" | "ap" | "sd" => "application",
        "audio" | "au" => "audio",
        "image" | "im" | "si" => "image",
        "text" | "ft" | "tx" => "text",
        "video" => "video",
        "multipart" => "multipart",
        _ => return String::new(),
    };
    let subtype = subtype.to_ascii_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    if subtype.is_empty() || subtype.len() > 64 || !subtype.bytes().all(is_token) {
        return String::new();
    }
    format!("{of_data}/{subtype}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_json_writes_it() {
        for (sent, kept) in [
            ("72", Some("72")),
            ("+05.20", Some("5.20")),
            (".5", Some("0.5")),
            ("7.", Some("7")),
            ("-0.30", Some("-0.30")),
            ("000", Some("0")),
            ("36,5", None),
            ("1e5", None),
            ("-", None),
            (".", None),
            ("", None),
            ("12 kg", None),
            ("123456789012345678901234567890123", None),
        ] {
            assert_eq!(number(sent).as_deref(), kept, "{sent}");
            if let Some(kept) = kept {
                assert!(serde_json::from_str::<serde_json::Number>(kept).is_ok());
            }
        }
    }

    #[test]
    fn a_media_type_is_made_of_both_tables_or_not_at_all() {
        assert_eq!(media_type("application", "PDF"), "application/pdf");
        assert_eq!(media_type("IM", "JPEG"), "image/jpeg");
        assert_eq!(media_type("TEXT", "x-hl7-cda-level-one"), "text/x-hl7-cda-level-one");
        assert_eq!(media_type("NS", "PDF"), "");
        assert_eq!(media_type("application", ""), "");
        assert_eq!(media_type("application", "a b"), "");
    }
}
