//! The trigger events that are mapped, and what each is by nature (FACTS §1; DESIGN §3).

use crate::records::StayStatus;

/// A mapped trigger event. MSH-9.2 names it; MSH-9.3 is never asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    A01,
    A02,
    A03,
    A04,
    A05,
    A06,
    A07,
    A08,
    A11,
    A12,
    A13,
    A28,
    A31,
    A40,
}

impl Trigger {
    pub const ALL: [Self; 14] = [
        Self::A01,
        Self::A02,
        Self::A03,
        Self::A04,
        Self::A05,
        Self::A06,
        Self::A07,
        Self::A08,
        Self::A11,
        Self::A12,
        Self::A13,
        Self::A28,
        Self::A31,
        Self::A40,
    ];

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == code)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A01 => "A01",
            Self::A02 => "A02",
            Self::A03 => "A03",
            Self::A04 => "A04",
            Self::A05 => "A05",
            Self::A06 => "A06",
            Self::A07 => "A07",
            Self::A08 => "A08",
            Self::A11 => "A11",
            Self::A12 => "A12",
            Self::A13 => "A13",
            Self::A28 => "A28",
            Self::A31 => "A31",
            Self::A40 => "A40",
        }
    }

    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::A01 => "admit",
            Self::A02 => "transfer",
            Self::A03 => "discharge",
            Self::A04 => "register",
            Self::A05 => "pre-admit",
            Self::A06 => "outpatient to inpatient",
            Self::A07 => "inpatient to outpatient",
            Self::A08 => "update",
            Self::A11 => "cancel admit",
            Self::A12 => "cancel transfer",
            Self::A13 => "cancel discharge",
            Self::A28 => "add person",
            Self::A31 => "update person",
            Self::A40 => "merge patients",
        }
    }

    /// It opens a stay, with or without a number.
    #[must_use]
    pub const fn opens(self) -> bool {
        matches!(self, Self::A01 | Self::A04 | Self::A05)
    }

    /// The patient is there from now on: an opening that is no mere plan.
    #[must_use]
    pub const fn admits(self) -> bool {
        matches!(self, Self::A01 | Self::A04)
    }

    #[must_use]
    pub const fn changes_class(self) -> bool {
        matches!(self, Self::A06 | Self::A07)
    }

    /// By its name alone; ZBE-4 makes cancels of others too.
    #[must_use]
    pub const fn cancels(self) -> bool {
        matches!(self, Self::A11 | Self::A12 | Self::A13)
    }

    /// A message that a patient's record may well begin with.
    #[must_use]
    pub const fn creates_a_patient(self) -> bool {
        self.opens() || matches!(self, Self::A28)
    }

    /// Whether a message without a visit number may be about a stay in this status.
    #[must_use]
    pub const fn fits(self, status: StayStatus) -> bool {
        use StayStatus::{Finished, InProgress, OnLeave, Planned};
        match self {
            Self::A28 | Self::A31 | Self::A40 => false,
            Self::A13 => matches!(status, Finished),
            Self::A05 => matches!(status, Planned),
            Self::A11 => matches!(status, Planned | InProgress | OnLeave),
            _ => matches!(status, InProgress | OnLeave),
        }
    }

    /// The status that it gives to the stay that it is about; `None` leaves it as it was, or
    /// brings back the one before.
    #[must_use]
    pub const fn status(self) -> Option<StayStatus> {
        match self {
            Self::A01 | Self::A02 | Self::A04 | Self::A06 | Self::A07 => {
                Some(StayStatus::InProgress)
            }
            Self::A05 => Some(StayStatus::Planned),
            Self::A03 => Some(StayStatus::Finished),
            Self::A08 | Self::A11 | Self::A12 | Self::A13 | Self::A28 | Self::A31 | Self::A40 => {
                None
            }
        }
    }
}
