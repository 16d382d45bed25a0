//! Whose message it is: the EJ, by channel and MSH-4, and that nothing in it is another EJ's.
//!
//! The rule that stands above convenience: nothing is ever filed in the wrong EJ.

use std::collections::HashMap;

use sluice_channels::ChannelSettings;
use sluice_channels::ack::{AckMode, AckWhen, Verdict};
use sluice_channels::steps::Test;
use sluice_ids::{ChannelId, EjId};
use sluice_mappings::entity::LegalEntity;
use sluice_mappings::hl7::{Charset, Field, Location, Message, MshRaw, Segment};

/// Fields that name a patient or a stay, where CX-4 tells who numbered it.
const NUMBERED: [(&[u8; 3], u16); 5] =
    [(b"PID", 3), (b"PID", 18), (b"PV1", 19), (b"PV1", 50), (b"MRG", 1)];

/// One declared EJ, as the intake needs it.
pub struct Party {
    pub ej: EjId,
    /// For messages without MSH-18.
    pub charset: Charset,
    pub test_messages: bool,
    strict: bool,
    /// MSH-4 values that are its own.
    senders: Vec<String>,
    finess: String,
}

impl Party {
    fn of(entity: &LegalEntity) -> Self {
        let settings = &entity.settings;
        let id = settings.id.to_string();
        let own = [&id, &settings.finess].into_iter().chain(&settings.msh4);
        Self {
            ej: settings.id,
            charset: entity.charset,
            test_messages: settings.test_messages,
            strict: settings.strict_sender,
            senders: own.filter(|s| !s.is_empty()).cloned().collect(),
            finess: settings.finess.clone(),
        }
    }

    fn is_sender(&self, value: &[u8]) -> bool {
        !value.is_empty() && self.senders.iter().any(|sender| sender.as_bytes() == value)
    }
}

/// A channel, as the intake needs it.
pub struct Door {
    pub ack_mode: AckMode,
    pub ack_when: AckWhen,
    pub urgency: Urgency,
    /// Positions in [`Directory::parties`]; at least one.
    parties: Vec<usize>,
}

/// Which messages of a channel go before routine ones.
pub enum Urgency {
    None,
    All,
    When(Test),
}

impl Urgency {
    fn of(channel: &ChannelSettings) -> Self {
        // One that cannot be asked was told of when the configuration was checked.
        let when = || Test::new(channel.urgent_when.as_ref()?).ok();
        if channel.urgent { Self::All } else { when().map_or(Self::None, Self::When) }
    }

    #[must_use]
    pub fn is_of(&self, message: Option<&Message<'_>>) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::When(test) => message.is_some_and(|message| test.holds(message)),
        }
    }
}

impl Door {
    /// To one EJ alone.
    pub(crate) fn to(party: usize) -> Self {
        Self {
            ack_mode: AckMode::default(),
            ack_when: AckWhen::default(),
            urgency: Urgency::None,
            parties: vec![party],
        }
    }
}

/// MSH-4, the sending facility: its namespace and its universal id.
pub(crate) fn names_of_sender<'a>(msh: &MshRaw<'a>) -> [&'a [u8]; 2] {
    [msh.component(4, 1).trim_ascii(), msh.component(4, 2).trim_ascii()]
}

/// Every declared EJ and every channel.
pub struct Directory {
    parties: Vec<Party>,
    doors: HashMap<ChannelId, Door>,
}

impl Directory {
    /// EJs that a channel names and nobody declares are left out of it; a channel that is left
    /// without any is no way in.
    #[must_use]
    pub fn new(entities: &[LegalEntity], channels: &[ChannelSettings]) -> Self {
        let parties: Vec<Party> = entities.iter().map(Party::of).collect();
        let mut doors = HashMap::new();
        for channel in channels {
            let at = |ej: &EjId| parties.iter().position(|party| party.ej == *ej);
            let served: Vec<usize> = channel.ejs.iter().filter_map(at).collect();
            if !served.is_empty() {
                let ChannelSettings { ack_mode, ack_when, .. } = *channel;
                let urgency = Urgency::of(channel);
                doors.insert(channel.id, Door { ack_mode, ack_when, urgency, parties: served });
            }
        }
        Self { parties, doors }
    }

    #[must_use]
    pub fn door(&self, channel: ChannelId) -> Option<&Door> {
        self.doors.get(&channel)
    }

    /// Whether urgent messages may come for the EJ at that position.
    #[must_use]
    pub fn expects_urgent(&self, party: usize) -> bool {
        let leads_there = |door: &&Door| door.parties.contains(&party);
        let mut doors = self.doors.values().filter(leads_there);
        doors.any(|door| !matches!(door.urgency, Urgency::None))
    }

    #[must_use]
    pub fn party(&self, at: usize) -> &Party {
        &self.parties[at]
    }

    /// Where a message is filed that cannot be told to be anybody's: the channel's first EJ.
    #[must_use]
    pub fn fallback(&self, door: &Door) -> usize {
        door.parties[0]
    }

    /// The EJ of a message by MSH-4: its namespace or its universal id, exactly as declared.
    ///
    /// # Errors
    /// When it is another EJ's, or nobody's where that is not enough.
    pub fn receiver(&self, door: &Door, msh: &MshRaw<'_>) -> Result<usize, Verdict> {
        let names = names_of_sender(msh);
        let is = |at: &usize| names.iter().any(|name| self.parties[*at].is_sender(name));
        if let Some(at) = door.parties.iter().copied().find(is) {
            return Ok(at);
        }
        if (0..self.parties.len()).any(|at| is(&at)) {
            return Err(Verdict::SenderOfAnotherEj);
        }
        match door.parties[..] {
            [only] if !self.parties[only].strict => Ok(only),
            _ => Err(Verdict::SenderUnknown),
        }
    }

    /// The first identifier that another EJ has assigned, by its FINESS in CX-4.
    #[must_use]
    pub fn foreign_identifier(&self, message: &Message<'_>, own: usize) -> Option<Location> {
        if self.parties.len() < 2 {
            return None;
        }
        let entries = message.segments_named("MFE");
        if let Some(entry) = entries.into_iter().find(|entry| self.is_foreign_entry(entry, own)) {
            return Some(entry.location().at_field(4).at_component(10));
        }
        NUMBERED.into_iter().find_map(|(segment, n)| {
            let name = std::str::from_utf8(segment).unwrap_or_default();
            message.segments_named(name).find_map(|found| {
                let at = found.location().at_field(n);
                self.foreign_repetition(found.field(usize::from(n)), own)
                    .map(|repetition| at.at_repetition(repetition).at_component(4))
            })
        })
    }

    /// An entry of the structure is numbered by the application, the FINESS and its type of its
    /// EJ (PL-10 of MFE-4, an EI).
    fn is_foreign_entry(&self, entry: &Segment<'_>, own: usize) -> bool {
        let finess = entry.field(4).component(10).subcomponent(3).raw();
        !finess.is_empty()
            && self
                .parties
                .iter()
                .enumerate()
                .any(|(at, party)| at != own && party.finess == finess)
    }

    fn foreign_repetition(&self, field: Field<'_>, own: usize) -> Option<u16> {
        if field.is_empty() {
            return None;
        }
        let foreign = field.repetitions().position(|repetition| {
            let authority = repetition.component(4);
            !authority.is_empty()
                && [1, 2].into_iter().any(|n| {
                    let name = authority.subcomponent(n).raw();
                    let others = self.parties.iter().enumerate().filter(|(at, _)| *at != own);
                    let mut finess = others.map(|(_, party)| &party.finess);
                    finess.any(|finess| !finess.is_empty() && finess == name)
                })
        });
        foreign.map(|at| u16::try_from(at + 1).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use sluice_channels::{MllpSource, SourceSettings};
    use sluice_mappings::entity::EjSettings;

    use super::*;

    fn directory(strict: bool) -> Directory {
        let entity = |id: &str, finess: &str, name: &str| {
            let json = serde_json::json!({
                "id": id, "name": id, "finess": finess, "msh4": [name], "strict_sender": strict,
            });
            let settings: EjSettings = serde_json::from_value(json).unwrap();
            LegalEntity::new(settings).unwrap()
        };
        let channel = |id: &str, ejs: &[&str]| {
            let ejs = ejs.iter().map(|ej| EjId::new(ej).unwrap()).collect();
            let source = SourceSettings::Mllp(MllpSource::at("127.0.0.1:0".parse().unwrap()));
            ChannelSettings::new(ChannelId::new(id).unwrap(), ejs, source)
        };
        let entities = [
            entity("EJ1", "699000014", "CHU"),
            entity("EJ2", "699000022", "CH"),
            entity("EJ3", "", "EHPAD"),
        ];
        Directory::new(&entities, &[channel("one", &["EJ1"]), channel("two", &["EJ1", "EJ2"])])
    }

    fn receiver(directory: &Directory, channel: &str, msh4: &str) -> Result<usize, Verdict> {
        let raw = format!("MSH|^~\\&|APP|{msh4}|||");
        let door = directory.door(ChannelId::new(channel).unwrap()).unwrap();
        directory.receiver(door, &MshRaw::find(raw.as_bytes()).unwrap())
    }

    #[test]
    fn msh_4_tells_the_ejs_of_a_channel_apart() {
        let directory = directory(false);
        for (msh4, expected) in [
            ("CHU", Ok(0)),
            ("EJ2", Ok(1)),
            ("X^699000022^M", Ok(1)),
            ("EHPAD", Err(Verdict::SenderOfAnotherEj)),
            ("", Err(Verdict::SenderUnknown)),
            ("ELSEWHERE", Err(Verdict::SenderUnknown)),
        ] {
            assert_eq!(receiver(&directory, "two", msh4), expected, "{msh4}");
        }
    }

    #[test]
    fn an_only_ej_takes_what_is_nobodys_unless_it_is_strict() {
        assert_eq!(receiver(&directory(false), "one", "ELSEWHERE"), Ok(0));
        assert_eq!(receiver(&directory(false), "one", ""), Ok(0));
        assert_eq!(receiver(&directory(false), "one", "CH"), Err(Verdict::SenderOfAnotherEj));
        assert_eq!(receiver(&directory(true), "one", "ELSEWHERE"), Err(Verdict::SenderUnknown));
        assert_eq!(receiver(&directory(true), "one", "CHU"), Ok(0));
    }

    #[test]
    fn an_identifier_of_another_ej_is_found_with_its_place() {
        let directory = directory(false);
        let text = "MSH|^~\\&|A|CHU\rPID|||1^^^CHU&699000014&M~2^^^CH&699000022&M\r";
        let message = Message::index(text).unwrap();
        let at = directory.foreign_identifier(&message, 0).unwrap();
        assert_eq!(at.erl('^'), "PID^1^3^2^4");
        let own = Message::index("MSH|^~\\&|A|CHU\rPID|||1^^^CHU&699000014&M\r").unwrap();
        assert_eq!(directory.foreign_identifier(&own, 0), None);
        let entry = |finess: &str| {
            format!("MSH|^~\\&|A|CHU\rMFI|LOC||REP\rMFE|MAD|||^^^^^H^^^^1&APP&{finess}&FINEJ|PL\r")
        };
        let (foreign, own) = (entry("699000022"), entry("699000014"));
        let at = directory.foreign_identifier(&Message::index(&foreign).unwrap(), 0).unwrap();
        assert_eq!(at.erl('^'), "MFE^1^4^^10");
        assert_eq!(directory.foreign_identifier(&Message::index(&own).unwrap(), 0), None);
    }
}
