//! `sluice check`: what is wrong with a configuration.

use std::process::ExitCode;

use sluice_config::{Config, ConfigError, Problem};
use sluice_http::Tokens;

use crate::cli;
use crate::exit::{NOT_SO, Outcome};

pub fn run(arguments: &cli::Check) -> Outcome {
    let loaded = super::load(&arguments.config, None).and_then(|loaded| {
        let problems = to_serve(&loaded.config);
        if problems.is_empty() { Ok(loaded) } else { Err(ConfigError { problems }) }
    });
    match loaded {
        Ok(loaded) if arguments.json => {
            println!(
                "{}",
                serde_json::json!({ "ok": true, "origin": loaded.origin, "problems": [] })
            );
            Ok(ExitCode::SUCCESS)
        }
        Ok(loaded) => {
            let config = loaded.config;
            println!(
                "ok: {}, {}, HTTP on {} (from {})",
                count(config.ej.len(), "EJ"),
                count(config.channel.len(), "channel"),
                config.http.address,
                loaded.origin
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if arguments.json => {
            let problems: Vec<_> = error
                .problems
                .iter()
                .map(|p| {
                    serde_json::json!({
                        "key": p.key, "source": p.source, "what": p.what, "nearest": p.nearest,
                    })
                })
                .collect();
            println!("{}", serde_json::json!({ "ok": false, "problems": problems }));
            Ok(ExitCode::from(NOT_SO))
        }
        Err(error) => {
            println!("{error}");
            Ok(ExitCode::from(NOT_SO))
        }
    }
}

/// What `serve` needs beyond a configuration that fits together.
fn to_serve(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |key: &str, what: &str| {
        let (key, source) = (key.to_owned(), String::new());
        problems.push(Problem { key, source, what: what.to_owned(), nearest: None });
    };
    if config.ej.is_empty() {
        add("ej", "no EJ is declared, so nothing could be served: write an [[ej]]");
    }
    if config.channel.is_empty() {
        add("channel", "none is declared, so nothing could be taken in: write a [[channel]]");
    }
    // Only looked at, never made: a check leaves no trace.
    let no_token = || {
        !config.data_dir.join("tokens.json").exists()
            || Tokens::open(&config.data_dir).is_ok_and(|tokens| !tokens.any_in_force())
    };
    if !config.http.address.ip().is_loopback() && no_token() {
        add(
            "http.address",
            "can be reached from other machines, so callers must be known: make a token first, \
             with `sluice token create` and this configuration",
        );
    }
    for (key, file) in [
        ("http.tls.certificate", &config.http.tls.certificate),
        ("http.tls.key", &config.http.tls.key),
    ] {
        if !file.as_os_str().is_empty()
            && let Err(error) = std::fs::File::open(file)
        {
            add(key, &format!("{}: {error}", file.display()));
        }
    }
    problems
}

fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
