//! Produce under filters. Records are linked, never copied.

use super::{
    close::Close,
    filter::{self, Outcome},
    scope::Scope,
};
use kafka::messages::{
    ProduceRequest, ProduceResponse,
    produce_request::TopicProduceData,
    produce_response::{PartitionProduceResponse, TopicProduceResponse},
};
use snapshot::AclOperation;

/// The first version with topic ids.
const IDS: i16 = 13;

pub(super) fn request(scope: &Scope, version: i16, mut request: ProduceRequest) -> Result<Outcome, Close> {
    if version >= IDS
        && let Some(ask) = filter::unknown(scope, request.topic_data.iter().map(|topic| topic.topic_id))
    {
        return Ok(ask);
    }
    let denied = filter::split(
        &mut request.topic_data,
        |topic| match version {
            ..IDS => scope.topic(AclOperation::Write, &topic.name),
            _ => scope.topic_id(AclOperation::Write, topic.topic_id),
        },
        |topic, name| topic.name = name,
    );
    if request.acks == 0 {
        // As the broker does: there is no answer, and dropping records in silence is worse than a closed connection.
        if !denied.is_empty() {
            return Ok(Outcome::Close(Close::DeniedWithoutAcks));
        }
        let renamed = version < IDS && !scope.filters.names.is_empty();
        let body = renamed.then(|| filter::write(version, &request)).transpose()?;
        return Ok(Outcome::Forward { body, then: None });
    }
    let refused: Vec<_> = denied.into_iter().map(|(topic, code)| refuse(topic, code)).collect();
    if request.topic_data.is_empty() && !refused.is_empty() {
        return filter::answer(version, &ProduceResponse { responses: refused, ..ProduceResponse::default() });
    }
    let renamed = version < IDS && !scope.filters.names.is_empty();
    if refused.is_empty() && scope.filters.names.is_empty() {
        return filter::pass();
    }
    let changed = renamed || !refused.is_empty();
    filter::forward(version, changed.then_some(&request), move |scope, response: &mut ProduceResponse| {
        filter::unmap(scope, &mut response.responses, |topic| &mut topic.name);
        for partition in response.responses.iter_mut().flat_map(|topic| &mut topic.partition_responses) {
            scope.text(&mut partition.error_message);
            partition.record_errors.iter_mut().for_each(|one| scope.text(&mut one.batch_index_error_message));
        }
        response.responses.extend(refused);
        true
    })
}

fn refuse(topic: TopicProduceData, error_code: i16) -> TopicProduceResponse {
    TopicProduceResponse {
        name: topic.name.detach(),
        topic_id: topic.topic_id,
        partition_responses: topic
            .partition_data
            .iter()
            .map(|partition| PartitionProduceResponse {
                index: partition.index,
                error_code,
                base_offset: -1,
                log_append_time_ms: -1,
                log_start_offset: -1,
                ..PartitionProduceResponse::default()
            })
            .collect(),
        ..TopicProduceResponse::default()
    }
}
