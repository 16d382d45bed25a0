//! `sluice token`: who may read.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use sluice_http::role::{Reach, Role};
use sluice_http::tokens::{NewToken, TokenInfo, Tokens};
use sluice_ids::EjId;

use crate::cli::{self, ConfigArgs};
use crate::exit::{Failure, NOT_SO, Outcome, USAGE};

pub fn run(arguments: cli::Token) -> Outcome {
    match arguments {
        cli::Token::Create { config, role, ejs, all_ejs, expires } => {
            create(&config, role, &ejs, all_ejs, expires.as_deref())
        }
        cli::Token::List { config, json } => list(&config, json),
        cli::Token::Revoke { config, id } => {
            let revoked = open(&config)?.0.revoke(&id)?;
            println!(
                "{} ({}) is revoked; a running server knows within a second",
                revoked.id, revoked.role
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn open(arguments: &ConfigArgs) -> Result<(Tokens, sluice_config::Config), Failure> {
    let config = super::load(arguments, None)?.config;
    std::fs::create_dir_all(&config.data_dir)?;
    Ok((Tokens::open(&config.data_dir)?, config))
}

fn create(
    arguments: &ConfigArgs,
    role: cli::Role,
    ejs: &[String],
    all_ejs: bool,
    expires: Option<&str>,
) -> Outcome {
    let (tokens, config) = open(arguments)?;
    let reach = if all_ejs { Reach::All } else { Reach::only(known(ejs, &config)?) };
    let expires = expires.map(expiry).transpose()?;
    let issued = tokens.create(NewToken { role: role.into(), reach, expires })?;
    // The secret alone on standard output, so that a script can take it.
    eprintln!("{}", line(&issued.info));
    eprintln!("the token is shown this once:");
    println!("{}", issued.secret);
    Ok(ExitCode::SUCCESS)
}

fn known(ejs: &[String], config: &sluice_config::Config) -> Result<Vec<EjId>, Failure> {
    ejs.iter()
        .map(|name| {
            let ej = EjId::new(name)
                .map_err(|error| Failure::new(USAGE, format!("--ej {name}: {error}")))?;
            if config.ej.iter().any(|declared| declared.id == ej) {
                return Ok(ej);
            }
            let declared: Vec<&str> = config.ej.iter().map(|ej| ej.id.as_str()).collect();
            let declared = if declared.is_empty() {
                "none; --config FILE says where they are".to_owned()
            } else {
                declared.join(", ")
            };
            Err(Failure::new(
                NOT_SO,
                format!("--ej {name}: not a declared EJ (declared: {declared})"),
            ))
        })
        .collect()
}

/// `12h`, `90d`, `2w` from now, in seconds since 1970; `never` is said by leaving it out.
fn expiry(span: &str) -> Result<i64, Failure> {
    let wrong = || {
        Failure::new(USAGE, format!("--expires {span}: needs a number and m, h, d or w, e.g. 90d"))
    };
    let unit = match span.chars().last().ok_or_else(wrong)? {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    let count: i64 = span[..span.len() - 1].parse().map_err(|_| wrong())?;
    let seconds = count.checked_mul(unit).filter(|s| *s > 0).ok_or_else(wrong)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    now.checked_add(seconds).ok_or_else(wrong)
}

fn list(arguments: &ConfigArgs, json: bool) -> Outcome {
    let tokens = open(arguments)?.0.list()?;
    if json {
        let all: Vec<_> = tokens
            .iter()
            .map(|t| {
                serde_json::json!({
                    "id": t.id, "role": t.role, "ejs": reach(&t.reach), "created": t.created,
                    "expires": t.expires, "revoked": t.revoked,
                })
            })
            .collect();
        println!("{}", serde_json::Value::Array(all));
    } else if tokens.is_empty() {
        println!("no token");
    } else {
        for token in &tokens {
            println!("{}", line(token));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(token: &TokenInfo) -> String {
    let end = match (token.revoked, token.expires) {
        (Some(at), _) => format!("revoked {}", day(at)),
        (None, Some(at)) => format!("expires {}", day(at)),
        (None, None) => "never expires".to_owned(),
    };
    format!(
        "{}  {:<13}  {:<20}  made {}  {end}",
        token.id,
        token.role,
        reach(&token.reach),
        day(token.created)
    )
}

fn reach(reach: &Reach) -> String {
    match reach {
        Reach::All => "all EJs".to_owned(),
        Reach::Only(ejs) => ejs.iter().map(EjId::as_str).collect::<Vec<_>>().join(","),
    }
}

fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

impl From<cli::Role> for Role {
    fn from(role: cli::Role) -> Self {
        match role {
            cli::Role::Sender => Self::Sender,
            cli::Role::Monitor => Self::Monitor,
            cli::Role::Reader => Self::Reader,
            cli::Role::Exporter => Self::Exporter,
            cli::Role::Operator => Self::Operator,
            cli::Role::Administrator => Self::Administrator,
        }
    }
}

impl From<sluice_http::tokens::TokenError> for Failure {
    fn from(error: sluice_http::tokens::TokenError) -> Self {
        Self::new(NOT_SO, error.to_string())
    }
}
