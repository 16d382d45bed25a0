//! The order of a search: by the rows of its sort keys, walked no further than the list needs.
//!
//! - A key's rows are walked in order; a record stands where its first row comes. Those without a
//!   row come last.
//! - Records of equal rows are a group. Text goes on in rows of its own; then the next key tells
//!   a group apart, and in the end the order of creation.
//! - A few records among many rows are ordered by their values, which is the same order.

use std::collections::HashMap;

use sluice_mappings::search::{Key, Param, SortKey, Span};

use crate::ej::RecordRef;
use crate::index::Forgotten;
use crate::matching::{ROWS_PER_RECORD, Recall, Searching, Walk, count, whole};
use crate::rids::Rids;
use crate::search::{Hit, SearchError};

/// What is put in order: of each EJ some, or all that there are.
pub(crate) enum Members {
    All,
    Some(Vec<Rids>),
}

impl Members {
    fn of(ejs: usize, hits: &[Hit]) -> Self {
        let mut rids: Vec<Vec<u32>> = vec![Vec::new(); ejs];
        for (ej, rid) in hits {
            rids[usize::from(*ej)].push(*rid);
        }
        Self::Some(rids.into_iter().map(Rids::new).collect())
    }

    fn contains(&self, (ej, rid): Hit) -> bool {
        match self {
            Self::All => true,
            Self::Some(sets) => sets[usize::from(ej)].contains(rid),
        }
    }

    /// `usize::MAX`: all.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::All => usize::MAX,
            Self::Some(sets) => sets.iter().map(Rids::len).sum(),
        }
    }

    /// In order of creation; nothing where it is all.
    fn hits(&self) -> impl Iterator<Item = Hit> + '_ {
        let sets = match self {
            Self::All => &[][..],
            Self::Some(sets) => &sets[..],
        };
        (0_u16..).zip(sets).flat_map(|(ej, rids)| rids.iter().map(move |rid| (ej, rid)))
    }
}

type Groups = Vec<Vec<Hit>>;

impl Searching<'_> {
    /// The first of `members` in the order of `keys`: `wanted` of them, or some more.
    pub(crate) fn ordered(
        &self,
        members: &Members,
        keys: &[SortKey],
        wanted: usize,
    ) -> Result<Vec<Hit>, SearchError> {
        let Some((key, further)) = keys.split_first() else {
            return self.in_order_of_creation(members, wanted);
        };
        if self.is_cheaper_by_record(members.len(), key) {
            let hits: Vec<Hit> = members.hits().collect();
            match self.by_records(&hits, keys) {
                Err(SearchError::CursorExpired) => {}
                groups => return Ok(groups?.into_iter().flatten().collect()),
            }
        }
        let mut groups = self.groups(members, key, wanted)?;
        // One that is longer than what is wanted is walked by the next key.
        let long = groups.pop_if(|last| last.len() > wanted.max(1));
        for key in further {
            groups = self.told_apart(groups, key)?;
        }
        let mut hits: Vec<Hit> = groups.into_iter().flatten().collect();
        if let Some(long) = long {
            let rest = wanted.saturating_sub(hits.len());
            let long = Members::of(self.pins.len(), &long);
            hits.extend(self.ordered(&long, further, rest)?);
        }
        Ok(hits)
    }

    fn in_order_of_creation(
        &self,
        members: &Members,
        wanted: usize,
    ) -> Result<Vec<Hit>, SearchError> {
        match members {
            Members::Some(_) => Ok(members.hits().take(wanted).collect()),
            Members::All => self.first(&whole(Param::All), wanted),
        }
    }

    /// The first records of a span of one key.
    pub(crate) fn first(&self, span: &Span, wanted: usize) -> Result<Vec<Hit>, SearchError> {
        let mut hits = Vec::new();
        for (number, ej, pin) in self.ejs() {
            let mut walk = Walk::new(ej, self.query.record_type, span, pin, false);
            while hits.len() < wanted
                && let Some(row) = walk.next()?
            {
                hits.push((number, row.rid()));
            }
        }
        Ok(hits)
    }

    fn is_cheaper_by_record(&self, records: usize, key: &SortKey) -> bool {
        let spans = [key.span];
        let rows = |(_, ej, _)| count(ej, self.query.record_type, &spans);
        records.saturating_mul(ROWS_PER_RECORD) <= self.ejs().map(rows).sum()
    }

    /// Groups of equal records, in order.
    fn by_records(&self, hits: &[Hit], keys: &[SortKey]) -> Result<Groups, SearchError> {
        let mut valued = Vec::with_capacity(hits.len());
        for hit in hits {
            let at = RecordRef { ty: self.query.record_type, rid: hit.1 };
            let place = usize::from(hit.0);
            let (ej, pin) = (&self.scope.views[place], self.pins[place].1);
            let record = self.record_at(ej, at, pin, Recall::AtHand)?;
            let values: Vec<_> = keys.iter().map(|key| key.value(ej.id, &record)).collect();
            valued.push((values, *hit));
        }
        valued.sort_by(|(a, a_hit), (b, b_hit)| {
            let by_key = keys.iter().zip(a.iter().zip(b)).map(|(key, (a, b))| match (a, b) {
                (Some(a), Some(b)) if key.descending => b.cmp(a),
                (Some(a), Some(b)) => a.cmp(b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            });
            by_key.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then(a_hit.cmp(b_hit))
        });
        let equal = valued.chunk_by(|(a, _), (b, _)| a == b);
        Ok(equal.map(|group| group.iter().map(|(_, hit)| *hit).collect()).collect())
    }

    /// The first of `members` by the rows of one key, in groups of equal ones: `wanted` of them,
    /// and the last group whole.
    fn groups(
        &self,
        members: &Members,
        key: &SortKey,
        wanted: usize,
    ) -> Result<Groups, SearchError> {
        let mut seen: Vec<Rids> = self.pins.iter().map(|_| Rids::default()).collect();
        let mut groups = Groups::new();
        for (start, group) in self.walked(members, key, &key.span, wanted, &mut seen)? {
            self.tell_texts_apart(key, start.to_vec(), group, &mut groups)?;
        }
        if groups.iter().map(Vec::len).sum::<usize>() < wanted {
            let without = |hit: &Hit| !seen[usize::from(hit.0)].contains(hit.1);
            let rest: Vec<Hit> = match members {
                Members::Some(_) => members.hits().filter(without).collect(),
                Members::All => {
                    let all = self.first(&whole(Param::All), usize::MAX)?;
                    all.into_iter().filter(without).collect()
                }
            };
            groups.extend(Some(rest).filter(|rest| !rest.is_empty()));
        }
        Ok(groups)
    }

    /// Walks the rows of a span in the direction of `key`.
    fn walked(
        &self,
        members: &Members,
        key: &SortKey,
        span: &Span,
        wanted: usize,
        seen: &mut [Rids],
    ) -> Result<Vec<(Key, Vec<Hit>)>, Forgotten> {
        let ty = self.query.record_type;
        let mut walks: Vec<(u16, Walk<'_>)> = self
            .ejs()
            .map(|(number, ej, pin)| (number, Walk::new(ej, ty, span, pin, key.descending)))
            .collect();
        let (mut groups, mut held) = (Vec::new(), 0);
        let left = members.len().min(wanted);
        while held < left {
            let mut next: Option<Key> = None;
            for (_, walk) in &mut walks {
                if let Some(row) = walk.peek()? {
                    let own = row.key();
                    let first = |other: Key| if key.descending { own > other } else { own < other };
                    next = Some(next.filter(|other| !first(*other)).unwrap_or(own));
                }
            }
            let Some(next) = next else { break };
            let mut group = Vec::new();
            for (number, walk) in &mut walks {
                while let Some(row) = walk.peek()?.filter(|row| row.key() == next) {
                    walk.next()?;
                    let hit = (*number, row.rid());
                    if members.contains(hit) && seen[usize::from(*number)].insert(hit.1) {
                        group.push(hit);
                    }
                }
            }
            if !group.is_empty() {
                group.sort_unstable();
                held += group.len();
                groups.push((next, group));
            }
        }
        Ok(groups)
    }

    /// Of records whose text begins with `start`, those first that go on first.
    fn tell_texts_apart(
        &self,
        key: &SortKey,
        start: Vec<u8>,
        group: Vec<Hit>,
        groups: &mut Groups,
    ) -> Result<(), SearchError> {
        let Some(span) = key.tail(&start).filter(|_| group.len() > 1) else {
            groups.push(group);
            return Ok(());
        };
        let members = Members::of(self.pins.len(), &group);
        let mut seen: Vec<Rids> = self.pins.iter().map(|_| Rids::default()).collect();
        for (tail, part) in self.walked(&members, key, &span, usize::MAX, &mut seen)? {
            let start = [&start[..], SortKey::tail_text(&tail)].concat();
            self.tell_texts_apart(key, start, part, groups)?;
        }
        let rest = group.into_iter().filter(|hit| !seen[usize::from(hit.0)].contains(hit.1));
        let rest: Vec<Hit> = rest.collect();
        debug_assert!(rest.is_empty(), "every text that fills its row has a tail");
        groups.extend(Some(rest).filter(|rest| !rest.is_empty()));
        Ok(())
    }

    /// Tells each group apart by one more key.
    fn told_apart(&self, groups: Groups, key: &SortKey) -> Result<Groups, SearchError> {
        let equal: Vec<Hit> = groups.iter().filter(|g| g.len() > 1).flatten().copied().collect();
        if equal.is_empty() {
            return Ok(groups);
        }
        let mut ranked = Err(SearchError::CursorExpired);
        if self.is_cheaper_by_record(equal.len(), key) {
            ranked = self.by_records(&equal, &[*key]);
        }
        let ranked = match ranked {
            Err(SearchError::CursorExpired) => {
                let members = Members::of(self.pins.len(), &equal);
                self.groups(&members, key, usize::MAX)?
            }
            ranked => ranked?,
        };
        let ranks: HashMap<Hit, usize> = ranked
            .iter()
            .enumerate()
            .flat_map(|(rank, group)| group.iter().map(move |hit| (*hit, rank)))
            .collect();
        let mut apart = Groups::with_capacity(groups.len());
        for mut group in groups {
            if group.len() == 1 {
                apart.push(group);
                continue;
            }
            group.sort_unstable_by_key(|hit| (ranks.get(hit), *hit));
            let equal = group.chunk_by(|a, b| ranks.get(a) == ranks.get(b));
            apart.extend(equal.map(<[Hit]>::to_vec));
        }
        Ok(apart)
    }
}
