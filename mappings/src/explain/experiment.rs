//! The experiment itself: a message altered in one place, applied and rendered again, compared.

use std::collections::{BTreeMap, BTreeSet};

use super::leaves::leaves;
use super::tree::{Differences, without_places};
use super::variants::variants;
use super::{Element, Explained, Explanation, Origin, Tried};
use crate::adt::{Change, Context, Outcome, Records, apply};
use crate::entity::{EjSettings, LegalEntity};
use crate::fhir::{Derived, FhirVersion, ResourceType, render, render_history, render_provenance};
use crate::hl7::{Location, Message};
use crate::json::Tree;
use crate::records::{Record, RecordType, ResourceId};
use crate::site::SiteSettings;

/// A segment that nobody knows, after the message: it says nothing, and is another content.
const OTHERWISE: &str = "\rZ00|1\r";

/// Events that a message is taken for, to see what follows from its event.
const EVENTS: [&str; 5] = ["A01", "A02", "A03", "A05", "A08"];

/// What `message` makes of `records`, as FHIR of that version, and where each element comes from.
#[must_use]
pub fn explain(
    message: &Message<'_>,
    context: &Context<'_>,
    records: &dyn Records,
    version: FhirVersion,
) -> Explanation {
    let world = World { context, records, version };
    let base = world.run(message, context.entity);
    // A repetition is known by its content and does nothing, so that any change of it would seem
    // to do all: what is varied is compared with what the message does as another one.
    let text = format!("{}{OTHERWISE}", message.text());
    let plain = match Message::index(&text) {
        Ok(message) => world.run(&message, context.entity),
        Err(_) => world.run(message, context.entity),
    };
    let text = text.as_str();
    let (found, parts_left_out) = leaves(message);
    let mut origins: BTreeMap<(Key, String), BTreeSet<Origin>> = BTreeMap::new();
    let mut note = |reach: &Reach, origin: Origin| {
        for element in &reach.elements {
            origins.entry(element.clone()).or_default().insert(origin);
        }
    };
    let mut parts = Vec::with_capacity(found.len());
    for leaf in found {
        let mut reach = Reach::default();
        for variant in variants(leaf.raw) {
            let mut text = text.to_owned();
            text.replace_range(leaf.span.clone(), &variant);
            world.compare(&plain, &text, context.entity, &mut reach);
        }
        note(&reach, Origin::Part(leaf.at));
        parts.push(Tried { at: leaf.at, reaches: reach.paths });
    }
    for text in other_events(message, text) {
        let mut reach = Reach { values_only: true, ..Reach::default() };
        world.compare(&plain, &text, context.entity, &mut reach);
        note(&reach, Origin::Event);
    }
    for (key, settings) in other_settings(&context.entity.settings) {
        let Ok(entity) = LegalEntity::new(settings) else { continue };
        let mut reach = Reach { values_only: true, ..Reach::default() };
        world.compare(&plain, text, &entity, &mut reach);
        note(&reach, Origin::Setting(key));
    }
    let resources = base.changed.iter().flat_map(|key| world.explained(&base, *key, &origins));
    Explanation { resources: resources.collect(), outcome: base.outcome, parts, parts_left_out }
}

/// A record.
type RecordKey = (RecordType, ResourceId);

/// A resource.
type Key = (ResourceType, String);

struct World<'a> {
    context: &'a Context<'a>,
    records: &'a dyn Records,
    version: FhirVersion,
}

/// What a message did.
struct Run {
    outcome: Outcome,
    /// In the order of the changes.
    changed: Vec<RecordKey>,
    after: BTreeMap<RecordKey, Record>,
}

/// What depends on what is being varied.
#[derive(Default)]
struct Reach {
    /// Elements of what the message made, by the path that they have there.
    elements: BTreeSet<(Key, String)>,
    /// All elements that differ, by type and path without places.
    paths: BTreeSet<String>,
    /// Count only what has another value: for what decides whether there is anything at all.
    values_only: bool,
}

impl World<'_> {
    fn run(&self, message: &Message<'_>, entity: &LegalEntity) -> Run {
        let context = Context { entity, ..*self.context };
        let outcome = apply(message, &context, self.records);
        let (mut changed, mut after) = (Vec::new(), BTreeMap::new());
        for change in &outcome.changes {
            if let Change::Put(record) = change {
                let key = (record.record_type(), record.id());
                changed.push(key);
                after.insert(key, record.clone());
            }
        }
        Run { outcome, changed, after }
    }

    fn before(&self, key: RecordKey) -> Option<Record> {
        self.records.record(key.0, key.1).filter(|record| !record.stamp().gone)
    }

    /// The record after the message; `None` where it is none, or none any more.
    fn after(&self, run: &Run, key: RecordKey) -> Option<Record> {
        let after = run.after.get(&key).cloned().or_else(|| self.before(key))?;
        (!after.stamp().gone).then_some(after)
    }

    /// The resources of a record, its own first.
    fn rendered(&self, record: &Record, entity: &LegalEntity) -> Vec<(Key, Vec<u8>)> {
        let of_record = ResourceType::Record(record.record_type());
        let id = record.id().to_string();
        let mut all = vec![((of_record, id.clone()), render(record, entity, self.version))];
        let mut derived = |of_type: ResourceType, id, json| {
            if of_type.is_in(self.version) {
                all.push(((of_type, id), json));
            }
        };
        if let Record::Stay(stay) = record {
            for Derived { id, json } in render_history(stay) {
                derived(ResourceType::EncounterHistory, id, json);
            }
        }
        let provenance = render_provenance(record, entity, self.version);
        derived(ResourceType::Provenance, id, provenance);
        all
    }

    /// Adds to `reach` what differs when the message is `text`, and the EJ `entity`.
    fn compare(&self, base: &Run, text: &str, entity: &LegalEntity, reach: &mut Reach) {
        let Ok(message) = Message::index(text) else { return };
        let other = self.run(&message, entity);
        let mut keys = base.changed.clone();
        keys.extend(other.changed.iter().filter(|key| !base.after.contains_key(key)));
        // Records that only one of the two has.
        let (mut only_base, mut only_other) = (Vec::new(), Vec::new());
        for key in keys {
            let (one, two) = (self.after(base, key), self.after(&other, key));
            // Every message that is about a stay is noted in its record, whatever it says: one
            // that is not there was about another stay.
            let left_alone = key.0 == RecordType::Stay && !other.after.contains_key(&key);
            match (one, two) {
                (Some(one), Some(_)) if left_alone => only_base.push(one),
                (Some(one), Some(two)) => {
                    // Whose Provenance is of a message before: that there is a new version is no
                    // element of what the message says.
                    let counts =
                        |key: &Key, is_other: bool| !is_other || key.0 != ResourceType::Provenance;
                    let is_other = one.stamp().version != two.stamp().version;
                    let mut one = self.rendered(&one, self.context.entity);
                    let mut two = self.rendered(&two, entity);
                    one.retain(|(key, _)| counts(key, is_other));
                    two.retain(|(key, _)| counts(key, is_other));
                    self.take(one, two, Compared::Same, reach);
                }
                (Some(one), None) => only_base.push(one),
                (None, Some(two)) => only_other.push(two),
                (None, None) => {}
            }
        }
        // One that has another id instead: the first of its type.
        for one in only_base {
            let of_type = one.record_type();
            let instead = only_other.iter().position(|other| other.record_type() == of_type);
            let is_new = self.before((of_type, one.id())).is_none();
            let one = self.rendered(&one, self.context.entity);
            match instead.map(|at| only_other.remove(at)) {
                Some(two) => {
                    let how = if is_new { Compared::Same } else { Compared::Another };
                    self.take(one, self.rendered(&two, entity), how, reach);
                }
                None => reach.whole(ResourceType::Record(of_type)),
            }
        }
        for record in only_other {
            reach.whole(ResourceType::Record(record.record_type()));
        }
    }

    /// Compares the resources of a record with those of another: of each type in their order.
    fn take(
        &self,
        one: Vec<(Key, Vec<u8>)>,
        mut two: Vec<(Key, Vec<u8>)>,
        how: Compared,
        reach: &mut Reach,
    ) {
        for (key, json) in one {
            let same = two.iter().position(|(other, _)| *other == key);
            let instead = same.or_else(|| two.iter().position(|(other, _)| other.0 == key.0));
            match instead.map(|at| two.remove(at)) {
                Some((_, other)) if other == json => {}
                Some((_, other)) => reach.take(key, &json, &other, how),
                None => reach.whole(key.0),
            }
        }
        for (key, _) in two {
            reach.whole(key.0);
        }
    }

    fn explained(
        &self,
        base: &Run,
        key: RecordKey,
        origins: &BTreeMap<(Key, String), BTreeSet<Origin>>,
    ) -> Vec<Explained> {
        let Some(record) = self.after(base, key) else { return Vec::new() };
        let before = self.before(key);
        let before = before.map(|record| self.rendered(&record, self.context.entity));
        let before: BTreeMap<Key, Vec<u8>> = before.into_iter().flatten().collect();
        let rendered = self.rendered(&record, self.context.entity).into_iter();
        let explained = rendered.filter_map(|(key, json)| {
            let tree = Tree::read(&json)?;
            let was = before.get(&key);
            if was == Some(&json) {
                return None;
            }
            let known: BTreeMap<String, String> = was
                .and_then(|json| Tree::read(json))
                .map(|tree| tree.leaves().into_iter().collect())
                .unwrap_or_default();
            let elements = tree.leaves().into_iter().map(|(path, value)| {
                let found = origins.get(&(key.clone(), path.clone()));
                let mut origins: Vec<Origin> = found.into_iter().flatten().copied().collect();
                if origins.is_empty() {
                    origins.push(match known.get(&path) {
                        _ if is_of_the_journal(key.0, &path) => Origin::Journal,
                        Some(same) if *same == value => Origin::Before,
                        _ => Origin::Constant,
                    });
                }
                Element { path, value, origins }
            });
            let (is_new, elements) = (was.is_none(), elements.collect());
            Some(Explained { of_type: key.0, id: key.1, is_new, elements })
        });
        explained.collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// The same resource.
    Same,
    /// The message was about another one, whose history is another too: only what tells the two
    /// apart counts.
    Another,
}

impl Reach {
    fn take(&mut self, key: Key, one: &[u8], two: &[u8], how: Compared) {
        let (Some(one), Some(two)) = (Tree::read(one), Tree::read(two)) else { return };
        let mut found = Differences::default();
        one.differences(&two, &mut found);
        if how == Compared::Another {
            self.whole(key.0);
            found.changed.retain(|path| tells_apart(path));
            found.gone.clear();
            found.come.clear();
        }
        if self.values_only {
            found.gone.clear();
            found.come.clear();
        }
        for path in found.changed.into_iter().chain(found.gone) {
            if !is_of_the_journal(key.0, &path) {
                self.paths.insert(format!("{}.{}", key.0.name(), without_places(&path)));
                self.elements.insert((key.clone(), path));
            }
        }
        for path in found.come {
            self.paths.insert(format!("{}.{}", key.0.name(), without_places(&path)));
        }
    }

    fn whole(&mut self, of_type: ResourceType) {
        self.paths.insert(of_type.name().to_owned());
    }
}

/// When the message came, and as which number.
fn is_of_the_journal(of_type: ResourceType, path: &str) -> bool {
    matches!(path, "meta.versionId" | "meta.lastUpdated")
        || (of_type == ResourceType::Provenance && path == "recorded")
}

fn tells_apart(path: &str) -> bool {
    path == "id" || path.starts_with("identifier[") || path.ends_with(".reference")
}

/// `text`, which begins with the message's own, as that of other events.
fn other_events(message: &Message<'_>, text: &str) -> Vec<String> {
    let own = message.segment("MSH").field(9).component(2).raw();
    if own.is_empty() {
        return Vec::new();
    }
    let start = own.as_ptr() as usize - message.text().as_ptr() as usize;
    let others = EVENTS.into_iter().filter(|event| *event != own);
    others
        .map(|event| {
            let mut text = text.to_owned();
            text.replace_range(start..start + own.len(), event);
            text
        })
        .collect()
}

/// The settings with one of them changed, and which.
fn other_settings(own: &EjSettings) -> Vec<(&'static str, EjSettings)> {
    let vary = |key, change: fn(&mut EjSettings)| {
        let mut settings = own.clone();
        change(&mut settings);
        (key, settings)
    };
    let other_zone = |settings: &mut EjSettings| {
        let zone = if settings.time_zone == "Asia/Tokyo" { "UTC" } else { "Asia/Tokyo" };
        settings.time_zone = zone.to_owned();
    };
    let mut all = vec![
        vary("name", |settings| settings.name.push('x')),
        vary("finess", |settings| settings.finess = "999999999".to_owned()),
        vary("time_zone", other_zone),
    ];
    if own.site != SiteSettings::default() {
        all.push(vary("site", |settings| settings.site = SiteSettings::default()));
    }
    if !own.authority.is_empty() {
        all.push(vary("authority", |settings| {
            for authority in &mut settings.authority {
                authority.system.push('x');
            }
        }));
    }
    all
}

impl Explanation {
    /// Every populated field, with all that any part of it reaches, in the order of the message.
    #[must_use]
    pub fn fields(&self) -> Vec<(Location, BTreeSet<&str>)> {
        let mut fields: Vec<(Location, BTreeSet<&str>)> = Vec::new();
        for part in &self.parts {
            let at = Location { repetition: 0, component: 0, subcomponent: 0, ..part.at };
            if fields.last().is_none_or(|(last, _)| *last != at) {
                fields.push((at, BTreeSet::new()));
            }
            if let Some((_, reaches)) = fields.last_mut() {
                reaches.extend(part.reaches.iter().map(String::as_str));
            }
        }
        fields
    }
}
