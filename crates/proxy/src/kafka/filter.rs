//! Requests and responses under a TopicMapping or ACLs: read, judged, rewritten. An API that is not here is either
//! without topics, or refused (`versions`).

use super::{
    advertise::Advertise,
    close::{Close, Side},
    fetch, groups, metadata, offsets, produce,
    scope::{Scope, Topic},
};
use bytes::Bytes;
use kafka::{ApiKey, Body, Reader, Request, Rope, Str, Uuid, Writer};

/// What becomes of a request.
pub(super) enum Outcome {
    /// It goes to the broker.
    Forward {
        /// The body in place of the client's; `None`: the client's own.
        body: Option<Rope>,
        /// What becomes of the response's body; `None`: the same as without filters.
        then: Option<Then>,
    },
    /// The gateway answers with this body.
    Answer(Rope),
    /// The names of these topics have to be asked for first.
    Ask(Vec<Uuid>),
    /// There is no answer that says no.
    Close(Close),
}

/// Rewrites a response's body; `None`: it stays as it is.
pub(super) type Then = Box<dyn FnOnce(&Scope, Bytes) -> Result<Option<Rope>, Close>>;

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forward { body, then } => {
                write!(f, "Forward {{ rewritten: {}, then: {} }}", body.is_some(), then.is_some())
            }
            Self::Answer(body) => write!(f, "Answer({} bytes)", body.len()),
            Self::Ask(ids) => write!(f, "Ask({ids:?})"),
            Self::Close(close) => write!(f, "Close({close})"),
        }
    }
}

/// Whether requests of this API are read under filters.
pub(super) fn reads(api: ApiKey, scope: &Scope) -> bool {
    use ApiKey as A;
    match api {
        A::Produce
        | A::Fetch
        | A::ListOffsets
        | A::Metadata
        | A::OffsetCommit
        | A::OffsetFetch
        | A::OffsetForLeaderEpoch
        | A::TxnOffsetCommit
        | A::AddPartitionsToTxn
        | A::FindCoordinator
        | A::JoinGroup
        | A::SyncGroup
        | A::DescribeGroups
        | A::ConsumerGroupHeartbeat
        | A::ConsumerGroupDescribe => true,
        A::Heartbeat | A::LeaveGroup | A::ListGroups | A::DeleteGroups | A::AddOffsetsToTxn => {
            scope.filters.acls.closes_groups()
        }
        _ => false,
    }
}

/// Judges a request of an API that [`reads`] names.
pub(super) fn request(scope: &Scope, api: ApiKey, version: i16, body: Bytes) -> Result<Outcome, Close> {
    use ApiKey as A;
    match api {
        A::Produce => produce::request(scope, version, parse(version, body)?),
        A::Fetch => fetch::request(scope, version, parse(version, body)?),
        A::Metadata => metadata::request(scope, version, parse(version, body)?),
        A::ListOffsets => offsets::list(scope, version, parse(version, body)?),
        A::OffsetForLeaderEpoch => offsets::for_leader_epoch(scope, version, parse(version, body)?),
        A::OffsetCommit => offsets::commit(scope, version, parse(version, body)?),
        A::OffsetFetch => offsets::fetch(scope, version, parse(version, body)?),
        A::TxnOffsetCommit => offsets::commit_in_transaction(scope, version, parse(version, body)?),
        A::AddPartitionsToTxn => offsets::add_partitions(scope, version, parse(version, body)?),
        A::FindCoordinator => groups::find_coordinator(scope, version, parse(version, body)?),
        A::JoinGroup => groups::join(scope, version, parse(version, body)?),
        A::SyncGroup => groups::sync(scope, version, parse(version, body)?),
        A::DescribeGroups => groups::describe(scope, version, parse(version, body)?),
        A::ConsumerGroupHeartbeat => groups::consumer_heartbeat(scope, version, parse(version, body)?),
        A::ConsumerGroupDescribe => groups::consumer_describe(scope, version, parse(version, body)?),
        A::Heartbeat => groups::heartbeat(scope, version, parse(version, body)?),
        A::LeaveGroup => groups::leave(scope, version, parse(version, body)?),
        A::ListGroups => groups::list(scope, version, parse(version, body)?),
        A::DeleteGroups => groups::delete(scope, version, parse(version, body)?),
        A::AddOffsetsToTxn => groups::add_offsets(scope, version, parse(version, body)?),
        other => Err(Close::UnsupportedVersion { name: other.name(), version }),
    }
}

/// Reads a request. Bytes after the last field are passed over, as brokers do: librdkafka's Metadata v13 has some.
pub(super) fn parse<R: Body>(version: i16, body: Bytes) -> Result<R, Close> {
    R::read(version, &mut Reader::new(body)).map_err(|error| Close::Message {
        side: Side::Client,
        name: R::NAME,
        version,
        error,
    })
}

/// Writes a body.
pub(super) fn write<B: Body>(version: i16, body: &B) -> Result<Rope, Close> {
    let unwritable = |error| Close::Unwritable { name: B::NAME, version, error };
    let mut writer = Writer::new();
    body.write(version, &mut writer).map_err(unwritable)?;
    writer.finish().map_err(unwritable)
}

/// Reads a response, lets `change` at it, puts the gateway's addresses in. `change` says whether it changed anything.
pub(super) fn rewrite<B: Advertise>(
    scope: &Scope,
    version: i16,
    body: Bytes,
    change: impl FnOnce(&Scope, &mut B) -> bool,
) -> Result<Option<Rope>, Close> {
    let mut response = B::from_bytes(version, body).map_err(|error| Close::Message {
        side: Side::Broker,
        name: B::NAME,
        version,
        error,
    })?;
    let addresses = response.advertise(scope);
    let changed = change(scope, &mut response);
    if addresses || changed { write(version, &response).map(Some) } else { Ok(None) }
}

/// Sends `request` on (`None`: as it came) and has `change` at the response.
pub(super) fn forward<R>(
    version: i16,
    request: Option<&R>,
    change: impl FnOnce(&Scope, &mut R::Response) -> bool + 'static,
) -> Result<Outcome, Close>
where
    R: Request,
    R::Response: Advertise,
{
    let body = request.map(|request| write(version, request)).transpose()?;
    Ok(Outcome::Forward { body, then: Some(Box::new(move |scope, body| rewrite(scope, version, body, change))) })
}

/// Answers in the broker's place.
pub(super) fn answer<B: Body>(version: i16, response: &B) -> Result<Outcome, Close> {
    write(version, response).map(Outcome::Answer)
}

/// Neither the request nor the response concerns the filters.
pub(super) fn pass() -> Result<Outcome, Close> {
    Ok(Outcome::Forward { body: None, then: None })
}

/// Takes the denied topics out of a request: what stays bears the brokers' names, what does not comes with its code.
pub(super) fn split<T>(
    topics: &mut Vec<T>,
    judge: impl Fn(&T) -> Topic,
    rename: impl Fn(&mut T, Str),
) -> Vec<(T, i16)> {
    let mut denied = Vec::new();
    *topics = std::mem::take(topics)
        .into_iter()
        .filter_map(|mut topic| match judge(&topic) {
            Topic::Allowed(name) => {
                rename(&mut topic, name);
                Some(topic)
            }
            Topic::Denied(code) => {
                denied.push((topic, code));
                None
            }
        })
        .collect();
    denied
}

/// Gives the topics of a response their clients' names; `name`: where the name stands, `None` in versions that carry
/// ids. Topics that clients must not see go.
pub(super) fn unmap<T>(scope: &Scope, topics: &mut Vec<T>, name: impl Fn(&mut T) -> &mut Str) {
    if !scope.filters.names.is_empty() {
        topics.retain_mut(|topic| {
            let name = name(topic);
            // A version with ids has an empty name.
            if name.is_empty() {
                return true;
            }
            match scope.client_name(name) {
                Some(client) => {
                    *name = client;
                    true
                }
                None => false,
            }
        });
    }
}

/// The ids nobody knows yet, unless they have been asked for already.
pub(super) fn unknown(scope: &Scope, ids: impl Iterator<Item = Uuid>) -> Option<Outcome> {
    if scope.asked.get() {
        return None;
    }
    let mut ids: Vec<_> = ids.filter(|&id| !id.is_zero() && scope.cluster.topic(id).is_none()).collect();
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty()).then_some(Outcome::Ask(ids))
}
