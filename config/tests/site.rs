//! Site files: read, checked with file and line, and shown whole by an example.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

use std::path::Path;

use sluice_config::{Loaded, Problem, Sources, load};

const EJ: &str = "[[ej]]\nid = \"EJ1\"\nname = \"One\"\nsite_file = \"sites/one.toml\"\n";

/// With that site file beside the configuration.
fn with_site(site: &str) -> Result<Loaded, Vec<Problem>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sluice.toml");
    std::fs::write(&file, EJ).unwrap();
    std::fs::create_dir(folder.path().join("sites")).unwrap();
    std::fs::write(folder.path().join("sites/one.toml"), site).unwrap();
    let short = |mut problem: Problem| {
        problem.source = problem.source.rsplit('/').next().unwrap_or_default().to_owned();
        problem
    };
    load(&Sources { file: Some(file), ..Sources::default() })
        .map_err(|error| error.problems.into_iter().map(short).collect())
}

fn only(site: &str) -> Problem {
    let mut found = with_site(site).unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_misspelt_key_is_told_with_its_line_and_the_nearest_key() {
    let problem = only("# codes\n\n[[code]]\ntabel = \"0112\"\nfrom = \"X\"\nto = \"Y\"\n");
    assert_eq!(problem.source, "one.toml:4:1");
    assert_eq!(problem.nearest.as_deref(), Some("table"));
    let problem = only("[[cod]]\nfrom = \"X\"\n");
    assert_eq!(problem.nearest.as_deref(), Some("code"));
    let problem = only("[[field]]\nfield = \"ZPI-1\"\nurl = \"urn:x:y\"\non = \"pacient\"\n");
    assert_eq!((&*problem.source, problem.nearest.as_deref()), ("one.toml:4:6", Some("patient")));
}

#[test]
fn a_row_that_cannot_be_used_is_told_with_the_line_that_it_begins_on() {
    let good = "[[code]]\ntable = \"0112\"\nfrom = \"X\"\nto = \"Y\"\n\n";
    let problem = only(&format!("{good}[[code]]\ntable = \"0112\"\nfrom = \"Z\"\n"));
    assert_eq!((&*problem.source, &*problem.key), ("one.toml:6", "code.1"));
    assert!(problem.what.contains("neither"), "{}", problem.what);
}

#[test]
fn text_that_is_no_toml_is_told_with_its_line() {
    assert_eq!(only("discharge_disposition = \n").source, "one.toml:1:25");
}

#[test]
fn a_site_file_that_is_not_there_and_tables_in_the_configuration_itself_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sluice.toml");
    let problems = |text: &str| {
        std::fs::write(&file, text).unwrap();
        load(&Sources { file: Some(file.clone()), ..Sources::default() }).unwrap_err().problems
    };
    let found = problems(EJ);
    assert_eq!((found.len(), &*found[0].key), (1, "ej.0.site_file"));
    assert!(found[0].what.contains("one.toml"), "{}", found[0].what);
    let inline = EJ.replace("site_file = \"sites/one.toml\"", "site = { code = [] }");
    std::fs::write(&file, inline).unwrap();
    // Empty tables are as good as none.
    load(&Sources { file: Some(file.clone()), ..Sources::default() }).unwrap();
    let inline = EJ.replace(
        "site_file = \"sites/one.toml\"",
        "site = { coding_system = [{ name = \"L\", system = \"urn:x:y\" }] }",
    );
    let found = problems(&inline);
    assert_eq!((found.len(), &*found[0].key), (1, "ej.0.site"));
    assert!(found[0].what.contains("site_file"), "{}", found[0].what);
}

#[test]
fn the_example_can_be_used_and_shows_every_key() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("sites/EJ1.toml"))
            .unwrap();
    let loaded = with_site(&text).unwrap();
    let site = toml::Value::try_from(&loaded.config.ej[0].site).unwrap();
    let shown: toml::Table = text.parse().unwrap();
    for (key, value) in site.as_table().unwrap() {
        assert!(shown.contains_key(key), "{key} is not shown");
        for row in value.as_array().into_iter().flatten() {
            for (inner, _) in row.as_table().unwrap() {
                assert!(text.contains(&format!("\n{inner} = ")), "{key}.{inner} is not shown");
            }
        }
    }
}
