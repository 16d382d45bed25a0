//! MFI, and the entries as they stand in the message.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sluice_ids::Micros;

use super::entry::{Action, Entry, Key};
use super::kind::Kind;
use super::{ENTRIES_MAX, IssueCode};
use crate::adt::draft::Draft;
use crate::adt::time;
use crate::adt::values::{REPETITIONS_MAX, at};
use crate::hl7::datatypes::{Cwe, Dtm, Pl, Ts, Xad};
use crate::hl7::{Field, Location, Message, Segment, Segments, Value};
use crate::records::Address;

/// LCH, and LRL, that are kept of one entry.
const ATTRIBUTES_MAX: usize = 128;

/// MFI-3.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FileEvent {
    /// REP: the message is the whole structure.
    Replace,
    /// UPD: it says what changes.
    Update,
}

pub(super) struct Notice {
    pub event: FileEvent,
    /// By key, so that the order of the entries changes nothing.
    pub entries: BTreeMap<Key, Entry>,
}

/// `None` where the message cannot be taken at all; the issue says why.
pub(super) fn read(draft: &mut Draft<'_>, message: &Message<'_>) -> Option<Notice> {
    let mfi = message.segment("MFI");
    let event = match mfi.field(3).component(1).text().trim() {
        "REP" => FileEvent::Replace,
        "UPD" => FileEvent::Update,
        _ => {
            draft.issue(IssueCode::CodeUnknown, at(&mfi, 3));
            FileEvent::Update
        }
    };
    let effective = draft.moment(Ts::of(mfi.field(5)), at(&mfi, 5));
    let now = effective.map_or(draft.context.received_at, |moment| moment.low);
    let groups = message.groups("MFE");
    let mut entries = BTreeMap::new();
    for (count, group) in groups.enumerate() {
        // A part of a structure is none: cut, a REP would close the rest of the hospital.
        if count >= ENTRIES_MAX {
            draft.issue(IssueCode::StructureTooLarge, Location::segment(b"MFE"));
            return None;
        }
        let Some(entry) = entry(draft, group, event, now) else { continue };
        merge(&mut entries, entry);
    }
    Some(Notice { event, entries })
}

/// One key twice is one entry: a sender that tells of it in two parts.
fn merge(entries: &mut BTreeMap<Key, Entry>, entry: Entry) {
    match entries.get_mut(&entry.key) {
        None => {
            entries.insert(entry.key.clone(), entry);
        }
        Some(first) => {
            first.attributes.extend(entry.attributes);
            first.relations.extend(entry.relations);
            first.relations.sort();
            first.relations.dedup();
            first.address = entry.address.or(first.address.take());
            first.telecoms = entry.telecoms.or(first.telecoms.take());
            first.closed = entry.closed;
            first.action = entry.action;
        }
    }
}

fn entry(
    draft: &mut Draft<'_>,
    group: Segments<'_>,
    event: FileEvent,
    now: Micros,
) -> Option<Entry> {
    let mfe = group.segment("MFE");
    let loc = group.segment("LOC");
    let key = key(draft, mfe.field(4), at(&mfe, 4)).or_else(|| {
        let mut key = key(draft, loc.field(1), at(&loc, 1))?;
        if key.type_code.is_empty() {
            key.type_code = code(draft, loc.field(3), at(&loc, 3));
        }
        Some(key)
    });
    let Some(key) = key.filter(|key| !key.type_code.is_empty()) else {
        draft.issue(IssueCode::FieldMissing, at(&mfe, 4));
        return None;
    };
    let action = match mfe.field(1).component(1).text().trim() {
        "MAD" | "MAC" => Action::Add,
        "MDC" | "MDL" => Action::Deactivate,
        "MUP" if event == FileEvent::Replace => Action::Add,
        "MUP" => Action::Update,
        _ => {
            draft.issue(IssueCode::CodeUnknown, at(&mfe, 1));
            Action::Update
        }
    };
    let kind = Kind::parse(&key.type_code).unwrap_or_else(|| {
        draft.issue(IssueCode::CodeUnknown, at(&mfe, 4).at_component(6));
        Kind::Area
    });
    let mut attributes = attributes(draft, group);
    let name = loc.field(4).component(1).value();
    if !attributes.contains_key("LBL") && !name.is_empty() {
        let name = name.into_text().map(|name| draft.text(Some(name), at(&loc, 4)));
        attributes.insert("LBL".to_owned(), name);
    }
    let closed = is_closed(draft, &attributes, group, now);
    let address = match lch_address(&attributes) {
        Some(address) => Some(address),
        None => draft.address(Xad::of(loc.field(5)), at(&loc, 5)),
    };
    let telecoms = draft.telecoms(&loc, 6, "WPN");
    let relations = relations(draft, group);
    let at = mfe.location();
    Some(Entry { key, kind, action, attributes, address, telecoms, relations, at, closed })
}

/// PL-6 and PL-10.1; nothing else of the PL counts.
fn key(draft: &mut Draft<'_>, field: Field<'_>, at: Location) -> Option<Key> {
    let pl = Pl::of(field);
    let number = draft.text(pl.comprehensive_id().id(), at);
    let type_code = type_code(draft, pl, at);
    (!number.is_empty()).then_some(Key { type_code, number })
}

/// PL-6, as the standard would say it.
fn type_code(draft: &mut Draft<'_>, pl: Pl<'_>, at: Location) -> String {
    let sent = draft.text(pl.person_location_type(), at).to_ascii_uppercase();
    draft.entity().settings.structure_types.get(&sent).cloned().unwrap_or(sent)
}

/// A code: CWE-1, else CWE-2.
fn code(draft: &mut Draft<'_>, field: Field<'_>, at: Location) -> String {
    let cwe = Cwe::of(field);
    draft.text(cwe.code().or_else(|| cwe.text()), at).to_ascii_uppercase()
}

/// LCH-4 and LCH-5, the last of a code counting.
fn attributes(draft: &mut Draft<'_>, group: Segments<'_>) -> BTreeMap<String, Option<String>> {
    let mut attributes = BTreeMap::new();
    for (count, lch) in group.named("LCH").enumerate() {
        if count >= ATTRIBUTES_MAX {
            draft.issue(IssueCode::ValueCut, lch.location());
            break;
        }
        let name = code(draft, lch.field(4), at(&lch, 4));
        if name.is_empty() {
            draft.issue(IssueCode::FieldMissing, at(&lch, 4));
            continue;
        }
        if let Some(value) = attribute(draft, &lch) {
            attributes.insert(name, value);
        }
    }
    attributes
}

/// LCH-5: in CWE-2 by the specification, in CWE-1 by its own example and some senders. Several
/// values (`HBRGMNT~MDCL`) stay one text, as sent. `None`: it says nothing.
fn attribute(draft: &mut Draft<'_>, lch: &Segment<'_>) -> Option<Option<String>> {
    let mut values: Vec<Cow<'_, str>> = Vec::new();
    let mut deletes = false;
    for repetition in lch.field(5).repetitions().take(REPETITIONS_MAX) {
        let parts = [2, 1].map(|n| repetition.component(n).value());
        deletes |= parts.iter().any(Value::is_null);
        let text = parts.into_iter().find_map(Value::into_text);
        values.extend(text.map(|text| Cow::Owned(text.trim().to_owned())));
    }
    values.retain(|value| !value.is_empty());
    if values.is_empty() {
        return deletes.then_some(None);
    }
    Some(Some(draft.text(Some(values.join("~").into()), at(lch, 5))))
}

/// The end of it (DT_FRMTR), or of its activity, lies behind the message's own time.
fn is_closed(
    draft: &mut Draft<'_>,
    attributes: &BTreeMap<String, Option<String>>,
    group: Segments<'_>,
    now: Micros,
) -> bool {
    ["DT_FRMTR", "DT_FN_ACTVTN"].into_iter().any(|name| {
        let Some(Some(text)) = attributes.get(name) else { return false };
        match Dtm::parse(text) {
            Ok(dtm) => time::moment(&dtm, &draft.entity().zone).low <= now,
            Err(_) => {
                draft.issue(IssueCode::TimeUnreadable, group.segment("LCH").location());
                false
            }
        }
    })
}

/// ADRS_1..3, CD_PSTL, VL and INS, which is the town's INSEE code here and no identity.
fn lch_address(attributes: &BTreeMap<String, Option<String>>) -> Option<Address> {
    let text = |name| attributes.get(name).cloned().flatten().unwrap_or_default();
    let lines = ["ADRS_1", "ADRS_2", "ADRS_3"].map(text);
    let address = Address {
        lines: lines.into_iter().filter(|line| !line.is_empty()).collect(),
        city: text("VL"),
        postal_code: text("CD_PSTL"),
        district: text("INS"),
        ..Address::default()
    };
    (address != Address::default()).then_some(address)
}

fn relations(draft: &mut Draft<'_>, group: Segments<'_>) -> Vec<(String, Key)> {
    let mut relations = Vec::new();
    for (count, lrl) in group.named("LRL").enumerate() {
        if count >= ATTRIBUTES_MAX {
            draft.issue(IssueCode::ValueCut, lrl.location());
            break;
        }
        let relation = code(draft, lrl.field(4), at(&lrl, 4));
        for repetition in lrl.field(6).repetitions().take(REPETITIONS_MAX) {
            let pl = Pl::of(repetition);
            let number = draft.text(pl.comprehensive_id().id(), at(&lrl, 6));
            let type_code = type_code(draft, pl, at(&lrl, 6));
            if !number.is_empty() && !relation.is_empty() {
                relations.push((relation.clone(), Key { type_code, number }));
            }
        }
    }
    relations.sort();
    relations.dedup();
    relations
}
