//! The field part of `docs/mapping.md` is made from the table of fields: compared here, and
//! written where `UPDATE_DOCS` is set.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod adt_support;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use adt_support::repository;
use sluice_mappings::fields::{DEVIATIONS, Fate, Segment, segments};

const BEGIN: &str = "<!-- made from mappings/src/fields: UPDATE_DOCS=1 cargo test -p sluice-mappings --test field_docs -->";
const END: &str = "<!-- end of what is made -->";

fn paths(paths: &[&str]) -> String {
    paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}

fn segment(segment: &Segment, out: &mut String) {
    let _ = writeln!(out, "\n### {}: {}\n", segment.name, segment.title);
    let shown: Vec<_> =
        segment.rules.iter().filter(|rule| !matches!(rule.fate, Fate::NotMapped(_))).collect();
    if !shown.is_empty() {
        let _ = writeln!(out, "| field | name | where | rule |\n|---|---|---|---|");
    }
    for rule in shown {
        let place = match rule.fate {
            Fate::Mapped { r4, r5 } if r4 == r5 => paths(r4),
            Fate::Mapped { r4, r5: [] } => format!("R4 {}; R5 has no element", paths(r4)),
            Fate::Mapped { r4: [], r5 } => format!("R5 {}; R4 has no element", paths(r5)),
            Fate::Mapped { r4, r5 } => format!("R4 {}; R5 {}", paths(r4), paths(r5)),
            Fate::Kept(place) => format!("kept: {place}"),
            Fate::NotMapped(_) => continue,
        };
        let _ = writeln!(out, "| {} | {} | {place} | {} |", rule.field, rule.name, rule.source);
    }
    let mut not_mapped: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for rule in segment.rules {
        if let Fate::NotMapped(why) = rule.fate {
            not_mapped.entry(why).or_default().push(format!("{} {}", rule.field, rule.name));
        }
    }
    for (why, fields) in not_mapped {
        let _ = writeln!(out, "\nNot mapped ({why}): {}.", fields.join(", "));
    }
    if let Some(rest) = segment.rest
        && let Fate::NotMapped(why) = rest.fate
    {
        let _ = writeln!(out, "Not mapped: {why}.");
    }
}

fn made() -> String {
    let mut out = String::from("\n## Fields\n\n");
    out.push_str(
        "Where each field shows, by element of R4 and R5 (the same where nothing is said), where it \
         is kept, or why it is not mapped. `mappings/tests/field_table.rs` holds the table to the \
         code by experiment: altering a field that is said to be mapped changes those elements in \
         at least one message, and altering any other changes nothing that is rendered. A sender's \
         own segments are kept in the journal; [a site's table](#a-sites-own-ways) shows them.\n",
    );
    for one in segments() {
        segment(one, &mut out);
    }
    out.push_str("\n## Where the guide is not followed\n\n");
    out.push_str(
        "The HL7 v2-to-FHIR guide (R4, STU 1) is followed but here.\n\n\
         | about | the guide | here | source |\n|---|---|---|---|\n",
    );
    for deviation in DEVIATIONS {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            deviation.about, deviation.guide, deviation.ours, deviation.source
        );
    }
    out.push_str("\n| field | |\n|---|---|\n");
    for segment in segments() {
        for rule in segment.rules {
            if let Some(deviates) = rule.deviates {
                let _ = writeln!(out, "| {}-{} | {deviates} |", segment.name, rule.field);
            }
        }
    }
    out.push('\n');
    out
}

#[test]
fn the_field_part_of_the_document_is_made_from_the_table() {
    let path = repository().join("docs/mapping.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the mark stands in the document");
    let (written, after) = rest.split_once(END).expect("the other mark does too");
    let made = made();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}\n{made}{END}{after}")).unwrap();
        return;
    }
    assert!(
        written.trim() == made.trim(),
        "docs/mapping.md is not what the table of fields says: \
         UPDATE_DOCS=1 cargo test -p sluice-mappings --test field_docs"
    );
}
