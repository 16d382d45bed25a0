//! When a certificate ends: the second time of its validity (RFC 5280 §4.1.2.5), and nothing else
//! of it.

use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Of the first certificate in a PEM file, in seconds since 1970; `None` where it cannot be read.
pub fn end_of(file: &Path) -> Option<i64> {
    let first = CertificateDer::pem_file_iter(file).ok()?.next()?.ok()?;
    not_after(&first)
}

fn not_after(der: &[u8]) -> Option<i64> {
    let (certificate, _) = inside(der, SEQUENCE)?;
    let (mut fields, _) = inside(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (validity, _) = inside(fields, SEQUENCE)?;
    let (tag, time, _) = element(element(validity)?.2)?;
    let text = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let text = match tag {
        // Years of two digits are 1950 to 2049.
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let at = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// What is in an element of that tag, and what follows it.
fn inside(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, inside, rest) = element(der)?;
    (found == tag).then_some((inside, rest))
}

/// Tag, content and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], mut rest) = der.split_first_chunk()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let (bytes, behind) = rest.split_at_checked(usize::from(first & 0x7F))?;
        if bytes.len() > 4 {
            return None;
        }
        length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = behind;
    }
    let (inside, behind) = rest.split_at_checked(length)?;
    Some((tag, inside, behind))
}

#[cfg(test)]
pub(super) mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    /// A file of one that ends then.
    pub fn pem(utc_time: &str) -> String {
        let text = BASE64_STANDARD.encode(certificate(UTC_TIME, utc_time));
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }

    /// A certificate of which only the frame and the validity are real.
    fn certificate(tag: u8, time: &str) -> Vec<u8> {
        let wrap = |tag: u8, inside: &[u8]| [&[tag, inside.len() as u8][..], inside].concat();
        let before = wrap(UTC_TIME, b"200101000000Z");
        let validity = wrap(SEQUENCE, &[before, wrap(tag, time.as_bytes())].concat());
        let head = [wrap(VERSION, &wrap(2, &[2])), wrap(2, &[1]), wrap(SEQUENCE, &[])].concat();
        let fields = [head, wrap(SEQUENCE, &[]), validity].concat();
        wrap(SEQUENCE, &wrap(SEQUENCE, &fields))
    }

    #[test]
    fn the_end_is_read_in_both_forms_and_of_what_is_broken_nothing_is_said() {
        assert_eq!(not_after(&certificate(UTC_TIME, "300101000000Z")), Some(1_893_456_000));
        let late = certificate(GENERALIZED_TIME, "20500101000000Z");
        assert_eq!(not_after(&late), Some(2_524_608_000));
        assert_eq!(not_after(&certificate(UTC_TIME, "never")), None);
        for end in 0..late.len() {
            assert_eq!(not_after(&late[..end]), None, "cut at {end}");
        }
    }
}
