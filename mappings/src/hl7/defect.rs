//! What is wrong with a message's form, and where: positions and kinds, never its text.

use super::Location;

/// Why no index can be made of a message. Its MSH may still be read by
/// [`MshRaw`](super::MshRaw), so that it can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the message is empty")]
    Empty,
    #[error("the message does not start with an MSH segment")]
    NoMsh,
    #[error("the message is a batch (FHS or BHS), not a single message")]
    Batch,
    #[error("MSH-1 is missing or cannot be a field separator")]
    FieldSeparator,
    #[error("MSH-2 is empty, or its character {at} (counted from 0) cannot be a separator")]
    EncodingCharacters { at: usize },
    #[error("the message has {bytes} bytes, more than {limit}")]
    TooLong { bytes: usize, limit: usize },
}

impl Unreadable {
    /// A closed set of names, for counters and lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoMsh => "no_msh",
            Self::Batch => "batch",
            Self::FieldSeparator => "field_separator",
            Self::EncodingCharacters { .. } => "encoding_characters",
            Self::TooLong { .. } => "too_long",
        }
    }
}

/// One thing about the message's form that a strict reader would have refused.
///
/// Nothing that a defect is about has been dropped: a bad line is still in
/// [`Message::segments`](super::Message::segments), raw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defect {
    pub kind: DefectKind,
    /// Offset in the decoded text, in bytes.
    pub byte: u32,
    /// Line of the text, from 1; a line ends with CR, LF or CRLF.
    pub line: u32,
    /// The segment, where there is one.
    pub location: Location,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DefectKind {
    /// A byte order mark before MSH.
    ByteOrderMark,
    /// White space, blank lines or control characters before MSH.
    LeadingSpace,
    /// MSH-2 declares fewer than four characters.
    EncodingCharactersShort,
    /// MSH-2 has more characters than mean something.
    EncodingCharactersLong,
    /// A line of nothing but white space, skipped. (Empty lines are skipped without a word.)
    BlankLine,
    /// A line whose first field is not a segment name: `[A-Z][A-Z0-9][A-Z0-9]`.
    SegmentName,
    /// A line without any field separator.
    NoFieldSeparator,
    /// An MSH after the first.
    SecondMsh,
    /// FHS, BHS, BTS or FTS: a part of a batch.
    BatchSegment,
    /// A control character (NUL, DEL, VT, FS…; not TAB) in the segment, the first of them.
    ControlCharacter,
}

impl DefectKind {
    pub const ALL: [Self; 10] = [
        Self::ByteOrderMark,
        Self::LeadingSpace,
        Self::EncodingCharactersShort,
        Self::EncodingCharactersLong,
        Self::BlankLine,
        Self::SegmentName,
        Self::NoFieldSeparator,
        Self::SecondMsh,
        Self::BatchSegment,
        Self::ControlCharacter,
    ];

    /// A closed set of names, for counters and lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByteOrderMark => "byte_order_mark",
            Self::LeadingSpace => "leading_space",
            Self::EncodingCharactersShort => "encoding_characters_short",
            Self::EncodingCharactersLong => "encoding_characters_long",
            Self::BlankLine => "blank_line",
            Self::SegmentName => "segment_name",
            Self::NoFieldSeparator => "no_field_separator",
            Self::SecondMsh => "second_msh",
            Self::BatchSegment => "batch_segment",
            Self::ControlCharacter => "control_character",
        }
    }
}
