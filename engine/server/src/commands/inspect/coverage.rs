//! `--coverage`: every populated field of a message as mapped (where to), kept, or not mapped
//! (why), and a summary by event and by segment: of all populated fields, and of those that the
//! v2-to-FHIR guide maps.
//!
//! That a field is mapped is found by experiment (it changes what is rendered); why one is not is
//! what the table of fields says (`sluice_mappings::fields`), which a test holds to the same
//! experiment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sluice_mappings::explain::{Explanation, top_element};
use sluice_mappings::fields::{Fate, guide_maps, holds, rule};
use sluice_mappings::hl7::{Location, Message, Msh};

use super::explanation::left_out;
use super::places::Places;

/// What became of a populated field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Became {
    Mapped,
    /// The table says that it is mapped, and in this message it shows nowhere.
    WithoutEffect,
    /// It says `""` alone, and there was nothing to delete.
    Null,
    Kept,
    NotMapped,
}

/// In the order in which they are listed.
const ALL: [Became; 5] =
    [Became::Mapped, Became::WithoutEffect, Became::Null, Became::Kept, Became::NotMapped];

impl Became {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Mapped => "mapped",
            Self::WithoutEffect => "without_effect",
            Self::Null => "null",
            Self::Kept => "kept",
            Self::NotMapped => "not_mapped",
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Mapped => "mapped",
            Self::WithoutEffect => "mapped, without effect in this message",
            Self::Null => "null, and nothing there to delete",
            Self::Kept => "kept, not shown",
            Self::NotMapped => "not mapped",
        }
    }
}

struct Covered {
    at: Location,
    name: &'static str,
    /// The v2-to-FHIR guide maps it.
    guide: bool,
    became: Became,
    /// Where to, where it is kept, or why not.
    says: String,
}

#[derive(Default, Clone, Copy)]
struct Counts([u64; ALL.len()]);

impl Counts {
    const fn of(self, became: Became) -> u64 {
        self.0[became as usize]
    }

    fn populated(self) -> u64 {
        self.0.iter().sum()
    }

    /// Those that say something.
    fn told(self) -> u64 {
        self.populated() - self.of(Became::Null)
    }

    /// Of those that say something, in percent: those that the table maps.
    fn mapped(self) -> Option<f64> {
        self.share(self.of(Became::Mapped) + self.of(Became::WithoutEffect))
    }

    /// As [`Self::mapped`]: those that show in what is rendered.
    fn shown(self) -> Option<f64> {
        self.share(self.of(Became::Mapped))
    }

    fn share(self, part: u64) -> Option<f64> {
        let told = self.told();
        (told > 0).then(|| (part as f64 * 1_000.0 / told as f64).round() / 10.0)
    }
}

/// Of all populated fields, and of those of them that the guide maps.
#[derive(Default, Clone, Copy)]
struct Group {
    all: Counts,
    guide: Counts,
}

impl Group {
    fn count(&mut self, one: &Covered) {
        self.all.0[one.became as usize] += 1;
        self.guide.0[one.became as usize] += u64::from(one.guide);
    }

    fn add(&mut self, other: Self) {
        for (sum, more) in [(&mut self.all, other.all), (&mut self.guide, other.guide)] {
            for (sum, count) in sum.0.iter_mut().zip(more.0) {
                *sum += count;
            }
        }
    }

    fn as_json(self) -> Value {
        let mut json = json!({ "populated": self.all.populated() });
        for became in ALL {
            json[became.as_str()] = self.all.of(became).into();
        }
        json["guide_maps"] = json!({
            "populated": self.guide.told(),
            "mapped_percent": self.guide.mapped(),
            "shown_percent": self.guide.shown(),
        });
        json
    }
}

/// Counts over all messages.
#[derive(Default)]
pub struct Coverage {
    messages: u64,
    by_event: BTreeMap<String, Group>,
    by_segment: BTreeMap<String, Group>,
    /// Populated fields that no rule is about, and how often: the sender's own segments, and what
    /// is newer than the table.
    unknown: BTreeMap<String, u64>,
}

impl Coverage {
    /// Lists the fields of a message, and counts them.
    pub fn show(&mut self, message: &Message<'_>, explanation: &Explanation) {
        let places = Places::of(message);
        let covered = self.count(message, explanation);
        for became in ALL {
            let of_kind: Vec<_> = covered.iter().filter(|one| one.became == became).collect();
            if of_kind.is_empty() {
                continue;
            }
            println!("\n{}: {}", became.heading(), of_kind.len());
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
        let fields = covered.into_iter().map(|Covered { at, name, guide, became, says }| {
            json!({
                "at": places.short(at),
                "name": name,
                "guide_maps": guide,
                "became": became.as_str(),
                "says": says,
            })
        });
        fields.collect()
    }

    fn count(&mut self, message: &Message<'_>, explanation: &Explanation) -> Vec<Covered> {
        self.messages += 1;
        let event = Msh::of(message).trigger_event().into_owned();
        let fields = explanation.fields().into_iter();
        let covered: Vec<Covered> =
            fields.map(|(at, reaches)| covered(message, at, &reaches)).collect();
        for one in &covered {
            let segment = one.at.segment_name().to_owned();
            self.by_event.entry(event.clone()).or_default().count(one);
            self.by_segment.entry(segment).or_default().count(one);
            if one.name.is_empty() && one.became == Became::NotMapped {
                let field = format!("{}-{}", one.at.segment_name(), one.at.field);
                *self.unknown.entry(field).or_default() += 1;
            }
        }
        covered
    }

    /// The summary: a table, or the last value for machines.
    pub fn finish(&self, json: bool, machine: &mut Vec<Value>) {
        let counts = |of: &BTreeMap<String, Group>| -> Value {
            of.iter().map(|(name, group)| (name.clone(), group.as_json())).collect()
        };
        let mut all = Group::default();
        for group in self.by_event.values() {
            all.add(*group);
        }
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
        let columns = |name: &str, cells: [String; 9]| {
            let [populated, mapped, without, null, kept, not_mapped, guide, table, shown] = cells;
            println!(
                "{name:<8} {populated:>9} {mapped:>7} {without:>14} {null:>5} {kept:>5} \
                 {not_mapped:>10} {guide:>10} {table:>8} {shown:>8}"
            );
        };
        let heading = [
            "populated",
            "mapped",
            "without effect",
            "null",
            "kept",
            "not mapped",
            "guide maps",
            "mapped",
            "shown",
        ];
        columns("", heading.map(str::to_owned));
        let percent =
            |share: Option<f64>| share.map_or_else(String::new, |share| format!("{share:.1} %"));
        let groups = self.by_event.iter().chain(&self.by_segment);
        for (name, Group { all, guide }) in groups.chain([(&"all".to_owned(), &all)]) {
            let cells = [
                all.populated().to_string(),
                all.of(Became::Mapped).to_string(),
                all.of(Became::WithoutEffect).to_string(),
                all.of(Became::Null).to_string(),
                all.of(Became::Kept).to_string(),
                all.of(Became::NotMapped).to_string(),
                guide.told().to_string(),
                percent(guide.mapped()),
                percent(guide.shown()),
            ];
            columns(name, cells);
        }
        println!(
            "guide maps: the populated fields that the v2-to-FHIR guide maps; of these, those that \
             the table maps, and those that show in what is rendered"
        );
        if !self.unknown.is_empty() {
            let each = self.unknown.iter().map(|(field, count)| format!("{field} ({count})"));
            println!("without a rule: {}", each.collect::<Vec<_>>().join(", "));
        }
    }
}

/// By the experiment where it shows somewhere, else by the table.
fn covered(message: &Message<'_>, at: Location, reaches: &BTreeSet<&str>) -> Covered {
    let rule = rule(at.segment_name(), at.field);
    let name = rule.map_or("", |rule| rule.name);
    let (became, says) = match rule.map(|rule| &rule.fate) {
        _ if !reaches.is_empty() => (Became::Mapped, elements(reaches)),
        Some(Fate::Mapped { r4, .. }) if is_null(message, at) => (Became::Null, r4.join(", ")),
        Some(Fate::Mapped { r4, .. }) => (Became::WithoutEffect, r4.join(", ")),
        Some(Fate::Kept(place)) => (Became::Kept, (*place).to_owned()),
        Some(Fate::NotMapped(why)) => (Became::NotMapped, (*why).to_owned()),
        None => (Became::NotMapped, "the sender's own, or newer than the table".to_owned()),
    };
    Covered { at, name, guide: guide_maps(at.segment_name(), at.field), became, says }
}

/// Whether a field says `""` and nothing else, in each of its parts that says something.
fn is_null(message: &Message<'_>, at: Location) -> bool {
    let separators = message.separators();
    let parts = [separators.repetition(), separators.component(), separators.subcomponent()];
    let mut segments = message.segments().iter();
    segments.find(|segment| segment.location().at_field(at.field) == at).is_some_and(|segment| {
        let field = segment.field(at.field.into());
        field
            .raw()
            .split(|c: char| parts.iter().any(|part| c == char::from(*part)))
            .all(|part| part.is_empty() || part == "\"\"")
    })
}

/// `Patient.name.family`, `Patient.name.given` → `Patient.name`. Which resource it is is said only
/// where nothing more is.
fn elements(reaches: &BTreeSet<&str>) -> String {
    let short: BTreeSet<&str> = reaches.iter().map(|path| top_element(path)).collect();
    let says_more = |path: &str| short.iter().any(|other| *other != path && holds(path, other));
    let told = short.iter().copied().filter(|path| !says_more(path));
    told.collect::<Vec<_>>().join(", ")
}
