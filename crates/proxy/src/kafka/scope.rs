//! What one connection's messages are judged and rewritten by.

use super::{
    cluster::{Address, Cluster},
    fetch::Sessions,
    route::{Advertised, Filters},
};
use kafka::{Str, Uuid, codes::ErrorCode};
use snapshot::AclOperation;
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Names, rights and addresses of a connection.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(super) filters: Arc<Filters>,
    pub(super) cluster: Arc<Cluster>,
    pub(super) advertised: Arc<Advertised>,
    /// The port that clients reach the listener at.
    pub(super) port: u16,
    /// Who the client is; `None`: unknown.
    pub(super) principal: Option<Arc<str>>,
    /// Whether unknown topic ids of the request at hand have been asked for.
    pub(super) asked: Cell<bool>,
    /// Whether groups that joined here are of type "consumer".
    pub(super) consumer_groups: RefCell<HashMap<Str, bool>>,
    /// Refusals of requests and logins, by code.
    pub(super) errors: Errors,
    /// Incremental fetch sessions.
    pub(super) fetch: RefCell<Sessions>,
}

/// Codes told apart per connection; a broker may refuse logins with any.
const MAX_CODES: usize = 16;

/// How often each error code was given as a refusal.
#[derive(Debug, Default)]
pub(crate) struct Errors(RefCell<BTreeMap<i16, u64>>);

impl Errors {
    /// Counts one.
    pub(super) fn note(&self, code: i16) {
        let mut codes = self.0.borrow_mut();
        if codes.len() < MAX_CODES || codes.contains_key(&code) {
            *codes.entry(code).or_default() += 1;
        }
    }

    /// Kafka's names, or the number, and how often.
    pub(super) fn by_name(&self) -> BTreeMap<String, u64> {
        let name = |code: i16| ErrorCode(code).name().map_or_else(|| code.to_string(), str::to_owned);
        self.0.borrow().iter().map(|(&code, &count)| (name(code), count)).collect()
    }
}

/// A judged topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// Goes to the brokers under this name.
    Allowed(Str),
    /// Is answered with this code.
    Denied(i16),
}

impl Scope {
    /// Whether ACLs let the client do `operation` to the topic with this client name.
    pub(super) fn may(&self, operation: AclOperation, client_name: &str) -> bool {
        self.filters.acls.topic(self.principal.as_deref(), operation, client_name)
    }

    /// Whether ACLs let the client do `operation` to a group.
    pub(super) fn may_group(&self, operation: AclOperation, group: &str) -> bool {
        let may = self.shows_group(operation, group);
        if !may {
            self.errors.note(ErrorCode::GROUP_AUTHORIZATION_FAILED.0);
        }
        may
    }

    /// The same for groups that the client has not named: they are left out, which is no refusal.
    pub(super) fn shows_group(&self, operation: AclOperation, group: &str) -> bool {
        self.filters.acls.group(self.principal.as_deref(), operation, group)
    }

    fn deny(&self, code: ErrorCode) -> Topic {
        self.errors.note(code.0);
        Topic::Denied(code.0)
    }

    /// Judges a topic by the name the client gives it.
    pub(super) fn topic(&self, operation: AclOperation, client_name: &Str) -> Topic {
        if !self.may(operation, client_name) {
            return self.deny(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        }
        match self.filters.names.to_broker(client_name) {
            Some(broker) if broker == client_name.as_str() => Topic::Allowed(client_name.clone()),
            Some(broker) => Topic::Allowed(Str::from(broker)),
            None => self.deny(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        }
    }

    /// Judges a topic by its id. Ids that nobody knows have been asked for before (`Session`).
    pub(super) fn topic_id(&self, operation: AclOperation, id: Uuid) -> Topic {
        let unknown = ErrorCode::UNKNOWN_TOPIC_ID;
        let Some(broker) = self.cluster.topic(id) else { return self.deny(unknown) };
        match self.filters.names.to_client(&broker) {
            None => self.deny(unknown),
            Some(client) if !self.may(operation, client) => self.deny(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
            Some(_) => Topic::Allowed(broker),
        }
    }

    /// The clients' name of a topic in a response; `None`: clients must not see it.
    pub(super) fn client_name(&self, broker_name: &Str) -> Option<Str> {
        match self.filters.names.to_client(broker_name)? {
            client if client == broker_name.as_str() => Some(broker_name.clone()),
            client => Some(Str::from(client)),
        }
    }

    /// The same, if the client may also see it.
    pub(super) fn visible(&self, broker_name: &Str) -> Option<Str> {
        self.client_name(broker_name).filter(|name| self.may(AclOperation::Describe, name))
    }

    /// A broker's free text without the brokers' names of topics.
    pub(super) fn text(&self, text: &mut Option<Str>) {
        if let Some(old) = text.as_ref().filter(|_| !self.filters.names.is_empty()) {
            *text = self.filters.names.text(old).map(Str::from);
        }
    }

    /// Keeps a broker's address and puts the gateway's in its place. An id below zero, or an empty host, stands for "no
    /// broker" and stays.
    pub(super) fn advertise(&self, id: i32, host: &mut Str, port: &mut i32) -> Option<(i32, Address)> {
        if id < 0 || host.is_empty() {
            return None;
        }
        let real = Address { host: std::mem::replace(host, self.advertised.host(id)), port: *port };
        *port = i32::from(self.port);
        Some((id, real))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_code() {
        let mapping = snapshot::TopicMapping {
            name: "m".into(),
            client: "a".into(),
            broker: "b".into(),
            kind: snapshot::MappingKind::Exact,
        };
        let filters = Arc::new(Filters::compile(&[mapping], &[]).unwrap());
        let scope = Scope { filters, ..Scope::default() };
        let denied = Topic::Denied(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0);
        for _ in 0..3 {
            assert_eq!(scope.topic(AclOperation::Read, &"b".into()), denied);
        }
        scope.topic(AclOperation::Read, &"a".into());
        assert_eq!(scope.errors.by_name(), BTreeMap::from([("UNKNOWN_TOPIC_OR_PARTITION".into(), 3)]));
        (1000..2000).for_each(|code| scope.errors.note(code));
        assert_eq!(scope.errors.by_name().len(), MAX_CODES);
    }
}
