//! `expose kafka`.

use super::metadata::{self, Broker};
use super::{CLASS, Exposed, Folder, addresses, endpoint, fqdn_endpoint, ip_endpoint, resolves_here};
use crate::cli::ExposeKafkaArgs;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

/// Writes the folder for a Kafka cluster. The cluster is asked for its brokers, so that they may be dialled and their names be
/// printed; if it does not answer, the folder is written without them.
pub fn kafka(args: &ExposeKafkaArgs) -> anyhow::Result<Exposed> {
    let dir = args.common.dir.clone().unwrap_or_else(|| format!("sluicegate-{}", args.name).into());
    let mut folder = Folder::open(&dir, args.common.overwrite)?;
    let brokers = metadata::brokers(&args.target);
    // The cluster's own port on the same machine cannot be listened on as well.
    let own = args.target.ip().is_some_and(|ip| ip.is_loopback()) && args.target.port == 9092;
    let listen = args.listen.unwrap_or(if own { 19092 } else { 9092 });
    let names = Names { route: &args.name, domain: &args.domain };

    folder.manifest("gateway.yaml", &gateway(&names, listen))?;
    folder.manifest("kafka.yaml", &route(args, brokers.as_deref().unwrap_or_default()))?;
    folder.certificate(&[format!("*.{}", args.domain), args.domain.clone()])?;
    let ids: Vec<i32> = brokers.as_deref().unwrap_or_default().iter().map(|broker| broker.id).collect();
    folder.generated("hosts", &hosts(&names, &ids))?;
    let bootstrap = format!("{}:{listen}", names.bootstrap());
    let ca = folder.file("ca.crt");
    folder.generated("java.properties", &java(&bootstrap, &ca))?;
    folder.generated("librdkafka.conf", &librdkafka(&bootstrap, &ca))?;

    let mut text = format!("{} is exposed as {bootstrap} (TLS).\n", args.target);
    match &brokers {
        Ok(brokers) => {
            for broker in brokers {
                let shown = if broker.host.contains(':') { format!("[{}]", broker.host) } else { broker.host.clone() };
                let _ = writeln!(
                    text,
                    "  broker {} ({shown}:{}) is {}:{listen}",
                    broker.id,
                    broker.port,
                    names.broker(broker.id)
                );
            }
        }
        Err(error) => {
            let _ = writeln!(
                text,
                "  Its brokers are {}, one each; the cluster could not be asked for them: {error:#}.\n  \
                 List the brokers as endpoints of the Backend in {}, else the gateway does not dial them.",
                names.pattern(),
                folder.file("kafka.yaml")
            );
        }
    }
    let _ = write!(text, "\nThe folder {} holds:\n", folder.path().display());
    text.push_str(
        "  gateway.yaml kafka.yaml certificate.yaml   what is served; edit them while it runs\n  \
           ca.crt                                     the CA that clients must trust\n  \
           java.properties librdkafka.conf            client configuration\n  \
           hosts                                      lines for /etc/hosts\n",
    );
    text.push_str(&names_note(&names, &ids, listen, &folder));
    let _ = write!(
        text,
        "
Java:        export KAFKA_OPTS=-Djdk.net.hosts.file={hosts}
             kafka-console-producer.sh --bootstrap-server {bootstrap} --producer.config {java} --topic my-topic
             kafka-console-consumer.sh --bootstrap-server {bootstrap} --consumer.config {java} --topic my-topic --from-beginning
kcat:        kcat -F {librdkafka} -L
             echo hello | kcat -F {librdkafka} -P -t my-topic
             kcat -F {librdkafka} -C -t my-topic -e
librdkafka:  bootstrap.servers={bootstrap} security.protocol=ssl ssl.ca.location={ca}
",
        hosts = folder.file("hosts"),
        java = folder.file("java.properties"),
        librdkafka = folder.file("librdkafka.conf"),
    );
    text.push_str(&folder.note());
    Ok(Exposed { dir: folder.path().to_owned(), text })
}

struct Names<'a> {
    route: &'a str,
    domain: &'a str,
}

impl Names<'_> {
    fn bootstrap(&self) -> String {
        format!("{}.{}", self.route, self.domain)
    }

    fn broker(&self, id: i32) -> String {
        format!("broker-{id}-{}.{}", self.route, self.domain)
    }

    fn pattern(&self) -> String {
        format!("broker-ID-{}.{}", self.route, self.domain)
    }
}

fn gateway(names: &Names<'_>, listen: u16) -> String {
    format!(
        "{CLASS}---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: gateway
spec:
  gatewayClassName: sluicegate
{addresses}  listeners:
  - name: kafka
    port: {listen}
    protocol: TLS
    hostname: \"*.{domain}\"
    tls:
      mode: Terminate
      certificateRefs:
      - name: certificate
",
        addresses = addresses(names.domain),
        domain = names.domain,
    )
}

fn route(args: &ExposeKafkaArgs, brokers: &[Broker]) -> String {
    let first = endpoint(&args.target);
    let mut endpoints = first.clone();
    let mut seen = BTreeSet::from([first]);
    for broker in brokers {
        let written = match broker.host.parse::<IpAddr>() {
            Ok(ip) => ip_endpoint(ip, broker.port),
            Err(_) => fqdn_endpoint(&broker.host, broker.port),
        };
        if seen.insert(written.clone()) {
            endpoints.push_str(&written);
        }
    }
    format!(
        "# Clients reach the cluster as {name}.{domain} and its brokers as broker-ID-{name}.{domain}.
apiVersion: gateway.networking.k8s.io/experimental
kind: KafkaRoute
metadata:
  name: {name}
spec:
  parentRefs:
  - name: gateway
  hostname: {name}
  backendRefs:
  - group: sluicegate.dev
    kind: Backend
    name: {name}
---
# Where the cluster is. Addresses that its brokers advertise are dialled only if they stand here.
apiVersion: sluicegate.dev/v1alpha1
kind: Backend
metadata:
  name: {name}
spec:
  endpoints:
{endpoints}",
        name = args.name,
        domain = args.domain,
    )
}

fn hosts(names: &Names<'_>, ids: &[i32]) -> String {
    let mut text = format!("127.0.0.1 {}\n", names.bootstrap());
    for id in ids {
        let _ = writeln!(text, "127.0.0.1 {}", names.broker(*id));
    }
    text
}

fn names_note(names: &Names<'_>, ids: &[i32], port: u16, folder: &Folder) -> String {
    let all = std::iter::once(names.bootstrap()).chain(ids.iter().map(|id| names.broker(*id)));
    if all.into_iter().all(|name| resolves_here(&name, port)) {
        return "\nThis machine resolves these names already.\n".into();
    }
    format!(
        "\nThis machine does not resolve these names yet. Java clients can be given the file hosts (below); for all others:\n  \
         sudo sh -c 'cat {} >> /etc/hosts'\n",
        folder.file("hosts")
    )
}

fn java(bootstrap: &str, ca: &str) -> String {
    format!(
        "bootstrap.servers={bootstrap}\nsecurity.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location={ca}\n"
    )
}

fn librdkafka(bootstrap: &str, ca: &str) -> String {
    format!("bootstrap.servers={bootstrap}\nsecurity.protocol=ssl\nssl.ca.location={ca}\n")
}
