//! `/api/acts`: what operators did, in the EJs that the caller may see, the newest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use sluice_ids::EjId;

use super::json;
use crate::acts::ActTold;
use crate::call::Call;
use crate::fault::Fault;
use crate::query;

const COUNT: usize = 50;
const COUNT_MAX: usize = 1_000;

/// Parameters that an answer looks at.
const PAIRS_MAX: usize = 16;

/// Where an act stands among those of several EJs. Its text form is the `before` of a next page.
type Place = (i64, EjId, u64);

struct Asked {
    ej: Option<EjId>,
    act: Option<String>,
    before: Option<Place>,
    count: usize,
}

pub(crate) fn list(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let asked = asked(call.query())?;
    let reach = call.reach();
    let mut ejs: Vec<EjId> = call.app.visible(&reach).map(|entity| entity.id()).collect();
    if let Some(only) = asked.ej {
        ejs.retain(|ej| *ej == only);
        if ejs.is_empty() {
            return Err(Fault::NotFound);
        }
    }
    // Of each EJ no more than a page is kept, and of all of them one.
    let mut newest: BinaryHeap<Reverse<(Place, String)>> = BinaryHeap::new();
    let wanted = asked.count + 1;
    for ej in ejs {
        let mut kept = 0;
        for told in call.app.acts.acts(ej)? {
            let told = told?;
            let place = place(&told);
            let passes = asked.before.is_none_or(|before| place < before)
                && asked.act.as_deref().is_none_or(|act| told.about["act"] == act);
            if !passes {
                continue;
            }
            newest.push(Reverse((place, shown(&told).to_string())));
            if newest.len() > wanted {
                newest.pop();
            }
            kept += 1;
            if kept == wanted {
                break;
            }
        }
    }
    let mut page = newest.into_sorted_vec();
    let more = page.len() > asked.count;
    page.truncate(asked.count);
    let next =
        page.last().filter(|_| more).map(|Reverse(((at, ej, seq), _))| format!("{at}.{seq}.{ej}"));
    let acts = page.into_iter().filter_map(|Reverse((_, act))| serde_json::from_str(&act).ok());
    let body = json!({ "acts": acts.collect::<Vec<Value>>(), "next": next });
    Ok(json(StatusCode::OK, &body))
}

fn place(told: &ActTold) -> Place {
    (told.at.get(), told.ej, told.seq.get())
}

fn shown(told: &ActTold) -> Value {
    let mut act = told.about.clone();
    act["ej"] = told.ej.as_str().into();
    act["seq"] = told.seq.get().into();
    act["at"] = super::instant(told.at);
    act["by"] = told.by.as_str().into();
    act
}

fn asked(query: &str) -> Result<Asked, Fault> {
    let mut asked = Asked { ej: None, act: None, before: None, count: COUNT };
    for (name, value) in query::pairs(query, PAIRS_MAX)? {
        match name.as_str() {
            "ej" => asked.ej = Some(EjId::new(&value).map_err(|_| Fault::NotFound)?),
            "act" => asked.act = Some(value),
            "before" => asked.before = Some(place_in(&value)?),
            "count" => asked.count = super::count("count", &value, COUNT_MAX)?,
            _ => return Err(Fault::parameter("query", "takes ej, act, before and count")),
        }
    }
    Ok(asked)
}

fn place_in(text: &str) -> Result<Place, Fault> {
    let mut parts = text.splitn(3, '.');
    let mut part = || parts.next().unwrap_or_default();
    let (at, seq, ej) = (part().parse(), part().parse(), EjId::new(part()));
    match (at, seq, ej) {
        (Ok(at), Ok(seq), Ok(ej)) => Ok((at, ej, seq)),
        _ => Err(Fault::parameter("before", "is not the `next` of an answer")),
    }
}
