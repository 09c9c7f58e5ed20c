//! Load that counts every request, stream and record, to show what a change does to clients.
//!
//! A [`Load`] runs any number of generators on threads of its own. Each is a client as users have them: it keeps its
//! connections, numbers what it sends, checks what comes back, opens a new connection when it is told to go (or cut off),
//! and counts. Nothing is sent twice unless the protocol says that it was not processed, and that is counted too.
//!
//! ```no_run
//! use testkit::load::{Endpoint, Load};
//! let mut load = Load::start()?;
//! load.http1("plain", &Endpoint::plain("127.0.0.1:8080".parse()?, "a.example.com"), 4);
//! // … change something …
//! for count in load.stop() {
//!     count.expect_untouched()?;
//! }
//! # anyhow::Ok(())
//! ```

mod balancer;
mod count;
mod grpc;
mod http;
mod kafka;
mod tls;
mod transport;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use balancer::{Balancer, Instance};
pub use count::{Count, Ending, Tally};
pub use http::Header;
pub use kafka::{KafkaLoad, KafkaStream};
pub use tls::TlsEcho;

use transport::{Stream, Tap};

/// How long an answer may take before it counts as failed.
const ANSWER: Duration = Duration::from_secs(15);
/// How long to wait after a failure, so that what is broken is not asked a million times.
const PAUSE: Duration = Duration::from_millis(20);

/// Where a generator connects and what it asks for.
#[derive(Debug, Clone)]
pub struct Endpoint {
    address: SocketAddr,
    host: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    interval: Duration,
}

impl Endpoint {
    /// `host` in plaintext at `address`.
    pub fn plain(address: SocketAddr, host: &str) -> Self {
        Self { address, host: host.to_owned(), tls: None, interval: Duration::from_millis(10) }
    }

    /// `host` over TLS, with the SNI of the same name, trusting this CA alone.
    pub fn tls(address: SocketAddr, host: &str, ca_pem: &str) -> Result<Self> {
        Ok(Self { tls: Some(crate::certs::client_config(ca_pem, None, &[])?), ..Self::plain(address, host) })
    }

    /// How long each connection (or stream) rests after an answer; default 10 ms.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The address that `Host` or `:authority` names: the host alone, as on the well-known ports.
    fn authority(&self) -> &str {
        &self.host
    }

    async fn connect(&self, alpn: &str) -> std::io::Result<Tap<Stream>> {
        transport::connect(self, alpn).await
    }
}

/// Running generators.
#[derive(Debug)]
pub struct Load {
    runtime: tokio::runtime::Runtime,
    stop: watch::Sender<bool>,
    tasks: Vec<(Tally, Vec<JoinHandle<()>>)>,
}

/// What every task of a generator has.
#[derive(Debug, Clone)]
struct Run {
    tally: Tally,
    stopping: watch::Receiver<bool>,
}

impl Run {
    fn goes_on(&self) -> bool {
        !*self.stopping.borrow()
    }

    /// Rests; returns at once when the load is to stop.
    async fn rest(&self, duration: Duration) {
        let mut stopping = self.stopping.clone();
        let _ = tokio::time::timeout(duration, stopping.wait_for(|stop| *stop)).await;
    }
}

impl Load {
    /// No generators yet.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { runtime, stop: watch::Sender::new(false), tasks: Vec::new() })
    }

    /// Adds `tasks` tasks that count together.
    fn add<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        name: &str,
        tasks: usize,
        task: impl Fn(Run, usize) -> F,
    ) -> Tally {
        let tally = Tally::new(name);
        let run = Run { tally: tally.clone(), stopping: self.stop.subscribe() };
        let handles = (0..tasks).map(|index| self.runtime.spawn(task(run.clone(), index))).collect();
        self.tasks.push((tally.clone(), handles));
        tally
    }

    /// What has been counted so far.
    pub fn counts(&self) -> Vec<Count> {
        self.tasks.iter().map(|(tally, _)| tally.count()).collect()
    }

    /// Waits until every generator has been answered at least `answers` times.
    ///
    /// # Errors
    /// When one has not within half a minute.
    pub fn warm_up(&self, answers: u64) -> Result<()> {
        let end = std::time::Instant::now() + Duration::from_secs(30);
        while let Some(cold) = self.counts().into_iter().find(|count| count.ok < answers) {
            anyhow::ensure!(std::time::Instant::now() < end, "is not answered: {cold}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Lets every generator end what it has begun, and gives what they counted.
    pub fn stop(self) -> Vec<Count> {
        let _ = self.stop.send(true);
        let mut counts = Vec::new();
        for (tally, tasks) in self.tasks {
            for task in tasks {
                if self.runtime.block_on(async { tokio::time::timeout(ANSWER * 2, task).await }).is_err() {
                    tally.failed("does not stop");
                }
            }
            counts.push(tally.count());
        }
        self.runtime.shutdown_timeout(Duration::from_secs(1));
        counts
    }
}
