//! `version`.

use crate::cli::VersionOutput;
use kafka::messages::Body;
use resources::Kind;
use serde::Serialize;
use std::collections::BTreeMap;

/// Release of the Gateway API whose objects are read.
pub const GATEWAY_API: &str = "v1.7.0";
/// Release of Kafka whose protocol is spoken; older and newer clients and brokers agree on what both know.
pub const KAFKA_PROTOCOL: &str = "4.4.0";

/// Kinds that are read and not served yet.
const UNSERVED: [Kind; 8] = [
    Kind::GrpcRoute,
    Kind::TcpRoute,
    Kind::UdpRoute,
    Kind::ListenerSet,
    Kind::KafkaHeaderPolicy,
    Kind::EnvoyProxy,
    Kind::SecurityPolicy,
    Kind::ClientTrafficPolicy,
];

/// The shape of `version -o json`; stable.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// This program.
    pub version: &'static str,
    /// The Gateway API.
    pub gateway_api: &'static str,
    /// Kafka's protocol.
    pub kafka_protocol: &'static str,
    /// The highest version of Kafka's Fetch API, the one that grows fastest.
    pub kafka_fetch: i16,
    /// Kinds of objects that are served, and the versions under which each is read.
    pub kinds: BTreeMap<&'static str, &'static [&'static str]>,
}

impl Version {
    /// Of this program.
    pub fn current() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            gateway_api: GATEWAY_API,
            kafka_protocol: KAFKA_PROTOCOL,
            kafka_fetch: kafka::messages::FetchRequest::MAX,
            kinds: Kind::ALL
                .iter()
                .filter(|kind| !UNSERVED.contains(kind))
                .map(|kind| (kind.as_str(), kind.api_versions()))
                .collect(),
        }
    }
}

/// The answer to `version`.
pub fn version(output: VersionOutput) -> String {
    let version = Version::current();
    match output {
        VersionOutput::Json => serde_json::to_string_pretty(&version).unwrap_or_default() + "\n",
        VersionOutput::Text => format!(
            "sluicegate {}\nGateway API {}\nKafka protocol {}\nServes {}\n",
            version.version,
            version.gateway_api,
            version.kafka_protocol,
            version.kinds.into_keys().collect::<Vec<_>>().join(", ")
        ),
    }
}
