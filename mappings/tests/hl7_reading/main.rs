//! HL7 v2 reading: by example, by property, under havoc, against an oracle and on real feeds.

#![allow(clippy::unwrap_used)] // Clippy allows it in `#[test]` functions, not in what they share.

mod charset;
mod corpus;
mod datatypes;
mod havoc;
mod header;
mod index;
mod oracle;
mod properties;
mod samples;
mod walk;
