//! Patient data, marked as such by type.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that came from a patient's record.
///
/// `Debug` is redacted and there is no `Display`, so that it cannot reach a log, a metric, an
/// error text or a panic message by accident. [`Phi::expose`] is the one door, easy to grep.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: for rendering, indexing and storing, never for telling.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("«phi»")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_value() {
        let name = Phi::new(String::from("ZQXname7f3a"));
        assert_eq!(format!("{name:?} {:?}", Some(&name)), "«phi» Some(«phi»)");
    }
}
