//! The consumer protocol: what classic group members say to each other inside JoinGroup and SyncGroup.
//!
//! It stands in fields that are opaque bytes to the broker: `protocols[].metadata` and `members[].metadata` of JoinGroup
//! and `member_metadata` of DescribeGroups hold a [`Subscription`], `assignment` of SyncGroup and `member_assignment` of
//! DescribeGroups an [`Assignment`], but only where the protocol type is `consumer`. Empty bytes stand for none.

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::messages::{Body, ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use crate::read::Reader;
use crate::write::Writer;

/// The protocol type of groups whose bytes these are.
pub const PROTOCOL_TYPE: &str = "consumer";

/// A message with its version before it.
///
/// Newer versions may only append fields (KIP-429), so one that is not known is read as the newest that is, and what
/// follows is kept as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Versioned<T> {
    /// The version that was said, known or newer.
    pub version: i16,
    /// What is known of it.
    pub body: T,
    /// What a newer version, or a careless client, has appended.
    pub rest: Bytes,
}

/// The topics that a member wants, and those it has.
pub type Subscription = Versioned<ConsumerProtocolSubscription>;

/// The partitions that a member is given.
pub type Assignment = Versioned<ConsumerProtocolAssignment>;

impl<T: Body> Versioned<T> {
    /// Reads a message; user data and the rest are slices of `bytes`.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.i16()?;
        let body = T::read(version.min(T::MAX), &mut reader)?;
        Ok(Self { version, body, rest: reader.rest() })
    }

    /// Writes it in its version.
    pub fn to_bytes(&self) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::new();
        writer.i16(self.version);
        self.body.write(self.version.min(T::MAX), &mut writer)?;
        writer.raw(&self.rest);
        Ok(writer.finish()?.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Str;

    #[test]
    fn newer_versions_and_user_data_come_back_as_they_were() {
        for version in 0..=5 {
            let mut subscription = Subscription { version, ..Default::default() };
            subscription.body.topics = vec![Str::from("orders"), Str::from("payments")];
            subscription.body.user_data = Some(Bytes::from_static(b"\0\x01user"));
            if version > 3 {
                subscription.rest = Bytes::from_static(b"new field");
            }
            let bytes = subscription.to_bytes().unwrap();
            let mut read = Subscription::from_bytes(bytes.clone()).unwrap();
            assert_eq!(read, subscription);
            assert_eq!(read.to_bytes().unwrap(), bytes);
            read.body.topics[0] = Str::from("acme.orders");
            assert_eq!(Subscription::from_bytes(read.to_bytes().unwrap()).unwrap(), read);
        }
        assert!(Assignment::from_bytes(Bytes::from_static(b"\xff\xff")).is_err());
    }
}
