//! MFN^M05: the structure of an establishment.

use super::{Rule, Segment};

pub(super) const SEGMENTS: &[Segment] = &[];
const _: Option<(Rule, Segment)> = None;
