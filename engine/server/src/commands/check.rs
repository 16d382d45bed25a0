//! `sluice check`: what is wrong with a configuration.

use std::process::ExitCode;

use crate::cli;
use crate::exit::{NOT_SO, Outcome};

pub fn run(arguments: &cli::Check) -> Outcome {
    match super::load(&arguments.config, None) {
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
                "ok: {} EJs, {} listeners, HTTP on {} (from {})",
                config.ej.len(),
                config.listener.len(),
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
