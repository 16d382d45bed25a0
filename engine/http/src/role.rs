//! Who may do what: roles, the EJs that a right reaches, and what a route asks for.
//!
//! Roles are ordered; each may do all that the ones before it may:
//!
//! | role | may |
//! |---|---|
//! | `sender` | hand messages to the channels of its EJs, and nothing else |
//! | `monitor` | see metrics, counters and lag: no patient data |
//! | `reader` | read and search resources |
//! | `exporter` | pull a whole EJ |
//! | `operator` | act: clear caches, and later retry, discard, reprocess (which shows messages) |
//! | `administrator` | all of it |
//!
//! What hands messages over changes every patient of an EJ and needs to see none: so `sender` is the
//! first, and of the roles after it only those may send that may resend, from `operator` on.
//!
//! An operator reads, because whoever repairs a message sees it; what runs unattended and needs
//! no patient data (a Prometheus server) gets `monitor`. ADR-0050.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_ids::EjId;

/// What a token may do, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Sender,
    Monitor,
    Reader,
    Exporter,
    Operator,
    Administrator,
}

impl Role {
    pub const ALL: [Self; 6] = [
        Self::Sender,
        Self::Monitor,
        Self::Reader,
        Self::Exporter,
        Self::Operator,
        Self::Administrator,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Monitor => "monitor",
            Self::Reader => "reader",
            Self::Exporter => "exporter",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is none of sender, monitor, reader, exporter, operator, administrator")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(UnknownRole)
    }
}

/// The EJs that a right reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every EJ, those declared later included.
    All,
    /// These, sorted.
    Only(Arc<[EjId]>),
}

impl Reach {
    #[must_use]
    pub fn only(ejs: impl IntoIterator<Item = EjId>) -> Self {
        let mut ejs: Vec<EjId> = ejs.into_iter().collect();
        ejs.sort_unstable();
        ejs.dedup();
        Self::Only(ejs.into())
    }

    #[must_use]
    pub fn holds(&self, ej: EjId) -> bool {
        match self {
            Self::All => true,
            Self::Only(ejs) => ejs.binary_search(&ej).is_ok(),
        }
    }
}

/// Which EJs' data a route answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EjScope {
    /// Those that the caller may see.
    Visible,
    /// The one named in the path; a caller without a right to it gets the 404 of an unknown one.
    Path,
    /// Those of the channel that is named in the path, each of them; a caller without a right to one
    /// gets the 404 of an unknown channel.
    Channel,
    /// All of them at once, not told apart: only for callers with a right to every EJ.
    Every,
}

/// Who may call a route. There is no default: a route cannot be declared without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Anyone. Tells nothing about any EJ.
    Public,
    Needs {
        role: Role,
        scope: EjScope,
    },
}

impl Policy {
    #[must_use]
    pub const fn needs(role: Role, scope: EjScope) -> Self {
        Self::Needs { role, scope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_name_reads_back_and_the_order_is_the_declared_one() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
        }
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert_eq!("root".parse::<Role>(), Err(UnknownRole));
    }

    #[test]
    fn a_reach_holds_what_it_was_given_and_nothing_else() {
        let ej = |name| EjId::new(name).unwrap();
        let reach = Reach::only([ej("EJ2"), ej("EJ1"), ej("EJ2")]);
        assert!(reach.holds(ej("EJ1")) && reach.holds(ej("EJ2")));
        assert!(!reach.holds(ej("EJ3")) && !reach.holds(ej("EJ")));
        assert!(Reach::All.holds(ej("EJ3")));
        assert!(!Reach::only([]).holds(ej("EJ1")));
    }
}
