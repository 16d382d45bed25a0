//! The field that names who took part in a procedure → Procedure.performer.function (FACTS §3 PR1).

use super::super::datatypes::Coding;
use super::systems::SNOMED_CT;

/// PR1-8 and PR1-11; PR1-12 says of nobody what they did.
#[must_use]
pub fn performer_function(field: &str) -> Option<Coding<'static>> {
    let (code, display) = match field {
        "8" => ("88189002", "Anesthesiologist"),
        "11" => ("304292004", "Surgeon"),
        _ => return None,
    };
    Some(Coding::of(SNOMED_CT, code, display))
}
