//! The proxy's end of the stream.

use super::generated::configuration_client::ConfigurationClient;
use super::generated::{self as wire, from_proxy};
use super::{Store, code};
use snapshot::{Ack, Delta, EntityKey, ObjectName, Refusal, Snapshot};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// Between attempts to reach the controller, at least and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
const CONNECT: Duration = Duration::from_secs(5);
/// Between probes of a silent controller, and how long its answer may take.
const PING: Duration = Duration::from_secs(10);
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

/// Serves what was kept, then what the controller says, for ever: when it is away, what it said last.
///
/// `apply` serves a change and answers; `refusals` says what cannot be served now. Both may block for a moment.
pub async fn follow(
    from: Follow,
    store: Store,
    mut apply: impl FnMut(Delta) -> Ack,
    refusals: impl Fn() -> Vec<Refusal>,
) {
    let mut serving = Serving { snapshot: Snapshot::default(), unknown: Vec::new(), store };
    let kept = serving.store.load();
    if !kept.entities.is_empty() {
        tracing::info!(revision = kept.revision, entities = kept.entities.len(), "serves what it served last");
        let mut delta = serving.snapshot.delta_to(&kept.entities);
        delta.revision = kept.revision;
        serving.snapshot = kept;
        apply(delta);
    }
    let mut wait = RETRY.0;
    let mut said = false;
    loop {
        match converse(&from, &mut serving, &mut apply, &refusals).await {
            Ok(()) => {
                tracing::info!("the controller has ended the stream");
                (wait, said) = (RETRY.0, false);
            }
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
        tokio::time::sleep(wait).await;
    }
}

struct Serving {
    snapshot: Snapshot,
    /// What could not even be read.
    unknown: Vec<Refusal>,
    store: Store,
}

async fn converse(
    from: &Follow,
    serving: &mut Serving,
    apply: &mut impl FnMut(Delta) -> Ack,
    refusals: &impl Fn() -> Vec<Refusal>,
) -> Result<(), String> {
    let text = |error: &dyn std::error::Error| {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    };
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
    let say = |message| wire::FromProxy { message: Some(message) };
    outbound.try_send(say(from_proxy::Message::Hello(hello))).map_err(|error| text(&error))?;
    let mut request = Request::new(ReceiverStream::new(messages));
    if let Some(path) = &from.token {
        let token = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let value = format!("Bearer {}", token.trim()).parse();
        request.metadata_mut().insert("authorization", value.map_err(|_| format!("{}: no token", path.display()))?);
    }
    let mut deltas = client.follow(request).await.map_err(|error| text(&error))?.into_inner();
    let mut answered: Option<Ack> = None;
    let mut again = tokio::time::interval(REFUSALS);
    loop {
        let ack = tokio::select! {
            delta = deltas.message() => match delta.map_err(|error| text(&error))? {
                Some(delta) => serving.take(&delta, apply),
                None => return Ok(()),
            },
            _ = again.tick(), if answered.as_ref().is_some_and(|ack| !ack.refusals.is_empty()) => {
                let ack = serving.ack(refusals());
                if answered.as_ref() == Some(&ack) {
                    continue;
                }
                ack
            }
        };
        answered = Some(ack.clone());
        let message = say(from_proxy::Message::Ack(code::write_ack(&ack)));
        outbound.send(message).await.map_err(|error| text(&error))?;
    }
}

impl Serving {
    fn take(&mut self, delta: &wire::Delta, apply: &mut impl FnMut(Delta) -> Ack) -> Ack {
        let (mut read, unknown) = code::read_delta(delta);
        let mut next = if delta.reset { Snapshot::default() } else { self.snapshot.clone() };
        next.apply(&read);
        if delta.reset {
            read = self.snapshot.delta_to(&next.entities);
            read.revision = delta.revision;
            self.unknown.clear();
        }
        let changed =
            |key: &EntityKey| read.upserts.iter().any(|entity| entity.key() == *key) || read.removes.contains(key);
        self.unknown.retain(|refusal| !changed(&refusal.entity));
        self.unknown.extend(unknown);
        self.snapshot = next;
        let served = apply(read);
        if let Err(error) = self.store.save(&self.snapshot) {
            tracing::warn!(%error, "cannot keep the snapshot on disk: a restart without the controller would serve nothing");
        }
        self.ack(served.refusals)
    }

    fn ack(&self, mut refusals: Vec<Refusal>) -> Ack {
        refusals.extend(self.unknown.iter().cloned());
        Ack { revision: self.snapshot.revision, refusals }
    }
}
