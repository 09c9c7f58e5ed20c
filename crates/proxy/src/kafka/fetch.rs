//! Fetch under filters, with its incremental sessions (KIP-227).
//!
//! Denied partitions never reach the broker. The gateway keeps them beside the broker's session and puts them into
//! every response, as a broker answers partitions in error in every response. A request that names nothing, the usual
//! one of a session, is forwarded as it is, so that the broker holds the long poll.

use super::{
    close::Close,
    filter::{self, Outcome},
    scope::Scope,
};
use kafka::{
    Str, Uuid,
    codes::ErrorCode,
    messages::{
        FetchRequest, FetchResponse,
        fetch_response::{FetchableTopicResponse, PartitionData},
    },
};
use snapshot::AclOperation;
use std::collections::{BTreeMap, BTreeSet};

/// The first version with topic ids.
const IDS: i16 = 13;
/// Sessions kept per connection: clients have one per broker, and one more while they replace it.
const MAX_SESSIONS: usize = 2;
/// Denied partitions kept per session.
const MAX_DENIED: usize = 100_000;
/// A request that opens a session.
const OPENS: i32 = 0;

/// Denied partitions by topic (the client's name, or the id), each topic with its code.
type Denied = BTreeMap<(Str, Uuid), (i16, BTreeSet<i32>)>;

/// The sessions of a connection, the youngest last.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Vec<(i32, Denied)>);

impl Sessions {
    fn get(&mut self, id: i32) -> Option<&mut Denied> {
        self.0.iter_mut().find(|(known, _)| *known == id).map(|(_, denied)| denied)
    }

    fn remove(&mut self, id: i32) {
        self.0.retain(|(known, _)| *known != id);
    }

    fn open(&mut self, id: i32, denied: Denied) {
        self.remove(id);
        if self.0.len() >= MAX_SESSIONS {
            self.0.remove(0);
        }
        self.0.push((id, denied));
    }
}

pub(super) fn request(scope: &Scope, version: i16, mut request: FetchRequest) -> Result<Outcome, Close> {
    let ids = request.topics.iter().map(|topic| topic.topic_id);
    if version >= IDS
        && let Some(ask) = filter::unknown(scope, ids)
    {
        return Ok(ask);
    }
    let (session, epoch) = (request.session_id, request.session_epoch);
    let incremental = version >= 7 && epoch > OPENS;
    if incremental && scope.fetch.borrow_mut().get(session).is_none() {
        // Opened on another connection: what was denied in it is not known here. The client opens a new one.
        let response =
            FetchResponse { error_code: ErrorCode::FETCH_SESSION_ID_NOT_FOUND.0, ..FetchResponse::default() };
        return filter::answer(version, &response);
    }
    let judge = |name: &Str, id: Uuid| match version {
        ..IDS => scope.topic(AclOperation::Read, name),
        _ => scope.topic_id(AclOperation::Read, id),
    };
    let before = request.forgotten_topics_data.len();
    let mut forgotten = Vec::new();
    if !request.forgotten_topics_data.is_empty() {
        forgotten = request
            .forgotten_topics_data
            .iter()
            .map(|topic| ((topic.topic.detach(), topic.topic_id), topic.partitions.clone()))
            .collect();
        filter::split(
            &mut request.forgotten_topics_data,
            |topic| judge(&topic.topic, topic.topic_id),
            |topic, name| topic.topic = name,
        );
    }
    let refused = filter::split(
        &mut request.topics,
        |topic| judge(&topic.topic, topic.topic_id),
        |topic, name| topic.topic = name,
    );
    let changed = !refused.is_empty()
        || before != request.forgotten_topics_data.len()
        || (version < IDS && !scope.filters.names.is_empty());

    let mut sessions = scope.fetch.borrow_mut();
    let mut denied = match incremental {
        true => std::mem::take(sessions.get(session).unwrap_or(&mut Denied::new())),
        false => Denied::new(),
    };
    for (topic, partitions) in forgotten {
        if let Some((_, known)) = denied.get_mut(&topic) {
            for partition in &partitions {
                known.remove(partition);
            }
        }
    }
    for topic in &request.topics {
        // Allowed now, whatever it was: an id may have become known.
        denied.remove(&(Str::default(), topic.topic_id));
    }
    for (topic, code) in refused {
        let known = denied.entry((topic.topic.detach(), topic.topic_id)).or_insert((code, BTreeSet::new()));
        known.0 = code;
        known.1.extend(topic.partitions.iter().map(|partition| partition.partition));
    }
    denied.retain(|_, (_, partitions)| !partitions.is_empty());
    if denied.values().map(|(_, partitions)| partitions.len()).sum::<usize>() > MAX_DENIED {
        let response = FetchResponse { error_code: ErrorCode::INVALID_REQUEST.0, ..FetchResponse::default() };
        return filter::answer(version, &response);
    }
    if incremental && let Some(known) = sessions.get(session) {
        known.clone_from(&denied);
    } else {
        // Opening a session, or fetching without one, ends the old one.
        sessions.remove(session);
    }
    drop(sessions);

    let opens = version >= 7 && epoch == OPENS;
    let renames = version < IDS && !scope.filters.names.is_empty();
    if !changed && !opens && !renames && denied.is_empty() {
        return filter::pass();
    }
    filter::forward(version, changed.then_some(&request), move |scope, response: &mut FetchResponse| {
        if response.error_code != 0 {
            return false;
        }
        if renames {
            filter::unmap(scope, &mut response.responses, |topic| &mut topic.topic);
        }
        let refused = !denied.is_empty();
        response.responses.extend(denied.iter().map(refuse));
        if opens && response.session_id != 0 {
            scope.fetch.borrow_mut().open(response.session_id, denied);
        }
        refused || renames
    })
}

fn refuse(((topic, topic_id), (code, partitions)): (&(Str, Uuid), &(i16, BTreeSet<i32>))) -> FetchableTopicResponse {
    FetchableTopicResponse {
        topic: topic.clone(),
        topic_id: *topic_id,
        partitions: partitions
            .iter()
            .map(|&partition_index| PartitionData {
                partition_index,
                error_code: *code,
                high_watermark: -1,
                last_stable_offset: -1,
                log_start_offset: -1,
                preferred_read_replica: -1,
                records: Some(bytes::Bytes::new()),
                ..PartitionData::default()
            })
            .collect(),
        ..FetchableTopicResponse::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka::messages::fetch_request::{FetchPartition, FetchTopic};
    use snapshot::{AclAction, AclEntry, AclPattern, AclResource};
    use std::{sync::Arc, time::Instant};

    fn scope() -> Scope {
        let nothing = AclEntry {
            name: "acls/entry".into(),
            resource: AclResource::Topic,
            pattern: AclPattern::Literal("other".into()),
            operations: vec![AclOperation::Read],
            principals: vec![],
            action: AclAction::Allow,
        };
        let filters = crate::kafka::route::Filters::compile(&[], &[nothing]).unwrap();
        Scope { filters: Arc::new(filters), ..Scope::default() }
    }

    fn denied(partitions: i32) -> FetchRequest {
        let partition = |partition| FetchPartition { partition, ..FetchPartition::default() };
        FetchRequest {
            topics: vec![FetchTopic {
                topic: "t".into(),
                partitions: (0..partitions).map(partition).collect(),
                ..FetchTopic::default()
            }],
            session_epoch: -1,
            ..FetchRequest::default()
        }
    }

    /// A worker serves others meanwhile.
    #[test]
    fn many_denied_partitions_cost_no_square_of_time() {
        let begin = Instant::now();
        assert!(matches!(request(&scope(), 12, denied(90_000)), Ok(Outcome::Forward { .. })));
        assert!(matches!(request(&scope(), 12, denied(110_000)), Ok(Outcome::Answer(_))));
        assert!(begin.elapsed() < std::time::Duration::from_secs(5), "{:?}", begin.elapsed());
    }
}
