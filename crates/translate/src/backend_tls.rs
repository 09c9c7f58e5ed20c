//! BackendTLSPolicy (GEP-1897): which policy stands for which backend, whether it is valid, and for which Gateways.

use crate::Context;
use crate::backend::Backends;
use crate::ca::{self, Bad};
use crate::findings::Problem;
use crate::gateway::GatewayState;
use crate::status::{Status, unless};
use resources::Code;
use resources::gateway_api::{BackendTlsPolicyValidation, LocalObjectReference, ParentReference, SubjectAltNameType};
use resources::status::{PolicyAncestorStatus, PolicyStatus};
use resources::{Backend, BackendTlsPolicy, GATEWAY_GROUP, Key, Kind, Service};
use snapshot::{BackendKey, BackendKind, BackendTls, CaCertificates, ObjectName, SubjectAltName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// API: at most this many ancestors in a status.
const MAX_ANCESTORS: usize = 16;

/// All policies.
#[derive(Default)]
pub(crate) struct Policies {
    policies: Vec<Policy>,
    by_target: BTreeMap<PolicyTarget, usize>,
}

/// What a policy, or a part of one, is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PolicyTarget {
    kind: BackendKind,
    name: ObjectName,
    /// Name of the Service's port.
    section: Option<String>,
}

/// A policy and what it comes to.
pub(crate) struct Policy {
    key: Key,
    generation: i64,
    problems: Vec<Problem>,
    ref_problems: Vec<Problem>,
    /// Targets where it stands, and targets where an older one does.
    won: Vec<PolicyTarget>,
    lost: Vec<(PolicyTarget, Problem)>,
    /// Without client certificate; the error is for people.
    pub(crate) tls: Result<BackendTls, String>,
}

impl Policies {
    /// The policy for a port of a Service; one that names the port comes before one for all ports.
    pub(crate) fn of_service(&self, name: &ObjectName, port: Option<&str>) -> Option<&Policy> {
        let target = |section: Option<&str>| PolicyTarget {
            kind: BackendKind::Service,
            name: name.clone(),
            section: section.map(str::to_owned),
        };
        let named = port.and_then(|port| self.by_target.get(&target(Some(port))));
        named.or_else(|| self.by_target.get(&target(None))).map(|i| &self.policies[*i])
    }

    /// The policy for a Backend.
    pub(crate) fn of_backend(&self, name: &ObjectName) -> Option<&Policy> {
        let target = PolicyTarget { kind: BackendKind::Backend, name: name.clone(), section: None };
        self.by_target.get(&target).map(|i| &self.policies[*i])
    }
}

/// Reads all policies, the older first.
pub(crate) fn translate(ctx: &mut Context<'_>) -> Policies {
    let mut objects: Vec<&Arc<BackendTlsPolicy>> = ctx.index.resources().backend_tls_policies.values().collect();
    objects.sort_by(|a, b| a.meta.precedence().cmp(&b.meta.precedence()));
    let mut all = Policies::default();
    for object in objects {
        let mut policy = read(ctx, object);
        for (i, reference) in object.spec.target_refs.iter().enumerate() {
            let path = format!("spec.targetRefs[{i}]");
            match target(ctx, object, i) {
                Err(problem) => ctx.report(&object.key(), &problem),
                Ok(target) => match all.by_target.get(&target).map(|at| &all.policies[*at].key) {
                    Some(owner) => {
                        let message =
                            format!("{owner} has the same target {}, and is older or first by name", reference.name);
                        let hint = "remove one of them";
                        let problem = Problem::new("Conflicted", Code::PolicyConflict, path, message, hint);
                        ctx.report(&object.key(), &problem);
                        policy.lost.push((target, problem));
                    }
                    None => {
                        all.by_target.insert(target.clone(), all.policies.len());
                        policy.won.push(target);
                    }
                },
            }
        }
        ctx.report_all(&policy.key, policy.problems.iter().chain(&policy.ref_problems));
        all.policies.push(policy);
    }
    all
}

fn target(ctx: &Context<'_>, policy: &BackendTlsPolicy, index: usize) -> Result<PolicyTarget, Problem> {
    let reference = &policy.spec.target_refs[index];
    let (namespace, name) = (&*policy.meta.namespace, &*reference.name);
    let problem = |field: &str, message: String, hint: &str| {
        let path = format!("spec.targetRefs[{index}].{field}");
        Problem::new("TargetNotFound", Code::TargetNotFound, path, message, hint)
    };
    let section = reference.section_name.clone();
    let kind = match Kind::find_in_group(&reference.group, &reference.kind) {
        Some(Kind::Service) => {
            let Some(service) = ctx.index.resources().get::<Service>(namespace, name) else {
                return Err(problem("name", format!("Service {namespace}/{name} does not exist"), "create it"));
            };
            let has_port = |section: &String| service.spec.ports.iter().any(|p| p.name.as_ref() == Some(section));
            if let Some(section) = section.as_ref().filter(|section| !has_port(section)) {
                let message = format!("Service {namespace}/{name} has no port named {section}");
                return Err(problem("sectionName", message, "name a port of the Service"));
            }
            BackendKind::Service
        }
        Some(Kind::Backend) => {
            let found = ctx.index.resources().get::<Backend>(namespace, name);
            if found.is_none_or(|found| found.group() != reference.group) {
                let message = format!("Backend {namespace}/{name} of group {} does not exist", reference.group);
                return Err(problem("name", message, "create it"));
            }
            if section.is_some() {
                return Err(problem("sectionName", "a Backend has no sections".into(), "remove it"));
            }
            BackendKind::Backend
        }
        _ => {
            let message = format!("kind {} of group {:?} cannot be a target", reference.kind, reference.group);
            return Err(problem("kind", message, "name a Service or a Backend"));
        }
    };
    Ok(PolicyTarget { kind, name: ObjectName::new(namespace, name), section })
}

fn read(ctx: &mut Context<'_>, object: &Arc<BackendTlsPolicy>) -> Policy {
    let (mut problems, mut ref_problems) = (Vec::new(), Vec::new());
    let validation = &object.spec.validation;
    if let Some((option, _)) = object.spec.options.first_key_value() {
        let message = format!("option {option} is not known, and may bear on security");
        problems.push(Problem::new("Invalid", Code::UnsupportedValue, "spec.options", message, "remove it"));
    }
    let namespace = &object.meta.namespace;
    let tls = self::validation(ctx, namespace, validation, "spec.validation", &mut problems, &mut ref_problems);
    let tls = match (tls, problems.first()) {
        (Some(tls), None) => Ok(tls),
        (_, Some(problem)) => Err(format!("{}: {problem}", object.key())),
        (None, None) => Err(object.key().to_string()),
    };
    Policy {
        key: object.key(),
        generation: object.meta.generation,
        problems,
        ref_problems,
        won: Vec::new(),
        lost: Vec::new(),
        tls,
    }
}

/// How certificates are checked, under the field `path` of an object of `namespace`; `None` if there is a problem.
pub(crate) fn validation(
    ctx: &mut Context<'_>,
    namespace: &str,
    validation: &BackendTlsPolicyValidation,
    path: &str,
    problems: &mut Vec<Problem>,
    ref_problems: &mut Vec<Problem>,
) -> Option<BackendTls> {
    let mut bundles = Vec::new();
    for (i, reference) in validation.ca_certificate_refs.iter().enumerate() {
        match bundle(ctx, namespace, reference, &format!("{path}.caCertificateRefs[{i}]")) {
            Ok(pem) => bundles.push(pem),
            Err(problem) => ref_problems.push(problem),
        }
    }
    let ca_certificates = match validation.well_known_ca_certificates.as_deref() {
        Some("System") => Some(CaCertificates::System),
        Some(other) => {
            let message = format!("{other} is not known");
            problems.push(Problem::new(
                "Invalid",
                Code::InvalidPolicy,
                format!("{path}.wellKnownCACertificates"),
                message,
                "use System",
            ));
            None
        }
        None if bundles.is_empty() => {
            let message = "no CA certificate can be used";
            let path = format!("{path}.caCertificateRefs");
            problems.push(Problem::new("NoValidCACertificate", Code::InvalidPolicy, path, message, ""));
            None
        }
        None => Some(CaCertificates::Pem(bundles.join("\n"))),
    };
    let subject_alt_names = validation.subject_alt_names.iter().filter_map(|name| match name.name_type {
        SubjectAltNameType::Hostname => {
            name.hostname.as_ref().map(|n| SubjectAltName::Hostname(n.to_ascii_lowercase()))
        }
        SubjectAltNameType::Uri => name.uri.clone().map(SubjectAltName::Uri),
    });
    Some(BackendTls {
        hostname: validation.hostname.to_ascii_lowercase(),
        ca_certificates: ca_certificates?,
        subject_alt_names: subject_alt_names.collect(),
        client_certificate: None,
    })
}

fn bundle(
    ctx: &mut Context<'_>,
    namespace: &str,
    reference: &LocalObjectReference,
    path: &str,
) -> Result<String, Problem> {
    let found = ca::find(ctx, &reference.group, &reference.kind, namespace, &reference.name);
    let invalid =
        |path: String, message| Problem::new("InvalidCACertificateRef", Code::InvalidPolicy, path, message, ca::HINT);
    found.and_then(|key| ca::bundle(ctx, &key)).map_err(|bad| match bad {
        Bad::Kind(message, hint) => {
            Problem::new("InvalidKind", Code::InvalidKind, format!("{path}.kind"), message, hint)
        }
        Bad::Missing(message) => invalid(format!("{path}.name"), message),
        Bad::Invalid(message) => invalid(path.to_owned(), message),
    })
}

/// Writes the statuses: one ancestor for each Gateway whose routes reach a target.
pub(crate) fn finish(
    ctx: &mut Context<'_>,
    gateways: &[GatewayState<'_>],
    policies: &Policies,
    backends: &Backends<'_>,
) {
    for policy in &policies.policies {
        let reaching = |wanted: &PolicyTarget| -> BTreeSet<ObjectName> {
            let hit = |key: &BackendKey| {
                key.kind == wanted.kind
                    && key.name == wanted.name
                    && wanted.section.as_deref().is_none_or(|section| backends.port_name(key) == Some(section))
            };
            backends.tls_reaches().filter(|(key, _)| hit(key)).flat_map(|(_, from)| from.clone()).collect()
        };
        let won: BTreeSet<_> = policy.won.iter().flat_map(reaching).collect();
        // By Gateway, what speaks against the policy there.
        let mut ancestors: BTreeMap<ObjectName, Vec<Problem>> = BTreeMap::new();
        for (target, problem) in &policy.lost {
            for gateway in reaching(target).into_iter().filter(|gateway| !won.contains(gateway)) {
                ancestors.entry(gateway).or_default().push(problem.clone());
            }
        }
        ancestors.extend(won.into_iter().map(|gateway| (gateway, policy.problems.clone())));
        let mut status = PolicyStatus::default();
        for (name, problems) in ancestors.into_iter().take(MAX_ANCESTORS) {
            let Some(gateway) = gateways.iter().find(|gateway| gateway.name == name) else { continue };
            status.ancestors.push(PolicyAncestorStatus {
                ancestor_ref: ParentReference {
                    group: GATEWAY_GROUP.to_owned(),
                    kind: "Gateway".to_owned(),
                    namespace: Some(name.namespace.to_string()),
                    name: name.name.to_string(),
                    section_name: None,
                    port: None,
                },
                controller_name: gateway.controller_name.clone(),
                conditions: vec![
                    unless("Accepted", policy.generation, &problems, "the policy is in force"),
                    unless("ResolvedRefs", policy.generation, &policy.ref_problems, "every reference resolves"),
                ],
            });
        }
        if !status.ancestors.is_empty() {
            ctx.set_status(policy.key.clone(), Status::Policy(status));
        }
    }
}
