//! Metadata under filters: the cluster as the client may see it.

use super::{
    close::Close,
    filter::{self, Outcome},
    scope::Scope,
};
use kafka::{
    Str,
    codes::ErrorCode,
    messages::{MetadataRequest, MetadataResponse, metadata_response::MetadataResponseTopic},
};
use snapshot::AclOperation;

/// `authorizedOperations` that were not asked for.
const NOT_ASKED: i32 = i32::MIN;

/// What the client asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Everything,
    Names,
    Ids,
}

pub(super) fn request(scope: &Scope, version: i16, mut request: MetadataRequest) -> Result<Outcome, Close> {
    let asked = match &request.topics {
        None => Asked::Everything,
        // Version 0 has no null: none is all.
        Some(topics) if version == 0 && topics.is_empty() => Asked::Everything,
        Some(topics) if topics.iter().any(|topic| !topic.topic_id.is_zero()) => Asked::Ids,
        Some(_) => Asked::Names,
    };
    let mut denied = Vec::new();
    let mut changed = false;
    if asked == Asked::Names
        && let Some(topics) = &mut request.topics
    {
        // An empty list after filtering asks for no topic, except in version 0, which ACLs do not offer.
        let may_create = topics
            .iter()
            .filter_map(|topic| topic.name.as_ref())
            .all(|name| scope.may(AclOperation::Create, name) || !scope.may(AclOperation::Describe, name));
        denied = filter::split(
            topics,
            |topic| scope.topic(AclOperation::Describe, topic.name.as_ref().unwrap_or(&Str::default())),
            |topic, name| topic.name = Some(name),
        );
        if version == 0 && topics.is_empty() {
            let mut response = MetadataResponse::default();
            refuse(&mut response, denied.into_iter().map(|(topic, code)| (topic.name, code)));
            return filter::answer(version, &response);
        }
        changed = !denied.is_empty() || !scope.filters.names.is_empty();
        // The broker would create for the gateway what it must not create for the client.
        if request.allow_auto_topic_creation && !may_create {
            request.allow_auto_topic_creation = false;
            changed = true;
        }
    }
    let denied: Vec<_> = denied.into_iter().map(|(topic, code)| (topic.name.map(|name| name.detach()), code)).collect();
    filter::forward(version, changed.then_some(&request), move |scope, response: &mut MetadataResponse| {
        response.topics.retain_mut(|topic| show(scope, version, asked, topic));
        refuse(response, denied.into_iter());
        true
    })
}

/// Judges a topic of a response; whether it stays in it.
fn show(scope: &Scope, version: i16, asked: Asked, topic: &mut MetadataResponseTopic) -> bool {
    let Some(broker_name) = topic.name.as_ref().filter(|name| !name.is_empty()) else { return true };
    let code = match scope.client_name(broker_name) {
        None => ErrorCode::UNKNOWN_TOPIC_ID,
        Some(name) if !scope.may(AclOperation::Describe, &name) => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        Some(name) => {
            if topic.topic_authorized_operations != NOT_ASKED {
                topic.topic_authorized_operations &=
                    scope.filters.acls.topic_operations(scope.principal.as_deref(), &name).bits();
            }
            topic.name = Some(name);
            return true;
        }
    };
    // Ids are no secret, so the broker answers for each one that was asked for; names of others are.
    if asked == Asked::Ids {
        *topic = MetadataResponseTopic {
            error_code: code.0,
            // Null since version 12, the first that brokers take ids in.
            name: (version < 12).then(Str::default),
            topic_id: topic.topic_id,
            topic_authorized_operations: NOT_ASKED,
            ..MetadataResponseTopic::default()
        };
    }
    asked == Asked::Ids
}

fn refuse(response: &mut MetadataResponse, denied: impl Iterator<Item = (Option<Str>, i16)>) {
    response.topics.extend(denied.map(|(name, error_code)| MetadataResponseTopic {
        error_code,
        name: Some(name.unwrap_or_default()),
        topic_authorized_operations: NOT_ASKED,
        ..MetadataResponseTopic::default()
    }));
}
