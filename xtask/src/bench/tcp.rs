//! Row `tcp`: what a gigabyte costs that passes with its TLS as it is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustls::ClientConnection;
use testkit::{Ca, certs, net};

use super::outcome::{Outcome, Sample, interleave};
use super::peers::{self, Running, file};
use super::{Bench, Row, measure, progress, tools};

/// The rows.
pub(crate) const ROWS: &[Row] =
    &[Row { name: "tcp", title: TITLE, tools: &[&tools::NGINX_STREAM, &tools::HAPROXY, &tools::PERF], run }];

const TITLE: &str = "CPU per gigabyte of TLS that passes through";

/// Connections at a time.
const CONNECTIONS: usize = 4;
/// Written and read at a time by client and backend.
const BUFFER: usize = 256 << 10;
/// The server name that all ask for.
const NAME: &str = "bulk.tls.test";

fn run(bench: &Bench) -> Result<Outcome> {
    let method = format!(
        "{CONNECTIONS} connections, each with a real ClientHello and then as many bytes as go through: to the client (`down`), then to the \
         backend (`up`). nginx (`stream`, `ssl_preread`) and haproxy (`mode tcp`, `req.ssl_sni`) choose the backend by the server name, \
         too; all write a line per connection."
    );
    let mut outcome = Outcome::new(bench, "tcp", TITLE, &method);
    outcome.column("down", "CPU-s per GB to the client", 3);
    outcome.column("up", "CPU-s per GB to the backend", 3);
    outcome.column("user", "user", 3);
    outcome.column("sys", "system", 3);
    outcome.column("syscalls", "syscalls per MB", 1);
    outcome.column("lines", "log lines per connection", 2);
    outcome.column("rate", "GB/s (not judged)", 2);
    outcome.plot = vec!["user".to_owned(), "sys".to_owned()];
    let backend = Backend::start()?;
    let mut proxies = [sluicegate, nginx, haproxy]
        .into_iter()
        .map(|start| start(bench, backend.address.port()))
        .collect::<Result<Vec<_>>>()?;
    let hello = client_hello()?;
    for proxy in &proxies {
        transfer(proxy.port, &hello, Direction::Down, Duration::from_millis(500))?;
        std::thread::sleep(Duration::from_millis(200));
        proxy.take_log()?;
    }
    let time = Duration::from_secs(bench.seconds);
    interleave(
        bench,
        &mut outcome,
        &mut proxies,
        |proxy| &proxy.name,
        |proxy| {
            let mut both = [(0.0, measure::Cpu::default()); 2];
            for (at, direction) in [Direction::Down, Direction::Up].into_iter().enumerate() {
                let before = measure::cpu(proxy.pid());
                let gigabytes = transfer(proxy.port, &hello, direction, time)?;
                std::thread::sleep(Duration::from_millis(300));
                both[at] = (gigabytes, measure::cpu(proxy.pid()).since(before));
            }
            let [(down, down_cpu), (up, up_cpu)] = both;
            #[allow(clippy::cast_precision_loss, reason = "a count of lines")]
            let lines = proxy.take_log()? as f64 / (2 * CONNECTIONS) as f64;
            Ok(Sample::from([
                ("down", down_cpu.total() / down),
                ("up", up_cpu.total() / up),
                ("user", (down_cpu.user + up_cpu.user) / (down + up)),
                ("sys", (down_cpu.sys + up_cpu.sys) / (down + up)),
                ("lines", lines),
                ("rate", (down + up) / 2.0 / time.as_secs_f64()),
            ]))
        },
    )?;
    for proxy in &proxies {
        let count =
            measure::syscalls(proxy.pid(), || transfer(proxy.port, &hello, Direction::Down, Duration::from_secs(1)))?;
        if let (gigabytes, Some(count)) = count {
            progress(&format!("tcp {}: {:.1} syscalls per MB", proxy.name, count / gigabytes / 1000.0));
            outcome.sample(&proxy.name, Sample::from([("syscalls", count / gigabytes / 1000.0)]));
        }
    }
    outcome.ratio("CPU per GB to the client ÷ nginx", "down", "sluicegate", "nginx stream", 0.66);
    outcome.ratio("CPU per GB to the backend ÷ nginx", "up", "sluicegate", "nginx stream", 0.66);
    Ok(outcome)
}

/// A ClientHello as a client of [`NAME`] sends it.
fn client_hello() -> Result<Vec<u8>> {
    let config = certs::client_config(Ca::new("bench")?.pem(), None, &[])?;
    let mut connection = ClientConnection::new(config, NAME.try_into()?)?;
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes)?;
    Ok(bytes)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// To the client.
    Down,
    /// To the backend.
    Up,
}

/// A backend that sends for as long as anyone reads, or reads for as long as anyone sends: the byte after the ClientHello says which.
struct Backend {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Backend {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten().take_while(|_| !stopped.load(Relaxed)) {
                // A connection ends when its client ends it.
                std::thread::spawn(move || serve(stream).ok());
            }
        });
        Ok(Self { address, stop, thread: Some(thread) })
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        // Wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Marks the end of the ClientHello: which direction to measure.
const WORDS: [&[u8; 4]; 2] = [b"down", b"up.."];

fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut hello)?;
    let mut word = [0; 4];
    stream.read_exact(&mut word)?;
    let mut buffer = vec![7; BUFFER];
    if &word == WORDS[0] {
        // Until the client closes.
        while stream.write_all(&buffer).is_ok() {}
    } else {
        let mut count = 0_u64;
        loop {
            match stream.read(&mut buffer)? {
                0 => break,
                n => count += n as u64,
            }
        }
        stream.write_all(&count.to_be_bytes())?;
    }
    Ok(())
}

/// Moves bytes for so long; how many gigabytes have arrived.
fn transfer(port: u16, hello: &[u8], direction: Direction, time: Duration) -> Result<f64> {
    let one = || -> Result<u64> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_write_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(hello)?;
        stream.write_all(WORDS[usize::from(direction == Direction::Up)])?;
        let end = Instant::now() + time;
        let mut buffer = vec![7; BUFFER];
        let mut count = 0;
        if direction == Direction::Down {
            while Instant::now() < end {
                match stream.read(&mut buffer)? {
                    0 => bail!("closed after {count} bytes"),
                    n => count += n as u64,
                }
            }
            return Ok(count);
        }
        while Instant::now() < end {
            stream.write_all(&buffer)?;
        }
        stream.shutdown(Shutdown::Write)?;
        let mut arrived = [0; 8];
        stream.read_exact(&mut arrived).context("no count from the backend")?;
        Ok(u64::from_be_bytes(arrived))
    };
    let bytes = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(one)).collect();
        threads.into_iter().try_fold(0, |sum, thread| match thread.join() {
            Ok(bytes) => Ok(sum + bytes?),
            Err(_) => bail!("a client thread panicked"),
        })
    })?;
    #[allow(clippy::cast_precision_loss, reason = "bytes of some seconds")]
    Ok(bytes as f64 / 1e9)
}

fn sluicegate(bench: &Bench, backend: u16) -> Result<Running> {
    let dir = bench.folder("tcp", "sluicegate")?;
    let port = net::free_port()?;
    let config = format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: sluicegate}}
spec: {{controllerName: sluicegate.dev/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: bench, namespace: default}}
spec:
  gatewayClassName: sluicegate
  addresses: [{{value: 127.0.0.1}}]
  listeners:
  - {{name: tls, port: {port}, protocol: TLS, hostname: '*.tls.test', tls: {{mode: Passthrough}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {{name: bulk, namespace: default}}
spec:
  parentRefs: [{{name: bench}}]
  hostnames: [{NAME}]
  rules:
  - backendRefs: [{{group: sluicegate.dev, kind: Backend, name: backend}}]
---
apiVersion: sluicegate.dev/v1alpha1
kind: Backend
metadata: {{name: backend, namespace: default}}
spec:
  endpoints:
  - ip: {{address: 127.0.0.1, port: {backend}}}
"
    );
    file(&dir, "config/gateway.yaml", &config)?;
    peers::sluicegate(&bench.binary, &dir, port, bench.workers)
}

fn nginx(bench: &Bench, backend: u16) -> Result<Running> {
    let dir = bench.folder("tcp", "nginx")?;
    let port = net::free_port()?;
    let log = dir.join("access.log");
    let servers = format!(
        " map $ssl_preread_server_name $to {{ {NAME} 127.0.0.1:{backend}; }}
 server {{ listen 127.0.0.1:{port} reuseport; ssl_preread on; proxy_pass $to; }}
"
    );
    nginx_stream(&dir, &servers, port, &log, bench.workers)
}

/// nginx with these servers of its module for TCP; a line of JSON per connection.
pub(crate) fn nginx_stream(dir: &Path, servers: &str, port: u16, log: &Path, workers: usize) -> Result<Running> {
    let config = format!(
        r#"load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root; daemon off; worker_processes {workers}; pid {dir}/pid; error_log stderr error; worker_rlimit_nofile 60000;
events {{ worker_connections 30000; }}
stream {{
 log_format facts escape=json '{{"time":"$time_iso8601","client":"$remote_addr:$remote_port","connection":$connection,"duration":$session_time,"bytes_received":$bytes_received,"bytes_sent":$bytes_sent,"endpoint":"$upstream_addr","status":$status}}';
 access_log {log} facts;
 proxy_connect_timeout 5s; proxy_timeout 10m; proxy_half_close on;
{servers}}}
"#,
        dir = dir.display(),
        log = log.display(),
    );
    let path = file(dir, "nginx.conf", &config)?;
    let mut command = tools::program("nginx");
    command.arg("-p").arg(dir).arg("-c").arg(path).args(["-e", "stderr"]);
    Running::start("nginx stream", &command, dir, port, log.to_owned())
}

fn haproxy(bench: &Bench, backend: u16) -> Result<Running> {
    let dir = bench.folder("tcp", "haproxy")?;
    let port = net::free_port()?;
    let listeners = format!(
        "frontend tls
  bind 127.0.0.1:{port}
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  use_backend bulk if {{ req.ssl_sni {NAME} }}
backend bulk
  server s 127.0.0.1:{backend}
"
    );
    haproxy_tcp(&dir, &listeners, port, bench.workers)
}

/// haproxy with these listeners for TCP; a line of JSON per connection, to standard output, which is a file.
pub(crate) fn haproxy_tcp(dir: &Path, listeners: &str, port: u16, workers: usize) -> Result<Running> {
    let config = format!(
        r#"global
  nbthread {workers}
  maxconn 20000
  no strict-limits
  log stdout format raw local0
defaults
  mode tcp
  log global
  option splice-auto
  timeout connect 5s
  timeout client 10m
  timeout server 10m
  log-format '{{"time":"%Ts.%ms","client":"%ci:%cp","frontend":"%ft","duration":%Tt,"bytes_received":%U,"bytes_sent":%B,"endpoint":"%si:%sp","state":"%tsc"}}'
{listeners}"#
    );
    let path = file(dir, "haproxy.cfg", &config)?;
    let mut command = tools::program("haproxy");
    command.arg("-db").arg("-f").arg(path);
    Running::start("haproxy", &command, dir, port, dir.join("output"))
}
