//! What was, as the tests put it there.

use sluice_http::{Forgotten, MessageTold, Past, Version, Walk, WalkFrom, Walked};
use sluice_ids::{EjId, Micros, Seq};
use sluice_mappings::adt::{Issue, IssueCode};
use sluice_mappings::hl7::{Location, Message};
use sluice_mappings::records::{Place, Record, RecordType, ResourceId};

use super::ej;
use super::vitals::TestVitals;

impl Past for TestVitals {
    fn versions(
        &self,
        _: EjId,
        record_type: RecordType,
        id: ResourceId,
    ) -> Result<Vec<Record>, Forgotten> {
        let past = self.past.lock();
        let of_it = past.iter().filter(|r| r.record_type() == record_type && r.id() == id);
        let versions: Vec<Record> = of_it.cloned().collect();
        if versions.is_empty() { Err(Forgotten::NotKept) } else { Ok(versions) }
    }

    /// As the flow's walk: here every record is made by a message of its own.
    fn walk<'a>(
        &'a self,
        ej: EjId,
        types: &[RecordType],
        from: WalkFrom,
        since: Option<Micros>,
        messages_max: usize,
    ) -> Result<Walk<'a>, Forgotten> {
        let past = self.past.lock();
        let of_ej = |record: &&Record| {
            record.id().0[4..7] == ej.to_padded()[..3] && types.contains(&record.record_type())
        };
        let mut made: Vec<Version> = Vec::new();
        for record in past.iter().filter(of_ej) {
            let before = made.iter_mut().rev().find(|v| v.record.id() == record.id());
            if let Some(before) = before {
                before.until = Some(record.stamp().updated_at);
            } else if record.stamp().version != record.stamp().created {
                made.push(Version { record: record.clone(), until: None, alone: true });
                continue;
            }
            made.push(Version { record: record.clone(), until: None, alone: false });
        }
        made.sort_by_key(Version::order);
        let begun = made.into_iter().filter(move |version| {
            let stamp = version.record.stamp();
            since.is_none_or(|since| stamp.updated_at >= since)
                && match from {
                    WalkFrom::Now => true,
                    WalkFrom::Time(at) => stamp.updated_at <= at,
                    WalkFrom::Place(place) => stamp.version.get() <= place,
                }
        });
        let mut steps: Vec<_> = Vec::new();
        for version in begun {
            let (place, at) =
                (version.record.stamp().version.get(), version.record.stamp().updated_at);
            let full = steps.len() == messages_max;
            match steps.last_mut() {
                Some(Walked::Made { place: last, versions, .. }) if *last == place => {
                    versions.push(version);
                }
                _ if full => {
                    steps.push(Walked::Rests { place });
                    break;
                }
                _ => steps.push(Walked::Made { place, at, versions: vec![version] }),
            }
        }
        let rests = matches!(steps.last(), Some(Walked::Rests { .. }));
        if !rests && *self.forgotten.lock() {
            steps.push(Walked::Forgotten);
        }
        Ok(Box::new(steps.into_iter().map(Ok)))
    }

    /// Message 7 is the only one, with an issue in a segment that is known and in one that is not.
    fn message(&self, _: EjId, seq: Seq) -> Result<MessageTold, Forgotten> {
        if seq != Seq::new(7) {
            return Err(Forgotten::Unknown);
        }
        let issue =
            |place: &str| Issue::new(IssueCode::TimeUnreadable, Location::parse(place).unwrap());
        Ok(MessageTold {
            received_at: Micros::new(5_000_000),
            verdict: "accepted",
            became: "applied",
            issues: vec![issue("PID-7"), issue("DUP-1")],
            changed: Vec::new(),
        })
    }
}
