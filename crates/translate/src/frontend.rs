//! Validation of client certificates (GEP-91): `spec.tls.frontend` of a Gateway, which is for all of its listeners that end
//! TLS, those of ListenerSets too.

use crate::Context;
use crate::ca::{self, Bad};
use crate::findings::Problem;
use crate::index::Target;
use resources::gateway_api::{FrontendTlsValidation, FrontendValidationMode, ObjectReference};
use resources::{Code, Gateway, Kind};
use snapshot::ClientValidation;
use std::collections::BTreeMap;

/// What a Gateway asks of clients, by port.
#[derive(Default)]
pub(crate) struct Frontend {
    default: Option<Validation>,
    per_port: BTreeMap<u16, Option<Validation>>,
}

/// What is asked of clients.
pub(crate) struct Validation {
    /// References that do not resolve.
    pub(crate) ref_problems: Vec<Problem>,
    /// What the proxy gets; the problem is that nobody could be let in.
    pub(crate) validation: Result<ClientValidation, Problem>,
    /// Whether everybody is let in by a listener that is served.
    insecure: bool,
}

impl Frontend {
    /// What is asked of clients of a port that ends TLS; `None`: nothing.
    pub(crate) fn of_port(&self, port: u16) -> Option<&Validation> {
        self.per_port.get(&port).unwrap_or(&self.default).as_ref()
    }

    /// Whether clients without a valid certificate are let in somewhere although one is asked for.
    pub(crate) fn is_insecure(&self) -> bool {
        self.default.iter().chain(self.per_port.values().flatten()).any(|validation| validation.insecure)
    }

    /// Everything that is wrong with it.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Problem> {
        let all = self.default.iter().chain(self.per_port.values().flatten());
        all.flat_map(|validation| validation.ref_problems.iter().chain(validation.validation.as_ref().err()))
    }
}

/// Reads what a Gateway asks of its clients.
pub(crate) fn translate(ctx: &mut Context<'_>, gateway: &Gateway) -> Frontend {
    let Some(frontend) = gateway.spec.tls.as_ref().and_then(|tls| tls.frontend.as_ref()) else {
        return Frontend::default();
    };
    let mut read = |validation: &Option<FrontendTlsValidation>, path: String| {
        validation.as_ref().map(|it| validation_of(ctx, gateway, it, &format!("{path}.validation")))
    };
    let default = read(&frontend.default.validation, "spec.tls.frontend.default".to_owned());
    let per_port = frontend
        .per_port
        .iter()
        .enumerate()
        .map(|(i, entry)| (entry.port, read(&entry.tls.validation, format!("spec.tls.frontend.perPort[{i}].tls"))));
    Frontend { default, per_port: per_port.collect() }
}

fn validation_of(ctx: &mut Context<'_>, gateway: &Gateway, from: &FrontendTlsValidation, path: &str) -> Validation {
    let (mut ref_problems, mut bundles) = (Vec::new(), Vec::new());
    for (i, reference) in from.ca_certificate_refs.iter().enumerate() {
        match bundle(ctx, &gateway.meta.namespace, reference, &format!("{path}.caCertificateRefs[{i}]")) {
            Ok(pem) => bundles.push(pem),
            Err(problem) => ref_problems.push(problem),
        }
    }
    let insecure = from.mode == FrontendValidationMode::AllowInsecureFallback;
    let validation = match bundles.is_empty() {
        false => Ok(ClientValidation { ca_certificates: bundles.join("\n").into(), insecure_fallback: insecure }),
        true => {
            let (path, message) = (format!("{path}.caCertificateRefs"), "no CA certificate can be used");
            let hint = "nothing is served until clients can be checked";
            Err(Problem::new("NoValidCACertificate", Code::ClientCa, path, message, hint))
        }
    };
    Validation { ref_problems, validation, insecure }
}

fn bundle(ctx: &mut Context<'_>, own: &str, reference: &ObjectReference, path: &str) -> Result<String, Problem> {
    let (group, kind, name) = (&*reference.group, &*reference.kind, &*reference.name);
    let namespace = reference.namespace.as_deref().unwrap_or(own);
    let found = ca::find(ctx, group, kind, namespace, name);
    if found.as_ref().is_ok_and(|key| key.kind != Kind::ClusterTrustBundle) {
        let target = Target { group, kind, namespace, name };
        if !ctx.index.permitted(Kind::Gateway, own, &target) {
            let message = format!("{kind} {namespace}/{name} is in another namespace, which does not permit it");
            let hint = target.grant_hint(Kind::Gateway, own);
            return Err(Problem::new("RefNotPermitted", Code::RefNotPermitted, path, message, hint));
        }
    }
    found.and_then(|key| ca::bundle(ctx, &key)).map_err(|bad| match bad {
        Bad::Kind(message, hint) => {
            Problem::new("InvalidCACertificateKind", Code::InvalidKind, format!("{path}.kind"), message, hint)
        }
        Bad::Missing(message) => {
            Problem::new("InvalidCACertificateRef", Code::ClientCa, format!("{path}.name"), message, ca::HINT)
        }
        Bad::Invalid(message) => Problem::new("InvalidCACertificateRef", Code::ClientCa, path, message, ca::HINT),
    })
}
