//! Answers to what is refused, for the APIs that have an answer that says no. Other refused requests end the connection,
//! as a broker ends it when a version is not one of its own.

use super::{close::Close, filter, scope::Scope};
use bytes::Bytes;
use kafka::{
    ApiKey, Rope, Str,
    codes::ErrorCode,
    messages::{
        AddRaftVoterResponse, CreateTopicsRequest, CreateTopicsResponse, DescribeClusterRequest,
        DescribeClusterResponse, create_topics_response::CreatableTopicResult,
    },
};

/// `endpointType` of controllers (KIP-919).
const CONTROLLERS: i8 = 2;

/// Whether there is an answer for this API.
pub(super) fn answers(api: ApiKey) -> bool {
    matches!(api, ApiKey::AddRaftVoter | ApiKey::CreateTopics)
}

/// The answer.
pub(super) fn answer(scope: &Scope, api: ApiKey, version: i16, body: Bytes) -> Result<Rope, Close> {
    match api {
        ApiKey::AddRaftVoter => filter::write(
            version,
            &AddRaftVoterResponse {
                error_code: ErrorCode::UNSUPPORTED_VERSION.0,
                error_message: Some(Str::from_static("A gateway does not take addresses of controllers.")),
                ..AddRaftVoterResponse::default()
            },
        ),
        ApiKey::CreateTopics => {
            let request: CreateTopicsRequest = filter::parse(version, body)?;
            let (code, message) = match scope.filters.acls.closes_topics() {
                true => (ErrorCode::TOPIC_AUTHORIZATION_FAILED, "Authorization failed."),
                false => (ErrorCode::POLICY_VIOLATION, "Topics are not created through a route that maps topics."),
            };
            let refuse = |name: Str| CreatableTopicResult {
                name,
                error_code: code.0,
                error_message: Some(Str::from_static(message)),
                num_partitions: -1,
                replication_factor: -1,
                configs: Some(Vec::new()),
                ..CreatableTopicResult::default()
            };
            let topics = request.topics.into_iter().map(|topic| refuse(topic.name)).collect();
            filter::write(version, &CreateTopicsResponse { topics, ..CreateTopicsResponse::default() })
        }
        other => Err(Close::UnsupportedVersion { name: other.name(), version }),
    }
}

/// The answer to a client that takes the gateway for a controller (Admin's `bootstrap.controllers`), as a broker gives.
pub(super) fn controllers(version: i16, request: &DescribeClusterRequest) -> Result<Option<Rope>, Close> {
    if version < 1 || request.endpoint_type != CONTROLLERS {
        return Ok(None);
    }
    let response = DescribeClusterResponse {
        error_code: ErrorCode::MISMATCHED_ENDPOINT_TYPE.0,
        error_message: Some(Str::from_static(
            "The request was sent to an endpoint of wrong type: the gateway leads to brokers, not to controllers.",
        )),
        endpoint_type: 1,
        controller_id: -1,
        cluster_authorized_operations: i32::MIN,
        ..DescribeClusterResponse::default()
    };
    filter::write(version, &response).map(Some)
}
