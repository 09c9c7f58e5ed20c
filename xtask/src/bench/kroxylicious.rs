//! Kroxylicious, a Kafka proxy on the JVM, from Maven Central.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{paths, process};

use super::peers::{Running, file};
use super::tools::Tool;

/// The newest version whose runtime is published there.
const VERSION: &str = "0.12.0";

/// The runtime's jars and a launcher, `~/.cache/sluicegate/kroxylicious`.
pub(crate) static KROXYLICIOUS: Tool = Tool {
    name: "Kroxylicious",
    present: || fs::read_to_string(dir().join("version")).is_ok_and(|version| version == VERSION),
    install,
    version: || format!("Kroxylicious {VERSION}"),
};

const POM: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluicegate.bench</groupId>
  <artifactId>kroxylicious</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>io.kroxylicious</groupId>
      <artifactId>kroxylicious-runtime</artifactId>
      <version>${kroxylicious.version}</version>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-dependency-plugin</artifactId>
        <version>3.8.1</version>
        <configuration>
          <outputDirectory>${out}</outputDirectory>
          <includeScope>runtime</includeScope>
        </configuration>
      </plugin>
    </plugins>
  </build>
</project>
"#;

/// The module with the project's own launcher is not published.
const LAUNCHER: &str = r"import io.kroxylicious.proxy.KafkaProxy;
import io.kroxylicious.proxy.config.ConfigParser;
import io.kroxylicious.proxy.internal.config.Features;
import java.nio.file.*;

public class Launcher {
    public static void main(String[] arguments) throws Exception {
        ConfigParser parser = new ConfigParser();
        KafkaProxy proxy = new KafkaProxy(parser, parser.parseConfiguration(Files.readString(Path.of(arguments[0]))), Features.defaultFeatures());
        proxy.startup();
        proxy.block();
    }
}
";

fn dir() -> PathBuf {
    paths::cache().join("kroxylicious")
}

fn class_path(dir: &Path) -> String {
    format!("{0}/classes:{0}/libs/*", dir.display())
}

fn install() -> Result<()> {
    let dir = dir();
    paths::once(&dir, "version", VERSION, || {
        let pom = file(&dir, "pom.xml", POM)?;
        let mut maven = Command::new("mvn");
        maven.args(["-B", "-ntp", "-q", "-f"]).arg(&pom).arg(format!("-Dkroxylicious.version={VERSION}"));
        maven.arg(format!("-Dout={}", dir.join("libs").display())).arg("dependency:copy-dependencies");
        process::check(&maven, Duration::from_secs(500))?;
        let launcher = file(&dir, "Launcher.java", LAUNCHER)?;
        let mut javac = Command::new("javac");
        javac.args(["-cp", &class_path(&dir), "-d"]).arg(dir.join("classes")).arg(launcher);
        process::check(&javac, Duration::from_secs(120))?;
        Ok(())
    })
}

/// Starts it before one cluster: TLS to clients, who see the brokers on ports from `port` on.
pub(crate) fn start(dir: &Path, port: u16, bootstrap: &str, workers: usize) -> Result<Running> {
    let config = format!(
        "virtualClusters:
- name: bench
  targetCluster: {{bootstrapServers: '{bootstrap}'}}
  gateways:
  - name: default
    portIdentifiesNode: {{bootstrapAddress: 'localhost:{port}'}}
    tls: {{key: {{privateKeyFile: '{0}/key.pem', certificateFile: '{0}/chain.pem'}}}}
",
        dir.display()
    );
    let path = file(dir, "config.yaml", &config)?;
    let mut java = Command::new("java");
    java.args(["-Xmx512m", &format!("-Dio.netty.eventLoopThreads={workers}")]);
    java.args(["-cp", &class_path(&self::dir()), "Launcher"]).arg(path);
    Running::start("Kroxylicious", &java, dir, port, dir.join("output")).context("Kroxylicious")
}
