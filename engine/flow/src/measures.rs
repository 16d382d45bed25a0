//! What the flow counts. Labels are configured ids and closed lists; a sender's event code is
//! counted by number, `A01` to `A62`, and all others as one.

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use sluice_channels::ack::{Outcome, Verdict};
use sluice_ids::EjId;
use sluice_mappings::adt::{Effect, Issue, IssueCode};

use crate::acts::Reason;

/// A repetition, by where it was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duplicate {
    /// At the door: answered with the first one's acceptance.
    Answered,
    /// While the first was being stored: waited for it.
    Awaited,
    /// In the journal: without effect.
    Folded,
    /// The control id with other bytes: no repetition, applied.
    ControlIdReused,
}

const DUPLICATES: [&str; 4] = ["answered", "awaited", "folded", "control_id_reused"];

/// What became of a record that the fold read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Become {
    Applied,
    NoEffect,
    NotMapped,
    Duplicate,
    Poison(Reason),
    Refused,
    KeptUnread,
    /// A step of its channel set it aside.
    Filtered,
}

const BECOMES: [&str; 8] = [
    "applied",
    "no_effect",
    "not_mapped",
    "duplicate",
    "poison",
    "refused",
    "kept_unread",
    "filtered",
];

impl Become {
    pub const fn as_str(self) -> &'static str {
        BECOMES[self.at()]
    }

    /// The name of the outcome that is called so.
    pub fn named(name: &str) -> Option<&'static str> {
        BECOMES.into_iter().find(|known| *known == name)
    }

    /// As it stands in a row of the ledger: never another's.
    pub const fn number(self) -> u8 {
        self.at() as u8
    }

    /// Why a message was set aside is not in its row.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Applied,
            1 => Self::NoEffect,
            2 => Self::NotMapped,
            3 => Self::Duplicate,
            4 => Self::Poison(Reason::Panic),
            5 => Self::Refused,
            6 => Self::KeptUnread,
            7 => Self::Filtered,
            _ => return None,
        })
    }

    const fn at(self) -> usize {
        match self {
            Self::Applied => 0,
            Self::NoEffect => 1,
            Self::NotMapped => 2,
            Self::Duplicate => 3,
            Self::Poison(_) => 4,
            Self::Refused => 5,
            Self::KeptUnread => 6,
            Self::Filtered => 7,
        }
    }
}

impl From<Effect> for Become {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Applied => Self::Applied,
            Effect::NoEffect => Self::NoEffect,
            Effect::NotMapped => Self::NotMapped,
        }
    }
}

const EVENTS: usize = 63;

/// Routine or urgent messages of one EJ.
pub(crate) struct Class {
    pub messages: Counter,
    /// For now.
    pub refused: Counter,
    pub pushed_back: Counter,
    /// From receipt to readers, in seconds: the oldest message of each batch.
    pub applied: Histogram,
}

impl Class {
    fn new(ej: &str, class: &'static str) -> Self {
        let ej = || ej.to_owned();
        Self {
            messages: counter!("sluice_class_messages_total", "ej" => ej(), "class" => class),
            refused: counter!("sluice_class_refused_total", "ej" => ej(), "class" => class),
            pushed_back: counter!("sluice_class_pushed_back_total", "ej" => ej(), "class" => class),
            applied: histogram!("sluice_class_applied_seconds", "ej" => ej(), "class" => class),
        }
    }
}

/// One EJ's counters.
pub(crate) struct Measures {
    verdicts: [Counter; Verdict::ALL.len()],
    duplicates: [Counter; DUPLICATES.len()],
    becomes: [Counter; BECOMES.len()],
    issues: Vec<Counter>,
    events: [Counter; EVENTS],
    pub acknowledgements: Counter,
    /// Routine, urgent.
    pub classes: [Class; 2],
    outcomes: [Counter; Outcome::ALL.len()],
    pub pushed_back: Counter,
    pub lag_records: Gauge,
    pub lag_seconds: Gauge,
    pub halted: Gauge,
    pub dead_letters: Counter,
}

impl Measures {
    pub fn new(ej: EjId) -> Self {
        let ej = ej.to_string();
        let ej = || ej.clone();
        Self {
            verdicts: Verdict::ALL.map(|verdict| {
                counter!("sluice_intake_verdicts_total", "ej" => ej(), "verdict" => verdict.as_str())
            }),
            duplicates: DUPLICATES
                .map(|kind| counter!("sluice_duplicates_total", "ej" => ej(), "kind" => kind)),
            becomes: BECOMES
                .map(|effect| counter!("sluice_applied_total", "ej" => ej(), "effect" => effect)),
            issues: IssueCode::ALL
                .iter()
                .map(|code| counter!("sluice_issues_total", "code" => code.as_str()))
                .collect(),
            events: std::array::from_fn(|number| {
                let event = if number == 0 { "other".to_owned() } else { format!("A{number:02}") };
                counter!("sluice_events_total", "event" => event)
            }),
            classes: ["routine", "urgent"].map(|class| Class::new(&ej(), class)),
            acknowledgements: counter!("sluice_intake_acknowledgements_ignored_total", "ej" => ej()),
            outcomes: Outcome::ALL.map(|outcome| {
                counter!("sluice_application_outcomes_total", "ej" => ej(), "outcome" => outcome.as_str())
            }),
            pushed_back: counter!("sluice_intake_pushed_back_total", "ej" => ej()),
            lag_records: gauge!("sluice_apply_lag_records", "ej" => ej()),
            lag_seconds: gauge!("sluice_apply_lag_seconds", "ej" => ej()),
            halted: gauge!("sluice_lane_halted", "ej" => ej()),
            dead_letters: counter!("sluice_dead_letters_total", "ej" => ej()),
        }
    }

    pub fn verdict(&self, verdict: Verdict) {
        if let Some(at) = Verdict::ALL.iter().position(|v| *v == verdict) {
            self.verdicts[at].increment(1);
        }
    }

    pub fn class(&self, urgent: bool) -> &Class {
        &self.classes[usize::from(urgent)]
    }

    pub fn outcome(&self, outcome: Outcome) {
        if let Some(at) = Outcome::ALL.iter().position(|o| *o == outcome) {
            self.outcomes[at].increment(1);
        }
    }

    pub fn duplicate(&self, kind: Duplicate) {
        self.duplicates[kind as usize].increment(1);
    }

    pub fn became(&self, what: Become) {
        self.becomes[what.at()].increment(1);
    }

    pub fn issues(&self, issues: &[Issue]) {
        for issue in issues {
            if let Some(at) = IssueCode::ALL.iter().position(|code| *code == issue.code) {
                self.issues[at].increment(1);
            }
        }
    }

    /// `number` as [`crate::judge::Judged::event`] has it.
    pub fn event(&self, number: u8) {
        self.events[usize::from(number).min(EVENTS - 1)].increment(1);
    }
}

/// Tells an installed recorder what the flow's metrics are.
pub fn describe_metrics() {
    crate::delivery::describe_metrics();
    describe_counter!("sluice_intake_verdicts_total", "Messages by the verdict at the door");
    describe_counter!(
        "sluice_intake_acknowledgements_ignored_total",
        "Acknowledgements that came in and were not answered"
    );
    describe_counter!(
        "sluice_intake_pushed_back_total",
        "Answers held back because the fold lagged behind"
    );
    describe_counter!(
        "sluice_application_outcomes_total",
        "What became of messages whose senders are told; pending: not known in time"
    );
    describe_counter!("sluice_class_messages_total", "Messages that came in, routine and urgent");
    describe_counter!("sluice_class_refused_total", "Messages refused for now, by class");
    describe_counter!("sluice_class_pushed_back_total", "Answers held back, by class");
    describe_histogram!(
        "sluice_class_applied_seconds",
        "From receipt to readers, of the oldest message of each class in a batch"
    );
    describe_counter!("sluice_duplicates_total", "Repetitions, by where they were noticed");
    describe_counter!("sluice_events_total", "Messages that came in, by trigger event");
    describe_counter!("sluice_applied_total", "Records that the fold read, by effect");
    describe_counter!("sluice_issues_total", "Issues of applied messages, by code");
    describe_counter!(
        "sluice_dead_letters_total",
        "Messages set aside, by the fold or by a destination"
    );
    describe_gauge!("sluice_apply_lag_records", "Records stored and not yet folded");
    describe_gauge!(
        "sluice_apply_lag_seconds",
        "Age of the last record folded, while there are others to fold; else 0"
    );
    describe_counter!(
        "sluice_messages_index_damaged_total",
        "Damage found in the index of messages, which was then made anew"
    );
    describe_counter!(
        "sluice_messages_index_failures_total",
        "Rows of the index of messages that could not be written"
    );
    describe_gauge!("sluice_lane_halted", "1 where an EJ's fold cannot go on");
}
