//! Where a client connects, and as whom.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::certs::Identity;
use crate::hosts::Hosts;
use crate::kafka::{KafkaCluster, Listener, Security};

/// Kafka's `security.protocol`.
pub type Protocol = Security;

/// A user of [`KafkaCluster`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: &'static str,
    /// The password.
    pub password: &'static str,
}

impl User {
    /// The super user.
    pub const ADMIN: Self = Self { name: "admin", password: "admin-secret" };
    /// No rights until ACLs are added.
    pub const ALICE: Self = Self { name: "alice", password: "alice-secret" };
    /// No rights until ACLs are added.
    pub const BOB: Self = Self { name: "bob", password: "bob-secret" };
}

/// SASL by name and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub mechanism: String,
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Where a client connects, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    bootstrap: String,
    protocol: Protocol,
    ca_pem: Option<String>,
    identity: Option<Identity>,
    sasl: Option<Sasl>,
    hosts: Hosts,
}

impl Target {
    /// A plaintext target at `host:port,…`.
    pub fn plaintext(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            protocol: Security::Plaintext,
            ca_pem: None,
            identity: None,
            sasl: None,
            hosts: Hosts::new(),
        }
    }

    /// A TLS target at `host:port,…` whose certificate chains to this CA.
    pub fn tls(bootstrap: impl Into<String>, ca_pem: &str) -> Self {
        Self { protocol: Security::Ssl, ca_pem: Some(ca_pem.to_owned()), ..Self::plaintext(bootstrap) }
    }

    /// A cluster itself, with no gateway between; SASL listeners still want a user.
    pub fn direct(kafka: &KafkaCluster, listener: Listener) -> Self {
        let bootstrap = kafka.bootstrap(listener);
        let target = match listener.security() {
            Security::Ssl | Security::SaslSsl => Self::tls(bootstrap, kafka.ca_pem()),
            Security::Plaintext | Security::SaslPlaintext => Self::plaintext(bootstrap),
        };
        target.hosts(kafka.hosts())
    }

    /// Adds names.
    #[must_use]
    pub fn hosts(mut self, hosts: &Hosts) -> Self {
        self.hosts = self.hosts.merged(hosts);
        self
    }

    /// Shows a client certificate.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Logs in by this mechanism.
    #[must_use]
    pub fn sasl(mut self, mechanism: &str, user: User) -> Self {
        self.protocol = match self.protocol {
            Security::Ssl | Security::SaslSsl => Security::SaslSsl,
            Security::Plaintext | Security::SaslPlaintext => Security::SaslPlaintext,
        };
        self.sasl = Some(Sasl {
            mechanism: mechanism.to_owned(),
            user: user.name.to_owned(),
            password: user.password.to_owned(),
        });
        self
    }

    /// Logs in by SCRAM-SHA-512.
    #[must_use]
    pub fn scram(self, user: User) -> Self {
        self.sasl("SCRAM-SHA-512", user)
    }

    /// Logs in by PLAIN.
    #[must_use]
    pub fn plain(self, user: User) -> Self {
        self.sasl("PLAIN", user)
    }

    /// Replaces the bootstrap servers.
    #[must_use]
    pub fn bootstrap(mut self, bootstrap: &str) -> Self {
        bootstrap.clone_into(&mut self.bootstrap);
        self
    }

    pub(super) fn hosts_ref(&self) -> &Hosts {
        &self.hosts
    }

    /// The first line a client reads; files go to `dir`.
    pub(super) fn json(&self, dir: &Path) -> Result<Value> {
        let file = |name: &str, text: &str| -> Result<String> {
            let path = dir.join(name);
            fs::write(&path, text)?;
            Ok(path.to_string_lossy().into_owned())
        };
        let mut json = json!({"bootstrap": self.bootstrap, "protocol": self.protocol.name()});
        if let Some(ca) = &self.ca_pem {
            json["ca"] = file("ca.pem", ca)?.into();
        }
        if let Some(identity) = &self.identity {
            json["certificate"] = file("client.pem", &identity.chain)?.into();
            json["key"] = file("client.key", &identity.key)?.into();
            json["keystore"] = file("client.keystore.pem", &identity.keystore())?.into();
        }
        if let Some(sasl) = &self.sasl {
            json["sasl"] = json!({"mechanism": sasl.mechanism, "user": sasl.user, "password": sasl.password});
        }
        Ok(json)
    }

    /// `client.properties` of the Java tools for this target, its files written to `dir`.
    pub fn properties(&self, dir: &Path) -> Result<String> {
        let json = self.json(dir)?;
        let mut text = format!("security.protocol={}\n", self.protocol.name());
        if let Some(ca) = json["ca"].as_str() {
            text += &format!("ssl.truststore.type=PEM\nssl.truststore.location={ca}\n");
        }
        if let Some(keystore) = json["keystore"].as_str() {
            text += &format!("ssl.keystore.type=PEM\nssl.keystore.location={keystore}\n");
        }
        if let Some(Sasl { mechanism, user, password }) = &self.sasl {
            let module = if mechanism == "PLAIN" { "plain.PlainLoginModule" } else { "scram.ScramLoginModule" };
            text += &format!(
                "sasl.mechanism={mechanism}\nsasl.jaas.config=org.apache.kafka.common.security.{module} required \
                 username=\"{user}\" password=\"{password}\";\n"
            );
        }
        Ok(text)
    }
}
