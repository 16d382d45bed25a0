//! R5 ExtendedContactDetail, which stands where R4 has `telecom` and `address`.

use serde::Serialize;

use super::super::FhirVersion;
use super::super::datatypes::{Address, ContactPoint};

#[derive(Serialize)]
pub struct ContactDetail<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<ContactPoint<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address<'a>>,
}

impl<'a> ContactDetail<'a> {
    /// R4's `telecom` and `address`, or R5's `contact`: one for each address, the telecoms with
    /// the first.
    pub(super) fn either(
        version: FhirVersion,
        telecom: Vec<ContactPoint<'a>>,
        address: Vec<Address<'a>>,
    ) -> (Vec<ContactPoint<'a>>, Vec<Address<'a>>, Vec<Self>) {
        if version == FhirVersion::R4 {
            return (telecom, address, Vec::new());
        }
        let mut addresses = address.into_iter();
        let first = Self { telecom, address: addresses.next() };
        let mut contact = Vec::new();
        if !first.telecom.is_empty() || first.address.is_some() {
            contact.push(first);
        }
        contact.extend(addresses.map(|one| Self { telecom: Vec::new(), address: Some(one) }));
        (Vec::new(), Vec::new(), contact)
    }
}
