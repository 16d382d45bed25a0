//! Clauses about other records, looked up by brute force.

use sluice_ids::EjId;
use sluice_mappings::records::{Record, ResourceId};
use sluice_mappings::search::{Clause, Join, Query};

use crate::model::Model;

fn found<'m>(model: &'m Model, ej: EjId, query: &Query) -> Vec<&'m Record> {
    let clauses: Vec<Clause> =
        query.clauses.iter().map(|clause| joined(model, ej, clause)).collect();
    let live = model.live(query.record_type);
    live.filter(|record| clauses.iter().all(|clause| clause.matches(ej, record))).collect()
}

pub fn joined(model: &Model, ej: EjId, clause: &Clause) -> Clause {
    let ids: Vec<ResourceId> = match clause.join() {
        None => return clause.clone(),
        Some(Join::Found(queries)) => {
            queries.iter().flat_map(|query| found(model, ej, query)).map(Record::id).collect()
        }
        Some(Join::ReferredTo(query, referred)) => {
            found(model, ej, query).into_iter().flat_map(|one| referred.by(ej, one)).collect()
        }
        Some(Join::Below(tree)) => {
            let mut ids = tree.roots.clone();
            loop {
                let parts = found(model, ej, &tree.parts_of(ids.clone()));
                let new = parts.into_iter().map(Record::id).filter(|id| !ids.contains(id));
                let new: Vec<ResourceId> = new.collect();
                if new.is_empty() {
                    break ids;
                }
                ids.extend(new);
            }
        }
        Some(Join::Above(tree)) => {
            let mut ids = tree.roots.clone();
            let mut at = 0;
            while let Some(id) = ids.get(at).copied() {
                at += 1;
                let here = model.get(tree.record_type, id);
                for up in here.into_iter().flat_map(|here| tree.part_of().by(ej, here)) {
                    if !ids.contains(&up) {
                        ids.push(up);
                    }
                }
            }
            ids
        }
    };
    clause.joined(ids)
}
