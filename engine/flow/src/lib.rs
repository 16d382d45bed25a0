//! The flow from the channels to the journal, and from the journal to the state.
//!
//! - [`Flow::intake`]: a message is judged, journaled, and only then answered.
//! - One ordered lane per EJ folds the journal into the state.
//! - The decision that counts is the fold's: it depends on the journal alone.

mod clock;
mod digests;
mod epoch;
mod keys;
mod settings;

mod identity;
mod judge;

mod control_ids;
mod window;

mod acts;
mod delivery;
mod ended;
mod fold;
mod intake;
mod lane;
mod ledger;
mod measures;
mod messages;
mod operator;
mod past;
mod progress;
mod retention;
mod telling;
mod walk;

mod flow;

pub use acts::{DeadLetter, Reason};
pub use delivery::{Delivery, Doing, Lease, Letter, ProcessLock, QueueTold, Way};
pub use flow::{Flow, Parts, ReconfigureError, StartError};
pub use fold::Apply;
pub use judge::judge_alone;
pub use keys::{control_id_hash, keys_of, patient_hash};
pub use ledger::{Brought, Line, MessagesAsked, MessagesFound, Outcome, Severe};
pub use measures::describe_metrics;
pub use messages::{Ack, Again, MessageShown, RedoError};
pub use operator::{Act, Deed, NotRecorded, Recorded};
pub use past::{MessageTold, Past, PastError};
pub use progress::{Halt, Standing};
pub use settings::{FlowSettings, Unserved};
pub use walk::{Made, Version, Walk, WalkFrom, Walked};
