//! Address: XAD-9 is the town's INSEE code in France, and a county elsewhere.

use super::super::datatypes::{Address, Extension, ExtensionValue};
use super::canonical::{COG, INSEE_CODE};
use super::{coding, extension, is_french};
use crate::entity::LegalEntity;
use crate::records;

/// `address`, which was made from `sent`, with its INSEE code as FR Core writes it.
#[must_use]
pub fn with_insee_code<'a>(
    mut address: Address<'a>,
    sent: &'a records::Address,
    entity: &LegalEntity,
) -> Address<'a> {
    if is_french(entity)
        && let Some(code) = insee_code(sent)
    {
        address.extension.push(code);
        address.district = None;
    }
    address
}

fn insee_code(sent: &records::Address) -> Option<Extension<'_>> {
    let code = coding(COG, &sent.district).filter(|_| is_insee(&sent.district))?;
    Some(extension(INSEE_CODE, ExtensionValue::Coding(code)))
}

/// The COG code of a commune, or 99 and a country.
pub(super) fn is_insee(code: &str) -> bool {
    let code = code.trim();
    code.len() == 5 && code.bytes().all(|b| b.is_ascii_alphanumeric())
}
