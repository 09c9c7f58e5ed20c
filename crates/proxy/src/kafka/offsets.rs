//! Offsets under filters: looked up, committed, fetched, and tied to transactions.

use super::{
    close::Close,
    filter::{self, Outcome},
    scope::{Scope, Topic},
};
use kafka::{
    Str, Uuid,
    codes::ErrorCode,
    messages::{
        AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, ListOffsetsRequest, ListOffsetsResponse,
        OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
        OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
        add_partitions_to_txn_response::{AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult},
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
        offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic},
        offset_fetch_response::{
            OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
            OffsetFetchResponseTopic, OffsetFetchResponseTopics,
        },
        offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult},
        txn_offset_commit_response::{TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic},
    },
};
use snapshot::AclOperation;
use std::collections::{HashMap, HashSet};

/// The first version of OffsetCommit and OffsetFetch with topic ids.
const IDS: i16 = 10;

/// The first version of TxnOffsetCommit with topic ids.
const TXN_IDS: i16 = 6;

const GROUP_DENIED: i16 = ErrorCode::GROUP_AUTHORIZATION_FAILED.0;

/// `OPERATION_NOT_ATTEMPTED`: allowed, but not done as something else in the request was denied.
const NOT_ATTEMPTED: i16 = 55;

pub(super) fn list(scope: &Scope, version: i16, mut request: ListOffsetsRequest) -> Result<Outcome, Close> {
    let denied = filter::split(
        &mut request.topics,
        |topic| scope.topic(AclOperation::Describe, &topic.name),
        |topic, name| topic.name = name,
    );
    let refused: Vec<_> = denied
        .into_iter()
        .map(|(topic, error_code)| ListOffsetsTopicResponse {
            name: topic.name.detach(),
            partitions: topic
                .partitions
                .iter()
                .map(|partition| ListOffsetsPartitionResponse {
                    partition_index: partition.partition_index,
                    error_code,
                    timestamp: -1,
                    offset: -1,
                    leader_epoch: -1,
                    ..ListOffsetsPartitionResponse::default()
                })
                .collect(),
            ..ListOffsetsTopicResponse::default()
        })
        .collect();
    if request.topics.is_empty() && !refused.is_empty() {
        return filter::answer(version, &ListOffsetsResponse { topics: refused, ..ListOffsetsResponse::default() });
    }
    filter::forward(version, Some(&request), move |scope, response: &mut ListOffsetsResponse| {
        filter::unmap(scope, &mut response.topics, |topic| &mut topic.name);
        response.topics.extend(refused);
        true
    })
}

pub(super) fn for_leader_epoch(
    scope: &Scope,
    version: i16,
    mut request: OffsetForLeaderEpochRequest,
) -> Result<Outcome, Close> {
    let denied = filter::split(
        &mut request.topics,
        |topic| scope.topic(AclOperation::Describe, &topic.topic),
        |topic, name| topic.topic = name,
    );
    let refused: Vec<_> = denied
        .into_iter()
        .map(|(topic, error_code)| OffsetForLeaderTopicResult {
            topic: topic.topic.detach(),
            partitions: topic
                .partitions
                .iter()
                .map(|partition| EpochEndOffset {
                    error_code,
                    partition: partition.partition,
                    leader_epoch: -1,
                    end_offset: -1,
                    ..EpochEndOffset::default()
                })
                .collect(),
            ..OffsetForLeaderTopicResult::default()
        })
        .collect();
    if request.topics.is_empty() && !refused.is_empty() {
        let response = OffsetForLeaderEpochResponse { topics: refused, ..OffsetForLeaderEpochResponse::default() };
        return filter::answer(version, &response);
    }
    filter::forward(version, Some(&request), move |scope, response: &mut OffsetForLeaderEpochResponse| {
        filter::unmap(scope, &mut response.topics, |topic| &mut topic.topic);
        response.topics.extend(refused);
        true
    })
}

pub(super) fn commit(scope: &Scope, version: i16, mut request: OffsetCommitRequest) -> Result<Outcome, Close> {
    if version >= IDS
        && let Some(ask) = filter::unknown(scope, request.topics.iter().map(|topic| topic.topic_id))
    {
        return Ok(ask);
    }
    let group = scope.may_group(AclOperation::Read, &request.group_id);
    let denied = filter::split(
        &mut request.topics,
        |topic| match version {
            _ if !group => Topic::Denied(GROUP_DENIED),
            ..IDS => scope.topic(AclOperation::Read, &topic.name),
            _ => scope.topic_id(AclOperation::Read, topic.topic_id),
        },
        |topic, name| topic.name = name,
    );
    let refused: Vec<_> = denied
        .into_iter()
        .map(|(topic, error_code)| OffsetCommitResponseTopic {
            name: topic.name.detach(),
            topic_id: topic.topic_id,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| OffsetCommitResponsePartition {
                    partition_index: partition.partition_index,
                    error_code,
                    ..OffsetCommitResponsePartition::default()
                })
                .collect(),
            ..OffsetCommitResponseTopic::default()
        })
        .collect();
    if !group || (request.topics.is_empty() && !refused.is_empty()) {
        return filter::answer(version, &OffsetCommitResponse { topics: refused, ..OffsetCommitResponse::default() });
    }
    filter::forward(version, Some(&request), move |scope, response: &mut OffsetCommitResponse| {
        filter::unmap(scope, &mut response.topics, |topic| &mut topic.name);
        response.topics.extend(refused);
        true
    })
}

pub(super) fn commit_in_transaction(
    scope: &Scope,
    version: i16,
    mut request: TxnOffsetCommitRequest,
) -> Result<Outcome, Close> {
    if version >= TXN_IDS
        && let Some(ask) = filter::unknown(scope, request.topics.iter().map(|topic| topic.topic_id))
    {
        return Ok(ask);
    }
    let group = scope.may_group(AclOperation::Read, &request.group_id);
    let denied = filter::split(
        &mut request.topics,
        |topic| match version {
            _ if !group => Topic::Denied(GROUP_DENIED),
            ..TXN_IDS => scope.topic(AclOperation::Read, &topic.name),
            _ => scope.topic_id(AclOperation::Read, topic.topic_id),
        },
        |topic, name| topic.name = name,
    );
    let refused: Vec<_> = denied
        .into_iter()
        .map(|(topic, error_code)| TxnOffsetCommitResponseTopic {
            name: topic.name.detach(),
            topic_id: topic.topic_id,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| TxnOffsetCommitResponsePartition {
                    partition_index: partition.partition_index,
                    error_code,
                    ..TxnOffsetCommitResponsePartition::default()
                })
                .collect(),
            ..TxnOffsetCommitResponseTopic::default()
        })
        .collect();
    if !group || (request.topics.is_empty() && !refused.is_empty()) {
        let response = TxnOffsetCommitResponse { topics: refused, ..TxnOffsetCommitResponse::default() };
        return filter::answer(version, &response);
    }
    filter::forward(version, Some(&request), move |scope, response: &mut TxnOffsetCommitResponse| {
        filter::unmap(scope, &mut response.topics, |topic| &mut topic.name);
        response.topics.extend(refused);
        true
    })
}

/// As the broker: one denied partition, and none is added.
pub(super) fn add_partitions(
    scope: &Scope,
    version: i16,
    mut request: AddPartitionsToTxnRequest,
) -> Result<Outcome, Close> {
    let result = |name: &Str, partitions: &[i32], code: i16| AddPartitionsToTxnTopicResult {
        name: name.clone(),
        results_by_partition: partitions
            .iter()
            .map(|&partition_index| AddPartitionsToTxnPartitionResult {
                partition_index,
                partition_error_code: code,
                ..AddPartitionsToTxnPartitionResult::default()
            })
            .collect(),
        ..AddPartitionsToTxnTopicResult::default()
    };
    let judged: Vec<_> = request
        .v3_and_below_topics
        .iter()
        .map(|topic| match scope.topic(AclOperation::Write, &topic.name) {
            Topic::Allowed(_) => NOT_ATTEMPTED,
            Topic::Denied(code) => code,
        })
        .collect();
    if judged.iter().any(|&code| code != NOT_ATTEMPTED) {
        let results = request.v3_and_below_topics.iter().zip(judged);
        let response = AddPartitionsToTxnResponse {
            results_by_topic_v3_and_below: results
                .map(|(topic, code)| result(&topic.name, &topic.partitions, code))
                .collect(),
            ..AddPartitionsToTxnResponse::default()
        };
        return filter::answer(version, &response);
    }
    filter::split(
        &mut request.v3_and_below_topics,
        |topic| scope.topic(AclOperation::Write, &topic.name),
        |topic, name| topic.name = name,
    );
    filter::forward(version, Some(&request), move |scope, response: &mut AddPartitionsToTxnResponse| {
        filter::unmap(scope, &mut response.results_by_topic_v3_and_below, |topic| &mut topic.name);
        true
    })
}

pub(super) fn fetch(scope: &Scope, version: i16, request: OffsetFetchRequest) -> Result<Outcome, Close> {
    if version < 8 { fetch_of_group(scope, version, request) } else { fetch_of_groups(scope, version, request) }
}

fn fetch_of_group(scope: &Scope, version: i16, mut request: OffsetFetchRequest) -> Result<Outcome, Close> {
    let refuse = |name: Str, partitions: Vec<i32>, error_code: i16| OffsetFetchResponseTopic {
        name,
        partitions: partitions
            .into_iter()
            .map(|partition_index| OffsetFetchResponsePartition {
                partition_index,
                committed_offset: -1,
                committed_leader_epoch: -1,
                metadata: Some(Str::default()),
                error_code,
                ..OffsetFetchResponsePartition::default()
            })
            .collect(),
        ..OffsetFetchResponseTopic::default()
    };
    if !scope.may_group(AclOperation::Describe, &request.group_id) {
        // Version 1 has no code for the whole.
        let topics = request.topics.unwrap_or_default().into_iter();
        let response = OffsetFetchResponse {
            error_code: GROUP_DENIED,
            topics: topics.map(|topic| refuse(topic.name, topic.partition_indexes, GROUP_DENIED)).collect(),
            ..OffsetFetchResponse::default()
        };
        return filter::answer(version, &response);
    }
    let every = request.topics.is_none();
    let mut refused = Vec::new();
    if let Some(topics) = &mut request.topics {
        let denied = filter::split(
            topics,
            |topic| scope.topic(AclOperation::Describe, &topic.name),
            |topic, name| topic.name = name,
        );
        refused = denied
            .into_iter()
            .map(|(topic, code)| refuse(topic.name.detach(), topic.partition_indexes, code))
            .collect();
        if topics.is_empty() && !refused.is_empty() {
            return filter::answer(version, &OffsetFetchResponse { topics: refused, ..OffsetFetchResponse::default() });
        }
    }
    filter::forward(version, (!every).then_some(&request), move |scope, response: &mut OffsetFetchResponse| {
        if every {
            response.topics.retain(|topic| scope.visible(&topic.name).is_some());
        }
        filter::unmap(scope, &mut response.topics, |topic| &mut topic.name);
        response.topics.extend(refused);
        true
    })
}

fn fetch_of_groups(scope: &Scope, version: i16, mut request: OffsetFetchRequest) -> Result<Outcome, Close> {
    let ids = request.groups.iter().flat_map(|group| group.topics.iter().flatten()).map(|topic| topic.topic_id);
    if version >= IDS
        && let Some(ask) = filter::unknown(scope, ids)
    {
        return Ok(ask);
    }
    let mut denied_groups = Vec::new();
    request.groups.retain(|group| {
        let allowed = scope.may_group(AclOperation::Describe, &group.group_id);
        if !allowed {
            denied_groups.push(OffsetFetchResponseGroup {
                group_id: group.group_id.detach(),
                error_code: GROUP_DENIED,
                ..OffsetFetchResponseGroup::default()
            });
        }
        allowed
    });
    if request.groups.is_empty() && !denied_groups.is_empty() {
        let response = OffsetFetchResponse { groups: denied_groups, ..OffsetFetchResponse::default() };
        return filter::answer(version, &response);
    }
    // Groups that ask for all topics, and what was denied in the others.
    let mut every = HashSet::new();
    let mut refused: HashMap<Str, Vec<OffsetFetchResponseTopics>> = HashMap::new();
    for group in &mut request.groups {
        let Some(topics) = &mut group.topics else {
            every.insert(group.group_id.detach());
            continue;
        };
        let denied = filter::split(
            topics,
            |topic| match version {
                ..IDS => scope.topic(AclOperation::Describe, &topic.name),
                _ => scope.topic_id(AclOperation::Describe, topic.topic_id),
            },
            |topic, name| topic.name = name,
        );
        if !denied.is_empty() {
            let topics = denied
                .into_iter()
                .map(|(topic, code)| refuse_topic(topic.name.detach(), topic.topic_id, &topic.partition_indexes, code));
            refused.entry(group.group_id.detach()).or_default().extend(topics);
        }
    }
    filter::forward(version, Some(&request), move |scope, response: &mut OffsetFetchResponse| {
        for group in &mut response.groups {
            if every.contains(&group.group_id) {
                group.topics.retain(|topic| match version {
                    ..IDS => scope.visible(&topic.name).is_some(),
                    _ => matches!(scope.topic_id(AclOperation::Describe, topic.topic_id), Topic::Allowed(_)),
                });
            }
            filter::unmap(scope, &mut group.topics, |topic| &mut topic.name);
            if group.error_code == 0
                && let Some(topics) = refused.remove(&group.group_id)
            {
                group.topics.extend(topics);
            }
        }
        response.groups.extend(denied_groups);
        true
    })
}

fn refuse_topic(name: Str, topic_id: Uuid, partitions: &[i32], error_code: i16) -> OffsetFetchResponseTopics {
    OffsetFetchResponseTopics {
        name,
        topic_id,
        partitions: partitions
            .iter()
            .map(|&partition_index| OffsetFetchResponsePartitions {
                partition_index,
                committed_offset: -1,
                committed_leader_epoch: -1,
                metadata: Some(Str::default()),
                error_code,
                ..OffsetFetchResponsePartitions::default()
            })
            .collect(),
        ..OffsetFetchResponseTopics::default()
    }
}
