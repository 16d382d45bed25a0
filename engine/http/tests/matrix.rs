//! Who sees what: every role, on every route of the table, with the parameters that reach furthest.
//!
//! Two servers have the same first EJ. On one of them a second EJ has patients of the same numbers,
//! identifiers and units; on the other it has none. Whoever may see the first EJ alone gets the same
//! answers from both, byte for byte: what the second holds shows in no resource, total, link,
//! include, history, export, error or cache. Routes come from the table, so that a new one is under
//! this test from its first day.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use sluice_http::role::{EjScope, Policy, Role};
use sluice_http::routes::{self, Route};
use sluice_mappings::fhir::{FhirVersion, ResourceType};
use sluice_mappings::records::{Movement, RecordType, ResourceId};
use support::{Answer, Lane, Running, ej, resource_id, settings};

const SECRET: &str = "Zqxsecret";

/// Patients, stays, units and places whose numbers are the same in every EJ.
fn fill(server: &Running, name: &str, family: &str) {
    let mut lane = Lane::of(server, name);
    let own = lane.unit(0, None);
    let unit = lane.unit(1, Some(own));
    let place = lane.place(1, None, Some(unit));
    for number in 1..=5 {
        let patient = lane.change(number, |patient| {
            patient.names[0].family = format!("{family}{number}");
            patient.identifiers[0].value = format!("SHARED-{number}");
        });
        lane.change_stay(number, patient, |stay| {
            stay.identifiers[0].value = format!("SHARED-S{number}");
            stay.service_provider.organization = Some(unit);
            stay.movements =
                vec![Movement { location: Some(place), held: None, ..support::awaited(1) }];
            stay.situation.current = Some(0);
        });
    }
}

fn id_of(name: &str, of: ResourceType) -> ResourceId {
    let of = match of {
        ResourceType::Record(record_type) => record_type,
        _ => RecordType::Stay,
    };
    match of {
        RecordType::Stay => resource_id(ej(name), "Stay", 1),
        RecordType::Location => resource_id(ej(name), "Room", 1),
        RecordType::Organization => resource_id(ej(name), "Unit", 1),
        _ => resource_id(ej(name), "Patient", 1),
    }
}

/// The paths of a route, as far as they differ in who is asked about.
fn paths(route: &Route, all_types: bool) -> Vec<String> {
    let version = if route.path.contains("/R5") { FhirVersion::R5 } else { FhirVersion::R4 };
    let types: Vec<ResourceType> = ResourceType::all(version)
        .filter(|of| all_types || matches!(of.name(), "Patient" | "Encounter"))
        .collect();
    let mut paths = vec![route.path.to_owned()];
    let mut each = |hole: &str, values: &dyn Fn(&str) -> Vec<String>| {
        let all = std::mem::take(&mut paths);
        paths = all
            .into_iter()
            .flat_map(|path| match path.contains(hole) {
                true => values(&path).iter().map(|value| path.replace(hole, value)).collect(),
                false => vec![path],
            })
            .collect();
    };
    let names = |_: &str| types.iter().map(|of| of.name().to_owned()).collect::<Vec<_>>();
    each("{ej}", &|_| ["EJ1", "EJ2", "EJ9"].map(str::to_owned).to_vec());
    each("{type}", &names);
    each("{member}", &|_| ["Patient", "Encounter"].map(str::to_owned).to_vec());
    each("{id}", &|path| {
        let of = types.iter().find(|of| path.contains(&format!("/{}/", of.name())));
        let of = *of.unwrap_or(&ResourceType::Record(RecordType::Patient));
        let ids = ["EJ1", "EJ2", "EJ9"].map(|name| id_of(name, of).to_string());
        // Numbers are what messages go by.
        [&ids[..], &["7".to_owned()]].concat()
    });
    each("{vid}", &|_| ["4", "5"].map(str::to_owned).to_vec());
    // What a later route names otherwise.
    paths
        .into_iter()
        .map(|path| {
            let mut path = path;
            while let Some((before, rest)) = path.split_once('{') {
                let (_, after) = rest.split_once('}').unwrap();
                path = format!("{before}1{after}");
            }
            path
        })
        .collect()
}

/// What a caller may add who looks for another EJ's data.
fn parameters() -> Vec<String> {
    let hidden = id_of("EJ2", ResourceType::Record(RecordType::Patient));
    let stay = id_of("EJ2", ResourceType::Record(RecordType::Stay));
    let place = id_of("EJ2", ResourceType::Record(RecordType::Location));
    let mut all: Vec<String> = [
        "",
        "_summary=count",
        "_count=2",
        "_count=0",
        "_total=accurate",
        "_elements=identifier",
        "_sort=-_lastUpdated",
        "_since=2020-01-01T00:00:00Z",
        "_at=2030-01-01",
        "_lastUpdated=ge2020",
        "identifier=SHARED-1",
        "identifier=SHARED-S1",
        "family=zqxsecret",
        "name:contains=qxsec",
        "_id:not=1",
        "_include=*",
        "_include:iterate=*&_revinclude:iterate=*",
        "_revinclude=*",
        "_revinclude=Encounter:patient",
        "_revinclude=Provenance:target",
        "patient.identifier=SHARED-1",
        "subject:Patient.family=zqxsecret",
        "patient:missing=false",
        "_has:Encounter:patient:identifier=SHARED-S1",
        "_type=Patient,Encounter",
        "_typeFilter=Patient%3Ffamily%3Dzqxsecret",
        "_format=ndjson",
        "fhir=R5",
        "_pretty=true",
        "_cursor=x",
    ]
    .map(str::to_owned)
    .to_vec();
    for name in ["_id", "patient", "subject", "target", "sourceIdentifier", "link"] {
        all.push(format!("{name}={hidden}"));
    }
    all.push(format!("patient=Patient/{hidden}&_include=Encounter:patient"));
    all.push(format!("patient=http://localhost/ej/EJ2/fhir/R4/Patient/{hidden}"));
    all.push(format!("encounter={stay}"));
    all.push(format!("location={place}"));
    all.push(format!("_has:Encounter:patient:_id={stay}"));
    all
}

/// Bodies for routes that take one: a form, a batch, and the input of an operation.
fn bodies() -> Vec<(&'static str, String)> {
    let hidden = id_of("EJ2", ResourceType::Record(RecordType::Patient));
    let urls = [
        format!("Patient/{hidden}"),
        "Patient?identifier=SHARED-1".into(),
        "Patient?family=zqxsecret".into(),
        format!("Patient/{hidden}/_history"),
        format!("Patient/{hidden}/$everything"),
        format!("../../ej/EJ2/fhir/R4/Patient/{hidden}"),
        format!("http://localhost/ej/EJ2/fhir/R4/Patient/{hidden}"),
    ];
    let entry = urls.map(|url| serde_json::json!({ "request": { "method": "GET", "url": url } }));
    let batch = serde_json::json!({ "resourceType": "Bundle", "type": "batch", "entry": entry });
    let person = serde_json::json!({
        "resourceType": "Patient",
        "identifier": [{ "system": "urn:oid:1.2.3", "value": "SHARED-1" }],
        "name": [{ "family": format!("{SECRET}1"), "given": ["Zoé"] }],
    });
    let matched = serde_json::json!({
        "resourceType": "Parameters",
        "parameter": [{ "name": "resource", "resource": person }],
    });
    vec![
        ("application/x-www-form-urlencoded", format!("identifier=SHARED-1&_id={hidden}")),
        ("application/x-www-form-urlencoded", "family=zqxsecret&_revinclude=*".into()),
        ("application/fhir+json", batch.to_string()),
        ("application/fhir+json", matched.to_string()),
    ]
}

/// All of an answer but when it was given, how long it took, and what is made up at random.
fn comparable(answer: &Answer) -> String {
    let mut text = format!("{}\n", answer.status);
    for (name, value) in &answer.headers {
        let passing =
            ["date", "server-timing", "x-process-time", "x-store-time", "x-fhir-route-time"];
        if !passing.contains(&name.as_str()) && name != "content-length" {
            text.push_str(&format!("{name}: {}\n", unsealed(value)));
        }
    }
    text + &unsealed(&String::from_utf8_lossy(&answer.body))
}

/// Cursors are sealed under a nonce; ids of jobs and times of an answer are its own.
fn unsealed(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let marks = ["_cursor=", "/jobs/", "/bulk/", "\"transactionTime\":\""];
    while let Some((at, mark)) =
        marks.iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min_by_key(|(at, _)| *at)
    {
        out.push_str(&rest[..at + mark.len()]);
        rest = rest[at + mark.len()..].trim_start_matches(|c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')
        });
    }
    out + rest
}

struct Pair {
    with: Running,
    without: Running,
    /// A token of each server's.
    tokens: [String; 2],
    asked: usize,
    /// Answers that showed what they may.
    shown: usize,
}

impl Pair {
    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        self.asked += 1;
        let [one, other] = [(&self.with, &self.tokens[0]), (&self.without, &self.tokens[1])]
            .map(|(server, token)| server.request(method, path, Some(token), headers, body));
        let shown = String::from_utf8_lossy(&one.body);
        assert!(!shown.contains(SECRET), "{method} {path}: {shown}");
        self.shown += usize::from(one.status == 200 && shown.contains("Durand"));
        assert_eq!(comparable(&one), comparable(&other), "{method} {path}");
    }
}

fn pair(role: Role) -> Pair {
    let [with, without] = [true, false].map(|both| {
        let server = Running::start(settings());
        fill(&server, "EJ1", "Durand");
        if both {
            fill(&server, "EJ2", SECRET);
        }
        server
    });
    let tokens = [&with, &without].map(|server| server.token(role, &["EJ1"]));
    Pair { with, without, tokens, asked: 0, shown: 0 }
}

/// Has everything of the second EJ rendered and kept, by someone who may see it.
fn warm(server: &Running) {
    let all = server.token(Role::Administrator, &["*"]);
    for path in [
        "/ej/EJ2/fhir/R4/Patient",
        "/ej/EJ2/fhir/R5/Encounter",
        "/ej/EJ2/export/structure",
        "/ej/EJ2/export/patients",
        "/ej/EJ2/export/venues",
    ] {
        for coding in ["identity", "gzip", "zstd"] {
            let headers = [("Accept-Encoding", coding)];
            assert_eq!(server.request("GET", path, Some(&all), &headers, b"").status, 200);
        }
    }
    assert!(server.get("/ej/EJ2/fhir/R4/Patient", Some(&all)).text().contains(SECRET));
}

/// Asks all that a role may ask of the routes that it is the least role for, and of the others once.
fn asked_everything(pair: &mut Pair, least: &[Role]) {
    let parameters = parameters();
    for route in routes::table() {
        let method = route.method.as_str();
        let of_role = match route.policy {
            Policy::Public => true,
            Policy::Needs { role, .. } => least.contains(&role),
        };
        for path in paths(&route, of_role).iter().filter(|_| method == "GET") {
            pair.ask(method, path, &[], b"");
            pair.ask("HEAD", path, &[], b"");
        }
        for path in paths(&route, false) {
            // Of an EJ that is none of theirs they are told nothing, whatever they add.
            let is_closed = !of_role || path.contains("EJ2") || path.contains("EJ9");
            let few = if is_closed { &parameters[..2] } else { &parameters[..] };
            for parameter in few.iter().filter(|_| method == "GET") {
                pair.ask(method, &format!("{path}?{parameter}"), &[], b"");
            }
            for (media, body) in bodies().iter().filter(|_| method != "GET") {
                pair.ask(method, &path, &[("Content-Type", *media)], body.as_bytes());
            }
        }
    }
}

#[test]
fn what_another_ej_holds_changes_no_answer_to_a_reader() {
    let mut pair = pair(Role::Reader);
    warm(&pair.with);
    asked_everything(&mut pair, &[Role::Reader]);
    assert!(pair.asked > 1_000 && pair.shown > 300, "{} {}", pair.asked, pair.shown);
}

#[test]
fn what_another_ej_holds_changes_no_answer_to_those_who_may_do_more() {
    let mut pair = pair(Role::Administrator);
    warm(&pair.with);
    let above = [Role::Monitor, Role::Exporter, Role::Operator, Role::Administrator];
    asked_everything(&mut pair, &above);
    assert!(pair.asked > 500 && pair.shown > 50, "{} {}", pair.asked, pair.shown);
}

#[test]
fn another_ejs_next_links_and_tags_are_worth_nothing() {
    let mut pair = pair(Role::Administrator);
    let all = pair.with.token(Role::Administrator, &["*"]);
    for path in ["/fhir/R4/Patient?_count=1", "/ej/EJ2/fhir/R4/Patient?_count=1"] {
        let page = pair.with.get(path, Some(&all)).json();
        let next = page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next");
        let next = next.unwrap()["url"].as_str().unwrap().replace("http://localhost", "");
        let refused = pair.with.get(&next, Some(&pair.tokens[0]));
        assert!(matches!(refused.status, 400 | 404), "{next}: {}", refused.status);
        assert!(!refused.text().contains(SECRET));
    }
    // A tag of the second EJ's export says nothing of the first one's.
    let tag = pair.with.get("/ej/EJ2/export/patients", Some(&all));
    let tag = tag.header("etag").unwrap().to_owned();
    pair.ask("GET", "/ej/EJ1/export/patients", &[("If-None-Match", &tag)], b"");
    let hidden = id_of("EJ2", ResourceType::Record(RecordType::Patient));
    pair.ask("GET", &format!("/fhir/R4/Patient/{hidden}"), &[("If-None-Match", "*")], b"");
}

#[test]
fn each_role_is_told_the_same_of_an_ej_it_may_not_see_as_of_none() {
    let server = Running::start(settings());
    fill(&server, "EJ1", "Durand");
    fill(&server, "EJ2", SECRET);
    for role in Role::ALL {
        let token = server.token(role, &["EJ1"]);
        for route in routes::table() {
            let Policy::Needs { role: least, scope } = route.policy else { continue };
            for path in paths(&route, false).iter().filter(|path| path.contains("EJ2")) {
                let method = route.method.as_str();
                let ask = |path: &str| server.request(method, path, Some(&token), &[], b"");
                let (there, nowhere) = (ask(path), ask(&path.replace("EJ2", "EJ9")));
                let expected = if role < least { 403 } else { 404 };
                assert_eq!(there.status, expected, "{role} {method} {path}");
                assert_eq!(comparable(&there), comparable(&nowhere), "{role} {method} {path}");
            }
            if scope == EjScope::Every {
                let answer =
                    server.request(route.method.as_str(), route.path, Some(&token), &[], b"");
                assert_eq!(answer.status, 403, "{role} {}", route.path);
            }
        }
    }
}
