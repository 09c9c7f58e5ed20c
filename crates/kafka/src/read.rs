//! Reads values off one frame. Every length is checked against the bytes that are there before anything is allocated.

use bytes::Bytes;

use crate::error::DecodeError;
use crate::types::{Str, UnknownTags, Uuid};

type Result<T> = std::result::Result<T, DecodeError>;

/// What a frame decodes to takes at most so many times its own bytes (names of one letter come near it) …
const FACTOR: usize = 24;

/// … never more than this, which the metadata of a million partitions needs, …
const CEILING: usize = 256 << 20;

/// … and this much more, for small frames.
const FLOOR: usize = 16 * 1024;

/// A cursor over the bytes of one frame. Strings and byte fields are slices of the frame, never copies.
///
/// `flex` says whether the message's version is flexible (KIP-482): compact lengths, and tagged fields.
#[derive(Clone, Debug)]
pub struct Reader {
    bytes: Bytes,
    at: usize,
    /// The bytes of memory that arrays may still take.
    budget: usize,
}

impl Reader {
    /// Starts at the first of `bytes`. All arrays read from them together may take 24 times their length, 256 MiB at most,
    /// and 16 KiB.
    pub fn new(bytes: Bytes) -> Self {
        let budget = bytes.len().saturating_mul(FACTOR).min(CEILING).saturating_add(FLOOR);
        Self { bytes, at: 0, budget }
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// The bytes that are left, shared; the reader is at its end afterwards.
    pub fn rest(&mut self) -> Bytes {
        let rest = self.bytes.slice(self.at..);
        self.at = self.bytes.len();
        rest
    }

    /// An error if bytes are left.
    pub fn finish(&self) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let left = self.bytes.get(self.at..).unwrap_or_default();
        let Some((value, _)) = left.split_first_chunk::<N>() else {
            return Err(DecodeError::Truncated { needed: N.saturating_sub(left.len()) });
        };
        self.at = self.at.saturating_add(N);
        Ok(*value)
    }

    /// The next `len` bytes, shared.
    pub fn take(&mut self, len: usize) -> Result<Bytes> {
        let left = self.remaining();
        if len > left {
            return Err(DecodeError::Truncated { needed: len.saturating_sub(left) });
        }
        if len == 0 {
            return Ok(Bytes::new());
        }
        let end = self.at.saturating_add(len);
        let taken = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(taken)
    }

    /// A byte: zero is false, all else true.
    pub fn bool(&mut self) -> Result<bool> {
        Ok(self.i8()? != 0)
    }

    /// A signed byte.
    pub fn i8(&mut self) -> Result<i8> {
        Ok(i8::from_be_bytes(self.fixed()?))
    }

    /// Two bytes, big-endian, signed.
    pub fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.fixed()?))
    }

    /// Two bytes, big-endian, unsigned.
    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.fixed()?))
    }

    /// Four bytes, big-endian, signed.
    pub fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.fixed()?))
    }

    /// Eight bytes, big-endian, signed.
    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.fixed()?))
    }

    /// Eight bytes, IEEE 754.
    pub fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_be_bytes(self.fixed()?))
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self) -> Result<Uuid> {
        Ok(Uuid(self.fixed()?))
    }

    /// A variable-length integer of up to 32 bits, seven to a byte, least significant first.
    pub fn uvarint(&mut self) -> Result<u32> {
        let mut value = 0_u64;
        for shift in [0_u32, 7, 14, 21, 28] {
            let [byte] = self.fixed::<1>()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| DecodeError::VarintTooLong);
            }
        }
        Err(DecodeError::VarintTooLong)
    }

    /// A length where null is possible: −1, or 0 when compact.
    fn length(&mut self, flex: bool, short: bool) -> Result<Option<usize>> {
        let length = if flex {
            i64::from(self.uvarint()?).saturating_sub(1)
        } else if short {
            i64::from(self.i16()?)
        } else {
            i64::from(self.i32()?)
        };
        match length {
            -1 => Ok(None),
            _ => usize::try_from(length).map(Some).map_err(|_| DecodeError::InvalidLength(length)),
        }
    }

    /// A string that may be null.
    pub fn string_opt(&mut self, flex: bool) -> Result<Option<Str>> {
        let Some(len) = self.length(flex, true)? else { return Ok(None) };
        // Kafka's own limit in both forms.
        if len > 0x7fff {
            return Err(DecodeError::InvalidLength(i64::try_from(len).unwrap_or(i64::MAX)));
        }
        Str::from_utf8(self.take(len)?).map(Some)
    }

    /// A string.
    pub fn string(&mut self, flex: bool) -> Result<Str> {
        self.string_opt(flex)?.ok_or(DecodeError::UnexpectedNull)
    }

    /// Bytes, or records, that may be null.
    pub fn bytes_opt(&mut self, flex: bool) -> Result<Option<Bytes>> {
        match self.length(flex, false)? {
            Some(len) => self.take(len).map(Some),
            None => Ok(None),
        }
    }

    /// Bytes, or records.
    pub fn bytes(&mut self, flex: bool) -> Result<Bytes> {
        self.bytes_opt(flex)?.ok_or(DecodeError::UnexpectedNull)
    }

    /// An array that may be null; `min` is the least number of bytes that an element can take.
    pub fn array_opt<T>(
        &mut self,
        flex: bool,
        min: usize,
        mut element: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Option<Vec<T>>> {
        let Some(count) = self.length(flex, false)? else { return Ok(None) };
        let mut elements = self.reserve(count, min)?;
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(Some(elements))
    }

    /// Room for `count` elements of at least `min` bytes each, if the bytes are there and the budget allows.
    fn reserve<T>(&mut self, count: usize, min: usize) -> Result<Vec<T>> {
        let remaining = self.remaining();
        let budget = self.budget.checked_sub(count.saturating_mul(size_of::<T>()));
        match budget {
            Some(budget) if count <= remaining.checked_div(min).unwrap_or(remaining) => {
                self.budget = budget;
                Ok(Vec::with_capacity(count))
            }
            _ => Err(DecodeError::TooManyElements { count, remaining }),
        }
    }

    /// An array; `min` is the least number of bytes that an element can take.
    pub fn array<T>(&mut self, flex: bool, min: usize, element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.array_opt(flex, min, element)?.ok_or(DecodeError::UnexpectedNull)
    }

    /// A structure that may be null: a byte, negative for null, before it.
    pub fn struct_opt<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.i8()? < 0 { Ok(None) } else { read(self).map(Some) }
    }

    /// Tagged fields. `known` reads the field of a tag it knows and says `true`, or leaves it and says `false`; what it
    /// leaves is kept as it is.
    pub fn tags(&mut self, mut known: impl FnMut(u32, &mut Self) -> Result<bool>) -> Result<UnknownTags> {
        let count = self.uvarint()? as usize;
        // A tag and its size take two bytes at least. The known ones need no room, but are seldom many.
        let mut unknown = UnknownTags(self.reserve(count, 2)?);
        let mut next = 0;
        for _ in 0..count {
            let tag = self.uvarint()?;
            if u64::from(tag) < next {
                return Err(DecodeError::TagOrder(tag));
            }
            next = u64::from(tag).saturating_add(1);
            let size = self.uvarint()? as usize;
            let mut field = Self { bytes: self.take(size)?, at: 0, budget: self.budget };
            if known(tag, &mut field)? {
                field.finish()?;
                self.budget = field.budget;
            } else {
                unknown.0.push((tag, field.bytes));
            }
        }
        Ok(unknown)
    }
}
