//! Every search parameter of R4 and R5, with its modifiers, chains and reverse chains, against
//! brute force over the JSON that is rendered. The records are those that messages lead to; what
//! is asked is taken from what they say.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod adt_support;
mod search_naive;

use std::collections::BTreeSet;
use std::sync::Arc;

use adt_support::{Lane, demo_settings, plain_entity, repository, split};
use search_naive::{Defined, World};
use serde_json::Value;
use sluice_mappings::adt::Records as _;
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::fhir::{self, FhirVersion};
use sluice_mappings::records::{Record, RecordType, ResourceId};
use sluice_mappings::search::{self, Clause, Join, Parameter, Query};

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((x ^ x >> 31) % n as u64).unwrap()
    }

    fn one_of<'v, T: ?Sized>(&mut self, values: &[&'v T]) -> &'v T {
        values[self.below(values.len())]
    }

    fn some<T>(&mut self, mut values: Vec<T>, most: usize) -> Vec<T> {
        while values.len() > most {
            let at = self.below(values.len());
            values.swap_remove(at);
        }
        values
    }
}

// ---- what the index finds ----

/// The clause once its joins are looked up among all records.
fn resolved(lane: &Lane, clause: &Clause) -> Clause {
    let ej = lane.entity.id();
    let found = |query: &Query| -> Vec<Record> {
        let clauses: Vec<Clause> = query.clauses.iter().map(|one| resolved(lane, one)).collect();
        let of_type = |record: &Record| record.record_type() == query.record_type;
        let live = lane.records.all().filter(|record| !record.stamp().gone);
        live.filter(|one| of_type(one) && clauses.iter().all(|c| c.matches(ej, one))).collect()
    };
    let ids: Vec<ResourceId> = match clause.join() {
        None => return clause.clone(),
        Some(Join::Found(queries)) => {
            queries.iter().flat_map(found).map(|record| record.id()).collect()
        }
        Some(Join::ReferredTo(query, referred)) => {
            found(query).iter().flat_map(|record| referred.by(ej, record)).collect()
        }
        Some(Join::Below(tree)) => {
            let mut ids = tree.roots.clone();
            let mut level = ids.clone();
            while !level.is_empty() {
                let next = found(&tree.parts_of(level));
                level = next.iter().map(Record::id).filter(|id| !ids.contains(id)).collect();
                ids.extend(&level);
            }
            ids
        }
        Some(Join::Above(tree)) => {
            let mut ids = tree.roots.clone();
            let mut at = 0;
            while let Some(id) = ids.get(at).copied() {
                at += 1;
                let Some(record) = lane.records.record(tree.record_type, id) else { continue };
                let up = tree.part_of().by(ej, &record);
                ids.extend(up.into_iter().filter(|id| !ids.contains(id)).collect::<Vec<_>>());
            }
            ids
        }
    };
    clause.joined(ids)
}

/// Whether a clause that is resolved finds the record, which its rows must allow.
fn finds(lane: &Lane, clause: &Clause, record: &Record, what: &str) -> bool {
    let ej = lane.entity.id();
    let mut rows = Vec::new();
    search::rows(ej, record, &mut rows);
    let spans = clause.spans(ej);
    let hit = |exact: bool| {
        rows.iter().any(|(p, k)| spans.iter().any(|s| s.exact == exact && s.holds(*p, k)))
    };
    let matched = clause.matches(ej, record);
    let inside = matched != clause.is_negated();
    assert!(!hit(true) || inside, "{what}: an exact row tells otherwise: {record:?}");
    assert!(!inside || hit(true) || hit(false), "{what}: no row leads to {record:?}");
    matched
}

// ---- what is asked ----

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains([',', '|', '$', '\\']) && text.trim() == text
}

const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/// Modifier and value, from a value that some resource has.
fn asked_of(kind: &str, value: &Value, dice: &mut Dice) -> Vec<(&'static str, String)> {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut asked: Vec<(&'static str, String)> = Vec::new();
    let said = value.as_str().unwrap_or_default().to_owned();
    match kind {
        "id" => asked.push(("", said)),
        "token" | "identifier" => {
            let codings: Vec<(String, String)> = if value.get("coding").is_some() {
                let each = search_naive::at(value, "coding").into_iter();
                each.map(|c| (text(c, "system"), text(c, "code"))).collect()
            } else if value.get("value").is_some() {
                vec![(text(value, "system"), text(value, "value"))]
            } else if value.is_object() {
                vec![(text(value, "system"), text(value, "code"))]
            } else {
                vec![("?".into(), value.as_bool().map_or(said, |b| b.to_string()))]
            };
            for (system, code) in codings.into_iter().filter(|(_, code)| is_plain(code)) {
                asked.push(("", code.clone()));
                asked.push(("not", code.clone()));
                if system != "?" {
                    asked.push(("", format!("{system}|{code}")));
                    asked.push(("not", format!("{system}|{code}")));
                    asked.push(("", format!("urn:x:none|{code}")));
                    if !system.is_empty() {
                        asked.push(("", format!("{system}|")));
                    }
                }
                if kind == "identifier" {
                    for of_type in search_naive::at(value, "type.coding") {
                        let (system, of_type) = (text(of_type, "system"), text(of_type, "code"));
                        asked.push(("of-type", format!("{system}|{of_type}|{code}")));
                        asked.push(("of-type", format!("{system}|ZZ|{code}")));
                    }
                }
            }
            let displays = search_naive::at(value, "coding.display");
            let texts = displays.into_iter().chain(value.get("text"));
            for text in texts.filter_map(Value::as_str).filter(|text| is_plain(text)) {
                let start: String = text.chars().take(4).collect();
                if !search_naive::folded(&start).is_empty() && kind == "token" {
                    asked.push(("text", start.trim().to_owned()));
                }
            }
        }
        "string" if is_plain(&said) && !search_naive::folded(&said).is_empty() => {
            let start: String = said.chars().take(1 + dice.below(4)).collect();
            let middle: String = said.chars().skip(1).take(3).collect();
            asked.push(("", said.clone()));
            asked.push(("", start.trim().to_owned()));
            asked.push(("exact", said.clone()));
            asked.push(("exact", said.to_lowercase()));
            asked.push(("contains", middle.trim().to_owned()));
            asked.retain(|(_, value)| !search_naive::folded(value).is_empty());
        }
        "phonetic" if is_plain(&said) && said.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            asked.push(("", said.replace(['t', 'T'], "d")));
            asked.push(("", said));
        }
        "birthdate" | "date" => {
            let ends = [said, text(value, "start"), text(value, "end")];
            for end in ends.iter().filter(|end| !end.is_empty()) {
                for length in [4, 7, 10, 99] {
                    let cut = &end[..length.min(end.len())];
                    asked.push(("", format!("{}{cut}", dice.one_of(&PREFIXES))));
                }
                asked.push(("", format!("{}2026-03", dice.one_of(&PREFIXES))));
            }
        }
        "quantity" => {
            let (number, code) = (value["value"].to_string(), text(value, "code"));
            let whole = number.split('.').next().unwrap().to_owned();
            for number in [number, whole, "72.5".into(), "-1".into()] {
                asked.push(("", format!("{}{number}", dice.one_of(&PREFIXES))));
                let system = text(value, "system");
                asked.push(("", format!("{}{number}|{system}|{code}", dice.one_of(&PREFIXES))));
                asked.push(("", format!("{number}||{}", text(value, "unit"))));
            }
        }
        "reference" => {
            let to = text(value, "reference");
            if let Some((_, id)) = to.split_once('/') {
                asked.push(("", id.to_owned()));
                asked.push(("", to.clone()));
            }
            if let Some(number) = value.get("identifier") {
                let (system, number) = (text(number, "system"), text(number, "value"));
                if is_plain(&number) {
                    asked.push(("identifier", format!("{system}|{number}")));
                    asked.push(("identifier", number));
                }
            }
        }
        "uri" => {
            asked.push(("", said.clone()));
            asked.push(("below", said[..said.len() / 2].to_owned()));
            asked.push(("above", format!("{said}/more")));
        }
        _ if kind.starts_with("contact:") && is_plain(&text(value, "value")) => {
            let (system, number) = (text(value, "system"), text(value, "value"));
            asked.push(("", number.clone()));
            asked.push(("", format!("{system}|{}", number.replace(' ', "."))));
            asked.push(("", format!("fax|{number}")));
            asked.push(("not", number));
        }
        _ => {}
    }
    asked
}

fn composites(world: &World, parameter: &Defined, dice: &mut Dice) -> Vec<String> {
    let parts = parameter.kind.strip_prefix("composite:").unwrap();
    let of_part = |part: &str, dice: &mut Dice| -> Vec<String> {
        let (kind, paths) = part.split_once(':').unwrap();
        let all = world.of_type(&parameter.of_type);
        let all = all.flat_map(|resource| {
            parameter.paths.iter().flat_map(|p| search_naive::at(resource, p))
        });
        let values =
            all.flat_map(|one| paths.split(';').flat_map(|path| search_naive::at(one, path)));
        let values: Vec<&Value> = values.collect();
        let asked = values.into_iter().flat_map(|value| asked_of(kind, value, dice));
        let plain = asked.filter(|(modifier, _)| modifier.is_empty()).map(|(_, value)| value);
        plain.filter(|value| !value.is_empty()).collect()
    };
    let mut parts = parts.split(',');
    let (first, second) = (parts.next().unwrap(), parts.next().unwrap());
    let (first, second) = (of_part(first, dice), of_part(second, dice));
    let (first, second) = (dice.some(first, 4), dice.some(second, 4));
    first.iter().flat_map(|a| second.iter().map(move |b| format!("{a}${b}"))).collect()
}

/// Parameter and value: of each parameter of the type, some that find and some that do not.
fn asked(
    world: &World,
    of: RecordType,
    parameter: &Parameter,
    most: usize,
    dice: &mut Dice,
) -> Vec<(String, String)> {
    let of_type = of.fhir();
    let name = parameter.name;
    let mut asked = Vec::new();
    if !name.starts_with('_') || name == "_tag" {
        for missing in ["true", "false"] {
            asked.push((format!("{name}:missing"), missing.to_owned()));
        }
    }
    let Some(defined) = world.parameter(of_type, name) else { return asked };
    let values: Vec<&Value> =
        world.of_type(of_type).flat_map(|resource| world.values(resource, defined)).collect();
    let mut own: BTreeSet<(&str, String)> = BTreeSet::new();
    for value in &values {
        own.extend(asked_of(&defined.kind, value, dice));
    }
    if defined.kind == "deceased" {
        own.extend([("", "true".to_owned()), ("", "false".to_owned()), ("not", "true".to_owned())]);
    }
    if defined.kind.starts_with("composite") {
        own.extend(composites(world, defined, dice).into_iter().map(|value| ("", value)));
    }
    // What the version's value set does not have is refused.
    if matches!(name, "gender" | "active") || (of == RecordType::Stay && name == "status") {
        own.retain(|(_, value)| !value.contains('|'));
    }
    if name == "_id" {
        own.retain(|(modifier, _)| modifier.is_empty());
    }
    for (modifier, value) in dice.some(own.into_iter().collect(), most) {
        let name = if modifier.is_empty() { name.to_owned() } else { format!("{name}:{modifier}") };
        asked.push((name, value));
    }
    if defined.kind == "reference" {
        for target in parameter.targets {
            let ids = world.of_type(target.fhir()).filter_map(|one| one["id"].as_str());
            for id in dice.some(ids.collect(), 2) {
                asked.push((format!("{name}:{}", target.fhir()), id.to_owned()));
                if matches!(target, RecordType::Location | RecordType::Organization) {
                    for way in ["above", "below"] {
                        asked.push((format!("{name}:{way}"), format!("{}/{id}", target.fhir())));
                    }
                }
            }
        }
    }
    asked
}

/// Chains from a reference, and back over one, up to some links.
fn joined(
    world: &World,
    version: FhirVersion,
    of: RecordType,
    links: usize,
    dice: &mut Dice,
) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let refers = |source: RecordType| {
        let all = search::params(source, version).filter(|one| !one.targets.is_empty());
        all.collect::<Vec<_>>()
    };
    let onward = |target: RecordType, dice: &mut Dice| -> Vec<(String, String)> {
        let parameters: Vec<_> = search::params(target, version).collect();
        let mut onward = Vec::new();
        for parameter in dice.some(parameters, 6) {
            onward.extend(asked(world, target, parameter, 2, dice));
        }
        if links > 1 {
            onward.extend(joined(world, version, target, links - 1, dice));
        }
        dice.some(onward, 6)
    };
    for parameter in refers(of) {
        for target in parameter.targets {
            for (rest, value) in onward(*target, dice) {
                let from = parameter.name;
                let from = match parameter.targets {
                    [_] if dice.below(2) == 0 => from.to_owned(),
                    _ => format!("{from}:{}", target.fhir()),
                };
                all.push((format!("{from}.{rest}"), value));
            }
        }
    }
    for source in RecordType::ALL {
        for parameter in refers(source).into_iter().filter(|one| one.targets.contains(&of)) {
            for (rest, value) in onward(source, dice) {
                all.push((format!("_has:{}:{}:{rest}", source.fhir(), parameter.name), value));
            }
        }
    }
    all
}

// ---- the comparison ----

fn world(lane: &Lane, version: FhirVersion) -> World {
    let live = lane.records.all().filter(|record| !record.stamp().gone);
    let render = |record: Record| -> Value {
        serde_json::from_slice(&fhir::render(&record, &lane.entity, version)).unwrap()
    };
    World::new(version.name(), lane.entity.zone.clone(), live.map(render).collect())
}

/// Searches made, and how many of them found anything.
#[derive(Debug, Default, Clone, Copy)]
struct Made {
    searches: usize,
    finding: usize,
}

fn check(lane: &Lane, most: usize, dice: &mut Dice) -> Made {
    let mut made = Made::default();
    let entity = Arc::new(lane.entity.clone());
    for version in FhirVersion::ALL {
        let world = world(lane, version);
        for of in RecordType::ALL {
            let records: Vec<Record> = lane
                .records
                .all()
                .filter(|record| record.record_type() == of && !record.stamp().gone)
                .collect();
            let mut all: Vec<(String, String)> = Vec::new();
            for parameter in search::params(of, version) {
                all.extend(asked(&world, of, parameter, most, dice));
            }
            let chained = joined(&world, version, of, 2, dice);
            all.extend(dice.some(chained, 12 * most));
            for (name, value) in all {
                let what = format!("{version} {}?{name}={value}", of.fhir());
                let pair = [(name.clone(), value.clone())];
                let parsed = search::parse(of, version, &pair, &lane.entity.zone)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(parsed.ignored.is_empty(), "{what}: not known");
                let query = parsed.query.with_entities([&entity]);
                let clause = resolved(lane, &query.clauses[0]);
                let mut finding = false;
                for record in &records {
                    let id = record.id().to_string();
                    let shown = world.of_type(of.fhir()).find(|one| one["id"] == *id).unwrap();
                    let expected = world.matches(shown, &name, &value);
                    finding |= expected;
                    assert_eq!(finds(lane, &clause, record, &what), expected, "{what}: {shown}");
                }
                made.searches += 1;
                made.finding += usize::from(finding);
            }
        }
    }
    made
}

/// What changed of a record's rows is what differs between all of them.
fn check_changes(lane: &Lane, old: &Record) {
    let new = lane.records.record(old.record_type(), old.id()).unwrap();
    let rows = |record: &Record| {
        let mut rows = Vec::new();
        search::rows(lane.entity.id(), record, &mut rows);
        rows
    };
    let (before, after) = (rows(old), rows(&new));
    let changes = search::row_changes(lane.entity.id(), old, &new);
    assert!(changes.went.iter().eq(before.iter().filter(|row| !after.contains(row))), "{new:?}");
    assert!(changes.came.iter().eq(after.iter().filter(|row| !before.contains(row))), "{new:?}");
}

// ---- the messages ----

const EVENTS: [&str; 12] =
    ["A01", "A02", "A03", "A04", "A05", "A08", "A21", "A22", "A31", "A54", "A06", "A13"];
const NAMES: [&str; 8] = [
    "DUPONT^JEAN",
    "Dupond^Bénédicte~LEBŒUF^Anne",
    "de la Tour^ÉLIE",
    "MARTIN^JEAN^PAUL",
    "",
    "Li^O",
    "D'Artagnan^X",
    "DUPONT-MARTIN^Ève",
];
const PERSONS: [&str; 5] =
    ["", "1^LEROY^PAUL^^^^^^RPPS", "2^MARTIN^EVE^^^^^^RPPS", "^PETIT^LUC", "3^ROUX^ANA^^^^^^RPPS"];
const CODES: [&str; 6] = [
    "PEN^Penicillin^L",
    "I10^Hypertension^I10",
    "E11^Diabetes^I10^44054006^Diabetes^SCT",
    "^Text alone",
    "8867-4^Heart rate^LN",
    "8480-6^Systolic^LN",
];
const TIMES: [&str; 7] =
    ["", "2026", "202603", "20260301", "202603010830+0100", "20260329013000.250+0100", "20251231"];

fn message(dice: &mut Dice, number: usize) -> String {
    let person = |dice: &mut Dice| dice.one_of(&PERSONS).to_owned();
    let code = |dice: &mut Dice| dice.one_of(&CODES).to_owned();
    let time = |dice: &mut Dice| dice.one_of(&TIMES).to_owned();
    let event = dice.one_of(&EVENTS);
    let patient = 1 + dice.below(3);
    let mut pid = vec![String::new(); 41];
    pid[0] = "PID".into();
    pid[3] = format!("P{patient}^^^H^PI~{}^^^S^SS", 900 + patient);
    pid[5] = dice.one_of(&NAMES).to_owned();
    if pid[5].is_empty() {
        pid[5] = "DOE^JOHN".into();
    }
    pid[7] = time(dice);
    pid[8] = dice.one_of(&["M", "F", "O", "U", "?", ""]).to_owned();
    pid[11] = dice
        .one_of(&[
            "",
            "12 rue Haute^^Lyon^^69001^FRA^H",
            "1 Main St^Apt 2^Springfield^IL^62701^USA^B~BP 5^^Paris^^75002^FRA^BI",
            "^^Évry",
        ])
        .to_owned();
    pid[13] =
        dice.one_of(&["", "01 02 03.04-05", "^NET^Internet^a.B@x.org", "0600^PRS^CP"]).to_owned();
    pid[14] = dice.one_of(&["", "^WPN^FX^^^^99", "+33 1 22"]).to_owned();
    pid[15] = dice.one_of(&["", "FR", "fr^French^ISO", "XX^Klingon^L"]).to_owned();
    pid[18] = dice.one_of(&["", "AN1", "AN2"]).to_owned();
    pid[29] = dice.one_of(&["", "", "20260302", "202603030930+0100"]).to_owned();
    pid[30] = dice.one_of(&["", "Y", "N"]).to_owned();
    let mut text = format!(
        "MSH|^~\\&|A|B|C|D|20260310||ADT^{event}|{number}|P|2.5.1\rEVN||2026031{}\r{}\r",
        number % 10,
        pid.join("|")
    );
    text.push_str(&format!("PD1|||CABINET^^^^^X^^^^77|{}\r", person(dice)));
    if dice.below(3) == 0 {
        text.push_str(&format!(
            "NK1|1|DOE^JANE|{}|5 rue Basse^^Lille^^59000^FRA^H|0320||{}|||||||{}|19700501\r",
            dice.one_of(&["SPO", "FTH", ""]),
            dice.one_of(&["", "C"]),
            dice.one_of(&["F", "M", ""]),
        ));
    }
    if event != "A31" {
        let mut pv1 = vec![String::new(); 46];
        pv1[0] = "PV1".into();
        pv1[2] = dice.one_of(&["I", "E", "O", "R", "HDJ"]).to_owned();
        pv1[3] = dice.one_of(&["W1^R1^B1", "W1^R2", "W2", "", "W1^R1^B2"]).to_owned();
        pv1[4] = dice.one_of(&["", "E", "RM", "R^Routine^L"]).to_owned();
        pv1[7] = person(dice);
        pv1[8] = person(dice);
        pv1[15] = dice.one_of(&["", "B6", "A1^Wheelchair^L", "B6~X"]).to_owned();
        pv1[19] = format!("V{patient}{}^^^H", dice.below(2));
        pv1[39] = dice.one_of(&["", "3101"]).to_owned();
        pv1[44] = time(dice);
        pv1[45] = time(dice);
        text.push_str(&format!("{}\r", pv1.join("|")));
        let mut pv2 = vec![String::new(); 13];
        pv2[0] = "PV2".into();
        pv2[3] = dice.one_of(&["", "CHEST^Chest pain^L", "^Malaise"]).to_owned();
        pv2[11] = dice.one_of(&["", "3", "12"]).to_owned();
        text.push_str(&format!("{}\r", pv2.join("|")));
        if dice.below(2) == 0 {
            text.push_str(&format!(
                "ZBE|M{number}^H|2026031{}||INSERT|N|A01|{}||HMS\r",
                number % 10,
                dice.one_of(&["Unit A^^^^^^UF^^^3101", "Unit B^^^^^UF^FI^^^3102", ""])
            ));
        }
    }
    for _ in 0..dice.below(3) {
        text.push_str(&match dice.below(6) {
            0 => format!("AL1|1|{}|{}|{}|{}\r", dice.one_of(&["DA", "FA", "LA"]), code(dice), dice.one_of(&["", "SV", "MO"]), dice.one_of(&["", "Rash"])),
            1 => format!("DG1|1||{}||{}|A||||||||||{}|||{}|D{}\r", code(dice), time(dice), person(dice), time(dice), dice.below(2)),
            2 => format!("PR1|1||{}||{}|D|90|{}|||{}||||CHEST^Chest pain^L|||||Q{}\r", code(dice), time(dice), person(dice), person(dice), dice.below(2)),
            3 => format!("IN1|1|{}|1^^^X|Mutuelle Bleue|2 rue X^^Brest^^29200^FRA|||G1|Les Uns||||20260101|||HMO|DOE^JANE|{}||||||||||||||||||POL7\r", dice.one_of(&["A", "B"]), dice.one_of(&["SEL", "SPO", ""])),
            _ => {
                let value = dice.one_of(&[
                    "NM|{}||72.5|mm[Hg]^mm Hg^UCUM",
                    "NM|{}||72~80|kg",
                    "NM|{}||-1",
                    "SN|{}||<^5|mg^mg^UCUM",
                    "SN|{}||>=^7.25|mg^mg^UCUM",
                    "CE|{}||I10^Hypertension^I10",
                    "CE|{}||PEN^Penicillin^L~E11^Diabetes^I10",
                    "ST|{}||Quiet and pale",
                    "DT|{}||20260301",
                    "TS|{}||202603010830+0100",
                    "DR|{}||20260301^20260305",
                    "NM|{}||",
                ]);
                let mut fields: Vec<String> = value.replace("{}", &code(dice)).split('|').map(str::to_owned).collect();
                fields.resize(23, String::new());
                fields[9] = dice.one_of(&["F", "X", "W", ""]).to_owned();
                fields[12] = time(dice);
                fields[14] = person(dice);
                fields[15] = dice.one_of(&["", "CUFF^Cuff^L"]).to_owned();
                fields[19] = format!("{}^X", dice.below(4));
                format!("OBX|1|{}\r", fields.join("|"))
            }
        });
    }
    text
}

fn entity_with_site() -> LegalEntity {
    let row = |table: &str, from: &str, code: &str| {
        format!(
            "[[site.code]]\ntable = \"{table}\"\nfrom = \"{from}\"\nsystem = \"urn:x:shown\"\n\
             code = \"{code}\"\nr5 = {{ system = \"urn:x:r5\", code = \"{code}\" }}\n"
        )
    };
    let icd = "http://hl7.org/fhir/sid/icd-10";
    let rows = [
        row("0063", "SPO", "partner"),
        row(icd, "I10", "hypertension"),
        row("urn:x:local", "PEN", "PEN"),
        row("urn:x:local", "CHEST", "chest"),
        row("http://loinc.org", "8480-6", "systolic"),
    ];
    let settings = format!(
        "id = \"EJ1\"\nname = \"an EJ\"\nfiness = \"690000001\"\n\
         site.coding_system = [{{ name = \"L\", system = \"urn:x:local\" }}]\n{}",
        rows.concat()
    );
    LegalEntity::new(toml::from_str(&settings).unwrap()).unwrap()
}

#[test]
fn every_search_finds_what_brute_force_over_the_rendered_resources_finds() {
    let mut made = Made::default();
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let mut lane = match seed % 3 {
            0 => Lane::new(plain_entity()),
            1 => Lane::new(entity_with_site()),
            _ => Lane::new(LegalEntity::new(demo_settings("EJ1")).unwrap()),
        };
        for number in 1..30 {
            let before: Vec<Record> = lane.records.all().collect();
            lane.take_text(&message(&mut dice, number));
            before.iter().for_each(|old| check_changes(&lane, old));
        }
        let own = check(&lane, 4, &mut dice);
        made.searches += own.searches;
        made.finding += own.finding;
    }
    println!("{} searches, of which {} found something", made.searches, made.finding);
    assert!(made.searches > 5_000 && made.finding > made.searches / 4, "{made:?}");
}

/// Bundled messages, the structure of a hospital among them, as a French EJ takes them.
#[test]
fn bundled_messages_are_found_as_they_are_shown() {
    let mut lane = Lane::new(LegalEntity::new(demo_settings("EJ1")).unwrap());
    for event in ["M05", "A01", "A02", "A40"] {
        let folder = repository().join("fixtures/messages").join(event);
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|end| end == "hl7")).collect();
        files.sort();
        for file in files.into_iter().take(4) {
            for raw in split(&std::fs::read(file).unwrap()) {
                let before: Vec<Record> = lane.records.all().collect();
                let _ = lane.take(&raw);
                before.iter().for_each(|old| check_changes(&lane, old));
            }
        }
    }
    let made = check(&lane, 3, &mut Dice(7));
    println!("{} searches, of which {} found something", made.searches, made.finding);
    assert!(made.searches > 500, "{made:?}");
}

/// What the standard defines is known in the version that defines it, and in no other.
#[test]
fn every_parameter_of_the_naive_table_is_one_of_ours() {
    for version in FhirVersion::ALL {
        for defined in search_naive::defined(version.name()) {
            let types = RecordType::ALL.into_iter();
            for of in
                types.filter(|of| matches!(&*defined.of_type, "*") || of.fhir() == defined.of_type)
            {
                let ours = search::param(of, version, &defined.name);
                assert!(ours.is_some(), "{version} {}?{}", of.fhir(), defined.name);
            }
        }
    }
}
