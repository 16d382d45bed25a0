//! `_include` and `_revinclude`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use std::collections::BTreeSet;

use sluice_http::role::Role;
use sluice_mappings::records::RecordType;
use sluice_mappings::search;
use support::{Lane, Running, settings};

/// `(mode, Type/id)` of each entry, in order.
fn entries(page: &serde_json::Value) -> Vec<(String, String)> {
    let entries = page["entry"].as_array().cloned().unwrap_or_default();
    let told = |entry: &serde_json::Value| {
        let resource = &entry["resource"];
        let id = resource["id"].as_str().unwrap_or_default();
        let name = format!("{}/{id}", resource["resourceType"].as_str().unwrap());
        (entry["search"]["mode"].as_str().unwrap().to_owned(), name)
    };
    entries.iter().map(told).collect()
}

fn pair(mode: &str, of_type: &str, id: impl std::fmt::Display) -> (String, String) {
    (mode.to_owned(), format!("{of_type}/{id}"))
}

#[test]
fn what_is_referred_to_comes_once_beside_the_matches_and_is_not_counted() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.patient(1, "Durand");
    let stays = [lane.stay(1, patient), lane.stay(2, patient)];
    let page = server.get("/fhir/R4/Encounter?_include=Encounter:patient", None).json();
    let expected = [
        pair("match", "Encounter", stays[0]),
        pair("match", "Encounter", stays[1]),
        pair("include", "Patient", patient),
    ];
    assert_eq!(entries(&page), expected);
    assert_eq!(page["total"], 2);
    let url = format!("http://localhost/fhir/R4/Patient/{patient}");
    assert_eq!(page["entry"][2]["fullUrl"], url);
    for same in ["Encounter:subject:Patient", "Encounter:*", "*"] {
        let page = server.get(&format!("/fhir/R4/Encounter?_include={same}"), None).json();
        assert!(entries(&page).contains(&expected[2]), "{same}");
    }
    let none = server.get("/fhir/R4/Encounter?_include=Encounter:subject:Location", None);
    assert_eq!(none.status, 200);
    assert_eq!(entries(&none.json())[..2], expected[..2]);
}

#[test]
fn what_refers_to_the_matches_comes_too_and_pages_go_on_with_it() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patients = [lane.patient(1, "Un"), lane.patient(2, "Deux")];
    let stays = [lane.stay(1, patients[0]), lane.stay(2, patients[1])];
    let first = server.get("/fhir/R4/Patient?_count=1&_revinclude=Encounter:patient", None).json();
    assert_eq!(
        entries(&first),
        [pair("match", "Patient", patients[0]), pair("include", "Encounter", stays[0])]
    );
    let next = first["link"][1]["url"].as_str().unwrap().replace("http://localhost", "");
    let second = server.get(&next, None).json();
    assert_eq!(
        entries(&second),
        [pair("match", "Patient", patients[1]), pair("include", "Encounter", stays[1])]
    );
    assert!(second["link"][0]["url"].as_str().unwrap().contains("_revinclude=Encounter:patient"));
}

#[test]
fn another_ejs_resources_are_not_included() {
    let server = Running::start(settings());
    let (mut one, mut two) = (Lane::of(&server, "EJ1"), Lane::of(&server, "EJ2"));
    let (mine, other) = (one.patient(1, "Un"), two.patient(1, "Autre"));
    // A stay of EJ1 that refers to a patient of EJ2, which no feed can make.
    one.stay(1, other);
    one.stay(2, mine);
    let token = server.token(Role::Reader, &["EJ1"]);
    let page = server.get("/fhir/R4/Encounter?_include=Encounter:patient", Some(&token)).json();
    let included: Vec<_> =
        entries(&page).into_iter().filter(|(mode, _)| mode == "include").collect();
    assert_eq!(included, [pair("include", "Patient", mine)]);
}

#[test]
fn too_many_and_unknown_includes_are_told() {
    let mut settings = settings();
    settings.included_max = 2;
    let server = Running::start(settings);
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..4 {
        let patient = lane.patient(number, "Durand");
        lane.stay(number, patient);
    }
    let page = server.get("/fhir/R4/Encounter?_include=Encounter:patient", None).json();
    let modes: Vec<String> = entries(&page).into_iter().map(|(mode, _)| mode).collect();
    assert_eq!(modes, ["match", "match", "match", "match", "include", "include", "outcome"]);
    let wrong = "/fhir/R4/Encounter?_include=Encounter:status";
    let page = server.get(wrong, None).json();
    assert_eq!(entries(&page).last().unwrap().0, "outcome");
    assert!(!page["link"][0]["url"].as_str().unwrap().contains("_include"));
    let strict = [("Prefer", "handling=strict")];
    let refused = server.request("GET", wrong, None, &strict, b"");
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("_include"));
}

/// One of every reference that is shown: the messages say each at least once.
const MESSAGES: [&str; 3] = [
    "MSH|^~\\&|A|B|C|D|20260310||ADT^A28|1|P|2.5.1\rEVN||20260310\rPID|1||P1^^^H||DOE^JOHN\r\
     PD1|||CABINET^^^^^X^^^^77|3^ROUX^ANA^^^^^^RPPS\r\
     ROL||AD|PP|4^BLANC^EVE^^^^^^RPPS|||||||||W1^R1^B1|Unit A^^^^^^UF^^^3101\r",
    "MSH|^~\\&|A|B|C|D|20260311||ADT^A01|2|P|2.5.1\rEVN||20260311\r\
     PID|1||P1^^^H||DOE^JOHN|||||||||||||AN1\rNK1|1|DOE^JANE|SPO\r\
     PV1|1|I|W1^R1^B1||||1^LEROY^PAUL^^^^^^RPPS||||||||||||V1^^^H||||||||||||||||||||3101\r\
     ROL||AD|PP|1^LEROY^PAUL^^^^^^RPPS|||||||||W1^R1^B1\r\
     DG1|1||I10^^I10|||A||||||||||1^LEROY^PAUL^^^^^^RPPS\r\
     PR1|1||47^^L||20260301|||1^LEROY^PAUL^^^^^^RPPS|||||||||||P1||||BLOC^S1\r\
     PR1|2||48^^L||20260301|||1^LEROY^PAUL^^^^^^RPPS|||||||||||P2||||||P1\r\
     OBX|1|NM|8867-4^^LN||72||||||F|||20260302||1^LEROY^PAUL^^^^^^RPPS\r\
     IN1|1|A|1^^^X|Mutuelle||||||E1^^^S|SNCF||||HMO|DOE^JANE|SPO|19700501\r\
     IN1|2|B|1^^^X|Mutuelle||||||E1^^^S|SNCF||||HMO|DOE^JOHN|SEL\r",
    "MSH|^~\\&|A|B|C|D|20260312||ADT^A60|3|P|2.5.1\rEVN||20260312\rPID|1||P1^^^H||DOE^JOHN\r\
     IAM|1|DA|PEN^^L|SV||A|K1||||||20260301|||||1^LEROY^PAUL^^^^^^RPPS\r\
     IAM|2|DA|NUT^^L|SV||A|K2||||||20260301|DOE^JOHN|SEL\r",
];

/// Each parameter includes what it refers to, either way, of each type that it may refer to; so a
/// page never lacks in silence what the table of parameters says it can hold.
#[test]
fn every_reference_that_can_be_searched_by_is_included_either_way() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    MESSAGES.iter().for_each(|message| lane.take(message));
    for fhir in ["R4", "R5"] {
        // One by one, so that a match of the same type does not hide what would be included.
        let included = |of: &str, asked: &str| -> BTreeSet<String> {
            let all = server.get(&format!("/fhir/{fhir}/{of}?_count=100"), None).json();
            let mut found = BTreeSet::new();
            for (_, name) in entries(&all) {
                let id = name.split('/').next_back().unwrap();
                let page = server.get(&format!("/fhir/{fhir}/{of}?_id={id}&{asked}"), None).json();
                for (mode, name) in entries(&page) {
                    assert_ne!(mode, "outcome", "{asked}: {page}");
                    found.extend((mode == "include").then_some(name));
                }
            }
            found
        };
        let mut nothing = BTreeSet::new();
        let lines = RecordType::ALL.into_iter().flat_map(search::referring);
        for line in lines.filter(|line| line.version.is_none_or(|only| only.name() == fhir)) {
            for target in line.targets {
                let (source, target) = (line.source.fhir(), target.fhir());
                let asked = format!("{source}:{}:{target}", line.param);
                for (of, include, other) in
                    [(source, "_include", target), (target, "_revinclude", source)]
                {
                    let found = included(of, &format!("{include}={asked}"));
                    if found.is_empty() {
                        nothing.insert(asked.clone());
                    }
                    let of_other = |name: &String| name.starts_with(&format!("{other}/"));
                    assert!(found.iter().all(of_other), "{fhir} {include}={asked}: {found:?}");
                }
            }
        }
        let never: BTreeSet<String> = NEVER.iter().map(|asked| (*asked).to_owned()).collect();
        let known = |asked: &&String| never.contains(*asked);
        let unknown: Vec<&String> = nothing.iter().filter(|asked| !known(asked)).collect();
        assert!(unknown.is_empty(), "{fhir}: nothing is found by {unknown:#?}");
    }
}

/// What the standard lets these refer to and no message makes them refer to; and patients and
/// accounts that are merged, and a second insurer, which this feed has none of.
const NEVER: [&str; 30] = [
    "Account:relatedaccount:Account",
    "AllergyIntolerance:participant:Organization",
    "AllergyIntolerance:participant:PractitionerRole",
    "AllergyIntolerance:participant:RelatedPerson",
    "AllergyIntolerance:recorder:PractitionerRole",
    "AllergyIntolerance:recorder:RelatedPerson",
    "Condition:asserter:Patient",
    "Condition:asserter:PractitionerRole",
    "Condition:asserter:RelatedPerson",
    "Condition:participant-actor:Organization",
    "Condition:participant-actor:Patient",
    "Condition:participant-actor:PractitionerRole",
    "Condition:participant-actor:RelatedPerson",
    "Coverage:paymentby-party:Organization",
    "Coverage:policy-holder:Patient",
    "Coverage:policy-holder:RelatedPerson",
    "Encounter:diagnosis:Procedure",
    "Encounter:participant:PractitionerRole",
    "Encounter:participant:RelatedPerson",
    "Observation:performer:Organization",
    "Observation:performer:Patient",
    "Observation:performer:PractitionerRole",
    "Observation:performer:RelatedPerson",
    "Patient:link:Patient",
    "Patient:link:RelatedPerson",
    "Procedure:part-of:Observation",
    "Procedure:performer:Organization",
    "Procedure:performer:Patient",
    "Procedure:performer:PractitionerRole",
    "Procedure:performer:RelatedPerson",
];
