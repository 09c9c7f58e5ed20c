//! Listeners of Gateways and ListenerSets: protocol, kinds, certificates, ports between Gateways.

use crate::certificate::Loaded;
use crate::findings::Problem;
use crate::frontend::Frontend;
use crate::gateway::GatewayState;
use crate::index::Target;
use crate::{Context, Settings, conflict};
use resources::Code;
use resources::gateway_api::{FromNamespaces, Listener, SecretObjectReference, TlsMode};
use resources::{Gateway, Kind, Secret};
use snapshot::{ClientValidation, Hostname, ListenerProtocol, ObjectName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Https,
    TlsTerminate,
    TlsPassthrough,
    Tcp,
    Udp,
}

impl Protocol {
    fn default_kinds(self) -> &'static [Kind] {
        match self {
            Self::Http | Self::Https => &[Kind::HttpRoute, Kind::GrpcRoute],
            Self::TlsTerminate => &[Kind::TlsRoute, Kind::KafkaRoute],
            Self::TlsPassthrough => &[Kind::TlsRoute],
            Self::Tcp => &[Kind::TcpRoute],
            Self::Udp => &[Kind::UdpRoute],
        }
    }

    pub(crate) fn terminates_tls(self) -> bool {
        matches!(self, Self::Https | Self::TlsTerminate)
    }
}

/// What has a listener.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'o, 'a> {
    /// Gateway or ListenerSet.
    pub(crate) kind: Kind,
    pub(crate) namespace: &'a str,
    /// Place among the Gateway's ListenerSets, and name, if it is one.
    pub(crate) set: Option<(usize, &'o ObjectName)>,
}

/// A listener of a Gateway that is ours, or of one of its ListenerSets.
pub(crate) struct ListenerState<'a> {
    pub(crate) spec: &'a Listener,
    /// Place among all listeners of the Gateway, those of its sets behind its own.
    pub(crate) index: usize,
    /// Place in the object's `spec.listeners`.
    pub(crate) place: usize,
    /// Place of its ListenerSet among the Gateway's, if it is not the Gateway's own.
    pub(crate) set: Option<usize>,
    /// Namespace of the object.
    pub(crate) namespace: &'a str,
    /// As the proxy knows it.
    pub(crate) name: Arc<str>,
    pub(crate) hostname: Hostname,
    /// `None`: not served.
    pub(crate) protocol: Option<Protocol>,
    /// Kinds of routes that may attach.
    pub(crate) kinds: Vec<Kind>,
    /// Why it is not accepted.
    pub(crate) problems: Vec<Problem>,
    /// References that do not resolve.
    pub(crate) ref_problems: Vec<Problem>,
    /// Another listener that cannot be told from this one.
    pub(crate) conflict: Option<Problem>,
    /// Another listener of the port whose hostnames overlap.
    pub(crate) overlap: Option<Problem>,
    /// In the order of `filters.requests`.
    pub(crate) filters: Vec<snapshot::ExternalAuth>,
    /// What is asked of clients, where TLS is ended.
    pub(crate) client_validation: Option<ClientValidation>,
    /// In the order of `certificateRefs`.
    pub(crate) certificates: Vec<Arc<Loaded>>,
    /// How many routes are attached.
    pub(crate) attached: i32,
}

impl ListenerState<'_> {
    /// Whether it is valid in itself, so that routes may attach; a missing certificate does not count here.
    pub(crate) fn is_accepted(&self) -> bool {
        self.problems.is_empty() && self.conflict.is_none()
    }

    /// Whether it can be served.
    pub(crate) fn is_served(&self) -> bool {
        let certificates = !self.protocol.is_some_and(Protocol::terminates_tls) || !self.certificates.is_empty();
        self.is_accepted() && self.protocol.is_some() && certificates
    }

    /// Everything that is wrong with it.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.conflict.iter().chain(&self.problems).chain(&self.ref_problems).chain(&self.overlap)
    }

    /// The listener by name, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.hostname {
            Hostname::Any => format!("listener {} (no hostname)", self.spec.name),
            hostname => format!("listener {} ({hostname})", self.spec.name),
        }
    }

    /// What the proxy gets.
    pub(crate) fn entity(&self) -> Option<snapshot::Listener> {
        let names = || self.certificates.iter().map(|loaded| loaded.certificate.name.clone()).collect();
        let protocol = match self.protocol? {
            Protocol::Http => ListenerProtocol::Http,
            Protocol::Https => ListenerProtocol::Https { certificates: names() },
            Protocol::TlsTerminate => ListenerProtocol::TlsTerminate { certificates: names() },
            Protocol::TlsPassthrough => ListenerProtocol::TlsPassthrough,
            Protocol::Tcp => ListenerProtocol::Tcp,
            Protocol::Udp => ListenerProtocol::Udp,
        };
        let (name, hostname) = (self.name.clone(), self.hostname.clone());
        let port = self.spec.port;
        Some(snapshot::Listener {
            name,
            index: self.place,
            port,
            hostname,
            protocol,
            client_validation: self.client_validation.clone(),
            filters: self.filters.clone(),
        })
    }

    /// Whether routes of a namespace may attach.
    pub(crate) fn allows_namespace(&self, ctx: &Context<'_>, namespace: &str) -> bool {
        let namespaces = &self.spec.allowed_routes.namespaces;
        match namespaces.from {
            FromNamespaces::All => true,
            FromNamespaces::Same => self.namespace == namespace,
            // As in Kubernetes, no selector selects nothing.
            FromNamespaces::Selector => {
                namespaces.selector.as_ref().is_some_and(|s| s.matches(&ctx.namespace_labels(namespace)))
            }
        }
    }
}

/// The listeners of a Gateway itself.
pub(crate) fn translate<'a>(
    ctx: &mut Context<'_>,
    gateway: &'a Gateway,
    frontend: &Frontend,
) -> Vec<ListenerState<'a>> {
    let owner = Owner { kind: Kind::Gateway, namespace: &gateway.meta.namespace, set: None };
    let specs = gateway.spec.listeners.iter().enumerate();
    specs.map(|(index, spec)| listener(ctx, owner, frontend, (index, index), spec)).collect()
}

/// Looks at what concerns several listeners, once all of a Gateway are there.
pub(crate) fn settle(ctx: &mut Context<'_>, gateway: &mut GatewayState<'_>) {
    for i in 0..gateway.listeners.len() {
        let this = &gateway.listeners[i];
        if this.protocol.is_some_and(Protocol::terminates_tls) {
            let problems = ctx.guards.of_listener(gateway, this);
            gateway.listeners[i].problems.extend(problems);
        }
    }
    conflict::find_conflicts(&mut gateway.listeners);
    conflict::find_overlaps(&mut gateway.listeners);
}

/// One listener; `index` is its place among all of the Gateway, `place` among those of its object.
pub(crate) fn listener<'a>(
    ctx: &mut Context<'_>,
    owner: Owner<'_, 'a>,
    frontend: &Frontend,
    (index, place): (usize, usize),
    spec: &'a Listener,
) -> ListenerState<'a> {
    let path = format!("spec.listeners[{place}]");
    let mut problems = Vec::new();
    let passthrough = spec.tls.as_ref().is_some_and(|tls| tls.mode == TlsMode::Passthrough);
    let protocol = match spec.protocol.as_str() {
        "HTTP" => Some(Protocol::Http),
        "HTTPS" if passthrough => {
            let message = "HTTPS ends TLS here";
            problems.push(Problem::unsupported(format!("{path}.tls.mode"), message, "use Terminate, or protocol TLS"));
            Some(Protocol::Https)
        }
        "HTTPS" => Some(Protocol::Https),
        "TLS" if passthrough => Some(Protocol::TlsPassthrough),
        "TLS" => Some(Protocol::TlsTerminate),
        "TCP" => Some(Protocol::Tcp),
        "UDP" => Some(Protocol::Udp),
        other => {
            let message = format!("protocol {other} is not known");
            let (reason, code) = ("UnsupportedProtocol", Code::UnsupportedProtocol);
            problems.push(Problem::new(
                reason,
                code,
                format!("{path}.protocol"),
                message,
                "use HTTP, HTTPS, TLS, TCP or UDP",
            ));
            None
        }
    };
    let (mut ref_problems, mut certificates, mut client_validation) = (Vec::new(), Vec::new(), None);
    if protocol.is_some_and(Protocol::terminates_tls) {
        if let Some(validation) = frontend.of_port(spec.port) {
            // Details are for whoever has the Gateway.
            let of = |problem: &Problem| match owner.set {
                None => problem.clone(),
                Some(_) => {
                    let message = "the Gateway's CA certificates for clients are not all there";
                    Problem::new(problem.reason, problem.code, "spec.parentRef", message, "see the Gateway's status")
                }
            };
            ref_problems.extend(validation.ref_problems.iter().map(of));
            match &validation.validation {
                Ok(validation) => client_validation = Some(validation.clone()),
                Err(problem) => problems.push(of(problem)),
            }
        }
        let refs = spec.tls.as_ref().map_or(&[][..], |tls| &tls.certificate_refs);
        for (i, reference) in refs.iter().enumerate() {
            let path = format!("{path}.tls.certificateRefs[{i}]");
            match certificate(ctx, (owner.kind, owner.namespace), reference, &path, "InvalidCertificateRef") {
                Ok((loaded, last_good)) => {
                    ref_problems.extend(last_good);
                    certificates.push(loaded);
                }
                Err(problem) => ref_problems.push(problem),
            }
        }
        if refs.is_empty() {
            let (reason, code) = ("InvalidCertificateRef", Code::InvalidCertificate);
            let message = format!("protocol {} with mode Terminate needs a certificate", spec.protocol);
            let hint = "name a Secret of type kubernetes.io/tls";
            ref_problems.push(Problem::new(reason, code, format!("{path}.tls.certificateRefs"), message, hint));
        }
    }
    if let Some((option, _)) = spec.tls.as_ref().and_then(|tls| tls.options.first_key_value()) {
        let message = format!("option {option} is not known, and may bear on security");
        problems.push(Problem::unsupported(format!("{path}.tls.options"), message, "remove it"));
    }
    let kinds = kinds(spec, protocol, &path, &mut ref_problems);
    ListenerState {
        spec,
        index,
        place,
        set: owner.set.map(|(set, _)| set),
        namespace: owner.namespace,
        name: match owner.set {
            Some((_, set)) => snapshot::ListenerSet::listener_name(set, &spec.name),
            None => spec.name.clone(),
        },
        hostname: Hostname::parse(spec.hostname.as_deref().unwrap_or_default()),
        protocol,
        kinds,
        problems,
        ref_problems,
        conflict: None,
        overlap: None,
        filters: Vec::new(),
        client_validation,
        certificates,
        attached: 0,
    }
}

fn kinds(spec: &Listener, protocol: Option<Protocol>, path: &str, problems: &mut Vec<Problem>) -> Vec<Kind> {
    let Some(protocol) = protocol else { return Vec::new() };
    let possible = protocol.default_kinds();
    if spec.allowed_routes.kinds.is_empty() {
        return possible.to_vec();
    }
    let mut kinds = Vec::new();
    for (i, wanted) in spec.allowed_routes.kinds.iter().enumerate() {
        match Kind::find_in_group(&wanted.group, &wanted.kind) {
            Some(kind) if possible.contains(&kind) => {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            found => {
                let message = match found {
                    Some(_) => format!("{} cannot attach to protocol {}", wanted.kind, describe_protocol(spec)),
                    None => format!("kind {} of group {} is not known", wanted.kind, wanted.group),
                };
                let names: Vec<_> = possible.iter().map(|kind| kind.as_str()).collect();
                let hint = format!("possible here: {}", names.join(", "));
                let path = format!("{path}.allowedRoutes.kinds[{i}]");
                problems.push(Problem::new("InvalidRouteKinds", Code::InvalidRouteKinds, path, message, hint));
            }
        }
    }
    kinds
}

fn describe_protocol(spec: &Listener) -> String {
    match &spec.tls {
        Some(tls) if spec.protocol == "TLS" => format!("TLS with mode {}", tls.mode),
        _ => spec.protocol.clone(),
    }
}

/// The certificate that a reference names, and a remark if it is the last good one.
pub(crate) fn certificate(
    ctx: &mut Context<'_>,
    (from, namespace): (Kind, &str),
    reference: &SecretObjectReference,
    path: &str,
    reason: &'static str,
) -> Result<(Arc<Loaded>, Option<Problem>), Problem> {
    let invalid = |message: String, hint: &str| Problem::new(reason, Code::InvalidCertificate, path, message, hint);
    let (group, kind, name) = (&*reference.group, &*reference.kind, &*reference.name);
    let target = Target { group, kind, namespace: reference.namespace.as_deref().unwrap_or(namespace), name };
    if (group, kind) != ("", "Secret") {
        return Err(invalid(
            format!("kind {kind} of group {group:?} holds no certificate that is read"),
            "name a Secret",
        ));
    }
    if !ctx.index.permitted(from, namespace, &target) {
        let message = format!("Secret {}/{name} is in another namespace, which does not permit it", target.namespace);
        let hint = target.grant_hint(from, namespace);
        return Err(Problem::new("RefNotPermitted", Code::RefNotPermitted, path, message, hint));
    }
    let full_name = ObjectName::new(target.namespace, name);
    let Some(secret) = ctx.index.resources().get::<Secret>(target.namespace, name).cloned() else {
        let hint = "create it with type kubernetes.io/tls and the keys tls.crt and tls.key";
        return Err(invalid(format!("Secret {full_name} does not exist"), hint));
    };
    let why = match load(ctx, &secret, &full_name) {
        Ok(loaded) => {
            ctx.loaded_secrets.insert(secret.meta.namespaced_name(), secret);
            return Ok((loaded, None));
        }
        Err(why) => why,
    };
    if let Some(old) = ctx.last_good.secrets.get(&secret.meta.namespaced_name()).cloned()
        && let Ok(loaded) = load(ctx, &old, &full_name)
    {
        ctx.loaded_secrets.insert(old.meta.namespaced_name(), old);
        let message = format!("Secret {full_name}: {why}; its last good state is served until a restart");
        return Ok((loaded, Some(Problem::new(reason, Code::LastGood, path, message, "mend the Secret"))));
    }
    Err(invalid(format!("Secret {full_name}: {why}"), "mend the Secret"))
}

fn load(ctx: &mut Context<'_>, secret: &Arc<Secret>, name: &ObjectName) -> Result<Arc<Loaded>, String> {
    let result = ctx.memo.certificates.get(secret, |secret| {
        if secret.spec.secret_type != "kubernetes.io/tls" {
            return Err(format!("its type is {}, not kubernetes.io/tls", secret.spec.secret_type));
        }
        let part = |key: &str| secret.spec.data.get(key).map(|bytes| bytes.expose()).ok_or(format!("it has no {key}"));
        crate::certificate::load(name.clone(), part("tls.crt")?, part("tls.key")?).map(Arc::new)
    });
    Result::clone(&result)
}

/// One process listens for all Gateways of a folder: a port belongs to the oldest Gateway, then the first by name.
/// `gateways` come in this order. In a cluster each Gateway has its own address.
pub(crate) fn claim_ports(settings: &Settings, gateways: &mut [GatewayState<'_>]) {
    if !settings.standalone {
        return;
    }
    // By the port that is bound, of UDP or not: which Gateway, and for which of its ports.
    let mut owners: BTreeMap<(bool, u16), (ObjectName, u16)> = BTreeMap::new();
    for gateway in gateways.iter_mut().filter(|gateway| gateway.problems.is_empty()) {
        let name = gateway.name.clone();
        for listener in gateway.listeners.iter_mut().filter(|listener| listener.is_accepted()) {
            let port = listener.spec.port;
            let bound = settings.port_map.get(&port).copied().unwrap_or(port);
            let (owner, owned) =
                owners.entry((listener.protocol == Some(Protocol::Udp), bound)).or_insert_with(|| (name.clone(), port));
            if (&*owner, *owned) == (&name, port) {
                continue;
            }
            let taken =
                if bound == port { format!("port {port}") } else { format!("port {port} is mapped to {bound}, which") };
            let message = match *owned == bound {
                true => format!("{taken} belongs to Gateway {owner}"),
                false => format!("{taken} is bound for port {owned} of Gateway {owner}"),
            };
            let path = format!("spec.listeners[{}].port", listener.place);
            let hint = "choose another port, or move the listener into that Gateway";
            listener.problems.push(Problem::new("PortUnavailable", Code::PortUnavailable, path, message, hint));
        }
    }
}
