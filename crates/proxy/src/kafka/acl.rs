//! The route's ACLs, answered as Kafka's StandardAuthorizer would (KIP-11, KIP-290): deny wins, operations imply each
//! other, and a resource type that an entry names is closed for what no entry allows.

use regex::Regex;
use snapshot::{AclAction, AclEntry, AclOperation, AclPattern, AclResource};
use std::collections::HashMap;

/// A set of operations, a bit each at Kafka's own operation codes (`AclOperation.code()`), as in `authorizedOperations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operations(u32);

impl Operations {
    const EVERY: Self = Self(0xfff8);

    fn of(operation: AclOperation) -> Self {
        use AclOperation as Op;
        match operation {
            Op::All => Self::EVERY,
            one => Self(1 << code(one)),
        }
    }

    /// What an entry that allows `operation` allows besides (`StandardAuthorizerData`).
    fn allowed_by(operation: AclOperation) -> Self {
        use AclOperation as Op;
        let own = Self::of(operation);
        match operation {
            Op::Read | Op::Write | Op::Delete | Op::Alter => own.with(Op::Describe),
            Op::AlterConfigs => own.with(Op::DescribeConfigs),
            _ => own,
        }
    }

    fn with(self, operation: AclOperation) -> Self {
        Self(self.0 | Self::of(operation).0)
    }

    fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The bit field as it stands in responses.
    pub(crate) fn bits(self) -> i32 {
        i32::try_from(self.0).unwrap_or_default()
    }
}

fn code(operation: AclOperation) -> u32 {
    use AclOperation as Op;
    match operation {
        Op::All => 2,
        Op::Read => 3,
        Op::Write => 4,
        Op::Create => 5,
        Op::Delete => 6,
        Op::Alter => 7,
        Op::Describe => 8,
        Op::ClusterAction => 9,
        Op::DescribeConfigs => 10,
        Op::AlterConfigs => 11,
        Op::IdempotentWrite => 12,
        Op::CreateTokens => 13,
        Op::DescribeTokens => 14,
        Op::TwoPhaseCommit => 15,
    }
}

#[derive(Debug)]
struct Rule {
    operations: Operations,
    /// Empty: everybody, known or not.
    principals: Vec<String>,
    deny: bool,
}

impl Rule {
    fn new(entry: &AclEntry) -> Self {
        let deny = entry.action == AclAction::Deny;
        let operations = entry.operations.iter().fold(Operations(0), |all, &one| {
            Operations(all.0 | if deny { Operations::of(one).0 } else { Operations::allowed_by(one).0 })
        });
        Self { operations, principals: entry.principals.clone(), deny }
    }

    /// An unknown principal may be anybody: a name that allows does not match it, a name that denies does.
    fn concerns(&self, principal: Option<&str>) -> bool {
        match principal {
            _ if self.principals.is_empty() => true,
            None => self.deny,
            Some(principal) => self.principals.iter().any(|one| one == principal || one == "User:*"),
        }
    }
}

/// The entries of one resource type.
#[derive(Debug, Default)]
struct Table {
    literal: HashMap<String, Vec<Rule>>,
    every: Vec<Rule>,
    prefix: Vec<(String, Rule)>,
    regex: Vec<(Regex, Rule)>,
}

impl Table {
    fn rules<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Rule> {
        self.literal
            .get(name)
            .into_iter()
            .flatten()
            .chain(&self.every)
            .chain(
                self.prefix.iter().filter(move |(prefix, _)| name.starts_with(prefix.as_str())).map(|(_, rule)| rule),
            )
            .chain(self.regex.iter().filter(move |(regex, _)| regex.is_match(name)).map(|(_, rule)| rule))
    }
}

/// All entries of a route.
#[derive(Debug, Default)]
pub(crate) struct Acls {
    topics: Option<Table>,
    groups: Option<Table>,
}

impl Acls {
    /// Compiles the entries. Errors name the entry: a regular expression that does not compile or is too large, a
    /// resource type that is not served.
    pub(crate) fn compile(entries: &[AclEntry]) -> Result<Self, String> {
        let mut acls = Self::default();
        for entry in entries {
            let table = match entry.resource {
                AclResource::Topic => acls.topics.get_or_insert_default(),
                AclResource::Group => acls.groups.get_or_insert_default(),
                other => return Err(format!("ACL entry {}: resources of type {other:?} are not served", entry.name)),
            };
            let rule = Rule::new(entry);
            match &entry.pattern {
                AclPattern::Literal(name) if name == "*" => table.every.push(rule),
                AclPattern::Literal(name) => table.literal.entry(name.clone()).or_default().push(rule),
                AclPattern::Prefix(prefix) => table.prefix.push((prefix.clone(), rule)),
                AclPattern::Regex(text) => {
                    let regex = Regex::new(&format!("^(?:{text})$"))
                        .map_err(|error| format!("ACL entry {}: regular expression {text:?}: {error}", entry.name))?;
                    table.regex.push((regex, rule));
                }
            }
        }
        Ok(acls)
    }

    /// Whether no entry stands: everything is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.topics.is_none() && self.groups.is_none()
    }

    /// Whether topics are closed but for what entries allow.
    pub(crate) fn closes_topics(&self) -> bool {
        self.topics.is_some()
    }

    /// Whether groups are closed but for what entries allow.
    pub(crate) fn closes_groups(&self) -> bool {
        self.groups.is_some()
    }

    /// Whether `principal` (`None`: unknown) may do `operation` to the topic with this client name.
    pub(crate) fn topic(&self, principal: Option<&str>, operation: AclOperation, name: &str) -> bool {
        allows(self.topics.as_ref(), principal, operation, name)
    }

    /// The same for a group.
    pub(crate) fn group(&self, principal: Option<&str>, operation: AclOperation, name: &str) -> bool {
        allows(self.groups.as_ref(), principal, operation, name)
    }

    /// All that `principal` may do to a topic, to be cut with what the broker says.
    pub(crate) fn topic_operations(&self, principal: Option<&str>, name: &str) -> Operations {
        operations(self.topics.as_ref(), principal, name)
    }

    /// All that `principal` may do to a group.
    pub(crate) fn group_operations(&self, principal: Option<&str>, name: &str) -> Operations {
        operations(self.groups.as_ref(), principal, name)
    }
}

fn allows(table: Option<&Table>, principal: Option<&str>, operation: AclOperation, name: &str) -> bool {
    let Some(table) = table else { return true };
    let wanted = Operations::of(operation);
    let mut allowed = false;
    for rule in table.rules(name).filter(|rule| rule.operations.intersects(wanted) && rule.concerns(principal)) {
        if rule.deny {
            return false;
        }
        allowed = true;
    }
    allowed
}

fn operations(table: Option<&Table>, principal: Option<&str>, name: &str) -> Operations {
    let Some(table) = table else { return Operations::EVERY };
    let (mut allowed, mut denied) = (0, 0);
    for rule in table.rules(name).filter(|rule| rule.concerns(principal)) {
        if rule.deny {
            denied |= rule.operations.0;
        } else {
            allowed |= rule.operations.0;
        }
    }
    Operations(allowed & !denied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pattern: AclPattern, operations: &[AclOperation], principals: &[&str], action: AclAction) -> AclEntry {
        AclEntry {
            name: "filter/entry".into(),
            resource: AclResource::Topic,
            pattern,
            operations: operations.to_vec(),
            principals: principals.iter().map(|&one| one.to_owned()).collect(),
            action,
        }
    }

    #[test]
    fn the_printed_manifest_reads_orders_and_nothing_else() {
        let acls =
            Acls::compile(&[entry(AclPattern::Prefix("orders".into()), &[AclOperation::Read], &[], AclAction::Allow)])
                .unwrap();
        for principal in [None, Some("User:alice")] {
            assert!(acls.topic(principal, AclOperation::Read, "orders-external-topic"));
            assert!(acls.topic(principal, AclOperation::Describe, "orders"));
            assert!(!acls.topic(principal, AclOperation::Write, "orders"));
            assert!(!acls.topic(principal, AclOperation::Describe, "payments"));
            assert!(acls.group(principal, AclOperation::Read, "any"), "a type without an entry stays open");
        }
        assert_eq!(acls.topic_operations(None, "orders").bits(), (1 << 3) | (1 << 8));
    }

    #[test]
    fn deny_wins_and_principals_count() {
        let acls = Acls::compile(&[
            entry(AclPattern::Literal("*".into()), &[AclOperation::All], &["User:alice", "User:bob"], AclAction::Allow),
            entry(AclPattern::Literal("secret".into()), &[AclOperation::Read], &["User:bob"], AclAction::Deny),
            entry(AclPattern::Regex("a|b.*".into()), &[AclOperation::AlterConfigs], &[], AclAction::Allow),
        ])
        .unwrap();
        assert!(acls.topic(Some("User:alice"), AclOperation::Read, "secret"));
        assert!(!acls.topic(Some("User:bob"), AclOperation::Read, "secret"));
        assert!(
            acls.topic(Some("User:bob"), AclOperation::Describe, "secret"),
            "denying Read leaves Describe, as in Kafka"
        );
        assert!(!acls.topic(None, AclOperation::Read, "x"));
        assert!(acls.topic(None, AclOperation::DescribeConfigs, "bee"));
        assert!(!acls.topic(None, AclOperation::DescribeConfigs, "ab"), "a regular expression matches the whole name");
    }

    #[test]
    fn an_unknown_principal_is_caught_by_every_deny() {
        let acls = Acls::compile(&[
            entry(AclPattern::Literal("*".into()), &[AclOperation::Read], &[], AclAction::Allow),
            entry(AclPattern::Literal("*".into()), &[AclOperation::All], &["User:mallory"], AclAction::Deny),
        ])
        .unwrap();
        assert!(acls.topic(Some("User:alice"), AclOperation::Read, "x"));
        assert!(!acls.topic(None, AclOperation::Read, "x"));
    }
}
