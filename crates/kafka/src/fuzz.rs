//! What the fuzz targets run: each takes any bytes, and must neither panic nor break what it asserts.

#![allow(clippy::panic, missing_docs)]

use bytes::Bytes;

use crate::consumer::{Assignment, Subscription};
use crate::messages::{ApiKey, Body};
use crate::read::Reader;
use crate::records::Batches;
use crate::walk::{EndpointWalker, ProduceHead, Step};
use crate::{DecodeError, Request, RequestHeader, ResponseHeader, Writer, frame};

/// Decodes a body and, if it is one, holds it to what is written of it.
fn body<T: Body + PartialEq + std::fmt::Debug>(version: i16, bytes: Bytes) -> Result<Bytes, DecodeError> {
    let value = T::from_bytes(version, bytes)?;
    let mut writer = Writer::new();
    let written = value.write(version, &mut writer).and_then(|()| writer.finish());
    let Ok(written) = written.map(crate::Rope::into_bytes) else { panic!("cannot write {value:?}") };
    // A value that is not a number differs from itself; the second writing must not.
    let Ok(again) = T::from_bytes(version, written.clone()) else { panic!("cannot read again {value:?}") };
    let mut writer = Writer::new();
    let rewritten = again.write(version, &mut writer).and_then(|()| writer.finish());
    assert_eq!(rewritten.map(crate::Rope::into_bytes), Ok(written.clone()));
    Ok(written)
}

macro_rules! bodies {
    ($(($api:ident, $request:ident, $response:ident))*) => {
        /// Decodes a request's body and writes it again: the same meaning, not always the same bytes.
        pub fn request_body(api: ApiKey, version: i16, bytes: Bytes) -> Result<Bytes, DecodeError> {
            match api {
                $(ApiKey::$api => body::<crate::messages::$request>(version, bytes),)*
                _ => Err(DecodeError::UnknownApi(api as i16)),
            }
        }

        /// Decodes a response's body and writes it again: the same meaning, not always the same bytes.
        pub fn response_body(api: ApiKey, version: i16, bytes: Bytes) -> Result<Bytes, DecodeError> {
            match api {
                $(ApiKey::$api => body::<<crate::messages::$request as Request>::Response>(version, bytes),)*
                _ => Err(DecodeError::UnknownApi(api as i16)),
            }
        }
    };
}
crate::messages::generated::each_api!(bodies);

/// A frame from a client: header, body, and the start of a Produce request.
pub fn request(data: &[u8]) {
    let _ = frame::frame_len(data, frame::MAX_REQUEST);
    let _ = ProduceHead::peek(data);
    let mut reader = Reader::new(Bytes::copy_from_slice(data));
    let Ok(header) = RequestHeader::decode(&mut reader) else { return };
    if let Some(api) = header.api() {
        let _ = request_body(api, header.api_version, reader.rest());
    }
}

/// A frame from a broker; the first four bytes are the API and version it answers.
pub fn response(data: &[u8]) {
    let Some(([k0, k1, v0, v1], data)) = data.split_first_chunk::<4>() else { return };
    let Some(api) = ApiKey::from_i16(i16::from_be_bytes([*k0, *k1])) else { return };
    let version = i16::from_be_bytes([*v0, *v1]);
    let bytes = Bytes::copy_from_slice(data);
    let mut reader = Reader::new(bytes.clone());
    if ResponseHeader::decode(api.info().response_header(version), &mut reader).is_ok() {
        let _ = response_body(api, version, reader.rest());
    }
    walk(api, version, data);
}

/// A large response, once whole and once cut in pieces: both give the same, at equal length.
pub fn walk(api: ApiKey, version: i16, data: &[u8]) {
    let whole = edit(api, version, data, usize::MAX);
    for piece in [1, 7] {
        assert_eq!(edit(api, version, data, piece), whole);
    }
    if let Some(Ok(edited)) = whole {
        assert_eq!(edited.len(), data.len());
        // A second walk finds nothing more to edit.
        assert_eq!(edit(api, version, &edited, usize::MAX), Some(Ok(edited)));
    }
}

/// What a walker makes of `data` when it comes in pieces of `piece` bytes; none if no walker is for it.
pub fn edit(api: ApiKey, version: i16, data: &[u8], piece: usize) -> Option<Result<Vec<u8>, DecodeError>> {
    let mut walker = EndpointWalker::new(api, version, data.len())?;
    let (mut out, mut at, mut have) = (Vec::new(), 0_usize, 0_usize);
    loop {
        let buffer = data.get(at..have.max(at)).unwrap_or_default();
        match walker.step(buffer) {
            Err(error) => return Some(Err(error)),
            Ok(Step::Done) => return Some(Ok(out)),
            Ok(Step::NeedMore) => {
                assert!(have < data.len(), "waits for what does not come");
                have = have.saturating_add(piece).min(data.len());
            }
            Ok(Step::Pass(count)) => {
                assert!(count > 0, "stands still");
                let end = at.saturating_add(count);
                out.extend_from_slice(data.get(at..end).unwrap_or_default());
                at = end;
                have = have.max(at);
            }
            Ok(Step::Tail(count)) => {
                let tail = Bytes::copy_from_slice(data.get(at..at.saturating_add(count)).unwrap_or_default());
                match walker.tail(tail) {
                    Ok(tail) => out.extend_from_slice(&tail),
                    Err(error) => return Some(Err(error)),
                }
                at = data.len();
                have = at;
            }
        }
    }
}

/// Record batches, and the consumer protocol's bytes.
pub fn opaque(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    for entry in Batches::new(bytes.clone()) {
        if let Ok(crate::records::Entry::Batch(batch)) = entry {
            let _ = (batch.crc_is_right(), batch.records(), batch.last_offset());
        }
    }
    if let Ok(read) = Subscription::from_bytes(bytes.clone()) {
        assert_eq!(read.to_bytes().map(Subscription::from_bytes), Ok(Ok(read)));
    }
    if let Ok(read) = Assignment::from_bytes(bytes) {
        assert_eq!(read.to_bytes().map(Assignment::from_bytes), Ok(Ok(read)));
    }
}
