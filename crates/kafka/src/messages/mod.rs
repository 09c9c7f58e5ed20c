//! Every request and response of the broker listener, generated from Kafka's own definitions by `cargo xtask gen`.
//!
//! A message's parts lie in the module of its name: [`MetadataResponse`]'s brokers are
//! [`metadata_response::MetadataResponseBroker`]. A field that a version lacks has its default after decoding and is
//! left out when encoding. Strings, bytes and records are slices of the frame.

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::read::Reader;
use crate::write::Writer;

pub use crate::api::ApiKey;
pub use generated::*;

#[rustfmt::skip]
pub mod generated;

/// A structure of the protocol.
pub trait Message: Sized {
    /// Reads it as `version` has it.
    fn decode(version: i16, r: &mut Reader) -> Result<Self, DecodeError>;

    /// Writes it as `version` has it.
    fn encode(&self, version: i16, w: &mut Writer) -> Result<(), EncodeError>;
}

/// A whole message: a request's or response's body without its header.
pub trait Body: Message {
    /// Its name in the definitions.
    const NAME: &'static str;
    /// The lowest version known.
    const MIN: i16;
    /// The highest version known.
    const MAX: i16;

    /// Reads all of `bytes` as one body: another version than known or bytes left over are errors.
    fn from_bytes(version: i16, bytes: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let body = Self::read(version, &mut reader)?;
        reader.finish()?;
        Ok(body)
    }

    /// Reads a body of a known version; more bytes may follow.
    fn read(version: i16, reader: &mut Reader) -> Result<Self, DecodeError> {
        match (Self::MIN..=Self::MAX).contains(&version) {
            true => Self::decode(version, reader),
            false => Err(DecodeError::UnsupportedVersion { name: Self::NAME, version }),
        }
    }

    /// Appends the body as a known version has it.
    fn write(&self, version: i16, writer: &mut Writer) -> Result<(), EncodeError> {
        match (Self::MIN..=Self::MAX).contains(&version) {
            true => self.encode(version, writer),
            false => Err(EncodeError::UnsupportedVersion { name: Self::NAME, version }),
        }
    }
}

/// A request's body.
pub trait Request: Body {
    /// Its API.
    const KEY: ApiKey;
    /// The body of its answer.
    type Response: Body;
}
