//! The headers of requests and responses.

use std::borrow::Cow;

use bytes::Bytes;

use crate::api::ApiKey;
use crate::error::{DecodeError, EncodeError};
use crate::read::Reader;
use crate::types::UnknownTags;
use crate::write::{TagFields, Writer};

/// The first eight bytes of every request, in every header version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestPrefix {
    /// The API's key; [`ApiKey::from_i16`] tells whether it is known.
    pub api_key: i16,
    /// The API's version, which may be newer than any known.
    pub api_version: i16,
    /// The number the response will carry.
    pub correlation_id: i32,
}

impl RequestPrefix {
    /// How many bytes it takes.
    pub const LEN: usize = 8;

    /// Reads it from the start of a frame (after its length); `None` while bytes are missing.
    pub fn peek(frame: &[u8]) -> Option<Self> {
        let [k0, k1, v0, v1, c0, c1, c2, c3] = *frame.first_chunk::<8>()?;
        Some(Self {
            api_key: i16::from_be_bytes([k0, k1]),
            api_version: i16::from_be_bytes([v0, v1]),
            correlation_id: i32::from_be_bytes([c0, c1, c2, c3]),
        })
    }
}

/// A request's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API's key; [`RequestHeader::api`] tells whether it is known.
    pub api_key: i16,
    /// The API's version, which may be newer than any known.
    pub api_version: i16,
    /// The number the response will carry.
    pub correlation_id: i32,
    /// What the client calls itself, as it came: not necessarily UTF-8, see [`RequestHeader::client_id_text`].
    pub client_id: Option<Bytes>,
    /// Tagged fields, in header version 2.
    pub unknown_tags: UnknownTags,
}

impl RequestHeader {
    /// A header without client id and tagged fields.
    pub fn new(api: ApiKey, api_version: i16, correlation_id: i32) -> Self {
        Self { api_key: api as i16, api_version, correlation_id, client_id: None, unknown_tags: UnknownTags::default() }
    }

    /// Reads the header and leaves the reader at the body.
    ///
    /// An API whose key is unknown is read with header version 1: what follows the client id then is the tagged fields (if
    /// it has any) and the body together. ControlledShutdown v0, which has no client id, is for controllers only.
    pub fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        let (api_key, api_version, correlation_id) = (reader.i16()?, reader.i16()?, reader.i32()?);
        let mut header =
            Self { api_key, api_version, correlation_id, client_id: None, unknown_tags: UnknownTags::default() };
        let version = header.version();
        if version >= 1 {
            // In the old form in every version, so that ApiVersions can be read whatever its version (KIP-511).
            header.client_id = match reader.i16()? {
                -1 => None,
                len => Some(reader.take(usize::try_from(len).map_err(|_| DecodeError::InvalidLength(len.into()))?)?),
            };
        }
        if version >= 2 {
            header.unknown_tags = reader.tags(|_, _| Ok(false))?;
        }
        Ok(header)
    }

    /// Writes the header in the version that the API's version has.
    pub fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        writer.i16(self.api_key);
        writer.i16(self.api_version);
        writer.i32(self.correlation_id);
        let version = self.version();
        if version >= 1 {
            match &self.client_id {
                None => writer.i16(-1),
                Some(id) => {
                    writer.i16(i16::try_from(id.len()).map_err(|_| EncodeError::TooLong(id.len()))?);
                    writer.raw(id);
                }
            }
        }
        if version >= 2 {
            writer.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }

    /// The API, if its key is known.
    pub fn api(&self) -> Option<ApiKey> {
        ApiKey::from_i16(self.api_key)
    }

    /// The header's own version, 0 to 2.
    pub fn version(&self) -> i16 {
        self.api().map_or(1, |api| api.info().request_header(self.api_version))
    }

    /// The version of the response's header, 0 or 1; 0 if the key is unknown.
    pub fn response_version(&self) -> i16 {
        self.api().map_or(0, |api| api.info().response_header(self.api_version))
    }

    /// The client id for people: bytes that are not UTF-8 are replaced, as the broker does; empty if there is none.
    pub fn client_id_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.client_id.as_deref().unwrap_or_default())
    }
}

/// A response's header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The number of the request that is answered.
    pub correlation_id: i32,
    /// Tagged fields, in header version 1.
    pub unknown_tags: UnknownTags,
}

impl ResponseHeader {
    /// A header without tagged fields.
    pub fn new(correlation_id: i32) -> Self {
        Self { correlation_id, unknown_tags: UnknownTags::default() }
    }

    /// Reads a header of `version` ([`RequestHeader::response_version`]) and leaves the reader at the body.
    pub fn decode(version: i16, reader: &mut Reader) -> Result<Self, DecodeError> {
        let correlation_id = reader.i32()?;
        let unknown_tags = if version >= 1 { reader.tags(|_, _| Ok(false))? } else { UnknownTags::default() };
        Ok(Self { correlation_id, unknown_tags })
    }

    /// Writes a header of `version` ([`RequestHeader::response_version`]).
    pub fn encode(&self, version: i16, writer: &mut Writer) -> Result<(), EncodeError> {
        writer.i32(self.correlation_id);
        if version >= 1 {
            writer.tags(TagFields::default(), &self.unknown_tags)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_version_round_trip() {
        for (api_key, api_version, tags) in [(18, 3, true), (18, 0, false), (0, 9, true), (999, 7, false)] {
            let mut header = RequestHeader {
                api_key,
                api_version,
                correlation_id: 7,
                client_id: Some(Bytes::from_static(b"rd\xffkafka")),
                unknown_tags: UnknownTags::default(),
            };
            if tags {
                header.unknown_tags.0.push((9, Bytes::from_static(b"x")));
            }
            let mut writer = Writer::new();
            header.encode(&mut writer).unwrap();
            writer.i8(42);
            let bytes = writer.finish().unwrap().into_bytes();
            assert_eq!(RequestPrefix::peek(&bytes).unwrap().api_version, api_version);
            let mut reader = Reader::new(bytes);
            assert_eq!(RequestHeader::decode(&mut reader).unwrap(), header);
            assert_eq!(reader.i8(), Ok(42));
        }
    }
}
