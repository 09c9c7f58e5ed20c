//! Writes values as a rope: what is made here is one growing buffer, large shared bytes (records) are linked in, not copied.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::error::EncodeError;
use crate::types::{Str, UnknownTags, Uuid};

type Result<T> = std::result::Result<T, EncodeError>;

/// Shared bytes shorter than this are copied: an own `iovec` costs more than the copy.
const LINK: usize = 1024;

/// A frame ready to send: chunks in order. It is a [`Buf`], so that `write_vectored` sends all of it at once.
#[derive(Clone, Debug, Default)]
pub struct Rope {
    chunks: VecDeque<Bytes>,
    len: usize,
}

impl Rope {
    /// Appends a chunk without copying it.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.len = self.len.saturating_add(chunk.len());
            self.chunks.push_back(chunk);
        }
    }

    /// The bytes that are left.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no byte is left.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The chunks, for a writer that keeps its own queue.
    pub fn into_chunks(self) -> VecDeque<Bytes> {
        self.chunks
    }

    /// All bytes as one; copies unless there is one chunk only.
    pub fn into_bytes(mut self) -> Bytes {
        self.copy_to_bytes(self.len)
    }
}

impl From<Bytes> for Rope {
    fn from(chunk: Bytes) -> Self {
        let mut rope = Self::default();
        rope.push(chunk);
        rope
    }
}

impl Buf for Rope {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.chunks.front().map_or(&[], |chunk| chunk)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0_usize;
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            *slice = IoSlice::new(chunk);
            filled = filled.saturating_add(1);
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        count = count.min(self.len);
        self.len = self.len.saturating_sub(count);
        while count > 0 {
            let Some(front) = self.chunks.front_mut() else { return };
            if front.len() > count {
                front.advance(count);
                return;
            }
            count = count.saturating_sub(front.len());
            self.chunks.pop_front();
        }
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        let len = len.min(self.len);
        if let Some(front) = self.chunks.front_mut()
            && front.len() >= len
        {
            let taken = front.split_to(len);
            self.len = self.len.saturating_sub(len);
            if front.is_empty() {
                self.chunks.pop_front();
            }
            return taken;
        }
        let mut copy = BytesMut::with_capacity(len);
        copy.put(self.take(len));
        copy.freeze()
    }
}

/// Known tagged fields on their way into a message, see [`Writer::tags`].
#[derive(Debug, Default)]
pub struct TagFields(Vec<(u32, Writer)>);

impl TagFields {
    /// Adds the field `tag`; fields come in ascending order.
    pub fn add(&mut self, tag: u32, write: impl FnOnce(&mut Writer) -> Result<()>) -> Result<()> {
        let mut field = Writer::default();
        write(&mut field)?;
        self.0.push((tag, field));
        Ok(())
    }
}

/// Builds the bytes of one message.
///
/// `flex` says whether the message's version is flexible (KIP-482): compact lengths, and tagged fields.
#[derive(Debug, Default)]
pub struct Writer {
    done: Vec<BytesMutOrShared>,
    tail: BytesMut,
    len: usize,
    framed: bool,
}

#[derive(Debug)]
enum BytesMutOrShared {
    Own(BytesMut),
    Shared(Bytes),
}

impl Writer {
    /// For bytes without a frame length.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a whole frame: the four bytes of its length come first and are filled in by [`Writer::finish`].
    pub fn frame() -> Self {
        let mut writer = Self { framed: true, tail: BytesMut::with_capacity(256), ..Self::default() };
        writer.tail.put_i32(0);
        writer
    }

    /// The bytes written so far, without the frame length.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes written. A frame's length is filled in; one of 2 GiB or more is an error.
    pub fn finish(mut self) -> Result<Rope> {
        if self.framed {
            let length = i32::try_from(self.len).map_err(|_| EncodeError::TooLong(self.len))?.to_be_bytes();
            // A frame starts with its own buffer, never with a shared chunk.
            let first = match self.done.first_mut() {
                Some(BytesMutOrShared::Own(first)) => first,
                _ => &mut self.tail,
            };
            if let Some(place) = first.first_chunk_mut::<4>() {
                *place = length;
            }
        }
        let mut rope = Rope::default();
        self.into_parts(|part| rope.push(part));
        Ok(rope)
    }

    fn into_parts(self, mut each: impl FnMut(Bytes)) {
        for part in self.done {
            each(match part {
                BytesMutOrShared::Own(bytes) => bytes.freeze(),
                BytesMutOrShared::Shared(bytes) => bytes,
            });
        }
        each(self.tail.freeze());
    }

    fn put(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.len = self.len.saturating_add(bytes.len());
    }

    /// Bytes as they are; large ones are linked in.
    pub fn raw(&mut self, bytes: &Bytes) {
        if bytes.len() < LINK {
            return self.put(bytes);
        }
        self.len = self.len.saturating_add(bytes.len());
        if !self.tail.is_empty() {
            self.done.push(BytesMutOrShared::Own(self.tail.split()));
        }
        self.done.push(BytesMutOrShared::Shared(bytes.clone()));
    }

    /// A byte, 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.put(&[u8::from(value)]);
    }

    /// A signed byte.
    pub fn i8(&mut self, value: i8) {
        self.put(&value.to_be_bytes());
    }

    /// Two bytes, big-endian, signed.
    pub fn i16(&mut self, value: i16) {
        self.put(&value.to_be_bytes());
    }

    /// Two bytes, big-endian, unsigned.
    pub fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    /// Four bytes, big-endian, signed.
    pub fn i32(&mut self, value: i32) {
        self.put(&value.to_be_bytes());
    }

    /// Eight bytes, big-endian, signed.
    pub fn i64(&mut self, value: i64) {
        self.put(&value.to_be_bytes());
    }

    /// Eight bytes, IEEE 754.
    pub fn f64(&mut self, value: f64) {
        self.put(&value.to_be_bytes());
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.put(&value.0);
    }

    /// A variable-length integer, seven bits to a byte, least significant first.
    pub fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.put(&[(value & 0x7f) as u8 | 0x80]);
            value >>= 7;
        }
        self.put(&[value as u8]);
    }

    fn length(&mut self, flex: bool, short: bool, len: Option<usize>) -> Result<()> {
        let too_long = EncodeError::TooLong(len.unwrap_or_default());
        match (flex, short, len) {
            (_, true, Some(len)) if len > 0x7fff => return Err(too_long),
            (_, false, Some(len)) if len >= 0x7fff_ffff => return Err(too_long),
            (true, _, len) => self.uvarint(len.map_or(0, |len| (len as u32).saturating_add(1))),
            (false, true, len) => self.i16(len.map_or(-1, |len| len as i16)),
            (false, false, len) => self.i32(len.map_or(-1, |len| len as i32)),
        }
        Ok(())
    }

    /// A string that may be null.
    pub fn string_opt(&mut self, flex: bool, value: Option<&Str>) -> Result<()> {
        self.length(flex, true, value.map(|value| value.as_bytes().len()))?;
        if let Some(value) = value {
            self.put(value.as_bytes());
        }
        Ok(())
    }

    /// A string.
    pub fn string(&mut self, flex: bool, value: &Str) -> Result<()> {
        self.string_opt(flex, Some(value))
    }

    /// Bytes, or records, that may be null. Large ones are linked in.
    pub fn bytes_opt(&mut self, flex: bool, value: Option<&Bytes>) -> Result<()> {
        self.length(flex, false, value.map(Bytes::len))?;
        if let Some(value) = value {
            self.raw(value);
        }
        Ok(())
    }

    /// Bytes, or records. Large ones are linked in.
    pub fn bytes(&mut self, flex: bool, value: &Bytes) -> Result<()> {
        self.bytes_opt(flex, Some(value))
    }

    /// An array that may be null.
    pub fn array_opt<T>(
        &mut self,
        flex: bool,
        values: Option<&Vec<T>>,
        mut element: impl FnMut(&mut Self, &T) -> Result<()>,
    ) -> Result<()> {
        self.length(flex, false, values.map(Vec::len))?;
        values.into_iter().flatten().try_for_each(|value| element(self, value))
    }

    /// An array.
    pub fn array<T>(
        &mut self,
        flex: bool,
        values: &Vec<T>,
        element: impl FnMut(&mut Self, &T) -> Result<()>,
    ) -> Result<()> {
        self.array_opt(flex, Some(values), element)
    }

    /// A structure that may be null.
    pub fn struct_opt<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T) -> Result<()>) -> Result<()> {
        self.i8(if value.is_some() { 1 } else { -1 });
        value.map_or(Ok(()), |value| write(self, value))
    }

    /// The tagged fields: the known ones and those that came along, in ascending order.
    pub fn tags(&mut self, known: TagFields, unknown: &UnknownTags) -> Result<()> {
        let count = known.0.len().saturating_add(unknown.0.len());
        self.uvarint(u32::try_from(count).map_err(|_| EncodeError::TooLong(count))?);
        let mut known = known.0.into_iter().peekable();
        let mut last = None;
        let mut ascending = |tag: u32| {
            if last >= Some(tag) {
                return Err(EncodeError::DuplicateTag(tag));
            }
            last = Some(tag);
            Ok(())
        };
        for (tag, bytes) in &unknown.0 {
            while let Some((known, field)) = known.next_if(|(known, _)| known <= tag) {
                ascending(known)?;
                self.tag(known, field)?;
            }
            ascending(*tag)?;
            self.uvarint(*tag);
            self.uvarint(u32::try_from(bytes.len()).map_err(|_| EncodeError::TooLong(bytes.len()))?);
            self.raw(bytes);
        }
        for (tag, field) in known {
            ascending(tag)?;
            self.tag(tag, field)?;
        }
        Ok(())
    }

    fn tag(&mut self, tag: u32, field: Writer) -> Result<()> {
        self.uvarint(tag);
        self.uvarint(u32::try_from(field.len).map_err(|_| EncodeError::TooLong(field.len))?);
        field.into_parts(|part| self.raw(&part));
        Ok(())
    }
}

/// The value of a field that has no null in the version being written.
pub fn required<T>(value: Option<&T>) -> Result<&T> {
    value.ok_or(EncodeError::UnexpectedNull)
}
