//! Numbered bytes over connections that a gateway passes through: eight at a time, echoed by the server, never waited for.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ANSWER, Endpoint, Load, PAUSE, Run, Tally};
use crate::certs::Identity;

/// A TLS server that sends back every byte. Dropping it ends it.
#[derive(Debug)]
pub struct TlsEcho {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl TlsEcho {
    /// Serves at `address`; port 0 takes a free one.
    pub fn start(address: SocketAddr, identity: &Identity) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let acceptor = tokio_rustls::TlsAcceptor::from(identity.server_config(&[])?);
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind(address)).with_context(|| format!("bind {address}"))?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let _ = socket.set_nodelay(true);
                    let Ok(stream) = acceptor.accept(socket).await else { return };
                    let (mut reader, mut writer) = tokio::io::split(stream);
                    let mut buffer = vec![0; 4096];
                    while let Ok(length @ 1..) = reader.read(&mut buffer).await {
                        if writer.write_all(&buffer[..length]).await.is_err() || writer.flush().await.is_err() {
                            return;
                        }
                    }
                    let _ = writer.shutdown().await;
                });
            }
        });
        Ok(Self { address, _runtime: runtime })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Load {
    /// `connections` TLS connections to a [`TlsEcho`]: a number is sent whether the one before has come back or not.
    pub fn tls(&mut self, name: &str, to: &Endpoint, connections: usize) -> Tally {
        let to = to.clone();
        self.add(name, connections, move |run, _| pipeline(run, to.clone()))
    }
}

async fn pipeline(run: Run, to: Endpoint) {
    let mut first = 0_u64;
    while run.goes_on() {
        let stream = match to.connect("").await {
            Ok(stream) => stream,
            Err(error) => {
                run.tally.sent();
                run.tally.failed(&format!("connect: {error}"));
                run.rest(PAUSE).await;
                continue;
            }
        };
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (written, seen) = (AtomicU64::new(first), AtomicU64::new(first));
        let write = async {
            while run.goes_on() {
                run.tally.sent();
                let number = written.fetch_add(1, Relaxed);
                let result = async {
                    writer.write_all(&number.to_be_bytes()).await?;
                    writer.flush().await
                };
                if result.await.is_err() {
                    return;
                }
                run.rest(to.interval).await;
            }
            let _ = writer.shutdown().await;
        };
        let read = async {
            let mut bytes = [0; 8];
            loop {
                if let Err(error) = reader.read_exact(&mut bytes).await {
                    return error.to_string();
                }
                let number = u64::from_be_bytes(bytes);
                let expected = seen.swap(number + 1, Relaxed);
                if number == expected {
                    run.tally.ok();
                } else {
                    run.tally.misplaced(expected, number);
                }
            }
        };
        // The reader sees the end: the server's, once we have ended our side, or somebody else's.
        let end = {
            let mut read = std::pin::pin!(read);
            tokio::select! {
                end = &mut read => end,
                () = write => tokio::time::timeout(ANSWER, read).await.unwrap_or_else(|_| "no end in time".to_owned()),
            }
        };
        let missing = written.load(Relaxed).saturating_sub(seen.load(Relaxed));
        if run.goes_on() {
            run.tally.ended(false, &end);
            (0..missing).for_each(|_| run.tally.failed("in flight when the connection was cut"));
        } else {
            (0..missing).for_each(|_| run.tally.failed(&end));
        }
        first = written.load(Relaxed);
    }
}
