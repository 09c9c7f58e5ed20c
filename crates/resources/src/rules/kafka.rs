//! KafkaRoute and KafkaHeaderPolicy.

use super::{Report, Validate, is_subdomain, routes};
use crate::Code;
use crate::kafka::{
    BrokerMapping, KafkaAcl, KafkaHeaderPolicySpec, KafkaPatternType, KafkaRouteFilter, KafkaRouteFilterType,
    KafkaRouteSpec, TopicMapping, TopicMappingType,
};
use regex::Regex;

impl Validate for KafkaRouteSpec {
    fn check(&self, report: &mut Report) {
        routes::parent_refs(&self.parent_refs, report);
        if let Some(message) = bad_hostname(&self.hostname) {
            report.add(Code::InvalidHostname, "spec.hostname", message);
        }
        for (i, backend) in self.backend_refs.iter().enumerate() {
            routes::backend(backend, &format!("spec.backendRefs[{i}]"), report);
        }
        broker_mapping(&self.broker_mapping, &self.hostname, report);
        let mut names: Vec<&str> = Vec::new();
        for (i, filter) in self.filters.iter().enumerate() {
            let field = format!("spec.filters[{i}]");
            if let Some(name) = filter.name.as_deref() {
                if names.contains(&name) {
                    let message = "filter names must be unique within the route";
                    report.add(Code::DuplicateName, format!("{field}.name"), message);
                }
                names.push(name);
            }
            check_filter(filter, &field, report);
        }
        topic_mappings(&self.filters, report);
    }
}

/// Why a text is no hostname for clients to resolve; `None` if it is one.
fn bad_hostname(hostname: &str) -> Option<String> {
    if hostname.parse::<std::net::IpAddr>().is_ok() {
        return Some("an IP address has no server name; a DNS name or label is needed".to_owned());
    }
    if let Some(label) = hostname.split('.').find(|label| label.len() > 63) {
        return Some(format!("the label {label:?} has {} characters; DNS allows 63", label.len()));
    }
    (!is_subdomain(hostname)).then(|| format!("{hostname:?} is not a valid hostname"))
}

/// The largest broker id, whose name is the longest.
const LONGEST_ID: &str = "2147483647";

fn broker_mapping(mapping: &BrokerMapping, hostname: &str, report: &mut Report) {
    let field = "spec.brokerMapping.hostname";
    let pattern = mapping.hostname.as_str();
    if !pattern.contains("{brokerId}") {
        let message = "the pattern must contain {brokerId}, or all brokers would have one name";
        report.add_hint(Code::BrokerMapping, field, message, "the default is broker-{brokerId}-{hostname}");
    } else {
        // A full hostname is put in at the pattern's place; what comes out for the smallest id must be a name, and no
        // label may grow too long for ids that clusters really use.
        let name = pattern.replace("{hostname}", hostname).replace("{brokerId}", "0");
        if let Some(message) = bad_hostname(&name) {
            report.add(Code::BrokerMapping, field, format!("broker 0 would be {name:?}: {message}"));
        } else if pattern.replace("{hostname}", hostname).replace("{brokerId}", LONGEST_ID).len() > 253 {
            report.add(Code::BrokerMapping, field, "broker names would be longer than 253 characters");
        }
    }
    for (i, broker) in mapping.brokers.iter().enumerate() {
        let field = format!("spec.brokerMapping.brokers[{i}]");
        if let Some(name) = &broker.hostname {
            if let Some(message) = bad_hostname(name) {
                report.add(Code::BrokerMapping, format!("{field}.hostname"), message);
            }
            if name == hostname {
                let message = "a broker cannot have the route's own hostname, which is the bootstrap name";
                report.add(Code::BrokerMapping, format!("{field}.hostname"), message);
            }
            // The name that the pattern gives to another broker.
            let taken = mapping.brokers.iter().enumerate().find(|(j, other)| {
                let by_pattern =
                    || pattern.replace("{hostname}", hostname).replace("{brokerId}", &other.id.to_string());
                *j != i && other.hostname.is_none() && by_pattern() == *name
            });
            if let Some((_, other)) = taken {
                let message = format!("the pattern gives this name to broker {}", other.id);
                report.add(Code::BrokerMapping, format!("{field}.hostname"), message);
            }
        } else if broker.backend_ref.is_none() {
            report.add(Code::BrokerMapping, field.as_str(), "at least one of hostname and backendRef must be set");
        }
        if let Some(backend) = &broker.backend_ref {
            routes::backend(backend, &format!("{field}.backendRef"), report);
        }
    }
    report.unique(
        Code::BrokerMapping,
        mapping.brokers.iter().map(|broker| broker.id),
        |i| format!("spec.brokerMapping.brokers[{i}].id"),
        "broker ids must be unique within the list",
    );
    let mut seen: Vec<&str> = Vec::new();
    for (i, broker) in mapping.brokers.iter().enumerate() {
        let Some(name) = broker.hostname.as_deref() else { continue };
        if seen.contains(&name) {
            let field = format!("spec.brokerMapping.brokers[{i}].hostname");
            report.add(Code::BrokerMapping, field, "broker hostnames must be unique within the list");
        }
        seen.push(name);
    }
    if let Some(ports) = &mapping.ports
        && u32::from(ports.first) + u32::from(ports.count) > 65_536
    {
        let message = format!("{} ports from {} on pass port 65535", ports.count, ports.first);
        report.add(Code::BrokerMapping, "spec.brokerMapping.ports", message);
    }
}

fn check_filter(filter: &KafkaRouteFilter, field: &str, report: &mut Report) {
    use KafkaRouteFilterType as Type;
    let members = [
        ("topicMapping", Type::TopicMapping.as_str(), filter.topic_mapping.is_some()),
        ("acls", Type::Acls.as_str(), filter.acls.is_some()),
        ("quota", Type::Quota.as_str(), filter.quota.is_some()),
        ("extensionRef", Type::ExtensionRef.as_str(), filter.extension_ref.is_some()),
    ];
    report.union(field, filter.filter_type.as_str(), &members, "filter.");
    if let Some(mapping) = &filter.topic_mapping {
        for (name, topic) in [("client", &mapping.client), ("broker", &mapping.broker)] {
            if mapping.mapping_type == TopicMappingType::Exact && (topic == "." || topic == "..") {
                let message = format!("{topic:?} is no topic name in Kafka");
                report.add(Code::BadFormat, format!("{field}.topicMapping.{name}"), message);
            }
        }
    }
    for (i, acl) in filter.acls.iter().flatten().enumerate() {
        check_acl(acl, &format!("{field}.acls[{i}]"), report);
    }
    if let Some(quota) = &filter.quota
        && quota.produce.is_none()
        && quota.fetch.is_none()
        && quota.requests.is_none()
    {
        report.add(
            Code::EmptyQuota,
            format!("{field}.quota"),
            "at least one of produce, fetch and requests must be set",
        );
    }
}

fn check_acl(acl: &KafkaAcl, field: &str, report: &mut Report) {
    let resource = acl.resource_type;
    let members = [
        ("topicOperation", acl.topic_operation),
        ("groupOperation", acl.group_operation),
        ("clusterOperation", acl.cluster_operation),
        ("transactionalIdOperation", acl.transactional_id_operation),
        ("tokenOperation", acl.token_operation),
    ];
    for (name, operation) in members {
        if operation.is_some() && name != resource.operation_member() {
            let message = format!("{name} does not go with type {resource}");
            let hint = format!("use {}", resource.operation_member());
            report.add_hint(Code::AclOperation, format!("{field}.{name}"), message, hint);
        }
    }
    let allowed = resource.operations();
    let expected = || allowed.iter().map(|operation| operation.as_str()).collect::<Vec<_>>().join(", ");
    for (name, operation) in members.into_iter().filter(|(name, _)| *name == resource.operation_member()) {
        if let Some(operation) = operation.filter(|operation| !allowed.contains(operation)) {
            let message = format!("Kafka knows no {operation} on {resource}; expected one of {}", expected());
            report.add(Code::AclOperation, format!("{field}.{name}"), message);
        }
    }
    for (i, operation) in acl.operations.iter().enumerate().filter(|(_, operation)| !allowed.contains(operation)) {
        let message = format!("Kafka knows no {operation} on {resource}; expected one of {}", expected());
        report.add(Code::AclOperation, format!("{field}.operations[{i}]"), message);
    }
    if acl.all_operations().is_empty() {
        let message = format!("at least one operation is needed: {} or operations", resource.operation_member());
        report.add(Code::AclOperation, field, message);
    }
    if let Some(pattern) = &acl.pattern
        && pattern.pattern_type == KafkaPatternType::Regex
        && let Err(error) = Regex::new(&pattern.expression)
    {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        report.add(Code::InvalidPattern, format!("{field}.pattern.expression"), reason);
    }
    for (i, principal) in acl.principals.iter().enumerate() {
        if !principal.split_once(':').is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty()) {
            let message = format!("{principal:?} is not a principal of the form User:NAME");
            report.add(Code::BadFormat, format!("{field}.principals[{i}]"), message);
        }
    }
}

/// No two mappings may claim the same client name or the same broker name; prefixes of one another count as the same.
fn topic_mappings(filters: &[KafkaRouteFilter], report: &mut Report) {
    let mappings: Vec<(usize, &TopicMapping)> =
        filters.iter().enumerate().filter_map(|(i, filter)| Some((i, filter.topic_mapping.as_ref()?))).collect();
    for (n, (i, mapping)) in mappings.iter().enumerate() {
        for (j, other) in &mappings[..n] {
            for (side, name, others) in
                [("client", &mapping.client, &other.client), ("broker", &mapping.broker, &other.broker)]
            {
                if overlap((mapping.mapping_type, name), (other.mapping_type, others)) {
                    let message = format!("{name:?} is claimed by spec.filters[{j}] too");
                    let field = format!("spec.filters[{i}].topicMapping.{side}");
                    report.add(Code::TopicMappingConflict, field, message);
                }
            }
        }
    }
}

/// Exact names may lie under a prefix: the exact mapping is the more specific one and wins.
fn overlap(a: (TopicMappingType, &str), b: (TopicMappingType, &str)) -> bool {
    match (a.0, b.0) {
        (TopicMappingType::Exact, TopicMappingType::Exact) => a.1 == b.1,
        (TopicMappingType::Prefix, TopicMappingType::Prefix) => a.1.starts_with(b.1) || b.1.starts_with(a.1),
        _ => false,
    }
}

impl Validate for KafkaHeaderPolicySpec {
    fn check(&self, report: &mut Report) {
        if self.add.is_empty() && self.set.is_empty() && self.remove.is_empty() {
            report.add(Code::MissingField, "spec", "at least one of add, set and remove must be set");
        }
    }
}
