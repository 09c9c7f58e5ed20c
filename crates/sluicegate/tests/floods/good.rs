//! Good clients: each asks at a fixed rate, on connections of its own, and checks every answer.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use testkit::raw::RawKafka;
use tokio::net::TcpStream;

/// Between two requests of one client.
const PACE: Duration = Duration::from_millis(50);
/// A request that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(10);

/// What happened since the last look.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub answered: u64,
    pub failures: Vec<String>,
    /// Of those answered, ascending after [`Good::take`].
    pub latencies: Vec<Duration>,
}

impl Tally {
    /// The latency that so many percent do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).copied().unwrap_or_default()
    }
}

type Shared = Arc<(AtomicBool, Mutex<Tally>)>;

/// Clients that run until they are dropped.
#[derive(Debug)]
pub struct Good {
    shared: Shared,
    threads: Vec<JoinHandle<()>>,
}

fn note(shared: &Shared, who: &str, began: Instant, result: Result<()>) {
    let mut tally = shared.1.lock().unwrap_or_else(PoisonError::into_inner);
    match result {
        Ok(()) => {
            tally.answered += 1;
            tally.latencies.push(began.elapsed());
        }
        Err(error) => tally.failures.push(format!("{who} after {:?}: {error:#}", began.elapsed())),
    }
}

impl Good {
    /// An HTTP/1.1 and an HTTP/2 client on one connection each, and one that opens a connection for every request.
    pub fn http(at: SocketAddr) -> Self {
        let shared = Shared::default();
        let ours = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                tokio::join!(
                    every(&ours, "HTTP/1.1", Http1 { at, kept: None, keep: true, count: 0 }),
                    every(&ours, "HTTP/2", Http2 { at, kept: None, count: 0 }),
                    every(&ours, "a new connection", Http1 { at, kept: None, keep: false, count: 0 }),
                );
            });
        });
        Self { shared, threads: vec![thread] }
    }

    /// A Kafka client on one connection that `connect` opens, and one that opens a connection for every request.
    pub fn kafka(connect: impl Fn() -> Result<RawKafka> + Send + Sync + 'static) -> Self {
        let shared = Shared::default();
        let connect = Arc::new(connect);
        let threads = [true, false].map(|keep| {
            let (ours, connect) = (Arc::clone(&shared), Arc::clone(&connect));
            std::thread::spawn(move || {
                let mut kept = None;
                let mut correlation = 0;
                while !ours.0.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    correlation += 1;
                    let mut ask = || -> Result<()> {
                        let mut connection = match kept.take() {
                            Some(connection) => connection,
                            None => connect().context("connect")?,
                        };
                        api_versions(&mut connection, correlation)?;
                        kept = keep.then_some(connection);
                        Ok(())
                    };
                    let result = ask();
                    note(&ours, if keep { "Kafka" } else { "a new Kafka connection" }, began, result);
                    std::thread::sleep(if keep { PACE } else { 4 * PACE });
                }
            })
        });
        Self { shared, threads: threads.into() }
    }

    /// What happened since the last call.
    pub fn take(&self) -> Tally {
        let mut tally = std::mem::take(&mut *self.shared.1.lock().unwrap_or_else(PoisonError::into_inner));
        tally.latencies.sort();
        tally
    }
}

impl Drop for Good {
    fn drop(&mut self) {
        self.shared.0.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Asks for the versions of all APIs, and reads all of the answer.
fn api_versions(connection: &mut RawKafka, correlation: i32) -> Result<()> {
    connection.send_request(18, 0, correlation, false, b"")?;
    let answer = connection.read_frame()?.context("closed")?;
    ensure!(answer.len() > 100, "an answer of {} bytes", answer.len());
    ensure!(answer.get(..6) == Some(&[&correlation.to_be_bytes()[..], &[0, 0]].concat()[..]), "{:?}", &answer[..6]);
    Ok(())
}

trait Ask {
    async fn ask(&mut self) -> Result<()>;
}

async fn every(shared: &Shared, who: &str, mut client: impl Ask) {
    let mut ticks = tokio::time::interval(PACE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !shared.0.load(Ordering::Relaxed) {
        ticks.tick().await;
        let began = Instant::now();
        let asked = tokio::time::timeout(LIMIT, client.ask()).await;
        note(shared, who, began, asked.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer"))));
    }
}

fn request(path: &str) -> Result<Request<Empty<Bytes>>> {
    Ok(Request::get(path).header("host", "good.example.com").body(Empty::new())?)
}

async fn check(response: hyper::Response<hyper::body::Incoming>, path: &str) -> Result<()> {
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&body);
    ensure!(status == 200 && text.contains(&format!("\"path\":\"{path}\"")), "{status} {text}");
    Ok(())
}

struct Http1 {
    at: SocketAddr,
    kept: Option<http1::SendRequest<Empty<Bytes>>>,
    keep: bool,
    count: u32,
}

impl Ask for Http1 {
    async fn ask(&mut self) -> Result<()> {
        self.count += 1;
        let path = format!("/good/{}", self.count);
        let mut sender = match self.kept.take() {
            Some(sender) => sender,
            None => {
                let stream = TcpStream::connect(self.at).await.context("connect")?;
                stream.set_nodelay(true)?;
                let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
        };
        check(sender.send_request(request(&path)?).await?, &path).await?;
        self.kept = self.keep.then_some(sender);
        Ok(())
    }
}

struct Http2 {
    at: SocketAddr,
    kept: Option<http2::SendRequest<Empty<Bytes>>>,
    count: u32,
}

impl Ask for Http2 {
    async fn ask(&mut self) -> Result<()> {
        self.count += 1;
        let path = format!("/good/{}", self.count);
        let mut sender = match self.kept.take() {
            Some(sender) => sender,
            None => {
                let stream = TcpStream::connect(self.at).await.context("connect")?;
                stream.set_nodelay(true)?;
                let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
        };
        let mut request = request(&path)?;
        *request.uri_mut() = format!("http://good.example.com{path}").parse()?;
        request.headers_mut().remove("host");
        check(sender.send_request(request).await?, &path).await?;
        self.kept = Some(sender);
        Ok(())
    }
}
