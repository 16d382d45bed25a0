//! The smallest populated parts of a message, and where in its text each stands.

use std::ops::Range;

use super::PARTS_MAX;
use crate::hl7::{Location, Message, Segment};

/// A part that has no smaller one and says something.
pub(super) struct Leaf<'a> {
    pub at: Location,
    /// Its bytes in [`Message::text`].
    pub span: Range<usize>,
    pub raw: &'a str,
}

/// Every leaf in the order of the message, at most [`PARTS_MAX`], and how many more there are.
///
/// Left out are those that say how to read the rest (MSH-1, MSH-2, MSH-12, MSH-18), and MSH-9,
/// which is varied as a whole.
pub(super) fn leaves<'a>(message: &'a Message<'a>) -> (Vec<Leaf<'a>>, usize) {
    let (mut found, mut left_out) = (Vec::new(), 0);
    for segment in message.segments().iter() {
        for number in 1..=segment.fields_count() {
            if segment.is("MSH") && matches!(number, 1 | 2 | 9 | 12 | 18) {
                continue;
            }
            of_field(message.text(), &segment, number, &mut |leaf| {
                if found.len() < PARTS_MAX {
                    found.push(leaf);
                } else {
                    left_out += 1;
                }
            });
        }
    }
    (found, left_out)
}

fn of_field<'a>(text: &str, segment: &Segment<'a>, number: usize, take: &mut impl FnMut(Leaf<'a>)) {
    let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let (component, subcomponent) =
        (segment.separators().component(), segment.separators().subcomponent());
    let field = segment.field(number);
    for (nth, repetition) in field.repetitions().enumerate() {
        if repetition.is_empty() {
            continue;
        }
        let at = segment.location().at_field(count(number)).at_repetition(count(nth + 1));
        let parts = pieces(repetition.raw(), component);
        let is_alone = parts.len() == 1;
        for (nth, part) in parts.into_iter().enumerate() {
            let at = if is_alone { at } else { at.at_component(count(nth + 1)) };
            let smaller = pieces(part, subcomponent);
            let is_smallest = smaller.len() == 1;
            for (nth, raw) in smaller.into_iter().enumerate() {
                if raw.is_empty() {
                    continue;
                }
                let at = if is_smallest {
                    at
                } else {
                    at.at_component(at.component.max(1)).at_subcomponent(count(nth + 1))
                };
                // Both are slices of the one text.
                let start = raw.as_ptr() as usize - text.as_ptr() as usize;
                take(Leaf { at, span: start..start + raw.len(), raw });
            }
        }
    }
}

/// Separators are ASCII; 0 separates nothing.
fn pieces(raw: &str, separator: u8) -> Vec<&str> {
    if separator == 0 { vec![raw] } else { raw.split(char::from(separator)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_is_the_smallest_part_and_knows_its_bytes() {
        let text = "MSH|^~\\&|APP||||||ADT^A01\rPID|1||A^^^B&C~D||E&F\r";
        let message = Message::index(text).unwrap();
        let (found, left_out) = leaves(&message);
        assert_eq!(left_out, 0);
        let shown: Vec<String> = found.iter().map(|leaf| leaf.at.to_string()).collect();
        assert_eq!(
            shown,
            [
                "MSH[1]-3[1]",
                "PID[1]-1[1]",
                "PID[1]-3[1].1",
                "PID[1]-3[1].4.1",
                "PID[1]-3[1].4.2",
                "PID[1]-3[2]",
                "PID[1]-5[1].1.1",
                "PID[1]-5[1].1.2",
            ]
        );
        for leaf in found {
            assert_eq!(&text[leaf.span.clone()], leaf.raw);
        }
    }

    #[test]
    fn leaves_beyond_the_limit_are_counted() {
        for (more, left_out) in [(0, 0), (1, 1), (3, 3)] {
            let parts = vec!["A"; PARTS_MAX + more].join("~");
            let text = format!("MSH|^~\\&|||||||ADT^A01\rZZZ|{parts}\r");
            let message = Message::index(&text).unwrap();
            let (found, left) = leaves(&message);
            assert_eq!((found.len(), left), (PARTS_MAX, left_out));
        }
    }

    #[test]
    fn what_says_how_to_read_the_rest_is_no_leaf() {
        let text = "MSH|^~\\&|A|B|C|D|E||ADT^A01|F|G|2.5|||||H|UNICODE UTF-8\rPID|1|2|||||||9|||12||||||18\r";
        let message = Message::index(text).unwrap();
        let of = |segment| {
            let (found, _) = leaves(&message);
            let found = found.iter().filter(|leaf| leaf.at.segment_name() == segment);
            found.map(|leaf| leaf.at.field).collect::<Vec<_>>()
        };
        assert_eq!(of("MSH"), [3, 4, 5, 6, 7, 10, 11, 17]);
        assert_eq!(of("PID"), [1, 2, 9, 12, 18]);
    }
}
