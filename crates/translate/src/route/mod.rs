//! Routes, by kind.

pub(crate) mod filters;
pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod kafka;
pub(crate) mod shadow;
pub(crate) mod stream;
pub(crate) mod tls;
pub(crate) mod transport;

use crate::attach::{Parent, Verdict};
use crate::backend::{Backends, Reference, Use};
use crate::findings::Problem;
use crate::gateway::GatewayState;
use crate::listener::ListenerState;
use resources::{Code, Kind};
use snapshot::{BackendKey, BackendTarget, Hostname};

/// The bond of a route with hostnames to a listener: those of its hostnames that the listener answers to, each once,
/// sorted. They are as written, also where the listener's is narrower: they have the precedence of what is written
/// (`GatewayRouteHostnameIntersectionPrecedence`).
pub(crate) fn bind_hostnames(written: &[String]) -> impl FnMut(&ListenerState<'_>) -> Result<Vec<Hostname>, Problem> {
    let wanted: Vec<Hostname> = match written.is_empty() {
        true => vec![Hostname::Any],
        false => written.iter().map(|name| Hostname::parse(name)).collect(),
    };
    move |listener| {
        let fits = |name: &&Hostname| name.intersect(&listener.hostname).is_some();
        let mut names: Vec<_> = wanted.iter().filter(fits).cloned().collect();
        names.sort();
        names.dedup();
        if !names.is_empty() {
            return Ok(names);
        }
        let message = format!("none of {} lies within {}", written.join(", "), listener.describe());
        let hint = "change the hostnames, or the listener's";
        let (reason, code) = ("NoMatchingListenerHostname", Code::NoMatchingHostname);
        Err(Problem::new(reason, code, "spec.hostnames", message, hint))
    }
}

/// Resolves a backendRef for a snapshot; what is wrong goes into the verdict.
pub(crate) fn target(
    backends: &Backends<'_>,
    verdict: &mut Verdict,
    from: (Kind, &str),
    reference: Reference<'_>,
    path: &str,
    usage: Use,
) -> BackendTarget {
    match backends.resolve(from.0, from.1, reference, path, usage) {
        Ok((key, remarks)) => {
            verdict.warnings.extend(remarks);
            BackendTarget::Backend(key)
        }
        Err(problem) => {
            let why = problem.to_string();
            verdict.ref_problems.push(problem);
            BackendTarget::Invalid(why)
        }
    }
}

/// Notes for each backend the Gateways that a route is attached to; `usage` says by listener what it does there.
pub(crate) fn reach<'k, T>(
    backends: &mut Backends<'_>,
    gateways: &[GatewayState<'_>],
    parents: &[Parent<'_, T>],
    keys: impl Iterator<Item = &'k BackendKey> + Clone,
    usage: impl Fn(&crate::listener::ListenerState<'_>) -> Use,
) {
    for bonds in parents.iter().filter_map(|parent| parent.bonds.as_ref().ok()) {
        let gateway = &gateways[bonds.gateway];
        for (listener, _) in &bonds.listeners {
            for key in keys.clone() {
                backends.reach(key, &gateway.name, usage(&gateway.listeners[*listener]));
            }
        }
    }
}

/// Checks that an expression compiles as the proxy will: for the whole text, within a bounded size.
pub(crate) fn check_regex(expression: &str) -> Result<(), String> {
    // Alone first, so that `a)|(b` cannot step out of the group that anchors it.
    for text in [expression, &format!("^(?:{expression})$")] {
        let built = regex::RegexBuilder::new(text).size_limit(1 << 20).dfa_size_limit(1 << 20).build();
        built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the expression is too large".to_owned(),
            // The last line says what; those before draw where.
            other => {
                let text = other.to_string();
                text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        })?;
    }
    Ok(())
}

/// A problem with a regular expression.
pub(crate) fn regex_problem(path: String, expression: &str, why: &str) -> Problem {
    let message = format!("{expression:?} is no regular expression: {why}");
    let hint = "use RE2 syntax, without look-around and back-references";
    Problem::new("UnsupportedValue", resources::Code::InvalidPattern, path, message, hint)
}

#[cfg(test)]
mod tests {
    use super::check_regex;

    #[test]
    fn expressions_are_checked_alone_and_bounded() {
        assert!(check_regex("a|b").is_ok());
        assert_eq!(check_regex("a)|(b"), Err("unopened group".into()));
        assert_eq!(check_regex("(a{1000}){1000}"), Err("the expression is too large".into()));
        assert!(check_regex(r"(a)\1").is_err_and(|why| why.contains("backreferences are not supported")));
    }
}
