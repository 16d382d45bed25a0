//! NM, SN, NR → Quantity, Range, Ratio; ED, RP → Attachment (FACTS §3 OBX).

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::super::codes::systems;
use super::super::{text, writer};
use super::Text;
use crate::records::Coded;

/// A number with the digits that were sent: `3.50` is not `3.5`.
pub struct Decimal(String);

impl Decimal {
    /// `None` for what JSON does not take as a number, and for one with an exponent.
    #[must_use]
    pub fn new(sent: &str) -> Option<Self> {
        let digits = sent.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-'));
        let number: &RawValue = serde_json::from_str(sent).ok().filter(|_| digits)?;
        Some(Self(number.get().to_owned()))
    }

    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(writer::NUMBER, self.digits())
    }
}

#[derive(Serialize)]
pub struct Quantity<'a> {
    pub value: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparator: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Text<'a>>,
}

impl<'a> Quantity<'a> {
    /// OBX-6 is the unit; its code counts only with the system that it is of (`qty-3`).
    #[must_use]
    pub fn new(number: &str, sent: &'a Coded) -> Option<Self> {
        let value = Decimal::new(number)?;
        let system = systems::of_name(&sent.system, "");
        let code = text::code(&sent.code);
        let unit = text::string(&sent.text).or_else(|| code.clone());
        let code = code.filter(|_| system.is_some());
        let system = system.filter(|_| code.is_some());
        Some(Self { value, comparator: None, unit, system, code })
    }

    /// SN-1; `None` for a comparator that FHIR does not have (`<>`).
    #[must_use]
    pub fn compared(self, comparator: &str) -> Option<Self> {
        let comparator = match comparator.trim() {
            "" | "=" => None,
            "<" => Some("<"),
            "<=" => Some("<="),
            ">=" => Some(">="),
            ">" => Some(">"),
            _ => return None,
        };
        Some(Self { comparator, ..self })
    }

    /// A time in days.
    #[must_use]
    pub fn days(days: u32) -> Option<Self> {
        let value = Decimal::new(&days.to_string())?;
        let system = Some(systems::UCUM.into());
        Some(Self {
            value,
            comparator: None,
            unit: Some("d".into()),
            system,
            code: Some("d".into()),
        })
    }
}

#[derive(Serialize)]
pub struct Range<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<Quantity<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<Quantity<'a>>,
}

impl<'a> Range<'a> {
    /// `None` unless one end is a number.
    #[must_use]
    pub fn new(low: &str, high: &str, unit: &'a Coded) -> Option<Self> {
        let range = Self { low: Quantity::new(low, unit), high: Quantity::new(high, unit) };
        (range.low.is_some() || range.high.is_some()).then_some(range)
    }
}

#[derive(Serialize)]
pub struct Ratio<'a> {
    numerator: Quantity<'a>,
    denominator: Quantity<'a>,
}

impl<'a> Ratio<'a> {
    /// `None` unless both are numbers (`rat-1`).
    #[must_use]
    pub fn new(numerator: &str, denominator: &str, unit: &'a Coded) -> Option<Self> {
        let numerator = Quantity::new(numerator, unit)?;
        Some(Self { numerator, denominator: Quantity::new(denominator, unit)? })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

impl<'a> Attachment<'a> {
    /// `None` where there is neither a type, data nor a place to find it.
    #[must_use]
    pub fn new(media_type: &'a str, data: &'a str, url: &'a str) -> Option<Self> {
        let content_type = text::code(media_type);
        let data = text::string(data);
        let url = text::uri(url);
        if content_type.is_none() && data.is_none() && url.is_none() {
            return None;
        }
        // att-1: data has a type.
        let unknown = data.is_some().then_some("application/octet-stream".into());
        Some(Self { content_type: content_type.or(unknown), data, url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_digits_and_nothing_else_is_one() {
        for number in ["0", "3.50", "-0.10", "123456789012345678"] {
            let json = writer::written(&Decimal::new(number).unwrap());
            assert_eq!(json, number.as_bytes());
        }
        for other in ["", "3,5", "+3", "1e3", ".5", "5.", "007", "\"3\"", "true", "NaN", "1 2"] {
            assert!(Decimal::new(other).is_none(), "{other}");
        }
    }
}
