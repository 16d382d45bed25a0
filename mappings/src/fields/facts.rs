//! Which fields the v2-to-FHIR guide maps, by FACTS §3: what the share of mapped fields is counted
//! against. Not in it are fields that the guide leaves out, withdrawn ones (DG1-2, PR1-2), and those
//! that are for a national extension alone (PID-10, PID-22).

/// By segment, in order of field.
const MAPPED: &[(&str, &[u16])] = &[
    (
        "PID",
        &[
            2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28,
            29, 30, 32, 33, 34, 35, 36, 39, 40,
        ],
    ),
    (
        "PV1",
        &[
            2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 19, 20, 36, 37, 38, 39, 40, 42, 43,
            44, 45, 50, 52, 53, 54,
        ],
    ),
    ("PV2", &[1, 3, 8, 9, 11, 12, 13, 22, 25, 38]),
    ("NK1", &[2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 15, 16, 20, 30, 31, 32, 33, 37, 40, 41]),
    ("AL1", &[2, 3, 4, 5, 6]),
    ("DG1", &[3, 4, 5, 6, 15, 16, 19, 20, 21, 22]),
    ("IN1", &[2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 15, 16, 17, 36, 49]),
    ("PR1", &[3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 19, 23, 25]),
];

/// Whether the guide maps a field, of a segment of which it is counted.
#[must_use]
pub fn guide_maps(segment: &str, field: u16) -> bool {
    MAPPED.iter().any(|(name, fields)| *name == segment && fields.contains(&field))
}

#[cfg(test)]
mod tests {
    use super::super::{Fate, rule};
    use super::*;

    /// And why those are not, the table says.
    #[test]
    fn what_the_guide_maps_is_mapped_but_for_three_fields() {
        let mut others = Vec::new();
        for (segment, fields) in MAPPED {
            assert!(fields.is_sorted_by(|one, two| one < two), "{segment}");
            for field in *fields {
                let rule = rule(segment, *field).expect("a rule");
                if !matches!(rule.fate, Fate::Mapped { .. }) {
                    others.push(format!("{segment}-{field}"));
                }
            }
        }
        assert_eq!(others, ["PV1-53", "PV1-54", "PV2-1"]);
    }

    #[test]
    fn what_the_guide_leaves_out_is_not_counted() {
        assert!(guide_maps("PID", 5) && guide_maps("PR1", 25));
        assert!(!guide_maps("PID", 22) && !guide_maps("DG1", 2) && !guide_maps("PV1", 41));
        assert!(!guide_maps("OBX", 3));
    }
}
