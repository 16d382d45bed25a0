//! Ways out: each takes one message and tells how it ended. Which message comes next, and what is
//! made of a refusal, the engine's flow decides.

mod auth;
mod breaker;
mod fhir;
mod file;
mod handshake;
mod http;
mod mllp;
mod open;
mod outcome;
mod settings;
mod webhook;

pub use breaker::{Breaker, Breakers, Pass};
pub use mllp::judge;
pub use open::{OpenError, open};
pub use outcome::{Body, Code, DeliverFuture, Destination, Outcome, Outgoing, Resource};
pub use settings::{
    DeliverySettings, DestinationSettings, FhirMode, FhirOut, FhirRelease, FileFormat, FileOut,
    From, MllpOut, OAuth2, TlsOut, WINDOW_MAX, WebhookOut,
};
pub use webhook::sign;
