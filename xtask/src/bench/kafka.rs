//! Rows about Kafka: what a gigabyte of records costs (`kafka`, `kafka-filters`, `kafka-rf3`), and what an idle connection holds
//! (`kafka-idle`).

use std::time::Duration;

use anyhow::{Context, Result};
use rustls::{ClientConnection, StreamOwned};
use testkit::kafka::{Dist, VERSIONS};
use testkit::{KafkaCluster, certs};

use super::kafka_peers::{Cluster, Load, Proxy};
use super::kroxylicious::KROXYLICIOUS;
use super::outcome::{Outcome, Sample, interleave};
use super::tools::{self, Tool};
use super::{Bench, Row, measure, progress};

/// Kafka's jars, which testkit keeps.
static KAFKA: Tool = Tool {
    name: "Kafka",
    present: || false,
    install: || Dist::prepare(VERSIONS[0]).map(drop),
    version: || format!("Kafka {}", VERSIONS[0]),
};

const TOOLS: &[&Tool] = &[&KAFKA, &tools::NGINX_STREAM, &tools::HAPROXY, &KROXYLICIOUS];

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row { name: "kafka", title: "CPU per gigabyte of records", tools: TOOLS, run: kafka },
    Row {
        name: "kafka-filters",
        title: "CPU per gigabyte of records under a topic mapping and ACLs",
        tools: &[&KAFKA],
        run: filters,
    },
    Row {
        name: "kafka-rf3",
        title: "CPU per gigabyte of replicated records, and with TLS to the brokers",
        tools: &[&KAFKA, &tools::NGINX_STREAM],
        run: replicated,
    },
    Row { name: "kafka-idle", title: "Memory of an idle Kafka connection over TLS", tools: TOOLS, run: idle },
];

/// Records per second of load that was asked for: some 100 MB, which take a small machine longer.
const RECORDS: u64 = 80_000;

/// Records by which a JVM in the path is warmed up, each way.
const WARM: u64 = 700_000;

const METHOD: &str = "Kafka's own producer-perf-test and consumer-perf-test, records of 1 KiB, six partitions, TLS 1.3 to the proxy. The \
                      proxies stand before the same brokers; nginx and haproxy, which cannot rewrite addresses, each before a listener of \
                      their own that advertises them. A line of access log per connection where the proxy has one.";

fn outcome(bench: &Bench, name: &str, what: &str) -> Outcome {
    let title = ROWS.iter().find(|row| row.name == name).map_or(name, |row| row.title);
    let mut outcome = Outcome::new(bench, name, title, &format!("{METHOD} {what}"));
    for load in Load::ALL {
        outcome.column(load.key(), &format!("CPU-s/GB {}", load.name()), 2);
    }
    outcome.column("pss", "PSS, MiB", 1);
    outcome.column("rate", "MB/s, mean (not judged)", 0);
    outcome.plot = Load::ALL.map(|load| load.key().to_owned()).to_vec();
    outcome
}

/// All kinds of load through one proxy.
fn one_round(bench: &Bench, cluster: &Cluster, proxy: &Proxy) -> Result<Sample> {
    let records = RECORDS * bench.seconds;
    let mut sample = Sample::new();
    let mut rates = 0.0;
    for load in Load::ALL {
        let before = measure::cpu(proxy.pid());
        rates += cluster.run(proxy, load, records)?;
        std::thread::sleep(Duration::from_millis(200));
        let cpu = measure::cpu(proxy.pid()).since(before);
        #[allow(clippy::cast_precision_loss, reason = "some hundred thousands")]
        let gigabytes = records as f64 * 1024.0 / 1e9;
        sample.insert(load.key(), cpu.total() / gigabytes);
    }
    sample.insert("pss", measure::memory(proxy.pid()).pss / 1024.0);
    #[allow(clippy::cast_precision_loss, reason = "three")]
    sample.insert("rate", rates / Load::ALL.len() as f64);
    Ok(sample)
}

fn measure_all(bench: &Bench, outcome: &mut Outcome, cluster: &Cluster, proxies: &mut [Proxy]) -> Result<()> {
    for proxy in proxies.iter() {
        let records = if proxy.is_jvm() { WARM } else { RECORDS / 2 };
        progress(&format!("{} {}: warming up with {records} records", outcome.row, proxy.name()));
        cluster.run(proxy, Load::Produce16, records).with_context(|| format!("{}, warm-up", proxy.name()))?;
        cluster.run(proxy, Load::Consume, records).with_context(|| format!("{}, warm-up", proxy.name()))?;
    }
    interleave(bench, outcome, proxies, Proxy::name, |proxy| one_round(bench, cluster, proxy))
}

fn kafka(bench: &Bench) -> Result<Outcome> {
    let mut outcome = outcome(
        bench,
        "kafka",
        "One broker, in plain text to it; `acks=all`. Kroxylicious is warmed up with 0.7 GB each way.",
    );
    let cluster = Cluster::start("kafka", 1)?;
    let mut proxies = vec![
        cluster.sluicegate(bench, "sluicegate")?,
        cluster.nginx(bench, false)?,
        cluster.haproxy(bench)?,
        cluster.kroxylicious(bench)?,
    ];
    measure_all(bench, &mut outcome, &cluster, &mut proxies)?;
    for load in Load::ALL {
        outcome.ratio(&format!("{}: CPU ÷ nginx", load.name()), load.key(), "sluicegate", "nginx stream", 1.05);
    }
    for load in [Load::Produce16, Load::Produce64] {
        let what = format!("{}: CPU ÷ Kroxylicious", load.name());
        outcome.ratio(&what, load.key(), "sluicegate", "Kroxylicious", 1.0 / 3.0);
    }
    outcome.notes.push(
        "nginx and haproxy move bytes: they know nothing of Kafka, and log no client, topic or error.".to_owned(),
    );
    Ok(outcome)
}

const FILTERED: &str = "sluicegate, mapping and ACLs";

fn filters(bench: &Bench) -> Result<Outcome> {
    let mut outcome = outcome(
        bench,
        "kafka-filters",
        "One broker. Two routes of one gateway: a plain one, and one with a TopicMapping of the topic and ACLs that let reading and \
         writing.",
    );
    let cluster = Cluster::start("filters", 1)?;
    let mut proxies = vec![cluster.sluicegate(bench, "sluicegate")?];
    proxies.push(proxies[0].filtered(FILTERED));
    measure_all(bench, &mut outcome, &cluster, &mut proxies)?;
    for load in Load::ALL {
        outcome.ratio(&format!("{}: CPU ÷ plain route", load.name()), load.key(), FILTERED, "sluicegate", 1.15);
    }
    Ok(outcome)
}

fn replicated(bench: &Bench) -> Result<Outcome> {
    let mut outcome = outcome(
        bench,
        "kafka-rf3",
        "Three brokers, three replicas, `acks=all`; with TLS to the brokers, too. nginx does not check the brokers' certificates. \
         Reported, without a goal.",
    );
    let cluster = Cluster::start("replicated", 3)?;
    let mut proxies = vec![cluster.sluicegate(bench, "sluicegate")?];
    proxies.push(proxies[0].to_tls_brokers("sluicegate, TLS to the brokers"));
    proxies.push(cluster.nginx(bench, false)?);
    proxies.push(cluster.nginx(bench, true)?);
    measure_all(bench, &mut outcome, &cluster, &mut proxies)?;
    Ok(outcome)
}

/// Idle connections per proxy, file descriptors permitting.
const IDLE: usize = 2000;
/// How long they rest before memory is read.
const REST: Duration = Duration::from_secs(5);

/// ApiVersions and Metadata without topics, both in version 0 or 1, with a client id: what every client asks for first.
const FIRST_REQUESTS: [&[u8]; 2] =
    [b"\0\0\0\x0f\0\x12\0\0\0\0\0\x01\0\x05bench", b"\0\0\0\x13\0\x03\0\x01\0\0\0\x02\0\x05bench\0\0\0\0"];

fn idle(bench: &Bench) -> Result<Outcome> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let count = IDLE.min(usize::try_from(limit / 3)?);
    let method = format!(
        "PSS in user space before, and with {count} connections over TLS that have each asked for ApiVersions and Metadata and then rested \
         for {} s; the connection to the broker that belongs to each is in it. Kernel memory of the sockets is not. Once per proxy.",
        REST.as_secs()
    );
    let mut outcome = Outcome::new(bench, "kafka-idle", ROWS[3].title, &method);
    outcome.rounds = 1;
    outcome.column("kib", "KiB per connection", 2);
    outcome.column("before", "PSS before, MiB", 1);
    outcome.column("with", "PSS with them, MiB", 1);
    outcome.plot = vec!["kib".to_owned()];
    let cluster = Cluster::start("idle", 1)?;
    let proxies = [
        cluster.sluicegate(bench, "sluicegate")?,
        cluster.nginx(bench, false)?,
        cluster.haproxy(bench)?,
        cluster.kroxylicious(bench)?,
    ];
    for proxy in &proxies {
        drop(connections(&cluster, proxy, 20)?);
        std::thread::sleep(REST);
        let before = measure::memory(proxy.pid()).pss;
        let kept = connections(&cluster, proxy, count)?;
        std::thread::sleep(REST);
        let with = measure::memory(proxy.pid()).pss;
        drop(kept);
        #[allow(clippy::cast_precision_loss, reason = "some thousands")]
        let each = (with - before) / count as f64;
        progress(&format!("kafka-idle {}: {each:.2} KiB per connection", proxy.name()));
        let sample = [("kib", each), ("before", before / 1024.0), ("with", with / 1024.0)];
        outcome.sample(proxy.name(), Sample::from(sample));
    }
    outcome.at_most("user PSS of a connection", "kib", "sluicegate", 17.0, "KiB");
    Ok(outcome)
}

type Kept = StreamOwned<ClientConnection, std::net::TcpStream>;

/// Connections that have asked what every client asks first.
fn connections(cluster: &Cluster, proxy: &Proxy, count: usize) -> Result<Vec<Kept>> {
    use std::io::{Read, Write};
    let config = certs::client_config(cluster.ca_pem(), None, &[])?;
    let one = |number: usize| -> Result<Kept> {
        let socket = std::net::TcpStream::connect(proxy.address())?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let session = ClientConnection::new(std::sync::Arc::clone(&config), proxy.host().to_owned().try_into()?)?;
        let mut stream = StreamOwned::new(session, socket);
        for request in FIRST_REQUESTS {
            stream.write_all(request)?;
            let mut len = [0; 4];
            stream.read_exact(&mut len).with_context(|| format!("connection {number}"))?;
            let len = u32::from_be_bytes(len);
            anyhow::ensure!(len < 1 << 20, "an answer of {len} bytes");
            stream.read_exact(&mut vec![0; len as usize])?;
        }
        Ok(stream)
    };
    (0..count).map(one).collect()
}

/// Starts brokers with the optimising compiler, as in production.
pub(super) fn builder(name: &str, brokers: u8) -> testkit::kafka::Builder {
    KafkaCluster::builder().name(name).brokers(brokers).heap_mib(640).optimised()
}
