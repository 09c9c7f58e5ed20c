//! `run`: serves paths, follows their changes, ends gracefully.

mod log;
mod signals;

use crate::check::count;
use crate::cli::{AccessLog, LogFormat, ServeArgs};
use crate::config::Config;
use crate::files::{self, Scan, Source};
use crate::report::Report;
use crate::{logging, summary, watch};
use anyhow::{Context, bail};
use log::ProblemLog;
use proxy::{Options, Proxy};
pub(crate) use signals::Signal;
pub(crate) use signals::spawn as signals;
use snapshot::{Ack, Refusal};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};
use translate::Settings;

/// How long a file that does not parse, or that has just become empty, counts as being written.
const HALF_WRITTEN: Duration = Duration::from_millis(250);
/// How often to ask whether ports that were in use are free; the proxy tries them every two seconds.
const REFUSAL_POLL: Duration = Duration::from_millis(500);

/// What wakes the main thread.
enum Event {
    Files(Scan),
    Signal(Signal),
}

/// Serves until a signal says otherwise.
pub fn run(paths: &[PathBuf], args: &ServeArgs) -> anyhow::Result<ExitCode> {
    logging::start(&args.log)?;
    // Fails only if a provider is installed already, which would be this one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let scan = files::scan(paths);
    if let Some((path, why)) = scan.unreadable.iter().find(|(path, _)| paths.contains(path)) {
        bail!("cannot read {}: {why}", path.display());
    }
    let (events, received) = sync_channel(16);
    let signal_events = events.clone();
    signals(move |signal| signal_events.send(Event::Signal(signal)).is_ok()).context("cannot wait for signals")?;
    let watch = watch::spawn(paths.to_vec(), scan.clone(), move |scan| events.send(Event::Files(scan)).is_ok())
        .context("cannot watch files")?;

    let port_map: BTreeMap<u16, u16> = args.port_map.iter().copied().collect();
    let proxy = start(args)?;
    let config = Config::new(Settings { port_map: port_map.clone(), ..Settings::default() });
    let mut server = Server {
        proxy,
        config,
        paths: paths.to_vec(),
        port_map,
        refusals: Vec::new(),
        log: ProblemLog::new(args.log.log_format),
        text: args.log.log_format == LogFormat::Text,
    };
    server.apply(&scan, true);
    server.proxy.set_ready(true);
    server.announce();
    loop {
        let event = if server.refusals.is_empty() {
            received.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            received.recv_timeout(REFUSAL_POLL)
        };
        match event {
            Ok(Event::Files(scan)) => server.apply(&scan, false),
            Ok(Event::Signal(Signal::Reload)) => {
                tracing::info!("SIGHUP: reading all files again");
                watch.look();
            }
            Ok(Event::Signal(Signal::Stop)) => return Ok(drain(&server.proxy, args.drain_timeout)),
            Err(RecvTimeoutError::Timeout) => server.recheck_refusals(),
            Err(RecvTimeoutError::Disconnected) => bail!("nobody waits for signals any more"),
        }
    }
}

/// Starts a proxy that serves nothing yet.
pub(crate) fn start(args: &ServeArgs) -> anyhow::Result<Proxy> {
    Ok(Proxy::start(Options {
        workers: args.workers,
        port_map: args.port_map.iter().copied().collect(),
        admin: args.admin.address(),
        access_log: match &args.access_log {
            AccessLog::Off => proxy::AccessLog::Off,
            AccessLog::Stdout => proxy::AccessLog::Stdout,
            AccessLog::File(path) => proxy::AccessLog::File(path.clone()),
        },
        metric_series: args.metric_series,
        min_drain: args.min_drain,
        ..Options::default()
    })?)
}

/// Lets open connections end; says with which status the process is to.
pub(crate) fn drain(proxy: &Proxy, deadline: Duration) -> ExitCode {
    tracing::info!(
        connections = proxy.connections(),
        "ending: no new connections, open ones have {} s; a second signal ends at once",
        deadline.as_secs()
    );
    let drained = proxy.drain(deadline);
    if drained.cut == 0 {
        tracing::info!(connections = drained.open, "ended gracefully");
        ExitCode::SUCCESS
    } else {
        tracing::warn!(connections = drained.open, cut = drained.cut, "ended at the deadline");
        ExitCode::FAILURE
    }
}

struct Server {
    proxy: Proxy,
    config: Config,
    paths: Vec<PathBuf>,
    port_map: BTreeMap<u16, u16>,
    refusals: Vec<Refusal>,
    log: ProblemLog,
    text: bool,
}

impl Server {
    /// Serves the files as they are now.
    fn apply(&mut self, scan: &Scan, first: bool) {
        let began = Instant::now();
        let (sources, unreadable) = self.read(scan);
        let delta = self.config.update(sources, unreadable);
        let (changed, removed) = (delta.upserts.len(), delta.removes.len());
        if !delta.is_empty() {
            let ack = self.proxy.apply(delta);
            self.refusals.clone_from(&ack.refusals);
            self.config.acknowledge(&ack);
        }
        self.publish();
        if !first && changed + removed > 0 {
            let revision = self.config.snapshot().revision;
            tracing::info!(
                revision,
                changed,
                removed,
                milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                "configuration applied"
            );
        }
    }

    /// Reads all files; waits a moment for those that look as if somebody were writing them.
    fn read(&self, scan: &Scan) -> (Vec<Source>, BTreeMap<PathBuf, String>) {
        let (mut sources, mut unreadable) = files::read(scan);
        let mut scan = scan.clone();
        let deadline = Instant::now() + HALF_WRITTEN;
        loop {
            let fresh = |source: &Source| scan.files.get(&source.path).is_some_and(|stamp| stamp.age() < HALF_WRITTEN);
            let waits = sources.iter().any(|source| fresh(source) && self.config.may_be_half_written(source));
            if !waits || Instant::now() >= deadline {
                return (sources, unreadable);
            }
            std::thread::sleep(watch::STILL);
            let next = files::scan(&self.paths);
            if next != scan {
                (sources, unreadable) = files::read(&next);
                scan = next;
            }
        }
    }

    /// Tells `/status` and the log what is so now.
    fn publish(&mut self) {
        let problems = self.config.problems();
        self.log.update(&problems);
        let (loaded, statuses) = self.config.shared();
        self.proxy.set_status(move || {
            let report = Report::new(&problems, &loaded.resources, &statuses);
            serde_json::to_string_pretty(&report).unwrap_or_else(|error| {
                tracing::error!(%error, "cannot write the statuses");
                "null".to_owned()
            })
        });
    }

    /// Takes note of ports that have become free since.
    fn recheck_refusals(&mut self) {
        let refusals = self.proxy.refusals();
        if refusals != self.refusals {
            self.refusals.clone_from(&refusals);
            self.config.acknowledge(&Ack { revision: self.config.snapshot().revision, refusals });
            self.publish();
        }
    }

    /// Says what is served, once at the start.
    fn announce(&self) {
        let snapshot = self.config.snapshot();
        let (objects, files) = (self.config.objects().len(), self.config.files());
        let text = summary::summary(snapshot, &self.port_map, &self.refusals);
        if self.text {
            let admin = match self.proxy.admin_address() {
                Some(address) => format!("admin on http://{address}/ (healthz readyz metrics status config)"),
                None => "no admin port".to_owned(),
            };
            let (objects, files) = (count(objects, "object"), count(files, "file"));
            log::stderr(&format!("sluicegate {}: {objects} in {files}; {admin}\n{text}", env!("CARGO_PKG_VERSION")));
        } else {
            let admin = self.proxy.admin_address().map(|address| address.to_string());
            tracing::info!(version = env!("CARGO_PKG_VERSION"), objects, files, admin, "started");
            text.lines().for_each(|line| tracing::info!("{}", line.trim()));
        }
    }
}
