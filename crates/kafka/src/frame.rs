//! Frames: four bytes of length, then a header and a body.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use crate::error::{DecodeError, EncodeError};
use crate::header::{RequestHeader, ResponseHeader};
use crate::messages::{Body, Request};
use crate::read::Reader;
use crate::write::{Rope, Writer};

/// Kafka's `socket.request.max.bytes`, the largest request a broker takes unless told otherwise: 100 MiB.
pub const MAX_REQUEST: usize = 100 * 1024 * 1024;

/// Why bytes are not the start of a frame. The connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The length is negative.
    #[error("a frame of negative length {0}")]
    Negative(i32),
    /// The length is above the limit.
    #[error("a frame of {len} bytes, above the limit of {max}")]
    TooLarge {
        /// The length said.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// A TLS record stands where a frame should: one side speaks TLS, the other does not.
    #[error("this is TLS, not Kafka: one side of this connection uses TLS and the other plaintext")]
    LooksLikeTls,
    /// An HTTP message stands where a frame should.
    #[error("this is HTTP, not Kafka")]
    LooksLikeHttp,
}

/// The length of the frame that `bytes` starts with (without the four bytes that say it), once those four are there.
///
/// Lengths above `max` bytes are refused before anything is read or reserved; if the four bytes are the start of another
/// protocol the error says which.
pub fn frame_len(bytes: &[u8], max: usize) -> Result<Option<usize>, FrameError> {
    let Some(first) = bytes.first_chunk::<4>() else { return Ok(None) };
    let length = i32::from_be_bytes(*first);
    match usize::try_from(length) {
        Ok(len) if len <= max => Ok(Some(len)),
        wrong => Err(match first {
            // A record of alert (20 is change-cipher-spec), handshake or application data, then the version 3.x.
            [0x14..=0x17, 0x03, ..] => FrameError::LooksLikeTls,
            b"GET " | b"POST" | b"PUT " | b"HEAD" | b"DELE" | b"OPTI" | b"PATC" | b"CONN" | b"PRI " | b"HTTP" => {
                FrameError::LooksLikeHttp
            }
            _ => wrong.map_or(FrameError::Negative(length), |len| FrameError::TooLarge { len, max }),
        }),
    }
}

/// Takes one whole frame off the front of `buffer`, without its length; `None` while bytes are missing.
///
/// Nothing is reserved for a frame that has not come yet: the buffer grows as the caller reads.
pub fn take_frame(buffer: &mut BytesMut, max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(len) = frame_len(buffer, max)? else { return Ok(None) };
    if buffer.len().saturating_sub(4) < len {
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(len).freeze()))
}

/// A whole request: length, header, body in the header's version. What is large is linked in, not copied.
pub fn request<T: Request>(header: &RequestHeader, body: &T) -> Result<Rope, EncodeError> {
    let mut writer = Writer::frame();
    header.encode(&mut writer)?;
    body.write(header.api_version, &mut writer)?;
    writer.finish()
}

/// A whole response to a request of type `T` in `version`: length, header, body. What is large is linked in, not copied.
pub fn response<T: Request>(version: i16, header: &ResponseHeader, body: &T::Response) -> Result<Rope, EncodeError> {
    let mut writer = Writer::frame();
    header.encode(T::KEY.info().response_header(version), &mut writer)?;
    body.write(version, &mut writer)?;
    writer.finish()
}

/// Reads a response's frame (without its length) to a request of type `T` in `version`.
pub fn read_response<T: Request>(version: i16, frame: Bytes) -> Result<(ResponseHeader, T::Response), DecodeError> {
    let mut reader = Reader::new(frame);
    let header = ResponseHeader::decode(T::KEY.info().response_header(version), &mut reader)?;
    Ok((header, T::Response::from_bytes(version, reader.rest())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        let mut buffer = BytesMut::from(&b"\0\0\0\x02abc"[..6 - 1]);
        assert_eq!(take_frame(&mut buffer, 10), Ok(None));
        buffer.extend_from_slice(b"bc");
        assert_eq!(take_frame(&mut buffer, 10), Ok(Some(Bytes::from_static(b"ab"))));
        assert_eq!(&buffer[..], b"c");
    }

    #[test]
    fn lengths_and_other_protocols_are_refused() {
        assert_eq!(frame_len(b"\0\0\0", 10), Ok(None));
        assert_eq!(frame_len(b"\0\0\0\x0b", 10), Err(FrameError::TooLarge { len: 11, max: 10 }));
        assert_eq!(frame_len(b"\xff\xff\xff\xff", 10), Err(FrameError::Negative(-1)));
        assert_eq!(frame_len(b"\x16\x03\x01\x02\x00", MAX_REQUEST), Err(FrameError::LooksLikeTls));
        assert_eq!(frame_len(b"\x15\x03\x03\x00", MAX_REQUEST), Err(FrameError::LooksLikeTls));
        assert_eq!(frame_len(b"GET / HTTP/1.1", MAX_REQUEST), Err(FrameError::LooksLikeHttp));
    }
}
