//! What all routes have in common; TLSRoute, TCPRoute, UDPRoute, GRPCRoute.

use super::{Report, Validate, http, is_subdomain};
use crate::Code;
use crate::gateway_api::{
    BackendObjectReference, BackendRef, GrpcMethodMatch, GrpcRouteFilter, GrpcRouteFilterType, GrpcRouteSpec,
    MatchType, ParentReference, StreamRouteRule, TcpRouteSpec, TlsRouteSpec, UdpRouteSpec,
};
use regex::Regex;
use std::sync::LazyLock;

/// Several references to one parent must all tell which part they mean, and mean different ones.
pub(super) fn parent_refs(parents: &[ParentReference], report: &mut Report) {
    for (i, parent) in parents.iter().enumerate() {
        let target = |p: &ParentReference| (p.group.clone(), p.kind.clone(), p.name.clone(), p.namespace.clone());
        let field = || format!("spec.parentRefs[{i}]");
        let same: Vec<_> = parents[..i].iter().filter(|other| target(other) == target(parent)).collect();
        let differently = |other: &&ParentReference| {
            other.section_name.is_some() != parent.section_name.is_some()
                || other.port.is_some() != parent.port.is_some()
        };
        if same.iter().any(differently) {
            let message = "sectionName or port must be specified when parentRefs includes 2 or more references to the same parent";
            report.add(Code::AmbiguousParent, field(), message);
        } else if same.iter().any(|other| (&other.section_name, other.port) == (&parent.section_name, parent.port)) {
            let message =
                "sectionName or port must be unique when parentRefs includes 2 or more references to the same parent";
            report.add(Code::AmbiguousParent, field(), message);
        }
    }
}

/// A Service needs a port, an XBackend has its own.
pub(super) fn backend(backend: &BackendObjectReference, field: &str, report: &mut Report) {
    if backend.group.is_empty() && backend.kind == "Service" && backend.port.is_none() {
        let hint = format!("add the port of Service {}", backend.name);
        report.add_hint(Code::MissingPort, field, "Must have port for Service reference", hint);
    }
    if backend.group == "gateway.networking.x-k8s.io" && backend.kind == "XBackend" && backend.port.is_some() {
        let message = "Must not have port for Backend reference";
        report.add(Code::BackendPort, format!("{field}.port"), message);
    }
}

fn backends<'a>(backends: impl IntoIterator<Item = &'a BackendRef>, field: &str, report: &mut Report) {
    for (i, reference) in backends.into_iter().enumerate() {
        backend(&reference.object, &format!("{field}.backendRefs[{i}]"), report);
    }
}

fn stream_rules(rules: &[StreamRouteRule], report: &mut Report) {
    for (i, rule) in rules.iter().enumerate() {
        backends(&rule.backend_refs, &format!("spec.rules[{i}]"), report);
    }
}

/// No IP addresses, `*` as the first label only: the text of `Hostname` for all kinds, a rule of the CRD for TLSRoute.
pub(super) fn hostnames(hostnames: &[String], report: &mut Report) {
    for (i, hostname) in hostnames.iter().enumerate() {
        let field = || format!("spec.hostnames[{i}]");
        if hostname.parse::<std::net::IpAddr>().is_ok() {
            report.add(Code::InvalidHostname, field(), "Hostnames cannot contain an IP");
        } else if !is_subdomain(hostname.strip_prefix("*.").unwrap_or(hostname)) {
            report.add(Code::InvalidHostname, field(), "Hostnames must be valid based on RFC-1123");
        }
    }
}

impl Validate for TlsRouteSpec {
    fn check(&self, report: &mut Report) {
        parent_refs(&self.parent_refs, report);
        hostnames(&self.hostnames, report);
        stream_rules(&self.rules, report);
    }
}

impl Validate for TcpRouteSpec {
    fn check(&self, report: &mut Report) {
        parent_refs(&self.parent_refs, report);
        stream_rules(&self.rules, report);
    }
}

impl Validate for UdpRouteSpec {
    fn check(&self, report: &mut Report) {
        parent_refs(&self.parent_refs, report);
        stream_rules(&self.rules, report);
    }
}

impl Validate for GrpcRouteSpec {
    fn check(&self, report: &mut Report) {
        parent_refs(&self.parent_refs, report);
        let names = self.rules.iter().map(|rule| rule.name.as_deref());
        http::rule_names(names, self.rules.iter().map(|rule| rule.matches.len()).sum(), report);
        for (i, rule) in self.rules.iter().enumerate() {
            let field = format!("spec.rules[{i}]");
            for (j, matching) in rule.matches.iter().enumerate() {
                let field = format!("{field}.matches[{j}]");
                if let Some(method) = &matching.method {
                    grpc_method(method, &format!("{field}.method"), report);
                }
                let names = matching.headers.iter().map(|header| &header.name);
                report.unique(
                    Code::DuplicateName,
                    names,
                    |k| format!("{field}.headers[{k}].name"),
                    http::DUPLICATE_NAME,
                );
            }
            grpc_filters(&rule.filters, &format!("{field}.filters"), report);
            for (j, reference) in rule.backend_refs.iter().enumerate() {
                let field = format!("{field}.backendRefs[{j}]");
                backend(&reference.backend.object, &field, report);
                grpc_filters(&reference.filters, &format!("{field}.filters"), report);
            }
            if let Some(session) = &rule.session_persistence {
                http::session_persistence(session, &format!("{field}.sessionPersistence"), report);
            }
        }
    }
}

static GRPC_SERVICE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?i)\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$").ok());
static GRPC_METHOD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[A-Za-z_][A-Za-z_0-9]*$").ok());

fn grpc_method(method: &GrpcMethodMatch, field: &str, report: &mut Report) {
    if method.service.is_none() && method.method.is_none() {
        report.add(Code::UnionMember, field, "One or both of 'service' or 'method' must be specified");
    }
    if method.match_type == MatchType::Exact {
        for (name, value, pattern) in
            [("service", &method.service, &GRPC_SERVICE), ("method", &method.method, &GRPC_METHOD)]
        {
            if let Some(value) = value.as_deref().filter(|value| !super::is(pattern, value)) {
                let message = format!("{name} must only contain valid characters, found {value:?}");
                report.add(Code::BadFormat, format!("{field}.{name}"), message);
            }
        }
    }
}

fn grpc_filters(filters: &[GrpcRouteFilter], field: &str, report: &mut Report) {
    use GrpcRouteFilterType as Type;
    http::repeated(
        filters.iter().map(|filter| filter.filter_type.as_str()),
        &[Type::RequestHeaderModifier.as_str(), Type::ResponseHeaderModifier.as_str()],
        field,
        report,
    );
    for (i, filter) in filters.iter().enumerate() {
        let field = format!("{field}[{i}]");
        let members = [
            ("requestHeaderModifier", Type::RequestHeaderModifier.as_str(), filter.request_header_modifier.is_some()),
            (
                "responseHeaderModifier",
                Type::ResponseHeaderModifier.as_str(),
                filter.response_header_modifier.is_some(),
            ),
            ("requestMirror", Type::RequestMirror.as_str(), filter.request_mirror.is_some()),
            ("extensionRef", Type::ExtensionRef.as_str(), filter.extension_ref.is_some()),
        ];
        report.union(&field, filter.filter_type.as_str(), &members, "filter.");
        http::header_filter(filter.request_header_modifier.as_ref(), &field, "requestHeaderModifier", report);
        http::header_filter(filter.response_header_modifier.as_ref(), &field, "responseHeaderModifier", report);
        if let Some(mirror) = &filter.request_mirror {
            http::mirror(mirror, &format!("{field}.requestMirror"), report);
        }
    }
}
