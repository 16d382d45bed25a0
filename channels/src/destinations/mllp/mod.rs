//! MLLP out: one kept connection, many messages on it.
//!
//! - Messages leave in call order, as many before an answer as the caller gives.
//! - An answer belongs to the message whose MSH-10 its MSA-2 repeats; of several with one control
//!   id, to the oldest. One that belongs to none (a second one, a late one) is counted and ignored.
//! - A message that is not answered in time ends the connection, and everything on it was not
//!   delivered: whoever answered meanwhile is asked again, under the same control id.

mod answer;
mod connect;
mod session;

pub use answer::judge;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};

use super::open::OpenError;
use super::outcome::{Body, Code, DeliverFuture, Destination, Outcome, Outgoing};
use super::settings::{MllpOut, WINDOW_MAX};
use crate::mllp::{CR, FS, VT};
use connect::Connector;
use session::Session;

/// A message in line.
struct Job {
    control_id: String,
    frame: Bytes,
    tell: oneshot::Sender<Outcome>,
}

pub struct MllpDestination {
    jobs: mpsc::Sender<Job>,
}

impl MllpDestination {
    /// Its connection is made with the first message. Ends when it is dropped.
    pub fn start(settings: &MllpOut) -> Result<Self, OpenError> {
        let connector = Connector::new(settings)?;
        let (jobs, waiting) = mpsc::channel(WINDOW_MAX);
        tokio::spawn(Session::new(connector, settings, waiting).run());
        Ok(Self { jobs })
    }
}

impl Destination for MllpDestination {
    fn deliver(&self, outgoing: Outgoing) -> DeliverFuture {
        let Body::Message { encoded, control_id, .. } = outgoing.body else {
            return Box::pin(async { Outcome::Refused(Code::of("not a message")) });
        };
        let (tell, told) = oneshot::channel();
        let queued = self.jobs.try_send(Job { control_id, frame: framed(&encoded), tell });
        Box::pin(async move {
            if queued.is_err() {
                return Outcome::Unreached(Code::of("stopped"));
            }
            told.await.unwrap_or(Outcome::Unreached(Code::of("stopped")))
        })
    }
}

fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + 3);
    frame.put_u8(VT);
    frame.put_slice(message);
    frame.put_slice(&[FS, CR]);
    frame.freeze()
}
