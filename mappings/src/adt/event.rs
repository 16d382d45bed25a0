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
    A18 "merge patients (deprecated)",
    A20 "bed status",
    A21 "leave",
    A22 "return from leave",
    A23 "delete visit or patient",
    A24 "link patients",
    A25 "cancel pending discharge",
    A26 "cancel pending transfer",
    A27 "cancel pending admit",
    A28 "add person",
    A29 "delete person",
    A30 "merge persons",
    A31 "update person",
    A32 "cancel arriving",
    A33 "cancel departing",
    A34 "merge patients, id only",
    A35 "merge accounts",
    A36 "merge patients and accounts",
    A37 "unlink patients",
    A38 "cancel pre-admit",
    A39 "merge persons, external id",
    A40 "merge patients",
    A41 "merge accounts",
    A42 "merge visits",
    A43 "move identifier",
    A44 "move account",
    A45 "move visit",
    A46 "change external id",
    A47 "change identifier list",
    A48 "change alternate id",
    A49 "change account number",
    A50 "change visit number",
    A51 "change alternate visit id",
    A52 "cancel leave",
    A53 "cancel return",
    A54 "change attending",
    A55 "cancel change attending",
    A60 "update allergies",
    A61 "change consulting",
    A62 "cancel change consulting",
    Z99 "update of a movement (France)",
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

    /// MRG-1 is absorbed by PID-3.
    #[must_use]
    pub const fn merges_patients(self) -> bool {
        matches!(self, Self::A18 | Self::A30 | Self::A34 | Self::A36 | Self::A39 | Self::A40)
    }

    /// MRG-3 is absorbed by PID-18.
    #[must_use]
    pub const fn merges_accounts(self) -> bool {
        matches!(self, Self::A35 | Self::A36 | Self::A41)
    }

    #[must_use]
    pub const fn merges(self) -> bool {
        self.merges_patients() || self.merges_accounts()
    }

    /// It cannot do without an MRG.
    #[must_use]
    pub const fn wants_mrg(self) -> bool {
        use Trigger::{A42, A43, A44, A45, A46, A47, A48, A49, A50, A51};
        self.merges() || matches!(self, A42 | A43 | A44 | A45 | A46 | A47 | A48 | A49 | A50 | A51)
    }

    /// It is about a stay, and nothing without a PV1. Of an A08 and an A60 the PV1 is read where it
    /// is there, of an A23 its number; of those that want an MRG at most its numbers; of all others
    /// nothing.
    #[must_use]
    pub const fn wants_pv1(self) -> bool {
        use Trigger::{A08, A20, A23, A24, A28, A29, A31, A37, A60};
        !self.wants_mrg() && !matches!(self, A08 | A20 | A23 | A24 | A28 | A29 | A31 | A37 | A60)
    }

    /// Whether a message without a visit number may be about a stay in this status.
    #[must_use]
    pub const fn fits(self, status: StayStatus) -> bool {
        use StayStatus::{Finished, InProgress, OnLeave, Planned};
        match self {
            _ if !self.wants_pv1() && !matches!(self, Self::A08) => false,
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
