//! `expose kafka`.

use super::metadata::{Answer, Broker, ask};
use super::{CLASS, Exposed, Folder, addresses, endpoint, fqdn_endpoint, ip_endpoint, resolves_here};
use crate::cli::ExposeKafkaArgs;
use anyhow::bail;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

/// Writes the folder for a Kafka cluster. The cluster is asked for its brokers, so that they may be dialled and their names be
/// printed; what else it wants, a login or TLS, goes into the folder and is said. One that does not answer is an error, unless the
/// folder is only written.
pub fn kafka(args: &ExposeKafkaArgs) -> anyhow::Result<Exposed> {
    let answer = ask(&args.target);
    if let (Err(error), false) = (&answer, args.common.no_run) {
        bail!("{error:#}; give the address of a broker that runs, or --no-run to write the folder all the same");
    }
    let brokers = if let Ok(Answer::Brokers(brokers)) = &answer { brokers.as_slice() } else { &[] };
    let login = if let Ok(Answer::Login(mechanisms)) = &answer { Some(Login::by(mechanisms)) } else { None };
    let dir = args.common.dir.clone().unwrap_or_else(|| format!("sluicegate-{}", args.name).into());
    let mut folder = Folder::open(&dir, args.common.overwrite)?;
    // The cluster's own port on the same machine cannot be listened on as well.
    let own = args.target.ip().is_some_and(|ip| ip.is_loopback()) && args.target.port == 9092;
    let listen = args.listen.unwrap_or(if own { 19092 } else { 9092 });
    let names = Names { route: &args.name, domain: &args.domain };

    folder.manifest("gateway.yaml", &gateway(&names, listen))?;
    folder.manifest("kafka.yaml", &route(args, brokers))?;
    if let Ok(Answer::Tls) = answer {
        folder.manifest("broker-tls.yaml", &broker_tls(args))?;
    }
    folder.certificate(&[format!("*.{}", args.domain), args.domain.clone()])?;
    let ids: Vec<i32> = brokers.iter().map(|broker| broker.id).collect();
    folder.generated("hosts", &hosts(&names, &ids))?;
    let bootstrap = format!("{}:{listen}", names.bootstrap());
    let ca = folder.file("ca.crt");
    folder.private("java.properties", &java(&bootstrap, &ca, login.as_ref()))?;
    folder.private("librdkafka.conf", &librdkafka(&bootstrap, &ca, login.as_ref()))?;

    let mut text = format!("{} is exposed as {bootstrap} (TLS).\n", args.target);
    for broker in brokers {
        let shown = if broker.host.contains(':') { format!("[{}]", broker.host) } else { broker.host.clone() };
        let _ =
            writeln!(text, "  broker {} ({shown}:{}) is {}:{listen}", broker.id, broker.port, names.broker(broker.id));
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
librdkafka:  bootstrap.servers={bootstrap} security.protocol={protocol} ssl.ca.location={ca}
",
        hosts = folder.file("hosts"),
        java = folder.file("java.properties"),
        librdkafka = folder.file("librdkafka.conf"),
        protocol = if login.is_some() { "sasl_ssl" } else { "ssl" },
    );
    text.push_str(&folder.note());
    text.push_str(&to_do(&answer, args, &names, &folder));
    Ok(Exposed { dir: folder.path().to_owned(), text })
}

/// What is left to do for the user, last, where it is read.
fn to_do(answer: &anyhow::Result<Answer>, args: &ExposeKafkaArgs, names: &Names<'_>, folder: &Folder) -> String {
    let why = match answer {
        Ok(Answer::Brokers(_)) => return String::new(),
        Ok(Answer::Login(mechanisms)) => format!("it wants a login ({})", mechanisms.join(", ")),
        Ok(Answer::Tls) => "it speaks TLS".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    let mut text = format!("\nTo do, as the cluster could not be asked for its brokers: {why}.\n");
    if args.brokers.is_empty() {
        let file = folder.file("kafka.yaml");
        let _ = writeln!(
            text,
            "- List the brokers, as they advertise themselves, as endpoints of the Backend in {file};\n  \
             or run this again with --overwrite and a --broker HOST:PORT for each. No other one is dialled."
        );
    }
    if let Ok(Answer::Login(_)) = answer {
        let (java, librdkafka) = (folder.file("java.properties"), folder.file("librdkafka.conf"));
        let _ = writeln!(text, "- Put a user and a password into {java} and {librdkafka}.");
    }
    if let Ok(Answer::Tls) = answer {
        let file = folder.file("broker-tls.yaml");
        let _ = writeln!(text, "- Say in {file} which name the brokers' certificates bear and who signed them.");
        text.push_str(
            "- If it wants a login too, add it to the clients' configuration, with security.protocol SASL_SSL.\n",
        );
    }
    let _ = writeln!(text, "- Clients must resolve {} for each broker, too.", names.pattern());
    text
}

/// How clients log in; the gateway passes it on.
struct Login {
    mechanism: String,
}

impl Login {
    /// The best of those the cluster offers.
    fn by(mechanisms: &[String]) -> Self {
        let best =
            ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"].into_iter().find(|one| mechanisms.iter().any(|m| m == one));
        Self { mechanism: best.or(mechanisms.first().map(String::as_str)).unwrap_or("PLAIN").to_owned() }
    }

    /// Kafka's login module for a user and a password; `None` for mechanisms that take something else.
    fn module(&self) -> Option<&'static str> {
        match self.mechanism.as_str() {
            "PLAIN" => Some("plain.PlainLoginModule"),
            scram if scram.starts_with("SCRAM-") => Some("scram.ScramLoginModule"),
            _ => None,
        }
    }
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
    let told = brokers.iter().map(|broker| match broker.host.parse::<IpAddr>() {
        Ok(ip) => ip_endpoint(ip, broker.port),
        Err(_) => fqdn_endpoint(&broker.host, broker.port),
    });
    for written in told.chain(args.brokers.iter().map(endpoint)) {
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

fn java(bootstrap: &str, ca: &str, login: Option<&Login>) -> String {
    let mut text = format!(
        "bootstrap.servers={bootstrap}\nsecurity.protocol={}\nssl.truststore.type=PEM\nssl.truststore.location={ca}\n",
        if login.is_some() { "SASL_SSL" } else { "SSL" }
    );
    if let Some(login) = login {
        let _ = writeln!(text, "sasl.mechanism={}", login.mechanism);
        if let Some(module) = login.module() {
            let _ = writeln!(
                text,
                "sasl.jaas.config=org.apache.kafka.common.security.{module} required username=\"USER\" password=\"PASSWORD\";"
            );
        }
    }
    text
}

fn librdkafka(bootstrap: &str, ca: &str, login: Option<&Login>) -> String {
    let protocol = if login.is_some() { "sasl_ssl" } else { "ssl" };
    let mut text = format!("bootstrap.servers={bootstrap}\nsecurity.protocol={protocol}\nssl.ca.location={ca}\n");
    if let Some(login) = login {
        let _ = writeln!(text, "sasl.mechanism={}", login.mechanism);
        if login.module().is_some() {
            text.push_str("sasl.username=USER\nsasl.password=PASSWORD\n");
        }
    }
    text
}

/// TLS towards the brokers.
fn broker_tls(args: &ExposeKafkaArgs) -> String {
    let hostname = if args.target.ip().is_some() { "broker.example.com" } else { &args.target.host };
    format!(
        "# TLS to the brokers. Each broker's certificate must bear this hostname. `System` trusts the CAs that this machine trusts; for
# another CA write in place of that line
#     caCertificateRefs:
#     - {{group: \"\", kind: ConfigMap, name: broker-ca}}
# and add a ConfigMap of that name with the CA's certificate under the key ca.crt.
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata:
  name: {name}
spec:
  targetRefs:
  - group: sluicegate.dev
    kind: Backend
    name: {name}
  validation:
    hostname: {hostname}
    wellKnownCACertificates: System
",
        name = args.name,
    )
}
