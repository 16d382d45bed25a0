//! What other programs make of an export: all of it, in every coding that they take.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "test code")]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use support::{Lane, Running, settings};

const PATH: &str = "/ej/EJ1/export/patients";

/// More than one chunk, and more than a client's buffer.
fn served() -> (Running, Vec<u8>) {
    let server = Running::start(settings());
    let mut lane = Lane::of(&server, "EJ1");
    for number in 0..700 {
        lane.patient(number, "Durand");
    }
    let ndjson = [("Accept", "application/fhir+ndjson")];
    let plain = server.request("GET", PATH, None, &ndjson, b"").body;
    (server, plain)
}

/// Runs a program; `None` where it, or what it needs, is not installed.
fn output(program: &str, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    const NOT_INSTALLED: i32 = 77;
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: {program} is not installed");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // One that needs no input may be gone already.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NOT_INSTALLED) {
        println!("skipped: {}", told.trim());
        return None;
    }
    assert!(output.status.success(), "{program}: {told}");
    Some(output.stdout)
}

/// A Python program that begins with the import of what may not be there.
fn python(module: &str, program: &str, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let whole = format!(
        "import sys\ntry:\n    import {module}\nexcept ImportError:\n    \
         sys.exit(print('{module} is not installed', file=sys.stderr) or 77)\n{program}"
    );
    let mut all = vec!["-c", &whole];
    all.extend(arguments);
    output("python3", &all, input)
}

#[test]
fn http_clients_read_a_gzip_export_whole() {
    let (server, plain) = served();
    let url = format!("http://{}{PATH}", server.address);
    let check = |name: &str, read: Option<Vec<u8>>| {
        if let Some(read) = read {
            assert!(read == plain, "{name}: {} bytes of {}", read.len(), plain.len());
        }
    };
    let accept = "Accept: application/fhir+ndjson";
    check("curl", output("curl", &["-sS", "--fail", "--compressed", "-H", accept, &url], b""));
    for (module, program) in [
        (
            "requests",
            "r = requests.get(sys.argv[1], headers={'Accept': 'application/fhir+ndjson'})\n\
             assert 'gzip' in r.headers['Content-Encoding']\n\
             sys.stdout.buffer.write(r.content)",
        ),
        (
            "httpx",
            "r = httpx.get(sys.argv[1], headers={'Accept': 'application/fhir+ndjson'})\n\
             assert 'gzip' in r.headers['Content-Encoding']\n\
             sys.stdout.buffer.write(r.content)",
        ),
        (
            "aiohttp",
            "import asyncio\n\
             async def main():\n    \
                 async with aiohttp.ClientSession() as s:\n        \
                     async with s.get(sys.argv[1], headers={'Accept': 'application/fhir+ndjson'}) as r:\n            \
                         assert 'gzip' in r.headers['Content-Encoding']\n            \
                         sys.stdout.buffer.write(await r.read())\n\
             asyncio.run(main())",
        ),
    ] {
        check(module, python(module, program, &[&url], b""));
    }
    let node = "if (typeof fetch === 'undefined') process.exit(77);\
        fetch(process.argv[1], {headers: {Accept: 'application/fhir+ndjson', 'Accept-Encoding': 'gzip'}})\
        .then(async r => { if (r.headers.get('content-encoding') !== 'gzip') throw r.headers;\
        process.stdout.write(Buffer.from(await r.arrayBuffer())) })";
    check("node", output("node", &["-e", node, "--", &url], b""));
}

#[test]
fn decompressors_read_a_gzip_export_as_one_member() {
    let (server, plain) = served();
    let headers = [("Accept", "application/fhir+ndjson"), ("Accept-Encoding", "gzip")];
    let packed = server.request("GET", PATH, None, &headers, b"").body;
    // The second is what httpx and urllib3 do: one decompressor, and what comes after its end is
    // lost.
    for (module, program) in [
        ("gzip", "sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))"),
        (
            "zlib",
            "d = zlib.decompressobj(31); o = d.decompress(sys.stdin.buffer.read())\n\
             assert d.eof and not d.unused_data\nsys.stdout.buffer.write(o)",
        ),
    ] {
        if let Some(read) = python(module, program, &[], &packed) {
            assert!(read == plain, "{module}");
        }
    }
}

#[test]
fn decompressors_read_a_zstd_export_whole_and_gzip_goes_first() {
    let (server, plain) = served();
    let ndjson = ("Accept", "application/fhir+ndjson");
    let headers = [ndjson, ("Accept-Encoding", "gzip;q=0.9, zstd")];
    let packed = server.request("GET", PATH, None, &headers, b"");
    assert_eq!(packed.header("content-encoding"), Some("zstd"));
    if let Some(read) = output("zstd", &["-d", "-c", "-q"], &packed.body) {
        assert!(read == plain, "zstd");
    }
    let program = "r = zstandard.ZstdDecompressor().stream_reader(sys.stdin.buffer, read_across_frames=True)\n\
                   sys.stdout.buffer.write(r.read())";
    if let Some(read) = python("zstandard", program, &[], &packed.body) {
        assert!(read == plain, "zstandard");
    }
    // Where both are liked alike: not every client reads on after one frame.
    let headers = [ndjson, ("Accept-Encoding", "gzip, deflate, br, zstd")];
    let packed = server.request("GET", PATH, None, &headers, b"");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
}
