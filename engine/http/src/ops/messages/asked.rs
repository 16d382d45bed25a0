//! What messages are looked for by.

use sluice_ids::{Micros, Phi, Seq};

use crate::fault::Fault;
use crate::messages::MessagesAsked;
use crate::query;

pub(super) const COUNT: usize = 50;
pub(super) const COUNT_MAX: usize = 1_000;

/// Parameters that an answer looks at.
pub(super) const PAIRS_MAX: usize = 32;

pub(super) fn of<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<MessagesAsked, Fault> {
    let mut asked = MessagesAsked::default();
    for (name, value) in pairs {
        let text = || Some(value.to_owned());
        let phi = || Some(Phi::new(value.trim().to_owned()));
        match name {
            "channel" => asked.channel = text(),
            "event" => asked.event = text(),
            "control_id" => asked.control_id = phi(),
            "patient" => asked.patient = phi(),
            "visit" => asked.visit = phi(),
            "verdict" => asked.verdict = text(),
            "outcome" => asked.outcome = text(),
            "brought" => asked.brought = text(),
            "of" => asked.of = Some(seq("of", value)?),
            "before" => asked.before = Some(seq("before", value)?),
            "from" => asked.from = Some(Micros::new(query::instant("from", value)?)),
            "to" => asked.to = Some(Micros::new(query::instant("to", value)?)),
            _ => {
                return Err(Fault::parameter(
                    "query",
                    "takes channel, event, control_id, patient, visit, verdict, outcome, brought, \
                     of, from, to, before and count",
                ));
            }
        }
    }
    Ok(asked)
}

fn seq(name: &'static str, value: &str) -> Result<Seq, Fault> {
    value.parse().map(Seq::new).map_err(|_| Fault::parameter(name, "is no number of a message"))
}
