//! What a part is altered to, so that whatever depends on it shows: blank, the next value of its
//! kind, and the words that decide (INSERT, CANCEL; Y, N; A, D).

/// The texts to put in the place of `raw`; each differs from it.
pub(super) fn variants(raw: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    found.extend(deciding(raw).iter().map(|word| (*word).to_owned()));
    if is_time(raw) {
        found.extend(other_times(raw));
    } else {
        found.extend(next(raw));
    }
    found.retain(|variant| variant != raw);
    found.dedup();
    found
}

/// Words that are understood in places where any other is as good as none.
fn deciding(raw: &str) -> &'static [&'static str] {
    match raw {
        "Y" => &["N"],
        "N" => &["Y"],
        "INSERT" | "UPDATE" | "CANCEL" => &["INSERT", "UPDATE", "CANCEL"],
        // Tables 0287, 0206 and 0323: add, delete.
        "A" | "U" | "X" => &["D"],
        "AD" | "CO" | "UP" | "UC" => &["DE"],
        "D" => &["A"],
        "DE" => &["AD"],
        _ => &[],
    }
}

/// `YYYYMMDD…`, of a year that a patient may have lived in.
fn is_time(raw: &str) -> bool {
    let digits = raw.bytes().take_while(u8::is_ascii_digit).count();
    digits >= 8 && matches!(raw.get(..2), Some("18" | "19" | "20"))
}

/// Another day, and another minute or second: still a time.
fn other_times(raw: &str) -> Vec<String> {
    let mut found = vec![with(raw, 6, if &raw[6..8] == "15" { "16" } else { "15" })];
    for at in [10, 12] {
        if let Some(two) = raw.get(at..at + 2).filter(|two| two.bytes().all(|b| b.is_ascii_digit()))
        {
            found.push(with(raw, at, if two == "07" { "08" } else { "07" }));
        }
    }
    found
}

fn with(raw: &str, at: usize, two: &str) -> String {
    format!("{}{two}{}", &raw[..at], &raw[at + 2..])
}

/// The next text of its kind: the last letter or digit is the one that follows in its alphabet.
fn next(raw: &str) -> Option<String> {
    let (at, last) = raw.char_indices().rev().find(|(_, c)| c.is_ascii_alphanumeric())?;
    let other = match last {
        'Z' => 'A',
        'z' => 'a',
        '9' => '1',
        c => char::from(u8::try_from(c).ok()? + 1),
    };
    Some(format!("{}{other}{}", &raw[..at], &raw[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_of_the_same_kind() {
        assert_eq!(variants("DUPONT"), ["", "DUPONU"]);
        assert_eq!(variants("Y"), ["", "N", "Z"]);
        assert_eq!(variants("19"), ["", "11"]);
        assert_eq!(variants("19800229"), ["", "19800215"]);
        assert_eq!(variants("202603151007+0100"), ["", "202603161007+0100", "202603151008+0100"]);
        assert_eq!(variants("\"\""), [""]);
    }

    #[test]
    fn a_word_that_decides_is_tried_as_each_other() {
        let tried = |raw: &str| variants(raw).join(" ");
        assert_eq!(tried("N"), " Y O");
        assert_eq!(tried("INSERT"), " UPDATE CANCEL INSERU");
        assert_eq!(tried("UPDATE"), " INSERT CANCEL UPDATF");
        assert_eq!(tried("CANCEL"), " INSERT UPDATE CANCEM");
        for of_0287 in ["A", "U", "X"] {
            assert!(tried(of_0287).starts_with(" D "), "{of_0287}");
        }
        for of_0287 in ["AD", "CO", "UP", "UC"] {
            assert!(tried(of_0287).starts_with(" DE "), "{of_0287}");
        }
        assert_eq!(tried("D"), " A E");
        assert_eq!(tried("DE"), " AD DF");
    }

    #[test]
    fn the_next_of_an_alphabet_stays_in_it() {
        assert_eq!(variants("aZ!"), ["", "aA!"]);
        assert_eq!(variants("éz"), ["", "éa"]);
        assert_eq!(variants("b8."), ["", "b9."]);
        assert_eq!(variants("-"), [""]);
    }

    #[test]
    fn another_time_is_another_day_minute_and_second() {
        assert_eq!(variants("18991215"), ["", "18991216"]);
        assert_eq!(variants("20260310"), ["", "20260315"]);
        assert_eq!(
            variants("20260310090507"),
            ["", "20260315090507", "20260310090707", "20260310090508"]
        );
        assert_eq!(variants("2026031009.5"), ["", "2026031509.5"]);
        assert_eq!(variants("2026031"), ["", "2026032"], "seven digits are no day");
        assert_eq!(variants("17991215"), ["", "17991216"]);
        assert_eq!(variants("21260310"), ["", "21260311"]);
        assert_eq!(variants("2O260310"), ["", "2O260311"]);
    }
}
