//! Seeded mutations of real-looking messages: the same ones in every run.

use sluice_mappings::hl7::{Charset, encode};

use crate::{samples, walk};

const MUTATIONS: u64 = 24_000;

const TOKENS: [&[u8]; 20] = [
    b"\r",
    b"\n",
    b"\r\n",
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"\"\"",
    b"\0",
    b"\x0B",
    b"\x1C\r",
    b"MSH|^~\\&|",
    b"\rpid|",
    b"\\X",
    b"\\.sp9\\",
    b"\xC3\xA9",
    b"\xE9",
    b"\xEF\xBB\xBF",
    b"\xF0\x9F",
];

/// splitmix64: a few lines, and the same numbers for ever.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit.max(1) as u64) as usize
    }
}

fn mutate(raw: &mut Vec<u8>, dice: &mut Dice) {
    // Half of the blows fall on the header, where most decisions are made.
    let reach = if dice.below(2) == 0 { raw.len().min(130) } else { raw.len() };
    let at = dice.below(reach);
    let end = (at + 1 + dice.below(12)).min(raw.len());
    match dice.below(6) {
        0 if at < raw.len() => raw[at] ^= 1 << dice.below(8),
        1 if at < raw.len() => raw[at] = dice.roll() as u8,
        2 => drop(raw.drain(at.min(end)..end)),
        3 => {
            let piece = raw[at.min(end)..end].to_vec();
            let to = dice.below(raw.len() + 1);
            raw.splice(to..to, piece);
        }
        4 => raw.truncate(raw.len() - dice.below(raw.len() / 4)),
        _ => {
            let token = TOKENS[dice.below(TOKENS.len())];
            raw.splice(at..at, token.iter().copied());
        }
    }
}

#[test]
fn mutated_messages_are_read_without_a_panic_and_written_back() {
    let seeds: Vec<Vec<u8>> = samples::ALL
        .iter()
        .flat_map(|text| [encode(text, Charset::Utf8), encode(text, Charset::Latin9)])
        .collect();
    let (mut readable, mut refused, mut defective, mut lying) = (0_u64, 0_u64, 0_u64, 0_u64);
    for round in 0..MUTATIONS {
        let mut dice = Dice(round);
        let mut raw = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(5) {
            mutate(&mut raw, &mut dice);
        }
        let found = walk::everything(&raw, Charset::Latin9);
        readable += u64::from(found.readable);
        refused += u64::from(!found.readable);
        defective += u64::from(found.defects > 0);
        lying += u64::from(found.lie);
    }
    println!("{readable} readable, {refused} refused, {defective} with defects, {lying} lying");
    // The havoc is worth something only while it reaches every outcome.
    for reached in [readable, refused, defective, lying] {
        assert!(reached > MUTATIONS / 50, "{readable} {refused} {defective} {lying}");
    }
}
