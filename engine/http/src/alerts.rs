//! What the server tells the HTTP face of alerts.

/// Asked by `/api/alerts`: answers from memory.
pub trait AlertDesk: Send + Sync + 'static {
    /// Those that stand: an object each. No patient data.
    fn alerts(&self) -> Vec<serde_json::Value>;
}
