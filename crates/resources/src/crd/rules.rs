//! The rules of [`crate::rules`] for an API server, as CEL: with the same messages where these name no value.
//!
//! CEL does not have those that compare each broker of a mapping with each other one: a list of 1024 makes them too dear for an API
//! server. The controller finds these, and says so in the route's status.

use crate::Kind;
use crate::kafka::{KafkaOperation, KafkaResourceType, KafkaRouteFilterType};
use serde_json::{Value, json};

/// Adds the rules of a kind to the schema of its objects.
pub(super) fn add(kind: Kind, root: &mut Value) {
    match kind {
        Kind::KafkaRoute => kafka_route(root),
        Kind::KafkaHeaderPolicy => kafka_header_policy(root),
        Kind::Backend => backend(root),
        Kind::GatewayParameters => gateway_parameters(root),
        _ => {}
    }
}

/// The schema at a path such as `spec.filters[].name`.
fn at<'a>(root: &'a mut Value, path: &str) -> &'a mut Value {
    let mut schema = root;
    for part in path.split('.') {
        let name = part.trim_end_matches("[]");
        schema = &mut schema["properties"][name];
        for _ in 0..(part.len() - name.len()) / 2 {
            schema = &mut schema["items"];
        }
    }
    schema
}

fn rule(root: &mut Value, path: &str, rule: &str, message: &str) {
    let schema = at(root, path);
    let rule = json!({ "rule": rule, "message": message });
    match schema["x-kubernetes-validations"].as_array_mut() {
        Some(rules) => rules.push(rule),
        None => schema["x-kubernetes-validations"] = json!([rule]),
    }
}

fn map_by(root: &mut Value, path: &str, key: &str) {
    let schema = at(root, path);
    schema["x-kubernetes-list-type"] = "map".into();
    schema["x-kubernetes-list-map-keys"] = json!([key]);
}

const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// The namespaces of two parents `a` and `b` are the same.
const SAME_PARENT: &str = "a.group == b.group && a.kind == b.kind && a.name == b.name && \
    (has(a.__namespace__) ? a.__namespace__ : '') == (has(b.__namespace__) ? b.__namespace__ : '')";

fn kafka_route(root: &mut Value) {
    let parents = "spec.parentRefs";
    rule(
        root,
        parents,
        &format!(
            "self.all(a, self.all(b, ({SAME_PARENT}) ? has(a.sectionName) == has(b.sectionName) && has(a.port) == has(b.port) : true))"
        ),
        "sectionName or port must be specified when parentRefs includes 2 or more references to the same parent",
    );
    rule(
        root,
        parents,
        &format!(
            "self.all(a, self.exists_one(b, {SAME_PARENT} && \
             (has(a.sectionName) ? a.sectionName : '') == (has(b.sectionName) ? b.sectionName : '') && \
             (has(a.port) ? a.port : 0) == (has(b.port) ? b.port : 0)))"
        ),
        "sectionName or port must be unique when parentRefs includes 2 or more references to the same parent",
    );
    for path in ["spec.hostname", "spec.brokerMapping.brokers[].hostname"] {
        rule(root, path, "!isIP(self)", "an IP address has no server name; a DNS name or label is needed");
        let message = "a label has more than 63 characters, which DNS does not allow";
        rule(root, path, "self.split('.').all(label, size(label) <= 63)", message);
    }
    for path in ["spec.backendRefs[]", "spec.brokerMapping.brokers[].backendRef"] {
        let service = "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true";
        rule(root, path, service, "Must have port for Service reference");
        let backend =
            "(self.group == 'gateway.networking.x-k8s.io' && self.kind == 'XBackend') ? !has(self.port) : true";
        rule(root, path, backend, "Must not have port for Backend reference");
    }
    broker_mapping(root);
    filters(root);
    acls(root);
    map_by(root, "status.parents[].conditions", "type");
}

fn broker_mapping(root: &mut Value) {
    let message = "the pattern must contain {brokerId}, or all brokers would have one name";
    rule(root, "spec.brokerMapping.hostname", "self.contains('{brokerId}')", message);
    let name = |id: &str| {
        format!("self.brokerMapping.hostname.replace('{{hostname}}', self.hostname).replace('{{brokerId}}', '{id}')")
    };
    let valid = format!(
        "!has(self.brokerMapping) || [{}].all(name, size(name) <= 253 && name.matches('{SUBDOMAIN}') && !isIP(name) && \
         name.split('.').all(label, size(label) <= 63))",
        name("0")
    );
    rule(root, "spec", &valid, "broker 0 would have a name that is no hostname");
    let short = format!("!has(self.brokerMapping) || size({}) <= 253", name("2147483647"));
    rule(root, "spec", &short, "broker names would be longer than 253 characters");
    let own = "!has(self.brokerMapping) || !has(self.brokerMapping.brokers) || \
               self.brokerMapping.brokers.all(broker, !has(broker.hostname) || broker.hostname != self.hostname)";
    rule(root, "spec", own, "a broker cannot have the route's own hostname, which is the bootstrap name");
    map_by(root, "spec.brokerMapping.brokers", "id");
    let message = "at least one of hostname and backendRef must be set";
    rule(root, "spec.brokerMapping.brokers[]", "has(self.hostname) || has(self.backendRef)", message);
    rule(root, "spec.brokerMapping.ports", "self.first + self.count <= 65536", "the ports pass port 65535");
}

fn filters(root: &mut Value) {
    let unique = "self.all(a, !has(a.name) || self.exists_one(b, has(b.name) && a.name == b.name))";
    rule(root, "spec.filters", unique, "filter names must be unique within the route");
    let overlap = |side: &str| {
        format!(
            "self.all(a, !has(a.topicMapping) || self.exists_one(b, has(b.topicMapping) && \
             a.topicMapping.type == b.topicMapping.type && (a.topicMapping.type == 'Exact' \
             ? a.topicMapping.{side} == b.topicMapping.{side} \
             : a.topicMapping.{side}.startsWith(b.topicMapping.{side}) || b.topicMapping.{side}.startsWith(a.topicMapping.{side}))))"
        )
    };
    rule(root, "spec.filters", &overlap("client"), "a name of clients is claimed by two topic mappings");
    rule(root, "spec.filters", &overlap("broker"), "a name of brokers is claimed by two topic mappings");
    for filter in KafkaRouteFilterType::ALL {
        let member = match filter {
            KafkaRouteFilterType::TopicMapping => "topicMapping",
            KafkaRouteFilterType::Acls => "acls",
            KafkaRouteFilterType::Quota => "quota",
            KafkaRouteFilterType::ExtensionRef => "extensionRef",
        };
        let needed = format!("self.type != '{filter}' || has(self.{member})");
        rule(root, "spec.filters[]", &needed, &format!("filter.{member} must be specified for {filter} filter.type"));
        let alone = format!("!has(self.{member}) || self.type == '{filter}'");
        rule(
            root,
            "spec.filters[]",
            &alone,
            &format!("filter.{member} must be nil if the filter.type is not {filter}"),
        );
    }
    let named = "self.type != 'Exact' || !(self.client in ['.', '..'] || self.broker in ['.', '..'])";
    rule(root, "spec.filters[].topicMapping", named, "'.' and '..' are no topic names in Kafka");
    let any = "has(self.produce) || has(self.fetch) || has(self.requests)";
    rule(root, "spec.filters[].quota", any, "at least one of produce, fetch and requests must be set");
}

fn acls(root: &mut Value) {
    let path = "spec.filters[].acls[]";
    for resource in KafkaResourceType::ALL {
        let member = resource.operation_member();
        let message = format!("{member} goes with type {resource} only");
        rule(root, path, &format!("!has(self.{member}) || self.type == '{resource}'"), &message);
        let words: Vec<&str> = resource.operations().iter().copied().map(KafkaOperation::as_str).collect();
        let known = format!("['{}']", words.join("', '"));
        let allowed = format!(
            "self.type != '{resource}' || ((!has(self.{member}) || self.{member} in {known}) && \
             (!has(self.operations) || self.operations.all(operation, operation in {known})))"
        );
        rule(root, path, &allowed, &format!("the operations on {resource} are {}", words.join(", ")));
    }
    let members: Vec<String> =
        KafkaResourceType::ALL.iter().map(|resource| format!("has(self.{})", resource.operation_member())).collect();
    let some = format!("{} || (has(self.operations) && size(self.operations) > 0)", members.join(" || "));
    rule(root, path, &some, "at least one operation is needed");
    // Whether it matches is none of our business here: evaluation fails if it is no regular expression.
    let regex = "self.type != 'REGEX' || (''.matches(self.expression) ? true : true)";
    rule(root, "spec.filters[].acls[].pattern", regex, "the expression is no regular expression");
    at(root, "spec.filters[].acls[].principals[]")["pattern"] = r"^[^:]+:[\s\S]+$".into();
}

fn kafka_header_policy(root: &mut Value) {
    let one = |name: &str| json!({ "required": [name], "properties": { name: { "minProperties": 1, "minItems": 1 } } });
    let removed = json!({ "required": ["remove"], "properties": { "remove": { "minItems": 1 } } });
    // CEL knows nothing of fields that are either a map or a list.
    at(root, "spec")["anyOf"] = json!([one("add"), one("set"), removed]);
}

fn backend(root: &mut Value) {
    let dynamic = "has(self.type) && self.type == 'DynamicResolver'";
    let some = "has(self.endpoints) && size(self.endpoints) > 0";
    rule(root, "spec", &format!("!({dynamic}) || !({some})"), "DynamicResolver type cannot have endpoints specified");
    rule(root, "spec", &format!("({dynamic}) || ({some})"), "at least one endpoint is required");
    let message = "exactly one of fqdn, ip or unix must be specified";
    rule(root, "spec.endpoints[]", "[has(self.fqdn), has(self.ip), has(self.unix)].exists_one(set, set)", message);
    rule(root, "spec.endpoints[].fqdn.hostname", "!isIP(self)", "an IP address is not a name; use ip: {address, port}");
    map_by(root, "status.conditions", "type");
}

fn gateway_parameters(root: &mut Value) {
    map_by(root, "spec.service.nodePorts", "port");
    let unique = "self.all(a, self.exists_one(b, a.nodePort == b.nodePort))";
    rule(root, "spec.service.nodePorts", unique, "two ports cannot have one port of the nodes");
    let inside = "!has(self.type) || self.type != 'ClusterIP' || !has(self.nodePorts) || size(self.nodePorts) == 0";
    rule(root, "spec.service", inside, "a Service of type ClusterIP has no ports of nodes");
}
