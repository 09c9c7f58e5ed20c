//! XBackend (GEP-4894): what it comes to as the backend of a route.
//!
//! The endpoints of a selector are those Pods that EndpointSlices list: slices of a Service with the very same selector, and
//! slices that carry the label `sluicegate.dev/xbackend` with the XBackend's name, as those of a Service made for it do.

use crate::Context;
use crate::backend::{self, Backends};
use crate::backend_tls;
use crate::findings::{Problem, join};
use crate::gateway::GatewayState;
use crate::index::Slices;
use crate::policy;
use crate::session;
use resources::gateway_api::{XBackendProtocol, XBackendTlsMode};
use resources::kubernetes::TransportProtocol;
use resources::{Code, Key, Service, XBackend};
use snapshot::{AppProtocol, BackendKind, BackendTls, Endpoint, EndpointAddress, ObjectName, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Label of EndpointSlices that belong to an XBackend.
pub(crate) const LABEL: &str = "sluicegate.dev/xbackend";

/// An XBackend and what it comes to.
pub(crate) struct State {
    key: Key,
    generation: i64,
    problems: Vec<Problem>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) protocol: AppProtocol,
    pub(crate) tls: Option<BackendTls>,
    pub(crate) session: Option<Session>,
}

impl State {
    /// Why no route can have it as its backend.
    pub(crate) fn unserved(&self) -> Option<String> {
        (!self.problems.is_empty()).then(|| join(&self.problems))
    }
}

/// All of them.
pub(crate) type States = BTreeMap<ObjectName, State>;

/// Reads all XBackends.
pub(crate) fn translate(ctx: &mut Context<'_>, slices: &Slices<'_>) -> States {
    let objects: Vec<Arc<XBackend>> = ctx.index.resources().x_backends.values().cloned().collect();
    let mut all = States::new();
    for object in objects {
        let state = read(ctx, slices, &object);
        ctx.report_all(&state.key, &state.problems);
        all.insert(ObjectName::new(object.meta.namespace.clone(), object.meta.name.clone()), state);
    }
    all
}

fn read(ctx: &mut Context<'_>, slices: &Slices<'_>, object: &XBackend) -> State {
    let (key, spec) = (object.key(), &object.spec);
    let mut problems = Vec::new();
    let mut unsupported = |path: &str, message: String| {
        let problem = Problem::new("UnsupportedValue", Code::UnsupportedValue, path, message, "choose another one");
        problems.push(problem);
    };
    let port = spec.port.number.unwrap_or_default();
    if port == 0 {
        unsupported("spec.port", "a port without a number is not served".to_owned());
    }
    let protocol = match spec.protocol {
        None | Some(XBackendProtocol::Http | XBackendProtocol::Http11 | XBackendProtocol::Tcp) => AppProtocol::Default,
        Some(XBackendProtocol::H2c | XBackendProtocol::Http2 | XBackendProtocol::Grpc) => AppProtocol::H2c,
        Some(XBackendProtocol::Wss) => AppProtocol::Https,
        Some(XBackendProtocol::Mcp) => {
            unsupported("spec.protocol", "protocol MCP is not served".to_owned());
            AppProtocol::Default
        }
    };
    if spec.tls.mode == XBackendTlsMode::ClientAndServer {
        let message = "mode ClientAndServer is not served; a Gateway's own certificate (spec.tls.backend) is shown";
        unsupported("spec.tls.mode", message.to_owned());
    }
    let mut tls = None;
    if let Some(validation) = spec.tls.validation.as_ref().filter(|_| spec.tls.mode == XBackendTlsMode::ServerOnly) {
        let (mut bad, mut bad_refs) = (Vec::new(), Vec::new());
        let namespace = &object.meta.namespace;
        tls = backend_tls::validation(ctx, namespace, validation, "spec.tls.validation", &mut bad, &mut bad_refs);
        problems.extend(bad_refs);
        problems.extend(bad);
    }
    let session = spec.session_persistence.as_ref().and_then(|written| {
        let session = session::session(written, "spec.sessionPersistence", &key.to_string());
        session.map_err(|problem| problems.push(problem)).ok()
    });
    let endpoints = match (&spec.external_hostname, &spec.endpoint_selector) {
        (Some(external), _) => {
            vec![Endpoint { address: EndpointAddress::Fqdn(external.hostname.to_ascii_lowercase()), port }]
        }
        (None, Some(selector)) => selected(ctx, slices, object, &selector.match_labels, port),
        (None, None) => Vec::new(),
    };
    State { key, generation: object.meta.generation, problems, endpoints, protocol, tls, session }
}

/// Pods with these labels, as far as EndpointSlices tell.
fn selected(
    ctx: &Context<'_>,
    slices: &Slices<'_>,
    object: &XBackend,
    labels: &BTreeMap<String, String>,
    port: u16,
) -> Vec<Endpoint> {
    let (namespace, name) = (&*object.meta.namespace, &*object.meta.name);
    let objects = ctx.index.resources();
    let (mut ready, mut ending) = (BTreeSet::new(), BTreeSet::new());
    let own = objects.endpoint_slices.values().filter(|slice| {
        *slice.meta.namespace == *namespace && slice.meta.labels.get(LABEL).is_some_and(|owner| owner == name)
    });
    let same = slices.of_namespace(namespace).filter(|(service, _)| {
        objects.get::<Service>(namespace, service).is_some_and(|service| service.spec.selector == *labels)
    });
    for slice in own.chain(same.flat_map(|(_, slices)| slices.iter().copied())) {
        // A slice without TCP ports may still list the Pods; one of UDP alone lists them, too.
        let stream = slice.spec.ports.iter().all(|port| port.protocol != TransportProtocol::Tcp);
        if stream && !slice.spec.ports.is_empty() {
            continue;
        }
        backend::collect(slice, port, &mut ready, &mut ending);
    }
    if ready.is_empty() { ending.into_iter().collect() } else { ready.into_iter().collect() }
}

/// Writes the statuses: one ancestor for each Gateway whose routes reach it.
pub(crate) fn finish(ctx: &mut Context<'_>, gateways: &[GatewayState<'_>], states: &States, backends: &Backends<'_>) {
    for (name, state) in states {
        let from = policy::reaching(backends, &(BackendKind::XBackend, name.clone()));
        let ancestors = from.into_iter().map(|gateway| (gateway, state.problems.clone())).collect();
        policy::set_status(ctx, gateways, state.key.clone(), state.generation, ancestors, None);
    }
}
