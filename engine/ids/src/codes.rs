//! Short configured names: legal entities, channels and their destinations.
//!
//! The first two stand in every journal record, so they have a fixed size there
//! ([`EjId::BYTES_MAX`], [`ChannelId::BYTES_MAX`]) and are `Copy` here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a configured name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("is empty")]
    Empty,
    #[error("has {bytes} bytes; at most {limit} are allowed")]
    TooLong { bytes: usize, limit: usize },
    #[error("may hold only letters, digits, '-', '_' and '.' (byte {at} is another)")]
    Character { at: usize },
}

macro_rules! short_code {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $max]);

        impl $name {
            /// Most bytes a name may have; also its size in a journal record, zero-padded.
            pub const BYTES_MAX: usize = $max;

            /// # Errors
            /// When `name` is empty, longer than [`Self::BYTES_MAX`], or holds anything but
            /// ASCII letters, digits, `-`, `_` and `.`.
            pub fn new(name: &str) -> Result<Self, CodeError> {
                let bytes = name.as_bytes();
                if bytes.is_empty() {
                    return Err(CodeError::Empty);
                }
                if bytes.len() > $max {
                    return Err(CodeError::TooLong { bytes: bytes.len(), limit: $max });
                }
                let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                if let Some(at) = bytes.iter().position(|b| !allowed(b)) {
                    return Err(CodeError::Character { at });
                }
                let mut padded = [0; $max];
                padded[..bytes.len()].copy_from_slice(bytes);
                Ok(Self(padded))
            }

            /// The bytes of a journal record, as [`Self::to_padded`] wrote them.
            ///
            /// # Errors
            /// As [`Self::new`]; also when a zero byte is followed by another.
            pub fn from_padded(padded: &[u8; $max]) -> Result<Self, CodeError> {
                let len = padded.iter().position(|b| *b == 0).unwrap_or($max);
                if let Some(at) = padded[len..].iter().position(|b| *b != 0) {
                    return Err(CodeError::Character { at: len + at });
                }
                let name = std::str::from_utf8(&padded[..len])
                    .map_err(|e| CodeError::Character { at: e.valid_up_to() })?;
                Self::new(name)
            }

            #[must_use]
            pub fn to_padded(self) -> [u8; $max] {
                self.0
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                let len = self.0.iter().position(|b| *b == 0).unwrap_or($max);
                std::str::from_utf8(&self.0[..len]).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = CodeError;
            fn from_str(s: &str) -> Result<Self, CodeError> {
                Self::new(s)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                Self::new(&name).map_err(|e| de::Error::custom(format!("{name:?} {e}")))
            }
        }
    };
}

short_code!(
    /// A legal entity (*entité juridique*) as this installation names it, e.g. `EJ1`.
    ///
    /// Not its FINESS number: that is data of the entity and may be absent outside France.
    EjId,
    16
);

short_code!(
    /// A channel: one configured way in (or out), e.g. the MLLP listener `EJ1.mllp`.
    ChannelId,
    24
);

short_code!(
    /// A destination of a channel, as the channel names it, e.g. `laboratory`.
    DestinationName,
    32
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_the_padded_form() {
        let ej = EjId::new("EJ1").unwrap();
        assert_eq!(EjId::from_padded(&ej.to_padded()), Ok(ej));
        let full = EjId::new("ABCDEFGHIJKLMNOP").unwrap();
        assert_eq!(full.as_str().len(), EjId::BYTES_MAX);
        assert_eq!(EjId::from_padded(&full.to_padded()), Ok(full));
    }

    #[test]
    fn a_bad_name_says_what_is_wrong_with_it() {
        assert_eq!(EjId::new(""), Err(CodeError::Empty));
        assert_eq!(EjId::new("EJ 1"), Err(CodeError::Character { at: 2 }));
        assert_eq!(
            EjId::new("ABCDEFGHIJKLMNOPQ"),
            Err(CodeError::TooLong { bytes: 17, limit: 16 })
        );
    }

    #[test]
    fn bytes_after_the_padding_are_refused() {
        let mut padded = EjId::new("EJ1").unwrap().to_padded();
        padded[9] = b'x';
        assert_eq!(EjId::from_padded(&padded), Err(CodeError::Character { at: 9 }));
    }
}
