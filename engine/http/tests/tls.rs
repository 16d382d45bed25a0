//! TLS, with a certificate made by the openssl program (skipped, visibly, where there is none).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "test code")]

mod support;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use sluice_http::role::Role;
use sluice_http::{BindError, HttpSettings, Server};
use support::{Lane, Running, TestVitals, deps, settings};

/// A certificate for `localhost`; `None` where openssl is not installed.
fn certified(folder: &Path) -> Option<HttpSettings> {
    let mut settings = settings();
    settings.tls.certificate = folder.join("cert.pem");
    settings.tls.key = folder.join("key.pem");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .arg("-keyout")
        .arg(&settings.tls.key)
        .arg("-out")
        .arg(&settings.tls.certificate)
        .stderr(Stdio::null())
        .status();
    match made {
        Ok(status) if status.success() => Some(settings),
        _ => {
            println!("skipped: openssl made no certificate");
            None
        }
    }
}

/// What `openssl s_client` gets for a request, and whether the handshake came about.
fn over_tls(server: &Running, arguments: &[&str], request: &str) -> (bool, String) {
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", &server.address.to_string()])
        .args(["-servername", "localhost", "-CAfile"])
        .arg(server.folder.path().join("cert.pem"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = client.stdin.take().unwrap();
    // A client that was refused is gone already.
    let _ = stdin.write_all(request.as_bytes());
    let mut text = String::new();
    client.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    drop(stdin);
    (client.wait().unwrap().success(), text)
}

#[test]
fn a_read_goes_over_tls_1_2_and_1_3_and_older_or_plain_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some(settings) = certified(folder.path()) else { return };
    let server = Running::start_in(folder, settings);
    let token = server.token(Role::Reader, &["EJ1"]);
    let id = Lane::of(&server, "EJ1").patient(1, "Durand");
    let path = format!("/fhir/R4/Patient?_id={id}");
    let request = support::head("GET", &path, Some(&token), &[]) + "Connection: close\r\n\r\n";

    for version in ["-tls1_2", "-tls1_3"] {
        let (_, text) = over_tls(&server, &[version, "-verify_return_error"], &request);
        assert!(text.starts_with("HTTP/1.1 200"), "{version}: {text}");
        assert!(text.contains("https://localhost/fhir/R4/Patient"), "links say https");
    }
    for version in ["-tls1", "-tls1_1"] {
        let (_, text) = over_tls(&server, &[version], &request);
        assert!(!text.contains("HTTP/1.1"), "{version}: {text}");
    }
    let weak = ["-tls1_2", "-cipher", "AES128-SHA:AES256-SHA"];
    assert!(!over_tls(&server, &weak, &request).1.contains("HTTP/1.1"));

    let mut plain = server.connect();
    plain.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1"));
}

#[test]
fn a_handshake_that_does_not_go_on_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut settings) = certified(folder.path()) else { return };
    settings.handshake_timeout_ms = 300;
    let server = Running::start_in(folder, settings);
    let mut silent: Vec<_> = (0..10).map(|_| server.connect()).collect();
    let request = support::head("GET", "/health/live", None, &[]) + "Connection: close\r\n\r\n";
    let (_, text) = over_tls(&server, &[], &request);
    assert!(text.starts_with("HTTP/1.1 200"));
    for stream in &mut silent {
        // Closed by the server, with an alert or without.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

#[tokio::test]
async fn off_loopback_tls_alone_is_not_enough_and_with_a_token_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut settings) = certified(folder.path()) else { return };
    settings.address = "0.0.0.0:0".parse().unwrap();
    let vitals = std::sync::Arc::new(TestVitals::default());
    let bind = || Server::bind(settings.clone(), deps(folder.path(), &vitals));
    let refusal = bind().await.err().unwrap();
    assert!(matches!(refusal, BindError::NeedsTokens { .. }));
    assert!(refusal.to_string().contains("sluice token create"));

    let tokens = sluice_http::Tokens::open(folder.path()).unwrap();
    let issued = tokens
        .create(sluice_http::tokens::NewToken {
            role: Role::Reader,
            reach: sluice_http::role::Reach::All,
            expires: None,
        })
        .unwrap();
    assert!(!bind().await.unwrap().is_open());
    tokens.revoke(&issued.info.id).unwrap();
    assert!(matches!(bind().await.err().unwrap(), BindError::NeedsTokens { .. }));
}
