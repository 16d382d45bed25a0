//! TLS on a listener, with certificates made by the openssl program and its client (skipped, visibly,
//! where there is none): who gets in, and for whom it may speak.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail")]
#![allow(clippy::print_stdout, reason = "what is skipped is said")]

mod support;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use sluice_channels::tls::{ClientSettings, TlsSettings};
use support::{Bench, adt};

fn openssl(folder: &Path, arguments: &str) -> bool {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder).stdin(Stdio::null());
    let output = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    output.is_ok_and(|status| status.success())
}

/// An authority `NAME.pem` with its key.
fn authority(folder: &Path, name: &str) -> bool {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -subj /CN={name} -keyout {name}.key -out {name}.pem"
        ),
    )
}

/// A certificate `NAME.pem` for that DNS name, of that authority, from `days` ago on or until then.
fn certificate(folder: &Path, name: &str, dns: &str, authority: &str, expired: bool) {
    let request = format!(
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} \
         -keyout {name}.key -out {name}.csr"
    );
    assert!(openssl(folder, &request));
    std::fs::write(folder.join("san"), format!("subjectAltName=DNS:{dns}\n")).unwrap();
    std::fs::write(folder.join("index"), "").unwrap();
    std::fs::write(
        folder.join("ca.cnf"),
        "[ca]\ndefault_ca = own\n[own]\ndatabase = index\nnew_certs_dir = .\npolicy = any\n\
         default_md = sha256\nrand_serial = yes\n[any]\ncommonName = supplied\n",
    )
    .unwrap();
    let dates = if expired {
        "-startdate 20200101000000Z -enddate 20200201000000Z"
    } else {
        "-startdate 20200101000000Z -enddate 20991231000000Z"
    };
    let sign = format!(
        "ca -batch -config ca.cnf -cert {authority}.pem -keyfile {authority}.key -in {name}.csr \
         -out {name}.pem -notext -extfile san {dates}"
    );
    assert!(openssl(folder, &sign));
}

/// What the server answers to one message: MSA-1 and ERR-3; `None` where it does not.
fn ask(folder: &Path, address: SocketAddr, arguments: &str, message: &str) -> Option<String> {
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", &address.to_string(), "-servername", "sluice"])
        .args(["-CAfile", "ours.pem", "-verify_return_error", "-verify_hostname", "sluice.test"])
        .args(arguments.split(' ').filter(|argument| !argument.is_empty()))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = client.stdin.take().unwrap();
    // A client that was refused may be gone already.
    let _ = stdin.write_all(format!("\x0b{message}\x1c\r").as_bytes());
    let mut answer = Vec::new();
    let mut out = client.stdout.take().unwrap();
    let mut byte = [0];
    while answer.last() != Some(&0x1c) && matches!(out.read(&mut byte), Ok(1)) {
        answer.push(byte[0]);
    }
    let _ = client.kill();
    client.wait().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let field = |name: &str, n: usize| {
        let line = answer.split('\r').find(|line| line.starts_with(name))?;
        line.split('|').nth(n).map(str::to_owned)
    };
    let code = field("MSA", 1)?;
    Some(match field("ERR", 3).and_then(|code| code.split('^').next().map(str::to_owned)) {
        Some(condition) => format!("{code} {condition}"),
        None => code,
    })
}

#[tokio::test]
async fn who_gets_in_and_for_whom_it_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    if !authority(at, "ours") {
        println!("skipped: openssl made no certificate");
        return;
    }
    assert!(authority(at, "others"));
    certificate(at, "server", "sluice.test", "ours", false);
    certificate(at, "his", "his.test", "ours", false);
    certificate(at, "lab", "lab.test", "ours", false);
    certificate(at, "late", "his.test", "ours", true);
    certificate(at, "stranger", "his.test", "others", false);
    let client = |name: &str, facility: &str| ClientSettings {
        name: name.to_owned(),
        facility: vec![facility.to_owned()],
    };
    let mut bench = Bench::new("TLS1");
    bench.tls = Some(TlsSettings {
        certificate: at.join("server.pem"),
        key: at.join("server.key"),
        client_ca: at.join("ours.pem"),
        client: vec![client("his.test", "SITE"), client("other.test", "SITE")],
    });
    let running = bench.start();
    let address = running.listening.address();
    let his = "-cert his.pem -key his.key";
    let foreign = adt("A01", "9").replace("|SITE|SLUICE", "|ELSEWHERE|SLUICE");
    let own = |n: u8| adt("A01", &n.to_string());
    let cases: [(&str, String, String, Option<&str>); 9] = [
        ("TLS 1.3", format!("{his} -tls1_3"), own(1), Some("AA")),
        ("TLS 1.2", format!("{his} -tls1_2"), own(2), Some("AA")),
        ("TLS 1.1", format!("{his} -tls1_1 -cipher DEFAULT@SECLEVEL=0"), own(3), None),
        ("no certificate", String::new(), own(4), None),
        ("expired", "-cert late.pem -key late.key".into(), own(5), None),
        ("another authority's", "-cert stranger.pem -key stranger.key".into(), own(6), None),
        ("no client of ours", "-cert lab.pem -key lab.key".into(), own(7), None),
        ("another's facility", his.into(), foreign, Some("AR 103")),
        ("and after all that", his.into(), own(8), Some("AA")),
    ];
    let folder_at = at.to_owned();
    let told = tokio::task::spawn_blocking(move || {
        let plain = std::net::TcpStream::connect(address).and_then(|mut stream| {
            stream.write_all(format!("\x0b{}\x1c\r", adt("A01", "plain")).as_bytes())?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).map(|_| answer)
        });
        assert!(plain.is_ok_and(|answer| !answer.contains(&0x0b)), "nothing in plain");
        cases.map(|(case, arguments, message, expected)| {
            (case, ask(&folder_at, address, &arguments, &message), expected)
        })
    });
    for (case, told, expected) in told.await.unwrap() {
        assert_eq!(told.as_deref(), expected, "{case}");
    }
    bench.folded(&running).await;
    assert_eq!(support::applied(bench.ej), ["1", "2", "8"]);
    for line in [
        "sluice_mllp_limits_hit_total{channel=\"test.mllp\",limit=\"client\"} 1",
        "sluice_mllp_limits_hit_total{channel=\"test.mllp\",limit=\"handshake\"} 5",
        "sluice_intake_verdicts_total{ej=\"TLS1\",verdict=\"sender_of_another_client\"} 1",
    ] {
        bench.assert_metric(line);
    }
}

#[tokio::test]
async fn a_renewed_certificate_serves_and_a_broken_one_does_not_stop_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_owned();
    if !authority(&at, "ours") {
        println!("skipped: openssl made no certificate");
        return;
    }
    certificate(&at, "server", "old.test", "ours", false);
    let mut bench = Bench::new("TLS2");
    bench.tls = Some(TlsSettings {
        certificate: at.join("server.pem"),
        key: at.join("server.key"),
        client_ca: std::path::PathBuf::new(),
        client: Vec::new(),
    });
    let running = bench.start();
    let (address, metrics) = (running.listening.address(), bench.metrics());
    tokio::task::spawn_blocking(move || {
        // The name in the certificate that is served decides whether the client goes on.
        let is_served = |name: &str, n: &str| {
            let expects = format!("-verify_hostname {name}");
            ask(&at, address, &expects, &adt("A01", n)).as_deref() == Some("AA")
        };
        let until_served = |name: &str, n: &str| {
            let begun = SystemTime::now();
            while !is_served(name, n) {
                assert!(begun.elapsed().unwrap() < Duration::from_secs(20), "{name} is not served");
            }
        };
        assert!(is_served("old.test", "1") && !is_served("new.test", "2"));
        std::fs::write(at.join("server.pem"), "none").unwrap();
        let failed = "sluice_mllp_tls_reload_failures_total{channel=\"test.mllp\"} 1";
        while !metrics.render().contains(failed) {
            assert!(is_served("old.test", "3"));
        }
        assert!(is_served("old.test", "3"));
        certificate(&at, "server", "new.test", "ours", false);
        until_served("new.test", "4");
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_closed_at_once() {
    let mut bench = Bench::new("ALLOW");
    bench.allow = vec!["10.0.0.0/8".parse().unwrap(), "fe80::/10".parse().unwrap()];
    let running = bench.start();
    let mut stream = std::net::TcpStream::connect(running.listening.address()).unwrap();
    let closed = tokio::task::spawn_blocking(move || stream.read(&mut [0]));
    assert!(matches!(closed.await.unwrap(), Ok(0) | Err(_)));
    bench.assert_metric("sluice_mllp_limits_hit_total{channel=\"test.mllp\",limit=\"address\"} 1");
    bench.allow.push("127.0.0.0/8".parse().unwrap());
    let running = bench.start();
    let told = support::Client::to(&running).await.ask(&adt("A01", "1")).await;
    assert_eq!(told.0, "AA");
}
