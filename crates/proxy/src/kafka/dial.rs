//! From a route and a wanted broker to a connection.
//!
//! A bootstrap name leads to any backend. A broker's name leads to that broker alone, never to another one: to the
//! backend that the route gives it, or to the address that the cluster gives it. Where that is not known, as after a
//! restart of the gateway with a client that comes back on a broker's name, the gateway asks a bootstrap server itself.
//! A cluster that talks to authenticated clients only is asked through the client: it authenticates to a bootstrap
//! server, the gateway then asks on that connection, and unless this happens to be the wanted broker the connection ends
//! and the client's next one finds it. (SCRAM cannot be replayed to a second broker, and the gateway has no credential.)

use super::{
    Wanted,
    addresses::Reach,
    close::{Close, Side},
    cluster::Address,
    own::{self, Own},
    route::Route,
    scope::Scope,
    session::IsPeer,
};
use crate::{
    config::Runtime,
    conn::Conn,
    io::Io,
    upstream::{self, Active, Backend, ClientTls, ConnectError, Protocols},
    worker::Worker,
};
use bytes::{Bytes, BytesMut};
use kafka::{
    ApiKey, Body, Reader, ResponseHeader, Rope, frame::frame_len, messages::ApiVersionsRequest,
    messages::ApiVersionsResponse,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Endpoints of one backend that one connection tries.
const MAX_TRIES: usize = 16;
/// The largest answer to the gateway's own lookups: metadata of a cluster without topics.
const MAX_ANSWER: usize = 16 << 20;

/// A connection to a broker.
pub(super) struct Upstream {
    pub(super) io: Io,
    /// Where it leads, for the log.
    pub(super) address: Option<SocketAddr>,
    /// Set if the wanted broker has to be learned after the client's authentication.
    pub(super) learning: Option<(i32, IsPeer)>,
    /// Counts it as open.
    pub(super) active: Active,
}

/// Opens a connection to what the client wants.
pub(super) async fn open(worker: &Worker, route: &Arc<Route>, conn: &Conn, wanted: Wanted) -> Result<Upstream, Close> {
    let dial = Dial { worker, route, conn };
    match wanted {
        Wanted::Bootstrap => dial.bootstrap().await,
        Wanted::Broker(id) => dial.broker(id).await,
    }
}

struct Dial<'a> {
    worker: &'a Worker,
    route: &'a Arc<Route>,
    conn: &'a Conn,
}

/// What the gateway's own lookup has come to.
enum Lookup {
    Learned,
    /// The cluster talks to authenticated clients only.
    NeedsAuthentication,
}

impl Dial<'_> {
    /// Every backend in turn, every endpoint of each.
    async fn bootstrap(&self) -> Result<Upstream, Close> {
        let runtime = self.worker.runtime();
        let mut last = Close::Connect("the route has no backend".into());
        for key in &self.route.backends {
            let Some(backend) = runtime.backend(key) else {
                last = Close::Connect(format!("{key} does not exist"));
                continue;
            };
            match self.backend(backend).await {
                Ok(upstream) => return Ok(upstream),
                Err(error) => last = Close::Connect(format!("{key}: {error}")),
            }
        }
        Err(last)
    }

    async fn backend(&self, backend: &Backend) -> Result<Upstream, ConnectError> {
        if let Some(why) = &backend.unusable {
            return Err(ConnectError::Unusable(why.clone()));
        }
        let mut last = ConnectError::NoEndpoint(Arc::clone(&backend.label));
        for _ in 0..backend.endpoints.len().min(MAX_TRIES) {
            let Some(endpoint) = backend.pick(self.worker.now()) else { break };
            match upstream::connect_endpoint(self.worker, backend, endpoint, Protocols::None).await {
                Ok(io) => {
                    let upstream = upstream(io, backend);
                    // Else each connection would come back as another one until there are no more.
                    match upstream.address.filter(|address| self.leads_here(*address)) {
                        None => return Ok(upstream),
                        Some(own) => {
                            last = ConnectError::Unusable(format!("its endpoint {own} is a listener of this gateway"));
                        }
                    }
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Whether whoever dials this address reaches this gateway.
    fn leads_here(&self, address: SocketAddr) -> bool {
        self.worker.shared().bound.leads_here(address, self.conn.local.ip())
    }

    async fn broker(&self, id: i32) -> Result<Upstream, Close> {
        let runtime = self.worker.runtime();
        if let Some(key) = self.route.brokers.get(&id) {
            let missing = || Close::Connect(format!("{key} does not exist"));
            let backend = runtime.backend(key).ok_or_else(missing)?;
            return self.backend(backend).await.map_err(|error| Close::Connect(format!("{key}: {error}")));
        }
        let cluster = &self.route.cluster;
        let known = cluster.broker(id);
        let mut failed = None;
        if let Some(address) = &known {
            match self.address(&runtime, id, address).await {
                Ok(upstream) => return Ok(upstream),
                // It may have moved: ask.
                Err(close) => failed = Some(close),
            }
        }
        match self.learn(id, known.as_ref()).await {
            Ok(Lookup::Learned) => {}
            Ok(Lookup::NeedsAuthentication) => return self.through_client(id, known, failed).await,
            Err(close) => return Err(failed.unwrap_or(close)),
        }
        match (cluster.broker(id), failed) {
            (None, _) => Err(Close::UnknownBroker(id)),
            // Nothing new.
            (address, Some(close)) if address == known => Err(close),
            (Some(address), _) => self.address(&runtime, id, &address).await,
        }
    }

    /// Lets the client authenticate to a bootstrap server, to ask where the broker is on its behalf.
    async fn through_client(&self, id: i32, known: Option<Address>, failed: Option<Close>) -> Result<Upstream, Close> {
        if let (Some(address), Some(close)) = (known, failed) {
            // A refused address stays refused until the cluster says something else; one where nobody answers is asked
            // for anew by the next client.
            if matches!(close, Close::Connect(_)) {
                self.route.cluster.forget_broker(id, &address);
            }
            return Err(close);
        }
        let mut upstream = self.bootstrap().await?;
        let (route, peer) = (Arc::clone(self.route), upstream.address);
        let is_peer = move |address: &Address| match route.addresses.judge(&address.host, address.port, &|_| false) {
            Ok(Reach::Addresses(addresses)) => peer.is_some_and(|peer| addresses.contains(&peer)),
            Ok(Reach::Name(..)) | Err(_) => false,
        };
        upstream.learning = Some((id, Box::new(is_peer)));
        Ok(upstream)
    }

    /// An address that a broker has advertised, if it may be dialled.
    async fn address(&self, runtime: &Arc<Runtime>, id: i32, address: &Address) -> Result<Upstream, Close> {
        let own = |address: SocketAddr| self.leads_here(address);
        let refused = |refused| {
            if self.route.cluster.is_new_refusal(id, address) {
                tracing::warn!(
                    route = %self.route.label, broker = id, host = %address.host, port = address.port, reason = %refused,
                    "a broker advertises an address that is not dialled; if it is right, add it to the endpoints of the \
                     route's Service or Backend, or to the Backend's allowedCIDRs"
                );
            }
            Close::Address(id, refused)
        };
        let reach = self.route.addresses.judge(&address.host, address.port, &own).map_err(refused)?;
        let (backend, tls) = self.trust(runtime)?;
        let connect = |error: ConnectError| Close::Connect(format!("broker {id}: {error}"));
        let candidates = match reach {
            Reach::Addresses(addresses) => addresses,
            Reach::Name(name, port) => {
                let addresses = upstream::resolve(self.worker, &name).await.map_err(connect)?;
                let judge = |ip: &IpAddr| self.route.addresses.resolved(&name, SocketAddr::new(*ip, port), &own);
                addresses.iter().map(judge).collect::<Result<Vec<_>, _>>().map_err(refused)?
            }
        };
        let mut last = Close::Connect(format!("broker {id} has no address"));
        for candidate in candidates.into_iter().take(MAX_TRIES) {
            match upstream::connect_to(self.worker, candidate, tls, Protocols::None).await {
                Ok(io) => return Ok(upstream(io, backend)),
                Err(error) => last = connect(error),
            }
        }
        Err(last)
    }

    /// The backend whose TLS settings brokers are reached with: the first that can be used.
    fn trust<'a>(&self, runtime: &'a Arc<Runtime>) -> Result<(&'a Arc<Backend>, Option<&'a ClientTls>), Close> {
        let mut why = "the route has no backend".to_owned();
        for backend in self.route.backends.iter().filter_map(|key| runtime.backend(key)) {
            match &backend.unusable {
                None => return Ok((backend, backend.tls.as_ref())),
                Some(reason) => why.clone_from(reason),
            }
        }
        Err(Close::Connect(why))
    }

    /// Asks the cluster where its brokers are. One at a time: who waited finds the answer there.
    async fn learn(&self, id: i32, known: Option<&Address>) -> Result<Lookup, Close> {
        let cluster = &self.route.cluster;
        let mut state = cluster.lookup.lock().await;
        if cluster.broker(id).as_ref() != known {
            return Ok(Lookup::Learned);
        }
        if state.needs_authentication() {
            return Ok(Lookup::NeedsAuthentication);
        }
        let lookup = |error: String| Close::Lookup(id, error);
        match &state.last {
            Some((at, result)) if at.elapsed() < LookupState::FRESH => {
                return result.clone().map(|()| Lookup::Learned).map_err(lookup);
            }
            _ => {}
        }
        let result = self.lookup().await;
        let result = match result {
            Ok(Lookup::NeedsAuthentication) => {
                state.refused = Some(Instant::now());
                return Ok(Lookup::NeedsAuthentication);
            }
            Ok(Lookup::Learned) => {
                state.refused = None;
                cluster.learn_open();
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        };
        // Who has waited for this answer does not ask again, or each would wait for all before it.
        state.last = Some((Instant::now(), result.clone()));
        result.map(|()| Lookup::Learned).map_err(lookup)
    }

    /// Asks a bootstrap server.
    async fn lookup(&self) -> Result<Lookup, Close> {
        let patience = self.worker.limits().connect;
        let late = || Close::Connect("no answer in time".into());
        let mut upstream = timeout(patience * 2, self.bootstrap()).await.map_err(|_| late())??;
        let offered = match timeout(patience, api_versions(&mut upstream.io)).await {
            Ok(Ok(offered)) => offered,
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(late()),
        };
        match timeout(patience, self.metadata(&mut upstream.io, offered)).await {
            Ok(Ok(())) => Ok(Lookup::Learned),
            // It has answered ApiVersions, and closes on anything else: so do brokers that want SASL first.
            Ok(Err(Close::Broker | Close::Io(..))) => Ok(Lookup::NeedsAuthentication),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(late()),
        }
    }

    async fn metadata(&self, io: &mut Io, offered: Option<(i16, i16)>) -> Result<(), Close> {
        let (version, request) = Own::Brokers.request(2, offered)?;
        let body = ask(io, request, ApiKey::Metadata.info().response_header(version)).await?;
        let scope = Scope { cluster: Arc::clone(&self.route.cluster), ..Scope::default() };
        Own::Brokers.response(&scope, version, body)
    }
}

fn upstream(io: Io, backend: &Backend) -> Upstream {
    let address = io.peer_addr().ok().map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()));
    Upstream { io, address, learning: None, active: backend.track() }
}

/// Versions of Metadata that the broker has. Every broker answers version 0 of ApiVersions, authenticated or not.
async fn api_versions(io: &mut Io) -> Result<Option<(i16, i16)>, Close> {
    let request = own::write(ApiKey::ApiVersions, 0, 1, &ApiVersionsRequest::default())?;
    let body = ask(io, request, 0).await?;
    let response = ApiVersionsResponse::from_bytes(0, body).map_err(|error| Close::Message {
        side: Side::Broker,
        name: ApiVersionsResponse::NAME,
        version: 0,
        error,
    })?;
    let metadata = response.api_keys.iter().find(|range| range.api_key == ApiKey::Metadata as i16);
    Ok(metadata.map(|range| (range.min_version, range.max_version)))
}

/// Sends one request and waits for the body of its answer.
async fn ask(io: &mut Io, mut request: Rope, header_version: i16) -> Result<Bytes, Close> {
    let failed = |error| Close::Io(Side::Broker, error);
    io.write_all_buf(&mut request).await.map_err(failed)?;
    io.flush().await.map_err(failed)?;
    let mut buffer = BytesMut::new();
    loop {
        let frame = frame_len(&buffer, MAX_ANSWER).map_err(|error| Close::Frame(Side::Broker, error))?;
        if let Some(len) = frame
            && buffer.len() >= 4 + len
        {
            let mut reader = Reader::new(buffer.split_to(4 + len).split_off(4).freeze());
            ResponseHeader::decode(header_version, &mut reader).map_err(|_| Close::Unexpected)?;
            return Ok(reader.rest());
        }
        buffer.reserve(4096);
        if io.read_buf(&mut buffer).await.map_err(failed)? == 0 {
            return Err(Close::Broker);
        }
    }
}

/// When the cluster was last asked, and what it said.
#[derive(Debug, Default)]
pub(crate) struct LookupState {
    /// When it was asked without a client's authentication, and what went wrong.
    last: Option<(Instant, Result<(), String>)>,
    /// When it wanted authentication.
    refused: Option<Instant>,
}

impl LookupState {
    /// An answer this young is not asked for again.
    const FRESH: std::time::Duration = std::time::Duration::from_millis(500);
    /// A cluster that wanted authentication is not asked without for so long.
    const REFUSED: std::time::Duration = std::time::Duration::from_secs(30);

    fn needs_authentication(&self) -> bool {
        self.refused.is_some_and(|at| at.elapsed() < Self::REFUSED)
    }
}
