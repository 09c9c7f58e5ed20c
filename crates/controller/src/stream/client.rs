//! The proxy's end of the stream.

use super::generated::configuration_client::ConfigurationClient;
use super::generated::{self as wire, from_proxy};
use super::{Store, code};
use snapshot::{Ack, Delta, EntityKey, ObjectName, Refusal, Snapshot};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// Between attempts to reach the controller, at least and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
const CONNECT: Duration = Duration::from_secs(5);
/// Between probes of a silent controller, and how long its answer may take.
const PING: Duration = Duration::from_secs(10);
/// For how long the controller is waited for before what was kept is served.
const GRACE: Duration = Duration::from_secs(3);
/// What is served is kept this long after it has changed: many changes are one write.
const KEEP: Duration = Duration::from_millis(500);
/// How often to ask whether what was refused, such as a port in use, can be served now.
const REFUSALS: Duration = Duration::from_millis(500);

/// Whom to follow, and as whom.
#[derive(Debug, Clone)]
pub struct Follow {
    /// `https://HOST:PORT`, or `http://` without TLS.
    pub controller: String,
    /// PEM of the CA that signed the controller's certificate; needed with `https`.
    pub ca: Option<String>,
    /// The name in that certificate.
    pub server_name: String,
    /// File with the token that says who this is; read anew for every connection, as Kubernetes renews it.
    pub token: Option<PathBuf>,
    /// The Gateway that is served.
    pub gateway: ObjectName,
    /// Unique among the Gateway's proxies.
    pub replica: String,
    /// Release of this proxy.
    pub version: String,
}

/// Serves what the controller says, for ever; when it is away, what it said last, which is kept on disk.
///
/// What was kept may be old: the controller has [`GRACE`] to say so before it is served.
///
/// `apply` serves a change and answers; `refusals` says what cannot be served now. Both may block for a moment.
pub async fn follow(
    from: Follow,
    store: Store,
    mut apply: impl FnMut(Delta) -> Ack,
    refusals: impl Fn() -> Vec<Refusal>,
) {
    let snapshot = store.load();
    let mut serving =
        Serving { is_applied: snapshot.entities.is_empty(), snapshot, unknown: Vec::new(), store, keep: None };
    let mut wait = RETRY.0;
    let mut said = false;
    loop {
        let begun = open(&from, &serving);
        let begun = match serving.is_applied {
            true => begun.await,
            false => tokio::time::timeout(GRACE, begun).await.unwrap_or_else(|_| Err("no answer in time".to_owned())),
        };
        let result = match begun {
            Ok(stream) => {
                (wait, said) = (RETRY.0, false);
                converse(stream, &mut serving, &mut apply, &refusals).await
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => tracing::info!("the controller has ended the stream"),
            Err(error) => {
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(
                        controller = from.controller,
                        error,
                        "cannot follow the controller; serving on, and trying again"
                    );
                }
                wait = (wait * 2).min(RETRY.1);
            }
        }
        if !serving.is_applied {
            let (revision, entities) = (serving.snapshot.revision, serving.snapshot.entities.len());
            tracing::info!(revision, entities, "serves what it served last");
            serving.serve(&mut apply);
        }
        serving.keep_now();
        tokio::time::sleep(wait).await;
    }
}

struct Serving {
    snapshot: Snapshot,
    /// Whether the snapshot is served; at first it is only known from the disk.
    is_applied: bool,
    /// What could not even be read.
    unknown: Vec<Refusal>,
    store: Store,
    /// When the snapshot is to be kept, if it has changed.
    keep: Option<Instant>,
}

/// A conversation that has begun, and what the controller said first.
struct Stream {
    outbound: mpsc::Sender<wire::FromProxy>,
    deltas: tonic::Streaming<wire::Delta>,
    first: wire::Delta,
}

fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn say(message: from_proxy::Message) -> wire::FromProxy {
    wire::FromProxy { message: Some(message) }
}

async fn open(from: &Follow, serving: &Serving) -> Result<Stream, String> {
    let mut endpoint = Endpoint::from_shared(from.controller.clone())
        .map_err(|error| text(&error))?
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .keep_alive_while_idle(true);
    if let Some(ca) = &from.ca {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)).domain_name(&from.server_name);
        endpoint = endpoint.tls_config(tls).map_err(|error| text(&error))?;
    }
    let channel = endpoint.connect().await.map_err(|error| text(&error))?;
    // Everything of a Gateway may come in one message.
    let mut client = ConfigurationClient::new(channel).max_decoding_message_size(usize::MAX);
    let (outbound, messages) = mpsc::channel(4);
    let hello = wire::Hello {
        gateway_namespace: from.gateway.namespace.to_string(),
        gateway_name: from.gateway.name.to_string(),
        replica: from.replica.clone(),
        version: from.version.clone(),
        revision: serving.snapshot.revision,
        digest: code::digest(&serving.snapshot),
    };
    outbound.try_send(say(from_proxy::Message::Hello(hello))).map_err(|error| text(&error))?;
    let mut request = Request::new(ReceiverStream::new(messages));
    if let Some(path) = &from.token {
        let token = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let value = format!("Bearer {}", token.trim()).parse();
        request.metadata_mut().insert("authorization", value.map_err(|_| format!("{}: no token", path.display()))?);
    }
    let mut deltas = client.follow(request).await.map_err(|error| text(&error))?.into_inner();
    let first = deltas.message().await.map_err(|error| text(&error))?;
    let first = first.ok_or_else(|| "the controller has ended the stream before its first word".to_owned())?;
    Ok(Stream { outbound, deltas, first })
}

async fn converse(
    stream: Stream,
    serving: &mut Serving,
    apply: &mut impl FnMut(Delta) -> Ack,
    refusals: &impl Fn() -> Vec<Refusal>,
) -> Result<(), String> {
    let Stream { outbound, mut deltas, first } = stream;
    let mut answered = serving.take(&first, apply);
    let answer = |ack: &Ack| say(from_proxy::Message::Ack(code::write_ack(ack)));
    outbound.send(answer(&answered)).await.map_err(|error| text(&error))?;
    let mut again = tokio::time::interval(REFUSALS);
    loop {
        let keep = serving.keep;
        let ack = tokio::select! {
            delta = deltas.message() => match delta.map_err(|error| text(&error))? {
                Some(delta) => serving.take(&delta, apply),
                None => return Ok(()),
            },
            () = async { tokio::time::sleep_until(keep.unwrap_or_else(Instant::now)).await }, if keep.is_some() => {
                serving.keep_now();
                continue;
            }
            _ = again.tick(), if !answered.refusals.is_empty() => {
                let ack = serving.ack(refusals());
                if answered == ack {
                    continue;
                }
                ack
            }
        };
        outbound.send(answer(&ack)).await.map_err(|error| text(&error))?;
        answered = ack;
    }
}

impl Serving {
    fn take(&mut self, delta: &wire::Delta, apply: &mut impl FnMut(Delta) -> Ack) -> Ack {
        let (mut read, unknown) = code::read_delta(delta);
        let mut next = if delta.reset { Snapshot::default() } else { self.snapshot.clone() };
        next.apply(&read);
        if delta.reset || !self.is_applied {
            let served = if self.is_applied { &self.snapshot } else { &Snapshot::default() };
            read = served.delta_to(&next.entities);
            read.revision = delta.revision;
        }
        if delta.reset {
            self.unknown.clear();
        }
        self.is_applied = true;
        let changed =
            |key: &EntityKey| read.upserts.iter().any(|entity| entity.key() == *key) || read.removes.contains(key);
        self.unknown.retain(|refusal| !changed(&refusal.entity));
        self.unknown.extend(unknown);
        self.snapshot = next;
        let served = apply(read);
        self.keep.get_or_insert_with(|| Instant::now() + KEEP);
        self.ack(served.refusals)
    }

    /// Serves what was kept.
    fn serve(&mut self, apply: &mut impl FnMut(Delta) -> Ack) {
        let mut delta = Snapshot::default().delta_to(&self.snapshot.entities);
        delta.revision = self.snapshot.revision;
        self.is_applied = true;
        apply(delta);
    }

    fn keep_now(&mut self) {
        if self.keep.take().is_none() {
            return;
        }
        if let Err(error) = self.store.save(&self.snapshot) {
            tracing::warn!(%error, "cannot keep the snapshot on disk: a restart without the controller would serve nothing");
        }
    }

    fn ack(&self, mut refusals: Vec<Refusal>) -> Ack {
        refusals.extend(self.unknown.iter().cloned());
        Ack { revision: self.snapshot.revision, refusals }
    }
}
