//! GatewayClass, Gateway, ListenerSet, ReferenceGrant, BackendTLSPolicy.

use super::{Report, Validate, check_keys, experimental, is_subdomain};
use crate::Code;
use crate::gateway_api::{
    BackendTlsPolicySpec, FrontendTlsValidation, GatewayClassSpec, GatewaySpec, GatewaySpecAddress, Listener,
    ListenerFilterType, ListenerSetSpec, ReferenceGrantSpec, TlsMode,
};

impl Validate for GatewayClassSpec {}
impl Validate for ReferenceGrantSpec {}

impl Validate for GatewaySpec {
    fn check(&self, report: &mut Report) {
        listeners(&self.listeners, report);
        addresses(&self.addresses, report);
        if let Some(infrastructure) = &self.infrastructure {
            check_keys(&infrastructure.labels, "spec.infrastructure.labels", report);
            check_keys(&infrastructure.annotations, "spec.infrastructure.annotations", report);
        }
        if let Some(frontend) = self.tls.as_ref().and_then(|tls| tls.frontend.as_ref()) {
            let default = frontend.default.validation.as_ref();
            ca_certificate_refs(default, "spec.tls.frontend.default", report);
            for (i, port) in frontend.per_port.iter().enumerate() {
                let field = format!("spec.tls.frontend.perPort[{i}].tls");
                ca_certificate_refs(port.tls.validation.as_ref(), &field, report);
            }
            report.unique(
                Code::DuplicateName,
                frontend.per_port.iter().map(|port| port.port),
                |i| format!("spec.tls.frontend.perPort[{i}].port"),
                "Port for TLS configuration must be unique within the Gateway",
            );
        }
    }
}

impl Validate for ListenerSetSpec {
    fn check(&self, report: &mut Report) {
        listeners(&self.listeners, report);
    }
}

fn listeners(listeners: &[Listener], report: &mut Report) {
    for (i, listener) in listeners.iter().enumerate() {
        let field = format!("spec.listeners[{i}]");
        let protocol = listener.protocol.as_str();
        match (&listener.tls, protocol) {
            (Some(_), "HTTP" | "TCP" | "UDP") => report.add_hint(
                Code::ListenerTls,
                format!("{field}.tls"),
                "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
                if protocol == "HTTP" {
                    "remove tls, or use protocol HTTPS"
                } else {
                    "remove tls, or use protocol TLS"
                },
            ),
            (Some(tls), "HTTPS") if tls.mode != TlsMode::Terminate => report.add_hint(
                Code::ListenerTls,
                format!("{field}.tls.mode"),
                "tls mode must be Terminate for protocol HTTPS",
                "for Passthrough use protocol TLS",
            ),
            (None, "TLS") => report.add_hint(
                Code::ListenerTls,
                field.as_str(),
                "tls mode must be set for protocol TLS",
                "add tls.mode: Terminate or Passthrough",
            ),
            _ => {}
        }
        if let Some(tls) = &listener.tls
            && !matches!(protocol, "HTTP" | "TCP" | "UDP")
            && tls.mode == TlsMode::Terminate
            && tls.certificate_refs.is_empty()
            && tls.options.is_empty()
        {
            let message = "certificateRefs or options must be specified when mode is Terminate";
            report.add_hint(
                Code::ListenerTls,
                format!("{field}.tls"),
                message,
                "add certificateRefs: [{name: SECRET}]",
            );
        }
        if listener.hostname.is_some() && matches!(protocol, "TCP" | "UDP") {
            let message = "hostname must not be specified for protocols ['TCP', 'UDP']";
            report.add(Code::ListenerHostname, format!("{field}.hostname"), message);
        }
        listener_filters(listener, &field, report);
    }
    report.unique(
        Code::DuplicateName,
        listeners.iter().map(|listener| &listener.name),
        |i| format!("spec.listeners[{i}].name"),
        "Listener name must be unique within the Gateway",
    );
    report.unique(
        Code::ListenerConflict,
        listeners.iter().map(|listener| (listener.port, &listener.protocol, &listener.hostname)),
        |i| format!("spec.listeners[{i}]"),
        "Combination of port, protocol and hostname must be unique for each listener",
    );
}

fn listener_filters(listener: &Listener, field: &str, report: &mut Report) {
    let Some(filters) = &listener.filters else { return };
    if !matches!(listener.protocol.as_str(), "HTTP" | "HTTPS") {
        let message = "filters may only be set when protocol is HTTP or HTTPS";
        report.add(Code::FilterConflict, format!("{field}.filters"), message);
    }
    for (i, filter) in filters.requests.iter().enumerate() {
        let field = format!("{field}.filters.requests[{i}]");
        let members = [
            ("externalAuth", ListenerFilterType::ExternalAuth.as_str(), filter.external_auth.is_some()),
            ("extensionRef", ListenerFilterType::ExtensionRef.as_str(), filter.extension_ref.is_some()),
        ];
        report.union(&field, filter.filter_type.as_str(), &members, "filter.");
        if let Some(auth) = &filter.external_auth {
            super::http::external_auth(auth, &format!("{field}.externalAuth"), report);
        }
    }
}

fn addresses(addresses: &[GatewaySpecAddress], report: &mut Report) {
    for (i, address) in addresses.iter().enumerate() {
        let field = format!("spec.addresses[{i}]");
        if let Some(value) = &address.value {
            let host = value.strip_prefix("*.").unwrap_or(value);
            match address.address_type.as_str() {
                "IPAddress" if value.parse::<std::net::IpAddr>().is_err() => report.add(
                    Code::InvalidAddress,
                    format!("{field}.value"),
                    format!("{value:?} is not a valid IP address"),
                ),
                "Hostname" if !value.is_empty() && !is_subdomain(host) => report.add(
                    Code::InvalidAddress,
                    format!("{field}.value"),
                    "Hostname value must be empty or contain only valid characters",
                ),
                _ => {}
            }
        }
        if let Some(routability) = &address.routability
            && !routability.is_empty()
            && routability != "Cluster"
        {
            let (prefix, path) = routability.split_once('/').unwrap_or_default();
            if path.is_empty() || !is_subdomain(prefix) || prefix == "k8s.io" || prefix.ends_with(".k8s.io") {
                let message = "Routability must be empty, Cluster, or an implementation-specific prefixed path; k8s.io \
                               and its subdomains are reserved";
                report.add(Code::InvalidAddress, format!("{field}.routability"), message);
            }
        }
    }
    for (address_type, message) in
        [("IPAddress", "IPAddress values must be unique"), ("Hostname", "Hostname values must be unique")]
    {
        let mut seen: Vec<&String> = Vec::new();
        for (i, address) in addresses.iter().enumerate().filter(|(_, address)| address.address_type == address_type) {
            let Some(value) = &address.value else { continue };
            if seen.contains(&value) {
                report.add(Code::InvalidAddress, format!("spec.addresses[{i}].value"), message);
            }
            seen.push(value);
        }
    }
}

fn ca_certificate_refs(validation: Option<&FrontendTlsValidation>, field: &str, report: &mut Report) {
    for (i, reference) in validation.into_iter().flat_map(|v| &v.ca_certificate_refs).enumerate() {
        let bundle = reference.group == "certificates.k8s.io" && reference.kind == "ClusterTrustBundle";
        if bundle && reference.namespace.is_some() {
            let message = "ClusterTrustBundle references must not specify namespace";
            let field = format!("{field}.validation.caCertificateRefs[{i}].namespace");
            report.add(Code::AmbiguousParent, field, message);
        }
    }
}

impl Validate for BackendTlsPolicySpec {
    fn check(&self, report: &mut Report) {
        for (i, target) in self.target_refs.iter().enumerate() {
            let field = || format!("spec.targetRefs[{i}]");
            let mut same = self.target_refs[..i]
                .iter()
                .filter(|other| (&other.group, &other.kind, &other.name) == (&target.group, &target.kind, &target.name))
                .peekable();
            if same.peek().is_none() {
                continue;
            }
            if same.clone().any(|other| other.section_name.is_some() != target.section_name.is_some()) {
                let message =
                    "sectionName must be specified when targetRefs includes 2 or more references to the same target";
                report.add(Code::AmbiguousParent, field(), message);
            } else if same.any(|other| other.section_name == target.section_name) {
                let message =
                    "sectionName must be unique when targetRefs includes 2 or more references to the same target";
                report.add(Code::AmbiguousParent, field(), message);
            }
        }
        experimental::tls_validation(&self.validation, "spec.validation", report);
    }
}
