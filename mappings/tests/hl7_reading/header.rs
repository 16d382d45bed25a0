//! The header, raw and typed.

use sluice_mappings::hl7::{Message, Msh, MshRaw};

use crate::samples;

#[test]
fn the_typed_header_names_its_fields() {
    let message = Message::index(samples::ADMISSION).unwrap();
    let msh = Msh::of(&message);
    assert_eq!(msh.sending_application().namespace().unwrap(), "GAM");
    assert_eq!(msh.sending_facility().key().unwrap(), "699000014");
    assert_eq!(msh.receiving_application().key().unwrap(), "SLUICE");
    assert_eq!(msh.receiving_facility().key().unwrap(), "GHT");
    assert_eq!(msh.sent_at().dtm().unwrap().start().to_string(), "2026-03-10T09:12:05");
    assert_eq!(msh.message_code(), "ADT");
    assert_eq!(msh.trigger_event(), "A01");
    assert_eq!(msh.message_structure(), "ADT_A01");
    assert_eq!(msh.control_id(), "C0004");
    assert_eq!(msh.processing_id(), "P");
    assert_eq!(msh.version(), "2.5");
    assert_eq!(msh.version_country(), "FRA");
    assert_eq!(msh.version_of_country(), "2.11");
    assert_eq!(msh.accept_acknowledgement(), "");
    assert_eq!(msh.application_acknowledgement(), "");
    assert_eq!(msh.country(), "FRA");
    assert_eq!(msh.character_sets().raw(), "UNICODE UTF-8");
}

#[test]
fn the_control_id_is_given_back_byte_by_byte() {
    let raw = b"\xEF\xBB\xBF\r\nMSH|^~\\&|A\xE9|B|||2026||ADT^A01| i\xE9\\T\\d ^x |P|2.5||||||8859/1\rPID|\xFF";
    let msh = MshRaw::find(raw).unwrap();
    assert_eq!(msh.control_id(), b" i\xE9\\T\\d ^x ");
    assert_eq!(msh.charset(), Some(&b"8859/1"[..]));
    assert_eq!(
        (msh.field(1), msh.field(2), msh.field(3)),
        (&b"|"[..], &b"^~\\&"[..], &b"A\xE9"[..])
    );
    assert_eq!(msh.component(9, 2), b"A01");
    assert!(msh.separators_valid());
}

#[test]
fn the_raw_header_agrees_with_the_index() {
    for text in samples::ALL {
        let message = Message::index(text).unwrap();
        let raw = MshRaw::find(text.as_bytes()).unwrap();
        assert_eq!(raw.separators(), message.separators());
        for n in 0..30 {
            assert_eq!(raw.field(n), message.segment("MSH").field(n).raw().as_bytes(), "MSH-{n}");
        }
    }
}

#[test]
fn what_cannot_be_indexed_can_still_be_acknowledged() {
    for (raw, control_id, valid) in [
        (&b"MSH"[..], &b""[..], false),
        (b"MSH|", b"", false),
        (b"MSH||A|||||||ID1|P", b"ID1", false),
        (b"MSH|APP|||||||ADT|ID2|P", b"ID2", false),
        (b"MSH|^~^&|A|||||||ID3", b"ID3", false),
        (b"MSHA|^~\\&", b"", false),
        (b"MSH^~|\\&^A^^^^^^ADT^ID4", b"ID4", true),
        (b"junk\r\nMSH|^~\\&|A||||||ADT|ID5", b"ID5", true),
        (b"FHS|^~\\&|\rBHS|^~\\&|\rMSH|^~\\&|A||||||ADT|ID6\r", b"ID6", true),
    ] {
        let msh = MshRaw::find(raw).unwrap();
        assert_eq!(msh.control_id(), control_id);
        assert_eq!(msh.separators_valid(), valid, "{control_id:?}");
        assert_ne!(msh.separators().component(), 0);
    }
    for raw in [&b""[..], b"PID|1", b"M\0S\0H\0|\0", b"xMSH|^~\\&|", b"msh|^~\\&|"] {
        assert!(MshRaw::find(raw).is_none());
    }
}

#[test]
fn a_field_of_the_raw_header_is_found_wherever_it_stands() {
    let fields: Vec<String> = (3..=30).map(|n| format!("f{n}")).collect();
    let raw = format!("MSH|^~\\&|{}\rPID|1", fields.join("|"));
    let msh = MshRaw::find(raw.as_bytes()).unwrap();
    for n in 3..=30 {
        assert_eq!(msh.field(n), format!("f{n}").as_bytes(), "MSH-{n}");
    }
    assert!(msh.field(31).is_empty() && msh.field(0).is_empty());
}

#[test]
fn a_component_is_of_the_first_repetition() {
    let msh = MshRaw::find(b"MSH|^~\\&|A|||||| ADT^A01~X^Y^Z|").unwrap();
    assert_eq!(msh.component(9, 1), b" ADT");
    assert_eq!(msh.component(9, 2), b"A01");
    assert_eq!((msh.component(9, 3), msh.component(9, 0)), (&b""[..], &b""[..]));
    // Without a repetition separator there is one, whatever is in it.
    let msh = MshRaw::find(b"MSH|^|A||||||ADT^A\x0001|").unwrap();
    assert_eq!(msh.component(9, 2), b"A\x0001");
}

#[test]
fn what_separates_fields_does_so_whatever_mars_the_others() {
    let msh = MshRaw::find(b"MSH$$A$B$C|D^E").unwrap();
    assert!(!msh.separators_valid());
    assert_eq!((msh.separators().field(), msh.separators().component()), (b'$', b'^'));
    assert_eq!((msh.field(4), msh.component(5, 2)), (&b"B"[..], &b"E"[..]));
    let msh = MshRaw::find(b"MSH^^A^B").unwrap();
    assert_eq!(msh.separators().field(), b'|', "the usual ones cannot stand under it");
}

#[test]
fn what_a_sender_wants_answered_is_read() {
    let text = "MSH|^~\\&|A|B|||||ADT^ A\\F\\ |1|P|2.5|||AL| NE |";
    let message = Message::index(text).unwrap();
    let msh = Msh::of(&message);
    assert_eq!(msh.accept_acknowledgement(), "AL");
    assert_eq!(msh.application_acknowledgement(), "NE");
    assert_eq!(msh.trigger_event(), "A|", "blanks around a code mean nothing");
}

#[test]
fn a_header_is_found_behind_a_byte_order_mark_and_blanks() {
    let msh = MshRaw::find(b"\xEF\xBB\xBF  MSH|^~\\&|A||||||ADT|ID7").unwrap();
    assert_eq!(msh.control_id(), b"ID7");
    assert!(MshRaw::find(b"\xEF\xBB\xBFPID|1").is_none());
}
