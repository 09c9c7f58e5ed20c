//! Groups under filters: classic ones with their embedded bytes, the new protocol (KIP-848), and who may see which.

use super::{
    close::Close,
    consumer::{self, Way},
    filter::{self, Outcome},
    scope::{Scope, Topic},
};
use kafka::{
    Str,
    codes::ErrorCode,
    messages::{
        AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse,
        ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, DeleteGroupsRequest, DeleteGroupsResponse,
        DescribeGroupsRequest, DescribeGroupsResponse, FindCoordinatorRequest, FindCoordinatorResponse,
        HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
        LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse, SyncGroupRequest, SyncGroupResponse,
        consumer_group_describe_response as described, delete_groups_response::DeletableGroupResult,
        describe_groups_response::DescribedGroup, find_coordinator_response::Coordinator,
    },
};
use snapshot::AclOperation;

const DENIED: i16 = ErrorCode::GROUP_AUTHORIZATION_FAILED.0;
/// Groups whose type is remembered per connection.
const MAX_GROUPS: usize = 1000;
/// The protocol type whose bytes hold topics; "connect" and "sr" are left alone.
const CONSUMER: &str = "consumer";

/// `keyType` of FindCoordinator.
mod key_type {
    pub(super) const GROUP: i8 = 0;
    pub(super) const SHARE: i8 = 2;
}

pub(super) fn find_coordinator(
    scope: &Scope,
    version: i16,
    mut request: FindCoordinatorRequest,
) -> Result<Outcome, Close> {
    let judge = |key: &Str| match request.key_type {
        key_type::GROUP if !scope.may_group(AclOperation::Describe, key) => Some(DENIED),
        // Their keys hold topic ids, and share groups are not served under filters.
        key_type::SHARE.. => Some(ErrorCode::INVALID_REQUEST.0),
        _ => None,
    };
    if version < 4 {
        return match judge(&request.key) {
            None => filter::pass(),
            Some(error_code) => filter::answer(
                version,
                &FindCoordinatorResponse { error_code, node_id: -1, port: -1, ..FindCoordinatorResponse::default() },
            ),
        };
    }
    let mut denied = Vec::new();
    let mut keys = std::mem::take(&mut request.coordinator_keys);
    keys.retain(|key| {
        let code = judge(key);
        denied.extend(code.map(|error_code| Coordinator {
            key: key.detach(),
            node_id: -1,
            port: -1,
            error_code,
            ..Coordinator::default()
        }));
        code.is_none()
    });
    if denied.is_empty() {
        return filter::pass();
    }
    if keys.is_empty() {
        let response = FindCoordinatorResponse { coordinators: denied, ..FindCoordinatorResponse::default() };
        return filter::answer(version, &response);
    }
    request.coordinator_keys = keys;
    filter::forward(version, Some(&request), move |_, response: &mut FindCoordinatorResponse| {
        response.coordinators.extend(denied);
        true
    })
}

fn remember(scope: &Scope, group: &Str, consumer: bool) {
    let mut groups = scope.consumer_groups.borrow_mut();
    if groups.len() < MAX_GROUPS || groups.contains_key(group.as_str()) {
        groups.insert(group.detach(), consumer);
    }
}

/// Whether a group's bytes hold topics: by what the message says, else by what was said at joining. Bytes of a group
/// that joined elsewhere are tried; other protocols' do not parse.
fn is_consumer(scope: &Scope, group: &Str, protocol_type: Option<&Str>) -> bool {
    match protocol_type {
        Some(protocol_type) => *protocol_type == CONSUMER,
        None => scope.consumer_groups.borrow().get(group.as_str()).copied().unwrap_or(true),
    }
}

pub(super) fn join(scope: &Scope, version: i16, mut request: JoinGroupRequest) -> Result<Outcome, Close> {
    if !scope.may_group(AclOperation::Read, &request.group_id) {
        let response = JoinGroupResponse {
            error_code: DENIED,
            generation_id: -1,
            member_id: request.member_id,
            protocol_name: Some(Str::default()),
            ..JoinGroupResponse::default()
        };
        return filter::answer(version, &response);
    }
    let consumer = request.protocol_type == CONSUMER;
    remember(scope, &request.group_id, consumer);
    if !consumer || scope.filters.names.is_empty() {
        return filter::pass();
    }
    for protocol in &mut request.protocols {
        protocol.metadata = consumer::subscription(scope, Way::ToBroker, &protocol.metadata);
    }
    filter::forward(version, Some(&request), move |scope, response: &mut JoinGroupResponse| {
        for member in &mut response.members {
            member.metadata = consumer::subscription(scope, Way::ToClient, &member.metadata);
        }
        !response.members.is_empty()
    })
}

pub(super) fn sync(scope: &Scope, version: i16, mut request: SyncGroupRequest) -> Result<Outcome, Close> {
    if !scope.may_group(AclOperation::Read, &request.group_id) {
        return filter::answer(version, &SyncGroupResponse { error_code: DENIED, ..SyncGroupResponse::default() });
    }
    if scope.filters.names.is_empty() || !is_consumer(scope, &request.group_id, request.protocol_type.as_ref()) {
        return filter::pass();
    }
    let changed = !request.assignments.is_empty();
    for one in &mut request.assignments {
        one.assignment = consumer::assignment(scope, Way::ToBroker, &one.assignment);
    }
    filter::forward(version, changed.then_some(&request), move |scope, response: &mut SyncGroupResponse| {
        response.assignment = consumer::assignment(scope, Way::ToClient, &response.assignment);
        true
    })
}

pub(super) fn describe(scope: &Scope, version: i16, mut request: DescribeGroupsRequest) -> Result<Outcome, Close> {
    let mut denied = Vec::new();
    request.groups.retain(|group| {
        let allowed = scope.may_group(AclOperation::Describe, group);
        if !allowed {
            denied.push(DescribedGroup {
                error_code: DENIED,
                group_id: group.detach(),
                authorized_operations: i32::MIN,
                ..DescribedGroup::default()
            });
        }
        allowed
    });
    if request.groups.is_empty() && !denied.is_empty() {
        return filter::answer(
            version,
            &DescribeGroupsResponse { groups: denied, ..DescribeGroupsResponse::default() },
        );
    }
    filter::forward(version, Some(&request), move |scope, response: &mut DescribeGroupsResponse| {
        for group in &mut response.groups {
            if group.authorized_operations != i32::MIN {
                group.authorized_operations &=
                    scope.filters.acls.group_operations(scope.principal.as_deref(), &group.group_id).bits();
            }
            if group.protocol_type == CONSUMER && !scope.filters.names.is_empty() {
                for member in &mut group.members {
                    member.member_metadata = consumer::subscription(scope, Way::ToClient, &member.member_metadata);
                    member.member_assignment = consumer::assignment(scope, Way::ToClient, &member.member_assignment);
                }
            }
        }
        response.groups.extend(denied);
        true
    })
}

pub(super) fn consumer_heartbeat(
    scope: &Scope,
    version: i16,
    mut request: ConsumerGroupHeartbeatRequest,
) -> Result<Outcome, Close> {
    let refuse = |code: ErrorCode, message: &'static str| {
        let response = ConsumerGroupHeartbeatResponse {
            error_code: code.0,
            error_message: Some(Str::from_static(message)),
            ..ConsumerGroupHeartbeatResponse::default()
        };
        filter::answer(version, &response)
    };
    if !scope.may_group(AclOperation::Read, &request.group_id) {
        return refuse(ErrorCode::GROUP_AUTHORIZATION_FAILED, "Not authorized to access this group.");
    }
    // The broker would match its own names. An empty one takes a subscription back.
    if request.subscribed_topic_regex.as_ref().is_some_and(|regex| !regex.is_empty()) {
        return refuse(
            ErrorCode::INVALID_REGULAR_EXPRESSION,
            "This route does not take subscriptions by regular expression that the broker evaluates (KIP-848); \
             subscribe by names, or by a pattern that the client evaluates.",
        );
    }
    // Null is "as before" and stays null.
    let mut changed = false;
    if let Some(names) = &mut request.subscribed_topic_names {
        let judged: Vec<_> = names.iter().map(|name| scope.topic(AclOperation::Describe, name)).collect();
        if judged.contains(&Topic::Denied(ErrorCode::TOPIC_AUTHORIZATION_FAILED.0)) {
            return refuse(ErrorCode::TOPIC_AUTHORIZATION_FAILED, "Not authorized to access the subscribed topics.");
        }
        let mapped: Vec<_> = judged
            .into_iter()
            .filter_map(|one| match one {
                Topic::Allowed(name) => Some(name),
                Topic::Denied(_) => None,
            })
            .collect();
        changed = mapped != *names;
        *names = mapped;
    }
    filter::forward(version, changed.then_some(&request), |scope, response: &mut ConsumerGroupHeartbeatResponse| {
        let had_text = response.error_message.is_some();
        scope.text(&mut response.error_message);
        had_text
    })
}

pub(super) fn consumer_describe(
    scope: &Scope,
    version: i16,
    mut request: ConsumerGroupDescribeRequest,
) -> Result<Outcome, Close> {
    let mut denied = Vec::new();
    request.group_ids.retain(|group| {
        let allowed = scope.may_group(AclOperation::Describe, group);
        if !allowed {
            denied.push(described::DescribedGroup {
                error_code: DENIED,
                group_id: group.detach(),
                authorized_operations: i32::MIN,
                ..described::DescribedGroup::default()
            });
        }
        allowed
    });
    if request.group_ids.is_empty() && !denied.is_empty() {
        let response = ConsumerGroupDescribeResponse { groups: denied, ..ConsumerGroupDescribeResponse::default() };
        return filter::answer(version, &response);
    }
    filter::forward(version, Some(&request), move |scope, response: &mut ConsumerGroupDescribeResponse| {
        response.groups.iter_mut().for_each(|group| show(scope, group));
        response.groups.extend(denied);
        true
    })
}

fn show(scope: &Scope, group: &mut described::DescribedGroup) {
    if group.authorized_operations != i32::MIN {
        group.authorized_operations &=
            scope.filters.acls.group_operations(scope.principal.as_deref(), &group.group_id).bits();
    }
    scope.text(&mut group.error_message);
    let mut hidden = false;
    let mut rename = |name: &mut Str| match scope.client_name(name) {
        Some(client) => {
            hidden |= !scope.may(AclOperation::Describe, &client);
            *name = client;
            true
        }
        None => false,
    };
    for member in &mut group.members {
        member.subscribed_topic_names.retain_mut(&mut rename);
        for assignment in [&mut member.assignment, &mut member.target_assignment] {
            assignment.topic_partitions.retain_mut(|topic| rename(&mut topic.topic_name));
        }
        // Written for the brokers' names.
        if !scope.filters.names.is_empty() {
            member.subscribed_topic_regex = None;
        }
    }
    // As the broker: a group with a topic that the client must not see is not described.
    if hidden {
        group.members.clear();
        group.error_code = ErrorCode::TOPIC_AUTHORIZATION_FAILED.0;
        group.error_message =
            Some(Str::from_static("The group has described topic(s) that the client is not authorized to describe."));
    }
}

pub(super) fn heartbeat(scope: &Scope, version: i16, request: HeartbeatRequest) -> Result<Outcome, Close> {
    if scope.may_group(AclOperation::Read, &request.group_id) {
        return filter::pass();
    }
    filter::answer(version, &HeartbeatResponse { error_code: DENIED, ..HeartbeatResponse::default() })
}

pub(super) fn leave(scope: &Scope, version: i16, request: LeaveGroupRequest) -> Result<Outcome, Close> {
    if scope.may_group(AclOperation::Read, &request.group_id) {
        return filter::pass();
    }
    filter::answer(version, &LeaveGroupResponse { error_code: DENIED, ..LeaveGroupResponse::default() })
}

pub(super) fn list(_: &Scope, version: i16, _: ListGroupsRequest) -> Result<Outcome, Close> {
    filter::forward::<ListGroupsRequest>(version, None, |scope, response: &mut ListGroupsResponse| {
        response.groups.retain(|group| scope.shows_group(AclOperation::Describe, &group.group_id));
        true
    })
}

pub(super) fn delete(scope: &Scope, version: i16, mut request: DeleteGroupsRequest) -> Result<Outcome, Close> {
    let mut denied = Vec::new();
    request.groups_names.retain(|group| {
        let allowed = scope.may_group(AclOperation::Delete, group);
        if !allowed {
            denied.push(DeletableGroupResult {
                group_id: group.detach(),
                error_code: DENIED,
                ..DeletableGroupResult::default()
            });
        }
        allowed
    });
    if request.groups_names.is_empty() && !denied.is_empty() {
        return filter::answer(version, &DeleteGroupsResponse { results: denied, ..DeleteGroupsResponse::default() });
    }
    filter::forward(version, Some(&request), move |_, response: &mut DeleteGroupsResponse| {
        response.results.extend(denied);
        true
    })
}

pub(super) fn add_offsets(scope: &Scope, version: i16, request: AddOffsetsToTxnRequest) -> Result<Outcome, Close> {
    if scope.may_group(AclOperation::Read, &request.group_id) {
        return filter::pass();
    }
    filter::answer(version, &AddOffsetsToTxnResponse { error_code: DENIED, ..AddOffsetsToTxnResponse::default() })
}
