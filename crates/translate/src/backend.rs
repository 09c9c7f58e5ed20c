//! Backends: which object a backendRef means, whether it may be used, its endpoints.

use crate::backend_tls::{Policies, Policy};
use crate::findings::{Problem, closest};
use crate::gateway::GatewayState;
use crate::index::{Index, Slices, Target, object_name};
use crate::{traffic, xbackend};
use resources::Code;
use resources::gateway_api::{BackendObjectReference, BackendRef};
use resources::kubernetes::{EndpointAddressType, ServicePort, ServiceType, TransportProtocol};
use resources::{AppProtocol as BackendProtocol, Backend, BackendType, EndpointSlice, Kind, Service};
use snapshot::{AppProtocol, BackendKey, BackendKind, Endpoint, EndpointAddress, ObjectName};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What a route does with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// HTTP: the protocol of the backend matters.
    Http,
    /// Bytes whose TLS, if any, begins here.
    Stream,
    /// TLS of the client, as it is: policies for TLS do not apply.
    Passthrough,
    /// Datagrams.
    Datagram,
}

/// A backendRef, whichever of the API's types it came in.
#[derive(Clone, Copy)]
pub(crate) struct Reference<'r> {
    group: &'r str,
    kind: &'r str,
    namespace: Option<&'r str>,
    name: &'r str,
    port: Option<u16>,
}

impl<'r> From<&'r BackendRef> for Reference<'r> {
    fn from(r: &'r BackendRef) -> Self {
        (&r.object).into()
    }
}

impl<'r> From<&'r BackendObjectReference> for Reference<'r> {
    fn from(r: &'r BackendObjectReference) -> Self {
        Self { group: &r.group, kind: &r.kind, namespace: r.namespace.as_deref(), name: &r.name, port: r.port }
    }
}

/// All backends that routes reach, with the Gateways through which they do.
pub(crate) struct Backends<'a> {
    index: &'a Index<'a>,
    slices: &'a Slices<'a>,
    policies: &'a Policies,
    traffic: &'a traffic::Policies,
    x_backends: &'a xbackend::States,
    allow_external_name: bool,
    /// Gateways that reach a backend, and of them those that may begin TLS to it.
    reached: BTreeMap<BackendKey, Reach>,
}

#[derive(Default)]
struct Reach {
    tls_from: BTreeSet<ObjectName>,
}

impl<'a> Backends<'a> {
    pub(crate) fn new(
        index: &'a Index<'a>,
        slices: &'a Slices<'a>,
        policies: &'a Policies,
        traffic: &'a traffic::Policies,
        x_backends: &'a xbackend::States,
        allow_external_name: bool,
    ) -> Self {
        Self { index, slices, policies, traffic, x_backends, allow_external_name, reached: BTreeMap::new() }
    }

    /// The backend that `reference`, written in an object of kind `from`, means; and remarks on it.
    pub(crate) fn resolve(
        &self,
        from: Kind,
        namespace: &str,
        reference: Reference<'_>,
        path: &str,
        usage: Use,
    ) -> Result<(BackendKey, Vec<Problem>), Problem> {
        let Reference { group, kind, name, port, .. } = reference;
        let target = Target { group, kind, namespace: reference.namespace.unwrap_or(namespace), name };
        let found = match Kind::find_in_group(group, kind) {
            Some(found @ (Kind::Service | Kind::Backend | Kind::XBackend)) => found,
            _ => {
                let message = format!("kind {kind} of group {group:?} cannot be a backend");
                let (path, hint) = (format!("{path}.kind"), "name a Service, an XBackend or a Backend");
                return Err(Problem::new("InvalidKind", Code::InvalidKind, path, message, hint));
            }
        };
        if !self.index.permitted(from, namespace, &target) {
            let message =
                format!("{kind} {}/{name} is in another namespace, which does not permit it", target.namespace);
            let hint = target.grant_hint(from, namespace);
            return Err(Problem::new("RefNotPermitted", Code::RefNotPermitted, path, message, hint));
        }
        // The names of the object itself, if it is there: thousands of routes share them.
        let meta = match found {
            Kind::Service => self.index.resources().get::<Service>(target.namespace, name).map(|found| &found.meta),
            _ => self.index.resources().get::<Backend>(target.namespace, name).map(|found| &found.meta),
        };
        let object = meta.map_or_else(|| ObjectName::new(target.namespace, name), object_name);
        match found {
            Kind::Service => self.service(object, port, path, usage),
            Kind::XBackend => self.x_backend(object, path, usage),
            _ => self.backend(object, group, path),
        }
    }

    fn not_found<T>(&self, path: String, message: String, hint: String) -> Result<T, Problem> {
        Err(Problem::new("BackendNotFound", Code::BackendNotFound, path, message, hint))
    }

    fn service(
        &self,
        name: ObjectName,
        port: Option<u16>,
        path: &str,
        usage: Use,
    ) -> Result<(BackendKey, Vec<Problem>), Problem> {
        let Some(service) = self.index.resources().get::<Service>(&name.namespace, &name.name) else {
            let known = self.index.resources().services.keys();
            let near = known.filter(|known| *known.namespace == *name.namespace).map(|known| &*known.name);
            let hint = closest(&name.name, near).map_or_else(|| "create it".into(), |n| format!("did you mean {n}?"));
            return self.not_found(format!("{path}.name"), format!("Service {name} does not exist"), hint);
        };
        let Some(port) = port else {
            let message = "a Service needs a port".to_owned();
            return self.not_found(format!("{path}.port"), message, "set port".to_owned());
        };
        if service.spec.service_type == ServiceType::ExternalName && !self.allow_external_name {
            let message = format!("Service {name} is of type ExternalName, which is refused");
            let hint = "use a Backend with an fqdn endpoint";
            return Err(Problem::new("InvalidKind", Code::InvalidKind, format!("{path}.name"), message, hint));
        }
        let kind = if usage == Use::Datagram { BackendKind::UdpService } else { BackendKind::Service };
        let Some(service_port) = find_port(service, kind, port) else {
            if let Some(other) = service.spec.ports.iter().find(|p| p.port == port) {
                let message = format!("port {port} of Service {name} is {}", other.protocol);
                let hint = if usage == Use::Datagram { "name a UDP port" } else { "name a TCP port" };
                let (reason, code) = ("UnsupportedProtocol", Code::UnsupportedProtocol);
                return Err(Problem::new(reason, code, format!("{path}.port"), message, hint));
            }
            let ports: Vec<_> = service.spec.ports.iter().map(|p| p.port.to_string()).collect();
            let hint = format!("its ports: {}", ports.join(", "));
            return self.not_found(format!("{path}.port"), format!("Service {name} has no port {port}"), hint);
        };
        if usage == Use::Http {
            self.check_protocol(&name, service_port, path)?;
        }
        let key = BackendKey { kind, name, port };
        let mut remarks = Vec::new();
        if self.service_endpoints(service, service_port).is_empty() {
            let message = format!("no endpoint of {key} is ready");
            let hint = "add an EndpointSlice with the label kubernetes.io/service-name, or start the pods";
            remarks.push(Problem::new("NoEndpoints", Code::NoEndpoints, path, message, hint).warning());
        }
        Ok((key, remarks))
    }

    fn check_protocol(&self, name: &ObjectName, port: &ServicePort, path: &str) -> Result<(), Problem> {
        let unsupported = |message: String, hint: &str| {
            let (reason, code) = ("UnsupportedProtocol", Code::UnsupportedProtocol);
            Err(Problem::new(reason, code, format!("{path}.port"), message, hint))
        };
        let Some(written) = port.app_protocol.as_deref() else { return Ok(()) };
        match app_protocol(written) {
            None => {
                let message = format!("appProtocol {written} of Service {name} is not served");
                unsupported(message, "use kubernetes.io/h2c, kubernetes.io/ws, kubernetes.io/wss, http or https")
            }
            Some(AppProtocol::Https) if self.policies.of_service(name, port.name.as_deref()).is_none() => {
                let message = format!("appProtocol {written} of Service {name} needs a BackendTLSPolicy");
                unsupported(message, "add a BackendTLSPolicy that targets the Service")
            }
            Some(_) => Ok(()),
        }
    }

    fn backend(&self, name: ObjectName, group: &str, path: &str) -> Result<(BackendKey, Vec<Problem>), Problem> {
        let found = self.index.resources().get::<Backend>(&name.namespace, &name.name);
        let Some(backend) = found.filter(|found| found.group() == group) else {
            let message = format!("Backend {name} of group {group} does not exist");
            return self.not_found(format!("{path}.name"), message, "create it".to_owned());
        };
        if let Some(problem) = unserved_backend(&name, backend, path) {
            return Err(problem);
        }
        Ok((BackendKey { kind: BackendKind::Backend, name, port: 0 }, Vec::new()))
    }

    /// One that cannot be served is reached all the same, and says why itself.
    fn x_backend(&self, name: ObjectName, path: &str, usage: Use) -> Result<(BackendKey, Vec<Problem>), Problem> {
        let Some((name, state)) = self.x_backends.get_key_value(&name) else {
            let message = format!("XBackend {name} does not exist");
            return self.not_found(format!("{path}.name"), message, "create it".to_owned());
        };
        if usage == Use::Datagram {
            let message = format!("XBackend {name} is no backend of a UDPRoute");
            let (reason, code) = ("UnsupportedProtocol", Code::UnsupportedProtocol);
            return Err(Problem::new(reason, code, format!("{path}.kind"), message, "name a Service"));
        }
        let key = BackendKey { kind: BackendKind::XBackend, name: name.clone(), port: 0 };
        let mut remarks = Vec::new();
        if let Some(why) = state.unserved() {
            let message = format!("{key} cannot be served: {why}");
            let remark = Problem::new("UnsupportedValue", Code::UnsupportedValue, path, message, "mend the XBackend");
            remarks.push(remark.warning());
        } else if state.endpoints.is_empty() {
            let message = format!("no endpoint of {key} is ready");
            let hint = "start Pods with its labels, and a Service with the same selector";
            remarks.push(Problem::new("NoEndpoints", Code::NoEndpoints, path, message, hint).warning());
        }
        Ok((key, remarks))
    }

    /// Notes that a Gateway reaches a backend.
    pub(crate) fn reach(&mut self, key: &BackendKey, gateway: &ObjectName, usage: Use) {
        let reach = self.reached.entry(key.clone()).or_default();
        if !matches!(usage, Use::Passthrough | Use::Datagram) {
            reach.tls_from.insert(gateway.clone());
        }
    }

    /// Whether a Gateway may begin TLS to some backend.
    pub(crate) fn reached_by(&self, gateway: &ObjectName) -> bool {
        self.reached.values().any(|reach| reach.tls_from.contains(gateway))
    }

    /// Gateways that may begin TLS, by backend.
    pub(crate) fn tls_reaches(&self) -> impl Iterator<Item = (&BackendKey, &BTreeSet<ObjectName>)> {
        self.reached.iter().map(|(key, reach)| (key, &reach.tls_from))
    }

    /// Name of the Service port of a backend.
    pub(crate) fn port_name(&self, key: &BackendKey) -> Option<&str> {
        let service = self.index.resources().get::<Service>(&key.name.namespace, &key.name.name)?;
        find_port(service, key.kind, key.port)?.name.as_deref()
    }

    /// The objects and endpoints, for what routes may know beside them.
    pub(crate) fn lookup(&self) -> (&'a Index<'a>, &'a Slices<'a>) {
        (self.index, self.slices)
    }

    /// Every backend that is reached.
    pub(crate) fn build(&self, gateways: &[GatewayState<'_>]) -> Vec<snapshot::Backend> {
        self.reached.iter().filter_map(|(key, reach)| self.build_one(key, reach, gateways)).collect()
    }

    fn build_one(&self, key: &BackendKey, reach: &Reach, gateways: &[GatewayState<'_>]) -> Option<snapshot::Backend> {
        let (namespace, name) = (&*key.name.namespace, &*key.name.name);
        let mut unusable = None;
        let of_policy = |policy: Option<&Policy>| policy.map(|policy| policy.tls.clone());
        let (endpoints, protocol, tls) = match key.kind {
            BackendKind::Service | BackendKind::UdpService => {
                let service = self.index.resources().get::<Service>(namespace, name)?;
                let port = find_port(service, key.kind, key.port)?;
                let protocol = port.app_protocol.as_deref().and_then(app_protocol).unwrap_or_default();
                let policy = self.policies.of_service(&key.name, port.name.as_deref());
                (self.service_endpoints(service, port), protocol, of_policy(policy))
            }
            BackendKind::Backend => {
                let backend = self.index.resources().get::<Backend>(namespace, name)?;
                let protocol = backend.spec.app_protocols.first().map_or(AppProtocol::Default, |p| match p {
                    BackendProtocol::H2c | BackendProtocol::KubernetesH2c => AppProtocol::H2c,
                    BackendProtocol::Ws | BackendProtocol::KubernetesWs => AppProtocol::WebSocket,
                    BackendProtocol::Wss | BackendProtocol::KubernetesWss => AppProtocol::Https,
                });
                (backend_endpoints(backend), protocol, of_policy(self.policies.of_backend(&key.name)))
            }
            BackendKind::XBackend => {
                let state = self.x_backends.get(&key.name)?;
                unusable = state.unserved();
                (state.endpoints.clone(), state.protocol, state.tls.clone().map(Ok))
            }
        };
        let mut tls = tls.and_then(|tls| tls.map_err(|why| unusable = Some(why)).ok());
        if let Some(tls) = &mut tls {
            let mut shown = BTreeSet::new();
            for gateway in gateways.iter().filter(|gateway| reach.tls_from.contains(&gateway.name)) {
                match &gateway.client_certificate {
                    Ok(certificate) => {
                        shown.insert(certificate.as_ref().map(|loaded| loaded.certificate.name.clone()));
                    }
                    Err(why) => unusable = Some(format!("Gateway {}: {why}", gateway.name)),
                }
            }
            if shown.len() > 1 {
                let message = "Gateways that reach it show different client certificates (spec.tls.backend)";
                unusable = Some(message.to_owned());
            }
            tls.client_certificate = shown.into_iter().next().flatten();
        }
        let session = self.x_backends.get(&key.name).filter(|_| key.kind == BackendKind::XBackend);
        let session = session.and_then(|state| state.session.clone());
        let mut traffic = self.traffic.of(&(key.kind, key.name.clone())).cloned().map(Box::new);
        if session.is_some() {
            traffic.get_or_insert_default().session = session;
        }
        Some(snapshot::Backend { key: key.clone(), endpoints, protocol, tls, unusable, traffic })
    }

    /// Ready endpoints; if there are none, those that end and still serve (Kubernetes, "EndpointSlice conditions").
    fn service_endpoints(&self, service: &Service, port: &ServicePort) -> Vec<Endpoint> {
        if service.spec.service_type == ServiceType::ExternalName {
            let name = service.spec.external_name.iter().filter(|_| self.allow_external_name);
            let fqdn = |name: &String| EndpointAddress::Fqdn(name.trim_end_matches('.').to_ascii_lowercase());
            return name.map(|name| Endpoint { address: fqdn(name), port: port.port }).collect();
        }
        let (mut ready, mut ending) = (BTreeSet::new(), BTreeSet::new());
        for slice in self.slices.of(&service.meta.namespace, &service.meta.name) {
            let wanted = port.name.as_deref().unwrap_or_default();
            let numbers = slice
                .spec
                .ports
                .iter()
                .filter(|p| p.name.as_deref().unwrap_or_default() == wanted && p.protocol == port.protocol)
                // Without a number the slice has every port; then the Service's own is meant.
                .map(|p| p.port.unwrap_or(port.port));
            for number in numbers {
                collect(slice, number, &mut ready, &mut ending);
            }
        }
        if ready.is_empty() { ending.into_iter().collect() } else { ready.into_iter().collect() }
    }
}

/// The endpoints of a slice that are ready, and those that end and still serve.
pub(crate) fn collect(
    slice: &EndpointSlice,
    port: u16,
    ready: &mut BTreeSet<Endpoint>,
    ending: &mut BTreeSet<Endpoint>,
) {
    for endpoint in &slice.spec.endpoints {
        let address = endpoint.addresses.first().and_then(|text| address(slice.spec.address_type, text));
        let Some(address) = address else { continue };
        let conditions = endpoint.conditions;
        if conditions.is_ready() {
            ready.insert(Endpoint { address, port });
        } else if conditions.is_serving() && conditions.is_terminating() {
            ending.insert(Endpoint { address, port });
        }
    }
}

/// A port of a Service, by its number and whether it is one of UDP.
fn find_port(service: &Service, kind: BackendKind, number: u16) -> Option<&ServicePort> {
    let is_udp = |port: &ServicePort| port.protocol == TransportProtocol::Udp;
    service.spec.ports.iter().find(|port| port.port == number && is_udp(port) == (kind == BackendKind::UdpService))
}

fn address(kind: EndpointAddressType, text: &str) -> Option<EndpointAddress> {
    match kind {
        EndpointAddressType::Ipv4 => text.parse().ok().map(|ip| EndpointAddress::Ip(IpAddr::V4(ip))),
        EndpointAddressType::Ipv6 => text.parse().ok().map(|ip| EndpointAddress::Ip(IpAddr::V6(ip))),
        EndpointAddressType::Fqdn => Some(EndpointAddress::Fqdn(text.to_ascii_lowercase())),
    }
}

/// `Service.spec.ports[].appProtocol` (GEP-1911); `None`: Kubernetes defines it and we do not serve it. Words without a
/// meaning to Kubernetes, such as `kafka`, say nothing about HTTP.
fn app_protocol(written: &str) -> Option<AppProtocol> {
    match written {
        "kubernetes.io/h2c" => Some(AppProtocol::H2c),
        "kubernetes.io/ws" => Some(AppProtocol::WebSocket),
        "https" | "kubernetes.io/wss" => Some(AppProtocol::Https),
        other if other.starts_with("kubernetes.io/") => None,
        _ => Some(AppProtocol::Default),
    }
}

fn backend_endpoints(backend: &Backend) -> Vec<Endpoint> {
    let endpoint = |e: &resources::BackendEndpoint| match (&e.ip, &e.fqdn) {
        (Some(ip), _) => Some(Endpoint { address: EndpointAddress::Ip(ip.address.parse().ok()?), port: ip.port }),
        (None, Some(fqdn)) => {
            let name = fqdn.hostname.to_ascii_lowercase();
            Some(Endpoint { address: EndpointAddress::Fqdn(name), port: fqdn.port })
        }
        (None, None) => None,
    };
    backend.spec.endpoints.iter().filter_map(endpoint).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Fields of a Backend that bear on routing or security and are not served: then none of it is.
fn unserved_backend(name: &ObjectName, backend: &Backend, path: &str) -> Option<Problem> {
    let spec = &backend.spec;
    let what = if spec.backend_type == Some(BackendType::DynamicResolver) {
        "spec.type DynamicResolver"
    } else if spec.tls.is_some() {
        "spec.tls; use a BackendTLSPolicy"
    } else if spec.fallback == Some(true) {
        "spec.fallback"
    } else if spec.endpoints.iter().any(|endpoint| endpoint.unix.is_some()) {
        "spec.endpoints[].unix"
    } else if spec.endpoints.iter().any(|endpoint| endpoint.hostname.is_some()) {
        "spec.endpoints[].hostname"
    } else if spec.app_protocols.len() > 1 {
        "several spec.appProtocols"
    } else {
        return None;
    };
    let message = format!("Backend {name} uses a field that is not served yet: {what}");
    Some(Problem::new("UnsupportedValue", Code::UnsupportedValue, format!("{path}.name"), message, ""))
}
