//! What an index gives back and what it reports.

use sluice_mappings::hl7::{DefectKind, LieKind, Location, Message, Unreadable, Value};

use crate::samples;

fn kinds(text: &str) -> Vec<(DefectKind, u32, u32)> {
    let message = Message::index(text).unwrap();
    assert_eq!(message.write(), text);
    message.defects().iter().map(|d| (d.kind, d.byte, d.line)).collect()
}

fn names(text: &str) -> String {
    let message = Message::index(text).unwrap();
    let names: Vec<_> = message.segments().iter().map(|s| s.name().to_owned()).collect();
    names.join(" ")
}

#[test]
fn a_well_formed_message_has_no_defects() {
    for text in samples::ALL {
        assert_eq!(kinds(text), [], "{}", names(text));
    }
}

#[test]
fn fields_are_counted_as_the_standard_counts_them() {
    let message = Message::index(samples::ADMISSION).unwrap();
    let msh = message.segment("MSH");
    assert_eq!(msh.field(1).raw(), "|");
    assert_eq!(msh.field(2).raw(), "^~\\&");
    assert_eq!(msh.field(2).component(1).raw(), "^~\\&");
    assert_eq!(msh.field(2).text(), "^~\\&");
    assert_eq!(msh.field(9).component(2).raw(), "A01");
    assert_eq!((msh.fields_count(), msh.field(18).raw()), (18, "UNICODE UTF-8"));
    let pid = message.segment("PID");
    assert_eq!(pid.field(3).repetitions().count(), 2);
    assert_eq!(pid.field(3).repetition(2).component(4).subcomponent(3).raw(), "ISO");
    assert_eq!(pid.field(5).component(2).raw(), "Zoé");
    assert_eq!(pid.fields().count(), 18);
}

#[test]
fn what_does_not_exist_is_empty_at_every_depth() {
    let message = Message::index(samples::ADMISSION).unwrap();
    let absent = message.segment("NK1");
    assert!(!absent.exists());
    assert_eq!(absent.name(), "NK1");
    assert!(absent.field(33).repetition(2).component(4).subcomponent(1).is_empty());
    let pid = message.segment("PID");
    for n in [0, 2, 99, usize::MAX] {
        assert_eq!(pid.field(n).raw(), "");
        assert_eq!(pid.field(n).repetitions().count(), 0);
    }
    assert_eq!(pid.field(3).repetition(0).raw(), "");
    assert_eq!(pid.field(3).component(0).raw(), "");
}

#[test]
fn null_is_told_from_empty_and_from_separators_alone() {
    let message = Message::index("MSH|^~\\&|\rPID|\"\"|^^&~|  |\"\"^A|\"\"\"\"").unwrap();
    let pid = message.segment("PID");
    assert!(pid.field(1).is_null());
    assert_eq!(pid.field(1).value(), Value::Null);
    assert_eq!(pid.field(2).value(), Value::Empty);
    assert_eq!(pid.field(3).value(), Value::Text("  ".into()));
    assert!(!pid.field(4).is_null());
    assert!(pid.field(4).component(1).is_null());
    assert_eq!(pid.field(5).value(), Value::Text("\"\"\"\"".into()));
    assert_eq!(pid.field(6).value(), Value::Empty);
}

#[test]
fn an_empty_repetition_keeps_its_place() {
    let message = Message::index("MSH|^~\\&|\rPID|A~~C~").unwrap();
    let field = message.segment("PID").field(1);
    let raws: Vec<_> = field.repetitions().map(|r| r.raw()).collect();
    assert_eq!(raws, ["A", "", "C", ""]);
}

#[test]
fn any_separators_are_taken_from_the_message() {
    let message = Message::index(samples::ODD_SEPARATORS).unwrap();
    let pid = message.segment("PID");
    assert_eq!(pid.field(3).repetition(2).component(4).raw(), "BB");
    assert_eq!(pid.field(3).component(4).subcomponent(3).raw(), "ISO");
    assert_eq!(pid.field(5).component(1).subcomponent(1).text(), "O$Neil");
    assert_eq!(pid.field(5).component(2).text(), "Ann!\"\"");
    assert!(message.segment("NK1").field(2).is_null());
}

#[test]
fn an_escaped_component_separator_does_not_split() {
    let message = Message::index(samples::ADMISSION).unwrap();
    let address = message.segment("PID").field(11).first();
    assert_eq!(address.component(2).text(), "Bât. B ^ 3e étage");
    assert_eq!(address.component(3).text(), "LYON");
}

#[test]
fn line_ends_may_be_cr_lf_or_crlf_in_any_mixture() {
    let lines = ["MSH|^~\\&|A", "EVN|1", "PID|2", "PV1|3"];
    for ends in
        [["\r"; 3], ["\n"; 3], ["\r\n"; 3], ["\n", "\r\n", "\r"], ["\r\r", "\n\n", "\r\n\n"]]
    {
        for last in ["", "\r", "\n", "\r\n", "\r\n\r\n"] {
            let text = format!(
                "{}{}{}{}{}{}{}{last}",
                lines[0], ends[0], lines[1], ends[1], lines[2], ends[2], lines[3]
            );
            assert_eq!(kinds(&text), [], "{text:?}");
            assert_eq!(names(&text), "MSH EVN PID PV1");
            let message = Message::index(&text).unwrap();
            assert_eq!(message.segment("PV1").field(1).raw(), "3");
        }
    }
}

#[test]
fn a_malformed_line_in_mid_message_costs_no_later_segment() {
    let text = "MSH|^~\\&|A\r\r\nevn|x\rPI|y\rno separator\r \t\rPID|1\rPDXX|2\rPV1|3";
    assert_eq!(
        kinds(text),
        [
            (DefectKind::SegmentName, 13, 3),
            (DefectKind::SegmentName, 19, 4),
            (DefectKind::SegmentName, 24, 5),
            (DefectKind::NoFieldSeparator, 24, 5),
            (DefectKind::BlankLine, 37, 6),
            (DefectKind::SegmentName, 46, 8),
        ]
    );
    assert_eq!(names(text), "MSH ??? ??? ??? PID ??? PV1");
    let message = Message::index(text).unwrap();
    assert_eq!(message.segments().iter().nth(1).unwrap().raw(), "evn|x");
    assert_eq!(message.segments().iter().nth(1).unwrap().field(1).raw(), "x");
    assert_eq!(message.defects()[1].location.to_string(), "???[2]");
    assert_eq!(message.segment("PV1").field(1).raw(), "3");
}

#[test]
fn a_name_alone_is_a_segment_and_is_reported() {
    let text = "MSH|^~\\&|A\rPD1\rPV1|1";
    assert_eq!(kinds(text), [(DefectKind::NoFieldSeparator, 11, 2)]);
    assert_eq!(names(text), "MSH PD1 PV1");
}

#[test]
fn a_second_msh_and_batch_segments_are_reported() {
    let text = "MSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\rBTS|1\r";
    assert_eq!(kinds(text), [(DefectKind::SecondMsh, 17, 3), (DefectKind::BatchSegment, 28, 4)]);
    let message = Message::index(text).unwrap();
    let second = message.segments_named("MSH").nth(1).unwrap();
    assert_eq!((second.field(2).raw(), second.field(3).raw()), ("^~\\&", "B"));
    assert_eq!(second.location().to_string(), "MSH[2]");
}

#[test]
fn what_stands_before_msh_is_tolerated_and_reported() {
    assert_eq!(kinds("\u{FEFF}MSH|^~\\&|A"), [(DefectKind::ByteOrderMark, 0, 1)]);
    let text = " \r\n\u{FEFF}\x0BMSH|^~\\&|A\rpid|1";
    assert_eq!(
        kinds(text),
        [
            (DefectKind::ByteOrderMark, 0, 1),
            (DefectKind::LeadingSpace, 0, 1),
            (DefectKind::SegmentName, 18, 3)
        ]
    );
}

#[test]
fn control_characters_are_reported_once_a_segment() {
    let text = "MSH|^~\\&|A\rPID|a\tb\rPV1|\0\x1C\x7F\rPV2|x\rPV1|\x0B";
    assert_eq!(
        kinds(text),
        [(DefectKind::ControlCharacter, 23, 3), (DefectKind::ControlCharacter, 37, 5)]
    );
    let message = Message::index(text).unwrap();
    assert_eq!(message.defects()[1].location.to_string(), "PV1[2]");
    assert_eq!(message.segment("PV1").field(1).raw(), "\0\x1C\x7F");
    assert_eq!(kinds("MSH\x1E^~\\&\x1EA\rPID\x1E1"), [], "a separator is no stray control");
}

#[test]
fn short_and_long_encoding_characters_are_reported() {
    for short in ["^", "^~", "^~\\"] {
        let text = format!("MSH|{short}|A\rPID|1&2^3");
        assert_eq!(kinds(&text), [(DefectKind::EncodingCharactersShort, 4, 1)]);
        let message = Message::index(&text).unwrap();
        assert_eq!(message.segment("PID").field(1).component(1).subcomponent(1).raw(), "1&2");
    }
    for long in ["^~\\&#!", "^~\\&A", "^~\\& ", "^~\\\\&"] {
        let text = format!("MSH|{long}|A\rPID|1&2^3");
        assert_eq!(kinds(&text), [(DefectKind::EncodingCharactersLong, 4, 1)]);
    }
    assert_eq!(kinds("MSH|^~\\&"), [], "a header may end there");
}

#[test]
fn what_is_no_message_says_why() {
    for (text, why) in [
        ("", Unreadable::Empty),
        ("\r\n \u{FEFF}", Unreadable::Empty),
        ("MS", Unreadable::NoMsh),
        ("PID|1\rMSH|^~\\&|A", Unreadable::NoMsh),
        ("msh|^~\\&|A", Unreadable::NoMsh),
        ("éMSH|^~\\&|A", Unreadable::NoMsh),
        ("FHS|^~\\&|A\rMSH|^~\\&|A", Unreadable::Batch),
        ("BHS|^~\\&|A\rMSH|^~\\&|A", Unreadable::Batch),
        ("MSH", Unreadable::FieldSeparator),
        ("MSH\r", Unreadable::FieldSeparator),
        ("MSHA^~\\&", Unreadable::FieldSeparator),
        ("MSHé^~\\&", Unreadable::FieldSeparator),
        ("MSH|", Unreadable::EncodingCharacters { at: 0 }),
        ("MSH||A", Unreadable::EncodingCharacters { at: 0 }),
        ("MSH|\r^~\\&|A", Unreadable::EncodingCharacters { at: 0 }),
        ("MSH|APP|FAC", Unreadable::EncodingCharacters { at: 0 }),
        ("MSH|^é|FAC", Unreadable::EncodingCharacters { at: 1 }),
        ("MSH|^~^&|FAC", Unreadable::EncodingCharacters { at: 2 }),
    ] {
        assert_eq!(Message::index(text).err(), Some(why), "{text:?}");
    }
}

#[test]
fn the_patient_groups_of_a_merge_are_walked_one_by_one() {
    let message = Message::index(samples::MERGE).unwrap();
    let merges: Vec<_> = message
        .groups("PID")
        .map(|group| {
            let id = |name: &str, field| group.segment(name).field(field).component(1).raw();
            (id("PID", 3), id("MRG", 1), group.segment("PV1").exists(), group.len())
        })
        .collect();
    assert_eq!(merges, [("1", "2", true, 4), ("3", "4", false, 2)]);
    assert_eq!(message.segments().before("PID").len(), 2);
    assert_eq!(message.segments().after("MRG").segment("PID").field(3).component(1).raw(), "3");
    assert_eq!(message.segments().after("ZZZ").len(), 0);
    assert_eq!(message.groups("ZZZ").count(), 0);
}

#[test]
fn occurrences_are_counted_whatever_their_number() {
    let mut text = String::from("MSH|^~\\&|A");
    for n in 1..=100 {
        text.push_str(&format!("\rNK1|{n}\rZ{n:02}|x"));
    }
    let message = Message::index(&text).unwrap();
    let counted: Vec<_> = message.segments_named("NK1").map(|s| s.occurrence()).collect();
    assert_eq!(counted, (1..=100).collect::<Vec<_>>());
    let place = Location::parse("NK1[77]-1").unwrap();
    assert_eq!(message.at(&place), "77");
}

#[test]
fn defects_are_bounded_and_still_counted() {
    let text = format!("MSH|^~\\&|A{}", "\rx|\0".repeat(10_000));
    let message = Message::index(&text).unwrap();
    assert_eq!(message.defects().len(), sluice_mappings::hl7::DEFECTS_MAX);
    assert_eq!(message.defects_total(), 20_000);
    assert_eq!(message.segments().len(), 10_001);
    assert_eq!(message.write(), text);
}

#[test]
fn the_documentation_names_every_defect_lie_and_refusal() {
    let page = include_str!("../../../docs/hl7-reading.md");
    let refusals = [
        Unreadable::Empty,
        Unreadable::NoMsh,
        Unreadable::Batch,
        Unreadable::FieldSeparator,
        Unreadable::EncodingCharacters { at: 0 },
        Unreadable::TooLong { bytes: 0, limit: 0 },
    ];
    let names = DefectKind::ALL.iter().map(|kind| kind.name());
    let names = names.chain(LieKind::ALL.iter().map(|kind| kind.name()));
    for name in names.chain(refusals.iter().map(|refusal| refusal.name())) {
        assert!(page.contains(&format!("| `{name}` |")), "{name} is not in docs/hl7-reading.md");
    }
}

#[test]
fn debug_shows_no_text_of_the_message() {
    let text = "MSH|^~\\&|ZQXapp\rPID|ZQXname^b~c\rZQXline\r";
    let message = Message::index(text).unwrap();
    let pid = message.segment("PID");
    let field = pid.field(1);
    let shown = format!(
        "{message:?} {:?} {pid:?} {field:?} {:?} {:?} {:?} {:?}",
        message.segments(),
        field.first(),
        field.component(1),
        field.component(1).subcomponent(1),
        field.value(),
    );
    assert!(!shown.contains("ZQX"), "{shown}");
}

#[test]
fn a_line_is_counted_by_each_cr_and_each_lf_that_follows_none() {
    for (before, line) in
        [("\n", 2), ("\r", 2), ("\r\n", 2), ("\r\r\n", 3), ("\n\n", 3), ("\n\r", 3)]
    {
        let at = u32::try_from(before.len()).unwrap();
        assert_eq!(
            kinds(&format!("{before}MSH|^~\\&|A\rpid|1")),
            [(DefectKind::LeadingSpace, 0, 1), (DefectKind::SegmentName, at + 11, line + 1)],
            "{before:?}"
        );
    }
}

#[test]
fn a_line_of_blanks_is_blank_and_one_of_separators_is_a_segment() {
    assert_eq!(kinds("MSH|^~\\&|A\r \t \rPID|1"), [(DefectKind::BlankLine, 11, 2)]);
    let text = "MSH\t^~\\&\tA\r\t\t\rPID\t1";
    assert_eq!(kinds(text), [(DefectKind::SegmentName, 11, 2)]);
}

#[test]
fn a_run_of_segments_begins_behind_a_name_and_may_be_empty() {
    let text = "MSH|^~\\&|A\rPID|1\rPV1|1\rDG1|1\rPV1|2\rDG1|2";
    let message = Message::index(text).unwrap();
    let all = message.segments();
    let of = |run: sluice_mappings::hl7::Segments<'_>| {
        run.iter().map(|s| s.name().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of(all.after("PV1")), "DG1 PV1 DG1");
    assert_eq!(of(all.before("PV1")), "MSH PID");
    assert_eq!(of(all.after("PV1").before("PV1")), "DG1");
    assert!(all.after("ZZZ").is_empty() && !all.is_empty());
}

#[test]
fn a_value_is_null_or_empty_or_says_something() {
    let text = Value::Text("a".into());
    assert!(Value::Null.is_null() && !Value::Empty.is_null() && !text.is_null());
    assert!(Value::Empty.is_empty() && !Value::Null.is_empty() && !text.is_empty());
}

#[test]
fn a_place_is_read_from_its_text() {
    assert_eq!("PID-65535".parse(), Ok(Location::field(b"PID", 65_535).at_occurrence(0)));
    assert!("PID-065535".parse::<Location>().is_err() && "PID-100000".parse::<Location>().is_err());
}

#[test]
fn a_crlf_ends_one_line() {
    let text = "MSH|^~\\&|A\r\nPID|1\r\npid|1\r\rPV1|1\npv1|1";
    let found = [(DefectKind::SegmentName, 19, 3), (DefectKind::SegmentName, 32, 6)];
    assert_eq!(kinds(text), found);
}
