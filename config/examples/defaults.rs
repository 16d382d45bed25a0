//! Prints the defaults as TOML: where `config/sluice.toml` starts from.
#![allow(clippy::print_stdout)]

fn main() {
    match toml::to_string(&sluice_config::Config::default()) {
        Ok(text) => println!("{text}"),
        Err(error) => println!("{error}"),
    }
}
