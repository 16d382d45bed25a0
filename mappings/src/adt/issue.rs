//! What is worth telling about a message, from a closed list, with a place and no content.

use crate::hl7::Location;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Information,
    Warning,
    Error,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $severity:ident;)+) => {
        /// The closed list. Its `as_str` is a metrics label and stands in `docs/mapping.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum IssueCode {
            $($(#[doc = $doc])+ $name,)+
        }

        impl IssueCode {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name in metrics, lists and documents.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text),+
                }
            }

            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity),+
                }
            }

            /// What it says, in one line.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii()),+
                }
            }
        }
    };
}

codes! {
    /// The patient or stay was unknown and was made from this message's snapshot.
    FirstSeenMidStay = "first_seen_mid_stay", Information;
    /// Several stays fit, and nothing settles which: nothing changed.
    StayAmbiguous = "stay_ambiguous", Warning;
    /// No stay fits, and the event opens none: the stay part had no effect.
    StayNotFound = "stay_not_found", Information;
    /// The stay is not in a state that this event fits; the table of events says what it did.
    StayStateUnexpected = "stay_state_unexpected", Warning;
    /// The visit number is a stay of another patient: that stay was left alone.
    StayOfOtherPatient = "stay_of_other_patient", Warning;
    /// A cancel of something that was never seen, or that was taken back before.
    NothingToCancel = "nothing_to_cancel", Warning;
    /// A ZBE CANCEL or a Z99 of a movement that was never seen: held until the movement comes.
    MovementHeld = "movement_held", Warning;
    /// A Z99 that inserts or cancels: applied as the event of its ZBE-6.
    Z99NoUpdate = "z99_no_update", Warning;
    /// An A08 of an EJ whose A08 are to be ignored: no effect.
    A08Ignored = "a08_ignored", Information;
    /// More movements are awaited than a record holds: the oldest was given up.
    HeldGivenUp = "held_given_up", Warning;
    /// The message's own PV1 differs from the situation that its cancel restored: PV1 won.
    CancelDiffersFromMessage = "cancel_differs_from_message", Warning;
    /// A merge whose loser was never seen: its identifier leads to the survivor from now on.
    MergeLoserUnknown = "merge_loser_unknown", Information;
    /// A merge whose survivor was never seen: made from PID.
    MergeSurvivorUnknown = "merge_survivor_unknown", Information;
    /// A merge that names the same patient twice, or closes a ring: no effect.
    MergeWithSelf = "merge_with_self", Warning;
    /// A merge whose loser was merged into somebody else before: no effect.
    MergeLoserElsewhere = "merge_loser_elsewhere", Warning;
    /// An identifier that already finds another patient: left with that one.
    IdentifierTaken = "identifier_taken", Warning;
    /// A coded value outside its table; kept as the sender's own.
    CodeUnknown = "code_unknown", Information;
    /// A time that cannot be read; left out.
    TimeUnreadable = "time_unreadable", Warning;
    /// A number that cannot be read; left out.
    NumberUnreadable = "number_unreadable", Warning;
    /// A required field is empty.
    FieldMissing = "field_missing", Error;
    /// A value or a list longer than a record keeps; the rest left out.
    ValueCut = "value_cut", Warning;
    /// The declared charset is not the one of the bytes.
    CharsetLies = "charset_lies", Warning;
    /// The reader found the message's structure broken here.
    StructureBroken = "structure_broken", Warning;
    /// The event is not mapped by this version.
    EventNotMapped = "event_not_mapped", Information;
    /// The profile wants a ZBE segment and none came: taken by the international rules.
    ZbeMissing = "zbe_missing", Information;
    /// An identity that the national rules forbid to keep (INS without VALI): not kept.
    IdentityNotAllowed = "identity_not_allowed", Warning;
    /// A relation of the structure names an entry that nobody has told of: left out.
    RelationUnknown = "relation_unknown", Warning;
    /// Entries of the structure that are part of themselves: left without what they are part of.
    RelationRing = "relation_ring", Warning;
    /// More entries than one message of the structure may have: nothing changed.
    StructureTooLarge = "structure_too_large", Error;
    /// The control id was used before with other bytes: applied as a new message.
    ControlIdReused = "control_id_reused", Information;
}

/// Issues kept of one message; a hostile one could otherwise have thousands.
pub const ISSUES_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issue {
    pub code: IssueCode,
    pub severity: Severity,
    pub at: Location,
}

impl Issue {
    #[must_use]
    pub const fn new(code: IssueCode, at: Location) -> Self {
        Self { code, severity: code.severity(), at }
    }
}
