//! Core kinds, Backend and Envoy Gateway's kinds.

use super::{Report, Validate, bracket};
use crate::kubernetes::{
    ClusterTrustBundleSpec, ConfigMapBody, EndpointAddressType, EndpointSliceBody, NamespaceBody, SecretBody,
    ServiceSpec, ServiceType,
};
use crate::{
    BackendSpec, BackendType, ClientTrafficPolicySpec, Code, EnvoyProxySpec, GatewayParametersSpec, ProxyServiceType,
    SecurityPolicySpec,
};
use regex::Regex;
use std::net::IpAddr;
use std::sync::LazyLock;

impl Validate for NamespaceBody {}
impl Validate for ClusterTrustBundleSpec {}
impl Validate for EnvoyProxySpec {}

impl Validate for GatewayParametersSpec {
    fn check(&self, report: &mut Report) {
        let Some(service) = &self.service else { return };
        let field = |i, name| format!("spec.service.nodePorts[{i}].{name}");
        let message = "a port stands at most once in nodePorts";
        let ports = service.node_ports.iter().map(|port| port.port);
        report.unique(Code::DuplicateName, ports, |i| field(i, "port"), message);
        let of_nodes = service.node_ports.iter().map(|port| port.node_port);
        report.unique(
            Code::DuplicateName,
            of_nodes,
            |i| field(i, "nodePort"),
            "two ports cannot have one port of the nodes",
        );
        if service.service_type == Some(ProxyServiceType::ClusterIp) && !service.node_ports.is_empty() {
            let message = "a Service of type ClusterIP has no ports of nodes";
            report.add(Code::UnionMember, "spec.service.nodePorts", message);
        }
    }
}

impl Validate for SecurityPolicySpec {}
impl Validate for ClientTrafficPolicySpec {}

impl Validate for ServiceSpec {
    fn check(&self, report: &mut Report) {
        if self.service_type == ServiceType::ExternalName {
            if self.external_name.is_none() {
                report.add(Code::MissingField, "spec.externalName", "required for Services of type ExternalName");
            }
        } else if self.ports.is_empty() && self.cluster_ip.as_deref() != Some("None") {
            report.add(Code::MissingField, "spec.ports", "a Service needs at least one port, unless it is headless");
        }
        for (i, port) in self.ports.iter().enumerate() {
            if self.ports.len() > 1 && port.name.is_none() {
                let message = "ports must have names when there are several";
                report.add(Code::MissingField, format!("spec.ports[{i}].name"), message);
            }
        }
        let names =
            self.ports.iter().enumerate().map(|(i, port)| (port.name.as_deref(), port.name.is_none().then_some(i)));
        let message = "port names must be unique within the Service";
        report.unique(Code::DuplicateName, names, |i| format!("spec.ports[{i}].name"), message);
        let numbers = self.ports.iter().map(|port| (port.port, port.protocol));
        let message = "the combination of port and protocol must be unique within the Service";
        report.unique(Code::DuplicateName, numbers, |i| format!("spec.ports[{i}].port"), message);
    }
}

impl Validate for EndpointSliceBody {
    /// Loopback and link-local addresses, which an API server refuses, are allowed: a folder has its own machine only.
    fn check(&self, report: &mut Report) {
        for (i, endpoint) in self.endpoints.iter().enumerate() {
            for (j, address) in endpoint.addresses.iter().enumerate() {
                let parsed = address.parse::<IpAddr>();
                let valid = match self.address_type {
                    EndpointAddressType::Ipv4 => parsed.is_ok_and(|ip| ip.is_ipv4()),
                    EndpointAddressType::Ipv6 => parsed.is_ok_and(|ip| ip.is_ipv6()),
                    EndpointAddressType::Fqdn => super::is_subdomain(address),
                };
                if !valid {
                    let message = format!("{address:?} is not an address of type {}", self.address_type);
                    report.add(Code::InvalidAddress, format!("endpoints[{i}].addresses[{j}]"), message);
                }
            }
        }
        let names = self.ports.iter().map(|port| port.name.as_deref().unwrap_or_default());
        report.unique(
            Code::DuplicateName,
            names,
            |i| format!("ports[{i}]"),
            "port names must be unique within the slice",
        );
    }
}

static DATA_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[-._a-zA-Z0-9]+$").ok());

fn data_keys<'a>(keys: impl Iterator<Item = &'a String>, field: &str, report: &mut Report) {
    for key in keys.filter(|key| key.len() > 253 || !super::is(&DATA_KEY, key)) {
        let message = "the key must consist of letters, digits, '-', '_' and '.'";
        report.add(Code::InvalidKey, format!("{field}{}", bracket(key)), message);
    }
}

impl Validate for SecretBody {
    fn check(&self, report: &mut Report) {
        data_keys(self.data.keys(), "data", report);
        data_keys(self.string_data.keys(), "stringData", report);
        if self.secret_type == "kubernetes.io/tls" {
            for key in ["tls.crt", "tls.key"] {
                if !self.data.contains_key(key) && !self.string_data.contains_key(key) {
                    let message = "required for Secrets of type kubernetes.io/tls";
                    report.add(Code::MissingField, format!("data{}", bracket(key)), message);
                }
            }
        }
    }

    fn complete(&mut self) {
        self.merge_string_data();
    }
}

impl Validate for ConfigMapBody {
    fn check(&self, report: &mut Report) {
        data_keys(self.data.keys(), "data", report);
        data_keys(self.binary_data.keys(), "binaryData", report);
        for key in self.binary_data.keys().filter(|key| self.data.contains_key(*key)) {
            report.add(Code::DuplicateName, format!("binaryData{}", bracket(key)), "the key stands in data too");
        }
    }
}

impl Validate for BackendSpec {
    fn check(&self, report: &mut Report) {
        let dynamic = self.backend_type == Some(BackendType::DynamicResolver);
        if dynamic && !self.endpoints.is_empty() {
            let message = "DynamicResolver type cannot have endpoints specified";
            report.add(Code::UnionMember, "spec.endpoints", message);
        }
        if !dynamic && self.endpoints.is_empty() {
            report.add(Code::MissingField, "spec.endpoints", "at least one endpoint is required");
        }
        for (i, endpoint) in self.endpoints.iter().enumerate() {
            let set = [endpoint.fqdn.is_some(), endpoint.ip.is_some(), endpoint.unix.is_some()];
            if set.iter().filter(|set| **set).count() != 1 {
                let message = "exactly one of fqdn, ip or unix must be specified";
                report.add(Code::UnionMember, format!("spec.endpoints[{i}]"), message);
            }
            let host = endpoint.fqdn.as_ref().map(|fqdn| fqdn.hostname.as_str()).unwrap_or_default();
            if host.parse::<IpAddr>().is_ok() {
                let field = format!("spec.endpoints[{i}].fqdn.hostname");
                let message = format!("{host} is an IP address, not a name");
                report.add_hint(Code::InvalidHostname, field, message, "use ip: {address, port}");
            }
        }
    }
}
