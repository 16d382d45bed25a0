//! `Patient/$ihe-pix` (IHE PIXm, ITI-83), by GET and by POST (a form, or
//! Parameters): by which other numbers a patient is
//! known.
//!
//! They are those of the Patient, and on the group's base those of the Patients of other EJs who are
//! certainly the same person (`sluice_mappings::matching`: the same INS with the same identity traits,
//! or all five strict traits). Numbers that a merge made old, and the one that was asked with, are left
//! out.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use sluice_mappings::fhir::MatchGrade;
use sluice_mappings::matching::{self, Person};
use sluice_mappings::records::{Record, RecordType, ResourceId};

use super::matching::{matches, search_patients};
use super::shape::{Shape, negotiated};
use super::{links, reply};
use crate::call::Call;
use crate::fault::Fault;
use crate::{json, query};

const PARAMETERS_MAX: usize = 32;

/// Patients under one number: one in each EJ, seldom more.
const PATIENTS_MAX: u32 = 32;

struct Asked {
    system: String,
    value: String,
    targets: Vec<String>,
    shape: Shape,
}

pub(crate) fn identifiers(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let asked = Asked::read(call)?;
    let base = links::base(call);
    let scope = call.scope();
    let knows = |system: &str| {
        let mut views = scope.ejs().iter().filter_map(|ej| scope.ej(*ej));
        system == base || views.any(|view| view.knows_system(RecordType::Patient, system))
    };
    // The logical id of a Patient here is a number too, of the base.
    let by_id = asked.system == base;
    let mut patients = if by_id {
        let id = asked.value.strip_prefix("Patient/").and_then(ResourceId::parse);
        let found = id.and_then(|id| call.in_store(|| scope.get(RecordType::Patient, id)));
        let stands = found.filter(|(_, record)| !record.stamp().gone);
        stands
            .and_then(|(ej, record)| match record {
                Record::Patient(patient) => Some((ej, patient)),
                _ => None,
            })
            .into_iter()
            .collect()
    } else {
        let token = [("identifier".to_owned(), asked.token())];
        search_patients(call, &token, PATIENTS_MAX)?.0
    };
    if patients.is_empty() {
        let known = call.in_store(|| knows(&asked.system));
        return Err(if known { Fault::PixSource } else { Fault::PixSourceSystem });
    }
    if !call.in_store(|| asked.targets.iter().all(|target| knows(target))) {
        return Err(Fault::PixTargetSystem);
    }
    let mut seen: BTreeSet<ResourceId> = patients.iter().map(|(_, patient)| patient.id).collect();
    for person in patients.clone().iter().map(|(_, patient)| Person::known(patient)) {
        for other in matches(call, &matching::anywhere(person))?.0 {
            if other.score.grade == MatchGrade::Certain && seen.insert(other.patient.id) {
                patients.push((other.ej, other.patient));
            }
        }
    }

    let body = call.in_render(|| {
        let (mut parameters, mut told) = (Vec::new(), BTreeSet::new());
        for (ej, patient) in &patients {
            let record = Record::Patient(patient.clone());
            let rendered = call.rendered(*ej, &record);
            let patient: Value = serde_json::from_slice(&rendered.json).unwrap_or_default();
            for identifier in patient["identifier"].as_array().into_iter().flatten() {
                let text = |name: &str| identifier[name].as_str().unwrap_or_default().to_owned();
                let (system, value) = (text("system"), text("value"));
                let wanted = asked.targets.is_empty() || asked.targets.contains(&system);
                let is_source = (&system, &value) == (&asked.system, &asked.value);
                if wanted && !is_source && text("use") != "old" && told.insert((system, value)) {
                    parameters
                        .push(json!({ "name": "targetIdentifier", "valueIdentifier": identifier }));
                }
            }
        }
        for (_, patient) in &patients {
            let id = format!("Patient/{}", patient.id);
            if !(by_id && id == asked.value) {
                let reference = json!({ "reference": format!("{base}/{id}") });
                parameters.push(json!({ "name": "targetId", "valueReference": reference }));
            }
        }
        let mut answer = json!({ "resourceType": "Parameters" });
        if !parameters.is_empty() {
            answer["parameter"] = Value::Array(parameters);
        }
        let answer = answer.to_string().into_bytes();
        if asked.shape.pretty { json::pretty(&answer) } else { answer }
    });
    Ok(reply::fhir_json(call, body.into()))
}

impl Asked {
    fn read(call: &Call<'_>) -> Result<Self, Fault> {
        let (mut source, mut targets) = (None, Vec::new());
        let (mut shape, mut format) = (Shape::default(), None);
        let mut take = |name: &str, value: String| -> Result<(), Fault> {
            match name {
                "sourceIdentifier" if source.is_some() => {
                    return Err(Fault::parameter("sourceIdentifier", "is there more than once"));
                }
                "sourceIdentifier" => source = Some(value),
                "targetSystem" => targets.push(value),
                "_format" => format = Some(value),
                _ if shape.take(None, name, &value)? => {}
                _ => return Err(Fault::ParametersUnknown { names: vec!["a parameter".into()] }),
            }
            Ok(())
        };
        for (name, value) in query::pairs(call.query(), PARAMETERS_MAX)? {
            take(&name, value)?;
        }
        if let Some(form) = &call.form {
            let form = std::str::from_utf8(form).map_err(|_| Fault::QueryEncoding)?;
            for (name, value) in query::pairs(form, PARAMETERS_MAX)? {
                take(&name, value)?;
            }
        }
        if let Some(body) = &call.parameters {
            let no_parameters = Fault::BodyNot { what: "Parameters resource" };
            let body: Value = serde_json::from_slice(body).map_err(|_| no_parameters.clone())?;
            if body["resourceType"] != "Parameters" {
                return Err(no_parameters);
            }
            for parameter in body["parameter"].as_array().into_iter().flatten() {
                let value =
                    ["valueString", "valueUri"].iter().find_map(|of| parameter[of].as_str());
                let identifier = &parameter["valueIdentifier"];
                let token = identifier["system"].as_str().zip(identifier["value"].as_str());
                let token = token.map(|(system, value)| format!("{system}|{value}"));
                let value = value.map(str::to_owned).or(token).unwrap_or_default();
                take(parameter["name"].as_str().unwrap_or_default(), value)?;
            }
        }
        negotiated(call, call.route.fhir, format.as_deref())?;
        let source = source.unwrap_or_default();
        let parts = source.split_once('|').map(|(system, value)| (system.trim(), value.trim()));
        let whole = parts.filter(|(system, value)| !system.is_empty() && !value.is_empty());
        let (system, value) =
            whole.ok_or_else(|| Fault::parameter("sourceIdentifier", "is no system|value"))?;
        let (system, value) = (system.to_owned(), value.to_owned());
        Ok(Self { system, value, targets, shape })
    }

    /// As a search takes it.
    fn token(&self) -> String {
        format!("{}|{}", matching::escaped(&self.system), matching::escaped(&self.value))
    }
}
