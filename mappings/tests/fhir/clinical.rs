//! AllergyIntolerance, Condition, Procedure, Observation.

use serde_json::{Value, json};
use sluice_mappings::fhir::FhirVersion::{self, R4, R5};
use sluice_mappings::records::{
    AllergyRecord, Coded, ConditionRecord, EventCode, ObservationRecord, ObservationValue,
    ProcedureRecord, Stamp,
};

use super::fhir_records::others::{allergy, coded_in, condition, doctor, observation, procedure};
use super::fhir_records::{coded, micros, moment, stamp};
use super::{changed, meta, part, shown, terminology};

fn extension(name: &str) -> String {
    format!("http://hl7.org/fhir/StructureDefinition/{name}")
}

fn doctor_reference() -> Value {
    json!({
        "reference": "Practitioner/33333333-3333-3333-3333-333333333333",
        "identifier": {
            "type": { "coding": [ {
                "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203",
                "code": "RPPS",
            } ] },
            "system": "urn:oid:1.2.250.1.71.4.2.1", "value": "99999999911"
        },
        "display": "Dr Élise DÉMOCRATE"
    })
}

/// As [`doctor_reference`], where there is no record.
fn doctor_named() -> Value {
    changed(doctor_reference(), json!({ "reference": null, "type": "Practitioner" }))
}

fn participant(code: &str, display: &str, actor: Value) -> Value {
    json!({
        "function": { "coding": [ {
            "system": terminology("provenance-participant-type"), "code": code, "display": display
        } ] },
        "actor": actor
    })
}

#[test]
fn an_allergy_is_rendered_whole() {
    let plant = json!({
        "coding": [ { "system": terminology("v2-0127"), "code": "PA", "display": "Plant" } ],
        "text": "Plant"
    });
    let expected = json!({
        "resourceType": "AllergyIntolerance",
        "id": "47474747-4747-4747-4747-474747474747",
        "meta": meta(),
        "identifier": [ { "system": "urn:oid:1.2.12", "value": "A1" } ],
        "clinicalStatus": { "coding": [ {
            "system": terminology("allergyintolerance-clinical"), "code": "active",
            "display": "Active"
        } ] },
        // IAM-17 C.
        "verificationStatus": { "coding": [ {
            "system": terminology("allergyintolerance-verification"), "code": "confirmed",
            "display": "Confirmed"
        } ] },
        // 0127 is of allergies only; a plant is of the environment, and the code is kept.
        "type": "allergy",
        "_type": { "extension":
            [ { "url": extension("alternate-codes"), "valueCodeableConcept": plant } ] },
        "category": ["environment"],
        "code": {
            "coding": [ {
                "system": "http://snomed.info/sct", "code": "256259004", "display": "Pollen"
            } ],
            "text": "Pollen"
        },
        "patient": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        "onsetDateTime": "2019-04",
        "_onsetDateTime": { "extension":
            [ { "url": extension("originalText"), "valueString": "au printemps" } ] },
        "recordedDate": "2026-03-10T09:00:00+01:00",
        "recorder": doctor_reference(),
        // AL1-5, and AL1-4 as its severity (FACTS §3 AL1).
        "reaction": [ {
            "manifestation": [ { "text": "Rhinite" }, { "text": "Asthme" } ],
            "severity": "moderate"
        } ]
    });
    assert_eq!(shown(allergy(71), R4), expected);
    // FACTS §8.
    let r5 = json!({
        "type": {
            "coding": [
                {
                    "system": "http://hl7.org/fhir/allergy-intolerance-type", "code": "allergy",
                    "display": "Allergy"
                },
                plant["coding"][0]
            ],
            "text": "Plant"
        },
        "_type": null,
        "recorder": null,
        "participant": [ participant("author", "Author", doctor_reference()) ],
        "reaction": [ {
            "manifestation":
                [ { "concept": { "text": "Rhinite" } }, { "concept": { "text": "Asthme" } } ],
            "severity": "moderate"
        } ]
    });
    assert_eq!(shown(allergy(71), R5), changed(expected, r5));
}

#[test]
fn a_severity_is_the_reactions_where_there_is_one_else_the_criticality() {
    let of = |code: &str, reactions: Vec<Coded>| {
        let record = AllergyRecord { severity: coded(code, "", "0128"), reactions, ..allergy(71) };
        part(&shown(record, R4), &["criticality", "_criticality", "reaction"])
    };
    let original = |code: &str| {
        json!({ "extension": [ {
            "url": extension("alternate-codes"),
            "valueCodeableConcept":
                { "coding": [ { "system": terminology("v2-0128"), "code": code } ] }
        } ] })
    };
    // FACTS §3 AL1-4: SV high, MI low, MO and U none.
    assert_eq!(of("SV", vec![]), json!({ "criticality": "high" }));
    assert_eq!(of("MI", vec![]), json!({ "criticality": "low" }));
    assert_eq!(of("MO", vec![]), json!({ "_criticality": original("MO") }));
    assert_eq!(of("U", vec![]), json!({ "_criticality": original("U") }));
    assert_eq!(of("", vec![]), json!({}));
    let rash = || vec![coded("", "Rash", "")];
    let reaction = |severity: Value| {
        let reaction = json!({ "manifestation": [ { "text": "Rash" } ] });
        json!({ "reaction": [ changed(reaction, severity) ] })
    };
    assert_eq!(of("SV", rash()), reaction(json!({ "severity": "severe" })));
    assert_eq!(of("MO", rash()), reaction(json!({ "severity": "moderate" })));
    assert_eq!(of("MI", rash()), reaction(json!({ "severity": "mild" })));
    assert_eq!(of("U", rash()), reaction(json!({ "_severity": original("U") })));
    assert_eq!(of("", rash()), reaction(json!({})));
}

#[test]
fn every_kind_of_allergen_has_its_category() {
    let of = |code: &str, version: FhirVersion| {
        let record = AllergyRecord { category: coded(code, "", "0127"), ..allergy(71) };
        shown(record, version)
    };
    // FACTS §5, 0127; AA is biologic.
    for (code, category, kept) in [
        ("DA", Some("medication"), false),
        ("FA", Some("food"), false),
        ("EA", Some("environment"), false),
        ("PA", Some("environment"), true),
        ("LA", Some("environment"), true),
        ("AA", Some("biologic"), true),
        ("MA", None, true),
        ("MC", None, true),
        ("X1", None, true),
    ] {
        let in_r4 = of(code, R4);
        assert_eq!(in_r4["category"][0].as_str(), category, "{code}");
        assert_eq!(in_r4["type"], "allergy", "{code}");
        assert_eq!(in_r4.get("_type").is_some(), kept, "{code}");
        let codings = of(code, R5)["type"]["coding"].as_array().unwrap().len();
        assert_eq!(codings, if kept { 2 } else { 1 }, "{code}");
    }
    let none = of("", R4);
    assert_eq!(part(&none, &["type", "_type", "category"]), json!({}));
}

#[test]
fn an_allergy_stands_as_iam_17_says() {
    let of = |code: &str, void: bool| {
        let record =
            AllergyRecord { clinical_status: coded(code, "", "0438"), void, ..allergy(71) };
        let shown = shown(record, R4);
        let code = |member: &str| shown[member]["coding"][0]["code"].as_str().map(str::to_owned);
        (code("clinicalStatus"), code("verificationStatus"))
    };
    let pair = |clinical: &str, verification: &str| {
        let some = |code: &str| (!code.is_empty()).then(|| code.to_owned());
        (some(clinical), some(verification))
    };
    assert_eq!(of("", false), pair("active", ""));
    assert_eq!(of("U", false), pair("active", "unconfirmed"));
    assert_eq!(of("P", false), pair("active", "unconfirmed"));
    assert_eq!(of("S", false), pair("active", "unconfirmed"));
    assert_eq!(of("D", false), pair("active", "unconfirmed"));
    assert_eq!(of("C", false), pair("active", "confirmed"));
    assert_eq!(of("I", false), pair("inactive", "confirmed"));
    // ait-2: entered in error, it has no clinical status.
    assert_eq!(of("E", false), pair("", "entered-in-error"));
    assert_eq!(of("C", true), pair("", "entered-in-error"));
}

#[test]
fn an_onset_is_a_time_or_else_a_text() {
    let record = AllergyRecord { onset: None, ..allergy(71) };
    let members = ["onsetDateTime", "_onsetDateTime", "onsetString"];
    assert_eq!(part(&shown(record, R4), &members), json!({ "onsetString": "au printemps" }));
}

#[test]
fn who_reported_an_allergy_may_be_the_patient_or_somebody_close() {
    let of = |role: &str| {
        let record = AllergyRecord { recorder: Some(doctor(role, None)), ..allergy(71) };
        shown(record, R4)["recorder"].clone()
    };
    // IAM-14 by IAM-15.
    assert_eq!(of(""), doctor_named());
    assert_eq!(of("SEL"), json!({ "reference": "Patient/01010101-0101-0101-0101-010101010101" }));
    assert_eq!(of("MTH"), json!({ "type": "RelatedPerson", "display": "Dr Élise DÉMOCRATE" }));
}

#[test]
fn a_condition_is_rendered_whole() {
    let expected = json!({
        "resourceType": "Condition",
        "id": "47474747-4747-4747-4747-474747474747",
        "meta": meta(),
        // DG1-19 (FACTS §3 DG1), DG1-22.
        "extension": [
            {
                "url": extension("condition-assertedDate"),
                "valueDateTime": "2026-03-10T10:00:00+01:00"
            },
            {
                "url": extension("condition-dueTo"),
                "valueReference": { "reference": "Condition/48484848-4848-4848-4848-484848484848" }
            }
        ],
        "identifier": [ { "system": "urn:oid:1.2.13", "value": "D1" } ],
        "clinicalStatus": { "coding": [ {
            "system": terminology("condition-clinical"), "code": "active", "display": "Active"
        } ] },
        // The guide sets none (FACTS §3 DG1).
        "category": [ { "coding": [ {
            "system": terminology("condition-category"), "code": "encounter-diagnosis",
            "display": "Encounter Diagnosis"
        } ] } ],
        "code": {
            "coding": [ {
                "system": "http://hl7.org/fhir/sid/icd-10", "code": "I50.9",
                "display": "Insuffisance cardiaque"
            } ],
            "text": "Insuffisance cardiaque"
        },
        "subject": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        "encounter": { "reference": "Encounter/0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b" },
        "onsetDateTime": "2026-03-01",
        "recordedDate": "2026-03-10T10:00:00+01:00",
        // One in R4.
        "asserter": doctor_reference()
    });
    assert_eq!(shown(condition(71), R4), expected);
    let r5 = json!({
        "asserter": null,
        "participant": [
            participant("informant", "Informant", doctor_reference()),
            participant("informant", "Informant", doctor_named())
        ]
    });
    assert_eq!(shown(condition(71), R5), changed(expected, r5));
}

#[test]
fn a_condition_entered_in_error_has_a_clinical_status_only_in_r5() {
    let of = |version| {
        let record = ConditionRecord { void: true, ..condition(71) };
        let shown = shown(record, version);
        let code = |member: &str| shown[member]["coding"][0]["code"].clone();
        (code("clinicalStatus"), code("verificationStatus"))
    };
    // con-5 in R4; 1..1 in R5.
    assert_eq!(of(R4), (Value::Null, json!("entered-in-error")));
    assert_eq!(of(R5), (json!("inactive"), json!("entered-in-error")));
}

#[test]
fn a_procedure_is_rendered_whole() {
    let function = |code: &str, display: &str| {
        json!({ "coding": [ {
            "system": "http://snomed.info/sct", "code": code, "display": display
        } ] })
    };
    let category = json!({ "coding": [ { "system": terminology("v2-0230"), "code": "D" } ] });
    let reason = json!({ "coding": [ {
        "system": "http://hl7.org/fhir/sid/icd-10", "code": "I50.9"
    } ] });
    let during =
        json!({ "start": "2026-03-10T11:30:00+01:00", "end": "2026-03-10T12:15:00+01:00" });
    let expected = json!({
        "resourceType": "Procedure",
        "id": "51515151-5151-5151-5151-515151515151",
        "meta": meta(),
        "identifier": [ { "system": "urn:oid:1.2.14", "value": "P1" } ],
        // PR1-25.
        "partOf": [ { "reference": "Procedure/52525252-5252-5252-5252-525252525252" } ],
        // Before the message that told it, which planned nothing.
        "status": "completed",
        "category": category,
        // PR1-3; PR1-16 behind it.
        "code": {
            "coding": [
                { "code": "DEQP003", "display": "Électrocardiographie" },
                { "code": "DEQP003:J:K" }
            ],
            "text": "Électrocardiographie"
        },
        "subject": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        "encounter": { "reference": "Encounter/0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b" },
        // PR1-5, and PR1-7 minutes of it.
        "performedPeriod": during,
        // PR1-8, PR1-11, PR1-12.
        "performer": [
            { "function": function("88189002", "Anesthesiologist"), "actor": doctor_named() },
            { "function": function("304292004", "Surgeon"), "actor": doctor_reference() },
            { "actor": doctor_named() }
        ],
        "location": { "reference": "Location/1e1e1e1e-1e1e-1e1e-1e1e-1e1e1e1e1e1e" },
        "reasonCode": [ reason ]
    });
    assert_eq!(shown(procedure(81), R4), expected);
    let r5 = json!({
        "category": [ category ],
        "performedPeriod": null,
        "occurrencePeriod": during,
        "reasonCode": null,
        "reason": [ { "concept": reason } ]
    });
    assert_eq!(shown(procedure(81), R5), changed(expected, r5));
}

#[test]
fn a_procedure_is_known_to_be_done_where_it_lies_behind_and_was_not_planned() {
    let of = |performed: Option<&str>, event: &str, void: bool| {
        let record = ProcedureRecord {
            performed: performed.map(moment),
            void,
            stamp: Stamp {
                event: EventCode::new(event),
                updated_at: micros("2026-03-10T12:00:00Z"),
                ..stamp()
            },
            ..procedure(81)
        };
        shown(record, R4)["status"].clone()
    };
    // FACTS §3 PR1 [REC].
    assert_eq!(of(Some("2026-03-10"), "A01", false), "completed");
    assert_eq!(of(Some("2026-03-10T13:00:00+01:00"), "A01", false), "completed");
    assert_eq!(of(Some("2026-03-10T13:00:01+01:00"), "A01", false), "unknown");
    assert_eq!(of(Some("2026-03-10"), "A05", false), "unknown");
    assert_eq!(of(Some("2026-03-10"), "A14", false), "unknown");
    assert_eq!(of(None, "A01", false), "unknown");
    assert_eq!(of(Some("2026-03-10"), "A01", true), "entered-in-error");
}

#[test]
fn minutes_count_from_a_time_and_not_from_a_day() {
    let of = |performed: &str, minutes: Option<u32>, version| {
        let record =
            ProcedureRecord { performed: Some(moment(performed)), minutes, ..procedure(81) };
        let members =
            ["performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod"];
        part(&shown(record, version), &members)
    };
    assert_eq!(of("2026-03-10", Some(45), R4), json!({ "performedDateTime": "2026-03-10" }));
    assert_eq!(of("2026-03-10", None, R5), json!({ "occurrenceDateTime": "2026-03-10" }));
    let timed = "2026-03-10T11:30:00+01:00";
    assert_eq!(of(timed, None, R4), json!({ "performedDateTime": timed }));
}

#[test]
fn an_observation_is_rendered_whole_and_alike_in_both_versions() {
    let expected = json!({
        "resourceType": "Observation",
        "id": "5b5b5b5b-5b5b-5b5b-5b5b-5b5b5b5b5b5b",
        "meta": meta(),
        // OBX-4.
        "extension": [ {
            "url": extension("observation-v2-subid"),
            "extension": [ { "url": "original-sub-identifier", "valueString": "1" } ]
        } ],
        "identifier": [ { "system": "urn:oid:1.2.15", "value": "O1" } ],
        "status": "final",
        "category": [ { "coding": [ { "code": "vital-signs" } ] } ],
        "code": {
            "coding": [ {
                "system": "http://loinc.org", "code": "29463-7", "display": "Body weight"
            } ],
            "text": "Body weight"
        },
        "subject": { "reference": "Patient/01010101-0101-0101-0101-010101010101" },
        "encounter": { "reference": "Encounter/0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b" },
        "effectiveDateTime": "2026-03-10T09:30:00+01:00",
        "performer": [ doctor_reference() ],
        "valueQuantity": {
            "value": 70.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"
        },
        // OBX-8, 0078.
        "interpretation": [ { "coding": [
            {
                "system": terminology("v3-ObservationInterpretation"), "code": "N",
                "display": "Normal"
            },
            { "system": terminology("v2-0078"), "code": "N" }
        ] } ],
        "bodySite": { "text": "Corps" },
        "method": { "text": "Balance" },
        "referenceRange": [ { "text": "50 - 90" } ]
    });
    assert_eq!(shown(observation(91), R4), expected);
    assert_eq!(shown(observation(91), R5), expected);
}

fn observed(values: Vec<ObservationValue>, unit: Coded) -> ObservationRecord {
    ObservationRecord { values, unit, ..observation(91) }
}

/// The member whose name starts with `value`, and its value.
fn value_of(value: ObservationValue, unit: Coded) -> Value {
    let shown = shown(observed(vec![value], unit), R5);
    let values = shown.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("value"));
    Value::Object(values.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[test]
fn a_value_is_what_obx_2_says() {
    use ObservationValue::{
        Coded as Code, Moment, Number, Period, Quantity, Range, Ratio, Text, Time,
    };
    let none = Coded::default;
    let of = |value| value_of(value, Coded::default());
    let text = |text: &str| json!({ "valueString": text });
    // FACTS §3 OBX.
    assert_eq!(of(Number("3".into())), json!({ "valueQuantity": { "value": 3 } }));
    assert_eq!(of(Number("3,5".into())), text("3,5"));
    assert_eq!(of(Text("calme".into())), text("calme"));
    assert_eq!(
        of(Code(coded("A", "Assis", ""))),
        json!({ "valueCodeableConcept":
            { "coding": [ { "code": "A", "display": "Assis" } ], "text": "Assis" } })
    );
    assert_eq!(of(Moment(moment("2026-03"))), json!({ "valueDateTime": "2026-03" }));
    assert_eq!(of(Time("09:30:00".into())), json!({ "valueTime": "09:30:00" }));
    let compared =
        |comparator: &str| of(Quantity { comparator: comparator.into(), value: "10".into() });
    assert_eq!(compared("<"), json!({ "valueQuantity": { "value": 10, "comparator": "<" } }));
    assert_eq!(compared("="), json!({ "valueQuantity": { "value": 10 } }));
    // FHIR has no such comparator.
    assert_eq!(compared("<>"), text("<> 10"));
    assert_eq!(
        of(Range { low: "1".into(), high: "2".into() }),
        json!({ "valueRange": { "low": { "value": 1 }, "high": { "value": 2 } } })
    );
    assert_eq!(
        of(Range { low: "1".into(), high: String::new() }),
        json!({ "valueRange": { "low": { "value": 1 } } })
    );
    assert_eq!(
        of(Ratio { numerator: "1".into(), denominator: "128".into() }),
        json!({ "valueRatio": { "numerator": { "value": 1 }, "denominator": { "value": 128 } } })
    );
    // rat-1: both or none.
    assert_eq!(of(Ratio { numerator: "1".into(), denominator: "x".into() }), text("1 : x"));
    assert_eq!(
        of(Period { start: Some(moment("2026")), end: None }),
        json!({ "valuePeriod": { "start": "2026" } })
    );
    assert_eq!(value_of(Text(" ".into()), none()), json!({}));
}

#[test]
fn a_number_keeps_its_digits() {
    let record = observed(vec![ObservationValue::Number("70.50".into())], Coded::default());
    let bytes = sluice_mappings::fhir::render(&record.into(), &super::entity(), R4);
    assert!(String::from_utf8(bytes).unwrap().contains(r#""value":70.50}"#));
}

#[test]
fn a_unit_has_a_code_only_with_the_system_that_it_is_of() {
    let of =
        |unit: Coded| value_of(ObservationValue::Number("1".into()), unit)["valueQuantity"].clone();
    // qty-3; OBX-6.3.
    assert_eq!(of(coded("kg", "", "")), json!({ "value": 1, "unit": "kg" }));
    assert_eq!(of(coded_in("kg", "kilo", "L")), json!({ "value": 1, "unit": "kilo" }));
    assert_eq!(
        of(coded_in("kg", "kilo", "UCUM")),
        json!({
            "value": 1, "unit": "kilo", "system": "http://unitsofmeasure.org", "code": "kg"
        })
    );
    assert_eq!(of(coded_in("", "kilo", "UCUM")), json!({ "value": 1, "unit": "kilo" }));
}

#[test]
fn several_values_are_components_of_the_same_code() {
    let record = observed(
        vec![ObservationValue::Text("a".into()), ObservationValue::Text("b".into())],
        Coded::default(),
    );
    let shown = shown(record, R4);
    let code = shown["code"].clone();
    // obs-7: then the whole has no value.
    assert!(shown.get("valueString").is_none());
    assert_eq!(
        shown["component"],
        json!([ { "code": code, "valueString": "a" }, { "code": code, "valueString": "b" } ])
    );
}

#[test]
fn an_attachment_is_an_extension_in_r4() {
    let value = || ObservationValue::Attachment {
        media_type: "application/pdf".into(),
        data: "JVBERg==".into(),
        url: String::new(),
    };
    let attachment = json!({ "contentType": "application/pdf", "data": "JVBERg==" });
    let mut record = observed(vec![value()], Coded::default());
    record.sub_id = String::new();
    let extension = json!([ {
        "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value",
        "valueAttachment": attachment
    } ]);
    assert_eq!(shown(record.clone(), R4)["extension"], extension);
    assert_eq!(part(&shown(record.clone(), R4), &["valueAttachment"]), json!({}));
    let in_r5 = part(&shown(record, R5), &["valueAttachment", "extension"]);
    assert_eq!(in_r5, json!({ "valueAttachment": attachment }));
    // att-1: data has a type.
    let unknown = ObservationValue::Attachment {
        media_type: String::new(),
        data: "JVBERg==".into(),
        url: String::new(),
    };
    let of = value_of(unknown, Coded::default());
    assert_eq!(of["valueAttachment"]["contentType"], "application/octet-stream");
    let several = observed(vec![value(), value()], Coded::default());
    assert_eq!(shown(several, R4)["component"][0]["extension"], extension);
}

#[test]
fn a_status_that_says_less_than_obx_11_keeps_it() {
    let of = |code: &str| {
        let record = ObservationRecord { status: code.into(), values: vec![], ..observation(91) };
        let shown = shown(record, R4);
        let kept = "/_status/extension/0/valueCodeableConcept/coding/0/code";
        let text = |pointer: &str| {
            shown.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        [text("/status"), text(kept), text("/dataAbsentReason/coding/0/code")]
    };
    let row = |status: &str, kept: &str, absent: &str| [status, kept, absent].map(str::to_owned);
    // FACTS §3 OBX-11.
    assert_eq!(of(""), row("final", "", ""));
    assert_eq!(of("F"), row("final", "", ""));
    assert_eq!(of("P"), row("preliminary", "", ""));
    assert_eq!(of("C"), row("corrected", "", ""));
    assert_eq!(of("A"), row("amended", "", ""));
    assert_eq!(of("D"), row("entered-in-error", "D", ""));
    assert_eq!(of("W"), row("entered-in-error", "W", ""));
    assert_eq!(of("X"), row("cancelled", "X", "error"));
    assert_eq!(of("N"), row("unknown", "N", "not-asked"));
    for other in ["I", "R", "S", "U", "V", "O", "Z"] {
        assert_eq!(of(other), row("unknown", other, ""));
    }
}

#[test]
fn a_reason_for_no_value_never_stands_beside_one() {
    let record = ObservationRecord { status: "X".into(), ..observation(91) };
    // obs-6.
    assert_eq!(part(&shown(record, R4), &["dataAbsentReason"]), json!({}));
    let record = ObservationRecord { code: Coded::default(), ..observation(91) };
    // 1..1.
    assert_eq!(shown(record, R4)["code"]["coding"][0]["code"], "UNK");
}
