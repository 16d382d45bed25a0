//! What is played and told of it, by the binary itself: what it refuses and how, what it finds out
//! about an engine, and that nothing of a message gets into what it tells.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audits;
mod binary;
mod canary;
mod files;
mod runs;
#[path = "../support/mod.rs"]
mod support;
mod wrong_usage;
