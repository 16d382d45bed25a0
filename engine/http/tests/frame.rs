//! Who gets in, and what is refused before anything is read: over real sockets.

mod support;

use std::io::{Read, Write};

use sluice_http::role::{EjScope, Policy, Role};
use sluice_http::routes;
use sluice_http::{BindError, Reason, Server};
use support::{Answer, Running, TestVitals, deps, ej, head, settings};

/// A path of the route, with an EJ that exists and an id that does not.
fn concrete(template: &str, ej: &str) -> String {
    let path = template.replace("{ej}", ej).replace("{type}", "Patient");
    let path = path.replace("{vid}", "1").replace("{member}", "Encounter");
    let path = path.replace("{file}", "Patient-EJ1.ndjson").replace("{destination}", "lab");
    path.replace("{id}", "00000000-0000-5000-8000-000000000000")
}

#[test]
fn every_route_refuses_strangers_and_low_roles_before_any_body_is_sent() {
    let server = Running::start(settings());
    let tokens: Vec<(Role, String)> =
        Role::ALL.into_iter().map(|role| (role, server.token(role, &["*"]))).collect();
    for route in routes::table() {
        let path = concrete(route.path, "EJ1");
        // A body is promised and never comes: an answer can only have been made without it.
        let promised =
            [("Content-Length", "500"), ("Content-Type", "application/x-www-form-urlencoded")];
        let ask = |token: Option<&str>| {
            let mut stream = server.connect();
            let text = head(route.method.as_str(), &path, token, &promised) + "\r\n";
            stream.write_all(text.as_bytes()).unwrap();
            Answer::read(&mut stream, false)
        };
        let Policy::Needs { role: least, .. } = route.policy else {
            assert_ne!(ask(None).status, 401, "{path}");
            continue;
        };
        for token in [None, Some("slc_nonsense")] {
            let answer = ask(token);
            assert_eq!(answer.status, 401, "{path}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert_eq!(challenge.contains("invalid_token"), token.is_some(), "{path}");
        }
        for (role, token) in tokens.iter().filter(|(role, _)| *role < least) {
            assert_eq!(ask(Some(token)).status, 403, "{role} {path}");
        }
        // A role that may is not refused; where a form is read, it would wait for it.
        if route.method == "GET" {
            for (role, token) in tokens.iter().filter(|(role, _)| *role >= least) {
                let status = ask(Some(token)).status;
                assert!(!matches!(status, 401 | 403 | 405), "{role} {path}: {status}");
            }
        }
    }
}

#[test]
fn the_documentation_lists_the_routes_and_who_may_call_them() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/http.md");
    let text = std::fs::read_to_string(path).unwrap();
    let documented: Vec<&str> = text
        .lines()
        .filter(|line| ["| GET |", "| POST |", "| DELETE |"].iter().any(|m| line.starts_with(m)))
        .collect();
    let routed: Vec<String> = routes::table()
        .iter()
        .map(|route| {
            let (role, scope) = match route.policy {
                Policy::Public => ("public", "none"),
                Policy::Needs { role, scope } => (
                    role.name(),
                    match scope {
                        EjScope::Visible => "visible",
                        EjScope::Path => "path",
                        EjScope::Every => "every",
                        EjScope::Channel => "channel",
                    },
                ),
            };
            format!("| {} | `{}` | {role} | {scope} |", route.method, route.path)
        })
        .collect();
    assert_eq!(documented, routed);
}

#[test]
fn a_route_about_every_ej_is_closed_to_a_token_for_some() {
    let server = Running::start(settings());
    let one = server.token(Role::Administrator, &["EJ1"]);
    let both = server.token(Role::Administrator, &["EJ1", "EJ2"]);
    let mut seen = 0;
    for route in routes::table() {
        if !matches!(route.policy, Policy::Needs { scope: EjScope::Every, .. }) {
            continue;
        }
        seen += 1;
        let ask = |token| server.request(route.method.as_str(), route.path, Some(token), &[], b"");
        assert_eq!(ask(&one).status, 403, "{}", route.path);
        assert!(matches!(ask(&both).status, 200 | 202), "{}", route.path);
    }
    assert!(seen > 0);
}

#[test]
fn an_open_server_closes_for_good_once_a_token_is_made() {
    let server = Running::start(settings());
    assert_eq!(server.get("/metrics", None).status, 200);
    let token = server.token(Role::Monitor, &["*"]);
    assert_eq!(server.get("/metrics", None).status, 401);
    assert_eq!(server.get("/metrics", Some(&token)).status, 200);
    let tokens = sluice_http::Tokens::open(server.folder.path()).unwrap();
    tokens.revoke(&tokens.list().unwrap()[0].id).unwrap();
    assert_eq!(server.get("/metrics", Some(&token)).status, 401);
    std::fs::remove_file(server.folder.path().join("tokens.json")).unwrap();
    assert_eq!(server.get("/metrics", None).status, 401);
}

#[test]
fn a_required_authentication_is_required_on_loopback_too() {
    let mut settings = settings();
    settings.authentication = sluice_http::settings::Authentication::Required;
    let server = Running::start(settings);
    assert_eq!(server.get("/metrics", None).status, 401);
    assert_eq!(server.get("/health/live", None).status, 200);
}

#[test]
fn unknown_paths_and_methods_are_told_in_the_face_of_the_path() {
    let server = Running::start(settings());
    for path in ["/fhir/R4/Nothing", "/ej/EJ1/fhir/R4/Nothing", "/ej/EJ1/export/nothing"] {
        let answer = server.get(path, None);
        assert_eq!((answer.status, answer.is_outcome()), (404, true), "{path}");
    }
    let answer = server.get("/api/nothing", None);
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (404, Some("not-found")));
    let answer = server.request("DELETE", "/health/live", None, &[], b"");
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").unwrap().contains("GET"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn a_foreign_host_or_origin_is_refused() {
    let server = Running::start(settings());
    let ask = |headers: &[(&str, &str)], method| {
        server.request(method, "/health/live", None, headers, b"").status
    };
    assert_eq!(ask(&[("Host", "evil.example")], "GET"), 421);
    assert_eq!(ask(&[("Host", "localhost"), ("Host", "localhost")], "GET"), 400);
    assert_eq!(ask(&[("Origin", "http://evil.example")], "POST"), 403);
    assert_eq!(ask(&[("Origin", "null")], "POST"), 403);
    assert_eq!(ask(&[("Origin", "http://evil.example")], "GET"), 200);
}

#[test]
fn limits_on_target_and_header_are_answered_and_the_server_goes_on() {
    let mut settings = settings();
    settings.uri_bytes_max = 1000;
    let server = Running::start(settings);
    let answer = server.get(&format!("/fhir/R4/Patient?name={}", "a".repeat(1000)), None);
    assert_eq!((answer.status, answer.is_outcome()), (414, true));
    let big = "b".repeat(40_000);
    assert_eq!(server.request("GET", "/health/live", None, &[("X-Big", &big)], b"").status, 431);
    assert_eq!(server.get("/health/live", None).status, 200);
}

#[test]
fn a_request_whose_end_is_ambiguous_yields_one_answer_at_most() {
    let server = Running::start(settings());
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let second = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (framing, body, refused) in [
        (vec![("Content-Length", "5"), ("Transfer-Encoding", "chunked")], "0\r\n\r\n", false),
        (vec![("Content-Length", "0"), ("Content-Length", "5")], "abcde", true),
        (vec![("Transfer-Encoding", "xchunked")], "0\r\n\r\n", true),
        (vec![("Transfer-Encoding", "identity"), ("Content-Length", "0")], "", true),
        (vec![("Content-Length", "+5")], "abcde", true),
    ] {
        let headers = [vec![form], framing.clone()].concat();
        let mut stream = server.connect();
        let text = head("POST", "/fhir/R4/Patient/_search", None, &headers);
        // A server that was not sure closes: it may do so before all is written.
        let _ = stream.write_all(format!("{text}\r\n{body}{second}").as_bytes());
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers);
        let answers = String::from_utf8_lossy(&answers);
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{framing:?}: {answers}");
        assert_eq!(answers.starts_with("HTTP/1.1 400"), refused, "{framing:?}: {answers}");
    }
}

#[test]
fn a_header_that_drips_is_cut_off_and_others_are_served_meanwhile() {
    let mut settings = settings();
    settings.header_timeout_ms = 300;
    let server = Running::start(settings);
    let mut slow: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: local").unwrap();
            stream
        })
        .collect();
    assert_eq!(server.get("/health/live", None).status, 200);
    for stream in &mut slow {
        let mut rest = Vec::new();
        // Closed by the server: the read ends, with whatever it still said.
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
    assert_eq!(server.get("/health/live", None).status, 200);
}

#[test]
fn a_connection_above_the_limit_is_turned_away_while_the_others_are_being_answered() {
    let mut settings = settings();
    settings.connections_per_peer_max = 2;
    let server = Running::start(settings);
    // Both wait for a body that is promised: neither rests.
    let head = head(
        "POST",
        "/fhir/R4/Patient/_search",
        None,
        &[("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "6")],
    ) + "\r\n";
    let mut waiting: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let mut third = server.connect();
    let mut refusal = Vec::new();
    let _ = third.read_to_end(&mut refusal);
    assert!(refusal.is_empty() || refusal.starts_with(b"HTTP/1.1 503"));
    for stream in &mut waiting {
        stream.write_all(b"name=a").unwrap();
        assert_eq!(Answer::read(stream, false).status, 200);
    }
}

#[test]
fn idle_and_dripping_connections_keep_nobody_out() {
    let mut settings = settings();
    settings.connections_max = 20;
    let server = Running::start(settings);
    let mut idle: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"GET /health/live HTTP/1.1\r\n").unwrap();
            stream
        })
        .collect();
    // They rest for a second before one can be taken for idle; until then newcomers get 503.
    let ask = || {
        let mut stream = server.connect();
        let text = head("GET", "/health/live", None, &[]) + "Connection: close\r\n\r\n";
        let _ = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer.starts_with(b"HTTP/1.1 200")
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !ask() {
        assert!(std::time::Instant::now() < deadline, "kept out");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // The header's deadline, 15 s, has not passed: the first one made room.
    let _ = idle[0].read_to_end(&mut Vec::new());
}

#[test]
fn readiness_tells_texts_and_ejs_only_to_those_who_may_know() {
    let server = Running::start(settings());
    assert_eq!(server.get("/health/ready", None).status, 200);
    *server.vitals.reasons.lock() = vec![
        Reason { code: "damaged", ej: Some(ej("EJ1")), text: "segment 3".into() },
        Reason { code: "damaged", ej: Some(ej("EJ2")), text: "segment 9".into() },
    ];
    let token = server.token(Role::Monitor, &["EJ2"]);
    let answer = server.get("/health/ready", None);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["reasons"], serde_json::json!([{ "code": "damaged" }]));
    let told = server.get("/health/ready", Some(&token)).text();
    assert!(told.contains("segment 9") && told.contains("EJ2"));
    assert!(!told.contains("segment 3") && !told.contains("EJ1"));
}

#[test]
fn an_ej_that_is_still_folded_is_not_shown_short_and_the_others_are_shown() {
    let server = Running::start(settings());
    *server.vitals.folding.lock() = vec![ej("EJ2")];
    for path in ["/fhir/R4/Patient", "/ej/EJ2/fhir/R4/Encounter", "/ej/EJ2/export/patients"] {
        let answer = server.get(path, None);
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.json()["issue"][0]["code"], "transient", "{path}");
    }
    for path in ["/ej/EJ1/fhir/R4/Patient", "/fhir/R4/metadata", "/health/live", "/metrics"] {
        assert_eq!(server.get(path, None).status, 200, "{path}");
    }
    let token = server.token(Role::Reader, &["EJ1"]);
    assert_eq!(server.get("/fhir/R4/Patient", Some(&token)).status, 200);
    server.vitals.folding.lock().clear();
    assert_eq!(server.get("/ej/EJ1/fhir/R4/Patient", Some(&token)).status, 200);
}

#[test]
fn a_stop_lets_the_answer_under_way_finish_and_refuses_new_connections() {
    let mut server = Running::start(settings());
    let mut stream = server.connect();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(Answer::read(&mut stream, false).status, 200);
    server.stop.cancel();
    server.server.take().unwrap().join().unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    assert!(std::net::TcpStream::connect(server.address).is_err());
}

#[tokio::test]
async fn off_loopback_the_server_refuses_without_tls_and_without_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let vitals = std::sync::Arc::new(TestVitals::default());
    let mut settings = settings();
    settings.address = "0.0.0.0:0".parse().unwrap();
    let refusal = Server::bind(settings.clone(), deps(folder.path(), &vitals)).await.err().unwrap();
    assert!(matches!(refusal, BindError::NeedsTls { .. }));
    assert!(refusal.to_string().contains("http.tls.certificate"));

    settings.tls.certificate = folder.path().join("none.pem");
    settings.tls.key = folder.path().join("none.pem");
    let refusal = Server::bind(settings, deps(folder.path(), &vitals)).await.err().unwrap();
    assert!(refusal.to_string().contains("none.pem"));
}
