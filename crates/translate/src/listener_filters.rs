//! Filters of listeners (GEP-5224).

use crate::Context;
use crate::backend::{Backends, Use};
use crate::findings::Problem;
use crate::gateway::GatewayState;
use crate::listener::Protocol;
use crate::route::filters::Filters;
use resources::Kind;
use resources::gateway_api::ListenerFilterType;

/// Compiles the filters of every listener. One that cannot be served keeps its listener from being accepted.
pub(crate) fn translate(ctx: &mut Context<'_>, gateways: &mut [GatewayState<'_>], backends: &mut Backends<'_>) {
    for gateway in gateways {
        for listener in &mut gateway.listeners {
            let requests = listener.spec.filters.as_ref().map_or(&[][..], |filters| &filters.requests);
            if requests.is_empty() {
                continue;
            }
            let path = format!("spec.listeners[{}].filters", listener.place);
            if !matches!(listener.protocol, Some(Protocol::Http | Protocol::Https)) {
                let message = "filters may only be set when protocol is HTTP or HTTPS";
                listener.problems.push(Problem::unsupported(path, message, "remove them"));
                continue;
            }
            let kind = if listener.set.is_some() { Kind::ListenerSet } else { Kind::Gateway };
            let mut filters = Filters::new(backends, (kind, listener.namespace));
            for (i, filter) in requests.iter().enumerate() {
                let path = format!("{path}.requests[{i}]");
                let compiled = match filter.filter_type {
                    ListenerFilterType::ExternalAuth => {
                        filter.external_auth.as_ref().map(|settings| filters.external_auth(settings, &path))
                    }
                    ListenerFilterType::ExtensionRef => {
                        filter.extension_ref.as_ref().map(|reference| filters.extension(reference, &path))
                    }
                };
                match compiled {
                    Some(compiled) => listener.filters.extend(compiled),
                    None => filters.no_settings(&path, filter.filter_type.as_str()),
                }
            }
            let Filters { problems, ref_problems, warnings, .. } = filters;
            listener.problems.extend(problems);
            listener.ref_problems.extend(ref_problems);
            if listener.set.is_none() {
                ctx.report_all(&gateway.key, &warnings);
            }
            for key in listener.filters.iter().filter_map(|auth| auth.backend.key()) {
                backends.reach(key, &gateway.name, Use::Http);
            }
        }
    }
}
