//! `$match` and `$ihe-pix`: whom they find, how sure they are, and who may ask. How two persons are
//! weighed is told by `sluice_mappings::matching`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]

mod support;

use serde_json::{Value, json};
use sluice_http::role::Role;
use sluice_mappings::records::{
    Identifier, IdentifierUse, Link, LinkKind, Moment, PatientRecord, Precision, ResourceId,
};
use support::{Answer, Lane, Running, settings};

const JSON: (&str, &str) = ("Content-Type", "application/fhir+json");
const INS: &str = "urn:oid:1.2.250.1.213.1.4.8";
const IPP: &str = "urn:oid:1.2.3";

fn number(system: &str, value: &str) -> Identifier {
    Identifier { system: system.into(), value: value.into(), ..Identifier::default() }
}

/// Born on a day, under an official name.
fn be(patient: &mut PatientRecord, family: &str, given: &str, born: (i16, i8, i8)) {
    patient.names[0].family = family.into();
    patient.names[0].given = vec![given.into()];
    patient.names[0].name_type = "L".into();
    let at = jiff::civil::date(born.0, born.1, born.2).at(0, 0, 0, 0);
    patient.birth_date = Some(Moment::new(at, Precision::Day, 0));
}

fn asked(identifiers: &[(&str, &str)], family: &str, given: &str, born: &str) -> Value {
    let identifiers: Vec<Value> =
        identifiers.iter().map(|(s, v)| json!({ "system": s, "value": v })).collect();
    let mut patient = json!({
        "resourceType": "Patient",
        "name": [{ "use": "official", "family": family, "given": [given] }],
        "gender": "female",
        "birthDate": born,
    });
    if !identifiers.is_empty() {
        patient["identifier"] = identifiers.into();
    }
    patient
}

fn parameters(patient: &Value, more: &[Value]) -> Value {
    let mut parameter = vec![json!({ "name": "resource", "resource": patient })];
    parameter.extend(more.iter().cloned());
    json!({ "resourceType": "Parameters", "parameter": parameter })
}

fn post(server: &Running, path: &str, token: Option<&str>, body: &Value) -> Answer {
    server.request("POST", path, token, &[JSON], body.to_string().as_bytes())
}

/// Who was found, and how sure it is.
fn found(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let bundle = answer.json();
    assert_eq!(bundle["type"], "searchset");
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let matches = entries.iter().filter(|entry| entry["search"]["mode"] == "match");
    let scores: Vec<f64> =
        matches.clone().map(|entry| entry["search"]["score"].as_f64().unwrap()).collect();
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
    matches
        .map(|entry| {
            let extension = &entry["search"]["extension"][0];
            assert_eq!(extension["url"], "http://hl7.org/fhir/StructureDefinition/match-grade");
            let id = entry["resource"]["id"].as_str().unwrap().to_owned();
            assert!(entry["fullUrl"].as_str().unwrap().ends_with(&format!("/Patient/{id}")));
            (id, extension["valueCode"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn told(list: &[(ResourceId, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(id, grade)| (id.to_string(), (*grade).to_owned())).collect()
}

#[test]
fn a_person_is_found_by_number_by_ins_and_by_resemblance_in_that_order() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let known = lane.change(1, |p| {
        be(p, "DUPONT", "Zoé", (1980, 2, 1));
        p.identifiers.push(number(INS, "280026912345678"));
    });
    let sister = lane.change(2, |p| be(p, "Dupont", "Anaïs", (1980, 2, 1)));
    let homonym = lane.change(3, |p| {
        be(p, "Dupont", "Zoe", (1980, 2, 1));
        p.identifiers.push(number(INS, "280026912345699"));
    });
    lane.change(4, |p| be(p, "Martin", "Paul", (1955, 7, 9)));
    for base in ["/fhir/R4", "/fhir/R5", "/ej/EJ1/fhir/R4", "/ej/EJ1/fhir/R5"] {
        let path = format!("{base}/Patient/$match");
        let by_ins = asked(&[(INS, "280026912345678")], "Dupont", "Zoé", "1980-02-01");
        let expected =
            told(&[(known, "certain"), (sister, "possible"), (homonym, "certainly-not")]);
        assert_eq!(
            found(&post(&server, &path, None, &parameters(&by_ins, &[]))),
            expected,
            "{base}"
        );
        // The Patient alone is as good (ITI-119).
        assert_eq!(found(&post(&server, &path, None, &by_ins)), expected);
    }
    let path = "/fhir/R4/Patient/$match";
    let by_number =
        json!({ "resourceType": "Patient", "identifier": [{ "system": IPP, "value": "EJ1-2" }] });
    assert_eq!(found(&post(&server, path, None, &by_number)), told(&[(sister, "certain")]));
    let by_names = asked(&[], "dupond", "ZOÉ", "1980-02-01");
    let grades: Vec<String> =
        found(&post(&server, path, None, &by_names)).into_iter().map(|(_, grade)| grade).collect();
    assert_eq!(grades, ["probable", "probable", "possible"]);

    let flag = |name: &str| json!({ "name": name, "valueBoolean": true });
    let by_ins = asked(&[(INS, "280026912345678")], "Dupont", "Zoé", "1980-02-01");
    let certain = post(&server, path, None, &parameters(&by_ins, &[flag("onlyCertainMatches")]));
    assert_eq!(found(&certain), told(&[(known, "certain")]));
    assert_eq!(certain.json()["total"], 1);
    let none = post(&server, path, None, &parameters(&by_names, &[flag("onlyCertainMatches")]));
    assert_eq!((found(&none).len(), &none.json()["total"]), (0, &json!(0)));
    let one = json!({ "name": "count", "valueInteger": 1 });
    let one = post(&server, path, None, &parameters(&by_ins, &[one]));
    assert_eq!((found(&one), &one.json()["total"]), (told(&[(known, "certain")]), &json!(3)));
    let single = post(&server, path, None, &parameters(&by_names, &[flag("onlySingleMatch")]));
    assert_eq!(found(&single).len(), 1);
    let strangers = asked(&[("urn:elsewhere", "1")], "Nobody", "Known", "1901-01-01");
    assert_eq!(found(&post(&server, path, None, &strangers)), []);
}

#[test]
fn who_was_merged_is_found_as_who_they_are_now() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let lost = lane.patient(1, "Dupont");
    let survivor = lane.change(2, |p| {
        p.links.push(Link { kind: LinkKind::Replaces, other: lost });
        let old = Identifier { r#use: IdentifierUse::Old, ..number(IPP, "EJ1-1") };
        p.identifiers.push(old);
    });
    lane.change(1, |p| {
        p.active = false;
        p.links.push(Link { kind: LinkKind::ReplacedBy, other: survivor });
    });
    let by_number =
        json!({ "resourceType": "Patient", "identifier": [{ "system": IPP, "value": "EJ1-1" }] });
    let answer = post(&server, "/fhir/R4/Patient/$match", None, &by_number);
    assert_eq!(found(&answer), told(&[(survivor, "certain")]));
    let pix = server.get(&format!("/fhir/R4/Patient/$ihe-pix?sourceIdentifier={IPP}|EJ1-1"), None);
    let values: Vec<Value> = targets(&pix).into_iter().map(|id| id["value"].clone()).collect();
    assert_eq!(values, ["EJ1-2"], "the old number is not told as one of now");
}

#[test]
fn a_match_that_says_too_little_or_is_none_is_refused_and_too_many_is_said() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 1..=205 {
        lane.change(number, |p| be(p, "Martin", "Marie", (1980, 2, 1)));
    }
    let path = "/fhir/R4/Patient/$match";
    let family = json!({ "resourceType": "Patient", "name": [{ "family": "Martin" }] });
    let nobody = json!({ "resourceType": "Patient" });
    for too_little in [&family, &nobody] {
        let answer = post(&server, path, None, &parameters(too_little, &[]));
        assert_eq!(
            (answer.status, answer.json()["issue"][0]["code"].as_str()),
            (422, Some("required"))
        );
    }
    for wrong in [
        json!({ "resourceType": "Parameters" }),
        json!({ "resourceType": "Observation" }),
        json!([]),
        parameters(
            &asked(&[], "a", "b", "1980-01-01"),
            &[json!({ "name": "count", "valueInteger": 0 })],
        ),
        parameters(&asked(&[], "a", "b", "1980-01-01"), &[json!({ "name": "onlyCertainMatches" })]),
    ] {
        let answer = post(&server, path, None, &wrong);
        assert_eq!((answer.status, answer.is_outcome()), (400, true), "{wrong}");
    }
    let many = post(&server, path, None, &asked(&[], "Martin", "Marie", "1980-02-01"));
    assert_eq!(found(&many).len(), 20);
    let bundle = many.json();
    let last = bundle["entry"].as_array().unwrap().last().unwrap();
    assert_eq!(last["search"]["mode"], "outcome");
    assert_eq!(last["resource"]["issue"][0]["code"], "too-costly");
    assert_eq!(server.get(path, None).status, 405);
}

#[test]
fn nobody_is_matched_or_cross_referenced_in_an_ej_without_a_right() {
    let server = Running::start(settings());
    let person = |p: &mut PatientRecord| {
        be(p, "Dupont", "Zoé", (1980, 2, 1));
        p.identifiers.push(number(INS, "280026912345678"));
    };
    let here = Lane::of(&server, "EJ1").change(1, person);
    let there = Lane::of(&server, "EJ2").change(1, person);
    let both = server.token(Role::Reader, &["*"]);
    let one = server.token(Role::Reader, &["EJ1"]);
    let by_ins = asked(&[(INS, "280026912345678")], "Dupont", "Zoé", "1980-02-01");
    let path = "/fhir/R4/Patient/$match";
    assert_eq!(found(&post(&server, path, Some(&both), &by_ins)).len(), 2);
    assert_eq!(found(&post(&server, path, Some(&one), &by_ins)), told(&[(here, "certain")]));
    let path = "/ej/EJ2/fhir/R4/Patient/$match";
    assert_eq!(found(&post(&server, path, Some(&both), &by_ins)), told(&[(there, "certain")]));
    assert_eq!(post(&server, path, Some(&one), &by_ins).status, 404);

    // The same person in two establishments: known by both numbers to who may see both.
    let pix = format!("/fhir/R4/Patient/$ihe-pix?sourceIdentifier={IPP}|EJ1-1");
    let values = |token: &str| -> Vec<String> {
        let mut values: Vec<String> = targets(&server.get(&pix, Some(token)))
            .iter()
            .map(|id| id["value"].as_str().unwrap().to_owned())
            .collect();
        values.sort();
        values
    };
    assert_eq!(values(&both), ["280026912345678", "EJ2-1"]);
    assert_eq!(values(&one), ["280026912345678"]);
    let foreign = format!("/fhir/R4/Patient/$ihe-pix?sourceIdentifier={IPP}|EJ2-1");
    assert_eq!(server.get(&foreign, Some(&one)).status, 404);
}

fn targets(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let parameters = answer.json();
    assert_eq!(parameters["resourceType"], "Parameters");
    let all = parameters["parameter"].as_array().cloned().unwrap_or_default();
    let of_name = all.into_iter().filter(|parameter| parameter["name"] == "targetIdentifier");
    of_name.map(|parameter| parameter["valueIdentifier"].clone()).collect()
}

#[test]
fn a_cross_reference_gives_the_other_numbers_and_fails_as_the_profile_says() {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    let patient = lane.change(1, |p| p.identifiers.push(number("urn:oid:1.9", "A,7")));
    for base in ["/fhir/R4", "/fhir/R5", "/ej/EJ1/fhir/R4", "/ej/EJ1/fhir/R5"] {
        let path = format!("{base}/Patient/$ihe-pix");
        let url = format!("http://localhost{base}/Patient/{patient}");
        let get = |query: &str| server.get(&format!("{path}?{query}"), None);
        let answer = get(&format!("sourceIdentifier={IPP}|EJ1-1"));
        assert_eq!(targets(&answer).iter().map(|id| &id["value"]).collect::<Vec<_>>(), ["A,7"]);
        let all = answer.json();
        let last = all["parameter"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&last["name"], &last["valueReference"]["reference"]),
            (&json!("targetId"), &json!(url))
        );
        assert_eq!(targets(&get("sourceIdentifier=urn:oid:1.9%7CA,7")).len(), 1);
        let known =
            targets(&get(&format!("sourceIdentifier={IPP}|EJ1-1&targetSystem=urn:oid:1.9")));
        assert_eq!(known.len(), 1);
        let itself = get(&format!("sourceIdentifier={IPP}|EJ1-1&targetSystem={IPP}"));
        assert_eq!(targets(&itself).len(), 0, "the number that was asked with is left out");
        // By the logical id of a Patient, as a number of this base.
        let by_id = get(&format!("sourceIdentifier=http://localhost{base}|Patient/{patient}"));
        assert_eq!(targets(&by_id).len(), 2);
        assert!(!by_id.text().contains("targetId\""));
        // By a form.
        let headers = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
        let form = format!("sourceIdentifier={IPP}%7CEJ1-1&targetSystem=urn:oid:1.9");
        let by_form = server.request("POST", &path, None, &headers, form.as_bytes());
        assert_eq!(targets(&by_form).len(), 1);
        // By POST.
        let body = json!({ "resourceType": "Parameters", "parameter": [
            { "name": "sourceIdentifier", "valueString": format!("{IPP}|EJ1-1") },
            { "name": "targetSystem", "valueUri": "urn:oid:1.9" },
        ]});
        assert_eq!(targets(&post(&server, &path, None, &body)).len(), 1);
        let body = json!({ "resourceType": "Parameters", "parameter": [
            { "name": "sourceIdentifier", "valueIdentifier": { "system": IPP, "value": "EJ1-1" } },
        ]});
        assert_eq!(targets(&post(&server, &path, None, &body)).len(), 1);

        for (query, status, code, diagnostics) in [
            (
                format!("sourceIdentifier={IPP}|EJ1-9"),
                404,
                "not-found",
                "sourceIdentifier Patient Identifier not found",
            ),
            (
                "sourceIdentifier=urn:oid:9.9|1".into(),
                400,
                "code-invalid",
                "sourceIdentifier Assigning Authority not found",
            ),
            (
                format!(
                    "sourceIdentifier={IPP}|EJ1-1&targetSystem=urn:oid:1.9&targetSystem=urn:oid:9.9"
                ),
                403,
                "code-invalid",
                "targetSystem not found",
            ),
            (
                format!("sourceIdentifier=http://localhost{base}|Patient/none"),
                404,
                "not-found",
                "sourceIdentifier Patient Identifier not found",
            ),
        ] {
            let answer = get(&query);
            let issue = &answer.json()["issue"][0];
            assert_eq!((answer.status, &issue["severity"]), (status, &json!("error")), "{query}");
            assert_eq!(
                (&issue["code"], &issue["diagnostics"]),
                (&json!(code), &json!(diagnostics))
            );
        }
        for wrong in [
            "",
            "sourceIdentifier=7",
            "sourceIdentifier=|7",
            "sourceIdentifier=a|",
            "sourceIdentifier=a|1&sourceIdentifier=a|2",
            "sourceIdentifier=a|1&other=1",
        ] {
            let answer = get(wrong);
            assert_eq!((answer.status, answer.is_outcome()), (400, true), "{wrong}");
        }
        assert_eq!(get("sourceIdentifier=a|1&_format=xml").status, 406);
        assert_eq!(post(&server, &path, None, &json!({ "resourceType": "Patient" })).status, 400);
    }
}
