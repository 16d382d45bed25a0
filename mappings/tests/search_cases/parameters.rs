//! The parameters that there are: each is read, sorted by where it orders, and documented.

use jiff::tz::TimeZone;
use sluice_mappings::fhir::FhirVersion;
use sluice_mappings::records::RecordType;
use sluice_mappings::search::{Param, params, parse};

use super::{pairs, read, refused};

#[test]
fn parameters_that_are_unknown_or_empty_are_told() {
    let parsed = read(RecordType::Patient, "family=a&shoe-size=1&gender=&_count=3").unwrap();
    assert_eq!(parsed.ignored, [1, 2, 3]);
    assert_eq!(parsed.query.clauses.len(), 1);
    // So is one of which any link is unknown, and one that the other version has.
    for unknown in [
        "patient.shoe-size=x",
        "nobody.family=x",
        "subject:Group.identifier=x",
        "_has:Observation:encounter:shoe-size=x",
        "_has:Basic:patient:code=x",
        "subject-status=departed",
    ] {
        assert_eq!(read(RecordType::Stay, unknown).unwrap().ignored, [0], "{unknown}");
    }
}

#[test]
fn every_parameter_that_has_an_order_of_its_own_can_be_sorted_by() {
    for record_type in RecordType::ALL {
        for parameter in params(record_type, FhirVersion::R4) {
            let name = parameter.name;
            let sorted = read(record_type, &format!("_sort=-{name}")).is_ok();
            let plain =
                ["code", "status", "class", "date", "birthdate", "gender", "patient", "_id"];
            let never_shown =
                [(RecordType::Practitioner, "gender"), (RecordType::PractitionerRole, "date")];
            let shown = !never_shown.contains(&(record_type, name));
            assert!(
                sorted || !shown || !plain.contains(&name),
                "{}?_sort={name}",
                record_type.fhir()
            );
            assert!(!sorted || name != "identifier", "hashes have no order");
        }
    }
}

#[test]
fn each_parameter_that_orders_is_a_sort_key_of_the_types_that_have_it() {
    let key = |of, name: &str| read(of, &format!("_sort={name}")).unwrap().query.sort[0].span.param;
    for (of, name, param) in [
        (RecordType::Patient, "_id", Param::Id),
        (RecordType::Patient, "_lastUpdated", Param::LastUpdated),
        (RecordType::Patient, "birthdate", Param::BirthDate),
        (RecordType::Patient, "family", Param::Family),
        (RecordType::Patient, "given", Param::Given),
        (RecordType::Stay, "date", Param::PeriodStart),
        (RecordType::Condition, "onset-date", Param::PeriodStart),
        (RecordType::Organization, "name", Param::Name),
    ] {
        assert_eq!(key(of, name), param, "{name}");
    }
    for (of, name) in [(RecordType::Location, "family"), (RecordType::Stay, "birthdate")] {
        assert_eq!(refused(of, &format!("_sort={name}")).1, "sort-unsupported", "{name}");
    }
}

#[test]
fn every_parameter_that_is_declared_is_understood() {
    let zone = TimeZone::UTC;
    for (of, version) in
        RecordType::ALL.into_iter().flat_map(|of| FhirVersion::ALL.map(|v| (of, v)))
    {
        for parameter in params(of, version) {
            let name = parameter.name;
            let value = match (name, parameter.kind.fhir()) {
                ("code-value-quantity" | "component-code-value-quantity", _)
                | ("combo-code-value-quantity", _) => "x$1",
                ("code-value-date" | "location-value-period", _) => "x$2026",
                (_, "composite") => "x$y",
                (_, "date") => "2026",
                (_, "quantity") => "1",
                ("gender", _) => "male",
                ("active" | "deceased", _) => "true",
                ("status", _) => "planned",
                _ => "x",
            };
            let query = format!("{name}={value}");
            let parsed = parse(of, version, &pairs(&query), &zone);
            assert!(parsed.is_ok_and(|p| p.ignored.is_empty()), "{version} {}?{query}", of.fhir());
        }
    }
}

#[test]
fn the_documentation_names_every_parameter_that_there_is() {
    let page = include_str!("../../../docs/fhir-search.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    let told = |of: &str, param: &str, kind: &str| {
        let (param, kind) = (format!("`{param}`"), format!("| {kind} |"));
        rows.iter().any(|row| {
            row.contains(&param)
                && row.contains(&kind)
                && row.split(" | ").next().is_some_and(|types| {
                    let types = types.trim_start_matches("| ");
                    types == "all" || types.split(", ").any(|one| one == of)
                })
        })
    };
    let mut untold = Vec::new();
    for (of, version) in
        RecordType::ALL.into_iter().flat_map(|of| FhirVersion::ALL.map(|v| (of, v)))
    {
        for parameter in params(of, version) {
            if !told(of.fhir(), parameter.name, parameter.kind.fhir()) {
                let (name, kind) = (parameter.name, parameter.kind.fhir());
                untold.push(format!("{version} {kind} {name} {}", of.fhir()));
            }
        }
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}
