//! MSH, typed (HL7 v2.5.1 §2.15.9).

use std::borrow::Cow;

use super::datatypes::{Hd, Ts};
use super::{Field, Message, Segment};

/// The header of an indexed message.
#[derive(Debug, Clone, Copy)]
pub struct Msh<'a> {
    segment: Segment<'a>,
}

impl<'a> Msh<'a> {
    #[must_use]
    pub fn of(message: &'a Message<'_>) -> Self {
        Self { segment: message.segment("MSH") }
    }

    #[must_use]
    pub const fn segment(&self) -> Segment<'a> {
        self.segment
    }

    /// MSH-3.
    #[must_use]
    pub fn sending_application(&self) -> Hd<'a> {
        Hd::of(self.segment.field(3))
    }

    /// MSH-4: the EJ, in French feeds.
    #[must_use]
    pub fn sending_facility(&self) -> Hd<'a> {
        Hd::of(self.segment.field(4))
    }

    /// MSH-5.
    #[must_use]
    pub fn receiving_application(&self) -> Hd<'a> {
        Hd::of(self.segment.field(5))
    }

    /// MSH-6.
    #[must_use]
    pub fn receiving_facility(&self) -> Hd<'a> {
        Hd::of(self.segment.field(6))
    }

    /// MSH-7: when the message was made, by the sender's clock.
    #[must_use]
    pub fn sent_at(&self) -> Ts<'a> {
        Ts::of(self.segment.field(7))
    }

    /// MSH-9.1, `ADT`.
    #[must_use]
    pub fn message_code(&self) -> Cow<'a, str> {
        self.code(9, 1)
    }

    /// MSH-9.2, `A01`.
    #[must_use]
    pub fn trigger_event(&self) -> Cow<'a, str> {
        self.code(9, 2)
    }

    /// MSH-9.3, `ADT_A01`; often missing.
    #[must_use]
    pub fn message_structure(&self) -> Cow<'a, str> {
        self.code(9, 3)
    }

    /// MSH-10 as decoded text; [`MshRaw::control_id`](super::MshRaw::control_id) has the bytes
    /// to acknowledge.
    #[must_use]
    pub fn control_id(&self) -> &'a str {
        self.segment.field(10).raw()
    }

    /// MSH-11.1: P, T or D.
    #[must_use]
    pub fn processing_id(&self) -> Cow<'a, str> {
        self.code(11, 1)
    }

    /// MSH-12.1, `2.5`.
    #[must_use]
    pub fn version(&self) -> Cow<'a, str> {
        self.code(12, 1)
    }

    /// MSH-12.2.1, `FRA`.
    #[must_use]
    pub fn version_country(&self) -> Cow<'a, str> {
        trim(self.segment.field(12).component(2).subcomponent(1).text())
    }

    /// MSH-12.3.1, `2.11`.
    #[must_use]
    pub fn version_of_country(&self) -> Cow<'a, str> {
        trim(self.segment.field(12).component(3).subcomponent(1).text())
    }

    /// MSH-15, table 0155: AL, NE, ER, SU or empty.
    #[must_use]
    pub fn accept_acknowledgement(&self) -> Cow<'a, str> {
        self.code(15, 1)
    }

    /// MSH-16, table 0155.
    #[must_use]
    pub fn application_acknowledgement(&self) -> Cow<'a, str> {
        self.code(16, 1)
    }

    /// MSH-17, `FRA`.
    #[must_use]
    pub fn country(&self) -> Cow<'a, str> {
        self.code(17, 1)
    }

    /// MSH-18 with its repetitions: the first is the message's character set.
    #[must_use]
    pub fn character_sets(&self) -> Field<'a> {
        self.segment.field(18)
    }

    fn code(&self, field: usize, component: usize) -> Cow<'a, str> {
        trim(self.segment.field(field).component(component).text())
    }
}

/// Blanks around a code mean nothing.
pub(super) fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}
