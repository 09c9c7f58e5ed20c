//! KafkaRoute (design: "KafkaRoute, as we serve it").

mod addresses;
mod filters;
mod names;

use super::stream::{Claim, Ports, look, taken};
use super::{reach, target};
use crate::Context;
use crate::attach::{self, Parent, RouteHead, Verdict, attach};
use crate::backend::{Backends, Use};
use crate::findings::{Problem, join};
use crate::gateway::GatewayState;
use crate::index::object_name;
use crate::status::{CERTIFICATE_COVERAGE, fails};
use names::Names;
use resources::Code;
use resources::{KafkaRoute, Kind};
use snapshot::{BackendKey, BackendTarget, BrokerOverride, Entity, KafkaAttachment, ListenerRef};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Translates one KafkaRoute; `owner` is its name among the owners of server names.
pub(crate) fn translate<'n>(
    ctx: &mut Context<'_>,
    gateways: &mut [GatewayState<'_>],
    backends: &mut Backends<'_>,
    ports: &mut Ports<'n>,
    owner: &'n str,
    object: &KafkaRoute,
) {
    let spec = &object.spec;
    let head = RouteHead {
        kind: Kind::KafkaRoute,
        meta: &object.meta,
        parent_refs: &spec.parent_refs,
        default_gateways: spec.use_default_gateways,
    };
    let mut parents = attach(ctx, gateways, head, |listener| names::complete(spec, listener));
    claim(gateways, ports, owner, &mut parents);
    let mut verdict = Verdict::default();
    verdict.problems.extend(ctx.guards.of_route(gateways, head, &parents));
    verdict.problems.extend(names::check(spec));
    let filters = filters::translate(ctx, object, &mut verdict);
    if spec.broker_mapping.ports.is_some() {
        let (path, message) = ("spec.brokerMapping.ports", "one port per broker is not served yet");
        verdict.problems.push(Problem::unsupported(path, message, "remove it: brokers are told apart by name"));
    }
    // What is wrong up to here leaves nothing that could be served safely; a missing bootstrap backend does not.
    let mut unserved: Vec<Problem> = verdict.problems.iter().chain(&verdict.ref_problems).cloned().collect();
    let from = (Kind::KafkaRoute, &*object.meta.namespace);
    let mut bootstrap = Vec::new();
    for (i, reference) in spec.backend_refs.iter().enumerate() {
        let path = format!("spec.backendRefs[{i}]");
        bootstrap.push(target(backends, &mut verdict, from, reference.into(), &path, Use::Stream));
    }
    let mut brokers = BTreeMap::new();
    for (i, broker) in spec.broker_mapping.brokers.iter().enumerate() {
        let Ok(id) = i32::try_from(broker.id) else { continue };
        let mut backend = None;
        if let Some(reference) = &broker.backend_ref {
            let path = format!("spec.brokerMapping.brokers[{i}].backendRef");
            match target(backends, &mut verdict, from, reference.into(), &path, Use::Stream) {
                BackendTarget::Backend(key) => backend = Some(key),
                // Never the address from the metadata in its place: the user said where this broker is.
                BackendTarget::Invalid(_) => unserved.extend(verdict.ref_problems.last().cloned()),
            }
        }
        brokers.insert(id, BrokerOverride { backend });
    }
    let used: Vec<BackendKey> = bootstrap
        .iter()
        .filter_map(|target| match target {
            BackendTarget::Backend(key) => Some(key.clone()),
            BackendTarget::Invalid(_) => None,
        })
        .chain(brokers.values().filter_map(|broker| broker.backend.clone()))
        .collect();
    reach(backends, gateways, &parents, used.iter(), |_| Use::Stream);
    check_coverage(gateways, &parents, object.meta.generation, &mut verdict);
    let mut attachments: BTreeMap<ListenerRef, KafkaAttachment> = BTreeMap::new();
    for (_, _, listener, names) in attach::served(gateways, &parents) {
        attachments.entry(listener.clone()).or_insert_with(|| KafkaAttachment {
            listener,
            bootstrap: names.bootstrap.clone(),
            broker_pattern: format!("{}{{brokerId}}{}", names.pattern.0, names.pattern.1),
            broker_names: names.brokers.clone(),
        });
    }
    if !attachments.is_empty() {
        let (index, slices) = backends.lookup();
        let mut broker_addresses = addresses::of(index, slices, &used);
        // A folder's proxies are run by whoever started them: parameters mean nothing there, and say so.
        if !ctx.settings.standalone {
            let gateways = attachments.keys().map(|listener| &listener.gateway);
            let mut allowed = addresses::of_parameters(index, gateways);
            allowed.extend(broker_addresses.networks);
            broker_addresses.networks = allowed.into_iter().collect();
        }
        ctx.insert(Entity::KafkaRoute(Arc::new(snapshot::KafkaRoute {
            name: object_name(&object.meta),
            generation: object.meta.generation,
            attachments: attachments.into_values().collect(),
            backends: bootstrap,
            brokers,
            broker_addresses,
            topic_mappings: filters.topic_mappings,
            acls: filters.acls,
            unserved: (!unserved.is_empty()).then(|| join(&unserved)),
        })));
    }
    attach::finish(ctx, gateways, head, &parents, &verdict);
}

/// Claims all names of each attachment, or gives the attachment up.
fn claim<'n>(gateways: &[GatewayState<'_>], ports: &mut Ports<'n>, owner: &'n str, parents: &mut [Parent<'_, Names>]) {
    for parent in parents {
        let Ok(bonds) = &mut parent.bonds else { continue };
        let gateway = bonds.gateway;
        let own: Vec<usize> = bonds.listeners.iter().map(|(listener, _)| *listener).collect();
        let mut lost = Vec::new();
        bonds.listeners.retain(|(listener, names)| {
            let state = &gateways[gateway].listeners[*listener];
            if !gateways[gateway].serves(state) {
                return true;
            }
            let port = state.spec.port;
            let claimed: Vec<_> = names.server_names().collect();
            let before = lost.len();
            let mut elsewhere = false;
            for name in &claimed {
                match look(ports, gateways, (gateway, *listener), &own, owner, name) {
                    Claim::Free => {}
                    Claim::Elsewhere => elsewhere = true,
                    Claim::Taken(by) => lost.push(taken("spec.hostname", &names::describe(name), &by, port)),
                }
            }
            if elsewhere || lost.len() > before {
                return false;
            }
            for name in claimed {
                ports.entry((gateway, port)).or_default().insert(name, owner);
            }
            true
        });
        if bonds.listeners.is_empty() {
            parent.bonds = Err(lost);
        }
    }
}

/// Remarks on names that no certificate of their listener covers: clients that check would not connect.
fn check_coverage(
    gateways: &[GatewayState<'_>],
    parents: &[Parent<'_, Names>],
    generation: i64,
    verdict: &mut Verdict,
) {
    let mut problems = Vec::new();
    for (gateway, index, listener, names) in attach::served(gateways, parents) {
        verdict.warnings.extend(names::long_ids(names));
        let certificates = &gateways[gateway].listeners[index].certificates;
        let missing: Vec<_> = names
            .samples()
            .filter(|(_, sample)| !certificates.iter().any(|loaded| loaded.covers(sample)))
            .map(|(shown, _)| shown)
            .collect();
        if !missing.is_empty() {
            let message = format!("no certificate of listener {listener} covers {}", missing.join(", "));
            let hint = "add the names, or a wildcard for them, to the certificate";
            let code = Code::CertificateCoverage;
            problems.push(Problem::new("NamesNotCovered", code, "spec.hostname", message, hint).warning());
        }
    }
    if !problems.is_empty() {
        verdict.extra.push(fails(CERTIFICATE_COVERAGE, generation, "NamesNotCovered", join(&problems)));
        verdict.warnings.append(&mut problems);
    }
}
