//! Walks frames that are not held: everything up to the end of the records is passed on by length as it streams.
//!
//! Only two things are read this way. A response whose broker addresses come *after* the records (Fetch v16+, ShareFetch)
//! and that is too large to hold goes through an [`EndpointWalker`]: its length was sent on before its end came in, so
//! the end is edited at equal length. And of a Produce request that passes, [`ProduceHead`] reads the start, because a
//! request with `acks=0` gets no answer.
//!
//! A Produce request under filters is *not* walked: a topic renamed or a partition denied changes the frame's length,
//! which comes first, so every topic must have been read before the first byte can go. Such a frame is held whole, as
//! it arrives, up to the route's cap ([`crate::take_frame`]), decoded without copying records and written again as a
//! [`crate::Rope`]. The same holds for a Fetch response up to v12, which names its topics, on a route that maps names.

use bytes::{BufMut, Bytes, BytesMut};

use crate::api::ApiKey;
use crate::error::DecodeError;

/// Responses up to this many bytes are better held and decoded: 64 KiB.
pub const HOLD: usize = 64 * 1024;

/// What to do with the bytes of the frame that come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The next item has not come in whole: read more, keep what is there. Never more than ten bytes are waited for.
    NeedMore,
    /// Send the next so many bytes on as they are; they may be more than the buffer has.
    Pass(usize),
    /// Hold the next so many bytes, the rest of the frame, and send what [`EndpointWalker::tail`] makes of them.
    Tail(usize),
    /// The frame is over.
    Done,
}

/// A part of a layout, in flexible versions.
enum Op {
    /// So many bytes.
    Fixed(usize),
    /// A compact string, byte array or records, possibly null.
    Blob,
    /// A compact array, possibly null, of what is laid out so.
    Array(&'static [Op]),
    /// Tagged fields.
    Tags,
    /// One tagged field.
    Tag,
    /// The rest of the frame is held.
    Tail,
}

static FETCH: &[Op] = &[
    Op::Fixed(4),  // correlation id
    Op::Tags,      // of the header
    Op::Fixed(10), // throttle time, error code, session id
    Op::Array(&[
        Op::Fixed(16), // topic id
        Op::Array(&[
            Op::Fixed(30), // index, error code, high watermark, last stable and log start offset
            Op::Array(&[Op::Fixed(16), Op::Tags]), // aborted transactions
            Op::Fixed(4),  // preferred read replica
            Op::Blob,      // records
            Op::Tags,
        ]),
        Op::Tags,
    ]),
    Op::Tail, // tagged fields, node endpoints among them
];

static SHARE_FETCH: &[Op] = &[
    Op::Fixed(4), // correlation id
    Op::Tags,     // of the header
    Op::Fixed(6), // throttle time, error code
    Op::Blob,     // error message
    Op::Fixed(4), // acquisition lock timeout
    Op::Array(&[
        Op::Fixed(16), // topic id
        Op::Array(&[
            Op::Fixed(6), // index, error code
            Op::Blob,     // error message
            Op::Fixed(2), // acknowledge error code
            Op::Blob,     // acknowledge error message
            Op::Fixed(8), // current leader: id, epoch
            Op::Tags,
            Op::Blob,                              // records
            Op::Array(&[Op::Fixed(18), Op::Tags]), // acquired records
            Op::Tags,
        ]),
        Op::Tags,
    ]),
    Op::Tail, // node endpoints, tagged fields
];

static ENDPOINT: &[Op] = &[Op::Fixed(4), Op::Blob, Op::Fixed(4), Op::Blob, Op::Tags];

#[derive(Clone, Debug)]
struct Level {
    ops: &'static [Op],
    at: usize,
    left: usize,
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fixed(_) => "Fixed",
            Self::Blob => "Blob",
            Self::Array(_) => "Array",
            Self::Tags => "Tags",
            Self::Tag => "Tag",
            Self::Tail => "Tail",
        })
    }
}

/// Takes the broker addresses out of a Fetch (v16+) or ShareFetch response while it streams, at equal length.
///
/// The node endpoints are a shortcut (KIP-951): a client that is told only the new leader's id asks for metadata instead.
/// So they are emptied, and their bytes become a tagged field of zeros that no client knows.
///
/// ```
/// # use bytes::{Bytes, BytesMut, Buf};
/// # use kafka::walk::{EndpointWalker, Step};
/// # use kafka::ApiKey;
/// # fn copy(mut buffer: BytesMut, frame_len: usize, send: &mut Vec<Bytes>) -> Result<(), kafka::DecodeError> {
/// // `buffer` starts at the response's header, after the frame's length, which has been sent on.
/// let Some(mut walker) = EndpointWalker::new(ApiKey::Fetch, 17, frame_len) else { return Ok(()) };
/// loop {
///     match walker.step(&buffer)? {
///         // Read from the broker into `buffer`.
///         Step::NeedMore => return Ok(()),
///         // Copy n bytes: those that `buffer` has, and the others as they come.
///         Step::Pass(n) => send.push(buffer.split_to(n).freeze()),
///         // Read until `buffer` has n bytes.
///         Step::Tail(n) => send.push(walker.tail(buffer.split_to(n).freeze())?),
///         Step::Done => return Ok(()),
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EndpointWalker {
    api: ApiKey,
    stack: Vec<Level>,
    left: usize,
    max_tail: usize,
}

impl EndpointWalker {
    /// Whether a response of this API and version has addresses after records.
    pub fn applies(api: ApiKey, version: i16) -> bool {
        match api {
            ApiKey::Fetch => version >= 16,
            ApiKey::ShareFetch => true,
            _ => false,
        }
    }

    /// A walker for a response of `frame_len` bytes (as its length says, header included); none if the API and version
    /// need none or are not known. The end that has to be held is limited to [`HOLD`] bytes.
    pub fn new(api: ApiKey, version: i16, frame_len: usize) -> Option<Self> {
        if !Self::applies(api, version) || !api.info().has(version) {
            return None;
        }
        let ops = if api == ApiKey::Fetch { FETCH } else { SHARE_FETCH };
        Some(Self { api, stack: vec![Level { ops, at: 0, left: 1 }], left: frame_len, max_tail: HOLD })
    }

    /// What to do next; `buffer` starts at the first byte that has not been dealt with and may be short or long.
    pub fn step(&mut self, buffer: &[u8]) -> Result<Step, DecodeError> {
        let here = buffer.get(..self.left).unwrap_or(buffer);
        let mut pass = 0_usize;
        loop {
            let Some(level) = self.stack.last_mut() else {
                return match (pass, self.left) {
                    (0, 0) => Ok(Step::Done),
                    (0, left) => Err(DecodeError::TrailingBytes(left)),
                    _ => Ok(Step::Pass(pass)),
                };
            };
            if level.left == 0 {
                self.stack.pop();
                continue;
            }
            let Some(op) = level.ops.get(level.at) else {
                level.at = 0;
                level.left = level.left.saturating_sub(1);
                continue;
            };
            let ahead = here.get(pass..).unwrap_or_default();
            let mut peek = Peek::new(ahead);
            let mut inner: Option<(&'static [Op], usize)> = None;
            let skip = match op {
                Op::Fixed(len) => Some(*len),
                Op::Blob => peek.uvarint()?.map(|len| peek.at.saturating_add(len.saturating_sub(1))),
                Op::Tag => match peek.uvarint()? {
                    Some(_) => peek.uvarint()?.map(|len| peek.at.saturating_add(len)),
                    None => None,
                },
                Op::Array(element) => peek.uvarint()?.map(|count| {
                    inner = Some((*element, count.saturating_sub(1)));
                    peek.at
                }),
                Op::Tags => peek.uvarint()?.map(|count| {
                    inner = Some((&[Op::Tag], count));
                    peek.at
                }),
                Op::Tail => {
                    if pass > 0 {
                        return Ok(Step::Pass(pass));
                    }
                    if self.left > self.max_tail {
                        return Err(DecodeError::TailTooLarge { len: self.left, max: self.max_tail });
                    }
                    return Ok(Step::Tail(self.left));
                }
            };
            let Some(skip) = skip else {
                // A number goes on after what is there, but the frame may not.
                return match (pass, self.left.saturating_sub(ahead.len())) {
                    (_, 0) => Err(DecodeError::Truncated { needed: 1 }),
                    (0, _) => Ok(Step::NeedMore),
                    _ => Ok(Step::Pass(pass)),
                };
            };
            level.at = level.at.saturating_add(1);
            let Some(left) = self.left.checked_sub(skip) else {
                return Err(DecodeError::Truncated { needed: skip.saturating_sub(self.left) });
            };
            self.left = left;
            if let Some((ops, count)) = inner {
                // Every element takes a byte at least.
                if count > left {
                    return Err(DecodeError::TooManyElements { count, remaining: left });
                }
                self.stack.push(Level { ops, at: 0, left: count });
            }
            pass = pass.saturating_add(skip);
            if pass >= here.len() && pass > 0 {
                return Ok(Step::Pass(pass));
            }
        }
    }

    /// The bytes to send instead of the frame's end, as many as they are; [`Step::Tail`] said how many.
    pub fn tail(&mut self, tail: Bytes) -> Result<Bytes, DecodeError> {
        if tail.len() != self.left {
            return Err(DecodeError::Truncated { needed: self.left.saturating_sub(tail.len()) });
        }
        self.stack.clear();
        self.left = 0;
        let mut peek = Peek::new(&tail);
        let mut head = Vec::new();
        let mut emptied = false;
        if self.api == ApiKey::ShareFetch {
            let count = whole(peek.uvarint()?)?.saturating_sub(1);
            emptied = count > 0;
            for _ in 0..count {
                peek.skip_struct(ENDPOINT)?;
            }
            // An array of no elements.
            head.push(1);
        }
        let mut fields = Vec::new();
        for _ in 0..whole(peek.uvarint()?)? {
            let start = peek.at;
            let tag = whole(peek.uvarint()?)?;
            let len = whole(peek.uvarint()?)?;
            peek.skip(len)?;
            match tag {
                0 if self.api == ApiKey::Fetch => emptied = true,
                _ => fields.push((tag, tail.get(start..peek.at).unwrap_or_default())),
            }
        }
        match tail.len().saturating_sub(peek.at) {
            0 if emptied => padded(head, fields, tail.len()),
            0 => Ok(tail),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}

/// `head`, the tagged `fields`, and one more of zeros that makes it `len` bytes.
fn padded(head: Vec<u8>, fields: Vec<(usize, &[u8])>, len: usize) -> Result<Bytes, DecodeError> {
    let count = fields.len().saturating_add(1);
    let used = fields.iter().fold(head.len(), |sum, (_, field)| sum.saturating_add(field.len()));
    let used = used.saturating_add(uvarint_len(count));
    let room = len.checked_sub(used).ok_or(DecodeError::Truncated { needed: used.saturating_sub(len) })?;
    // The largest numbers of one byte, of two, …: far from those that Kafka gives out. A longer number takes up what the
    // zeros' length cannot say exactly.
    for tag in [0x7f_usize, 0x3fff, 0x1f_ffff] {
        if fields.iter().any(|(used, _)| *used == tag) {
            continue;
        }
        for size_len in 1..=5_usize {
            let zeros = room.checked_sub(uvarint_len(tag).saturating_add(size_len));
            let Some(zeros) = zeros.filter(|zeros| uvarint_len(*zeros) == size_len) else { continue };
            let mut pad = Vec::with_capacity(room);
            put_uvarint(&mut pad, tag);
            put_uvarint(&mut pad, zeros);
            pad.resize(room, 0);
            let mut fields = fields;
            fields.push((tag, &pad));
            fields.sort_by_key(|(tag, _)| *tag);
            let mut out = BytesMut::with_capacity(len);
            out.put_slice(&head);
            let mut number = Vec::new();
            put_uvarint(&mut number, count);
            out.put_slice(&number);
            fields.iter().for_each(|(_, field)| out.put_slice(field));
            return Ok(out.freeze());
        }
    }
    Err(DecodeError::TagOrder(0x7f))
}

fn uvarint_len(value: usize) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        0x20_0000..=0xfff_ffff => 4,
        _ => 5,
    }
}

fn put_uvarint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn whole<T>(value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Truncated { needed: 1 })
}

/// Reads ahead in bytes that may end anywhere: `None` where they do.
struct Peek<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Peek<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let value = self.bytes.get(self.at..)?.first_chunk::<N>()?;
        self.at = self.at.saturating_add(N);
        Some(*value)
    }

    fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len)?;
        let slice = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(slice)
    }

    fn skip(&mut self, len: usize) -> Result<(), DecodeError> {
        whole(self.slice(len)).map(|_| ())
    }

    fn uvarint(&mut self) -> Result<Option<usize>, DecodeError> {
        let mut value = 0_u64;
        for shift in [0_u32, 7, 14, 21, 28] {
            let Some([byte]) = self.fixed::<1>() else { return Ok(None) };
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let value = u32::try_from(value).map_err(|_| DecodeError::VarintTooLong)?;
                return Ok(Some(value as usize));
            }
        }
        Err(DecodeError::VarintTooLong)
    }

    /// Bytes after a length of two bytes; −1 is null.
    fn short_blob(&mut self) -> Result<Option<Option<&'a [u8]>>, DecodeError> {
        let Some(len) = self.fixed::<2>().map(i16::from_be_bytes) else { return Ok(None) };
        match usize::try_from(len) {
            Ok(len) => Ok(self.slice(len).map(Some)),
            Err(_) if len == -1 => Ok(Some(None)),
            Err(_) => Err(DecodeError::InvalidLength(len.into())),
        }
    }

    /// Passes one structure without arrays; all of its bytes are there.
    fn skip_struct(&mut self, ops: &[Op]) -> Result<(), DecodeError> {
        for op in ops {
            match op {
                Op::Fixed(len) => self.skip(*len)?,
                Op::Blob => {
                    let len = whole(self.uvarint()?)?.saturating_sub(1);
                    self.skip(len)?;
                }
                Op::Tags => {
                    for _ in 0..whole(self.uvarint()?)? {
                        whole(self.uvarint()?)?;
                        let len = whole(self.uvarint()?)?;
                        self.skip(len)?;
                    }
                }
                Op::Array(_) | Op::Tag | Op::Tail => {}
            }
        }
        Ok(())
    }
}

/// The start of a Produce request, before its topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProduceHead {
    /// The transactional id, as it came; versions before 3 have none.
    pub transactional_id: Option<Bytes>,
    /// 0: no response comes; 1: the leader answers; −1: all in-sync replicas have it.
    pub acks: i16,
}

impl ProduceHead {
    /// Reads it from the start of a frame (its header, after its length), any version; `None` while bytes are missing.
    ///
    /// That is a few dozen bytes, and never more than 65 KiB besides the header's tagged fields.
    pub fn peek(frame: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut peek = Peek::new(frame);
        let Some([_, _, v0, v1, ..]) = peek.fixed::<8>() else { return Ok(None) };
        let version = i16::from_be_bytes([v0, v1]);
        let flexible = ApiKey::Produce.info().is_flexible(version);
        if peek.short_blob()?.is_none() {
            return Ok(None);
        }
        if flexible {
            let Some(count) = peek.uvarint()? else { return Ok(None) };
            for _ in 0..count {
                if peek.uvarint()?.is_none() {
                    return Ok(None);
                }
                let Some(len) = peek.uvarint()? else { return Ok(None) };
                if peek.slice(len).is_none() {
                    return Ok(None);
                }
            }
        }
        let transactional_id = match version {
            ..=2 => Some(None),
            _ if flexible => match peek.uvarint()? {
                None => None,
                Some(0) => Some(None),
                Some(len) if len > 0x8000 => return Err(DecodeError::InvalidLength(len as i64)),
                Some(len) => peek.slice(len.saturating_sub(1)).map(Some),
            },
            _ => peek.short_blob()?,
        };
        let (Some(transactional_id), Some(acks)) = (transactional_id, peek.fixed()) else { return Ok(None) };
        let transactional_id = transactional_id.map(Bytes::copy_from_slice);
        Ok(Some(Self { transactional_id, acks: i16::from_be_bytes(acks) }))
    }
}
