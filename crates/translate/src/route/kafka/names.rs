//! Names of a KafkaRoute under a listener: bootstrap, brokers by pattern, brokers with names of their own.

use crate::findings::Problem;
use crate::listener::ListenerState;
use crate::sni::{ServerName, clash};
use resources::Code;
use resources::kafka::KafkaRouteSpec;
use snapshot::Hostname;
use std::collections::BTreeMap;

const BROKER_ID: &str = "{brokerId}";
/// The longest broker id, which is an `i32`.
const LONGEST_ID: &str = "2147483647";

/// Full names, in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) bootstrap: String,
    /// What stands before and behind the broker's id.
    pub(crate) pattern: (String, String),
    /// Brokers with names of their own.
    pub(crate) brokers: BTreeMap<i32, String>,
}

impl Names {
    /// All names, as they are claimed.
    pub(crate) fn server_names(&self) -> impl Iterator<Item = ServerName> {
        let pattern = ServerName::Broker(self.pattern.0.clone(), self.pattern.1.clone());
        let exact = std::iter::once(&self.bootstrap).chain(self.brokers.values()).cloned().map(ServerName::Exact);
        exact.chain([pattern])
    }

    /// All names, as they are shown and as a client would send them.
    pub(crate) fn samples(&self) -> impl Iterator<Item = (String, String)> {
        let (prefix, suffix) = &self.pattern;
        let exact = std::iter::once(&self.bootstrap).chain(self.brokers.values()).map(|n| (n.clone(), n.clone()));
        exact.chain([(format!("{prefix}{BROKER_ID}{suffix}"), format!("{prefix}0{suffix}"))])
    }
}

/// A name for messages.
pub(crate) fn describe(name: &ServerName) -> String {
    match name {
        ServerName::Exact(name) => name.clone(),
        ServerName::Wildcard(suffix) => format!("*{suffix}"),
        ServerName::Broker(prefix, suffix) => format!("{prefix}{BROKER_ID}{suffix}"),
    }
}

/// What is wrong with the names under any listener.
pub(crate) fn check(spec: &KafkaRouteSpec) -> Option<Problem> {
    let pattern = &spec.broker_mapping.hostname;
    if pattern.matches(BROKER_ID).count() != 1 {
        let path = "spec.brokerMapping.hostname";
        let message = format!("{pattern} must contain {BROKER_ID} once");
        return Some(invalid(path.to_owned(), message, "for example broker-{brokerId}-{hostname}"));
    }
    None
}

fn invalid(path: String, message: String, hint: &str) -> Problem {
    Problem::new("UnsupportedValue", Code::BrokerNames, path, message, hint)
}

/// The names under a listener, or why it has none for the route.
pub(crate) fn complete(spec: &KafkaRouteSpec, listener: &ListenerState<'_>) -> Result<Names, Problem> {
    let bootstrap = full_name(&spec.hostname, listener, "spec.hostname")?;
    let mapping = &spec.broker_mapping;
    let path = "spec.brokerMapping.hostname";
    let written = mapping.hostname.replace("{hostname}", &bootstrap);
    // The id is one part of a label, so the shortest one shows whether the name fits.
    let (before, after) = written.split_once(BROKER_ID).unwrap_or((&written, ""));
    let sample = full_name(&format!("{before}0{after}"), listener, path)?;
    let before = before.to_ascii_lowercase();
    let after = sample.strip_prefix(&before).and_then(|rest| rest.strip_prefix('0')).unwrap_or_default().to_owned();
    let mut brokers = BTreeMap::new();
    for (i, broker) in mapping.brokers.iter().enumerate() {
        if let (Some(name), Ok(id)) = (&broker.hostname, i32::try_from(broker.id)) {
            let path = format!("spec.brokerMapping.brokers[{i}].hostname");
            brokers.insert(id, full_name(&name.replace("{hostname}", &bootstrap), listener, &path)?);
        }
    }
    let names = Names { bootstrap, pattern: (before, after), brokers };
    check_distinct(spec, &names)?;
    Ok(names)
}

/// A label is completed under a wildcard listener; a full name must lie within the listener's.
fn full_name(written: &str, listener: &ListenerState<'_>, path: &str) -> Result<String, Problem> {
    let written = written.to_ascii_lowercase();
    let no_match = |message: String, hint: &str| {
        let (reason, code) = ("NoMatchingListenerHostname", Code::NoMatchingHostname);
        Err(Problem::new(reason, code, path, message, hint))
    };
    let full = if written.contains('.') {
        if !listener.hostname.matches(&written) {
            let message = format!("{written} does not lie within {}", listener.describe());
            return no_match(message, "give the listener a wildcard hostname that takes in all names of the route");
        }
        written
    } else {
        let Hostname::Wildcard(suffix) = &listener.hostname else {
            let message = format!("the label {written} cannot be completed under {}", listener.describe());
            return no_match(message, "give the listener a hostname such as *.kafka.example.com, or write a full name");
        };
        format!("{written}{suffix}")
    };
    if let Some(label) = full.split('.').find(|label| label.len() > 63) {
        let message = format!("the label {label} of {full} is longer than 63 octets");
        return Err(invalid(path.to_owned(), message, "shorten it"));
    }
    if full.len() > 253 {
        return Err(invalid(path.to_owned(), format!("{full} is longer than 253 octets"), "shorten it"));
    }
    Ok(full)
}

/// Every name must mean one thing.
fn check_distinct(spec: &KafkaRouteSpec, names: &Names) -> Result<(), Problem> {
    let pattern = ServerName::Broker(names.pattern.0.clone(), names.pattern.1.clone());
    let shown = describe(&pattern);
    if clash(&pattern, &ServerName::Exact(names.bootstrap.clone())) {
        let message = format!("the bootstrap name {} is also a broker's by the pattern {shown}", names.bootstrap);
        return Err(invalid("spec.brokerMapping.hostname".into(), message, "change the pattern"));
    }
    for (i, broker) in spec.broker_mapping.brokers.iter().enumerate() {
        let own = i32::try_from(broker.id).ok().and_then(|id| Some((id, names.brokers.get(&id)?)));
        let Some((id, name)) = own else { continue };
        let path = || format!("spec.brokerMapping.brokers[{i}].hostname");
        if *name == names.bootstrap {
            return Err(invalid(path(), format!("{name} is the bootstrap name"), "choose another name"));
        }
        if let Some((other, _)) = names.brokers.iter().find(|(other, theirs)| **other != id && *theirs == name) {
            return Err(invalid(path(), format!("{name} is also the name of broker {other}"), "choose another name"));
        }
        let by_pattern = name.strip_prefix(&names.pattern.0).and_then(|rest| rest.strip_suffix(&names.pattern.1));
        let other =
            by_pattern.and_then(|digits| digits.parse::<u32>().ok()).and_then(|other| i32::try_from(other).ok());
        if let Some(other) = other.filter(|other| *other != id && !names.brokers.contains_key(other)) {
            let message = format!("{name} is the name of broker {other} by the pattern {shown}");
            return Err(invalid(path(), message, "choose another name"));
        }
    }
    Ok(())
}

/// A remark if large broker ids would make a label too long.
pub(crate) fn long_ids(names: &Names) -> Option<Problem> {
    let (prefix, suffix) = &names.pattern;
    let longest = format!("{prefix}{LONGEST_ID}{suffix}");
    let label = longest.split('.').find(|label| label.len() > 63)?;
    let digits = LONGEST_ID.len() - (label.len() - 63).min(LONGEST_ID.len() - 1);
    let message = format!("broker ids of more than {digits} digits make a label longer than 63 octets");
    Some(invalid("spec.brokerMapping.hostname".into(), message, "shorten the name").warning())
}
