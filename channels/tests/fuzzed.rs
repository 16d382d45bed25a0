//! The fuzz targets without a fuzzer: over the seeds, and over what becomes of them by chance.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Bytes that mean something to a reader.
const TELLING: &[u8] = b"|^~\\&\r\n\x0b\x1c\0[]-.\"'{}()0";

/// Of each seed.
const MUTATIONS: usize = 40;

fn run(target: &str, hold: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut seeds: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    for (_, seed) in &seeds {
        hold(seed);
        for _ in 0..MUTATIONS {
            let other = &seeds[rng.next_u32() as usize % seeds.len()].1;
            hold(&mutated(seed, other, &mut rng));
        }
    }
}

/// Some bytes changed, taken out, doubled, or come from another seed.
fn mutated(seed: &[u8], other: &[u8], rng: &mut TestRng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=rng.next_u32() % 6 {
        if bytes.is_empty() {
            return bytes;
        }
        let at = rng.next_u32() as usize % bytes.len();
        let end = (at + 1 + rng.next_u32() as usize % 12).min(bytes.len());
        match rng.next_u32() % 6 {
            0 => bytes[at] = (rng.next_u32() % 256) as u8,
            1 => bytes[at] = TELLING[rng.next_u32() as usize % TELLING.len()],
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => bytes.truncate(at),
            _ => {
                let from = rng.next_u32() as usize % other.len().max(1);
                let to = (from + 20).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn any_stream_is_cut_into_the_same_frames() {
    run("frame", targets::frame);
}

#[test]
fn any_bytes_are_read_as_messages() {
    run("message", targets::message);
}

#[test]
fn any_place_is_read_and_written() {
    run("path", targets::path);
}

#[test]
fn any_steps_take_any_message() {
    run("step", targets::step);
}

#[test]
fn any_script_ends_within_its_bounds() {
    run("script", targets::script);
}
