//! IN1-2 → Coverage.identifier, which the search parameter `identifier` compares with.

use std::borrow::Cow;

use super::codes::systems;
use super::datatypes::Text;
use super::text;
use crate::records::CoverageRecord;

/// The number of the plan, and the list of plans that it is of, where that is known.
#[must_use]
pub fn number(record: &CoverageRecord) -> Option<(Option<Cow<'_, str>>, Text<'_>)> {
    let sent = &record.plan;
    Some((systems::of_name(&sent.system, &sent.table), text::string(&sent.code)?))
}
