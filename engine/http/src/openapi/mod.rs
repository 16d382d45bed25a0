//! `/api/openapi.json`: OpenAPI 3.1 of every route that is no FHIR (whose CapabilityStatement tells
//! of it), made from the table of routes, so that none is missing and none is made up.

mod described;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::fault::{Face, Fault};
use crate::fhir::links;
use crate::ops;
use crate::role::{EjScope, Policy};
use crate::routes::{self, Route, Takes};

pub(crate) fn document(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let mut paths = Map::new();
    for route in routes::table().iter().filter(|route| is_described(route)) {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation(route);
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Health, metrics, operation and whole exports. What is FHIR tells of itself at \
                            /fhir/R4/metadata and /fhir/R5/metadata.",
        },
        "servers": [{ "url": links::root(call) }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`sluice token create`; on loopback none is needed until the first was made",
                },
            },
            "schemas": described::schemas(),
        },
    });
    Ok(ops::json(StatusCode::OK, &document))
}

/// Whether a route is told of here.
fn is_described(route: &Route) -> bool {
    !route.path.split('/').any(|segment| segment == "fhir")
}

fn operation(route: &Route) -> Value {
    let told = described::of(route);
    let holes = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = holes
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    parameters.extend(told.parameters);
    let mut answers = told.answers;
    let (error, media) = match route.face {
        Some(Face::Fhir) => ("OperationOutcome", "application/fhir+json"),
        _ => ("Error", "application/json"),
    };
    if route.face == Some(Face::Page) {
        answers["default"] =
            described::answer("What went wrong", "text/plain", &json!({ "type": "string" }));
    } else {
        let schema = json!({ "$ref": format!("#/components/schemas/{error}") });
        answers["default"] = described::answer("What went wrong", media, &schema);
    }
    let (may, security) = match route.policy {
        Policy::Public => ("Anyone.".to_owned(), json!([{}, { "token": [] }])),
        Policy::Needs { role, scope } => {
            let ejs = match scope {
                EjScope::Visible => "about the EJs that the token reaches",
                EjScope::Path => "the EJ of the path, which is 404 to others",
                EjScope::Channel => "every EJ of the channel, which is 404 to others",
                EjScope::Every => "the token reaches every EJ",
            };
            let role = match scope {
                EjScope::Channel => "sender, or operator and above".to_owned(),
                _ => format!("{role} or above"),
            };
            (format!("Role {role}; {ejs}."), json!([{ "token": [] }]))
        }
    };
    let mut operation = json!({
        "operationId": name(route),
        "summary": told.summary,
        "description": may,
        "parameters": parameters,
        "responses": answers,
        "security": security,
    });
    if route.takes == Takes::Message {
        let message = json!({ "schema": { "type": "string" } });
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/hl7-v2": message } });
    }
    operation
}

/// `get_api_ejs_held`; of one thing in a list `get_api_channels_by_id`.
fn name(route: &Route) -> String {
    let words = route.path.split(['/', '.']).filter(|w| !w.is_empty() && !w.starts_with('{'));
    let words: Vec<&str> = words.collect();
    let words = if words.is_empty() { "console".to_owned() } else { words.join("_") };
    let one = route.path.rsplit_once("/{").and_then(|(_, last)| last.strip_suffix('}'));
    let by = one.map_or(String::new(), |one| format!("_by_{one}"));
    format!("{}_{words}{by}", route.method.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_that_is_no_fhir_is_described_under_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for route in routes::table().iter().filter(|route| is_described(route)) {
            let operation = operation(route);
            assert_ne!(operation["summary"], "", "{}: say what it is in described.rs", route.path);
            assert!(names.insert(name(route)), "{}", name(route));
        }
        assert!(names.contains("get_api_openapi_json"));
    }
}
