//! Requests that the gateway itself makes to brokers: Metadata, for what it has to know.

use super::{
    close::{Close, Side},
    cluster::Address,
    scope::Scope,
};
use bytes::Bytes;
use kafka::{
    ApiKey, Body, RequestHeader, Rope, UnknownTags, Uuid, Writer,
    messages::{MetadataRequest, MetadataResponse, metadata_request::MetadataRequestTopic},
};

/// The newest version used: the first that names topics by id.
const NEWEST: i16 = 12;
/// The oldest: an empty list of topics asks for none.
const OLDEST: i16 = 1;
const CLIENT_ID: &[u8] = b"sluicegate";

/// What the gateway wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// Whether the broker answers a client that has not authenticated.
    Probe,
    /// Where the brokers are.
    Brokers,
    /// The names of these topics.
    Topics(Vec<Uuid>),
}

impl Own {
    /// The request, and its version. `offered`: versions that the broker has said it has.
    pub(super) fn request(&self, correlation: i32, offered: Option<(i16, i16)>) -> Result<(i16, Rope), Close> {
        let version = match (self, offered) {
            (Self::Topics(_), _) => NEWEST,
            (_, Some((low, high))) => high.min(NEWEST).max(low).max(OLDEST),
            (_, None) => OLDEST,
        };
        let topics = match self {
            Self::Topics(ids) => ids
                .iter()
                .map(|&topic_id| MetadataRequestTopic { topic_id, ..MetadataRequestTopic::default() })
                .collect(),
            Self::Probe | Self::Brokers => Vec::new(),
        };
        let request = MetadataRequest { topics: Some(topics), ..MetadataRequest::default() };
        // Versions before 4 cannot say no to creation, but name no topic here.
        let request = MetadataRequest { allow_auto_topic_creation: version < 4, ..request };
        write(ApiKey::Metadata, version, correlation, &request).map(|frame| (version, frame))
    }

    /// Keeps what the answer says.
    pub(super) fn response(&self, scope: &Scope, version: i16, body: Bytes) -> Result<(), Close> {
        let response = MetadataResponse::from_bytes(version, body).map_err(|error| Close::Message {
            side: Side::Broker,
            name: MetadataResponse::NAME,
            version,
            error,
        })?;
        scope.cluster.learn_brokers(brokers(&response), true);
        scope.cluster.learn_topics(response.topics.iter().filter_map(|one| Some((one.topic_id, one.name.as_ref()?))));
        Ok(())
    }
}

/// The brokers that a response names.
pub(super) fn brokers(response: &MetadataResponse) -> impl Iterator<Item = (i32, Address)> {
    response.brokers.iter().map(|one| (one.node_id, Address { host: one.host.clone(), port: one.port }))
}

/// A whole request frame of the gateway's own.
pub(super) fn write<B: Body>(api: ApiKey, version: i16, correlation: i32, body: &B) -> Result<Rope, Close> {
    let unwritable = |error| Close::Unwritable { name: api.name(), version, error };
    let header = RequestHeader {
        api_key: api as i16,
        api_version: version,
        correlation_id: correlation,
        client_id: Some(Bytes::from_static(CLIENT_ID)),
        unknown_tags: UnknownTags::default(),
    };
    let mut writer = Writer::frame();
    header.encode(&mut writer).map_err(unwritable)?;
    body.write(version, &mut writer).map_err(unwritable)?;
    writer.finish().map_err(unwritable)
}
