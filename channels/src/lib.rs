//! How messages travel: sources (MLLP, folders, posts), acknowledgements, steps, destinations, and
//! the intake port that the engine's flow implements.
//!
//! A channel knows how to take a message and how to answer it; what a message *means*, and
//! whether it is kept, it does not know. [`intake::Intake`] is the one way between the two.

pub mod ack;
pub mod destinations;
pub mod folder;
pub mod intake;
pub mod mllp;
pub mod posted;
mod settings;
pub mod steps;
pub mod tls;

pub use ack::AckMode;
pub use settings::{ChannelSettings, MllpSettings, MllpSource, SourceSettings};
