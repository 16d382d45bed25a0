//! What each route is for, takes and answers, in the words of OpenAPI.

use serde_json::{Value, json};

use crate::routes::Route;

pub(super) struct Described {
    pub(super) summary: &'static str,
    /// Those of the query.
    pub(super) parameters: Vec<Value>,
    /// By status.
    pub(super) answers: Value,
}

pub(super) fn of(route: &Route) -> Described {
    let (summary, answers) = match (route.method.as_str(), route.path) {
        (_, "/") => ("The console: one page for people", text("text/html", "The page")),
        (_, "/metrics") => ("Metrics for Prometheus", text("text/plain", "Text format 0.0.4")),
        (_, "/api/openapi.json") => ("This document", ok(&json!({ "type": "object" }))),
        (_, "/health/live") => ("Whether the process answers", ok(&schema("Live"))),
        (_, "/health/ready") => {
            let mut answers = ok(&schema("Ready"));
            answers["503"] = answer("Not ready, and why", "application/json", &schema("Ready"));
            ("Whether messages are taken and reads are answered", answers)
        }
        (_, "/api/status") => {
            ("What each EJ holds, and how far it is behind", ok(&schema("Status")))
        }
        (_, "/api/metrics/cache") => {
            ("What is kept rendered, and how often it served", ok(&schema("Caches")))
        }
        (_, "/api/cache/clear") => ("Forget what was rendered", ok(&schema("Cleared"))),
        (_, "/api/cache/warm") => (
            "Build the exports that are not kept, in the background",
            json!({ "202": answer("It is begun, unless the caches are off", "application/json", &schema("Warming")) }),
        ),
        (_, "/api/ejs/{ej}/messages") => {
            let names = [
                "channel",
                "event",
                "control_id",
                "patient",
                "visit",
                "verdict",
                "outcome",
                "brought",
                "of",
                "from",
                "to",
                "before",
                "count",
            ];
            return Described {
                summary: "The messages of an EJ, the newest first, by what they are found by",
                parameters: named(&names),
                answers: ok(&schema("Messages")),
            };
        }
        (_, "/api/ejs/{ej}/messages/_search") => {
            ("The same, by a form: a patient's number stands in no URL", ok(&schema("Messages")))
        }
        (_, "/api/ejs/{ej}/messages/reprocess") => (
            "Have messages applied again: { messages: [seq…] }, or what a list is asked with; dry_run",
            ok(&json!({ "type": "object" })),
        ),
        (_, "/api/ejs/{ej}/messages/{id}") => (
            "A message as it came, what was answered, what it did, and what became of it",
            ok(&schema("Message")),
        ),
        (_, "/api/ejs/{ej}/messages/{id}/resend") => (
            "Have a message applied as it was edited: { raw: its bytes in base64 }",
            ok(&json!({ "type": "object" })),
        ),
        (_, "/api/queues") => {
            ("What waits for each destination, and how it stands", ok(&schema("Queues")))
        }
        (_, "/api/ejs/{ej}/dead-letters") => {
            return Described {
                summary: "The messages that were set aside and are open, the oldest first",
                parameters: named(&["after", "count"]),
                answers: ok(&schema("DeadLetters")),
            };
        }
        (_, "/api/ejs/{ej}/dead-letters/{id}") => {
            ("One message that was set aside", ok(&schema("DeadLetter")))
        }
        (_, "/api/ejs/{ej}/dead-letters/{id}/retry") => (
            "Deliver it again, or fold it anew",
            json!({ "202": answer("It is recorded, and begun", "application/json", &json!({ "type": "object" })) }),
        ),
        (_, "/api/ejs/{ej}/dead-letters/{id}/discard") => (
            "Close it without delivering it: { reason: why, in 1 to 500 bytes }",
            ok(&json!({ "type": "object" })),
        ),
        (_, "/api/channels") => ("The channels, and how each stands", ok(&schema("Channels"))),
        (_, "/api/channels/{id}") => ("How a channel stands", ok(&schema("Channel"))),
        (_, "/api/channels/{id}/start") => ("Have a channel take messages", ok(&schema("Channel"))),
        (_, "/api/channels/{id}/stop") => ("Close a channel", ok(&schema("Channel"))),
        (_, "/api/channels/{id}/pause") => {
            ("Keep a channel's connections, and read nothing from them", ok(&schema("Channel")))
        }
        (_, "/api/channels/{id}/destinations/{destination}/start") => {
            ("Have a destination send again", ok(&schema("Queues")))
        }
        (_, "/api/channels/{id}/destinations/{destination}/pause") => {
            ("Have a destination send nothing until it is started", ok(&schema("Queues")))
        }
        (_, "/api/channels/reload") => {
            let mut answers = ok(&schema("Reloaded"));
            let about = "Nothing changed, and why";
            answers["422"] = answer(about, "application/json", &json!({ "type": "object" }));
            ("Read the channel files again", answers)
        }
        (_, "/api/alerts") => ("What is beyond its limit now", ok(&schema("Alerts"))),
        (_, "/api/acts") => {
            return Described {
                summary: "What operators did, the newest first",
                parameters: named(&["ej", "act", "before", "count"]),
                answers: ok(&schema("Acts")),
            };
        }
        (_, "/api/ejs/{ej}/held") => {
            ("Movements of which only a cancel or an update has come", ok(&schema("Held")))
        }
        (_, "/api/ejs/{ej}/messages/{id}/issues") => {
            ("What became of a message, and what was found in it", ok(&schema("MessageTold")))
        }
        (_, "/channels/{id}") => {
            let mut answers = text("application/hl7-v2", "The acknowledgement, whatever it says");
            answers["204"] = json!({ "description": "The message asked for no acknowledgement" });
            answers["503"] = json!({ "description": "Not taken: send it again (Retry-After)" });
            ("Hand an HL7v2 message to a channel", answers)
        }
        ("GET", "/exports/{id}") => (
            "How far a bulk export is, and its manifest once it is done",
            json!({
                "200": answer("It is done", "application/json", &schema("Manifest")),
                "202": { "description": "It waits or is written (X-Progress, Retry-After)" },
            }),
        ),
        ("DELETE", "/exports/{id}") => (
            "End a bulk export and remove its files",
            json!({ "202": { "description": "It is gone" } }),
        ),
        (_, "/exports/{id}/files/{file}") => {
            let media = "application/fhir+ndjson";
            let mut answers = text(media, "The file");
            answers["206"] = answer("The range asked for", media, &json!({ "type": "string" }));
            answers["304"] = json!({ "description": "It never changes (If-None-Match)" });
            ("A file of a bulk export, whole or in parts", answers)
        }
        _ if route.path.starts_with("/ej/{ej}/export/") => return export(route),
        _ => ("", ok(&json!({}))),
    };
    Described { summary, parameters: Vec::new(), answers }
}

/// Of the query, all text.
fn named(names: &[&str]) -> Vec<Value> {
    let text = |name| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    names.iter().map(text).collect()
}

fn export(route: &Route) -> Described {
    let summary = match route.path.rsplit('/').next() {
        Some("structure") => "The structure of an EJ: Organizations and Locations",
        Some("patients") => "All Patients of an EJ",
        Some("venues") => "All Encounters of an EJ",
        _ => "",
    };
    let string = json!({ "type": "string" });
    let query = |name: &str, about: &str, schema: Value| json!({ "name": name, "in": "query", "description": about, "schema": schema });
    let format = json!({ "type": "string", "enum": ["json", "ndjson"] });
    let instant = json!({ "type": "string", "format": "date-time" });
    let parameters = vec![
        query(
            "fhir",
            "Version of FHIR",
            json!({ "type": "string", "enum": ["R4", "R5"], "default": "R4" }),
        ),
        query("_since", "Only what was changed then or later", instant),
        query("_format", "Instead of Accept", format),
    ];
    let answers = json!({
        "200": {
            "description": "A Bundle of type collection, or NDJSON",
            "content": {
                "application/fhir+json": { "schema": { "type": "object" } },
                "application/fhir+ndjson": { "schema": string },
                "application/ndjson": { "schema": string },
            },
        },
        "304": { "description": "It has not changed (If-None-Match)" },
    });
    Described { summary, parameters, answers }
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn ok(schema: &Value) -> Value {
    json!({ "200": answer("As asked", "application/json", schema) })
}

fn text(media: &str, about: &str) -> Value {
    json!({ "200": answer(about, media, &json!({ "type": "string" })) })
}

pub(super) fn answer(about: &str, media: &str, schema: &Value) -> Value {
    json!({ "description": about, "content": { media: { "schema": schema } } })
}

/// An object in which all of these are.
fn object(members: Value) -> Value {
    let names: Vec<&String> = members.as_object().into_iter().flat_map(|m| m.keys()).collect();
    json!({ "type": "object", "required": names, "properties": members })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

pub(super) fn schemas() -> Value {
    let (string, count, truth) = (
        json!({ "type": "string" }),
        json!({ "type": "integer", "minimum": 0 }),
        json!({ "type": "boolean" }),
    );
    let count_or_null = json!({ "type": ["integer", "null"] });
    let ratio = json!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 });
    let instant = json!({ "type": ["string", "null"], "format": "date-time" });
    let counts = json!({
        "entries": count, "bytes": count, "bytes_max": count, "hits": count, "misses": count,
        "rerendered": count, "evictions": count,
        "hit_ratio": object(json!({ "since_start": ratio, "1m": ratio, "15m": ratio })),
    });
    let files = list(object(json!({ "type": string, "url": string, "count": count })));
    let mut caches = counts.clone();
    for cache in ["resources", "chunks", "pages"] {
        caches[cache] = schema("Cache");
    }
    for switch in ["enabled", "warming"] {
        caches[switch] = truth.clone();
    }
    let text_or_null = json!({ "type": ["string", "null"] });
    let reason = json!({
        "type": "object",
        "required": ["code"],
        "properties": { "code": string, "text": string, "ej": string },
    });
    json!({
        "Error": object(json!({ "error": object(json!({ "code": string, "message": string })) })),
        "OperationOutcome": object(json!({ "resourceType": { "const": "OperationOutcome" }, "issue": list(json!({ "type": "object" })) })),
        "Live": object(json!({ "status": { "const": "live" } })),
        "Ready": {
            "type": "object",
            "required": ["status"],
            "properties": { "status": { "enum": ["ready", "not-ready"] }, "reasons": list(reason) },
        },
        "Status": object(json!({
            "version": string, "open": truth, "ready": truth,
            "ejs": list(object(json!({
                "id": string, "name": string, "patients": count, "encounters": count, "locations": count,
                "applied": count, "journaled": count_or_null, "lag": count_or_null,
            }))),
        })),
        "Cache": object(counts),
        "Caches": object(caches),
        "Cleared": object(json!({ "cleared": object(json!({ "resources": count, "chunks": count, "pages": count })) })),
        "Manifest": object(json!({
            "transactionTime": instant, "request": string, "requiresAccessToken": truth,
            "output": files, "deleted": files, "error": files,
        })),
        "Warming": object(json!({ "warming": truth })),
        "Message": json!({
            "allOf": [schema("MessageLine")],
            "required": ["ej", "raw", "text", "segments", "again", "deliveries"],
        }),
        "MessageLine": object(json!({
            "seq": count, "received_at": instant, "channel": string, "event": string,
            "control_id": string, "verdict": string, "became": string, "held": truth,
            "issues": count, "severity": { "type": ["string", "null"] }, "brought": string,
            "of": count_or_null,
        })),
        "Messages": object(json!({
            "ej": string, "messages": list(schema("MessageLine")), "next": count_or_null,
            "missing_through": count_or_null,
        })),
        "Channels": object(json!({
            "channels": list(json!({ "$ref": "#/components/schemas/Channel" })),
        })),
        "Channel": object(json!({
            "id": string, "ejs": list(string.clone()), "source": string,
            "address": { "type": ["string", "null"] },
            "state": { "type": "string", "enum": ["running", "paused", "stopped", "disabled", "failed"] },
            "file": { "type": ["string", "null"] },
            "problem": { "type": ["string", "null"] },
        })),
        "Reloaded": object(json!({
            "changed": list(string.clone()),
            "not_in_force": list(object(json!({
                "file": string, "problems": list(string.clone()),
            }))),
            "restart": list(string.clone()),
        })),
        "Alerts": object(json!({
            "alerts": list(object(json!({
                "alert": string, "of": string, "meaning": string, "since": instant,
                "value": { "type": "number" }, "limit": { "type": "number" },
            }))),
        })),
        "Acts": object(json!({
            "acts": list(json!({
                "type": "object",
                "required": ["act", "ej", "seq", "at", "by"],
                "properties": { "act": string, "ej": string, "seq": count, "at": instant, "by": string },
            })),
            "next": { "type": ["string", "null"] },
        })),
        "Queues": object(json!({
            "queues": list(object(json!({
                "ej": string, "channel": string, "destination": string,
                "type": { "enum": ["mllp", "fhir", "file", "webhook"] },
                "state": { "enum": ["running", "waiting", "paused", "stuck"] },
                "why": text_or_null, "cursor": count, "depth": count, "depth_is_exact": truth,
                "in_flight": count, "oldest": text_or_null,
                "delivered_per_s": { "type": "number", "minimum": 0 },
                "delivered_total": count, "dead_letters_total": count, "trouble": text_or_null,
            }))),
        })),
        "DeadLetters": object(json!({
            "ej": string, "total": count, "dead_letters": list(schema("DeadLetter")),
            "next": text_or_null,
        })),
        "DeadLetter": object(json!({
            "id": string, "seq": count, "kind": { "enum": ["not_delivered", "not_applied"] },
            "channel": text_or_null, "destination": text_or_null, "reason": string,
            "code": text_or_null, "since": instant, "retrying": truth,
        })),
        "Held": object(json!({
            "ej": string, "total": count,
            "held": list(object(json!({
                "kind": string, "event": string, "seq": count, "received_at": instant, "on": string,
            }))),
        })),
        "MessageTold": object(json!({
            "ej": string, "seq": count, "received_at": instant, "verdict": string, "became": string,
            "issues": list(object(json!({
                "code": string, "severity": { "enum": ["information", "warning", "error"] },
                "at": string, "meaning": string,
            }))),
        })),
    })
}
