//! GatewayClasses, Gateways and ListenerSets: which are ours, which can be served, what their statuses say.

use crate::certificate::Loaded;
use crate::features;
use crate::findings::{Problem, closest};
use crate::frontend::{self, Frontend};
use crate::index::object_name;
use crate::listener::{self, ListenerState};
use crate::listener_set::{self, SetState};
use crate::status::{IGNORED_FIELDS, LAST_GOOD, Status, fails, holds, unless};
use crate::{Addresses, Context, ControllerNames};
use resources::Code;
use resources::gateway_api::{GatewayDefaultScope, RouteGroupKind};
use resources::status::{
    Condition, ConditionStatus, GatewayClassStatus, GatewayStatus, GatewayStatusAddress, ListenerStatus,
};
use resources::{Gateway, GatewayClass, Key, Kind};
use snapshot::ObjectName;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A GatewayClass that is ours.
struct ClassState {
    controller_name: String,
    problems: Vec<Problem>,
}

/// A Gateway that is ours.
pub(crate) struct GatewayState<'a> {
    pub(crate) object: &'a Arc<Gateway>,
    pub(crate) key: Key,
    pub(crate) name: ObjectName,
    /// Of its class.
    pub(crate) controller_name: String,
    pub(crate) addresses: Vec<IpAddr>,
    /// Why it is not accepted as a whole.
    pub(crate) problems: Vec<Problem>,
    /// References that do not resolve, outside of listeners.
    pub(crate) ref_problems: Vec<Problem>,
    ignored: Vec<String>,
    /// The certificate shown to backends; the error is why the one that is asked for cannot be.
    pub(crate) client_certificate: Result<Option<Arc<Loaded>>, String>,
    /// What is asked of clients.
    pub(crate) frontend: Frontend,
    /// Its own, then those of its ListenerSets.
    pub(crate) listeners: Vec<ListenerState<'a>>,
    /// The ListenerSets that it allows, in order of precedence.
    pub(crate) sets: Vec<SetState<'a>>,
    /// Where each stands in `sets`.
    pub(crate) set_places: HashMap<ObjectName, usize>,
}

impl GatewayState<'_> {
    /// Whether the proxy gets this listener.
    pub(crate) fn serves(&self, listener: &ListenerState<'_>) -> bool {
        self.problems.is_empty() && listener.is_served()
    }

    /// Whether it takes routes that ask for default Gateways (GEP-3793).
    pub(crate) fn is_default(&self) -> bool {
        self.object.spec.default_scope == Some(GatewayDefaultScope::All)
    }

    /// Its own listeners, without those of ListenerSets.
    pub(crate) fn own(&self) -> &[ListenerState<'_>] {
        &self.listeners[..self.object.spec.listeners.len()]
    }

    fn entities_of(&self, listeners: &[ListenerState<'_>]) -> Vec<snapshot::Listener> {
        listeners.iter().filter(|l| self.serves(l)).filter_map(|l| l.entity()).collect()
    }

    /// What the proxy gets of its ListenerSets.
    pub(crate) fn set_entities(&self) -> impl Iterator<Item = snapshot::ListenerSet> {
        self.sets.iter().filter_map(|set| {
            let listeners = self.entities_of(&self.listeners[set.listeners.clone()]);
            (!listeners.is_empty()).then(|| snapshot::ListenerSet {
                name: set.name.clone(),
                generation: set.object.meta.generation,
                gateway: self.name.clone(),
                listeners,
            })
        })
    }

    /// What the proxy gets, unless there is nothing to listen on.
    pub(crate) fn entity(&self) -> Option<snapshot::Gateway> {
        let listeners = self.entities_of(self.own());
        let any = self.listeners.iter().any(|listener| self.serves(listener));
        any.then(|| snapshot::Gateway {
            name: self.name.clone(),
            generation: self.object.meta.generation,
            session_seed: self.object.meta.uid.clone(),
            addresses: self.addresses.clone(),
            listeners,
        })
    }
}

/// The Gateways that are ours, in order of precedence, and the statuses of classes, ListenerSets and Gateways that are
/// nobody's.
pub(crate) fn translate<'a>(ctx: &mut Context<'a>) -> Vec<GatewayState<'a>> {
    let classes = classes(ctx);
    let mut objects: Vec<&'a Arc<Gateway>> = ctx.index.resources().gateways.values().collect();
    objects.sort_by(|a, b| a.meta.precedence().cmp(&b.meta.precedence()));
    let mut gateways = Vec::new();
    for object in objects {
        match classes.get(object.spec.gateway_class_name.as_str()) {
            Some(class) if class.problems.is_empty() => gateways.push(gateway(ctx, object, class)),
            Some(_) => nobodys(ctx, object, "the GatewayClass is not accepted", "mend the GatewayClass first".into()),
            None if ctx.settings.standalone => {
                let known = ctx.index.resources().gateway_classes.keys().map(|name| &*name.name);
                let hint = match closest(&object.spec.gateway_class_name, known.clone()) {
                    Some(name) => format!("did you mean {name}?"),
                    None if known.clone().next().is_none() => "add a GatewayClass of this name".into(),
                    None => format!("there is {}", known.collect::<Vec<_>>().join(", ")),
                };
                let message = format!("there is no GatewayClass {}", object.spec.gateway_class_name);
                nobodys(ctx, object, &message, hint);
            }
            None => {}
        }
    }
    listener_set::attach(ctx, &mut gateways);
    gateways.iter_mut().for_each(|gateway| listener::settle(ctx, gateway));
    listener::claim_ports(ctx.settings, &mut gateways);
    gateways
}

/// Statuses of all classes that are ours.
fn classes(ctx: &mut Context<'_>) -> BTreeMap<String, ClassState> {
    let mut classes = BTreeMap::new();
    for object in ctx.index.resources().gateway_classes.values() {
        let ours = match &ctx.settings.controller_names {
            ControllerNames::All => true,
            ControllerNames::These(names) => names.contains(&object.spec.controller_name),
        };
        if !ours {
            continue;
        }
        let problems: Vec<_> = class_parameters(ctx, object).err().into_iter().collect();
        let generation = object.meta.generation;
        let mut conditions = vec![unless("Accepted", generation, &problems, "Gateways of this class are served")];
        conditions.extend(ctx.settings.bundle_version.as_deref().map(|found| supported_version(generation, found)));
        if ctx.settings.standalone && problems.is_empty() && object.spec.parameters_ref.is_some() {
            conditions.push(ignored_condition(generation, &["spec.parametersRef".to_owned()]));
            ctx.report(&object.key(), &ignored("spec.parametersRef"));
        }
        ctx.report_all(&object.key(), &problems);
        let status = GatewayClassStatus {
            conditions,
            supported_features: features::supported(ctx.around.trust_bundles, ctx.settings.standalone),
        };
        ctx.set_status(object.key(), Status::GatewayClass(status));
        let state = ClassState { controller_name: object.spec.controller_name.clone(), problems };
        classes.insert(object.meta.name.to_string(), state);
    }
    classes
}

/// Whether the CRDs of the cluster are of a release that is read as it means it (GEP-1364). Other releases are served as well
/// as they can be.
fn supported_version(generation: i64, found: &str) -> Condition {
    const SUPPORTED: RangeInclusive<u32> = 2..=7;
    let minor = found.strip_prefix("v1.").and_then(|rest| rest.split(['.', '-']).next()).and_then(|it| it.parse().ok());
    if minor.is_some_and(|minor: u32| SUPPORTED.contains(&minor)) {
        return holds("SupportedVersion", generation, &format!("the CRDs are of release {found}"));
    }
    let message =
        format!("the CRDs are of release {found}; known are v1.{} to v1.{}", SUPPORTED.start(), SUPPORTED.end());
    fails("SupportedVersion", generation, "UnsupportedVersion", message)
}

fn class_parameters(ctx: &Context<'_>, class: &GatewayClass) -> Result<(), Problem> {
    let Some(reference) = &class.spec.parameters_ref else { return Ok(()) };
    parameters(
        ctx,
        "spec.parametersRef",
        &reference.group,
        &reference.kind,
        reference.namespace.as_deref(),
        &reference.name,
    )
}

fn parameters(
    ctx: &Context<'_>,
    path: &str,
    group: &str,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
) -> Result<(), Problem> {
    let invalid = |message: String, hint: &str| {
        Err(Problem::new("InvalidParameters", Code::InvalidParameters, path, message, hint))
    };
    let Some(namespace) = namespace else {
        return invalid(format!("objects of kind {kind} live in a namespace"), "set namespace");
    };
    let resources = ctx.index.resources();
    let found = Kind::find_in_group(group, kind);
    let exists = match found {
        Some(Kind::EnvoyProxy) => {
            resources.get::<resources::EnvoyProxy>(namespace, name).is_some_and(|it| it.group() == group)
        }
        Some(Kind::GatewayParameters) => resources.get::<resources::GatewayParameters>(namespace, name).is_some(),
        _ => {
            return invalid(
                format!("kind {kind} of group {group:?} is not read as parameters"),
                "name a GatewayParameters of sluicegate.dev or an EnvoyProxy of gateway.envoyproxy.io, or remove the reference",
            );
        }
    };
    if exists {
        return Ok(());
    }
    let message = format!("{kind} {namespace}/{name} of group {group} does not exist");
    invalid(message, "create it, or remove the reference")
}

/// A Gateway that no controller answers for: shown as the API server shows it.
fn nobodys(ctx: &mut Context<'_>, object: &Gateway, message: &str, hint: String) {
    let problem = Problem::new("Pending", Code::UnknownClass, "spec.gatewayClassName", message, hint);
    let text = format!("Waiting for controller. {problem}");
    let pending = |condition_type: &str| {
        Condition::new(condition_type, ConditionStatus::Unknown, "Pending", text.clone(), object.meta.generation)
    };
    let status = GatewayStatus { conditions: vec![pending("Accepted"), pending("Programmed")], ..Default::default() };
    ctx.set_status(object.key(), Status::Gateway(status));
    ctx.report(&object.key(), &problem);
}

fn gateway<'a>(ctx: &mut Context<'a>, object: &'a Arc<Gateway>, class: &ClassState) -> GatewayState<'a> {
    let (mut problems, mut ref_problems, mut ignored_fields) = (Vec::new(), Vec::new(), Vec::new());
    let mut addresses = Vec::new();
    for (i, address) in object.spec.addresses.iter().enumerate() {
        let path = format!("spec.addresses[{i}]");
        let unsupported = |field: &str, message: String, hint: &str| {
            let path = format!("{path}.{field}");
            Problem::new("UnsupportedAddress", Code::UnsupportedAddress, path, message, hint)
        };
        match (address.address_type.as_str(), &address.value) {
            // An empty address is the implementation's choice, and ours is every one.
            ("IPAddress", None) => {}
            ("IPAddress", Some(value)) => match value.parse() {
                Ok(ip) => addresses.push(ip),
                Err(_) => {
                    problems.push(unsupported(
                        "value",
                        format!("{value:?} is no IP address"),
                        "write an IPv4 or IPv6 address",
                    ));
                }
            },
            // Given to the Service for whoever keeps the DNS.
            ("Hostname", _) if !ctx.settings.standalone => {}
            (other, _) => {
                let message = format!("addresses of type {other} are not served");
                problems.push(unsupported("type", message, "use IPAddress, or leave addresses out to listen on all"));
            }
        }
        match address.routability.as_deref().unwrap_or_default() {
            "" => {}
            _ if ctx.settings.standalone => ignored_fields.push(format!("{path}.routability")),
            "Cluster" if address.address_type == "IPAddress" => {}
            "Cluster" => {
                let message = "within the cluster there are IP addresses only".to_owned();
                problems.push(unsupported("type", message, "use IPAddress, or leave routability out"));
            }
            other => {
                let message = format!("routability {other} is not known");
                problems.push(unsupported("routability", message, "use Cluster, or leave it out"));
            }
        }
    }
    if let Some(infrastructure) = &object.spec.infrastructure {
        let path = |field: &str| format!("spec.infrastructure.{field}");
        if !infrastructure.labels.is_empty() {
            ignored_fields.push(path("labels"));
        }
        if !infrastructure.annotations.is_empty() {
            ignored_fields.push(path("annotations"));
        }
        if let Some(reference) = &infrastructure.parameters_ref {
            let path = path("parametersRef");
            let namespace = Some(&*object.meta.namespace);
            match parameters(ctx, &path, &reference.group, &reference.kind, namespace, &reference.name) {
                Ok(()) => ignored_fields.push(path),
                Err(problem) => problems.push(problem),
            }
        }
    }
    let reference = object.spec.tls.as_ref().and_then(|tls| tls.backend.as_ref()?.client_certificate_ref.as_ref());
    let client_certificate = match reference {
        None => Ok(None),
        Some(reference) => {
            let path = "spec.tls.backend.clientCertificateRef";
            let from = (Kind::Gateway, &*object.meta.namespace);
            match listener::certificate(ctx, from, reference, path, "InvalidClientCertificateRef") {
                Ok((loaded, last_good)) => {
                    ref_problems.extend(last_good);
                    Ok(Some(loaded))
                }
                Err(problem) => {
                    let why = problem.to_string();
                    ref_problems.push(problem);
                    Err(why)
                }
            }
        }
    };
    let frontend = frontend::translate(ctx, object);
    if !ctx.settings.standalone {
        ignored_fields.clear();
        // They are the Service's; a proxy listens on all of its Pod's.
        addresses.clear();
    }
    GatewayState {
        object,
        key: object.key(),
        name: object_name(&object.meta),
        controller_name: class.controller_name.clone(),
        addresses,
        problems,
        ref_problems,
        ignored: ignored_fields,
        client_certificate,
        listeners: listener::translate(ctx, object, &frontend),
        frontend,
        sets: Vec::new(),
        set_places: HashMap::new(),
    }
}

fn ignored(path: &str) -> Problem {
    let message = "has no effect when served from a folder";
    Problem::new("Standalone", Code::IgnoredField, path, message, "").warning()
}

fn ignored_condition(generation: i64, fields: &[String]) -> Condition {
    let message = format!("without effect when served from a folder: {}", fields.join(", "));
    Condition::new(IGNORED_FIELDS, ConditionStatus::True, "Standalone", message, generation)
}

/// Writes the statuses of our Gateways as they are once the proxy has confirmed them.
pub(crate) fn finish(ctx: &mut Context<'_>, gateways: &[GatewayState<'_>]) {
    for gateway in gateways {
        let generation = gateway.object.meta.generation;
        let served = gateway.listeners.iter().filter(|l| gateway.serves(l)).count();
        let bad: Vec<&str> =
            gateway.own().iter().filter(|l| !l.is_served()).map(|listener| &*listener.spec.name).collect();
        let not_valid = format!("listeners that cannot be served, see their conditions: {}", bad.join(", "));
        let accepted = match (gateway.problems.is_empty(), served, bad.is_empty()) {
            (false, ..) => unless("Accepted", generation, &gateway.problems, ""),
            (true, 0, _) => fails("Accepted", generation, "ListenersNotValid", &*not_valid),
            (true, _, true) => holds("Accepted", generation, "every listener is valid"),
            (true, ..) => {
                Condition::new("Accepted", ConditionStatus::True, "ListenersNotValid", &*not_valid, generation)
            }
        };
        let Addresses { assigned: addresses, missing } = if ctx.settings.standalone {
            Addresses { assigned: gateway.addresses.iter().map(ip_address).collect(), missing: Vec::new() }
        } else {
            ctx.around.addresses.get(&gateway.object.meta.namespaced_name()).cloned().unwrap_or_default()
        };
        let programmed = if served > 0 && !missing.is_empty() {
            let message = format!("no load balancer has given {}", missing.join(", "));
            fails("Programmed", generation, "AddressNotUsable", message)
        } else if served > 0 && addresses.is_empty() && !ctx.settings.standalone {
            fails("Programmed", generation, "AddressNotAssigned", "its Service has no address yet")
        } else if served > 0 {
            holds("Programmed", generation, "the proxy serves this generation")
        } else {
            fails("Programmed", generation, "Invalid", "nothing of it can be served, see Accepted")
        };
        let unresolved = gateway.own().iter().any(|listener| !listener.ref_problems.is_empty());
        let resolved = if gateway.ref_problems.is_empty() && unresolved {
            fails("ResolvedRefs", generation, "ListenersNotResolved", "see ResolvedRefs of the listeners")
        } else {
            unless("ResolvedRefs", generation, &gateway.ref_problems, "every reference resolves")
        };
        let mut conditions = vec![accepted, programmed, resolved];
        if gateway.frontend.is_insecure() {
            let (kind, reason) = ("InsecureFrontendValidationMode", "ConfigurationChanged");
            let message = "clients without a valid certificate are let in, see mode in spec.tls.frontend";
            conditions.push(Condition::new(kind, ConditionStatus::True, reason, message, generation));
        }
        if gateway.is_default() {
            conditions.push(holds("DefaultGateway", generation, "routes that ask for default Gateways are taken"));
        }
        if !gateway.ignored.is_empty() {
            conditions.push(ignored_condition(generation, &gateway.ignored));
        }
        for path in &gateway.ignored {
            ctx.report(&gateway.key, &ignored(path));
        }
        ctx.report_all(&gateway.key, &gateway.problems);
        ctx.report_all(&gateway.key, &gateway.ref_problems);
        ctx.report_all(&gateway.key, gateway.frontend.problems());
        for listener in gateway.own() {
            for problem in listener.problems() {
                ctx.report(&gateway.key, problem);
            }
        }
        let status = GatewayStatus {
            addresses,
            conditions,
            listeners: gateway.own().iter().map(|l| listener_status(gateway, generation, l)).collect(),
            attached_listener_sets: Some(listener_set::finish(ctx, gateway)),
        };
        ctx.set_status(gateway.key.clone(), Status::Gateway(status));
    }
}

fn ip_address(ip: &IpAddr) -> GatewayStatusAddress {
    GatewayStatusAddress { address_type: Some("IPAddress".into()), value: ip.to_string(), routability: None }
}

/// The status of a listener, of an object of this generation.
pub(crate) fn listener_status(
    gateway: &GatewayState<'_>,
    generation: i64,
    listener: &ListenerState<'_>,
) -> ListenerStatus {
    let conflict: Vec<Problem> = listener.conflict.iter().cloned().collect();
    let not_accepted: Vec<Problem> = listener.conflict.iter().chain(&listener.problems).cloned().collect();
    let accepted = unless("Accepted", generation, &not_accepted, "the listener is valid");
    let programmed = if gateway.serves(listener) {
        holds("Programmed", generation, "the proxy serves this listener")
    } else if let Some(conflict) = conflict.first() {
        fails("Programmed", generation, conflict.reason, "see Conflicted")
    } else if not_accepted.iter().any(|problem| problem.code == Code::PortUnavailable) {
        fails("Programmed", generation, "PortUnavailable", "see Accepted")
    } else {
        let why = match (not_accepted.is_empty(), gateway.problems.is_empty()) {
            (false, _) => "see Accepted",
            (true, false) => "the Gateway is not accepted",
            (true, true) => "see ResolvedRefs",
        };
        fails("Programmed", generation, "Invalid", why)
    };
    let resolved = unless("ResolvedRefs", generation, &listener.ref_problems, "every reference resolves");
    let conflicted = match conflict.first() {
        Some(problem) => {
            Condition::new("Conflicted", ConditionStatus::True, problem.reason, problem.to_string(), generation)
        }
        None => Condition::new("Conflicted", ConditionStatus::False, "NoConflicts", "", generation),
    };
    let mut conditions = vec![accepted, programmed, resolved, conflicted];
    if let Some(overlap) = &listener.overlap {
        let (kind, reason) = ("OverlappingTLSConfig", "OverlappingHostnames");
        conditions.push(Condition::new(kind, ConditionStatus::True, reason, overlap.to_string(), generation));
    }
    if listener.ref_problems.iter().any(|problem| problem.code == Code::LastGood) {
        let message = "a certificate no longer loads; its last good state is served until a restart";
        conditions.push(Condition::new(LAST_GOOD, ConditionStatus::True, "LastGood", message, generation));
    }
    let kind = |kind: &Kind| RouteGroupKind { group: kind.group().to_owned(), kind: kind.as_str().to_owned() };
    ListenerStatus {
        name: listener.spec.name.to_string(),
        supported_kinds: listener.kinds.iter().map(kind).collect(),
        attached_routes: listener.attached,
        conditions,
    }
}
