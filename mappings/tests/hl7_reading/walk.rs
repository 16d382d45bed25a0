//! Reads everything there is to read in any bytes, and checks what must hold for all of them.

use sluice_mappings::hl7::datatypes::{Cwe, Cx, Dld, Pl, Ts, Xad, Xcn, Xon, Xpn, Xtn};
use sluice_mappings::hl7::{
    Charset, Declared, Field, Location, Message, Msh, MshRaw, Segment, decode_message, encode,
};

/// What was found, so that a caller can see that something was.
#[derive(Default)]
pub struct Found {
    pub readable: bool,
    pub segments: usize,
    pub values: usize,
    pub defects: usize,
    pub lie: bool,
}

pub fn everything(raw: &[u8], default: Charset) -> Found {
    let header = MshRaw::find(raw);
    if let Some(header) = header {
        for n in 0..22 {
            assert!(header.field(n).len() <= raw.len());
        }
        let _ = (header.control_id(), header.component(9, 2), header.separators_valid());
    }
    let decoded = decode_message(raw, default);
    // A replacement character is one that was sent as such: none is made up.
    let sent = raw.windows(3).filter(|bytes| *bytes == "\u{FFFD}".as_bytes()).count();
    assert!(decoded.text.matches('\u{FFFD}').count() <= sent);
    if decoded.lie.is_none() && !matches!(decoded.declared, Declared::Unsupported) {
        assert_eq!(encode(&decoded.text, decoded.charset), raw, "a true text is written back");
    }
    let mut found = Found { lie: decoded.lie.is_some(), ..Found::default() };
    let Ok(message) = Message::index(&decoded.text) else { return found };
    assert!(header.is_some(), "what can be indexed has a raw header");
    assert_eq!(message.write(), decoded.text, "reading then writing gives the same text");
    assert!(message.defects().len() <= message.defects_total());
    assert!(message.defects().is_sorted_by_key(|defect| defect.byte));
    found.readable = true;
    found.defects = message.defects_total();
    found.segments = message.segments().len();
    let msh = Msh::of(&message);
    let _ = (msh.message_code(), msh.version_of_country(), msh.sent_at().dtm());
    assert_eq!(message.segments().before("MSH").len(), 0);
    for segment in message.segments().iter() {
        found.values += walk_segment(&message, &segment);
    }
    found
}

fn walk_segment(message: &Message<'_>, segment: &Segment<'_>) -> usize {
    let place = segment.location();
    // Finding a place walks the segments, which a whole feed taken for one message has many of.
    let at = |place: &Location, raw: &str| {
        assert!(message.segments().len() > 200 || message.at(place) == raw, "{place}");
    };
    at(&place, segment.raw());
    let mut values = 0;
    for (field, number) in segment.fields().zip(1..) {
        values += usize::from(!field.is_empty());
        if field.raw().is_empty() {
            continue;
        }
        walk_field(&field);
        let place = place.at_field(number);
        at(&place, field.raw());
        assert_eq!(
            Location::parse(&place.to_string()).ok(),
            (place.segment_name() != "???").then_some(place)
        );
    }
    values
}

fn walk_field(field: &Field<'_>) {
    for repetition in field.repetitions() {
        let mut length = 0;
        for n in 1.. {
            let component = repetition.component(n);
            let _ = (component.value(), component.subcomponent(2).text());
            length += component.raw().len() + 1;
            if length > repetition.raw().len() {
                break;
            }
        }
        read_datatypes(repetition);
    }
}

fn read_datatypes(repetition: sluice_mappings::hl7::Repetition<'_>) {
    let _ = (Cx::of(repetition).assigning_authority().key(), Cx::of(repetition).effective().dtm());
    let _ = (Xpn::of(repetition).family(), Xpn::of(repetition).expires().dtm());
    let _ = (Xad::of(repetition).street(), Xad::of(repetition).other_lines());
    let _ = (Xtn::of(repetition).unformatted(), Xcn::of(repetition).is_nobody());
    let _ = (Xon::of(repetition).id(), Pl::of(repetition).facility().key());
    let _ = (Cwe::of(repetition).codings().count(), Dld::of(repetition).effective().dtm());
    let _ = Ts::of(repetition).dtm();
}
