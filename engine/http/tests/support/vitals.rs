//! A stand-in for the engine behind the server: says what the test told it to say.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_http::{
    ActTold, Acts, AlertDesk, Inbound, LetterAct, Post, Posted, PostedFuture, Reason, Vitals, Way,
};
use sluice_ids::{EjId, Seq};
use sluice_mappings::records::Record;

use super::ej;

/// A channel that keeps what comes, and says what the test told it to say.
#[derive(Default)]
pub struct Messages {
    pub came: Mutex<Vec<bytes::Bytes>>,
    pub says: Mutex<Option<Posted>>,
    pub places: Mutex<Option<Arc<tokio::sync::Semaphore>>>,
}

impl Post for Messages {
    fn take(&self, message: bytes::Bytes) -> PostedFuture {
        self.came.lock().push(message);
        let says = self.says.lock().clone();
        Box::pin(std::future::ready(says.unwrap_or(Posted::Silent)))
    }
}

/// Says what the test told it to say.
#[derive(Default)]
pub struct TestVitals {
    pub reasons: Mutex<Vec<Reason>>,
    pub journaled: Mutex<HashMap<EjId, Seq>>,
    pub folding: Mutex<Vec<EjId>>,
    pub past: Mutex<Vec<Record>>,
    /// Whether there was more once.
    pub forgotten: Mutex<bool>,
    /// Acts, in order.
    pub acts: Mutex<Vec<ActTold>>,
    /// What was done to dead letters.
    pub letter_acts: Mutex<Vec<(String, LetterAct, String)>>,
    /// Whether nothing can be recorded.
    pub full: Mutex<bool>,
    /// What came for `EJ1.http` and `both.http`, and what is answered.
    pub messages: Arc<Messages>,
    /// How channels stand that were told to.
    pub channels: Mutex<HashMap<String, &'static str>>,
    /// Whether the one destination is.
    pub paused: Mutex<bool>,
}

impl Vitals for TestVitals {
    fn not_ready(&self) -> Vec<Reason> {
        self.reasons.lock().clone()
    }

    fn folding(&self) -> Vec<EjId> {
        self.folding.lock().clone()
    }

    fn journaled(&self, ej: EjId) -> Option<Seq> {
        self.journaled.lock().get(&ej).copied()
    }
}

impl Inbound for TestVitals {
    fn way(&self, channel: &str) -> Option<Way> {
        let ejs: Arc<[EjId]> = match channel {
            "EJ1.http" => [ej("EJ1")].into(),
            "both.http" => [ej("EJ1"), ej("EJ2")].into(),
            _ => return None,
        };
        let places = self.messages.places.lock().clone();
        let places = places.unwrap_or_else(|| Arc::new(tokio::sync::Semaphore::new(2)));
        let post = Arc::clone(&self.messages) as Arc<dyn Post>;
        Some(Way { ejs, message_bytes_max: 100_000, places, post })
    }
}

impl AlertDesk for TestVitals {
    fn alerts(&self) -> Vec<serde_json::Value> {
        vec![serde_json::json!({ "alert": "p95", "of": "" })]
    }
}
