//! What places and organizations have in common where they are of the structure (MFN^M05).

use super::super::canonical::STRUCTURE_ATTRIBUTE;
use super::super::datatypes::{Extension, ExtensionValue};
use super::super::text;

/// LCH that FHIR has no element for: code and value.
pub(super) fn structure_attributes(sent: &[(String, String)]) -> Vec<Extension<'_>> {
    sent.iter().filter_map(attribute).collect()
}

fn attribute((code, value): &(String, String)) -> Option<Extension<'_>> {
    let parts = vec![part("code", code)?, part("value", value)?];
    Some(Extension { url: STRUCTURE_ATTRIBUTE, value: ExtensionValue::Extensions(parts) })
}

fn part<'a>(url: &'static str, sent: &'a str) -> Option<Extension<'a>> {
    Some(Extension { url, value: ExtensionValue::String(text::string(sent)?) })
}
