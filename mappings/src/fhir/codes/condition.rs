//! Table 0052 (DG1-6) → Encounter.diagnosis.use (FACTS §3 DG1, §5).

use super::super::datatypes::Coding;
use super::systems::DIAGNOSIS_ROLE;

/// `W` (working) and `F` (final) have no code of their own and stay v2-0052.
#[must_use]
pub fn diagnosis_use(code: &str) -> Option<Coding<'static>> {
    (code == "A").then(|| Coding::of(DIAGNOSIS_ROLE, "AD", "Admission diagnosis"))
}
