//! The one place where the flow asks what time it is: `received_at` and what answers are stamped
//! with. Nothing that is folded ever asks.

use std::time::{SystemTime, UNIX_EPOCH};

use sluice_ids::Micros;

pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::new(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
