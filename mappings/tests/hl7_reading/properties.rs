//! What holds for any input.

use proptest::prelude::*;
use sluice_mappings::hl7::escape::{escape, unescape};
use sluice_mappings::hl7::{Charset, Location, Message, Separators, decode, encode};

use crate::{samples, walk};

fn separators() -> impl Strategy<Value = Separators> {
    let pool = "|^~\\&#!$%*@+=:;,?<>()[]{}_`/'.-\t".chars().collect::<Vec<_>>();
    (Just(pool).prop_shuffle(), 3_usize..=5).prop_map(|(pool, count)| {
        let bytes: Vec<u8> = pool.into_iter().map(|c| c as u8).collect();
        Separators::declared(bytes[0], &bytes[1..=count]).unwrap()
    })
}

fn awkward_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[|^~\\\\&#!$%*@XFSTREP.0-9é山\\r\\n\\t\\x00]{0,40}"]
}

/// A message of pieces that mean something to a reader, in any order.
fn shuffled() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r".to_owned()),
        Just("\n".to_owned()),
        Just("|".to_owned()),
        Just("\rPID|".to_owned()),
        Just("\nMSH|^~\\&|".to_owned()),
        Just("\"\"".to_owned()),
        "[\\^~&\\\\|#]{1,4}",
        "\\\\[A-Z.]{0,2}[0-9a-f]{0,4}\\\\",
        "\\PC{0,8}",
        "[A-Z]{3}",
    ];
    (
        prop_oneof![Just("MSH|^~\\&|"), Just("MSH|^~\\&#|"), Just("MSH!^|"), Just("")],
        prop::collection::vec(piece, 0..40),
    )
        .prop_map(|(start, pieces)| format!("{start}{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_read_without_a_panic(raw in prop::collection::vec(any::<u8>(), 0..400)) {
        walk::everything(&raw, Charset::Latin9);
    }

    #[test]
    fn any_pieces_of_a_message_are_read_and_written_back(text in shuffled()) {
        walk::everything(text.as_bytes(), Charset::Utf8);
    }

    #[test]
    fn unescaping_undoes_escaping(text in awkward_text(), separators in separators()) {
        let raw = escape(&text, &separators);
        prop_assert_eq!(unescape(&raw, &separators), text.as_str());
    }

    #[test]
    fn escaped_text_survives_a_message(texts in prop::collection::vec("\\PC{0,12}", 1..5)) {
        let fields: Vec<_> =
            texts.iter().map(|text| escape(text, &Separators::DEFAULT).into_owned()).collect();
        let written = format!("MSH|^~\\&|A\rZZZ|{}\r", fields.join("|"));
        let message = Message::index(&written).unwrap();
        for (text, n) in texts.iter().zip(1..) {
            let leaf = message.segment("ZZZ").field(n).component(1).subcomponent(1);
            prop_assert_eq!(leaf.text(), text.as_str());
        }
    }

    #[test]
    fn any_text_is_unescaped_without_a_panic(text in awkward_text(), tail in "[\\\\A-Z.0-9é]{0,30}") {
        let _ = unescape(&text, &Separators::DEFAULT);
        let _ = unescape(&tail, &Separators::DEFAULT);
    }

    #[test]
    fn a_set_reads_what_it_wrote(text in "[ -~é-ÿŒœŸ€]{0,40}") {
        for charset in [Charset::Utf8, Charset::Latin9, Charset::Windows1252] {
            let raw = encode(&text, charset);
            let decoded = decode(&raw, Some(charset.msh_18().as_bytes()), Charset::Ascii);
            // Single-byte text can by chance be valid UTF-8, and is then flagged.
            if decoded.lie.is_none() {
                prop_assert_eq!(&decoded.text, &text);
            } else {
                prop_assert!(charset != Charset::Utf8);
                prop_assert!(std::str::from_utf8(&raw).is_ok() || raw.iter().any(|b| matches!(b, 0xC3 | 0xC5)));
            }
        }
    }

    #[test]
    fn any_path_is_read_without_a_panic(path in "[A-Z0-9.\\[\\]-]{0,14}|\\PC{0,10}") {
        if let Ok(place) = Location::parse(&path) {
            prop_assert_eq!(place.to_string().replace('-', "."), path.replace('-', "."));
            for text in samples::ALL {
                let _ = Message::index(text).unwrap().at(&place);
            }
        }
    }
}
