//! Filters of a KafkaRoute. One that is not served leaves nothing of the route served: it may be there for security.

use super::super::{check_regex, regex_problem};
use crate::Context;
use crate::attach::Verdict;
use crate::findings::Problem;
use resources::Code;
use resources::kafka::{
    KafkaAcl, KafkaAclAction, KafkaExtensionReference, KafkaOperation, KafkaPatternType, KafkaResourceType,
    KafkaRouteFilterType, TopicMappingType,
};
use resources::{KafkaHeaderPolicy, KafkaRoute, Kind};
use snapshot::{AclAction, AclEntry, AclOperation, AclPattern, AclResource, MappingKind, TopicMapping};

/// What is served.
#[derive(Default)]
pub(crate) struct Filters {
    pub(crate) topic_mappings: Vec<TopicMapping>,
    pub(crate) acls: Vec<AclEntry>,
}

/// Reads all filters; what is wrong goes into the verdict.
pub(crate) fn translate(ctx: &Context<'_>, object: &KafkaRoute, verdict: &mut Verdict) -> Filters {
    let mut filters = Filters::default();
    for (i, filter) in object.spec.filters.iter().enumerate() {
        let path = format!("spec.filters[{i}]");
        let name = filter.name.clone().unwrap_or_else(|| format!("filters[{i}]"));
        match filter.filter_type {
            KafkaRouteFilterType::TopicMapping => {
                let path = format!("{path}.topicMapping");
                match &filter.topic_mapping {
                    None => verdict.problems.push(missing(path)),
                    Some(mapping) if mapping.mapping_type == TopicMappingType::Prefix => {
                        let message = "mapping by prefix is not served yet";
                        let hint = "map each topic with type Exact";
                        verdict.problems.push(Problem::unsupported(format!("{path}.type"), message, hint));
                    }
                    Some(mapping) => {
                        let (client, broker) = (mapping.client.clone(), mapping.broker.clone());
                        let mapping = TopicMapping { name, client, broker, kind: MappingKind::Exact };
                        add_mapping(&mut filters.topic_mappings, mapping, &path, verdict);
                    }
                }
            }
            KafkaRouteFilterType::Acls => {
                let path = format!("{path}.acls");
                if filter.acls.as_ref().is_none_or(Vec::is_empty) {
                    verdict.problems.push(missing(path.clone()));
                }
                for (j, acl) in filter.acls.iter().flatten().enumerate() {
                    match entry(&name, acl, j, &format!("{path}[{j}]")) {
                        Ok(entry) => filters.acls.push(entry),
                        Err(problem) => verdict.problems.push(problem),
                    }
                }
            }
            KafkaRouteFilterType::Quota => {
                let message = "filter Quota is not served yet";
                verdict.problems.push(Problem::unsupported(format!("{path}.type"), message, "remove it"));
            }
            KafkaRouteFilterType::ExtensionRef => {
                let path = format!("{path}.extensionRef");
                match &filter.extension_ref {
                    None => verdict.problems.push(missing(path)),
                    Some(reference) => extension(ctx, object, reference, &path, verdict),
                }
            }
        }
    }
    filters
}

fn missing(path: String) -> Problem {
    Problem::unsupported(path, "the filter's settings are missing", "add them, or remove the filter")
}

/// Client names and broker names are each unique, so that a name means one topic in both directions.
fn add_mapping(known: &mut Vec<TopicMapping>, mapping: TopicMapping, path: &str, verdict: &mut Verdict) {
    let clash = known.iter().find_map(|other| {
        if other.client == mapping.client {
            return Some(("client", format!("filter {} maps the client's topic {} already", other.name, other.client)));
        }
        (other.broker == mapping.broker).then(|| {
            let message =
                format!("filter {} shows the broker's topic {} as {}", other.name, other.broker, other.client);
            ("broker", format!("{message} already"))
        })
    });
    match clash {
        None => known.push(mapping),
        Some((field, message)) => {
            let (reason, code) = ("UnsupportedValue", Code::TopicMappingConflict);
            let hint = "a topic has one name towards clients";
            verdict.problems.push(Problem::new(reason, code, format!("{path}.{field}"), message, hint));
        }
    }
}

fn extension(
    ctx: &Context<'_>,
    object: &KafkaRoute,
    reference: &KafkaExtensionReference,
    path: &str,
    verdict: &mut Verdict,
) {
    let group = reference.group_name();
    if Kind::find_in_group(group, &reference.kind) != Some(Kind::KafkaHeaderPolicy) {
        let message = format!("kind {} of group {group} is not known as a filter", reference.kind);
        let hint = "remove the filter; until then every connection is refused";
        let path = format!("{path}.kind");
        verdict.ref_problems.push(Problem::new("InvalidKind", Code::InvalidKind, path, message, hint));
        return;
    }
    let found = ctx.index.resources().get::<KafkaHeaderPolicy>(&object.meta.namespace, &reference.name);
    if found.is_none_or(|found| found.group() != group) {
        let name = format!("{} {}/{} of group {group}", reference.kind, object.meta.namespace, reference.name);
        let message = format!("{name} does not exist");
        let hint = "create it; until then every connection is refused";
        let path = format!("{path}.name");
        verdict.ref_problems.push(Problem::new("BackendNotFound", Code::ExtensionNotFound, path, message, hint));
    }
    let message = "KafkaHeaderPolicy is not served yet";
    let hint = "remove the filter; until then every connection is refused";
    verdict.problems.push(Problem::unsupported(path, message, hint));
}

fn entry(filter: &str, acl: &KafkaAcl, index: usize, path: &str) -> Result<AclEntry, Problem> {
    if acl.resource_type != KafkaResourceType::Topic {
        let message = format!("ACLs of type {} are not served yet", acl.resource_type);
        return Err(Problem::unsupported(format!("{path}.type"), message, "use type Topic, or remove the entry"));
    }
    let pattern = match &acl.pattern {
        None => AclPattern::Literal("*".to_owned()),
        Some(pattern) => match pattern.pattern_type {
            KafkaPatternType::Literal => AclPattern::Literal(pattern.expression.clone()),
            KafkaPatternType::Prefix => AclPattern::Prefix(pattern.expression.clone()),
            KafkaPatternType::Regex => {
                check_regex(&pattern.expression)
                    .map_err(|why| regex_problem(format!("{path}.pattern.expression"), &pattern.expression, &why))?;
                AclPattern::Regex(pattern.expression.clone())
            }
        },
    };
    let operations: Vec<_> = acl.all_operations().into_iter().map(operation).collect();
    if operations.is_empty() {
        let message = "the entry names no operation";
        return Err(Problem::unsupported(path, message, "set topicOperation or operations"));
    }
    let name = acl.name.clone().unwrap_or_else(|| format!("acls[{index}]"));
    Ok(AclEntry {
        name: format!("{filter}/{name}"),
        resource: AclResource::Topic,
        pattern,
        operations,
        principals: acl.principals.clone(),
        action: match acl.action {
            KafkaAclAction::Allow => AclAction::Allow,
            KafkaAclAction::Deny => AclAction::Deny,
        },
    })
}

fn operation(operation: KafkaOperation) -> AclOperation {
    match operation {
        KafkaOperation::All => AclOperation::All,
        KafkaOperation::Read => AclOperation::Read,
        KafkaOperation::Write => AclOperation::Write,
        KafkaOperation::Create => AclOperation::Create,
        KafkaOperation::Delete => AclOperation::Delete,
        KafkaOperation::Alter => AclOperation::Alter,
        KafkaOperation::Describe => AclOperation::Describe,
        KafkaOperation::ClusterAction => AclOperation::ClusterAction,
        KafkaOperation::DescribeConfigs => AclOperation::DescribeConfigs,
        KafkaOperation::AlterConfigs => AclOperation::AlterConfigs,
        KafkaOperation::IdempotentWrite => AclOperation::IdempotentWrite,
        KafkaOperation::TwoPhaseCommit => AclOperation::TwoPhaseCommit,
    }
}
