//! `expose kafka` against a real broker: what it prints and writes is all that a client needs.
#![allow(missing_docs, clippy::unwrap_used)]

use anyhow::{Context, Result, ensure};
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use testkit::paths::RunDir;
use testkit::process::Process;
use testkit::{Client, Group, Hosts, KafkaCluster, Listener, Target, Verb, free_port, sluicegate};

fn expose(target: &str, dir: &Path, listen: u16) -> Result<Command> {
    let mut command = Command::new(sluicegate::binary()?);
    command.args(["expose", "kafka", target, "--name", "orders", "--listen", &listen.to_string(), "--admin", "off"]);
    command.arg("--dir").arg(dir).stdin(Stdio::null());
    Ok(command)
}

/// The settings of the printed line for librdkafka.
fn printed(text: &str, key: &str) -> Result<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("librdkafka:")).context("no line for librdkafka")?;
    let value = line.split_whitespace().find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    Ok(value.with_context(|| format!("no {key} in {line}"))?.to_owned())
}

/// The file `hosts`, as written.
fn hosts(dir: &Path) -> Result<Hosts> {
    let mut hosts = Hosts::new();
    for line in fs::read_to_string(dir.join("hosts"))?.lines() {
        let (address, name) = line.split_once(' ').context("no name")?;
        hosts = hosts.with(name, address.parse::<Ipv4Addr>()?);
    }
    Ok(hosts)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_first_record_is_one_command_away() -> Result<()> {
    let kafka = KafkaCluster::builder().name("expose").start()?;
    kafka.warm_up()?;
    let run = RunDir::new("expose")?;
    let dir = run.path().join("folder");
    let listen = free_port()?;
    let target = kafka.bootstrap(Listener::Plaintext);
    let log = run.path().join("log");
    let mut gate = Process::start("expose", &expose(&target, &dir, listen)?, &log)?;
    gate.wait_until(Duration::from_secs(20), |process| process.log().contains("KafkaRoute default/orders"))?;

    let said = gate.log();
    let bootstrap = printed(&said, "bootstrap.servers")?;
    assert_eq!(bootstrap, format!("orders.kafka.localhost:{listen}"));
    let id = kafka.ids()[0];
    assert!(said.contains(&format!("is broker-{id}-orders.kafka.localhost:{listen}")), "{said}");
    for file in ["java.properties", "librdkafka.conf"] {
        let written = fs::read_to_string(dir.join(file))?;
        assert!(written.contains(&format!("bootstrap.servers={bootstrap}\n")), "{written}");
    }
    assert!(!said.contains("To do"), "{said}");

    let ca = fs::read_to_string(printed(&said, "ssl.ca.location")?)?;
    let mut session = Client::Java.session(&Target::tls(bootstrap, &ca).hosts(&hosts(&dir)?))?;
    session.run(&Verb::create_topic("first", 1, 1))?.expect_ok()?;
    session.run(&Verb::produce("first", 5))?.expect_ok()?;
    let got = session.run(&Verb::consume("first", "group", Group::Classic, 5))?.expect_ok()?;
    assert_eq!(got.count(), 5);
    drop(session);
    assert!(gate.terminate(Duration::from_secs(10))?.success());

    // Listeners that want more than a question say what is to be done.
    let what_about = |listener: Listener, name: &str| -> Result<(String, std::path::PathBuf)> {
        let dir = run.path().join(name);
        let address = format!("{}:{}", kafka.addresses()[0], listener.port());
        let output = expose(&address, &dir, listen)?.arg("--no-run").output()?;
        ensure!(output.status.success(), "{}", text(&output));
        Ok((text(&output), dir))
    };
    let (said, dir) = what_about(Listener::SaslPlaintext, "sasl")?;
    assert!(said.contains("it wants a login (") && said.contains("--broker HOST:PORT"), "{said}");
    let properties = fs::read_to_string(dir.join("java.properties"))?;
    assert!(properties.contains("security.protocol=SASL_SSL\n"), "{properties}");
    assert!(properties.contains("sasl.mechanism=SCRAM-SHA-512\n"), "{properties}");
    assert_eq!(fs::metadata(dir.join("java.properties"))?.permissions().mode() & 0o777, 0o600);

    let (said, dir) = what_about(Listener::SaslSsl, "tls")?;
    assert!(said.contains("it speaks TLS") && said.contains("broker-tls.yaml"), "{said}");
    let check = Command::new(sluicegate::binary()?).arg("check").arg(&dir).output()?;
    assert!(check.status.success(), "{}", text(&check));
    Ok(())
}

#[test]
fn where_no_kafka_answers_nothing_is_written() -> Result<()> {
    let run = RunDir::new("expose-nothing")?;
    let dir = run.path().join("folder");
    let output = expose(&format!("127.0.0.1:{}", free_port()?), &dir, free_port()?)?.output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("cannot be reached: Connection refused"), "{}", text(&output));
    assert!(!dir.exists());
    Ok(())
}
