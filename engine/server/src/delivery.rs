//! Destinations and dead letters, as the HTTP face asks for them.

use std::path::Path;

use parking_lot::Mutex;
use sluice_flow::{Deed, Delivery, Letter, NotRecorded, QueueTold, Way};
use sluice_http::{DeliveryDesk, LetterAct, LetterPlace, LetterTold, LettersPage};
use sluice_ids::{ChannelId, DestinationName, EjId};

use crate::engine::{Core, chain};
use crate::exit::{CANNOT_START, Failure};
use crate::wishes::Paused;

/// What was paused before, as it is paused now.
///
/// # Errors
/// When it cannot be read what that is.
pub fn paused(data_dir: &Path, delivery: &Delivery) -> Result<Mutex<Paused>, Failure> {
    let paused = Paused::open(data_dir).map_err(|error| {
        Failure::new(CANNOT_START, chain("what destinations were told", &error))
    })?;
    paused.ways().for_each(|way| delivery.pause(way, true));
    Ok(Mutex::new(paused))
}

impl DeliveryDesk for Core {
    fn queues(&self) -> Vec<sluice_http::QueueTold> {
        self.delivery.queues().into_iter().map(queue).collect()
    }

    fn pause(
        &self,
        ejs: &[EjId],
        channel: ChannelId,
        destination: DestinationName,
        pause: bool,
        by: &str,
    ) -> Result<(), sluice_http::NotRecorded> {
        // Acts on destinations follow each other, as the journal has them.
        let mut paused = self.paused.lock();
        let deed = if pause {
            Deed::DestinationPaused { channel, destination }
        } else {
            Deed::DestinationStarted { channel, destination }
        };
        for ej in ejs {
            let recorded = self.flow.act(*ej, by, deed.clone());
            recorded.map_err(|error| not_recorded(*ej, &error))?;
        }
        let way = Way { channel, destination };
        paused.set(way, pause).map_err(|error| {
            tracing::error!(
                %channel, %destination, error = %error,
                "what a destination is to do cannot be kept"
            );
            sluice_http::NotRecorded
        })?;
        self.delivery.pause(way, pause);
        let state = if pause { "paused" } else { "started" };
        tracing::info!(%channel, %destination, token = by, state, "told by an operator");
        Ok(())
    }

    fn letters(&self, ej: EjId, after: Option<LetterPlace>, count: usize) -> LettersPage {
        let after = after.map(|place| (place.seq, place.way.map(way_of)));
        let mut letters = self.delivery.letters_after(ej, after, count.saturating_add(1));
        let more = letters.len() > count;
        letters.truncate(count);
        let letters = letters.into_iter().map(letter).collect();
        LettersPage { letters, more, total: self.delivery.letters_open(ej) }
    }

    fn letter(&self, ej: EjId, place: LetterPlace) -> Option<LetterTold> {
        self.delivery.letter(ej, place.seq, place.way.map(way_of)).map(letter)
    }

    fn act(
        &self,
        ej: EjId,
        letter: &LetterTold,
        act: LetterAct,
        by: &str,
    ) -> Result<(), sluice_http::NotRecorded> {
        let message = letter.seq;
        let deed = match (act, letter.way.as_ref().and_then(way)) {
            (LetterAct::Retry, Some(Way { channel, destination })) => {
                Deed::Retry { message, channel, destination }
            }
            // Recorded as an act by whoever brings the message again.
            (LetterAct::Retry, None) => {
                let done = self.flow.reprocess(ej, &[message], by);
                let failed = done.iter().find_map(|(_, done)| done.as_ref().err());
                return failed.map_or(Ok(()), |error| {
                    tracing::warn!(ej = %ej, error = %error, "a message could not be reprocessed");
                    Err(sluice_http::NotRecorded)
                });
            }
            (LetterAct::Discard { reason }, way) => {
                let channel = way.map_or_else(|| self.channel_of(ej, message), |way| way.channel);
                let destination = way.map(|way| way.destination);
                Deed::Discard { message, channel, destination, reason }
            }
        };
        let recorded = self.flow.act(ej, by, deed);
        recorded.map(|_| ()).map_err(|error| not_recorded(ej, &error))
    }
}

fn not_recorded(ej: EjId, error: &NotRecorded) -> sluice_http::NotRecorded {
    tracing::warn!(%ej, error = %error, "an act could not be recorded");
    sluice_http::NotRecorded
}

fn way_of((channel, destination): (ChannelId, DestinationName)) -> Way {
    Way { channel, destination }
}

fn way((channel, destination): &(String, String)) -> Option<Way> {
    let channel = ChannelId::new(channel).ok()?;
    Some(Way { channel, destination: DestinationName::new(destination).ok()? })
}

fn queue(told: QueueTold) -> sluice_http::QueueTold {
    sluice_http::QueueTold {
        ej: told.ej,
        channel: told.way.channel.to_string(),
        destination: told.way.destination.to_string(),
        kind: told.kind,
        state: told.doing.as_str(),
        why: told.why,
        cursor: told.cursor,
        depth: told.depth,
        depth_is_exact: told.depth_is_exact,
        in_flight: told.in_flight,
        oldest: told.oldest,
        delivered_per_s: told.delivered_per_s,
        delivered_total: told.delivered_total,
        dead_letters_total: told.dead_letters_total,
        trouble: told.trouble,
    }
}

fn letter(letter: Letter) -> LetterTold {
    LetterTold {
        seq: letter.seq,
        way: letter.way.map(|way| (way.channel.to_string(), way.destination.to_string())),
        reason: letter.reason.as_str(),
        code: letter.code,
        since: letter.since,
        retrying: letter.retrying,
    }
}
