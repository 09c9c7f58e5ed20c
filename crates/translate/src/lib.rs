//! Pure: resources → (snapshot delta, statuses, findings). No clock, no I/O, no runtime.
//!
//! ```text
//!   Resources, LastGood ─▶ index ─▶ guard ─▶ gateway, listener ─▶ backend_tls ─▶ route/{http,tls,kafka} ─▶ backend
//!                                                                            │ attach, sni
//!                                            entities, statuses, findings ◀──┘
//! ```
//!
//! [`Translator::update`] computes everything anew from the objects given and hands out the difference to what it handed
//! out before, so incremental equals from-scratch by construction. What costs much is kept by the identity of the object
//! it depends on alone (see `memo.rs`): certificates with their key check and CA bundles; an object that is equal to the one
//! before keeps its identity. Verdicts on regular expressions are kept by their text.
//!
//! Statuses are those of the last revision that the proxy has acknowledged: see [`Translator::apply_ack`].

mod ack;
mod attach;
mod backend;
mod backend_tls;
mod ca;
mod certificate;
mod conflict;
mod features;
mod findings;
mod frontend;
mod gateway;
mod guard;
mod index;
mod listener;
mod listener_filters;
mod listener_set;
mod memo;
mod policy;
mod precedence;
mod references;
mod route;
mod session;
mod sni;
mod status;
mod telemetry;
mod traffic;
mod xbackend;

pub use findings::Finding;
pub use references::references;
pub use status::{CERTIFICATE_COVERAGE, IGNORED_FIELDS, LAST_GOOD, SYNCED, Status, Statuses};

use findings::Problem;
use index::Index;
use memo::Memo;
use resources::status::{Condition, ConditionStatus, GatewayStatusAddress, RouteStatus};
use resources::{Code, Key, NamespacedName, Resources, Secret};
use snapshot::{Ack, Delta, Entity, EntityKey, ObjectName, Snapshot};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The controller name under which statuses are written when no class says another one.
pub const CONTROLLER_NAME: &str = "sluicegate.dev/gateway-controller";

/// What does not come from objects.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Served from a folder by one process: ports are shared by all Gateways, infrastructure fields have no effect, and
    /// objects that belong to nobody get a status that says so. Default: true.
    pub standalone: bool,
    /// Whose GatewayClasses are ours. Default: all.
    pub controller_names: ControllerNames,
    /// Ports that are bound in place of those of the spec, by the port of the spec. Default: none.
    pub port_map: BTreeMap<u16, u16>,
    /// Whether Services of type ExternalName may be backends (design, invariant 8). Default: false.
    pub allow_external_name: bool,
    /// In a cluster: the release of the Gateway API's CRDs, such as `v1.7.0`. `None`: classes say nothing about it.
    pub bundle_version: Option<String>,
    /// Statuses as they are once a proxy has acknowledged everything, for `check`, which has none. Default: false.
    pub assume_acknowledged: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            standalone: true,
            controller_names: ControllerNames::All,
            port_map: BTreeMap::new(),
            allow_external_name: false,
            bundle_version: None,
            assume_acknowledged: false,
        }
    }
}

/// Which values of `GatewayClass.spec.controllerName` are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControllerNames {
    /// Every one.
    All,
    /// These.
    These(BTreeSet<String>),
}

/// What stands in for what can no longer be read (design, invariant 2). Empty after a restart.
#[derive(Clone, Debug, Default)]
pub struct LastGood {
    /// Objects of files that no longer parse, as they were. Each is used only while `Resources` lacks its key.
    pub objects: Resources,
    /// Secrets whose certificate loaded; each is used only while the present Secret of the name does not load. Feed
    /// [`Output::loaded_secrets`] back here.
    pub secrets: BTreeMap<NamespacedName, Arc<Secret>>,
}

/// In a cluster: where a Gateway can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// For `status.addresses`.
    pub assigned: Vec<GatewayStatusAddress>,
    /// What `spec.addresses` asks for and nobody has given (yet).
    pub missing: Vec<String>,
}

/// What one update comes to.
#[derive(Clone, Debug)]
pub struct Output {
    /// What the proxy must change. If it is empty there is nothing to send, and its revision is the present one.
    pub delta: Delta,
    /// Status of every object that has one and is ours.
    pub statuses: Statuses,
    /// Every problem with its place, sorted by object.
    pub findings: Vec<Finding>,
    /// Secrets in use whose certificate loads (or loaded last).
    pub loaded_secrets: BTreeMap<NamespacedName, Arc<Secret>>,
}

/// Translates objects, one update after the other.
#[derive(Debug)]
pub struct Translator {
    settings: Settings,
    memo: Memo,
    /// The objects of the last update, whose identities are kept.
    resources: Resources,
    /// What the proxy has been told to run.
    snapshot: Snapshot,
    /// In which revision each entity changed last.
    changed_at: BTreeMap<EntityKey, u64>,
    /// Statuses as if everything were acknowledged.
    statuses: Statuses,
    findings: BTreeSet<Finding>,
    acks: ack::Acks,
    addresses: BTreeMap<NamespacedName, Addresses>,
    trust_bundles: bool,
}

impl Translator {
    /// A translator that has handed out nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            memo: Memo::default(),
            resources: Resources::default(),
            snapshot: Snapshot::default(),
            changed_at: BTreeMap::new(),
            statuses: Statuses::new(),
            findings: BTreeSet::new(),
            acks: ack::Acks::Shared(Ack::default()),
            addresses: BTreeMap::new(),
            trust_bundles: true,
        }
    }

    /// Translates all objects as they are now.
    pub fn update(&mut self, mut resources: Resources, last_good: &LastGood) -> Output {
        keep_identity(&self.resources.secrets, &mut resources.secrets);
        keep_identity(&self.resources.config_maps, &mut resources.config_maps);
        keep_identity(&self.resources.cluster_trust_bundles, &mut resources.cluster_trust_bundles);
        self.resources = resources;
        let index = Index::new(&self.resources, &last_good.objects);
        let around = Around { addresses: &self.addresses, trust_bundles: self.trust_bundles };
        let translated = translate(&self.settings, &index, last_good, around, &mut self.memo);
        self.memo.sweep();
        let mut delta = self.snapshot.delta_to(&translated.entities);
        if delta.is_empty() {
            delta.revision = self.snapshot.revision;
        } else {
            // That something is gone is also to be served before it is so.
            self.changed_at.extend(delta.removes.iter().map(|key| (key.clone(), delta.revision)));
            self.changed_at.extend(delta.upserts.iter().map(|entity| (entity.key(), delta.revision)));
            let (entities, statuses) = (&translated.entities, &translated.statuses);
            self.changed_at.retain(|key, _| {
                entities.contains_key(key) || ack::object_of(key).is_some_and(|key| statuses.contains_key(&key))
            });
            self.snapshot.apply(&delta);
        }
        self.statuses = translated.statuses;
        self.findings = translated.findings;
        let (statuses, findings) = self.acknowledged();
        Output { delta, statuses, findings, loaded_secrets: translated.loaded_secrets }
    }

    /// Takes the proxy's answer to a delta: what it serves becomes `Programmed`, what it refused says why. Returns all
    /// statuses and findings as they are now. An answer older than one already taken changes nothing.
    ///
    /// A refusal stands until the entity changes or a newer answer comes without it.
    pub fn apply_ack(&mut self, ack: &Ack) -> (Statuses, Vec<Finding>) {
        match &self.acks {
            ack::Acks::Shared(last) if last.revision > ack.revision => {}
            _ => self.acks = ack::Acks::Shared(ack.clone()),
        }
        self.acknowledged()
    }

    /// Takes what the proxies of each Gateway serve by now, in place of what they served before; a Gateway that is left out
    /// is served by nobody yet. Returns all statuses and findings as they are now.
    pub fn apply_acks(&mut self, acks: BTreeMap<ObjectName, Ack>) -> (Statuses, Vec<Finding>) {
        self.acks = ack::Acks::ByGateway(acks);
        self.acknowledged()
    }

    /// In a cluster: where the Service of each Gateway can be reached. Taken up by the next update.
    pub fn set_addresses(&mut self, addresses: BTreeMap<NamespacedName, Addresses>) {
        self.addresses = addresses;
    }

    /// In a cluster: the release of the Gateway API's CRDs. Taken up by the next update. Says whether it is another one.
    pub fn set_bundle_version(&mut self, version: Option<String>) -> bool {
        std::mem::replace(&mut self.settings.bundle_version, version.clone()) != version
    }

    /// Whether there are ClusterTrustBundles where the objects come from (default: true). If not, references to one are of
    /// an unknown kind, and the feature is not claimed (GEP-5075). Taken up by the next update.
    pub fn set_trust_bundles(&mut self, trust_bundles: bool) {
        self.trust_bundles = trust_bundles;
    }

    /// Everything the proxy should run: the sum of all deltas.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn acknowledged(&self) -> (Statuses, Vec<Finding>) {
        let (mut statuses, mut findings) = (self.statuses.clone(), self.findings.clone());
        if !self.settings.assume_acknowledged {
            ack::overlay(&self.snapshot, &self.changed_at, &self.acks, &mut statuses, &mut findings);
        }
        (statuses, findings.into_iter().collect())
    }
}

/// Where an object is equal to the old one, keeps the old one, by whose identity results are known.
fn keep_identity<T: PartialEq>(old: &BTreeMap<NamespacedName, Arc<T>>, new: &mut BTreeMap<NamespacedName, Arc<T>>) {
    for (name, object) in new {
        if let Some(known) = old.get(name)
            && !Arc::ptr_eq(known, object)
            && known == object
        {
            *object = known.clone();
        }
    }
}

/// What is known of the cluster beside its objects.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// Where each Gateway can be reached.
    pub(crate) addresses: &'a BTreeMap<NamespacedName, Addresses>,
    /// Whether there are ClusterTrustBundles.
    pub(crate) trust_bundles: bool,
}

/// What one translation reads and writes.
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) index: &'a Index<'a>,
    pub(crate) last_good: &'a LastGood,
    pub(crate) around: Around<'a>,
    pub(crate) memo: &'a mut Memo,
    pub(crate) guards: guard::Guards,
    pub(crate) statuses: Statuses,
    /// Statuses of routes, each once.
    route_statuses: HashSet<Arc<Status>>,
    pub(crate) findings: BTreeSet<Finding>,
    pub(crate) entities: BTreeMap<EntityKey, Entity>,
    pub(crate) loaded_secrets: BTreeMap<NamespacedName, Arc<Secret>>,
}

impl Context<'_> {
    /// Notes a problem of an object.
    pub(crate) fn report(&mut self, key: &Key, problem: &Problem) {
        self.findings.insert(problem.finding(key));
    }

    /// Notes problems of an object.
    pub(crate) fn report_all<'p>(&mut self, key: &Key, problems: impl IntoIterator<Item = &'p Problem>) {
        self.findings.extend(problems.into_iter().map(|problem| problem.finding(key)));
    }

    /// Notes the status of an object.
    pub(crate) fn set_status(&mut self, key: Key, mut status: Status) {
        let parts = match &mut status {
            Status::Gateway(status) => Some((&mut status.conditions, &mut status.listeners)),
            Status::ListenerSet(status) => Some((&mut status.conditions, &mut status.listeners)),
            _ => None,
        };
        if let (Some((conditions, listeners)), false) = (parts, self.settings.standalone) {
            let generation = |conditions: &[Condition]| conditions.iter().find_map(|it| it.observed_generation);
            let lists = std::iter::once(conditions).chain(listeners.iter_mut().map(|l| &mut l.conditions));
            for list in lists {
                let generation = generation(list).unwrap_or_default();
                list.push(status::synced(generation));
            }
        }
        self.statuses.insert(key, Arc::new(status));
    }

    /// Notes the status of a route.
    pub(crate) fn set_route_status(&mut self, key: Key, mut status: RouteStatus) {
        for parent in status.parents.iter_mut().filter(|_| !self.settings.standalone) {
            let generation = parent.conditions.iter().find_map(|condition| condition.observed_generation);
            parent.conditions.push(status::synced(generation.unwrap_or_default()));
        }
        let status = Status::Route(status);
        let shared = match self.route_statuses.get(&status) {
            Some(known) => known.clone(),
            None => Arc::new(status),
        };
        self.route_statuses.insert(shared.clone());
        self.statuses.insert(key, shared);
    }

    /// Notes an entity.
    pub(crate) fn insert(&mut self, entity: Entity) {
        self.entities.insert(entity.key(), entity);
    }

    /// Labels of a namespace, with the one that Kubernetes gives to each; a folder need not declare namespaces.
    pub(crate) fn namespace_labels(&self, namespace: &str) -> BTreeMap<String, String> {
        let declared = self.index.resources().get::<resources::Namespace>("", namespace);
        let mut labels = declared.map(|object| object.meta.labels.clone()).unwrap_or_default();
        labels.entry("kubernetes.io/metadata.name".to_owned()).or_insert_with(|| namespace.to_owned());
        labels
    }
}

/// The result of one translation.
struct Translated {
    entities: BTreeMap<EntityKey, Entity>,
    statuses: Statuses,
    findings: BTreeSet<Finding>,
    loaded_secrets: BTreeMap<NamespacedName, Arc<Secret>>,
}

fn translate(
    settings: &Settings,
    index: &Index<'_>,
    last_good: &LastGood,
    around: Around<'_>,
    memo: &mut Memo,
) -> Translated {
    let mut ctx = Context {
        settings,
        index,
        last_good,
        around,
        memo,
        guards: guard::Guards::default(),
        statuses: Statuses::new(),
        route_statuses: HashSet::new(),
        findings: BTreeSet::new(),
        entities: BTreeMap::new(),
        loaded_secrets: BTreeMap::new(),
    };
    ctx.guards = guard::read(&mut ctx);
    let mut gateways = gateway::translate(&mut ctx);
    let policies = backend_tls::translate(&mut ctx);
    let traffic = traffic::translate(&mut ctx);
    let slices = index.slices();
    let x_backends = xbackend::translate(&mut ctx, &slices);
    let mut backends =
        backend::Backends::new(index, &slices, &policies, &traffic, &x_backends, settings.allow_external_name);
    listener_filters::translate(&mut ctx, &mut gateways, &mut backends);
    route::http::translate(&mut ctx, &mut gateways, &mut backends);
    route::grpc::translate(&mut ctx, &mut gateways, &mut backends);
    route::shadow::note(&mut ctx);
    route::stream::translate(&mut ctx, &mut gateways, &mut backends);
    route::transport::translate(&mut ctx, &mut gateways, &mut backends);
    for gateway in &gateways {
        if let Some(entity) = gateway.entity() {
            ctx.insert(Entity::Gateway(Arc::new(entity)));
        }
        for entity in gateway.set_entities() {
            ctx.insert(Entity::ListenerSet(Arc::new(entity)));
        }
    }
    insert_certificates(&mut ctx, &gateways, &backends);
    for entity in backends.build(&gateways) {
        ctx.insert(Entity::Backend(Arc::new(entity)));
    }
    backend_tls::finish(&mut ctx, &gateways, &policies, &backends);
    traffic::finish(&mut ctx, &gateways, &traffic, &backends);
    xbackend::finish(&mut ctx, &gateways, &x_backends, &backends);
    telemetry::translate(&mut ctx, &gateways, &backends);
    guard::finish(&mut ctx, &gateways);
    gateway::finish(&mut ctx, &gateways);
    note_last_good(&mut ctx);
    let Context { statuses, findings, entities, loaded_secrets, .. } = ctx;
    Translated { entities, statuses, findings, loaded_secrets }
}

/// The certificates of listeners that are served, and those shown to backends.
fn insert_certificates(
    ctx: &mut Context<'_>,
    gateways: &[gateway::GatewayState<'_>],
    backends: &backend::Backends<'_>,
) {
    for gateway in gateways {
        let served = gateway.listeners.iter().filter(|listener| gateway.serves(listener));
        let shown = gateway.client_certificate.iter().flatten().filter(|_| backends.reached_by(&gateway.name));
        for loaded in served.flat_map(|listener| &listener.certificates).chain(shown) {
            ctx.insert(Entity::Certificate(loaded.certificate.clone()));
        }
    }
}

/// Says on every object that stands in for an unreadable one that it does.
fn note_last_good(ctx: &mut Context<'_>) {
    let index = ctx.index;
    for key in &index.last_good {
        let Some(object) = index.resources().get_any(key) else { continue };
        let message = "its file no longer parses; the last good state is served until a restart";
        let problem = Problem::new("LastGood", Code::LastGood, "metadata.name", message, "mend the file");
        ctx.report(key, &problem);
        let generation = object.meta().generation;
        let condition = Condition::new(LAST_GOOD, ConditionStatus::True, "LastGood", message, generation);
        if let Some(status) = ctx.statuses.get_mut(key) {
            Arc::make_mut(status).push(&condition);
        }
    }
}
