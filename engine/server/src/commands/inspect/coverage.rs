//! `--coverage`: every populated field of a message as mapped (where to), kept, or not mapped
//! (why), and a summary by event and by segment.
//!
//! That a field is mapped is found by experiment (it changes what is rendered); why one is not is
//! what the table of fields says (`sluice_mappings::fields`), which a test holds to the same
//! experiment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sluice_mappings::explain::{Explanation, top_element};
use sluice_mappings::fields::{Fate, holds, rule};
use sluice_mappings::hl7::{Location, Message, Msh};

use super::explanation::left_out;
use super::places::Places;

/// What became of a populated field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Became {
    Mapped,
    /// The table says that it is mapped, and in this message it shows nowhere.
    WithoutEffect,
    Kept,
    NotMapped,
}

impl Became {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Mapped => "mapped",
            Self::WithoutEffect => "without_effect",
            Self::Kept => "kept",
            Self::NotMapped => "not_mapped",
        }
    }
}

struct Covered {
    at: Location,
    name: &'static str,
    became: Became,
    /// Where to, where it is kept, or why not.
    says: String,
}

#[derive(Default, Clone, Copy)]
struct Counts([u64; 4]);

impl Counts {
    const fn of(self, became: Became) -> u64 {
        self.0[became as usize]
    }

    fn populated(self) -> u64 {
        self.0.iter().sum()
    }

    /// Of the populated fields that the table maps, those that show.
    const fn share(self) -> Option<f64> {
        let (shows, silent) = (self.of(Became::Mapped), self.of(Became::WithoutEffect));
        if shows + silent == 0 {
            None
        } else {
            Some(shows as f64 * 100.0 / (shows + silent) as f64)
        }
    }

    fn as_json(self) -> Value {
        json!({
            "populated": self.populated(),
            "mapped": self.of(Became::Mapped),
            "without_effect": self.of(Became::WithoutEffect),
            "kept": self.of(Became::Kept),
            "not_mapped": self.of(Became::NotMapped),
            "share_of_those_that_the_table_maps": self.share().map(|s| (s * 10.0).round() / 10.0),
        })
    }
}

/// Counts over all messages.
#[derive(Default)]
pub struct Coverage {
    messages: u64,
    by_event: BTreeMap<String, Counts>,
    by_segment: BTreeMap<String, Counts>,
    /// Populated fields that no rule is about, and how often: the sender's own segments, and what
    /// is newer than the table.
    unknown: BTreeMap<String, u64>,
}

impl Coverage {
    /// Lists the fields of a message, and counts them.
    pub fn show(&mut self, message: &Message<'_>, explanation: &Explanation) {
        let places = Places::of(message);
        let covered = self.count(message, explanation);
        for became in [Became::Mapped, Became::WithoutEffect, Became::Kept, Became::NotMapped] {
            let of_kind: Vec<_> = covered.iter().filter(|one| one.became == became).collect();
            if of_kind.is_empty() {
                continue;
            }
            let heading = match became {
                Became::Mapped => "mapped",
                Became::WithoutEffect => "mapped, without effect in this message",
                Became::Kept => "kept, not shown",
                Became::NotMapped => "not mapped",
            };
            println!("\n{heading}: {}", of_kind.len());
            for Covered { at, name, says, .. } in of_kind {
                println!("  {:<10} {name:<38} {says}", places.short(*at));
            }
        }
        left_out(explanation);
        println!();
    }

    /// The same for machines.
    pub fn as_json(&mut self, message: &Message<'_>, explanation: &Explanation) -> Value {
        let places = Places::of(message);
        let covered = self.count(message, explanation);
        let fields = covered.into_iter().map(|Covered { at, name, became, says }| {
            json!({
                "at": places.short(at),
                "name": name,
                "became": became.as_str(),
                "says": says,
            })
        });
        fields.collect()
    }

    fn count(&mut self, message: &Message<'_>, explanation: &Explanation) -> Vec<Covered> {
        self.messages += 1;
        let event = Msh::of(message).trigger_event().into_owned();
        let covered: Vec<Covered> =
            explanation.fields().into_iter().map(|(at, reaches)| covered(at, &reaches)).collect();
        for one in &covered {
            let segment = one.at.segment_name().to_owned();
            self.by_event.entry(event.clone()).or_default().0[one.became as usize] += 1;
            self.by_segment.entry(segment).or_default().0[one.became as usize] += 1;
            if one.name.is_empty() && one.became != Became::Mapped {
                let field = format!("{}-{}", one.at.segment_name(), one.at.field);
                *self.unknown.entry(field).or_default() += 1;
            }
        }
        covered
    }

    /// The summary: a table, or the last value for machines.
    pub fn finish(&self, json: bool, machine: &mut Vec<Value>) {
        let counts = |of: &BTreeMap<String, Counts>| -> Value {
            of.iter().map(|(name, counts)| (name.clone(), counts.as_json())).collect()
        };
        let all = self.by_event.values().fold(Counts::default(), |mut all, counts| {
            for (sum, count) in all.0.iter_mut().zip(counts.0) {
                *sum += count;
            }
            all
        });
        if json {
            machine.push(json!({
                "messages": self.messages,
                "all": all.as_json(),
                "by_event": counts(&self.by_event),
                "by_segment": counts(&self.by_segment),
                "without_a_rule": self.unknown,
            }));
            return;
        }
        println!("── {} messages", self.messages);
        let heading = ["populated", "mapped", "without effect", "kept", "not mapped", "share"];
        let columns = |name: &str, cells: [String; 6]| {
            let [populated, mapped, without, kept, not_mapped, share] = cells;
            println!(
                "{name:<8} {populated:>10} {mapped:>8} {without:>15} {kept:>6} {not_mapped:>11} {share:>8}"
            );
        };
        columns("", heading.map(str::to_owned));
        for (name, counts) in
            self.by_event.iter().chain(&self.by_segment).chain([(&"all".to_owned(), &all)])
        {
            let cells = [
                counts.populated().to_string(),
                counts.of(Became::Mapped).to_string(),
                counts.of(Became::WithoutEffect).to_string(),
                counts.of(Became::Kept).to_string(),
                counts.of(Became::NotMapped).to_string(),
                counts.share().map_or_else(String::new, |share| format!("{share:.1} %")),
            ];
            columns(name, cells);
        }
        println!("share: of the populated fields that the table maps, those that show");
        if !self.unknown.is_empty() {
            let each = self.unknown.iter().map(|(field, count)| format!("{field} ({count})"));
            println!("without a rule: {}", each.collect::<Vec<_>>().join(", "));
        }
    }
}

/// By the experiment where it shows somewhere, else by the table.
fn covered(at: Location, reaches: &BTreeSet<&str>) -> Covered {
    let rule = rule(at.segment_name(), at.field);
    let name = rule.map_or("", |rule| rule.name);
    let (became, says) = match rule.map(|rule| &rule.fate) {
        _ if !reaches.is_empty() => (Became::Mapped, elements(reaches)),
        Some(Fate::Mapped { r4, .. }) => (Became::WithoutEffect, r4.join(", ")),
        Some(Fate::Kept(place)) => (Became::Kept, (*place).to_owned()),
        Some(Fate::NotMapped(why)) => (Became::NotMapped, (*why).to_owned()),
        None => (Became::NotMapped, "the sender's own, or newer than the table".to_owned()),
    };
    Covered { at, name, became, says }
}

/// `Patient.name.family`, `Patient.name.given` → `Patient.name`. Which resource it is is said only
/// where nothing more is.
fn elements(reaches: &BTreeSet<&str>) -> String {
    let short: BTreeSet<&str> = reaches.iter().map(|path| top_element(path)).collect();
    let says_more = |path: &str| short.iter().any(|other| *other != path && holds(path, other));
    let told = short.iter().copied().filter(|path| !says_more(path));
    told.collect::<Vec<_>>().join(", ")
}
