//! The kept connection: what waits goes out, answers come in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use metrics::{Counter, counter};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep_until, timeout};

use super::Job;
use super::answer::judge;
use super::connect::{Connector, Wire};
use crate::destinations::handshake::why;
use crate::destinations::outcome::{Code, Outcome};
use crate::destinations::settings::{MllpOut, ms};
use crate::mllp::{Event, FrameDecoder, FrameLimits};

/// An acknowledgement is under a kilobyte; one that repeats the message in ERR is not much longer.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Sent, and not answered.
struct Sent {
    control_id: String,
    due: Instant,
    tell: oneshot::Sender<Outcome>,
}

pub(super) struct Session {
    connector: Connector,
    jobs: mpsc::Receiver<Job>,
    connect_timeout: Duration,
    answer_timeout: Duration,
    idle_timeout: Duration,
    strays: Counter,
}

struct Connection {
    read: ReadHalf<Box<dyn Wire>>,
    write: WriteHalf<Box<dyn Wire>>,
    decoder: FrameDecoder,
    out: VecDeque<Bytes>,
    sent: VecDeque<Sent>,
}

impl Session {
    pub fn new(connector: Connector, settings: &MllpOut, jobs: mpsc::Receiver<Job>) -> Self {
        Self {
            connector,
            jobs,
            connect_timeout: ms(settings.connect_timeout_ms),
            answer_timeout: ms(settings.answer_timeout_ms),
            idle_timeout: ms(settings.idle_timeout_ms.max(1)),
            strays: counter!(
                "sluice_delivery_stray_answers_total",
                "destination" => settings.name.to_string()
            ),
        }
    }

    /// Until nobody can put anything in line any more.
    pub async fn run(mut self) {
        while let Some(job) = self.jobs.recv().await {
            let connected = timeout(self.connect_timeout, self.connector.connect()).await;
            match connected.unwrap_or(Err(Code::of("timeout"))) {
                Ok(wire) => {
                    let (read, write) = split(wire);
                    let decoder = FrameDecoder::new(self.limits());
                    let (out, sent) = (VecDeque::new(), VecDeque::new());
                    let mut connection = Connection { read, write, decoder, out, sent };
                    self.send(&mut connection, job);
                    let code = self.serve(&mut connection).await;
                    for sent in connection.sent {
                        // Who no longer waits needs not be told.
                        let _ = sent.tell.send(Outcome::Unreached(code.clone()));
                    }
                }
                Err(code) => {
                    let _ = job.tell.send(Outcome::Unreached(code.clone()));
                    // Those that wait already share its fate; each connecting anew would take the
                    // peer's time as often.
                    while let Ok(job) = self.jobs.try_recv() {
                        let _ = job.tell.send(Outcome::Unreached(code.clone()));
                    }
                }
            }
        }
    }

    const fn limits(&self) -> FrameLimits {
        FrameLimits {
            frame_bytes_max: ANSWER_BYTES_MAX,
            skip_bytes_max: ANSWER_BYTES_MAX,
            junk_bytes_max: 4_096,
            frame_deadline: self.answer_timeout,
            end_grace: Duration::from_millis(10),
        }
    }

    fn send(&self, connection: &mut Connection, job: Job) {
        let due = Instant::now() + self.answer_timeout;
        connection.sent.push_back(Sent { control_id: job.control_id, due, tell: job.tell });
        connection.out.push_back(job.frame);
    }

    /// Until the connection ends; why it did.
    async fn serve(&mut self, connection: &mut Connection) -> Code {
        loop {
            while let Some(event) = connection.decoder.next(Instant::now()) {
                match event {
                    Ok(Event::Frame(frame)) => self.answered(connection, &frame),
                    Ok(Event::TooLarge { .. }) => return Code::of("answer too large"),
                    Ok(Event::Junk { .. }) => {}
                    Err(_) => return Code::of("not mllp"),
                }
            }
            let idle = Instant::now() + self.idle_timeout;
            let due = connection.sent.front().map_or(idle, |sent| sent.due);
            let due = connection.decoder.deadline().map_or(due, |at| at.min(due));
            let Connection { read, write, decoder, out, sent } = connection;
            let mut next = out.front_mut();
            tokio::select! {
                written = async {
                    match next.as_mut() {
                        Some(frame) => write.write(frame).await,
                        None => std::future::pending().await,
                    }
                } => match written {
                    Ok(0) => return Code::of("reset"),
                    Err(error) => return broken(&error),
                    Ok(bytes) => {
                        if let Some(frame) = out.front_mut() {
                            frame.advance(bytes);
                            if frame.is_empty() {
                                out.pop_front();
                            }
                        }
                        if out.is_empty()
                            && let Err(error) = write.flush().await
                        {
                            return broken(&error);
                        }
                    }
                },
                bytes = read.read_buf(decoder.buffer_mut()) => match bytes {
                    Ok(0) => return Code::of("closed"),
                    Ok(_) => {}
                    Err(error) => return broken(&error),
                },
                job = self.jobs.recv() => match job {
                    Some(job) => self.send(connection, job),
                    // Nobody waits for what is out any more.
                    None => return Code::of("stopped"),
                },
                () = sleep_until(due.into()) => {
                    let now = Instant::now();
                    if sent.front().is_some_and(|sent| sent.due <= now) {
                        return Code::of("timeout");
                    }
                    if sent.is_empty() && idle <= now {
                        return Code::of("idle");
                    }
                }
            }
        }
    }

    fn answered(&self, connection: &mut Connection, frame: &Bytes) {
        let Some((control_id, outcome)) = judge(frame) else {
            self.strays.increment(1);
            return;
        };
        let at = connection.sent.iter().position(|sent| sent.control_id == control_id);
        match at.and_then(|at| connection.sent.remove(at)) {
            Some(sent) => {
                let _ = sent.tell.send(outcome);
            }
            None => self.strays.increment(1),
        }
    }
}

/// A TLS 1.3 peer tells only after its handshake what it thinks of our certificate.
fn broken(error: &std::io::Error) -> Code {
    why(error).unwrap_or(Code::of("reset"))
}
