//! What is wrong with a configuration, said so that it can be mended.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, dotted, e.g. `journal.segment_bytes` or `ej.0.time_zone`.
    pub key: String,
    /// Where it was set: a file, an environment variable, a flag; empty where nobody set it.
    pub source: String,
    /// What is wrong, with the value.
    pub what: String,
    /// The known key that comes nearest, for an unknown one.
    pub nearest: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is wrong with a whole file has no key: the file itself is what is spoken of.
        let subject = if self.key.is_empty() { &self.source } else { &self.key };
        if !subject.is_empty() {
            write!(f, "{subject}: ")?;
        }
        f.write_str(&self.what)?;
        if let Some(nearest) = &self.nearest {
            write!(f, "; did you mean `{nearest}`?")?;
        }
        if !self.key.is_empty() && !self.source.is_empty() {
            write!(f, " (set in {})", self.source)?;
        }
        Ok(())
    }
}

/// A configuration that cannot be used: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
