//! ZFA, ZFD and ZFP, and what French senders do with a name.

use crate::adt::IssueCode;
use crate::adt::draft::Draft;
use crate::adt::values::at;
use crate::hl7::{Component, Segment, Value};
use crate::records::{FrenchPatient, HumanName, LunarDate, SharedRecord};

/// XPN-5 of French names; XPN-4 (the suffix) is forbidden, and some senders, as some examples of
/// the guide, write the civility one component beside its place.
const CIVILITIES: [&str; 9] = ["M", "M.", "MR", "MME", "MLLE", "MADAME", "MONSIEUR", "DR", "PR"];

pub(super) fn settle_names(names: &mut [HumanName]) {
    for name in names.iter_mut().filter(|name| name.prefix.is_empty()) {
        if is_civility(&name.suffix) {
            name.prefix = std::mem::take(&mut name.suffix);
        } else if let Some(further) = &mut name.further
            && is_civility(&further.degree)
        {
            name.prefix = std::mem::take(&mut further.degree);
        }
    }
}

fn is_civility(text: &str) -> bool {
    CIVILITIES.contains(&text.trim().to_uppercase().as_str())
}

pub(super) fn shared_record(draft: &mut Draft<'_>, record: &mut SharedRecord, zfa: &Segment<'_>) {
    draft.set_text(&mut record.status, zfa.field(1).component(1), at(zfa, 1));
    draft.set_moment(&mut record.asked, zfa, 2);
    draft.set_moment(&mut record.closed, zfa, 3);
    // ZFA-4 to ZFA-8 are forbidden.
    draft.set_text(&mut record.writing, zfa.field(9).component(1), at(zfa, 9));
    draft.set_moment(&mut record.writing_since, zfa, 10);
    draft.set_text(&mut record.reading, zfa.field(11).component(1), at(zfa, 11));
    draft.set_moment(&mut record.reading_since, zfa, 12);
    let known = [
        (1, &record.status, &["", "ACTIF", "FERME", "INEXISTANT"][..]),
        (9, &record.writing, &["", "NA", "IO", "INO"]),
        (11, &record.reading, &["", "NA", "INC", "IC"]),
    ];
    for (field, code, table) in known {
        if !table.contains(&code.as_str()) {
            draft.issue(IssueCode::CodeUnknown, at(zfa, field));
        }
    }
}

pub(super) fn identity(draft: &mut Draft<'_>, french: &mut FrenchPatient, zfd: &Segment<'_>) {
    let lunar = zfd.field(1);
    if lunar.is_null() {
        french.lunar_birth_date = None;
    } else if !lunar.is_empty() {
        match lunar_date([1, 2, 3].map(|n| lunar.component(n))) {
            Some(date) => french.lunar_birth_date = Some(date),
            None => draft.issue(IssueCode::TimeUnreadable, at(zfd, 1)),
        }
    }
    match zfd.field(2).component(1).value() {
        Value::Null => french.gestation_weeks = None,
        Value::Empty => {}
        Value::Text(weeks) => french.gestation_weeks = weeks.trim().parse().ok(),
    }
    set_flag(&mut french.text_messages, zfd.field(3).component(1));
    set_flag(&mut french.birth_date_corrected, zfd.field(4).component(1));
    draft.set_text(&mut french.identity_method, zfd.field(5).component(1), at(zfd, 5));
    draft.set_moment(&mut french.identity_asked, zfd, 6);
    draft.set_text(&mut french.identity_document, zfd.field(7).component(1), at(zfd, 7));
    draft.set_moment(&mut french.identity_document_expires, zfd, 8);
    if !matches!(french.identity_method.as_str(), "" | "SM" | "CV" | "INSI" | "CB" | "RFID") {
        draft.issue(IssueCode::CodeUnknown, at(zfd, 5));
    }
    let documents = ["", "AN", "CC", "CE", "CM", "CN", "CS", "LE", "PA", "PC", "TC"];
    if !documents.contains(&french.identity_document.as_str()) {
        draft.issue(IssueCode::CodeUnknown, at(zfd, 7));
    }
}

/// A day over 31 and a month over 12 are what it is for.
fn lunar_date([day, month, year]: [Component<'_>; 3]) -> Option<LunarDate> {
    fn number<T: std::str::FromStr>(part: Component<'_>) -> Option<T> {
        part.text().trim().parse().ok()
    }
    let date = LunarDate { day: number(day)?, month: number(month)?, year: number(year)? };
    (date.day <= 99 && date.month <= 99 && date.year <= 9999).then_some(date)
}

fn set_flag(target: &mut Option<bool>, part: Component<'_>) {
    match part.value() {
        Value::Null => *target = None,
        Value::Empty => {}
        Value::Text(text) => match text.trim() {
            "Y" => *target = Some(true),
            "N" => *target = Some(false),
            _ => {}
        },
    }
}
