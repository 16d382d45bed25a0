//! What places and organizations have in common where they are of the structure (MFN^M05).

use super::super::canonical::STRUCTURE_ATTRIBUTE;
use super::super::datatypes::{Extension, ExtensionValue};
use super::super::{fr_core, text};
use crate::entity::LegalEntity;

/// LCH that FHIR has no element for: by the extension that FR Core has for it, else by code and value.
pub(super) fn structure_attributes<'a>(
    sent: &'a [(String, String)],
    entity: &LegalEntity,
) -> Vec<Extension<'a>> {
    let known = |(code, value): &'a (String, String)| {
        let french = fr_core::structure::attribute(code, value, entity);
        french.unwrap_or_else(|| attribute(code, value).into_iter().collect())
    };
    sent.iter().flat_map(known).collect()
}

fn attribute<'a>(code: &'a str, value: &'a str) -> Option<Extension<'a>> {
    let parts = vec![part("code", code)?, part("value", value)?];
    Some(Extension { url: STRUCTURE_ATTRIBUTE, value: ExtensionValue::Extensions(parts) })
}

fn part<'a>(url: &'static str, sent: &'a str) -> Option<Extension<'a>> {
    Some(Extension { url, value: ExtensionValue::String(text::string(sent)?) })
}
