//! Every case of `fixtures/messages`: what must be there after its last message, said by hand.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files, says what it skips, and may fail"
)]

mod adt_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use adt_support::{Lane, class, demo_settings, digits, location, repository, split, status};
use serde::Deserialize;
use sluice_mappings::adt::{Effect, IssueCode};
use sluice_mappings::entity::{A08Use, LegalEntity, Profile};
use sluice_mappings::hl7::MshRaw;
use sluice_mappings::records::{
    AccountRecord, IdentifierUse, Link, LinkKind, Movement, Participant, Place, PlaceRole,
    PlaceStatus, Record, RecordType, ResourceId, StayRecord, StayStatus, Unit,
};

#[derive(Deserialize)]
struct Case {
    #[serde(default = "ej1")]
    ej: String,
    answers: Vec<String>,
    flags: Option<BTreeSet<String>>,
    #[serde(default)]
    counts: BTreeMap<String, usize>,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    patient: Vec<Patient>,
    #[serde(default)]
    stay: Vec<Stay>,
    account: Option<Vec<Account>>,
    #[serde(default)]
    bed: Vec<Bed>,
}

fn ej1() -> String {
    "EJ1".into()
}

#[derive(Deserialize, Default)]
struct Settings {
    profile: Option<Profile>,
    pid18_is_visit: Option<bool>,
    a08: Option<A08Use>,
}

#[derive(Deserialize)]
struct Patient {
    identifier: String,
    active: bool,
    #[serde(default)]
    old: BTreeSet<String>,
    #[serde(default)]
    identifiers: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    replaced_by: Option<String>,
    /// Identifiers of those linked `seealso`.
    see_also: Option<BTreeSet<String>>,
    /// Entered in error.
    #[serde(default)]
    void: bool,
}

#[derive(Deserialize)]
struct Account {
    number: String,
    #[serde(default)]
    also: BTreeSet<String>,
    patient: String,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    void: bool,
    merged_into: Option<String>,
}

#[derive(Deserialize)]
struct Bed {
    place: String,
    status: String,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Stay {
    visit: String,
    #[serde(default)]
    also: BTreeSet<String>,
    patient: String,
    status: String,
    class: String,
    #[serde(default)]
    location: String,
    start: Option<String>,
    #[serde(default)]
    end: String,
    /// R5 `Encounter.status`.
    r5: Option<String>,
    places: Option<Vec<String>>,
    participants: Option<Vec<String>>,
    planned_end: Option<String>,
    expected_return: Option<String>,
    medical_unit: Option<String>,
    nursing_unit: Option<String>,
}

impl Stay {
    /// What only some cases say.
    fn says_so_of(&self, stay: &StayRecord) -> bool {
        let is = |wanted: &Option<String>, told: &str| wanted.as_ref().is_none_or(|w| w == told);
        is(&self.r5, r5_status(stay))
            && self.places.as_ref().is_none_or(|wanted| *wanted == places(stay))
            && self.participants.as_ref().is_none_or(|wanted| *wanted == participants(stay))
            && is(&self.planned_end, &digits(stay.planned_end()))
            && is(&self.expected_return, &digits(stay.situation.expected_return))
            && is(&self.medical_unit, unit(&stay.situation.medical_unit))
            && is(&self.nursing_unit, unit(&stay.situation.nursing_unit))
    }
}

fn unit(unit: &Option<Unit>) -> &str {
    unit.as_ref().map_or("", |unit| &unit.identifier.value)
}

/// R5 `Encounter.status` (FACTS §1).
fn r5_status(stay: &StayRecord) -> &'static str {
    match stay.status() {
        StayStatus::OnLeave => "on-hold",
        StayStatus::Finished if stay.situation.discharged => "discharged",
        StayStatus::Finished => "completed",
        other => status(other),
    }
}

fn words(words: &[&str]) -> String {
    words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// `active 3101^C305^C305F 20260310090500-`, with `temporary` before it where it is that.
fn places(stay: &StayRecord) -> Vec<String> {
    let one = |(movement, place): (&Movement, &Place)| {
        let status = match movement.place_status {
            PlaceStatus::Planned => "planned",
            PlaceStatus::Active => "active",
            PlaceStatus::Reserved => "reserved",
            PlaceStatus::Completed => "completed",
        };
        let temporary = if movement.role == PlaceRole::Temporary { "temporary" } else { "" };
        let period = format!("{}-{}", digits(movement.start), digits(movement.end));
        words(&[temporary, status, &place_path(place), &period])
    };
    stay.places().map(one).collect()
}

/// `ATND 10000000001`, with the period that is known.
fn participants(stay: &StayRecord) -> Vec<String> {
    let one = |participant: &Participant<'_>| {
        let who = participant.practitioner;
        let number = who.identifier.as_ref().map_or(&*who.name.family, |number| &number.value);
        let known = participant.start.is_some() || participant.end.is_some();
        let period = format!("{}-{}", digits(participant.start), digits(participant.end));
        words(&[&who.role, number, if known { &period } else { "" }])
    };
    stay.participants().iter().map(one).collect()
}

/// What the cases call a flag; the three that say "not in a state for it" are one issue here.
fn flag(code: IssueCode) -> Option<&'static str> {
    Some(match code {
        IssueCode::StayAmbiguous => "ambiguous",
        IssueCode::CancelDiffersFromMessage => "message-wins",
        IssueCode::NothingToCancel => "nothing-before",
        IssueCode::StayStateUnexpected => "state",
        _ => return None,
    })
}

fn counted(code: IssueCode) -> Option<&'static str> {
    Some(match code {
        IssueCode::StayAmbiguous => "ambiguous",
        IssueCode::StayNotFound => "no_stay",
        IssueCode::StayOfOtherPatient => "other_patient",
        _ => return None,
    })
}

/// The file's messages, applied as an intake would hand them on.
struct Played {
    lane: Lane,
    flags: BTreeSet<String>,
    counts: BTreeMap<String, usize>,
    /// What became of each message that was applied.
    told: Vec<String>,
    /// Every identifier value that a patient ever had as a current one.
    ever: BTreeMap<ResourceId, BTreeSet<String>>,
}

fn play(case: &Case, raw: &[u8]) -> Played {
    let mut settings = demo_settings(&case.ej);
    settings.profile = case.settings.profile.unwrap_or(settings.profile);
    settings.a08 = case.settings.a08.unwrap_or(settings.a08);
    settings.account_is_visit = case.settings.pid18_is_visit.unwrap_or(settings.account_is_visit);
    let mut played = Played {
        lane: Lane::new(LegalEntity::new(settings).unwrap()),
        flags: BTreeSet::new(),
        counts: BTreeMap::new(),
        told: Vec::new(),
        ever: BTreeMap::new(),
    };
    let mut accepted: Vec<Vec<u8>> = Vec::new();
    let messages = split(raw);
    assert_eq!(messages.len(), case.answers.len(), "messages and answers");
    for (message, answer) in messages.iter().zip(&case.answers) {
        if !answer.ends_with('A') || answer == "none" {
            continue;
        }
        if accepted.contains(message) {
            *played.counts.entry("duplicates".into()).or_default() += 1;
            continue;
        }
        let id = |raw: &[u8]| MshRaw::find(raw).map(|msh| msh.control_id().to_vec());
        if accepted.iter().any(|known| id(known) == id(message)) {
            played.flags.insert("control-id-reused".into());
        }
        accepted.push(message.clone());
        let outcome = played.lane.take(message).unwrap();
        played.told.push(adt_support::snapshot::told(&outcome));
        for issue in &outcome.issues {
            played.flags.extend(flag(issue.code).map(String::from));
            if issue.code == IssueCode::FirstSeenMidStay && issue.at.segment == *b"PV1" {
                played.flags.insert("first-seen-mid-stay".into());
            }
            if let Some(name) = counted(issue.code) {
                *played.counts.entry(name.into()).or_default() += 1;
            }
        }
        if outcome.effect == Effect::NotMapped {
            *played.counts.entry("not_mapped".into()).or_default() += 1;
        }
        for patient in played.lane.records.patients() {
            let values = played.ever.entry(patient.id).or_default();
            let current = patient.identifiers.iter().filter(|i| i.r#use != IdentifierUse::Old);
            values.extend(current.map(|identifier| identifier.value.clone()));
        }
    }
    let records = &played.lane.records;
    let of_stays = records.stays().flat_map(|stay| &stay.movements);
    let held = of_stays.filter(|movement| movement.held.is_some()).count();
    let held = held + records.patients().map(|patient| patient.held.len()).sum::<usize>();
    played.counts.insert("held".into(), held);
    played
}

fn differences(path: &Path) -> String {
    let case: Case = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let raw = std::fs::read(path.with_extension("hl7")).unwrap();
    let played = play(&case, &raw);
    let mut out = String::new();
    let state = |flag: &String| match flag.as_str() {
        "closed-stay" | "reopened" | "planned-after-begun" => "state".to_owned(),
        other => other.to_owned(),
    };
    if let Some(flags) = &case.flags {
        let wanted: BTreeSet<_> = flags.iter().map(state).collect();
        if wanted != played.flags {
            let _ = writeln!(out, "flags {:?}, must be {wanted:?}", played.flags);
        }
    }
    for (name, wanted) in &case.counts {
        let got = played.counts.get(name).copied().unwrap_or(0);
        if got != *wanted {
            let _ = writeln!(out, "{name}: {got}, must be {wanted}");
        }
    }
    patients(&case, &played, &mut out);
    stays(&case, &played, &mut out);
    accounts(&case, &played, &mut out);
    for bed in &case.bed {
        let locations = played.lane.records.others(RecordType::Location);
        let found = locations.into_iter().find_map(|record| match record {
            Record::Location(location) if place_path(&location.place) == bed.place => {
                Some(location)
            }
            _ => None,
        });
        let status = found.map_or("no such bed", |location| &location.operational_status.code);
        if status != bed.status {
            let _ = writeln!(out, "bed {} is {status}, must be {}", bed.place, bed.status);
        }
    }
    let Lane { records, entity, .. } = &played.lane;
    out + &adt_support::snapshot::difference(path, &played.told, records.all().collect(), entity)
}

fn place_path(place: &Place) -> String {
    let path = [&*place.point_of_care, &place.room, &place.bed].join("^");
    path.trim_end_matches('^').to_owned()
}

/// All accounts, where a case says any.
fn accounts(case: &Case, played: &Played, out: &mut String) {
    let Some(wanted) = &case.account else { return };
    let all: Vec<AccountRecord> = played
        .lane
        .records
        .all()
        .filter_map(|record| match record {
            Record::Account(account) => Some((*account).clone()),
            _ => None,
        })
        .collect();
    let told = |account: &AccountRecord| {
        let mut numbers = account.identifiers.iter().map(|number| number.value.clone());
        let first = numbers.next().unwrap_or_default();
        let also: BTreeSet<String> = numbers.collect();
        let into = account.merged_into.and_then(|id| all.iter().find(|other| other.id == id));
        let into = into.and_then(|other| Some(other.identifiers.first()?.value.clone()));
        (first, also, account.active, account.void, into)
    };
    for wanted in wanted {
        let own = |account: &&AccountRecord| {
            let (first, also, active, void, into) = told(account);
            (first, also, active, void, into)
                == (
                    wanted.number.clone(),
                    wanted.also.clone(),
                    wanted.active,
                    wanted.void,
                    wanted.merged_into.clone(),
                )
                && played.ever[&account.patient].contains(&wanted.patient)
        };
        if !all.iter().any(|account| own(&account)) {
            let there: Vec<_> = all.iter().map(told).collect();
            let _ = writeln!(out, "no such account: {}; there are {there:?}", wanted.number);
        }
    }
    if all.len() != wanted.len() {
        let _ = writeln!(out, "{} accounts, must be {}", all.len(), wanted.len());
    }
}

fn patients(case: &Case, played: &Played, out: &mut String) {
    let records = &played.lane.records;
    let total = records.patients().count();
    if total != case.patient.len() {
        let _ = writeln!(out, "{total} patients, must be {}", case.patient.len());
    }
    for wanted in &case.patient {
        let is_meant = |patient: &&sluice_mappings::records::PatientRecord| {
            let values = |old: bool| {
                let own = patient.identifiers.iter();
                own.filter(move |i| (i.r#use == IdentifierUse::Old) == old)
                    .map(|i| i.value.clone())
                    .collect::<BTreeSet<_>>()
            };
            let has = if patient.active {
                values(false).contains(&wanted.identifier) && values(true) == wanted.old
            } else {
                played.ever[&patient.id].contains(&wanted.identifier)
            };
            let all: BTreeSet<_> = values(false).union(&values(true)).cloned().collect();
            let replaced_by = wanted.replaced_by.as_ref().is_none_or(|survivor| {
                let link = patient.replaced_by();
                link.is_some_and(|id| played.ever[&id].contains(survivor))
            });
            let linked = wanted.see_also.as_ref().is_none_or(|wanted| {
                let links = patient.links.iter().filter(|link| link.kind == LinkKind::SeeAlso);
                let named = |link: &Link| {
                    let values = &played.ever[&link.other];
                    values.iter().find(|value| wanted.contains(*value)).cloned()
                };
                links.map(|link| named(link).unwrap_or_default()).collect::<BTreeSet<_>>()
                    == *wanted
            });
            has && linked
                && patient.void == wanted.void
                && patient.active == wanted.active
                && replaced_by
                && wanted.identifiers.iter().all(|value| all.contains(value))
                && !wanted.without.iter().any(|value| all.contains(value))
        };
        if records.patients().find(is_meant).is_none() {
            let _ = writeln!(out, "no such patient: {}", wanted.identifier);
        }
    }
}

fn stays(case: &Case, played: &Played, out: &mut String) {
    let records = &played.lane.records;
    let mut left: Vec<&StayRecord> = records.stays().collect();
    for wanted in &case.stay {
        let is_meant = |stay: &&StayRecord| {
            let visit = stay.identifiers.first().map(|i| i.value.clone()).unwrap_or_default();
            let also = stay.identifiers.iter().skip(1).map(|i| i.value.clone()).collect();
            visit == wanted.visit
                && wanted.also == also
                && played.ever[&stay.patient].contains(&wanted.patient)
                && status(stay.status()) == wanted.status
                && class(stay) == wanted.class
                && location(stay) == wanted.location
                && wanted.start.as_ref().is_none_or(|t| *t == digits(stay.situation.start))
                && wanted.end == digits(stay.situation.end)
                && wanted.says_so_of(stay)
        };
        match left.iter().position(is_meant) {
            Some(at) => {
                left.remove(at);
            }
            None => {
                let _ = writeln!(out, "no such stay: {} {}", wanted.visit, wanted.status);
            }
        }
    }
    for stay in left {
        let _ = writeln!(
            out,
            "a stay too many: {:?} {} {} at {:?} from {} to {:?}; {} {:?} {:?} until {}, back {}",
            stay.identifiers.iter().map(|i| i.value.as_str()).collect::<Vec<_>>(),
            status(stay.status()),
            class(stay),
            location(stay),
            digits(stay.situation.start),
            digits(stay.situation.end),
            r5_status(stay),
            places(stay),
            participants(stay),
            digits(stay.planned_end()),
            digits(stay.situation.expected_return),
        );
    }
}

fn cases() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(repository().join("fixtures/messages")).unwrap();
    let mut cases = Vec::new();
    for folder in folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        if folder.ends_with("fields") || folder.ends_with("M05") {
            continue; // Cases of another kind: `field_cases`.
        }
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        cases.extend(files.filter(|path| path.extension().is_some_and(|e| e == "toml")));
    }
    cases.sort();
    cases
}

#[test]
fn every_case_leaves_behind_what_it_says() {
    let cases = cases();
    assert!(cases.len() > 100, "only {} cases found", cases.len());
    let mut failed = String::new();
    for path in cases {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let differences = differences(&path);
        if !differences.is_empty() {
            let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
            let _ = writeln!(failed, "{folder}/{name}\n{differences}");
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
}
