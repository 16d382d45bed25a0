//! What a message can be found by: its control id, its patients' and its stays' numbers.

use sluice_mappings::hl7::MshRaw;

use crate::keys::patient_hash;

/// Whose number a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// PID-3, MRG-1.
    Patient,
    /// PV1-19, PV1-50, PID-18, MRG-3, MRG-5.
    Visit,
}

/// Segment, field, and whose number stands there.
const NUMBERED: [(&[u8], usize, Whose); 7] = [
    (b"PID", 3, Whose::Patient),
    (b"PID", 18, Whose::Visit),
    (b"PV1", 19, Whose::Visit),
    (b"PV1", 50, Whose::Visit),
    (b"MRG", 1, Whose::Patient),
    (b"MRG", 3, Whose::Visit),
    (b"MRG", 5, Whose::Visit),
];

/// Tells of each number (CX-1, as it stands there, blanks trimmed) in the raw bytes: separators
/// and numbers are ASCII in every character set that is read.
pub(crate) fn each_number<'a>(raw: &'a [u8], mut tell: impl FnMut(Whose, &'a [u8])) {
    let Some(msh) = MshRaw::find(raw) else { return };
    let separators = msh.separators();
    for line in raw.split(|byte| matches!(*byte, b'\r' | b'\n')) {
        let Some(name) = line.get(..3) else { continue };
        for (segment, n, whose) in NUMBERED {
            if name != segment {
                continue;
            }
            let field = line.split(|byte| *byte == separators.field()).nth(n).unwrap_or_default();
            for repetition in field.split(|byte| *byte == separators.repetition()) {
                let value = repetition.split(|byte| *byte == separators.component()).next();
                match value.unwrap_or_default().trim_ascii() {
                    b"" | b"\"\"" => {}
                    value => tell(whose, value),
                }
            }
        }
    }
}

/// The numbers of a message, as far as a row has room: a filter of 128 bits in which each number
/// sets four. Of six numbers, one in a thousand others seems to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Filter(pub u128);

impl Filter {
    pub fn of(raw: &[u8]) -> Self {
        let mut filter = Self::default();
        each_number(raw, |whose, value| filter.0 |= Self::one(whose, value).0);
        filter
    }

    /// Of a single number.
    pub fn one(whose: Whose, value: &[u8]) -> Self {
        let mut hash = patient_hash(value);
        if whose == Whose::Visit {
            hash = hash.rotate_left(32) ^ 0x5157;
        }
        let bits = (0..4).map(|n| 1_u128 << ((hash >> (n * 16)) & 127));
        Self(bits.fold(0, |all, bit| all | bit))
    }

    pub const fn may_hold(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_message_is_told_with_whose_it_is() {
        let (pid, pv1) = ("|".repeat(13), "|".repeat(17));
        let raw = format!(
            "MSH|^~\\&|A|B|||||ADT^A40|1|P|2.5\rPID|||11^^^X~\"\"~ 12 ^^^Y||DOE{pid}13\r\
             PV1||I{pv1}14^^^S\nMRG|15^^^X||16||17"
        );
        let raw = raw.as_bytes();
        let mut told = Vec::new();
        each_number(raw, |whose, value| told.push((whose, std::str::from_utf8(value).unwrap())));
        use Whose::{Patient, Visit};
        let expected = [(Patient, "11"), (Patient, "12"), (Visit, "13"), (Visit, "14")];
        let merged = [(Patient, "15"), (Visit, "16"), (Visit, "17")];
        assert_eq!(told, [&expected[..], &merged].concat());
        let filter = Filter::of(raw);
        for (whose, value) in told {
            assert!(filter.may_hold(Filter::one(whose, value.as_bytes())));
        }
        assert!(!Filter::default().may_hold(Filter::one(Patient, b"11")));
    }
}
