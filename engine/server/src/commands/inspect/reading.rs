//! A message as it was read: its header, its defects, every field that says something.

use sluice_mappings::hl7::{Charset, Location, Message, Msh, Segment, decode_message};

use crate::exit::{Failure, NOT_SO, USAGE};

/// One place of a message.
pub fn show_place(raw: &[u8], path: &str) -> Result<(), Failure> {
    let place = Location::parse(path)
        .map_err(|error| Failure::new(USAGE, format!("--at {path}: {error}")))?;
    let decoded = decode_message(raw, Charset::Utf8);
    let message =
        Message::index(&decoded.text).map_err(|error| Failure::new(NOT_SO, error.to_string()))?;
    println!("{}", message.at(&place));
    Ok(())
}

pub fn show_message(raw: &[u8]) {
    let decoded = decode_message(raw, Charset::Utf8);
    let message = match Message::index(&decoded.text) {
        Ok(message) => message,
        Err(error) => {
            println!("unreadable: {error}");
            return;
        }
    };
    let msh = Msh::of(&message);
    println!(
        "event     {}^{}, version {}, control id {}",
        msh.message_code(),
        msh.trigger_event(),
        msh.version(),
        msh.control_id()
    );
    println!(
        "charset   {:?}{}",
        decoded.charset,
        if decoded.lie.is_some() { " (not the one that was declared)" } else { "" }
    );
    for defect in message.defects() {
        println!("defect    {} at line {}, {}", defect.kind.name(), defect.line, defect.location);
    }
    for segment in message.segments().iter() {
        show_segment(&segment);
    }
}

/// Every field that holds something, as `PID-5`, or `PID-3[2]` for a repetition.
fn show_segment(segment: &Segment<'_>) {
    for (index, field) in segment.fields().enumerate() {
        let number = index + 1;
        let literal = segment.is("MSH") && number <= 2;
        let repetitions: Vec<_> = field.repetitions().collect();
        for (at, repetition) in repetitions.iter().enumerate() {
            if literal || !repetition.is_empty() {
                let nth =
                    if repetitions.len() > 1 { format!("[{}]", at + 1) } else { String::new() };
                let path = format!("{}-{number}{nth}", segment.name());
                println!("  {path:<10} {}", if literal { field.raw() } else { repetition.raw() });
            }
        }
    }
}
