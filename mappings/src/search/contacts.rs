//! Telephone numbers and e-mail addresses.
//!
//! Compared without case, and numbers without the signs between their digits. A row is what kind
//! of contact it is, and the value, hashed.

use super::Param;
use super::key::{self, Key, LOWEST, Span};
use super::values::Token;
use crate::fhir::datatypes::ContactPoint;
use crate::records::{Record, Telecom};

/// Which contacts a parameter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContactOf {
    Any,
    Email,
    Phone,
}

/// All that a contact is rendered as.
const SYSTEMS: [&str; 5] = ["phone", "email", "fax", "pager", "other"];

impl ContactOf {
    const fn systems(self) -> &'static [&'static str] {
        match self {
            Self::Any => &SYSTEMS,
            Self::Email => &["email"],
            Self::Phone => &["phone"],
        }
    }
}

fn telecoms(record: &Record) -> &[Telecom] {
    match record {
        Record::Patient(r) => &r.telecoms,
        Record::Practitioner(r) => &r.telecoms,
        Record::PractitionerRole(r) => &r.telecoms,
        Record::RelatedPerson(r) => &r.telecoms,
        _ => &[],
    }
}

/// As it is compared.
fn plain(system: &str, value: &str) -> String {
    let lower = value.to_lowercase();
    if system == "email" {
        return lower;
    }
    lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, '+' | '@')).collect()
}

pub(super) fn matches(record: &Record, of: ContactOf, tokens: &[Token]) -> bool {
    let shown = telecoms(record).iter().filter_map(ContactPoint::new);
    let mut shown = shown.filter(|contact| of.systems().contains(&contact.system));
    shown.any(|contact| {
        let own = plain(contact.system, &contact.value);
        tokens.iter().any(|token| {
            let is_value = |value: &String| plain(contact.system, value) == own;
            token.system.as_deref().is_none_or(|system| system == contact.system)
                && token.code.as_ref().is_none_or(is_value)
        })
    })
}

pub(super) fn rows(record: &Record, out: &mut Vec<(Param, Key)>) {
    for contact in telecoms(record).iter().filter_map(ContactPoint::new) {
        let key = key_of(contact.system, Some(&plain(contact.system, &contact.value)));
        out.extend(key.map(|key| (Param::Contact, key)));
    }
}

pub(super) fn spans(of: ContactOf, token: &Token, out: &mut Vec<Span>) {
    for system in of.systems() {
        if token.system.as_deref().is_some_and(|asked| asked != *system) {
            continue;
        }
        match &token.code {
            Some(value) => {
                let key = key_of(system, Some(&plain(system, value)));
                out.extend(key.map(|key| Span::point(Param::Contact, key, false)));
            }
            None => out.extend(whole_of(system)),
        }
    }
}

/// Every row of those contacts.
pub(super) fn whole(of: ContactOf, out: &mut Vec<Span>) {
    out.extend(of.systems().iter().filter_map(|system| whole_of(system)));
}

fn whole_of(system: &str) -> Option<Span> {
    let low = key_of(system, None)?;
    let mut high = [0xff; key::KEY_BYTES];
    high[0] = low[0];
    Some(Span::new(Param::Contact, low, high, true))
}

fn key_of(system: &str, value: Option<&str>) -> Option<Key> {
    let number = SYSTEMS.iter().position(|known| *known == system)?;
    let mut key = LOWEST;
    key[0] = u8::try_from(number).ok()?;
    if let Some(value) = value {
        key[1..9].copy_from_slice(&key::fnv64(value.as_bytes()).to_be_bytes());
    }
    Some(key)
}
