//! The configuration that folding depends on: an EJ and the steps of its channels. It is a record
//! of the journal, written when it changes, so that each message is folded by what was in force
//! at its place. The payload is JSON, so that an operator can read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sluice_channels::ChannelSettings;
use sluice_channels::steps::{StepSettings, Steps};
use sluice_ids::{ChannelId, EjId, Micros, Seq};
use sluice_journal::{Entry, Journal, KeyIndex, Kind, ReadError};
use sluice_mappings::entity::{EjSettings, LegalEntity};

use crate::acts::entry;
use crate::keys::EPOCH_KEY;

/// One EJ's, ready to fold by.
#[derive(Debug)]
pub(crate) struct Epoch {
    pub entity: LegalEntity,
    settings: BTreeMap<ChannelId, Vec<StepSettings>>,
    steps: BTreeMap<ChannelId, Steps>,
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    entity: &'a EjSettings,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    steps: &'a BTreeMap<ChannelId, Vec<StepSettings>>,
}

#[derive(Deserialize)]
struct Read {
    #[serde(flatten)]
    entity: EjSettings,
    #[serde(default)]
    steps: BTreeMap<ChannelId, Vec<StepSettings>>,
}

impl Epoch {
    /// An EJ whose channels have no steps.
    pub fn bare(entity: LegalEntity) -> Self {
        Self { entity, settings: BTreeMap::new(), steps: BTreeMap::new() }
    }

    /// As it is configured; the steps were checked with the configuration, and of some that are
    /// wrong after all there is no epoch.
    pub fn configured(entity: LegalEntity, channels: &[ChannelSettings]) -> Option<Self> {
        let ej = entity.id();
        let own =
            channels.iter().filter(|channel| channel.ejs.contains(&ej) && !channel.step.is_empty());
        Self::with(entity, own.map(|channel| (channel.id, channel.step.clone())).collect())
    }

    /// As it is once `channels` are what is configured. Steps of a channel that no longer serves
    /// this EJ stay: what it took before may still be on its way into the journal.
    pub fn reconfigured(&self, channels: &[ChannelSettings]) -> Option<Self> {
        let ej = self.entity.id();
        let own = || channels.iter().filter(|channel| channel.ejs.contains(&ej));
        let mut settings: BTreeMap<_, _> = self.settings.clone();
        settings.retain(|id, _| own().all(|channel| channel.id != *id));
        settings.extend(
            own().filter(|c| !c.step.is_empty()).map(|channel| (channel.id, channel.step.clone())),
        );
        Self::with(self.entity.clone(), settings)
    }

    /// Whether what a message through `channel` means cannot be known, because a key is not in its
    /// file. One that was put back since is found.
    pub fn lacks_key(&mut self, channel: ChannelId) -> bool {
        let lacks = |steps: Option<&Steps>| steps.is_some_and(|steps| steps.lacks_key().is_some());
        if lacks(self.steps(channel))
            && let Some(settings) = self.settings.get(&channel)
            && let Ok(steps) = Steps::journaled(settings)
        {
            self.steps.insert(channel, steps);
        }
        lacks(self.steps(channel))
    }

    fn with(entity: LegalEntity, settings: BTreeMap<ChannelId, Vec<StepSettings>>) -> Option<Self> {
        let ready = |(id, settings): (&ChannelId, &Vec<StepSettings>)| {
            Some((*id, Steps::journaled(settings).ok()?))
        };
        let steps = settings.iter().map(ready).collect::<Option<_>>()?;
        Some(Self { entity, settings, steps })
    }

    /// The last one at or before `at`; where this version cannot read it, its place.
    pub fn at(
        journal: &dyn Journal,
        ej: EjId,
        at: Seq,
    ) -> Result<Result<Option<Self>, Seq>, ReadError> {
        let seqs = journal.find(ej, KeyIndex::ControlId, EPOCH_KEY)?;
        for seq in seqs.into_iter().rev().filter(|seq| *seq <= at) {
            let record = journal.get(ej, seq)?;
            if let Some(record) = record.filter(|record| record.entry.kind == Kind::ConfigEpoch) {
                return Ok(Self::decode(&record.entry.payload).map(Some).ok_or(seq));
            }
        }
        Ok(Ok(None))
    }

    /// The payload of a [`Kind::ConfigEpoch`] record; `None` where this version cannot read it.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let Read { entity, steps } = serde_json::from_slice(payload).ok()?;
        Self::with(LegalEntity::new(entity).ok()?, steps)
    }

    pub fn entry(&self, now: Micros) -> Entry {
        let written = Written { entity: &self.entity.settings, steps: &self.settings };
        let payload = serde_json::to_vec(&written).expect("settings have a JSON form");
        entry(Kind::ConfigEpoch, self.entity.id(), now, payload)
    }

    /// Whether both fold alike.
    pub fn is_as(&self, other: &Self) -> bool {
        self.entity.settings == other.entity.settings && self.settings == other.settings
    }

    /// Those of the channel through which a message came.
    pub fn steps(&self, channel: ChannelId) -> Option<&Steps> {
        self.steps.get(&channel)
    }
}
