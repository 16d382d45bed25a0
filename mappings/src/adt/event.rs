//! The trigger events that are mapped, and what each is by nature (FACTS §1; DESIGN §3).

use crate::records::StayStatus;

macro_rules! events {
    ($($name:ident $meaning:literal,)+) => {
        /// A mapped trigger event. MSH-9.2 names it; MSH-9.3 is never asked for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Trigger {
            $($name,)+
        }

        impl Trigger {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),+
                }
            }

            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning),+
                }
            }
        }
    };
}

events! {
    A01 "admit",
    A02 "transfer",
    A03 "discharge",
    A04 "register",
    A05 "pre-admit",
    A06 "outpatient to inpatient",
    A07 "inpatient to outpatient",
    A08 "update",
    A09 "departing (tracking)",
    A10 "arriving (tracking)",
    A11 "cancel admit",
    A12 "cancel transfer",
    A13 "cancel discharge",
    A14 "pending admit",
    A15 "pending transfer",
    A16 "pending discharge",
    A17 "swap beds",
    A21 "leave",
    A22 "return from leave",
    A25 "cancel pending discharge",
    A26 "cancel pending transfer",
    A27 "cancel pending admit",
    A28 "add person",
    A31 "update person",
    A32 "cancel arriving",
    A33 "cancel departing",
    A38 "cancel pre-admit",
    A40 "merge patients",
    A52 "cancel leave",
    A53 "cancel return",
    A54 "change attending",
    A55 "cancel change attending",
    A60 "update allergies",
    A61 "change consulting",
    A62 "cancel change consulting",
}

impl Trigger {
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.as_str() == code)
    }

    /// It opens a stay, with or without a number.
    #[must_use]
    pub const fn opens(self) -> bool {
        matches!(self, Self::A01 | Self::A04 | Self::A05 | Self::A14)
    }

    /// The patient is there from now on: an opening that is no mere plan.
    #[must_use]
    pub const fn admits(self) -> bool {
        matches!(self, Self::A01 | Self::A04)
    }

    #[must_use]
    pub const fn plans(self) -> bool {
        matches!(self, Self::A05 | Self::A14)
    }

    #[must_use]
    pub const fn changes_class(self) -> bool {
        matches!(self, Self::A06 | Self::A07)
    }

    /// The events that this one takes back, by its name alone; ZBE-4 makes cancels of others too.
    #[must_use]
    pub const fn takes_back(self) -> &'static [Self] {
        match self {
            Self::A11 => &[Self::A01, Self::A04],
            Self::A12 => &[Self::A02, Self::A17],
            Self::A13 => &[Self::A03],
            Self::A25 => &[Self::A16],
            Self::A26 => &[Self::A15],
            // Its own first: a sender who plans by either takes back by either.
            Self::A27 => &[Self::A14, Self::A05],
            Self::A38 => &[Self::A05, Self::A14],
            Self::A32 => &[Self::A10],
            Self::A33 => &[Self::A09],
            Self::A52 => &[Self::A21],
            Self::A53 => &[Self::A22],
            Self::A55 => &[Self::A54],
            Self::A62 => &[Self::A61],
            _ => &[],
        }
    }

    #[must_use]
    pub const fn cancels(self) -> bool {
        !self.takes_back().is_empty()
    }

    /// What an insertion is that ZBE-4 = CANCEL takes back; A06 and A07 are so by nature.
    #[must_use]
    pub const fn cancelled(self) -> Self {
        match self {
            Self::A01 | Self::A04 => Self::A11,
            Self::A02 => Self::A12,
            Self::A03 => Self::A13,
            Self::A05 => Self::A38,
            Self::A09 => Self::A33,
            Self::A10 => Self::A32,
            Self::A14 => Self::A27,
            Self::A15 => Self::A26,
            Self::A16 => Self::A25,
            Self::A21 => Self::A52,
            Self::A22 => Self::A53,
            Self::A54 => Self::A55,
            Self::A61 => Self::A62,
            other => other,
        }
    }

    /// A message that a patient's record may well begin with.
    #[must_use]
    pub const fn creates_a_patient(self) -> bool {
        self.opens() || matches!(self, Self::A28)
    }

    /// It is about a stay; of all others the PV1 is not read.
    #[must_use]
    pub const fn is_of_a_stay(self) -> bool {
        !matches!(self, Self::A28 | Self::A31 | Self::A40)
    }

    /// Whether a message without a visit number may be about a stay in this status.
    #[must_use]
    pub const fn fits(self, status: StayStatus) -> bool {
        use StayStatus::{Finished, InProgress, OnLeave, Planned};
        match self {
            Self::A28 | Self::A31 | Self::A40 | Self::A60 => false,
            Self::A13 => matches!(status, Finished),
            Self::A05 | Self::A14 | Self::A27 | Self::A38 => matches!(status, Planned),
            Self::A11 => matches!(status, Planned | InProgress | OnLeave),
            Self::A22 | Self::A52 | Self::A53 => matches!(status, OnLeave),
            _ => matches!(status, InProgress | OnLeave),
        }
    }

    /// A stay that this event may mean though its status is another: one that has been on leave
    /// and has gone on since, by its movement of that event.
    #[must_use]
    pub const fn fits_after(self) -> Option<Self> {
        match self {
            Self::A22 | Self::A52 => Some(Self::A21),
            Self::A53 => Some(Self::A22),
            _ => None,
        }
    }

    /// The status that it gives to the stay that it is about; `None` leaves it as it was, or
    /// brings back the one before.
    #[must_use]
    pub const fn status(self) -> Option<StayStatus> {
        match self {
            Self::A01 | Self::A02 | Self::A04 | Self::A06 | Self::A07 | Self::A17 | Self::A22 => {
                Some(StayStatus::InProgress)
            }
            Self::A05 | Self::A14 => Some(StayStatus::Planned),
            Self::A03 => Some(StayStatus::Finished),
            Self::A21 => Some(StayStatus::OnLeave),
            _ => None,
        }
    }
}
