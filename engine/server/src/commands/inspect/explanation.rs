//! `--explain`: the resources that a message makes, and where each element comes from.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluice_mappings::explain::{Element, Explained, Explanation, Origin};
use sluice_mappings::fhir::ResourceType;
use sluice_mappings::hl7::{Location, Message};

use super::places::Places;

/// Longest path and value that stand in columns; longer ones push what follows to the right.
const PATH_WIDTH: usize = 44;
const VALUE_WIDTH: usize = 34;
/// Longest value that is shown.
const VALUE_MAX: usize = 72;

pub fn show(message: &Message<'_>, explanation: &Explanation) {
    let places = Places::of(message);
    let is_provenance = |resource: &&Explained| resource.of_type == ResourceType::Provenance;
    for resource in explanation.resources.iter().filter(|one| !is_provenance(one)) {
        show_resource(&places, resource);
    }
    // They say much the same of each.
    if let Some(first) = explanation.resources.iter().find(is_provenance) {
        show_resource(&places, first);
        let others = explanation.resources.iter().filter(is_provenance).count() - 1;
        if others > 0 {
            println!("  … and such a one for each of the other {others} (--json shows them)");
        }
    }
    if explanation.resources.is_empty() {
        println!("\nThe message makes and changes no resource.");
    }
    left_out(explanation);
    println!();
}

/// Says so where a message has more parts than are tried.
pub fn left_out(explanation: &Explanation) {
    if explanation.parts_left_out > 0 {
        println!("{} more parts of the message were not tried", explanation.parts_left_out);
    }
}

fn show_resource(places: &Places, resource: &Explained) {
    let what = if resource.is_new { "new" } else { "changed" };
    println!("\n{}/{}  {what}", resource.of_type.name(), resource.id);
    let mut as_before = 0;
    let lists = lists(resource);
    for element in &resource.elements {
        if element.origins == [Origin::Before] {
            as_before += 1;
            continue;
        }
        let value = cut(&element.value);
        println!(
            "  {:<PATH_WIDTH$} {value:<VALUE_WIDTH$} {}",
            tidy(&element.path, &lists),
            origins(places, element).join(", ")
        );
    }
    if as_before > 0 {
        println!("  … and {as_before} elements as they were before");
    }
}

/// The lists of a resource that have more than one item, by the path before their brackets.
fn lists(resource: &Explained) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for element in &resource.elements {
        for (at, _) in element.path.match_indices('[') {
            if !element.path[at..].starts_with("[0]") {
                found.insert(&element.path[..at]);
            }
        }
    }
    found
}

/// A path without the places in lists of one item.
fn tidy(path: &str, lists: &BTreeSet<&str>) -> String {
    let mut text = String::new();
    let mut rest = 0;
    for (at, _) in path.match_indices("[0]") {
        if !lists.contains(&path[..at]) {
            text.push_str(&path[rest..at]);
            rest = at + "[0]".len();
        }
    }
    text.push_str(&path[rest..]);
    text
}

fn cut(value: &str) -> String {
    if value.chars().count() <= VALUE_MAX {
        return value.to_owned();
    }
    let kept: String = value.chars().take(VALUE_MAX - 1).collect();
    format!("{kept}…")
}

/// Places first, then what else it depends on.
fn origins(places: &Places, element: &Element) -> Vec<String> {
    let parts: Vec<Location> = element
        .origins
        .iter()
        .filter_map(|origin| match origin {
            Origin::Part(at) => Some(*at),
            _ => None,
        })
        .collect();
    let mut names = places.shortest(&parts);
    names.extend(element.origins.iter().filter_map(|origin| match origin {
        Origin::Part(_) => None,
        Origin::Event => Some("MSH-9 (event)".to_owned()),
        Origin::Setting(key) => Some(format!("setting {key}")),
        Origin::Before => Some("as before".to_owned()),
        Origin::Journal => Some("journal".to_owned()),
        Origin::Constant => Some("always so".to_owned()),
    }));
    names
}

pub fn as_json(message: &Message<'_>, explanation: &Explanation) -> Value {
    let places = Places::of(message);
    let resources = explanation.resources.iter().map(|resource| {
        let elements = resource.elements.iter().map(|element| {
            let value: Value = serde_json::from_str(&element.value).unwrap_or_default();
            json!({
                "path": element.path,
                "value": value,
                "from": origins(&places, element),
            })
        });
        json!({
            "type": resource.of_type.name(),
            "id": resource.id,
            "new": resource.is_new,
            "elements": elements.collect::<Vec<_>>(),
        })
    });
    resources.collect()
}
