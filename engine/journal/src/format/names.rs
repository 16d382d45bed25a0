//! The names of the journal's files.

pub const LOCK_FILE: &str = "lock";
/// A copy of the oldest kept segment's header, there once something was released.
pub const RELEASED_FILE: &str = "released";

/// What a file in the journal's folder is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileName {
    Segment(u64),
    /// Zero-filled and synced, waiting to become a segment.
    Prepared(u64),
    Sidecar(u64),
    /// Left over from a replacement that was cut short.
    Temporary,
    Other,
}

impl FileName {
    pub fn parse(name: &str) -> Self {
        let Some((stem, extension)) = name.rsplit_once('.') else { return Self::Other };
        if extension == "tmp" {
            return Self::Temporary;
        }
        let number = (stem.len() == 12).then(|| stem.parse().ok()).flatten();
        match (number, extension) {
            (Some(segment), "seg") => Self::Segment(segment),
            (Some(segment), "next") => Self::Prepared(segment),
            (Some(segment), "idx") => Self::Sidecar(segment),
            _ => Self::Other,
        }
    }
}

pub fn segment_name(segment: u64) -> String {
    format!("{segment:012}.seg")
}

pub fn prepared_name(segment: u64) -> String {
    format!("{segment:012}.next")
}

pub fn sidecar_name(segment: u64) -> String {
    format!("{segment:012}.idx")
}
