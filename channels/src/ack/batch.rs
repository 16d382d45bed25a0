//! The acknowledgements of a file's messages, in the form in which they came: one behind the other,
//! or as a batch of acknowledgements (HL7 v2.5.1 §2.10.3), each header of the file answered by its
//! own. Sender and receiver change places, and FHS-12 and BHS-12 name what is answered.

use bytes::Bytes;
use sluice_ids::Micros;
use sluice_mappings::hl7::batch::{Contents, Envelope, EnvelopeKind};

use super::message::{OwnControlIds, QUOTED_BYTES_MAX, write_time};

/// `answers` are those of the contents' messages, `None` where nothing is owed.
#[must_use]
pub fn answers_of_file(
    file: &[u8],
    contents: &Contents,
    answers: &[Option<Bytes>],
    own: &OwnControlIds,
    now: Micros,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut envelope = contents.envelope.iter().peekable();
    let (mut in_batch, mut batches) = (0_usize, 0_usize);
    for at in 0..=answers.len() {
        while let Some(one) = envelope.next_if(|one| one.messages_before <= at) {
            let line = &file[one.place.clone()];
            match one.kind {
                EnvelopeKind::FileHeader => write_header(&mut out, one, line, own, now),
                EnvelopeKind::BatchHeader => {
                    in_batch = 0;
                    batches += 1;
                    write_header(&mut out, one, line, own, now);
                }
                EnvelopeKind::BatchTrailer => write_trailer(&mut out, one, line, in_batch),
                // Messages without a header of their batch are one.
                EnvelopeKind::FileTrailer => write_trailer(&mut out, one, line, batches.max(1)),
            }
        }
        if let Some(Some(answer)) = answers.get(at) {
            in_batch += 1;
            out.extend_from_slice(answer);
        }
    }
    out
}

fn separator(line: &[u8]) -> u8 {
    line.get(3).copied().filter(u8::is_ascii_punctuation).unwrap_or(b'|')
}

fn write_header(out: &mut Vec<u8>, one: &Envelope, line: &[u8], own: &OwnControlIds, now: Micros) {
    let separator = separator(line);
    let fields: Vec<&[u8]> = line.split(|byte| *byte == separator).collect();
    // FHS-1 is the separator itself: the second field stands behind the first one.
    let quoted = |number: usize| {
        let raw = fields.get(number - 1).copied().unwrap_or_default();
        let harmless =
            raw.len() <= QUOTED_BYTES_MAX && raw.iter().all(|b| *b >= b' ' && *b != 0x7F);
        if harmless { raw } else { b"" }
    };
    out.extend_from_slice(one.kind.segment().as_bytes());
    out.push(separator);
    out.extend_from_slice(if quoted(2).is_empty() { b"^~\\&" } else { quoted(2) });
    for swapped in [5, 6, 3, 4] {
        out.push(separator);
        out.extend_from_slice(quoted(swapped));
    }
    out.push(separator);
    write_time(now, out);
    // Security, name and comment are empty.
    out.extend_from_slice(&[separator; 4]);
    own.write_next(out);
    out.push(separator);
    out.extend_from_slice(quoted(11));
    out.push(b'\r');
}

fn write_trailer(out: &mut Vec<u8>, one: &Envelope, line: &[u8], count: usize) {
    out.extend_from_slice(one.kind.segment().as_bytes());
    out.push(separator(line));
    out.extend_from_slice(count.to_string().as_bytes());
    out.push(b'\r');
}

#[cfg(test)]
mod tests {
    use sluice_mappings::hl7::batch::contents;

    use super::*;

    fn answers(file: &[u8], answers: &[Option<&'static str>]) -> String {
        let contents = contents(file);
        assert_eq!(contents.messages.len(), answers.len());
        let answers: Vec<Option<Bytes>> = answers
            .iter()
            .map(|answer| answer.map(|text| Bytes::from_static(text.as_bytes())))
            .collect();
        let (own, now) = (OwnControlIds::new(Micros::new(36)), Micros::new(1_795_147_034_000_000));
        String::from_utf8(answers_of_file(file, &contents, &answers, &own, now)).unwrap()
    }

    #[test]
    fn a_batch_is_answered_by_a_batch_of_acknowledgements() {
        let file =
            b"FHS|^~\\&|HIS|CHU|SLU|GHT|2026||night||F7\rBHS|^~\\&|HIS|CHU|SLU|GHT|2026||||B7\r\
            MSH|1\rMSH|2\rMSH|3\rBTS|3\rBHS|^~\\&|HIS|CHU\rMSH|4\rBTS\rFTS|2\r";
        let told =
            answers(file, &[Some("MSH|A\rMSA|AA|1\r"), None, Some("MSH|C\r"), Some("MSH|D\r")]);
        assert_eq!(
            told,
            "FHS|^~\\&|SLU|GHT|HIS|CHU|20261120035714+0000||||101|F7\r\
             BHS|^~\\&|SLU|GHT|HIS|CHU|20261120035714+0000||||102|B7\r\
             MSH|A\rMSA|AA|1\rMSH|C\rBTS|2\r\
             BHS|^~\\&|||HIS|CHU|20261120035714+0000||||103|\r\
             MSH|D\rBTS|1\rFTS|2\r"
        );
        assert_eq!(contents(told.as_bytes()).check(told.as_bytes()), Ok(()), "it is one itself");
    }

    #[test]
    fn without_an_envelope_there_is_none_in_the_answer() {
        assert_eq!(
            answers(b"MSH|1\rMSH|2\r", &[Some("MSH|A\r"), Some("MSH|B\r")]),
            "MSH|A\rMSH|B\r"
        );
        assert_eq!(answers(b"MSH|1\r", &[None]), "");
    }

    #[test]
    fn what_could_break_the_answer_is_not_quoted() {
        let file = b"BHS#^~\\&#A\x1cB#CHU####\x0b###X\x07#\rBTS#0\r";
        let told = answers(file, &[]);
        assert!(told.starts_with("BHS#^~\\&####CHU#2026"), "{told}");
        assert!(told.ends_with("#101#\rBTS#0\r"), "{told}");
    }
}
