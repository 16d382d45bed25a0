//! What is asked: of every parameter, with what the resources say.

use std::collections::BTreeSet;

use serde_json::Value;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::RecordType;
use sluice_mappings::search::{self, Parameter};

use super::Dice;
use crate::search_naive;
use crate::search_naive::{Defined, World};

pub fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains([',', '|', '$', '\\']) && text.trim() == text
}

pub const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/// Modifier and value, from a value that some resource has.
pub fn asked_of(kind: &str, value: &Value, dice: &mut Dice) -> Vec<(&'static str, String)> {
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

pub fn composites(world: &World, parameter: &Defined, dice: &mut Dice) -> Vec<String> {
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
pub fn asked(
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
pub fn joined(
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
