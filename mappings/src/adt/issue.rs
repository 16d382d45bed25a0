//! What is worth telling about a message, from a closed list, with a place and no content.

use crate::hl7::Location;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Information,
    Warning,
    Error,
}

/// The closed list. Its `as_str` is a metrics label and stands in `docs/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueCode {
    /// The patient or stay was unknown and was made from this message's snapshot.
    FirstSeenMidStay,
    /// Several stays fit, and nothing settles which: nothing changed.
    StayAmbiguous,
    /// No stay fits, and the event opens none: the stay part had no effect.
    StayNotFound,
    /// The stay that was found is not in a state that this event fits; applied all the same.
    StayStateUnexpected,
    /// A cancel of something that was never seen.
    NothingToCancel,
    /// A ZBE CANCEL of a movement that was never seen.
    MovementUnknown,
    /// The message's own PV1 differs from the situation that its cancel restored: PV1 won.
    CancelDiffersFromMessage,
    /// A merge whose loser was never seen: an alias is kept.
    MergeLoserUnknown,
    /// A merge whose survivor was never seen: made from PID.
    MergeSurvivorUnknown,
    /// A merge that names the same patient twice, or closes a ring: no effect.
    MergeWithSelf,
    /// A coded value outside its table; kept as the sender's own.
    CodeUnknown,
    /// A time that cannot be read; left out.
    TimeUnreadable,
    /// A required field is empty.
    FieldMissing,
    /// The declared charset is not the one of the bytes.
    CharsetLies,
    /// The reader found the message's structure broken here.
    StructureBroken,
    /// The event is not mapped by this version.
    EventNotMapped,
    /// The profile wants a ZBE segment and none came: taken by the international rules.
    ZbeMissing,
    /// An identity that the national rules forbid to keep (INS without VALI): not kept.
    IdentityNotAllowed,
    /// The control id was used before with other bytes: applied as a new message.
    ControlIdReused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issue {
    pub code: IssueCode,
    pub severity: Severity,
    pub at: Location,
}
