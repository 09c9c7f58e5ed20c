//! Kubernetes around the translation: watches objects, writes statuses, provisions proxies and tells them what to serve.
//!
//! ```text
//!   API server ─▶ watch ─▶ objects ─▶ translate ─▶ stream ══▶ proxies
//!        ▲                               │            ▲ acks
//!        ├──────── status ◀──────────────┤            │
//!        └──────── provision ◀───────────┘ ───────────┘
//! ```
//!
//! One loop owns everything ([`run`]); what talks to the API server are tasks that it feeds and hears.

mod authenticate;
mod certificate;
mod content;
mod lease;
mod objects;
mod provision;
mod status;
pub mod stream;
mod watch;

pub use certificate::{Certificate, CertificateError, certificate};
pub use lease::Election;
pub use provision::ProxyTemplate;

use jiff::Timestamp;
use kube::Client;
use objects::Objects;
use resources::{Key, Kind};
use serde_json::Value;
use snapshot::Ack;
use status::{Write, Written};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use stream::Hub;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch as latest};
use tonic::transport::Identity;
use translate::{ControllerNames, LastGood, Settings, Status, Translator};
use watch::{Feed, Seen};

/// How often what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// For how long after its start a controller takes no `Synced` back that was true: proxies may be on their way to it.
const SETTLE: Duration = Duration::from_secs(8);

/// What a controller is told.
#[derive(Debug)]
pub struct Options {
    /// Whose GatewayClasses are ours: values of `spec.controllerName`.
    pub controller_names: BTreeSet<String>,
    /// Where the Lease stands, and as whom it is held.
    pub election: Election,
    /// Where proxies connect.
    pub listener: std::net::TcpListener,
    /// Certificate for them; without, the stream is not encrypted.
    pub identity: Option<Identity>,
    /// What a provisioned proxy runs.
    pub proxy: ProxyTemplate,
    /// Whether Services of type ExternalName may be backends. Default: no.
    pub allow_external_name: bool,
}

/// Why a controller cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The listener for the proxies.
    #[error("cannot listen for proxies: {0}")]
    Listen(#[from] std::io::Error),
    /// Serving it.
    #[error("cannot serve proxies: {0}")]
    Stream(#[from] tonic::transport::Error),
}

/// Runs until the future is dropped.
///
/// # Errors
/// When proxies cannot be served. An API server that is away is waited for.
pub async fn run(client: Client, options: Options) -> Result<(), Error> {
    options.listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(options.listener)?;
    let hub = Arc::new(Hub::default());
    let authenticate = authenticate::by_token(client.clone());
    let serving = stream::serve(Arc::clone(&hub), authenticate, listener, options.identity);

    let (events, seen) = mpsc::channel(1024);
    for feed in Feed::all() {
        tokio::spawn(watch::follow(client.clone(), feed, events.clone()));
    }
    let (leads, leading) = latest::channel(false);
    tokio::spawn(lease::campaign(client.clone(), options.election, leads));
    let (writes, to_write) = mpsc::channel(256);
    let (done, written) = mpsc::channel(256);
    tokio::spawn(status::write_all(client.clone(), to_write, done));
    let (contents, read) = mpsc::channel(64);
    let reader = content::Reader::new(client.clone(), contents);
    let (releases, release) = latest::channel(None);
    tokio::spawn(watch::bundle_version(client.clone(), releases));

    let names = ControllerNames::These(options.controller_names.clone());
    let settings = Settings {
        standalone: false,
        controller_names: names.clone(),
        allow_external_name: options.allow_external_name,
        ..Settings::default()
    };
    let controller = Controller {
        names,
        translator: Translator::new(settings),
        objects: Objects::default(),
        last_good: LastGood::default(),
        statuses: BTreeMap::new(),
        hub,
        writes,
        writing: BTreeSet::new(),
        again: BTreeSet::new(),
        reader,
        asked_for: BTreeMap::new(),
        provision: provision::Provision::new(client, options.proxy),
        is_settled: false,
    };
    tokio::select! {
        served = serving => served.map_err(Error::from),
        () = controller.run(seen, read, written, leading, release) => Ok(()),
    }
}

/// The loop and all that it owns.
struct Controller {
    names: ControllerNames,
    translator: Translator,
    objects: Objects,
    last_good: LastGood,
    /// As they should be, and as JSON.
    statuses: BTreeMap<Key, (Arc<Status>, Value)>,
    hub: Arc<Hub>,
    writes: mpsc::Sender<Write>,
    /// Statuses on their way.
    writing: BTreeSet<Key>,
    /// Statuses that could not be written.
    again: BTreeSet<Key>,
    reader: content::Reader,
    /// Contents that were asked for, with the version that the watch had seen.
    asked_for: BTreeMap<Key, String>,
    provision: provision::Provision,
    /// [`SETTLE`] is over.
    is_settled: bool,
}

/// What an event asks for.
#[derive(Default)]
struct Work {
    translate: bool,
    acknowledge: bool,
    /// Statuses to look at again, whatever became of the rest.
    look: BTreeSet<Key>,
    look_at_all: bool,
}

impl Controller {
    async fn run(
        mut self,
        mut seen: mpsc::Receiver<(Feed, Seen)>,
        mut read: mpsc::Receiver<content::Content>,
        mut written: mpsc::Receiver<Written>,
        mut leading: latest::Receiver<bool>,
        mut release: latest::Receiver<Option<String>>,
    ) {
        let mut retry = tokio::time::interval(RETRY);
        let settled = tokio::time::sleep(SETTLE);
        tokio::pin!(settled);
        loop {
            let mut work = Work::default();
            tokio::select! {
                event = seen.recv() => match event {
                    Some((feed, event)) => self.see(feed, event, &mut work),
                    None => return,
                },
                Some(content) = read.recv() => self.take(content, &mut work),
                Some(result) = written.recv() => self.wrote(result, &mut work),
                () = self.hub.changed() => work.acknowledge = true,
                changed = leading.changed() => match changed {
                    Ok(()) => work.look_at_all = true,
                    Err(_) => return,
                },
                Ok(()) = release.changed() => {
                    let version = release.borrow_and_update().clone();
                    work.translate |= self.translator.set_bundle_version(version);
                }
                () = &mut settled, if !self.is_settled => {
                    self.is_settled = true;
                    work.look_at_all = true;
                }
                _ = retry.tick(), if !self.again.is_empty() => work.look.append(&mut self.again),
            }
            // What has come meanwhile is one change with it.
            while let Ok((feed, event)) = seen.try_recv() {
                self.see(feed, event, &mut work);
            }
            while let Ok(content) = read.try_recv() {
                self.take(content, &mut work);
            }
            if !self.objects.are_complete() {
                continue;
            }
            if work.translate {
                self.read_references();
                self.translate(&mut work);
            } else if work.acknowledge {
                self.acknowledge(&mut work);
            }
            if *leading.borrow() {
                if work.translate || work.look_at_all {
                    self.provision.settle(&self.objects, &self.statuses, self.translator.snapshot());
                }
                self.write(&work).await;
            }
        }
    }

    fn see(&mut self, feed: Feed, event: Seen, work: &mut Work) {
        match &event {
            Seen::Applied(object) => {
                let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
                work.look.insert(Key::new(feed.kind, text("/metadata/namespace"), text("/metadata/name")));
            }
            Seen::All(_) => work.look_at_all = true,
            Seen::Deleted(_) | Seen::Absent | Seen::Unreadable(_) => {}
        }
        work.translate |= self.objects.take(feed, event);
    }

    fn take(&mut self, content: content::Content, work: &mut Work) {
        work.translate |= match content.object {
            Some(object) => self.objects.take_content(object),
            None => self.objects.resources.remove(&content.key),
        };
    }

    fn wrote(&mut self, result: Written, work: &mut Work) {
        self.writing.remove(&result.key);
        match result.error {
            Some(error) => {
                tracing::warn!(object = %result.key, error, "its status could not be written; trying again");
                self.again.insert(result.key);
            }
            // What was right meanwhile may be wrong again.
            None => {
                work.look.insert(result.key);
            }
        }
    }

    /// Asks for the Secrets and ConfigMaps that are referred to and have changed, and forgets all others.
    fn read_references(&mut self) {
        let wanted = translate::references(&self.objects.resources, &self.names);
        let held: Vec<Key> = self.asked_for.keys().filter(|key| !wanted.contains(*key)).cloned().collect();
        for key in held {
            self.asked_for.remove(&key);
            self.objects.resources.remove(&key);
        }
        for key in wanted {
            let Some(live) = self.objects.live.get(&key) else {
                self.asked_for.remove(&key);
                continue;
            };
            if self.asked_for.get(&key) != Some(&live.resource_version) {
                self.asked_for.insert(key.clone(), live.resource_version.clone());
                self.reader.ask(key);
            }
        }
    }

    fn translate(&mut self, work: &mut Work) {
        self.translator.set_trust_bundles(self.objects.has(Kind::ClusterTrustBundle));
        self.translator.set_addresses(self.provision.addresses(&self.objects));
        let output = self.translator.update(self.objects.resources.clone(), &self.last_good);
        self.last_good.secrets = output.loaded_secrets;
        if !output.delta.is_empty() {
            self.hub.publish(self.translator.snapshot());
        }
        self.acknowledge(work);
    }

    /// Takes what the proxies have said. Statuses that have changed are to be looked at.
    fn acknowledge(&mut self, work: &mut Work) {
        let acks = self.hub.acks();
        let acks = acks.into_iter().filter_map(|(gateway, acks)| Some((gateway, least(&acks)?))).collect();
        let (statuses, findings) = self.translator.apply_acks(acks);
        for finding in findings {
            tracing::debug!(object = %finding.key, "{}", finding.message);
        }
        let mut before = std::mem::take(&mut self.statuses);
        for (key, status) in statuses {
            let known = before.remove(&key).filter(|(known, _)| Arc::ptr_eq(known, &status) || *known == status);
            let (status, json) = known.unwrap_or_else(|| {
                work.look.insert(key.clone());
                let json = serde_json::to_value(&*status).unwrap_or_default();
                (status, json)
            });
            self.statuses.insert(key, (status, json));
        }
        work.look.extend(before.into_keys());
    }

    async fn write(&mut self, work: &Work) {
        let is_ours = |name: &str| match &self.names {
            ControllerNames::All => true,
            ControllerNames::These(names) => names.contains(name),
        };
        let keys: Vec<Key> = if work.look_at_all {
            self.objects.live.keys().filter(|key| has_status(key.kind)).cloned().collect()
        } else {
            work.look.iter().filter(|key| has_status(key.kind)).cloned().collect()
        };
        let now = Timestamp::now();
        for key in keys {
            if self.writing.contains(&key) {
                continue;
            }
            let Some(live) = self.objects.live.get(&key) else { continue };
            let desired = self.statuses.get(&key).map_or(&Value::Null, |(_, json)| json);
            if !self.is_settled && status::takes_synced_back(&live.status, desired) {
                continue;
            }
            let Some(write) = status::write(&key, live, desired, is_ours, now) else { continue };
            self.writing.insert(key);
            if self.writes.send(write).await.is_err() {
                return;
            }
        }
    }
}

/// What all replicas serve; `None` while there is none, or one that has not said.
fn least(acks: &[Option<Ack>]) -> Option<Ack> {
    let acks: Vec<&Ack> = acks.iter().map(Option::as_ref).collect::<Option<_>>()?;
    let revision = acks.iter().map(|ack| ack.revision).min()?;
    let mut refusals = Vec::new();
    for refusal in acks.iter().flat_map(|ack| &ack.refusals) {
        if !refusals.contains(refusal) {
            refusals.push(refusal.clone());
        }
    }
    Some(Ack { revision, refusals })
}

fn has_status(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Service
            | Kind::EndpointSlice
            | Kind::Secret
            | Kind::ConfigMap
            | Kind::ClusterTrustBundle
            | Kind::Namespace
            | Kind::ReferenceGrant
            | Kind::GatewayParameters
            | Kind::EnvoyProxy
    )
}
