//! Why a query cannot be answered. Parameter names come from our own list; a value is never told.

/// The closed list; [`Reason::code`] is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("the modifier is not supported")]
    ModifierUnsupported,
    #[error("a value in the list is empty")]
    ValueEmpty,
    #[error("a value has {bytes} bytes; at most {limit} are allowed")]
    ValueTooLong { bytes: usize, limit: usize },
    #[error("{values} values were given; at most {limit} are allowed")]
    TooManyValues { values: usize, limit: usize },
    #[error("{clauses} parameters were given; at most {limit} are allowed")]
    TooManyClauses { clauses: usize, limit: usize },
    #[error("the value is not a date, with or without one of eq ne gt lt ge le sa eb ap before it")]
    DateMalformed,
    #[error("the code is not one of the element's value set")]
    CodeUnknown,
    #[error("the value is not a token: [system|]code")]
    TokenMalformed,
    #[error("the value is neither true nor false")]
    BooleanMalformed,
    #[error("the value is not a reference of the right type: [Type/]id")]
    ReferenceMalformed,
    #[error("the value has no letter or digit")]
    TextWithoutLetters,
    #[error("the value is not a number with its type: system|code|number")]
    TypedNumberMalformed,
    #[error("the value is not a quantity: [prefix][number]|[system]|[code]")]
    QuantityMalformed,
    #[error("the value is not two values with $ between them")]
    CompositeMalformed,
    #[error("it refers to nothing: only a reference can be chained")]
    ChainFromNoReference,
    #[error("a chain has at most {limit} links")]
    ChainTooLong { limit: usize },
    #[error("_has is written _has:[Type]:[reference]:[parameter]")]
    HasMalformed,
    #[error("_has names no reference to what is searched")]
    HasNoReference,
    #[error("sorting by this is not supported")]
    SortUnsupported,
}

impl Reason {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ModifierUnsupported => "modifier-unsupported",
            Self::ValueEmpty => "value-empty",
            Self::ValueTooLong { .. } => "value-too-long",
            Self::TooManyValues { .. } => "too-many-values",
            Self::TooManyClauses { .. } => "too-many-clauses",
            Self::DateMalformed => "date-malformed",
            Self::CodeUnknown => "code-unknown",
            Self::TokenMalformed => "token-malformed",
            Self::BooleanMalformed => "boolean-malformed",
            Self::ReferenceMalformed => "reference-malformed",
            Self::TextWithoutLetters => "text-without-letters",
            Self::TypedNumberMalformed => "typed-number-malformed",
            Self::QuantityMalformed => "quantity-malformed",
            Self::CompositeMalformed => "composite-malformed",
            Self::ChainFromNoReference => "chain-from-no-reference",
            Self::ChainTooLong { .. } => "chain-too-long",
            Self::HasMalformed => "has-malformed",
            Self::HasNoReference => "has-no-reference",
            Self::SortUnsupported => "sort-unsupported",
        }
    }

    /// The server lacks it (FHIR issue type `not-supported`), rather than the value being wrong.
    #[must_use]
    pub const fn is_unsupported(self) -> bool {
        matches!(self, Self::ModifierUnsupported | Self::SortUnsupported)
    }
}

/// A parameter of the query, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{param}: {reason}")]
pub struct QueryError {
    pub param: &'static str,
    pub reason: Reason,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_lacks_is_told_from_what_is_wrong() {
        assert!(Reason::ModifierUnsupported.is_unsupported());
        assert!(Reason::SortUnsupported.is_unsupported());
        assert!(!Reason::DateMalformed.is_unsupported());
    }
}
