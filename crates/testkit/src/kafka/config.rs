//! server.properties of one broker.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::Path;

/// The listeners every broker has, each on its own port of the broker's own address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Listener {
    /// 9092, advertised by address; anonymous clients are super users.
    Plaintext,
    /// 9093, a client certificate is asked for and may be left out.
    Ssl,
    /// 9094, SCRAM-SHA-512, SCRAM-SHA-256 and PLAIN.
    SaslSsl,
    /// 9096, as [`Self::SaslSsl`] without TLS, advertised by address.
    SaslPlaintext,
}

impl Listener {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plaintext, Self::Ssl, Self::SaslSsl, Self::SaslPlaintext];

    /// The listener's name in server.properties.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslSsl => "SASL_SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
        }
    }

    /// The port brokers bind.
    pub fn port(self) -> u16 {
        match self {
            Self::Plaintext => 9092,
            Self::Ssl => 9093,
            Self::SaslSsl => 9094,
            Self::SaslPlaintext => 9096,
        }
    }

    /// What the listener speaks.
    pub fn security(self) -> Security {
        match self {
            Self::Plaintext => Security::Plaintext,
            Self::Ssl => Security::Ssl,
            Self::SaslSsl => Security::SaslSsl,
            Self::SaslPlaintext => Security::SaslPlaintext,
        }
    }
}

/// Kafka's `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Security {
    /// Neither TLS nor SASL.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL over TLS.
    SaslSsl,
    /// SASL without TLS.
    SaslPlaintext,
}

impl Security {
    /// As Kafka writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslSsl => "SASL_SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
        }
    }

    fn sasl(self) -> bool {
        matches!(self, Self::SaslSsl | Self::SaslPlaintext)
    }
}

/// A listener beyond [`Listener::ALL`].
#[derive(Debug, Clone)]
pub struct ExtraListener {
    /// Such as `INTERNAL`; upper case.
    pub name: String,
    /// What it speaks.
    pub security: Security,
    /// The port brokers bind on their own address.
    pub port: u16,
    /// Host, where `{id}` stands for the node id, and port; default: the broker's address and [`Self::port`].
    pub advertised: Option<(String, u16)>,
}

/// A listener with what it advertises.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) name: String,
    pub(super) security: Security,
    pub(super) port: u16,
    pub(super) host: String,
    pub(super) advertised_port: u16,
}

impl Bound {
    pub(super) fn host_of(&self, id: u32, address: Ipv4Addr) -> String {
        if self.host.is_empty() { address.to_string() } else { self.host.replace("{id}", &id.to_string()) }
    }
}

pub(super) struct Broker<'a> {
    pub(super) id: u32,
    pub(super) address: Ipv4Addr,
    pub(super) listeners: &'a [Bound],
    pub(super) voters: &'a str,
    pub(super) brokers: usize,
    /// Whether it is a controller too.
    pub(super) controller: bool,
    pub(super) dir: &'a Path,
    pub(super) keystore: &'a Path,
    pub(super) truststore: &'a Path,
    pub(super) kafka_4: bool,
    pub(super) extra: &'a str,
}

pub(super) const CONTROLLER_PORT: u16 = 9095;

impl Broker<'_> {
    pub(super) fn properties(&self) -> String {
        let Self { id, address, dir, .. } = self;
        let (factor, isr) = (self.brokers.min(3), if self.brokers < 3 { 1 } else { 2 });
        let (mut bind, roles) = if self.controller {
            (format!("CONTROLLER://{address}:{CONTROLLER_PORT},"), "broker,controller")
        } else {
            (String::new(), "broker")
        };
        let (mut advertise, mut protocols) = (String::new(), "CONTROLLER:PLAINTEXT".to_owned());
        let mut sasl = String::new();
        for listener in self.listeners {
            let Bound { name, port, security, advertised_port, .. } = listener;
            let host = listener.host_of(*id, *address);
            let comma = if advertise.is_empty() { "" } else { "," };
            let _ = write!(bind, "{comma}{name}://{address}:{port}");
            let _ = write!(advertise, "{comma}{name}://{host}:{advertised_port}");
            let _ = write!(protocols, ",{name}:{}", security.name());
            if security.sasl() {
                let prefix = format!("listener.name.{}", name.to_lowercase());
                for mechanism in ["scram-sha-512", "scram-sha-256"] {
                    let _ = writeln!(
                        sasl,
                        "{prefix}.{mechanism}.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;"
                    );
                }
                let _ = writeln!(
                    sasl,
                    "{prefix}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
                     user_admin=\"admin-secret\" user_alice=\"alice-secret\" user_bob=\"bob-secret\";"
                );
            }
        }
        let token_key = if self.kafka_4 { "delegation.token.secret.key" } else { "delegation.token.master.key" };
        let newest = if self.kafka_4 {
            format!(
                "share.coordinator.state.topic.num.partitions=3\nshare.coordinator.state.topic.replication.factor={factor}\n\
                 share.coordinator.state.topic.min.isr={isr}\ngroup.share.min.heartbeat.interval.ms=500\n\
                 group.share.heartbeat.interval.ms=500\ngroup.consumer.min.heartbeat.interval.ms=500\n\
                 group.consumer.heartbeat.interval.ms=500\n"
            )
        } else {
            String::new()
        };
        format!(
            "process.roles={roles}\n\
             node.id={id}\n\
             broker.rack=rack-{id}\n\
             controller.quorum.voters={voters}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=PLAINTEXT\n\
             listeners={bind}\n\
             advertised.listeners={advertise}\n\
             listener.security.protocol.map={protocols}\n\
             log.dirs={dir}/data\n\
             ssl.keystore.type=PEM\n\
             ssl.keystore.location={keystore}\n\
             ssl.truststore.type=PEM\n\
             ssl.truststore.location={truststore}\n\
             listener.name.ssl.ssl.client.auth=requested\n\
             sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN\n\
             {sasl}\
             authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             super.users=User:ANONYMOUS;User:admin\n\
             num.partitions=3\n\
             default.replication.factor={factor}\n\
             min.insync.replicas={isr}\n\
             offsets.topic.num.partitions=3\n\
             offsets.topic.replication.factor={factor}\n\
             transaction.state.log.num.partitions=3\n\
             transaction.state.log.replication.factor={factor}\n\
             transaction.state.log.min.isr={isr}\n\
             {newest}\
             group.initial.rebalance.delay.ms=0\n\
             {token_key}=test-token-key\n\
             num.network.threads=2\n\
             num.io.threads=3\n\
             num.recovery.threads.per.data.dir=1\n\
             log.cleaner.dedupe.buffer.size=4194304\n\
             log.index.size.max.bytes=1048576\n\
             broker.heartbeat.interval.ms=500\n\
             {extra}\n",
            voters = self.voters,
            dir = dir.display(),
            keystore = self.keystore.display(),
            truststore = self.truststore.display(),
            extra = self.extra,
        )
    }
}
