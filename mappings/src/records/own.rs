//! Fields of a site's own: what a `[[field]]` of its tables says to keep.

use serde::{Deserialize, Serialize};

use super::{Coded, Moment, phi_debug};

/// What one field said, by the place that the site's table names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnField {
    /// As the table writes it, `ZPI-3`.
    pub field: String,
    /// One for each repetition.
    pub values: Vec<OwnValue>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnValue {
    Text(String),
    Coded(Coded),
    Moment(Moment),
}

phi_debug!(OwnField, OwnValue);
