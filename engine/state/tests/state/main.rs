//! The state against a naive model: lookups, searches, pages under change, and every way to
//! lose the store.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod beside;
mod cut;
mod damage;
mod joined;
mod layout;
mod lockstep;
mod model;
mod pinned;
mod recovery;
mod rights;
mod runner;
mod world;
