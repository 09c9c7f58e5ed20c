//! Where a body ends, and its bytes without their framing (RFC 9112 6, 7).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::ops::Range;

/// Bytes of chunk extensions in one body; nobody reads them.
const MAX_EXTENSIONS: usize = 16 << 10;
/// Bytes of a trailer section, and its fields.
const MAX_TRAILERS: usize = 16 << 10;
const MAX_TRAILER_FIELDS: usize = 64;
/// Hexadecimal digits of a chunk's size.
const MAX_DIGITS: u8 = 16;

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    Empty,
    /// After so many bytes, one at least.
    Length(u64),
    /// With the last chunk and the trailer section.
    Chunked,
    /// With the connection.
    Close,
}

impl Framing {
    pub(crate) fn length(length: u64) -> Self {
        if length == 0 { Self::Empty } else { Self::Length(length) }
    }
}

/// Why a body breaks off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the connection ended within the body")]
    Ended,
    #[error("a chunk's size is no number, or too large")]
    Size,
    #[error("a chunk's size or its data do not end in CRLF")]
    Line,
    #[error("chunk extensions that are too long, or have control characters")]
    Extension,
    #[error("a trailer section that is too long, or none")]
    Trailers,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Takes a body's framing away, whatever pieces it comes in.
#[derive(Debug, Default)]
pub(crate) enum Decoder {
    #[default]
    Done,
    Length(u64),
    Close,
    Chunked(Chunked),
}

/// What [`Decoder::decode`] has found.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// Bytes of the body, moved together.
    pub(crate) data: Range<usize>,
    /// Bytes that belong to the body, with its framing.
    pub(crate) consumed: usize,
    /// Fields behind the body, once it has ended.
    pub(crate) trailers: Option<HeaderMap>,
}

#[derive(Debug)]
pub(crate) struct Chunked {
    at: At,
    /// Of the current chunk.
    left: u64,
    extensions: usize,
    trailers: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// So many digits of the size have come.
    Size(u8),
    Extension,
    /// LF behind the size.
    SizeEnd,
    Data,
    /// CR and LF behind the data.
    DataEnd,
    DataLf,
    /// Begin of a line of the trailer section.
    Line,
    InLine,
    /// LF of its empty line.
    LastLf,
}

impl Decoder {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Empty | Framing::Length(0) => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Close => Self::Close,
            Framing::Chunked => {
                Self::Chunked(Chunked { at: At::Size(0), left: 0, extensions: 0, trailers: Vec::new() })
            }
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Bytes still to come, if that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        match self {
            Self::Done => Some(0),
            Self::Length(left) => Some(*left),
            Self::Close | Self::Chunked(_) => None,
        }
    }

    /// The connection has ended.
    pub(crate) fn end(&mut self) -> Result<(), BodyError> {
        match self {
            Self::Done | Self::Close => {
                *self = Self::Done;
                Ok(())
            }
            Self::Length(_) | Self::Chunked(_) => Err(BodyError::Ended),
        }
    }

    /// Takes what belongs to the body from the front of `raw`; all of it, unless the body ends before.
    pub(crate) fn decode(&mut self, raw: &mut [u8]) -> Result<Decoded, BodyError> {
        let mut all = Decoded { data: 0..raw.len(), consumed: raw.len(), trailers: None };
        match self {
            Self::Done => all = Decoded { data: 0..0, consumed: 0, trailers: None },
            Self::Close => {}
            Self::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(raw.len());
                *left -= length as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                all = Decoded { data: 0..length, consumed: length, trailers: None };
            }
            Self::Chunked(chunked) => {
                let (data, consumed, done) = chunked.decode(raw)?;
                let trailers = if done { chunked.trailers()? } else { None };
                if done {
                    *self = Self::Done;
                }
                all = Decoded { data, consumed, trailers };
            }
        }
        Ok(all)
    }
}

impl Chunked {
    fn decode(&mut self, raw: &mut [u8]) -> Result<(Range<usize>, usize, bool), BodyError> {
        let mut data = 0..0;
        let mut next = 0;
        while let Some(&byte) = raw.get(next) {
            if self.at == At::Data {
                let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(raw.len() - next);
                if data.is_empty() {
                    data = next..next;
                } else {
                    raw.copy_within(next..next + length, data.end);
                }
                data.end += length;
                next += length;
                self.left -= length as u64;
                if self.left == 0 {
                    self.at = At::DataEnd;
                }
                continue;
            }
            next += 1;
            if self.at == At::LastLf {
                return if byte == b'\n' { Ok((data, next, true)) } else { Err(BodyError::Trailers) };
            }
            self.at = self.step(byte)?;
        }
        Ok((data, next, false))
    }

    /// A byte of the framing.
    fn step(&mut self, byte: u8) -> Result<At, BodyError> {
        Ok(match (self.at, byte) {
            (At::Size(digits), _) if byte.is_ascii_hexdigit() => {
                if digits == MAX_DIGITS {
                    return Err(BodyError::Size);
                }
                let digit = (byte as char).to_digit(16).unwrap_or_default();
                self.left = self.left << 4 | u64::from(digit);
                At::Size(digits + 1)
            }
            (At::Size(1..) | At::Extension, b'\r') => At::SizeEnd,
            (At::Size(1..), b';') => At::Extension,
            (At::Size(_), _) => return Err(BodyError::Size),
            (At::Extension, _) => {
                self.extensions += 1;
                if self.extensions > MAX_EXTENSIONS || byte.is_ascii_control() && byte != b'\t' {
                    return Err(BodyError::Extension);
                }
                At::Extension
            }
            (At::SizeEnd, b'\n') if self.left == 0 => At::Line,
            (At::SizeEnd, b'\n') => At::Data,
            (At::DataEnd, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size(0),
            (At::SizeEnd | At::DataEnd | At::DataLf, _) => return Err(BodyError::Line),
            (At::Line, b'\r') => At::LastLf,
            (At::Line | At::InLine, _) => {
                if self.trailers.len() == MAX_TRAILERS || byte == b'\n' && self.trailers.last() != Some(&b'\r') {
                    return Err(BodyError::Trailers);
                }
                self.trailers.push(byte);
                if byte == b'\n' { At::Line } else { At::InLine }
            }
            (At::Data | At::LastLf, _) => return Err(BodyError::Line),
        })
    }

    fn trailers(&mut self) -> Result<Option<HeaderMap>, BodyError> {
        if self.trailers.is_empty() {
            return Ok(None);
        }
        let mut text = std::mem::take(&mut self.trailers);
        text.extend_from_slice(b"\r\n");
        let text = Bytes::from(text);
        let mut room = [httparse::EMPTY_HEADER; MAX_TRAILER_FIELDS];
        let Ok(httparse::Status::Complete((end, parsed))) = httparse::parse_headers(&text, &mut room) else {
            return Err(BodyError::Trailers);
        };
        if end != text.len() {
            return Err(BodyError::Trailers);
        }
        let mut fields = HeaderMap::with_capacity(parsed.len());
        for field in parsed {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            let value = HeaderValue::from_maybe_shared(text.slice_ref(field.value));
            let (Ok(name), Ok(value)) = (name, value) else { return Err(BodyError::Trailers) };
            fields.append(name, value);
        }
        Ok(Some(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, how many bytes are left behind it, and its trailers.
    fn read(bytes: &[u8], step: usize) -> Result<(String, usize, Option<HeaderMap>), BodyError> {
        let mut decoder = Decoder::new(Framing::Chunked);
        let (mut text, mut taken, mut trailers) = (Vec::new(), 0, None);
        for piece in bytes.chunks(step) {
            let mut piece = piece.to_vec();
            let decoded = decoder.decode(&mut piece)?;
            text.extend_from_slice(&piece[decoded.data]);
            taken += decoded.consumed;
            trailers = trailers.or(decoded.trailers);
        }
        if !decoder.is_done() {
            decoder.end()?;
        }
        Ok((String::from_utf8(text).unwrap(), bytes.len() - taken, trailers))
    }

    #[test]
    fn chunks_come_together_however_they_are_cut() {
        let body = b"4\r\nWiki\r\n5;a=\"b\"\r\npedia\r\n00e\r\n in\r\n\r\nchunks.\r\n0\r\n\r\nGET";
        let end = b"1\r\nx\r\n0\r\nX-Sum: 1\r\ny: 2\r\n\r\n";
        for step in [1, 2, 3, 5, 7, 100] {
            let (text, left, trailers) = read(body, step).unwrap();
            assert_eq!((&*text, left, trailers), ("Wikipedia in\r\n\r\nchunks.", 3, None), "{step}");
            let trailers = read(end, step).unwrap().2.unwrap();
            assert_eq!((trailers.len(), trailers["x-sum"].as_bytes()), (2, &b"1"[..]), "{step}");
        }
    }

    #[test]
    fn odd_chunks_are_errors() {
        for bad in [
            "\r\n",
            "x\r\n",
            "-1\r\nx",
            "+1\r\nx",
            "0x1\r\nx",
            " 1\r\nx",
            "1 \r\nx",
            "1\nx\r\n0\r\n\r\n",
            "1\r\nx0\r\n\r\n",
            "1\r\nx\n0\r\n\r\n",
            "1\r\nxx\r\n0\r\n\r\n",
            "1;a\nb\r\nx\r\n0\r\n\r\n",
            "1;a\0\r\nx\r\n0\r\n\r\n",
            "1;a\rb\r\nx\r\n0\r\n\r\n",
            "0\r\n\n",
            "0\r\na: b\n\r\n",
            "0\r\na\r\n\r\n",
            "0\r\n a: b\r\n\r\n",
            "0\r\na : b\r\n\r\n",
            "0\r\na: b\r\n c\r\n\r\n",
            "10000000000000000\r\n",
            "00000000000000001\r\n",
            "5\r\nabc",
            "0\r\n",
            ";\r\n",
            "1\r\rx",
        ] {
            for step in [1, 3, 100] {
                assert!(read(bad.as_bytes(), step).is_err(), "{bad:?} {step}");
            }
        }
        let long = format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(MAX_EXTENSIONS + 1));
        assert!(matches!(read(long.as_bytes(), 100), Err(BodyError::Extension)));
        let long = format!("0\r\na: {}\r\n\r\n", "e".repeat(MAX_TRAILERS));
        assert!(matches!(read(long.as_bytes(), 100), Err(BodyError::Trailers)));
        let many = format!("0\r\n{}\r\n", "a: b\r\n".repeat(MAX_TRAILER_FIELDS + 1));
        assert!(matches!(read(many.as_bytes(), 100), Err(BodyError::Trailers)));
    }
}
