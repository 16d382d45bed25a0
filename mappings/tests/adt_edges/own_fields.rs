//! A site's own fields: which part of a field is the value, and how many are kept.

use sluice_mappings::entity::{EjSettings, LegalEntity};

use super::adt_support::Lane;
use super::{patient, pid, take};

/// An EJ that keeps `field` as a `value`.
fn keeping(field: &str, value: &str) -> Lane {
    let settings: EjSettings = toml::from_str(&format!(
        "id = \"EJ1\"\nname = \"an EJ\"\ntime_zone = \"Europe/Paris\"\n[[site.field]]\n\
         field = \"{field}\"\non = \"patient\"\nurl = \"https://a.example/x\"\nvalue = \"{value}\"\n"
    ))
    .unwrap();
    Lane::new(LegalEntity::new(settings).unwrap())
}

fn values(field: &str, value: &str, segments: &[&str]) -> Vec<serde_json::Value> {
    let mut lane = keeping(field, value);
    take(&mut lane, "A28", &[&[&*pid(&[])], segments].concat());
    let own = patient(&lane, "P1").own;
    own.iter().flat_map(|one| &one.values).map(|one| serde_json::to_value(one).unwrap()).collect()
}

#[test]
fn a_code_is_that_of_the_whole_field_or_of_the_component_that_is_named() {
    for (field, sent, code, text) in [
        ("ZPI-1", "A^Text^L", "A", "Text"),
        ("ZPI-1.1", "A^Text^L", "A", ""),
        ("ZPI-1.2", "A^Text^L", "Text", ""),
    ] {
        let found = values(field, "coding", &[&format!("ZPI|{sent}")]);
        let coded = &found[0]["Coded"];
        assert_eq!((&coded["code"], &coded["text"]), (&code.into(), &text.into()), "{field}");
    }
    assert_eq!(values("ZPI-1.2", "coding", &["ZPI|A^^L"]).len(), 0, "nothing is no code");
}

#[test]
fn so_many_values_of_all_segments_are_kept() {
    let sent: Vec<_> = (0..16).map(|at| format!("V{at}")).collect();
    let first = format!("ZPI|{}", sent[..15].join("~"));
    assert_eq!(values("ZPI-1", "string", &[&first, "ZPI|X"]).len(), 16);
    assert_eq!(values("ZPI-1", "string", &[&first, "ZPI|X~Y"]).len(), 16);
    assert_eq!(values("ZPI-1", "string", &[&first, "ZPI|\"\"~Y"]).len(), 16);
}
