//! What an acknowledgement means for the message that it answers.
//!
//! | MSA-1 | ERR-3 (table 0357), else ERR-1.4 | then |
//! |---|---|---|
//! | `AA` `CA` | any | accepted |
//! | any other | 206 record locked, 207 internal error | not now |
//! | any other | 100–205 | refused |
//! | `AR` | none, or another | not now: "a failure unrelated to content" is usual (HL7 §2.9.2.2) |
//! | `CE` | none, or another | not now: it could not be stored |
//! | `AE` `CR` | none, or another | refused: content, or what the peer never takes |
//! | none of these | | not now: the peer does not speak MLLP as we know it |
//!
//! ERR-4 = `W` or `I` with a code that refuses changes nothing: the peer said no, however mildly.

use std::str::from_utf8;

use sluice_mappings::hl7::Message;

use super::super::outcome::{Code, Outcome};

const CODES: [&str; 6] = ["AA", "AE", "AR", "CA", "CE", "CR"];

/// MSA-2 and what the answer means; `None` for what is no answer.
#[must_use]
pub fn judge(answer: &[u8]) -> Option<(String, Outcome)> {
    // Codes and control ids are ASCII in every set; what is not is not looked at.
    let text = match from_utf8(answer) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(answer),
    };
    let message = Message::index(&text).ok()?;
    let msa = message.segment("MSA");
    let control_id = msa.field(2).raw().to_owned();
    let said = msa.field(1).component(1).text();
    let code = CODES.into_iter().find(|code| *code == said.trim());
    let err = message.segment("ERR");
    let condition = condition(&err.field(3).component(1).text());
    // Before v2.5: ERR-1.4, of which the condition is the first part.
    let condition = condition.or_else(|| self::condition(&err.field(1).component(4).text()));
    Some((control_id, outcome(code, condition)))
}

fn condition(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|condition| *condition < 1_000)
}

fn outcome(code: Option<&'static str>, condition: Option<u16>) -> Outcome {
    let Some(code) = code else { return Outcome::NotNow(Code::of("no code"), None) };
    let why = Code::acknowledgement(code, condition);
    match (code, condition) {
        ("AA" | "CA", _) => Outcome::Accepted,
        (_, Some(206 | 207)) => Outcome::NotNow(why, None),
        (_, Some(100..=205)) => Outcome::Refused(why),
        ("AR" | "CE", _) => Outcome::NotNow(why, None),
        _ => Outcome::Refused(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, err: &str) -> String {
        let ack = format!("MSH|^~\\&|||||||ACK|9|P|2.5\rMSA|{code}|7\r{err}");
        match judge(ack.as_bytes()) {
            Some((id, outcome)) => {
                assert_eq!(id, "7");
                format!("{outcome:?}")
            }
            None => "no answer".to_owned(),
        }
    }

    #[test]
    fn the_table_holds() {
        for (code, err, means) in [
            ("AA", "", "Accepted"),
            ("CA", "", "Accepted"),
            ("AE", "", "Refused(AE)"),
            ("AE", "ERR|||101|E\r", "Refused(AE 101)"),
            ("AE", "ERR|||207^Application internal error|E\r", "NotNow(AE 207, None)"),
            ("AE", "ERR|||204|W\r", "Refused(AE 204)"),
            ("AR", "", "NotNow(AR, None)"),
            ("AR", "ERR|||200|E\r", "Refused(AR 200)"),
            ("AR", "ERR|||207|E\r", "NotNow(AR 207, None)"),
            ("AR", "ERR|PID^1^3^101\r", "Refused(AR 101)"),
            ("CE", "", "NotNow(CE, None)"),
            ("CE", "ERR|||206|E\r", "NotNow(CE 206, None)"),
            ("CR", "", "Refused(CR)"),
            ("CR", "ERR|||Z7|E\r", "Refused(CR)"),
            ("OK", "", "NotNow(no code, None)"),
        ] {
            assert_eq!(of(code, err), means, "{code} {err}");
        }
        assert_eq!(judge(b"hello"), None);
    }
}
