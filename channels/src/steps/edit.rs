//! A message with one place in it written anew, as text.

use sluice_mappings::hl7::{Location, Message, Segment, Separators};

/// The message with `raw` at `place`. A segment that is not there is added at the end, where it
/// would be the next of its name. `None` where the place cannot be written: the message has no
/// such separator, or not that many segments of the name.
pub fn set(message: &Message<'_>, place: &Location, raw: &str) -> Option<String> {
    let name = place.segment_name();
    let wanted = u32::from(place.occurrence.max(1));
    let separators = message.separators();
    let path = path(place)?;
    let mut lines = Vec::new();
    let mut count = 0;
    for segment in message.segments().iter() {
        let is_it = segment.is(name) && segment.occurrence() == wanted;
        count += u32::from(segment.is(name));
        lines.push(if is_it { written(&segment, &separators, &path, raw)? } else { own(&segment) });
    }
    if wanted > count {
        if wanted != count + 1 || raw.is_empty() {
            return (raw.is_empty()).then(|| message.text().to_owned());
        }
        lines.push(replaced(name, &levels(&separators), &path, raw)?);
    }
    Some(joined(&lines))
}

/// The message without what stands at `place`. A field or a part of one is emptied; a repetition,
/// and a segment, are taken out.
pub fn remove(message: &Message<'_>, place: &Location) -> Option<String> {
    let name = place.segment_name();
    if place.field == 0 {
        let goes = |segment: &Segment<'_>| {
            segment.is(name)
                && (place.occurrence == 0 || segment.occurrence() == u32::from(place.occurrence))
        };
        let stay = message.segments().iter().filter(|segment| !goes(segment));
        return Some(joined(&stay.map(|segment| own(&segment)).collect::<Vec<_>>()));
    }
    if place.repetition == 0 || place.component != 0 {
        return if message.at(place).is_empty() {
            Some(message.text().to_owned())
        } else {
            set(message, place, "")
        };
    }
    let mut field = *place;
    field.repetition = 0;
    let separator = char::from(message.separators().repetition());
    let mut repetitions: Vec<&str> = message.at(&field).split(separator).collect();
    let at = usize::from(place.repetition) - 1;
    if at >= repetitions.len() {
        return Some(message.text().to_owned());
    }
    repetitions.remove(at);
    set(message, &field, &repetitions.join(&separator.to_string()))
}

fn own(segment: &Segment<'_>) -> String {
    segment.raw().to_owned()
}

fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\r");
    text.push('\r');
    text
}

/// The steps down from the line to the place, from 0: field, repetition, component, subcomponent.
fn path(place: &Location) -> Option<Vec<usize>> {
    let mut path = vec![usize::from(place.field)];
    if place.is_in_header() {
        // MSH-1 is the separator itself, so MSH-3 stands where another segment's second field does.
        path[0] = path[0].checked_sub(1)?;
    }
    if place.repetition != 0 || place.component != 0 {
        path.push(usize::from(place.repetition.max(1)) - 1);
    }
    if place.component != 0 {
        path.push(usize::from(place.component) - 1);
    }
    if place.subcomponent != 0 {
        path.push(usize::from(place.subcomponent) - 1);
    }
    (place.field != 0).then_some(path)
}

const fn levels(separators: &Separators) -> [u8; 4] {
    [separators.field(), separators.repetition(), separators.component(), separators.subcomponent()]
}

fn written(
    segment: &Segment<'_>,
    separators: &Separators,
    path: &[usize],
    raw: &str,
) -> Option<String> {
    replaced(segment.raw(), &levels(separators), path, raw)
}

/// `text` with the part that `path` leads to replaced. `None` where a part beyond the first is
/// wanted on a level for which the message declares no separator.
fn replaced(text: &str, levels: &[u8], path: &[usize], raw: &str) -> Option<String> {
    let (Some((at, deeper)), Some((separator, levels))) =
        (path.split_first(), levels.split_first())
    else {
        return Some(raw.to_owned());
    };
    if *separator == 0 {
        return if *at == 0 { replaced(text, levels, deeper, raw) } else { None };
    }
    let separator = char::from(*separator);
    let mut parts: Vec<&str> = text.split(separator).collect();
    if parts.len() <= *at {
        parts.resize(at + 1, "");
    }
    let part = replaced(parts[*at], levels, deeper, raw)?;
    parts[*at] = &part;
    Some(parts.join(separator.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "MSH|^~\\&|APP|CHU\rPID|1||A^^^X&Y~B||Name^Given\rOBX|1|ST\rOBX|2|ST\r";

    fn with(place: &str, raw: &str) -> Option<String> {
        let message = Message::index(TEXT).unwrap();
        set(&message, &Location::parse(place).unwrap(), raw)
    }

    #[test]
    fn a_place_is_written_and_all_else_stays() {
        for (place, raw, from, to) in [
            ("PID-5.2", "Other", "Name^Given", "Name^Other"),
            ("PID-5", "N^G^M", "Name^Given", "N^G^M"),
            ("PID-3[2].4.2", "Z", "~B|", "~B^^^&Z|"),
            ("PID-3.4.1", "Z", "X&Y", "Z&Y"),
            ("PID-8", "F", "Given\r", "Given|||F\r"),
            ("PID-3[3]", "C", "~B|", "~B~C|"),
            ("MSH-3", "NEW", "|APP|", "|NEW|"),
            ("BHS-3", "NEW", "OBX|2|ST\r", "OBX|2|ST\rBHS||NEW\r"),
            ("MSH-9.2", "A01", "|CHU\r", "|CHU|||||^A01\r"),
            ("OBX[2]-3", "X", "OBX|2|ST\r", "OBX|2|ST|X\r"),
            ("OBX[3]-1", "3", "OBX|2|ST\r", "OBX|2|ST\rOBX|3\r"),
            ("PV1-2", "I", "OBX|2|ST\r", "OBX|2|ST\rPV1||I\r"),
        ] {
            assert_eq!(with(place, raw), Some(TEXT.replace(from, to)), "{place}");
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_is_not() {
        assert_eq!(with("OBX[4]-1", "4"), None, "the third is not there");
        let short = Message::index("MSH|^\rPID|1||A\r").unwrap();
        assert_eq!(set(&short, &Location::parse("PID-3.1.2").unwrap(), "x"), None);
        assert_eq!(set(&short, &Location::parse("PID-3[2]").unwrap(), "x"), None);
        assert!(set(&short, &Location::parse("PID-3.1.1").unwrap(), "x").is_some());
    }

    #[test]
    fn what_is_removed_is_gone_and_nothing_else() {
        let message = Message::index(TEXT).unwrap();
        for (place, from, to) in [
            ("OBX", "OBX|1|ST\rOBX|2|ST\r", ""),
            ("OBX[1]", "OBX|1|ST\r", ""),
            ("PID-3[1]", "A^^^X&Y~B", "B"),
            ("PID-3[2]", "~B", ""),
            ("PID-3[9]", "", ""),
            ("PID-3", "A^^^X&Y~B", ""),
            ("PID-5.1", "Name", ""),
            ("PID-20", "", ""),
            ("ZZZ", "", ""),
        ] {
            let expected = if from.is_empty() { TEXT.to_owned() } else { TEXT.replace(from, to) };
            let place_at = Location::parse(place).unwrap();
            assert_eq!(remove(&message, &place_at), Some(expected), "{place}");
        }
    }
}
