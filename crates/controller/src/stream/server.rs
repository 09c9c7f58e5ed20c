//! The controller's end of the stream.

use super::generated::configuration_server::{Configuration, ConfigurationServer};
use super::generated::{self as wire, from_proxy};
use super::{code, share};
use futures_util::future::BoxFuture;
use snapshot::{Ack, Entity, EntityKey, ObjectName, Snapshot};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

/// What a proxy may take until it has said who it is.
const HELLO: Duration = Duration::from_secs(10);
/// Between probes of a proxy, and how long its answer may take: one that is gone holds nothing up for longer.
const PING: Duration = Duration::from_secs(5);

/// Says whether whoever shows this token is a proxy of this Gateway; if not, why.
pub type Authenticate = Box<dyn Fn(String, ObjectName) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What is to be served, and who serves it. Shared by the controller's loop and the streams.
#[derive(Debug, Default)]
pub struct Hub {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    newest: u64,
    gateways: BTreeMap<ObjectName, Proxies>,
}

/// The proxies of one Gateway.
#[derive(Debug)]
struct Proxies {
    /// With the revision of everything, which counts on also when nothing of this Gateway changes.
    share: watch::Sender<Arc<Snapshot>>,
    replicas: BTreeMap<String, Connected>,
}

#[derive(Debug)]
struct Connected {
    id: u64,
    ack: Option<Ack>,
    /// It came with nothing: it takes no traffic before its first answer.
    is_new: bool,
}

impl Hub {
    /// Hands out what is to be served from now on.
    pub fn publish(&self, snapshot: &Snapshot) {
        let mut shares = share::by_gateway(snapshot);
        let mut state = self.lock();
        state.newest = snapshot.revision;
        for (name, proxies) in &mut state.gateways {
            let entities = shares.remove(name).unwrap_or_default();
            send(proxies, snapshot.revision, entities);
        }
        for (name, entities) in shares {
            send(state.gateways.entry(name).or_default(), snapshot.revision, entities);
        }
        state.gateways.retain(|_, proxies| !proxies.replicas.is_empty() || !proxies.share.borrow().entities.is_empty());
    }

    /// What the proxies of each Gateway have said last; `None` of one that serves and has not answered yet.
    pub fn acks(&self) -> BTreeMap<ObjectName, Vec<Option<Ack>>> {
        let state = self.lock();
        let acks = |proxies: &Proxies| {
            let serving = proxies.replicas.values().filter(|replica| replica.ack.is_some() || !replica.is_new);
            serving.map(|replica| replica.ack.clone()).collect()
        };
        state.gateways.iter().map(|(name, proxies)| (name.clone(), acks(proxies))).collect()
    }

    /// Until a proxy has come, answered, or gone.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, gateway: &ObjectName, replica: &str, id: u64, is_new: bool) -> watch::Receiver<Arc<Snapshot>> {
        let mut state = self.lock();
        let newest = state.newest;
        let proxies = state.gateways.entry(gateway.clone()).or_insert_with(|| {
            let proxies = Proxies::default();
            send(&proxies, newest, BTreeMap::new());
            proxies
        });
        proxies.replicas.insert(replica.to_owned(), Connected { id, ack: None, is_new });
        proxies.share.subscribe()
    }

    /// Takes an answer; `None` when the proxy is gone. One that has come back under its name counts by its new connection.
    fn answer(&self, gateway: &ObjectName, replica: &str, id: u64, ack: Option<Ack>) {
        let mut state = self.lock();
        if let Some(proxies) = state.gateways.get_mut(gateway)
            && let Some(connected) = proxies.replicas.get_mut(replica).filter(|connected| connected.id == id)
        {
            match ack {
                Some(ack) => connected.ack = Some(ack),
                None => {
                    proxies.replicas.remove(replica);
                }
            }
        }
        drop(state);
        self.changed.notify_one();
    }
}

impl Default for Proxies {
    fn default() -> Self {
        Self { share: watch::Sender::new(Arc::default()), replicas: BTreeMap::new() }
    }
}

fn send(proxies: &Proxies, revision: u64, entities: BTreeMap<EntityKey, Entity>) {
    proxies.share.send_replace(Arc::new(Snapshot { revision, entities }));
}

/// Serves proxies until the listener fails.
///
/// # Errors
/// When the certificate cannot be used, or the listener fails.
pub async fn serve(
    hub: Arc<Hub>,
    authenticate: Authenticate,
    listener: TcpListener,
    identity: Option<Identity>,
) -> Result<(), tonic::transport::Error> {
    let mut server = Server::builder().http2_keepalive_interval(Some(PING)).http2_keepalive_timeout(Some(PING));
    if let Some(identity) = identity {
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let service = ConfigurationServer::new(Service { hub, authenticate, next: Mutex::default() });
    server.add_service(service).serve_with_incoming(TcpListenerStream::new(listener)).await
}

struct Service {
    hub: Arc<Hub>,
    authenticate: Authenticate,
    next: Mutex<u64>,
}

#[tonic::async_trait]
impl Configuration for Service {
    type FollowStream = Pin<Box<dyn tokio_stream::Stream<Item = Result<wire::Delta, Status>> + Send>>;

    async fn follow(
        &self,
        request: Request<Streaming<wire::FromProxy>>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let token = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned();
        let mut inbound = request.into_inner();
        let first = tokio::time::timeout(HELLO, inbound.message()).await;
        let Ok(Ok(Some(wire::FromProxy { message: Some(from_proxy::Message::Hello(hello)) }))) = first else {
            return Err(Status::invalid_argument("the first message must be Hello"));
        };
        let gateway = ObjectName::new(hello.gateway_namespace.as_str(), hello.gateway_name.as_str());
        if let Err(why) = (self.authenticate)(token, gateway.clone()).await {
            tracing::warn!(%gateway, replica = hello.replica, why, "a proxy was turned away");
            return Err(Status::unauthenticated(why));
        }
        let id = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            *next += 1;
            *next
        };
        tracing::info!(%gateway, replica = hello.replica, version = hello.version, revision = hello.revision, "proxy connected");
        let (deltas, stream) = mpsc::channel(4);
        let conversation = Conversation {
            share: self.hub.join(&gateway, &hello.replica, id, hello.revision == 0),
            hub: Arc::clone(&self.hub),
            gateway,
            replica: hello.replica,
            id,
            sent: Arc::default(),
            told: 0,
            ack: None,
            digest: Some(hello.digest),
        };
        tokio::spawn(conversation.hold(inbound, deltas));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// One proxy, from its Hello to its end.
struct Conversation {
    hub: Arc<Hub>,
    gateway: ObjectName,
    replica: String,
    id: u64,
    share: watch::Receiver<Arc<Snapshot>>,
    /// What the proxy has been told to serve.
    sent: Arc<Snapshot>,
    /// Revision of the last delta: later ones changed nothing of this Gateway.
    told: u64,
    /// Its newest answer.
    ack: Option<Ack>,
    /// Of what it had when it came; until the first delta.
    digest: Option<String>,
}

impl Conversation {
    async fn hold(
        mut self,
        mut inbound: Streaming<wire::FromProxy>,
        deltas: mpsc::Sender<Result<wire::Delta, Status>>,
    ) {
        self.share.mark_changed();
        loop {
            tokio::select! {
                changed = self.share.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let newest = Arc::clone(&self.share.borrow_and_update());
                    let delta = self.next(&newest);
                    self.sent = newest;
                    if let Some(delta) = delta {
                        self.told = delta.revision;
                        if deltas.send(Ok(delta)).await.is_err() {
                            break;
                        }
                    }
                }
                message = inbound.message() => match message {
                    Ok(Some(wire::FromProxy { message: Some(from_proxy::Message::Ack(ack)) })) => {
                        self.ack = Some(code::read_ack(&ack));
                    }
                    Ok(Some(_)) => continue,
                    Ok(None) | Err(_) => break,
                },
            }
            self.report();
        }
        tracing::info!(gateway = %self.gateway, replica = self.replica, "proxy gone");
        self.hub.answer(&self.gateway, &self.replica, self.id, None);
    }

    /// What is to be sent, if anything.
    fn next(&mut self, newest: &Snapshot) -> Option<wire::Delta> {
        let digest = code::digest(newest);
        let Some(has) = self.digest.take() else {
            let mut delta = self.sent.delta_to(&newest.entities);
            delta.revision = newest.revision;
            return (!delta.is_empty()).then(|| code::write_delta(&delta, false, &digest));
        };
        // It has what is wanted already, or is to forget what it has. It answers either way.
        let same = has == digest;
        let mut delta = Snapshot::default().delta_to(if same { &EMPTY } else { &newest.entities });
        delta.revision = newest.revision;
        Some(code::write_delta(&delta, !same, &digest))
    }

    /// Says what the proxy serves.
    fn report(&self) {
        let Some(mut ack) = self.ack.clone() else { return };
        if ack.revision == self.told {
            ack.revision = self.sent.revision;
        }
        self.hub.answer(&self.gateway, &self.replica, self.id, Some(ack));
    }
}

static EMPTY: BTreeMap<EntityKey, Entity> = BTreeMap::new();
