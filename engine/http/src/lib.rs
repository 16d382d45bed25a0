//! The HTTP face: FHIR reads, searches and exports, metrics, health and the page for people.
//!
//! It reads the state and never writes it. Every route stands in one table ([`routes::table`])
//! with who may call it; limits and that check come before any body is read ([`gate`]). Bytes are
//! rendered once per version of a record and kept within a bound.

mod acts;
mod alerts;
mod app;
mod bulk;
mod cache;
mod call;
mod channels;
mod connections;
mod cursor;
mod delivery;
mod export;
mod fault;
mod fhir;
mod gate;
mod host;
mod inbound;
mod instruments;
mod json;
mod messages;
mod negotiate;
mod openapi;
mod ops;
mod past;
mod query;
pub mod role;
pub mod routes;
mod server;
pub mod settings;
mod stall;
mod timing;
mod tls;
pub mod tokens;
mod vitals;

pub use acts::{ActDesk, ActTold, Acts, CacheAct, NotRecorded};
pub use alerts::AlertDesk;
pub use app::Deps;
pub use channels::{BadChannelFile, ChannelAct, ChannelDesk, ChannelTold, ReloadTold};
pub use cursor::{CursorKey, KeyError};
pub use delivery::{DeliveryDesk, LetterAct, LetterPlace, LetterTold, LettersPage, QueueTold};
pub use inbound::{Inbound, Post, Posted, PostedFuture, Way};
pub use instruments::describe_metrics;
pub use messages::{
    AckTold, Again, MessageDesk, MessageLine, MessageShown, MessagesAsked, MessagesFound, NotAgain,
    NotFound,
};
pub use past::{Forgotten, MessageTold, Past, Version, Walk, WalkFrom, Walked};
pub use server::{BindError, Server};
pub use settings::{HttpSettings, SearchHandling};
pub use tls::TlsError;
pub use tokens::Tokens;
pub use vitals::{Reason, Vitals};
