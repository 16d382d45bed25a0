//! Quantities: `[prefix][number]|[system]|[code]`, or `[prefix][number]` in whatever unit.
//!
//! A number without a prefix covers what its digits leave open: `5.4` is 5.35 up to 5.45, `100`
//! is 99.5 up to 100.5. With a prefix it is that number. A quantity with a comparator (`<5`) is
//! all that it may be. Units are compared, never converted.
//!
//! A row is the element's number and the value as a float: what is found is verified by its digits.

use super::Param;
use super::composite::Within;
use super::date::Prefix;
use super::key::{HIGHEST, Key, LOWEST, Span};
use super::observed::observed;
use super::values::{split, unescape};
use crate::fhir::FhirVersion;
use crate::fhir::datatypes::Quantity;
use crate::records::{Coded, ObservationValue, Record, phi_debug};

/// An element that is a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuantityOf {
    /// Of a stay, in days.
    Length,
    Value(Within),
}

impl QuantityOf {
    const fn number(self) -> u8 {
        match self {
            Self::Length => 1,
            Self::Value(_) => 2,
        }
    }
}

/// Digits beyond these are nobody's: 10³⁸ is what an `i128` holds.
const DIGITS_MAX: usize = 18;
/// As many places behind the point as are compared; the half of the last of them is one more.
const PLACES_MAX: usize = 18;

/// A number, in units of 10⁻¹⁹.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Number(i128);

const ONE: i128 = 10_i128.pow(PLACES_MAX as u32 + 1);

impl Number {
    /// With how far its last digit reaches to either side. `None` for what is no number, or too
    /// long.
    fn parse(text: &str) -> Option<(Self, i128)> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, mantissa),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let significant = whole.trim_start_matches('0').len() + fraction.len();
        if significant > DIGITS_MAX {
            return None;
        }
        let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        // The last digit stands for 10^shift of our units.
        let places = i32::try_from(PLACES_MAX + 1 - fraction.len()).ok()?;
        let shift = exponent.checked_add(places)?;
        let unit = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
        if unit < 10 {
            return None;
        }
        let value = mantissa.checked_mul(unit)?;
        Some((Self(if negative { -value } else { value }), unit / 2))
    }

    #[allow(clippy::cast_precision_loss, reason = "what is near by it is verified")]
    fn float(self) -> f64 {
        self.0 as f64 / ONE as f64
    }
}

/// What a quantity may be, with its unit.
pub(super) struct Measured {
    low: Option<Number>,
    high: Option<Number>,
    /// The end itself is none of it (`<`, `>`).
    open: bool,
    system: String,
    code: String,
    unit: String,
}

impl Measured {
    pub(super) fn new(quantity: &Quantity<'_>) -> Option<Self> {
        let (number, _) = Number::parse(quantity.value.digits())?;
        let (low, high, open) = match quantity.comparator {
            Some("<") => (None, Some(number), true),
            Some("<=") => (None, Some(number), false),
            Some(">") => (Some(number), None, true),
            Some(">=") => (Some(number), None, false),
            _ => (Some(number), Some(number), false),
        };
        let text = |part: &Option<std::borrow::Cow<'_, str>>| {
            part.as_deref().unwrap_or_default().to_owned()
        };
        let (system, code, unit) =
            (text(&quantity.system), text(&quantity.code), text(&quantity.unit));
        Some(Self { low, high, open, system, code, unit })
    }

    /// The row's value; `None` where it is open on one side.
    fn point(&self) -> Option<Number> {
        self.low.filter(|_| self.high == self.low)
    }
}

/// One value of a quantity parameter.
#[derive(Clone)]
pub(super) struct QuantityValue {
    prefix: Prefix,
    number: Number,
    /// How far the last digit reaches to either side.
    half: i128,
    /// `None`: any unit. Empty system: the unit is the code or the unit's text.
    unit: Option<(String, String)>,
}

phi_debug!(QuantityValue);

impl QuantityValue {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, unit) = match split(text, '|')[..] {
            [number] => (number, None),
            [number, system, code] => (
                number,
                Some((unescape(system).trim().to_owned(), unescape(code).trim().to_owned())),
            ),
            _ => return None,
        };
        let letters = number.bytes().take_while(u8::is_ascii_alphabetic).count();
        let prefix = if letters == 0 { Prefix::Eq } else { Prefix::parse(&number[..letters])? };
        let (number, half) = Number::parse(&number[letters..])?;
        let unit = unit.filter(|(system, code)| !system.is_empty() || !code.is_empty());
        Some(Self { prefix, number, half, unit })
    }

    pub(super) fn matches(&self, own: &Measured) -> bool {
        let unit_fits = self.unit.as_ref().is_none_or(|(system, code)| {
            if system.is_empty() {
                own.code == *code || own.unit == *code
            } else {
                own.system == *system && (code.is_empty() || own.code == *code)
            }
        });
        unit_fits && self.holds(own)
    }

    fn holds(&self, own: &Measured) -> bool {
        let at = self.number;
        // An open end that stands at the number does not reach it.
        let above = |limit: Number| own.high.is_none_or(|high| high > limit);
        let below = |limit: Number| own.low.is_none_or(|low| low < limit);
        let reaches = |high: Number| {
            own.high.is_none_or(|own_high| own_high > high || own_high == high && !own.open)
        };
        let stays = |low: Number| {
            own.low.is_none_or(|own_low| own_low < low || own_low == low && !own.open)
        };
        let within = || {
            own.low.is_some_and(|low| low.0 >= at.0 - self.half)
                && own.high.is_some_and(|high| high.0 < at.0 + self.half)
        };
        match self.prefix {
            Prefix::Eq => within(),
            Prefix::Ne => !within(),
            Prefix::Gt => above(at),
            Prefix::Ge => reaches(at),
            Prefix::Lt => below(at),
            Prefix::Le => stays(at),
            Prefix::Sa => own.low.is_some_and(|low| low > at || low == at && own.open),
            Prefix::Eb => own.high.is_some_and(|high| high < at || high == at && own.open),
            Prefix::Ap => {
                let reach = (at.0.abs() / 10).max(self.half);
                reaches(Number(at.0 - reach)) && stays(Number(at.0 + reach))
            }
        }
    }

    fn span(&self, of: QuantityOf) -> Span {
        let at = self.number;
        let reach = match self.prefix {
            Prefix::Ap => (at.0.abs() / 10).max(self.half),
            _ => self.half,
        };
        let (low, high) = (Number(at.0 - reach).float(), Number(at.0 + reach).float());
        // Of two numbers the float of the greater one is never the less: what is asked for is within.
        let (from, to) = match self.prefix {
            Prefix::Eq | Prefix::Ap => (low, high),
            Prefix::Ne => (f64::MIN, f64::MAX),
            Prefix::Gt | Prefix::Ge | Prefix::Sa => (low, f64::MAX),
            Prefix::Lt | Prefix::Le | Prefix::Eb => (f64::MIN, high),
        };
        Span::new(Param::Quantity, key(of, from), key(of, to), false)
    }
}

/// What the element says, as rendered.
pub(super) fn quantities(record: &Record, of: QuantityOf, version: FhirVersion) -> Vec<Measured> {
    match (record, of) {
        (Record::Stay(r), QuantityOf::Length) => {
            let days = r.length_days.and_then(Quantity::days);
            days.as_ref().and_then(Measured::new).into_iter().collect()
        }
        (Record::Observation(r), QuantityOf::Value(within)) => {
            let values = observed(r, version).values(within);
            values.filter_map(|value| measured(value, &r.unit)).collect()
        }
        _ => Vec::new(),
    }
}

/// `valueQuantity`.
pub(super) fn measured(value: &ObservationValue, unit: &Coded) -> Option<Measured> {
    let quantity = match value {
        ObservationValue::Number(number) => Quantity::new(number, unit)?,
        ObservationValue::Quantity { comparator, value } => {
            Quantity::new(value, unit)?.compared(comparator)?
        }
        _ => return None,
    };
    Measured::new(&quantity)
}

pub(super) fn rows(record: &Record, out: &mut Vec<(Param, Key)>) {
    let of = match record {
        Record::Stay(_) => QuantityOf::Length,
        Record::Observation(_) => QuantityOf::Value(Within::All),
        _ => return,
    };
    // Numbers are the same in both versions.
    for own in quantities(record, of, FhirVersion::R5) {
        let key = own.point().map_or_else(|| open_key(of), |at| key(of, at.float()));
        out.push((Param::Quantity, key));
    }
}

pub(super) fn spans(of: QuantityOf, values: &[QuantityValue], out: &mut Vec<Span>) {
    out.extend(values.iter().map(|value| value.span(of)));
    // One that is open on one side can be anything.
    out.push(Span::point(Param::Quantity, open_key(of), false));
}

/// Every row of the element.
pub(super) fn whole(of: QuantityOf) -> Span {
    let (mut low, mut high) = (LOWEST, HIGHEST);
    (low[0], high[0]) = (of.number(), of.number());
    Span::new(Param::Quantity, low, high, false)
}

/// Byte order is the order of floats.
fn key(of: QuantityOf, value: f64) -> Key {
    let bits = value.to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    let mut key = LOWEST;
    key[0] = of.number();
    key[1..9].copy_from_slice(&ordered.to_be_bytes());
    key
}

/// After all numbers.
fn open_key(of: QuantityOf) -> Key {
    let mut key = HIGHEST;
    key[0] = of.number();
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(number: &str, comparator: Option<&'static str>) -> Measured {
        let unit = Coded { code: "mm[Hg]".into(), system: "UCUM".into(), ..Coded::default() };
        let quantity = Quantity::new(number, &unit).unwrap();
        Measured::new(&Quantity { comparator, ..quantity }).unwrap()
    }

    fn holds(value: &str, number: &str) -> bool {
        QuantityValue::parse(value).unwrap().matches(&measured(number, None))
    }

    #[test]
    fn a_number_covers_what_its_digits_leave_open_and_with_a_prefix_it_does_not() {
        for (value, number, found) in [
            ("5.4", "5.4", true),
            ("5.4", "5.35", true),
            ("5.4", "5.449", true),
            ("5.4", "5.45", false),
            ("5.40", "5.41", false),
            ("100", "99.5", true),
            ("100", "100.5", false),
            ("1e2", "149.9", true),
            ("gt5.4", "5.41", true),
            ("gt5.4", "5.4", false),
            ("ge5.4", "5.4", true),
            ("le5.4", "5.4", true),
            ("lt5.4", "5.39", true),
            ("lt5.40000000000000", "5.39999999999999", true),
            ("gt5.40000000000000", "5.40000000000001", true),
            ("lt-1", "-1.5", true),
            ("ne5", "5.2", false),
            ("ne5", "6", true),
            ("ap100", "109", true),
            ("ap100", "111", false),
        ] {
            assert_eq!(holds(value, number), found, "{value} of {number}");
            let value = QuantityValue::parse(value).unwrap();
            let at = measured(number, None).point().unwrap();
            let span = value.span(QuantityOf::Length);
            assert!(!found || span.holds(Param::Quantity, &key(QuantityOf::Length, at.float())));
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in
            ["", "a", "5.", ".5", "1e", "1e99", "xx5", "5|a", "5|a|b|c", "1234567890123456789"]
        {
            assert!(QuantityValue::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_unit_is_compared_as_it_was_said() {
        let own = measured("5", None);
        for (value, found) in [("5||mm[Hg]", true), ("5||kg", false), ("5|urn:x|mm[Hg]", false)] {
            assert_eq!(QuantityValue::parse(value).unwrap().matches(&own), found, "{value}");
        }
    }

    #[test]
    fn an_open_quantity_is_all_that_it_may_be() {
        let own = measured("5", Some("<"));
        for (value, found) in [
            ("lt3", true),
            ("gt4", true),
            ("ge5", false),
            ("gt5", false),
            ("5", false),
            ("eb5", true),
        ] {
            assert_eq!(QuantityValue::parse(value).unwrap().matches(&own), found, "{value}");
        }
    }

    #[test]
    fn a_number_is_read_as_far_as_its_digits_reach() {
        let of = |text: &str| Number::parse(text).map(|(number, half)| (number.0, half));
        assert_eq!(of("1"), Some((ONE, ONE / 2)));
        assert_eq!(of("-1.5"), Some((-ONE - ONE / 2, ONE / 20)));
        assert_eq!(of("2e2"), Some((200 * ONE, 50 * ONE)));
        assert_eq!(
            of("123456789012345678").map(|read| read.0),
            Some(123_456_789_012_345_678 * ONE)
        );
        assert_eq!(of("0.123456789012345678"), Some((1_234_567_890_123_456_780, 5)));
        assert_eq!(of("1e-18"), Some((10, 5)));
        for none in [
            "1234567890123456789",
            "0.1234567890123456789",
            "1e-19",
            "1e40",
            "1e2147483647",
            "1e-2147483648",
            "1.",
            ".5",
            "1e",
            "+1",
            "",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
        let float = |text: &str| Number::parse(text).unwrap().0.float();
        assert!((float("2.5") - 2.5).abs() < 1e-9 && (float("-400") + 400.0).abs() < 1e-9);
    }

    /// FHIR §3.2.1.5.9, of what is told with a comparator too: what it may be is a range.
    #[test]
    fn a_quantity_is_found_by_what_it_may_be() {
        let number = |text: &str| Number::parse(text).unwrap().0;
        for (comparator, own, found, others) in [
            (
                "",
                "5",
                "5 5.0 ne4 gt4 ge5 ge4 lt6 le5 le6 sa4 eb6 ap5 ap5.5",
                "ne5 4 6 5.5 4.5 gt5 ge6 lt5 le4 sa5 eb5 ap6 ap4.5",
            ),
            ("", "5.5", "5.5 gt5 sa5 6", "5 eb5 lt5"),
            ("", "4.5", "5 4.5 lt5", "4 sa5"),
            ("", "-5", "-5 lt0 gt-6 ap-5", "gt-5 5 ap5 ap-6"),
            ("<", "5", "gt4 lt0 le0 eb5 eb6 ne5 ap5", "gt5 ge5 5 4 sa0 eb4 ap6"),
            ("<=", "5", "gt4 ge5 lt0 eb6", "gt5 eb5 sa0"),
            (">", "5", "lt6 le6 gt100 sa5 sa4 ne5", "lt5 le5 sa6 eb100 5 6"),
            (">=", "5", "le5 lt6 sa4 gt100 ap5", "lt5 sa5 eb100 ap4.5"),
        ] {
            let at = Some(number(own));
            let (low, high) = match comparator {
                "<" | "<=" => (None, at),
                ">" | ">=" => (at, None),
                _ => (at, at),
            };
            let open = matches!(comparator, "<" | ">");
            let text = String::new;
            let own_value =
                Measured { low, high, open, system: text(), code: text(), unit: text() };
            let of = QuantityOf::Length;
            let row = own_value.point().map_or_else(|| open_key(of), |at| key(of, at.float()));
            for (queries, expected) in [(found, true), (others, false)] {
                for query in queries.split(' ') {
                    let value = QuantityValue::parse(query).unwrap();
                    let shown = format!("{comparator}{own}: {query}");
                    assert_eq!(value.matches(&own_value), expected, "{shown}");
                    let mut own_spans = Vec::new();
                    spans(of, &[value], &mut own_spans);
                    let held = own_spans.iter().any(|span| span.holds(Param::Quantity, &row));
                    assert!(held || !expected, "{shown}: no row leads to it");
                }
            }
        }
    }

    #[test]
    fn a_unit_is_asked_for_by_its_system_its_code_or_its_text() {
        let at = Some(Number::parse("5").unwrap().0);
        let kilograms = Measured {
            low: at,
            high: at,
            open: false,
            system: "urn:u".into(),
            code: "kg".into(),
            unit: "kilo".into(),
        };
        for (query, found) in [
            ("5", true),
            ("5||", true),
            ("5||kg", true),
            ("5||kilo", true),
            ("5||g", false),
            ("5|urn:u|kg", true),
            ("5|urn:u|", true),
            ("5|urn:u|kilo", false),
            ("5|urn:v|kg", false),
            ("5|urn:v|", false),
            ("6||kg", false),
        ] {
            assert_eq!(QuantityValue::parse(query).unwrap().matches(&kilograms), found, "{query}");
        }
        let keys = [QuantityOf::Length, QuantityOf::Value(Within::Root)].map(|of| key(of, 1.0)[0]);
        assert_eq!(keys, [1, 2], "they stand in keys that are kept");
        let of = QuantityOf::Length;
        let ordered = [f64::MIN, -2.5, -1.0, 0.0, 1.0, 2.5, f64::MAX].map(|at| key(of, at));
        assert!(ordered.is_sorted() && open_key(of) > ordered[6]);
    }
}
