//! A wire between the gateway and an origin that remembers all bytes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// One connection.
#[derive(Debug, Default)]
pub struct Link {
    /// From the gateway, and to it.
    pub sent: Mutex<Vec<u8>>,
    pub received: Mutex<Vec<u8>>,
    /// When the bytes from an offset of `sent` on came, in counts over all connections of the tap.
    pub times: Mutex<Vec<(usize, usize)>>,
}

impl Link {
    /// When the byte at an offset of `sent` came.
    pub fn time(&self, at: usize) -> usize {
        let times = self.times.lock().unwrap();
        let index = times.partition_point(|(from, _)| *from <= at);
        index.checked_sub(1).map_or(0, |index| times[index].1 + at - times[index].0)
    }
}

/// Where the gateway finds an origin.
#[derive(Debug)]
pub struct Tap {
    pub address: SocketAddr,
    pub links: Arc<Mutex<Vec<Arc<Link>>>>,
    /// Bytes from the gateway, over all connections.
    pub sent: Arc<AtomicUsize>,
}

impl Tap {
    pub async fn start(origin: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let links: Arc<Mutex<Vec<Arc<Link>>>> = Arc::default();
        let sent: Arc<AtomicUsize> = Arc::default();
        let (shared, count) = (Arc::clone(&links), Arc::clone(&sent));
        tokio::spawn(async move {
            while let Ok((gateway, _)) = listener.accept().await {
                let link = Arc::new(Link::default());
                shared.lock().unwrap().push(Arc::clone(&link));
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let Ok(origin) = TcpStream::connect(origin).await else { return };
                    let _ = (gateway.set_nodelay(true), origin.set_nodelay(true));
                    let (gateway_reads, gateway_writes) = gateway.into_split();
                    let (origin_reads, origin_writes) = origin.into_split();
                    let up = carry(gateway_reads, origin_writes, |bytes| {
                        let time = count.fetch_add(bytes.len(), Ordering::Relaxed);
                        let mut sent = link.sent.lock().unwrap();
                        link.times.lock().unwrap().push((sent.len(), time));
                        sent.extend_from_slice(bytes);
                    });
                    let down = carry(origin_reads, gateway_writes, |bytes| {
                        link.received.lock().unwrap().extend_from_slice(bytes);
                    });
                    tokio::join!(up, down);
                });
            }
        });
        Ok(Self { address, links, sent })
    }
}

/// Until the one side ends; then the other is told.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, record: impl Fn(&[u8])) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        record(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
