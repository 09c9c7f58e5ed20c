//! What can be wrong with bytes read from, or a value written to, the wire.

use thiserror::Error;

/// Why bytes are not a valid message. None of these allocates or quotes the peer's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("the bytes end inside a field: {needed} more needed")]
    Truncated {
        /// How many bytes the field lacks.
        needed: usize,
    },
    /// A negative length where only −1 (null) or a count may stand.
    #[error("invalid length {0}")]
    InvalidLength(i64),
    /// An array claims more elements than the rest of the frame can hold, or than such a frame may decode to.
    #[error("an array of {count} elements is too large for the {remaining} bytes left")]
    TooManyElements {
        /// The claimed number of elements.
        count: usize,
        /// The bytes left in the frame.
        remaining: usize,
    },
    /// Null where this version has no null.
    #[error("null where a value is required")]
    UnexpectedNull,
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    InvalidUtf8,
    /// A variable-length integer that does not fit its type.
    #[error("a variable-length integer is too long")]
    VarintTooLong,
    /// Tagged fields must come in ascending order, each once (KIP-482).
    #[error("tagged field {0} is repeated or out of order")]
    TagOrder(u32),
    /// Bytes are left after the last field.
    #[error("{0} bytes left after the last field")]
    TrailingBytes(usize),
    /// What follows the records is too large to hold.
    #[error("{len} bytes follow the records, above the limit of {max}")]
    TailTooLarge {
        /// The bytes that follow.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// The definitions this crate was generated from do not have this version.
    #[error("{name} version {version} is not known")]
    UnsupportedVersion {
        /// The message's name.
        name: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// No API of the broker listener has this key.
    #[error("API key {0} is not known")]
    UnknownApi(i16),
}

/// Why a value cannot be written in a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// Null in a field that has no null in this version.
    #[error("null where a value is required")]
    UnexpectedNull,
    /// A string, byte array, array or frame that is longer than its length field can say.
    #[error("{0} is too long for its length field")]
    TooLong(usize),
    /// A preserved unknown tagged field has the number of a known one, or stands twice.
    #[error("tagged field {0} stands twice")]
    DuplicateTag(u32),
    /// The definitions this crate was generated from do not have this version.
    #[error("{name} version {version} is not known")]
    UnsupportedVersion {
        /// The message's name.
        name: &'static str,
        /// The version asked for.
        version: i16,
    },
}
