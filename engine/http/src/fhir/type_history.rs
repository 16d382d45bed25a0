//! `GET [base]/[type]/_history` and `GET [base]/_history`.
//!
//! The EJs that the caller may see are walked backwards side by side, always the one whose next
//! message is the newest. A page ends when it is full, or where one of them has read as much as a
//! page may: its next link then goes on from there, however few entries it has. The link says where
//! each EJ stands; it is no secret and needs no seal, since it names nothing but places in journals
//! that the caller may read through.

use std::cmp::Reverse;

use axum::body::Body;
use axum::http::Response;
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::fhir::ResourceType;
use sluice_mappings::records::{Record, RecordType, ResourceId};

use super::history::{ALONE, Asked, record_type};
use crate::call::Call;
use crate::fault::Fault;
use crate::past::{Version, Walk, WalkFrom, Walked};

const FORGOTTEN: &str = "what came before is no longer kept";
const BOTH: &str = "what came before is no longer kept, and of resources that had earlier versions \
                    only the present one is";

pub(crate) fn of_type(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let (resource_type, record_type) = record_type(call)?;
    page(call, Some(resource_type), record_type.fhir(), &[record_type])
}

pub(crate) fn system(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    page(call, None, "", &RecordType::ALL)
}

fn page(
    call: &Call<'_>,
    of: Option<ResourceType>,
    path: &str,
    types: &[RecordType],
) -> Result<Response<Body>, Fault> {
    let asked = Asked::read(call, of)?;
    let settings = &call.app.settings;
    let count = asked.count.unwrap_or(settings.page_count_default) as usize;
    let scope = call.scope();
    let begins = match &asked.before {
        Some(text) => places(text, scope.ejs())?,
        None => scope.ejs().iter().map(|ej| (*ej, None)).collect(),
    };
    let mut told: Vec<(EjId, Record)> = Vec::new();
    let (mut alone, mut forgotten) = (false, false);
    let mut next = None;
    if count > 0 {
        let work = || -> Result<(), Fault> {
            let share = settings.history_messages_max / scope.ejs().len().max(1);
            let messages_max = share.max(1);
            let mut streams = Vec::with_capacity(begins.len());
            for (ej, place) in begins {
                streams.push(Stream::open(call, &asked, types, ej, place, messages_max)?);
            }
            while told.len() < count {
                let resting = streams.iter().any(|stream| matches!(stream.head, Head::Rests(_)));
                let newest = streams.iter_mut().max_by_key(|stream| stream.at());
                let Some(stream) = newest.filter(|stream| !resting && stream.at().is_some()) else {
                    break;
                };
                let Some(version) = stream.take()? else { continue };
                if asked.wants(&version.record, version.until) {
                    alone |= version.alone;
                    told.push((stream.ej, version.record));
                }
            }
            forgotten = streams.iter().any(|stream| matches!(stream.head, Head::Forgotten));
            let rest: Vec<String> = streams.iter().filter_map(Stream::text).collect();
            next = (!rest.is_empty()).then(|| rest.join(","));
            Ok(())
        };
        call.in_store(work)?;
    }
    let note = match (alone, forgotten) {
        (false, false) => None,
        (true, false) => Some(ALONE),
        (false, true) => Some(FORGOTTEN),
        (true, true) => Some(BOTH),
    };
    Ok(asked.reply(call, path, None, next, told, note))
}

/// What is next of an EJ.
enum Head {
    /// What was made at once, the last first, so that it is taken from the end.
    Made {
        place: u64,
        at: Micros,
        versions: Vec<Version>,
    },
    Rests(u64),
    Forgotten,
    End,
}

struct Stream<'a> {
    ej: EjId,
    walk: Walk<'a>,
    head: Head,
    /// Of the head, the last that was taken.
    last: Option<Order>,
}

type Order = (Reverse<Seq>, RecordType, ResourceId);

/// Where an EJ's part of a page begins: at a place, and after a version that was made there.
type Place = (u64, Option<Order>);

impl<'a> Stream<'a> {
    fn open(
        call: &'a Call<'_>,
        asked: &Asked,
        types: &[RecordType],
        ej: EjId,
        place: Option<Place>,
        messages_max: usize,
    ) -> Result<Self, Fault> {
        let from = match (place, asked.at) {
            (Some((place, _)), _) => WalkFrom::Place(place),
            (None, Some(at)) => WalkFrom::Time(Micros::new(at.high)),
            (None, None) => WalkFrom::Now,
        };
        let since = asked.since.map(Micros::new);
        let walk = call.app.past.walk(ej, types, from, since, messages_max).map_err(Fault::from)?;
        let mut stream = Self { ej, walk, head: Head::End, last: None };
        stream.advance()?;
        if let Some((begun, Some(after))) = place
            && let Head::Made { place, versions, .. } = &mut stream.head
            && *place == begun
        {
            versions.retain(|version| version.order() > after);
            stream.last = Some(after);
            if versions.is_empty() {
                stream.advance()?;
            }
        }
        Ok(stream)
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.last = None;
        self.head = match self.walk.next().transpose().map_err(Fault::from)? {
            None => Head::End,
            Some(Walked::Made { place, at, mut versions }) => {
                versions.reverse();
                Head::Made { place, at, versions }
            }
            Some(Walked::Rests { place }) => Head::Rests(place),
            Some(Walked::Forgotten) => Head::Forgotten,
        };
        Ok(())
    }

    fn at(&self) -> Option<Micros> {
        match &self.head {
            Head::Made { at, .. } => Some(*at),
            Head::Rests(_) | Head::Forgotten | Head::End => None,
        }
    }

    fn take(&mut self) -> Result<Option<Version>, Fault> {
        let Head::Made { versions, .. } = &mut self.head else { return Ok(None) };
        let taken = versions.pop();
        self.last = taken.as_ref().map(Version::order);
        if versions.is_empty() {
            self.advance()?;
        }
        Ok(taken)
    }

    /// Where it stands, for a link; `None` at its end.
    fn text(&self) -> Option<String> {
        let ej = self.ej;
        match (&self.head, &self.last) {
            (Head::Made { place, .. }, None) | (Head::Rests(place), _) => {
                Some(format!("{ej}:{place}"))
            }
            (Head::Made { place, .. }, Some((Reverse(version), of_type, id))) => {
                Some(format!("{ej}:{place}:{version}:{}:{id}", of_type.fhir()))
            }
            (Head::Forgotten | Head::End, _) => None,
        }
    }
}

/// Reads where each EJ stood. Those that are not named have come to their end.
fn places(text: &str, visible: &[EjId]) -> Result<Vec<(EjId, Option<Place>)>, Fault> {
    let read = |one: &str| -> Option<(EjId, Option<Place>)> {
        let parts: Vec<&str> = one.split(':').collect();
        let (ej, place) = (EjId::new(parts.first()?).ok()?, parts.get(1)?.parse().ok()?);
        let last = match parts[2..] {
            [] => None,
            [version, of_type, id] => {
                let of_type = RecordType::ALL.into_iter().find(|ty| ty.fhir() == of_type)?;
                let version = Seq::new(version.parse().ok()?);
                Some((Reverse(version), of_type, ResourceId::parse(id)?))
            }
            _ => return None,
        };
        visible.contains(&ej).then_some((ej, Some((place, last))))
    };
    let places: Option<Vec<_>> = text.split(',').map(read).collect();
    places.filter(|places| places.len() <= visible.len()).ok_or_else(|| {
        Fault::parameter("_before", "is not from a next link of this history, under these rights")
    })
}
