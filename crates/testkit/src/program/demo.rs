//! The main job on real input: three brokers and two HTTP servers behind `examples/quickstart`.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use testkit::kafka::command as shell;
use testkit::{Ca, Client, Group, Hosts, KafkaCluster, Listener, LoopbackNet, Sluicegate, Target, Verb};
use testkit::{net, paths, process, servers};

use super::{client_names, wait_for_interrupt};

const BOOTSTRAP: &str = "orders.kafka.example.test";
const SHOP: &str = "shop.example.test";

/// What the demo did, and how it went.
#[derive(Default)]
struct Steps {
    passed: u32,
    failed: u32,
}

impl Steps {
    /// Shows a command and the end of what it printed; it passes when it succeeds and prints `expected`.
    fn show(&mut self, what: &str, command: &Command, expected: &str) {
        println!("\n# {what}\n$ {}", brief(command));
        let output = process::output(command, Duration::from_secs(90));
        let text = match &output {
            Ok(output) => {
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
            }
            Err(e) => format!("{e:#}"),
        };
        for line in text.lines().take(12) {
            println!("  {line}");
        }
        self.count(output.is_ok_and(|output| output.status.success()) && text.contains(expected), expected);
    }

    fn count(&mut self, good: bool, expected: &str) {
        if good {
            self.passed += 1;
            println!("  -> ok");
        } else {
            self.failed += 1;
            println!("  -> FAILED: expected to see {expected:?}");
        }
    }
}

/// A command as a person would type it: the class path and the JVM's options are in the way.
fn brief(command: &Command) -> String {
    let line = shell(command);
    match line.split_once(" org.apache.kafka.tools.") {
        Some((_, rest)) => format!("java … org.apache.kafka.tools.{rest}"),
        None => line,
    }
}

/// The free one of these two: the well-known port, or any.
fn port(wanted: u16) -> Result<u16> {
    match std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)) {
        Ok(_) => Ok(wanted),
        Err(_) => net::free_port(),
    }
}

fn endpoint_slice(service: &str, port_name: &str, addresses: &[SocketAddr]) -> String {
    let port = addresses.first().map_or(0, SocketAddr::port);
    let endpoints: String = addresses
        .iter()
        .map(|address| format!("- addresses: [{}]\n  conditions: {{ready: true}}\n", address.ip()))
        .collect();
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: {service}\n  namespace: default\n  labels: \
         {{kubernetes.io/service-name: {service}}}\naddressType: IPv4\nports:\n- {{name: {port_name}, port: {port}}}\nendpoints:\n{endpoints}"
    )
}

/// Runs the demo; `once` ends it by itself.
pub(crate) fn run(once: bool) -> Result<()> {
    let began = Instant::now();
    let tell = |what: &str| println!("[{:>3} s] {what}", began.elapsed().as_secs());
    let dir = paths::repo().join("target/demo");
    let _ = fs::remove_dir_all(&dir);
    let generated = dir.join("generated");
    fs::create_dir_all(&generated)?;

    tell("starting three Apache Kafka brokers, nginx and Python's http.server");
    let brokers = std::thread::spawn(|| -> Result<KafkaCluster> {
        let kafka = KafkaCluster::builder().name("demo").brokers(3).start()?;
        kafka.warm_up()?;
        Ok(kafka)
    });
    let net = LoopbackNet::claim()?;
    let web = servers::nginx("nginx", net.socket(1)?, None)?;
    let files = servers::python("python", net.socket(2)?)?;
    let kafka = brokers.join().ok().context("the brokers' thread panicked")??;
    tell(&format!("Kafka {} listens on {}", kafka.version(), kafka.bootstrap(Listener::Plaintext)));
    tell(&format!("nginx listens on {}, Python on {}", web.address(), files.address()));

    let ca = Ca::new("sluicegate demo CA")?;
    let identity = ca.server(&["*.example.test", "*.kafka.example.test"])?;
    ca.write(&dir.join("ca.pem"))?;
    fs::write(generated.join("certificate.yaml"), identity.secret_yaml("default", "example-test-tls"))?;
    let sockets =
        kafka.ids().into_iter().map(|id| kafka.socket(id, Listener::Plaintext)).collect::<Result<Vec<_>>>()?;
    let slices = [
        endpoint_slice("web", "http", &[web.address()]),
        endpoint_slice("files", "http", &[files.address()]),
        endpoint_slice("kafka", "kafka", &sockets),
    ];
    fs::write(generated.join("endpoints.yaml"), slices.join("---\n"))?;

    // The brokers have 9092 on their own loopback addresses; the Gateway's listener of that number is bound elsewhere.
    let (http, https, kafka_port) = (port(8080)?, port(8443)?, port(19092)?);
    let quickstart = paths::repo().join("examples/quickstart");
    let mut gateway = Sluicegate::run(&[&quickstart, &generated])?
        .port_map(80, http)
        .port_map(443, https)
        .port_map(9092, kafka_port)
        .start()
        .context("start sluicegate")?;
    tell(&format!(
        "sluicegate serves {} and {}; admin on {}",
        quickstart.display(),
        generated.display(),
        gateway.admin()
    ));

    let names = std::iter::once(BOOTSTRAP.to_owned())
        .chain(kafka.ids().into_iter().map(|id| format!("broker-{id}-{BOOTSTRAP}")));
    let hosts = Hosts::new().with_all(names, Ipv4Addr::LOCALHOST);
    let hosts_file = dir.join("hosts");
    hosts.write(&hosts_file)?;
    let bootstrap = format!("{BOOTSTRAP}:{kafka_port}");
    let target = Target::tls(bootstrap.clone(), ca.pem()).hosts(&hosts);
    let properties = dir.join("client.properties");
    fs::write(&properties, target.properties(&dir)?)?;

    let commands = Commands { kafka: &kafka, hosts_file, properties, bootstrap, dir: &dir, http, https };
    let mut steps = Steps::default();
    commands.run(&mut steps)?;
    differently(&mut steps, &target)?;
    let ready = gateway.get("/readyz")?.status == 200;
    println!("\n# the gateway says it is ready");
    steps.count(ready, "200 on /readyz");

    if steps.failed > 0 {
        let log = gateway.log();
        let lines: Vec<&str> = log.lines().collect();
        println!("\n# what the gateway logged last\n{}", lines[lines.len().saturating_sub(20)..].join("\n"));
    }
    if !once {
        commands.print(&gateway)?;
        wait_for_interrupt()?;
        println!("stopping");
    }
    let ended = gateway.stop(Duration::from_secs(40)).is_ok_and(|status| status.success());
    println!("\n# the gateway drains and ends on SIGTERM");
    steps.count(ended, "exit status 0");
    println!("demo: {} passed, {} failed", steps.passed, steps.failed);
    if steps.failed > 0 {
        std::process::exit(1);
    }
    Ok(())
}

/// Another client library, and consumer groups: not only the console tools.
fn differently(steps: &mut Steps, target: &Target) -> Result<()> {
    println!("\n# librdkafka produces 100 records idempotently with acks=all and reads them in a consumer group");
    let mut session = Client::Librdkafka.session(target)?;
    let produced = session.run(&Verb::produce("orders", 100))?;
    let consumed = session.run(&Verb::consume("orders", "demo-librdkafka", Group::Classic, 110))?;
    println!("  produced {}, consumed {} {}{}", produced.count(), consumed.count(), produced.error(), consumed.error());
    steps.count(produced.ok() && consumed.ok(), "100 and 110");
    Ok(())
}

/// What is run, and then printed to copy.
struct Commands<'a> {
    kafka: &'a KafkaCluster,
    hosts_file: PathBuf,
    properties: PathBuf,
    bootstrap: String,
    dir: &'a Path,
    http: u16,
    https: u16,
}

impl Commands<'_> {
    /// A console tool that resolves the gateway's names by a file of its own.
    fn tool(&self, class: &str, arguments: &[&str]) -> Result<Command> {
        let mut java = self.kafka.dist().java(256, "WARN")?;
        java.arg(format!("-Djdk.net.hosts.file={}", self.hosts_file.display()));
        java.arg("-cp").arg(self.kafka.dist().class_path()?).arg(class);
        java.args(["--bootstrap-server", &self.bootstrap]).args(arguments);
        Ok(java)
    }

    fn configured(&self, class: &str, option: &str, arguments: &[&str]) -> Result<Command> {
        let mut tool = self.tool(class, arguments)?;
        tool.arg(option).arg(&self.properties);
        Ok(tool)
    }

    fn producer(&self) -> Result<Command> {
        self.configured("org.apache.kafka.tools.ConsoleProducer", "--command-config", &["--topic", "orders"])
    }

    fn consumer(&self, more: &[&str]) -> Result<Command> {
        let arguments = [&["--topic", "orders", "--from-beginning"], more].concat();
        self.configured("org.apache.kafka.tools.consumer.ConsoleConsumer", "--command-config", &arguments)
    }

    fn curl(&self, secure: bool, path: &str) -> Command {
        let (scheme, port) = if secure { ("https", self.https) } else { ("http", self.http) };
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-i", "--max-time", "10", "--resolve", &format!("{SHOP}:{port}:127.0.0.1")]);
        if secure {
            curl.arg("--cacert").arg(self.dir.join("ca.pem"));
        }
        curl.arg(format!("{scheme}://{SHOP}:{port}{path}"));
        curl
    }

    fn run(&self, steps: &mut Steps) -> Result<()> {
        steps.show("HTTP: the shop is nginx", &self.curl(false, "/"), "\"origin\":\"nginx\"");
        steps.show("HTTPS, HTTP/2: the same route, TLS ends at the gateway", &self.curl(true, "/cart"), "HTTP/2 200");
        steps.show("HTTP: /files goes to Python, with its prefix taken off", &self.curl(false, "/files/"), "python");
        steps.show("HTTP: an old path is redirected", &self.curl(false, "/old"), "302");

        let create = self.configured(
            "org.apache.kafka.tools.TopicCommand",
            "--command-config",
            &["--create", "--if-not-exists", "--topic", "orders", "--partitions", "3", "--replication-factor", "3"],
        )?;
        steps.show("Kafka: create a topic through the gateway", &create, "orders");
        let endpoints =
            self.configured("org.apache.kafka.tools.ClusterTool", "--command-config", &["list-endpoints"])?;
        // The verb comes first for this tool.
        steps.show(
            "Kafka: the brokers, as clients see them",
            &verb_first(&endpoints),
            &format!("broker-2-{BOOTSTRAP}"),
        );
        let mut produce = Command::new("sh");
        produce.args(["-c", r#"seq -f "order %g" 1 10 | "$@" && echo sent 10"#, "sh"]);
        let producer = self.producer()?;
        produce.arg(producer.get_program()).args(producer.get_args());
        steps.show("Kafka: produce ten records", &produce, "sent 10");
        let consume = self.consumer(&["--max-messages", "10", "--timeout-ms", "30000"])?;
        steps.show("Kafka: and read them", &consume, "Processed a total of 10 messages");
        Ok(())
    }

    fn print(&self, gateway: &Sluicegate) -> Result<()> {
        println!("\nThe gateway stays up. Copy and paste in another terminal:\n");
        println!("  {}\n  {}", shell(&self.curl(false, "/")), shell(&self.curl(true, "/files/")));
        let dir = self.dir;
        for (name, command) in [("produce", self.producer()?), ("consume", self.consumer(&[])?)] {
            let script = dir.join(name);
            fs::write(&script, format!("#!/bin/sh\nexec {} \"$@\"\n", shell(&command)))?;
            let mut mode = Command::new("chmod");
            if !mode.arg("+x").arg(&script).status()?.success() {
                bail!("chmod {}", script.display());
            }
            println!("  {:<40} # {}", script.display(), brief(&command));
        }
        println!(
            "  curl http://{}/status    # every object and its status; also /metrics, /config, /readyz",
            gateway.admin()
        );
        println!(
            "\nAny client will do ({} are in the tests): bootstrap {}, TLS, CA {}",
            client_names(),
            self.bootstrap,
            dir.join("ca.pem").display()
        );
        println!("Names for its hosts file, all at 127.0.0.1: {}", self.hosts_file.display());
        println!("Edit {} and watch it change. Ctrl-C ends.", paths::repo().join("examples/quickstart").display());
        Ok(())
    }
}

/// `kafka-cluster VERB --bootstrap-server …`, where other tools take options only.
fn verb_first(command: &Command) -> Command {
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let at = arguments.iter().position(|argument| argument == "--bootstrap-server").unwrap_or(arguments.len());
    let (before, after) = arguments.split_at(at);
    let mut moved = Command::new(command.get_program());
    moved.args(before).arg("list-endpoints").args(after.iter().filter(|argument| *argument != "list-endpoints"));
    moved
}
