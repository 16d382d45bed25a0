//! Declared sets, lies and round trips.

use std::borrow::Cow;

use sluice_mappings::hl7::{Charset, Declared, LieKind, decode, decode_message, encode};

const ALL: [Charset; 5] =
    [Charset::Ascii, Charset::Utf8, Charset::Latin1, Charset::Latin9, Charset::Windows1252];

/// The text, the set used, the lie and where it shows.
fn read(raw: &[u8], declared: &str) -> (String, Charset, Option<(LieKind, usize)>) {
    let decoded = decode(raw, Some(declared.as_bytes()), Charset::Latin1);
    let lie = decoded.lie.map(|lie| (lie.kind, lie.byte));
    (decoded.text.into_owned(), decoded.charset, lie)
}

#[test]
fn the_names_of_table_0211_and_those_in_the_wild_are_known() {
    for (name, charset) in [
        ("ASCII", Charset::Ascii),
        ("us-ascii", Charset::Ascii),
        ("8859/1", Charset::Latin1),
        ("ISO-8859-1", Charset::Latin1),
        ("iso8859-1", Charset::Latin1),
        ("8859/15", Charset::Latin9),
        (" 8859/15 ", Charset::Latin9),
        ("UNICODE UTF-8", Charset::Utf8),
        ("unicode utf-8", Charset::Utf8),
        ("UNICODE", Charset::Utf8),
        ("UTF-8", Charset::Utf8),
        ("UTF8", Charset::Utf8),
        ("WINDOWS-1252", Charset::Windows1252),
        ("cp1252", Charset::Windows1252),
    ] {
        assert_eq!(Charset::declared(name.as_bytes()), Declared::Known(charset), "{name}");
    }
    for charset in ALL {
        assert_eq!(Charset::declared(charset.msh_18().as_bytes()), Declared::Known(charset));
    }
    for name in ["", "  ", "\"\""] {
        assert_eq!(Charset::declared(name.as_bytes()), Declared::Absent);
    }
    for name in
        ["8859/2", "UNICODE UTF-16", "ISO IR87", "GB 18030-2000", "é", "8859/1 8859/1 8859/1"]
    {
        assert_eq!(Charset::declared(name.as_bytes()), Declared::Unsupported, "{name}");
    }
}

#[test]
fn a_true_declaration_is_read_as_declared() {
    assert_eq!(read("Cœur €".as_bytes(), "UNICODE UTF-8"), ("Cœur €".into(), Charset::Utf8, None));
    assert_eq!(read(b"L'Ha\xFF", "8859/1"), ("L'Haÿ".into(), Charset::Latin1, None));
    assert_eq!(
        read(b"C\xBDur, L'HA\xBE, 5 \xA4", "8859/15"),
        ("Cœur, L'HAŸ, 5 €".into(), Charset::Latin9, None)
    );
    assert_eq!(
        read(b"C\x9Cur \x80 l\x92eau", "WINDOWS-1252"),
        ("Cœur € l’eau".into(), Charset::Windows1252, None)
    );
    assert_eq!(read(b"plain", "ASCII"), ("plain".into(), Charset::Ascii, None));
}

#[test]
fn utf_8_that_is_declared_as_something_else_is_flagged_and_read_as_utf_8() {
    for declared in ["8859/1", "8859/15", "WINDOWS-1252", "ASCII", ""] {
        assert_eq!(
            read("René Cœur".as_bytes(), declared),
            ("René Cœur".into(), Charset::Utf8, Some((LieKind::ActuallyUtf8, 3))),
            "{declared}"
        );
    }
}

#[test]
fn what_is_declared_as_utf_8_and_is_not_is_flagged_and_read_as_windows_1252() {
    assert_eq!(
        read(b"Ren\xE9 C\x9Cur", "UNICODE UTF-8"),
        ("René Cœur".into(), Charset::Windows1252, Some((LieKind::InvalidUtf8, 3)))
    );
}

#[test]
fn one_cut_character_does_not_turn_the_rest_into_mojibake() {
    let cut = b"Ren\xC3\xA9 \xC3";
    assert_eq!(
        read(cut, "UNICODE UTF-8"),
        ("René Ã".into(), Charset::Utf8, Some((LieKind::InvalidUtf8, 6)))
    );
    assert_eq!(
        read(cut, "8859/1"),
        ("René Ã".into(), Charset::Utf8, Some((LieKind::PartlyUtf8, 3)))
    );
    // Two senders in one message: a UTF-8 name, a Latin-1 city.
    let mixed = b"Zo\xC3\xAB|Orl\xE9ans";
    assert_eq!(read(mixed, "8859/15").0, "Zoë|Orléans");
}

#[test]
fn guillemets_after_a_capital_are_no_utf_8() {
    assert_eq!(
        read(b"\xAB CAF\xC9\xBB \xE9t\xE9", "8859/1"),
        ("« CAFÉ» été".into(), Charset::Latin1, None)
    );
}

#[test]
fn latin_1_that_holds_windows_or_8859_15_letters_is_flagged_and_read_as_them() {
    assert_eq!(
        read(b"C\x9Cur", "8859/1"),
        ("Cœur".into(), Charset::Windows1252, Some((LieKind::C1Bytes, 1)))
    );
    assert_eq!(
        read(b"l\x92\xE9t\xE9", "8859/15"),
        ("l’été".into(), Charset::Windows1252, Some((LieKind::C1Bytes, 1)))
    );
    for (raw, text) in [
        (&b"C\xBDur"[..], "Cœur"),
        (b"|\xBCuvre", "|Œuvre"),
        (b"L'HA\xBE-LES-ROSES", "L'HAŸ-LES-ROSES"),
        (b"\xA6imek", "Šimek"),
        (b"50 \xA4", "50 €"),
    ] {
        let (read, charset, lie) = read(raw, "8859/1");
        assert_eq!((read.as_str(), charset), (text, Charset::Latin9));
        assert_eq!(lie.map(|lie| lie.0), Some(LieKind::Latin9Bytes));
    }
    for (raw, text) in [(&b"1\xBD l"[..], "1½ l"), (b"\xBE|", "¾|"), (b"L\xB4Hay", "L´Hay")] {
        assert_eq!(read(raw, "8859/1"), (text.into(), Charset::Latin1, None));
    }
}

#[test]
fn high_bytes_under_ascii_are_flagged() {
    assert_eq!(
        read(b"Ren\xE9", "ASCII"),
        ("René".into(), Charset::Windows1252, Some((LieKind::HighBytesInAscii, 3)))
    );
}

#[test]
fn bytes_that_windows_1252_lacks_are_flagged() {
    let (text, _, lie) = read(b"a\x81", "WINDOWS-1252");
    assert_eq!((text.as_str(), lie), ("a\u{81}", Some((LieKind::UndefinedBytes, 1))));
}

#[test]
fn the_ej_s_default_holds_where_nothing_or_nothing_known_is_declared() {
    let raw = b"MSH|^~\\&|A||||||||||||||||\rPID|C\xBDur";
    let decoded = decode_message(raw, Charset::Latin9);
    assert_eq!((decoded.charset, decoded.declared), (Charset::Latin9, Declared::Absent));
    assert!(decoded.text.ends_with("Cœur") && decoded.lie.is_none());
    let raw = b"MSH|^~\\&|A|||||||||||||||UNICODE UTF-16\rPID|C\xBDur";
    let decoded = decode_message(raw, Charset::Latin9);
    assert_eq!(decoded.declared, Declared::Unsupported);
    assert!(decoded.text.ends_with("Cœur"));
}

#[test]
fn the_first_of_several_declared_sets_is_the_message_s() {
    let raw = b"MSH|^~\\&|A|||||||||||||||~8859/15~UNICODE UTF-8\rPID|C\xBDur";
    let decoded = decode_message(raw, Charset::Utf8);
    assert_eq!((decoded.charset, decoded.lie), (Charset::Latin9, None));
    assert!(decoded.text.ends_with("Cœur"));
}

#[test]
fn ascii_and_valid_utf_8_are_borrowed() {
    for charset in ALL {
        let decoded = decode(b"MSH|^~\\&|", Some(charset.msh_18().as_bytes()), Charset::Utf8);
        assert!(matches!(decoded.text, Cow::Borrowed(_)));
        assert_eq!(decoded.charset, charset);
    }
    assert!(matches!(decode("é".as_bytes(), None, Charset::Utf8).text, Cow::Borrowed(_)));
}

#[test]
fn what_a_set_lacks_is_written_as_a_question_mark() {
    let text = "é œ € 山";
    assert_eq!(encode(text, Charset::Ascii), b"? ? ? ?");
    assert_eq!(encode(text, Charset::Latin1), b"\xE9 ? ? ?");
    assert_eq!(encode(text, Charset::Latin9), b"\xE9 \xBD \xA4 ?");
    assert_eq!(encode(text, Charset::Windows1252), b"\xE9 \x9C \x80 ?");
    assert_eq!(encode(text, Charset::Utf8), text.as_bytes());
}

#[test]
fn every_byte_of_a_single_byte_set_survives_reading_and_writing() {
    for charset in [Charset::Latin9, Charset::Windows1252, Charset::Latin1] {
        for byte in 0..=u8::MAX {
            let raw = [b'1', byte, b' '];
            let decoded = decode(&raw, Some(charset.msh_18().as_bytes()), Charset::Utf8);
            assert_eq!(encode(&decoded.text, decoded.charset), raw, "{charset} {byte:#x}");
        }
    }
}
