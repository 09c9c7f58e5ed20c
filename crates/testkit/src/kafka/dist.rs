//! Getting a Kafka version once, and what makes its JVMs start fast.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::cluster::KafkaCluster;
use crate::{paths, process};

/// The versions that tests use, newest first. `kafka_2.13` 4.4.0 is published without its tools, hence 4.3.1.
pub const VERSIONS: [&str; 3] = ["4.3.1", "3.9.2", "3.7.1"];

const POM: &str = include_str!("../../kafka/pom.xml");
const LOG4J2: &str = include_str!("../../kafka/log4j2.properties");
const LOG4J1: &str = include_str!("../../kafka/log4j.properties");

/// One version of Kafka in the cache: `~/.cache/sluicegate/kafka/VERSION`.
#[derive(Debug, Clone)]
pub struct Dist {
    version: String,
    dir: PathBuf,
}

impl Dist {
    /// Fetches the jars unless the cache has them (55 MB, 5–30 s).
    pub fn get(version: &str) -> Result<Self> {
        let dir = paths::cache().join("kafka").join(version);
        let libs = dir.join("libs");
        paths::once(&libs, ".complete", "", || {
            let pom = dir.join("pom.xml");
            fs::write(&pom, POM)?;
            let mut maven = Command::new("mvn");
            maven.args(["-B", "-ntp", "-q", "-f"]).arg(&pom);
            maven.arg(format!("-Pkafka-{}", version.split('.').next().unwrap_or_default()));
            maven.arg(format!("-Dkafka.version={version}")).arg(format!("-Dout={}", libs.display()));
            maven.arg("dependency:copy-dependencies");
            process::check(&maven, Duration::from_secs(600)).with_context(|| format!("fetch Kafka {version}"))?;
            Ok(())
        })?;
        paths::once(&dir, ".logging", &format!("{LOG4J1}{LOG4J2}"), || {
            fs::write(dir.join("log4j2.properties"), LOG4J2)?;
            Ok(fs::write(dir.join("log4j.properties"), LOG4J1)?)
        })?;
        Ok(Self { version: version.to_owned(), dir })
    }

    /// [`Self::get`], and everything else that a cluster of this version needs once: the template of a formatted log
    /// directory and the class-data archive (12 s, by a broker that starts and stops).
    pub fn prepare(version: &str) -> Result<Self> {
        let dist = Self::get(version)?;
        let archive = dist.archive();
        paths::once(&dist.dir, ".archive", &archive.to_string_lossy(), || {
            let _ = fs::remove_file(&archive);
            KafkaCluster::builder().version(version).archive_to(&archive).start()?.stop_all()
        })?;
        Ok(dist)
    }

    /// Such as `4.3.1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its folder in the cache.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether this is Kafka 4 or newer (KIP-848 groups and share groups).
    pub fn is_4(&self) -> bool {
        !self.version.starts_with("3.")
    }

    /// The class path: every jar in a fixed order, which class-data archives insist on.
    pub fn class_path(&self) -> Result<String> {
        let mut jars: Vec<String> = fs::read_dir(self.dir.join("libs"))?
            .flatten()
            .map(|entry| entry.path().to_string_lossy().into_owned())
            .filter(|path| path.ends_with(".jar"))
            .collect();
        jars.sort();
        Ok(jars.join(":"))
    }

    pub(crate) fn archive(&self) -> PathBuf {
        let java = fs::canonicalize("/usr/bin/java").unwrap_or_default();
        let vm = java.ancestors().nth(2).and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        self.dir.join(format!("broker-{vm}.jsa"))
    }

    /// A JVM tuned to start fast (C1 only, serial collector), with Kafka's classes and this log level.
    pub fn java(&self, heap_mib: u32, log_level: &str) -> Result<Command> {
        let mut java = Command::new("java");
        java.args([&format!("-Xms{}m", heap_mib.min(64)), &format!("-Xmx{heap_mib}m")]);
        java.args([
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "-Xlog:disable",
            "-Xlog:all=error:stderr",
        ]);
        java.arg(format!("-Dtestkit.log={log_level}"));
        java.arg(if self.is_4() {
            format!("-Dlog4j2.configurationFile={}", self.dir.join("log4j2.properties").display())
        } else {
            format!("-Dlog4j.configuration=file:{}", self.dir.join("log4j.properties").display())
        });
        Ok(java)
    }

    /// One of Kafka's command-line tools by its main class, such as `org.apache.kafka.tools.TopicCommand`.
    pub fn tool(&self, main_class: &str) -> Result<Command> {
        let mut java = self.java(256, "WARN")?;
        java.arg("-cp").arg(self.class_path()?).arg(main_class);
        Ok(java)
    }

    /// The main class of `kafka-console-producer`, and of `kafka-console-consumer`.
    pub fn console_classes(&self) -> (&'static str, &'static str) {
        if self.is_4() {
            ("org.apache.kafka.tools.ConsoleProducer", "org.apache.kafka.tools.consumer.ConsoleConsumer")
        } else {
            ("kafka.tools.ConsoleProducer", "org.apache.kafka.tools.consumer.ConsoleConsumer")
        }
    }
}

/// A command as one line that a shell takes.
pub fn command(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|arg| {
            let arg = arg.to_string_lossy();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%*".contains(c);
            if !arg.is_empty() && arg.chars().all(plain) {
                arg.into_owned()
            } else {
                format!("'{}'", arg.replace('\'', r"'\''"))
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}
