//! Places of a message as people write them: no more than what tells them apart in it.

use std::collections::BTreeSet;

use sluice_mappings::hl7::{Location, Message};

/// Which counts a message needs.
pub struct Places {
    /// Segments that come more than once.
    segments: BTreeSet<[u8; 3]>,
    /// Fields that repeat.
    fields: BTreeSet<([u8; 3], u16, u16)>,
}

impl Places {
    pub fn of(message: &Message<'_>) -> Self {
        let (mut segments, mut fields) = (BTreeSet::new(), BTreeSet::new());
        for segment in message.segments().iter() {
            let location = segment.location();
            if location.occurrence > 1 {
                segments.insert(location.segment);
            }
            for (index, field) in segment.fields().enumerate() {
                if field.repetitions().nth(1).is_some() {
                    let number = u16::try_from(index + 1).unwrap_or(u16::MAX);
                    fields.insert((location.segment, location.occurrence, number));
                }
            }
        }
        Self { segments, fields }
    }

    /// `PID-5.1` where there is one PID and one name, else `PID[1]-5[2].1`.
    pub fn short(&self, at: Location) -> String {
        let mut shown = at;
        if !self.segments.contains(&at.segment) {
            shown.occurrence = 0;
        }
        if !self.fields.contains(&(at.segment, at.occurrence, at.field)) {
            shown.repetition = 0;
        }
        shown.to_string()
    }

    /// Several places in a few words: parts of one field that are more than three are the field.
    pub fn shortest(&self, parts: &[Location]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for part in parts {
            let field = Location { component: 0, subcomponent: 0, ..*part };
            let of_field =
                |other: &&Location| Location { component: 0, subcomponent: 0, ..**other } == field;
            let many = parts.iter().filter(of_field).count() > 3;
            let name = self.short(if many { field } else { *part });
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_what_tells_it_apart() {
        let text = "MSH|^~\\&|A\rPID|1||A~B||N^M\rNK1|1\rNK1|2|X\r";
        let message = Message::index(text).unwrap();
        let places = Places::of(&message);
        let at = |path: &str| places.short(Location::parse(path).unwrap());
        assert_eq!(at("PID[1]-5[1].1"), "PID-5.1");
        assert_eq!(at("PID[1]-3[2]"), "PID-3[2]");
        assert_eq!(at("NK1[2]-2[1]"), "NK1[2]-2");
        let parts: Vec<_> =
            (1..=4).map(|n| Location::field(b"PID", 5).at_repetition(1).at_component(n)).collect();
        assert_eq!(places.shortest(&parts), ["PID-5"]);
        assert_eq!(places.shortest(&parts[..2]), ["PID-5.1", "PID-5.2"]);
    }
}
