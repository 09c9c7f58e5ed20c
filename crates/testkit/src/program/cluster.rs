//! `cargo xtask cluster`: a cluster that stays until it is told to go. `cargo xtask conformance`: the official suite in one.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use testkit::cluster::conformance::{self, Suite};
use testkit::cluster::deploy;
use testkit::cluster::{Builder, Channel, Cluster, condition};
use testkit::{paths, sluicegate};

const USAGE: &str = "usage: cluster up [--channel experimental|standard|none] [--image NAME=PROGRAM]…
       cluster status | down | kubectl ARGUMENT… | exec PROGRAM ARGUMENT… | backends";
const CONFORMANCE: &str = "usage: conformance [--run TEST] [--features A,B] [--profiles A,B] [--report FILE]
                   [--gateway-class NAME] [-- FLAG OF THE SUITE…]";

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    match *arguments {
        ["up", ref options @ ..] => up(options),
        ["hold", ref options @ ..] => hold(options),
        ["status"] => status(),
        ["down"] => down(),
        ["kubectl", ref rest @ ..] => exec(running()?.kubectl(), rest),
        ["exec", program, ref rest @ ..] => exec(running()?.command(program), rest),
        ["backends"] => {
            print!("{}", conformance::check_backends(&running()?)?);
            Ok(())
        }
        _ => bail!(USAGE),
    }
}

fn builder(options: &[&str]) -> Result<Builder> {
    let mut builder = Cluster::builder();
    if let Ok(program) = sluicegate::binary() {
        builder = builder.image("sluicegate", program);
    }
    for option in options.chunks(2) {
        builder = match *option {
            ["--channel", "experimental"] => builder.channel(Some(Channel::Experimental)),
            ["--channel", "standard"] => builder.channel(Some(Channel::Standard)),
            ["--channel", "none"] => builder.channel(None),
            ["--image", image] => {
                let (name, program) = image.split_once('=').context("--image wants NAME=PROGRAM")?;
                builder.image(name, program)
            }
            _ => bail!(USAGE),
        };
    }
    Ok(builder)
}

/// What is known of the cluster that stays: a lock that its process holds, and a file that says where it is.
struct Stay(PathBuf);

impl Stay {
    fn new() -> Result<Self> {
        let dir = paths::repo().join("target/xtask/cluster");
        fs::create_dir_all(&dir)?;
        Ok(Self(dir))
    }

    fn state(&self) -> PathBuf {
        self.0.join("state.json")
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// The lock, if no process holds it.
    fn lock(&self) -> Result<Option<File>> {
        let lock = File::create(self.0.join("lock"))?;
        Ok(lock.try_lock().is_ok().then_some(lock))
    }

    /// What the process that holds the lock has written, once its cluster works.
    fn read(&self) -> Result<Option<Value>> {
        if self.lock()?.is_some() {
            return Ok(None);
        }
        let Ok(text) = fs::read_to_string(self.state()) else { return Ok(None) };
        Ok(Some(serde_json::from_str(&text)?))
    }
}

/// The cluster that is up.
fn running() -> Result<Cluster> {
    let state = Stay::new()?.read()?.context("no cluster is up: cargo xtask cluster up")?;
    let pid = state["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).context("state.json")?;
    Cluster::attach(Path::new(state["dir"].as_str().context("state.json")?), pid)
}

/// Starts a process that keeps the cluster, and waits until it works.
fn up(options: &[&str]) -> Result<()> {
    builder(options)?;
    let stay = Stay::new()?;
    if stay.lock()?.is_none() {
        println!("a cluster is up, or coming up");
        return status();
    }
    let _ = fs::remove_file(stay.state());
    let log = File::create(stay.log())?;
    let mut keeper = Command::new("setsid")
        .arg(std::env::current_exe()?)
        .args(["cluster", "hold"])
        .args(options)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let began = Instant::now();
    let mut told = 0;
    loop {
        let text = fs::read_to_string(stay.log())?;
        print!("{}", &text[told..]);
        told = text.len();
        if stay.state().is_file() {
            println!("the cluster is up after {:.1} s", began.elapsed().as_secs_f64());
            return status();
        }
        if let Some(status) = keeper.try_wait()? {
            bail!("the cluster did not come up: {status}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The process that keeps it.
fn hold(options: &[&str]) -> Result<()> {
    let stay = Stay::new()?;
    let _lock = stay.lock()?.context("a cluster is up")?;
    let cluster = builder(options)?.start()?;
    let state = json!({"keeper": std::process::id(), "pid": cluster.pid(), "dir": cluster.dir()});
    let unfinished = stay.state().with_extension("new");
    fs::write(&unfinished, state.to_string())?;
    fs::rename(&unfinished, stay.state())?;
    crate::wait_for_interrupt()?;
    drop(cluster);
    Ok(fs::remove_file(stay.state())?)
}

fn status() -> Result<()> {
    let cluster = running()?;
    let pods = cluster.list("v1", "Pod", None)?;
    let ready = pods.iter().filter(|pod| condition(pod, "Ready") == Some("True")).count();
    let crds = cluster.list("apiextensions.k8s.io/v1", "CustomResourceDefinition", None)?;
    let of_crds = |name: &str| {
        let named = crds
            .iter()
            .find_map(|crd| crd["metadata"]["annotations"][format!("gateway.networking.k8s.io/{name}")].as_str());
        named.unwrap_or("none").to_owned()
    };
    println!("  Gateway API   {}, channel {}", of_crds("bundle-version"), of_crds("channel"));
    println!("  Pods          {ready} of {} ready", pods.len());
    println!("  kubeconfig    {} (inside the cluster's network)", cluster.admin_kubeconfig().display());
    println!("  logs          {}", cluster.dir().join("log").display());
    println!("  network       nsenter --net=/proc/{}/ns/net", cluster.pid());
    Ok(())
}

fn down() -> Result<()> {
    let stay = Stay::new()?;
    let Some(state) = stay.read()? else {
        println!("no cluster is up");
        return Ok(());
    };
    let keeper = state["keeper"].as_i64().and_then(|pid| i32::try_from(pid).ok()).context("state.json")?;
    let keeper = rustix::process::Pid::from_raw(keeper).context("state.json")?;
    rustix::process::kill_process(keeper, rustix::process::Signal::TERM)?;
    let began = Instant::now();
    while stay.lock()?.is_none() {
        if began.elapsed() > Duration::from_secs(30) {
            bail!("the cluster does not end; its log: {}", stay.log().display());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("the cluster is down");
    Ok(())
}

/// Becomes the program: signals reach it, and its exit status is this process's.
fn exec(mut command: Command, arguments: &[&str]) -> Result<()> {
    Err(command.args(arguments).exec()).with_context(|| format!("{:?}", command.get_program()))
}

/// The official suite, against Sluicegate in a cluster of its own or against a class in the cluster that is up.
pub(crate) fn conformance(arguments: &[&str]) -> Result<()> {
    let (options, flags) = match arguments.iter().position(|argument| *argument == "--") {
        Some(end) => (&arguments[..end], &arguments[end + 1..]),
        None => (arguments, &[][..]),
    };
    let (mut class, mut report, mut whole) = (None, None, true);
    let mut suite = Suite {
        gateway_class: String::new(),
        test: None,
        features: None,
        profiles: conformance::PROFILES.to_owned(),
        report: PathBuf::new(),
        log: paths::repo().join("target/xtask/conformance.log"),
        flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
    };
    for option in options.chunks(2) {
        let &[name, value] = option else { bail!(CONFORMANCE) };
        match name {
            "--run" => suite.test = Some(value.to_owned()),
            "--features" => suite.features = Some(value.to_owned()),
            "--profiles" => suite.profiles = value.to_owned(),
            "--gateway-class" => class = Some(value.to_owned()),
            "--report" => report = Some(PathBuf::from(value)),
            _ => bail!(CONFORMANCE),
        }
        whole &= name == "--report";
    }
    // What only a part of the suite says is not for publication.
    let file = if whole {
        let name = format!("experimental-{}-default-report.yaml", env!("CARGO_PKG_VERSION"));
        Path::new("conformance/reports").join(conformance::RELEASE).join(name)
    } else {
        PathBuf::from("target/xtask/conformance-report.yaml")
    };
    suite.report = report.unwrap_or_else(|| paths::repo().join(file));
    let cluster = if let Some(class) = class {
        suite.gateway_class = class;
        running()?
    } else {
        let cluster = builder(&[])?.start()?;
        deploy::sluicegate(&cluster, &[])?;
        suite.gateway_class = deploy::CLASS.to_owned();
        cluster
    };
    let outcome = suite.run(&cluster, |test| println!("{test}"))?;
    let [passed, failed, skipped] = [&outcome.passed, &outcome.failed, &outcome.skipped].map(Vec::len);
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    println!("report: {}\nlog: {}", suite.report.display(), suite.log.display());
    if !outcome.success {
        bail!("the conformance suite failed: {}", outcome.failed.join(" "));
    }
    Ok(())
}
