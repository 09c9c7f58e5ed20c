//! A load balancer as clouds have them: it forwards each new connection to an instance that says it is ready, and never
//! looks at a byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How often readiness is asked for.
const PROBE: Duration = Duration::from_millis(100);

/// A server behind a [`Balancer`].
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its admin port, whose `/readyz` is asked ten times a second.
    pub admin: SocketAddr,
    /// Where its ports are, in the order of the balancer's.
    pub ports: Vec<SocketAddr>,
}

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Balancer {
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Debug)]
struct Shared {
    instances: Vec<(Instance, AtomicBool, AtomicU64)>,
    turn: AtomicUsize,
    refused: AtomicU64,
}

impl Balancer {
    /// Forwards connections to `addresses` to the instances' ports at the same place of the list, in turn.
    pub fn start(addresses: &[SocketAddr], instances: Vec<Instance>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let instances = instances.into_iter().map(|one| (one, AtomicBool::new(false), AtomicU64::new(0))).collect();
        let shared = Arc::new(Shared { instances, turn: AtomicUsize::new(0), refused: AtomicU64::new(0) });
        for (place, address) in addresses.iter().enumerate() {
            let listener = runtime.block_on(TcpListener::bind(address)).with_context(|| format!("bind {address}"))?;
            let shared = Arc::clone(&shared);
            runtime.spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(forward(client, Arc::clone(&shared), place));
                }
            });
        }
        for index in 0..shared.instances.len() {
            let shared = Arc::clone(&shared);
            runtime.spawn(async move {
                loop {
                    let (instance, ready, _) = &shared.instances[index];
                    let answer = tokio::time::timeout(Duration::from_secs(1), is_ready(instance.admin)).await;
                    ready.store(answer.is_ok_and(|ready| ready), Ordering::Relaxed);
                    tokio::time::sleep(PROBE).await;
                }
            });
        }
        Ok(Self { shared, _runtime: runtime })
    }

    /// Whether it sends connections to the instance at this place of the list.
    pub fn is_ready(&self, instance: usize) -> bool {
        self.shared.instances[instance].1.load(Ordering::Relaxed)
    }

    /// How many connections each instance has got.
    pub fn connections(&self) -> Vec<u64> {
        self.shared.instances.iter().map(|(_, _, count)| count.load(Ordering::Relaxed)).collect()
    }

    /// How many connections an instance that counted as ready has refused; the next one got them.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }
}

async fn is_ready(admin: SocketAddr) -> bool {
    let ask = async {
        let mut socket = TcpStream::connect(admin).await?;
        socket.write_all(b"GET /readyz HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").await?;
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer.ends_with(b" 200"))
    };
    ask.await.unwrap_or(false)
}

async fn forward(mut client: TcpStream, shared: Arc<Shared>, place: usize) {
    let count = shared.instances.len();
    let turn = shared.turn.fetch_add(1, Ordering::Relaxed);
    for index in (0..count).map(|i| (turn + i) % count) {
        let (instance, ready, connections) = &shared.instances[index];
        if !ready.load(Ordering::Relaxed) {
            continue;
        }
        match TcpStream::connect(instance.ports[place]).await {
            Ok(mut server) => {
                connections.fetch_add(1, Ordering::Relaxed);
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                return;
            }
            Err(_) => _ = shared.refused.fetch_add(1, Ordering::Relaxed),
        }
    }
}
