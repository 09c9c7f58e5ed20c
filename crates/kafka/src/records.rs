//! Record batches: their headers, without touching what is compressed inside.
//!
//! The layout is Kafka's message format v2 (KIP-98); the older formats 0 and 1 are told apart by their magic byte, which
//! stands at the same place.

use bytes::Bytes;

use crate::error::DecodeError;
use crate::read::Reader;

/// The bytes before the first record of a batch of format 2.
pub const HEADER: usize = 61;

/// The offset, the length and what is needed to read the magic byte.
const PREFIX: usize = 17;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Snappy, raw or framed as xerial's library does.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (KIP-110).
    Zstd,
    /// A number that is not given out.
    Unknown(u8),
}

/// A batch of format 2, or a message (set) of format 0 or 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Format 2.
    Batch(Batch),
    /// Format 0 or 1, as it came.
    Legacy {
        /// The format, 0 or 1.
        magic: i8,
        /// The offset of the message, or of the last message of a compressed set.
        offset: i64,
        /// All of it, its offset and length included.
        bytes: Bytes,
    },
}

/// A batch of format 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The offset of the first record; on a Produce request 0.
    pub base_offset: i64,
    /// The leader's epoch; −1 if unknown. The checksum does not cover it.
    pub partition_leader_epoch: i32,
    /// The CRC-32C of what follows it.
    pub crc: u32,
    /// Compression, timestamp type, transactional, control.
    pub attributes: i16,
    /// The last record's offset less the first's.
    pub last_offset_delta: i32,
    /// The first record's timestamp in milliseconds since 1970, or the delete horizon.
    pub base_timestamp: i64,
    /// The greatest timestamp in milliseconds since 1970.
    pub max_timestamp: i64,
    /// The idempotent producer's id; −1 if none.
    pub producer_id: i64,
    /// The producer's epoch; −1 if none.
    pub producer_epoch: i16,
    /// The first record's sequence number; −1 if none.
    pub base_sequence: i32,
    /// How many records the batch says it has; 0 is legal after compaction.
    pub records_count: i32,
    /// All of it, its header included.
    pub bytes: Bytes,
}

impl Batch {
    /// How the records are compressed.
    pub fn compression(&self) -> Compression {
        match self.attributes & 7 {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            other => Compression::Unknown(other as u8),
        }
    }

    /// Whether the broker's clock made the timestamps.
    pub fn is_log_append_time(&self) -> bool {
        self.attributes & 1 << 3 != 0
    }

    /// Whether it belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & 1 << 4 != 0
    }

    /// Whether it holds a transaction's marker, not records: never to be edited.
    pub fn is_control(&self) -> bool {
        self.attributes & 1 << 5 != 0
    }

    /// Whether [`Batch::base_timestamp`] is the delete horizon (KIP-534).
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes & 1 << 6 != 0
    }

    /// The offset of the last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(self.last_offset_delta.into())
    }

    /// The records, compressed as [`Batch::compression`] says.
    pub fn records(&self) -> Bytes {
        self.bytes.slice(HEADER.min(self.bytes.len())..)
    }

    /// Whether the checksum is right. Reads all of the batch.
    pub fn crc_is_right(&self) -> bool {
        self.bytes.get(21..).is_some_and(|covered| crc32c::crc32c(covered) == self.crc)
    }
}

/// Goes through the batches of a `records` field.
///
/// A Fetch response may end in a part of a batch: the iterator ends before it, and [`Batches::partial`] tells. Anything
/// else that does not fit is an error, after which the iterator ends.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
    failed: bool,
}

impl Batches {
    /// Starts at the first byte of a `records` field.
    pub fn new(records: Bytes) -> Self {
        Self { rest: records, failed: false }
    }

    /// Whether bytes are left that are not a whole batch. Ask at the end.
    pub fn partial(&self) -> bool {
        !self.rest.is_empty()
    }

    fn entry(&mut self) -> Result<Option<Entry>, DecodeError> {
        if self.rest.len() < PREFIX {
            return Ok(None);
        }
        let mut reader = Reader::new(self.rest.clone());
        let (base_offset, length, partition_leader_epoch, magic) =
            (reader.i64()?, reader.i32()?, reader.i32()?, reader.i8()?);
        // Format 2 has at least its header, 0 and 1 a checksum, attributes and two lengths.
        let least = if magic >= 2 { HEADER - 12 } else { 14 };
        let Some(length) = usize::try_from(length).ok().filter(|length| *length >= least) else {
            return Err(DecodeError::InvalidLength(length.into()));
        };
        let whole = length.saturating_add(12);
        if whole > self.rest.len() {
            return Ok(None);
        }
        let bytes = self.rest.split_to(whole);
        match magic {
            0 | 1 => Ok(Some(Entry::Legacy { magic, offset: base_offset, bytes })),
            2 => Ok(Some(Entry::Batch(Batch {
                base_offset,
                partition_leader_epoch,
                crc: u32::from_be_bytes(reader.i32()?.to_be_bytes()),
                attributes: reader.i16()?,
                last_offset_delta: reader.i32()?,
                base_timestamp: reader.i64()?,
                max_timestamp: reader.i64()?,
                producer_id: reader.i64()?,
                producer_epoch: reader.i16()?,
                base_sequence: reader.i32()?,
                records_count: reader.i32()?,
                bytes,
            }))),
            other => Err(DecodeError::UnsupportedVersion { name: "record batch", version: other.into() }),
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Entry, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let entry = self.entry();
        self.failed = entry.is_err();
        entry.transpose()
    }
}
