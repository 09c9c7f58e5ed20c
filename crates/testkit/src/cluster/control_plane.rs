//! Starting and stopping a cluster.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::api::Ref;
use super::network::{self, KUBERNETES, LOAD_BALANCERS, NODE, Network, PODS, SERVICES};
use super::programs::Programs;
use crate::certs::Ca;
use crate::http::Http;
use crate::paths::RunDir;
use crate::process::{self, Process};

/// How long a part of the cluster may take to be ready, on a busy machine.
const READY: Duration = Duration::from_secs(90);
const API_SERVER: u16 = 6443;

/// A part of the cluster that can be stopped and started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The store of the API server.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager: Deployments, EndpointSlices, garbage collection, ServiceAccounts and so on.
    ControllerManager,
    /// podrunner, which runs the Pods: they end with it.
    Node,
    /// kube-proxy, which makes the addresses of Services work. Its rules stay when it stops.
    Proxy,
}

impl Component {
    /// In the order they are started.
    pub const ALL: [Self; 5] = [Self::Etcd, Self::ApiServer, Self::ControllerManager, Self::Node, Self::Proxy];

    /// The program's name, and its log's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Node => "podrunner",
            Self::Proxy => "kube-proxy",
        }
    }
}

/// A release channel of the Gateway API's CRDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channel {
    /// Everything.
    #[default]
    Experimental,
    /// What is stable.
    Standard,
}

impl Channel {
    /// `experimental` or `standard`, as in the annotation `gateway.networking.k8s.io/channel`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Experimental => "experimental",
            Self::Standard => "standard",
        }
    }
}

/// How to start one; see [`Cluster::builder`].
#[derive(Debug)]
pub struct Builder {
    channel: Option<Channel>,
    images: Vec<(String, PathBuf)>,
}

impl Builder {
    /// The CRDs of this channel instead of the experimental one; none for a cluster without the Gateway API.
    #[must_use]
    pub fn channel(mut self, channel: Option<Channel>) -> Self {
        self.channel = channel;
        self
    }

    /// Pods with this image, of whatever tag, run `program` of this machine, with the libraries it is linked to and
    /// nothing else of this machine's files.
    #[must_use]
    pub fn image(mut self, name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        self.images.push((name.into(), program.into()));
        self
    }

    /// Starts it; all of it works when this returns.
    ///
    /// # Errors
    /// When a program cannot be built or is not ready in time, with the last lines of its log.
    pub fn start(self) -> Result<Cluster> {
        let programs = Programs::get()?;
        let dir = RunDir::new("cluster")?;
        let path = dir.path().to_owned();
        fs::create_dir_all(path.join("log"))?;
        let access = Access::create(&path)?;
        self.write_images(&path, &programs)?;
        let network = Network::create(&path.join("log/network.log"))?;
        let mut cluster = Cluster { running: Vec::new(), network, access, programs, dir: path, folder: Some(dir) };
        let started = cluster.bring_up(self.channel);
        if started.is_err()
            && let Some(folder) = &mut cluster.folder
        {
            folder.keep();
        }
        started.with_context(|| format!("the cluster's logs: {}", cluster.dir.join("log").display()))?;
        Ok(cluster)
    }

    /// The table of images that podrunner reads.
    fn write_images(&self, dir: &Path, programs: &Programs) -> Result<()> {
        let mut images = serde_json::Map::new();
        let echo = ("registry.k8s.io/gateway-api/conformance/echo-basic".to_owned(), programs.echo());
        for (name, program) in std::iter::once(&echo).chain(&self.images) {
            let program = fs::canonicalize(program).with_context(|| format!("{}", program.display()))?;
            let files = libraries(&program)?;
            images.insert(name.clone(), json!({"program": program, "files": files}));
        }
        Ok(fs::write(dir.join("images.json"), Value::Object(images).to_string())?)
    }
}

/// The shared libraries of a program, and its loader; none of a static one.
fn libraries(program: &Path) -> Result<Vec<String>> {
    let mut ldd = Command::new("ldd");
    ldd.arg(program);
    let output = process::output(&ldd, Duration::from_secs(20))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':')).map(Into::into).collect())
}

/// A running cluster, with all of it in a network namespace of its own: addresses are the same in each, and several run
/// side by side. It ends when this is dropped, or with this process, however that ends.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order.
    running: Vec<(Component, Process)>,
    network: Network,
    access: Access,
    programs: Programs,
    dir: PathBuf,
    folder: Option<RunDir>,
}

impl Cluster {
    /// With the Gateway API's CRDs of the experimental channel.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// How to start one.
    pub fn builder() -> Builder {
        Builder { channel: Some(Channel::default()), images: Vec::new() }
    }

    /// One that another process keeps, by what that process's [`Self::dir`] and [`Self::pid`] say.
    ///
    /// # Errors
    /// When it is not there.
    pub fn attach(dir: &Path, pid: u32) -> Result<Self> {
        let access = Access::read(dir)?;
        let network = Network::of(pid);
        Ok(Self { running: Vec::new(), network, access, programs: Programs::get()?, dir: dir.to_owned(), folder: None })
    }

    /// Its folder: `admin.kubeconfig`, `ca.crt`, `log/COMPONENT.log`; removed in the end.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The process that holds the network namespace.
    pub fn pid(&self) -> u32 {
        self.network.pid()
    }

    /// A kubeconfig of someone who may do everything.
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.dir.join("admin.kubeconfig")
    }

    /// A command that runs in the cluster's network, with `KUBECONFIG` of [`Self::admin_kubeconfig`].
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.network.command(program);
        command.env("KUBECONFIG", self.admin_kubeconfig());
        command
    }

    /// The command kubectl in the cluster's network, with the rights of the administrator.
    pub fn kubectl(&self) -> Command {
        self.command(self.programs.program("kubectl"))
    }

    /// Runs `work` on a thread in the cluster's network, where Pods, Services and the API server can be reached. Threads and
    /// runtimes started there are in it too; programs are not, except by [`Self::command`].
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        self.network.inside(work)
    }

    /// Kills a component; nothing is done when it does not run.
    pub fn stop(&mut self, component: Component) {
        self.running.retain(|(name, _)| *name != component);
    }

    /// Starts a component that was stopped, and waits until it works.
    pub fn resume(&mut self, component: Component) -> Result<()> {
        if self.running.iter().all(|(name, _)| *name != component) {
            self.launch(component)?;
        }
        self.wait_for(component)
    }

    /// The process of a component that runs and is this process's.
    pub fn component(&self, component: Component) -> Option<&Process> {
        self.running.iter().find(|(name, _)| *name == component).map(|(_, process)| process)
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }

    fn bring_up(&mut self, channel: Option<Channel>) -> Result<()> {
        self.resume(Component::Etcd)?;
        self.resume(Component::ApiServer)?;
        self.launch(Component::ControllerManager)?;
        self.launch(Component::Node)?;
        self.launch(Component::Proxy)?;
        if let Some(channel) = channel {
            self.install_crds(channel)?;
        }
        Component::ALL.into_iter().skip(2).try_for_each(|component| self.wait_for(component))
    }

    /// Applies the Gateway API's CRDs of a channel, and waits until they are served. A cluster that has the standard
    /// channel refuses the experimental one: its policy `safe-upgrades.gateway.networking.k8s.io` says so.
    pub fn install_crds(&self, channel: Channel) -> Result<()> {
        let mut texts = Vec::new();
        for entry in fs::read_dir(self.programs.crds(channel.name()))?.flatten() {
            texts.push(fs::read_to_string(entry.path())?);
        }
        self.apply_crds(&texts)
    }

    fn launch(&mut self, component: Component) -> Result<()> {
        let program = self.programs.program(component.name());
        let mut command = self.network.command(program);
        command.args(self.arguments(component)?).current_dir(&self.dir);
        let log = self.dir.join("log").join(format!("{}.log", component.name()));
        let process = Process::start(component.name(), &command, &log)?;
        self.running.push((component, process));
        Ok(())
    }

    fn arguments(&self, component: Component) -> Result<Vec<String>> {
        let etcd = "http://127.0.0.1:2379";
        let peer = "http://127.0.0.1:2380";
        let kubeconfig = |user: &str| format!("--kubeconfig={user}.kubeconfig");
        let arguments = match component {
            Component::Etcd => vec![
                "--data-dir=etcd".to_owned(),
                "--unsafe-no-fsync".to_owned(),
                format!("--listen-client-urls={etcd}"),
                format!("--advertise-client-urls={etcd}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
            ],
            Component::ApiServer => vec![
                format!("--etcd-servers={etcd}"),
                format!("--bind-address={NODE}"),
                format!("--advertise-address={NODE}"),
                format!("--secure-port={API_SERVER}"),
                "--tls-cert-file=apiserver.crt".to_owned(),
                "--tls-private-key-file=apiserver.key".to_owned(),
                "--token-auth-file=tokens.csv".to_owned(),
                "--authorization-mode=RBAC".to_owned(),
                // A beta kind, which BackendTLSPolicies may name.
                "--feature-gates=ClusterTrustBundle=true".to_owned(),
                "--runtime-config=certificates.k8s.io/v1beta1=true".to_owned(),
                "--kubelet-preferred-address-types=InternalIP".to_owned(),
                format!("--service-cluster-ip-range={SERVICES}"),
                "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                "--service-account-key-file=serviceaccounts.pub".to_owned(),
                "--service-account-signing-key-file=serviceaccounts.key".to_owned(),
                "--allow-privileged=true".to_owned(),
                "--profiling=false".to_owned(),
            ],
            Component::ControllerManager => vec![
                kubeconfig(CONTROLLER_MANAGER),
                "--bind-address=127.0.0.1".to_owned(),
                "--leader-elect=false".to_owned(),
                "--use-service-account-credentials=true".to_owned(),
                "--service-account-private-key-file=serviceaccounts.key".to_owned(),
                "--root-ca-file=ca.crt".to_owned(),
                "--kube-api-qps=200".to_owned(),
                "--kube-api-burst=400".to_owned(),
                "--concurrent-service-endpoint-syncs=10".to_owned(),
                // Without a pause, two Pods that are ready in quick succession find the controller's cache out of date, and
                // it waits for seconds.
                "--endpointslice-updates-batch-period=50ms".to_owned(),
                "--profiling=false".to_owned(),
                format!("--controllers=*,-{}", WITHOUT_CONTROLLERS.join(",-")),
            ],
            Component::Node => vec![
                kubeconfig(PODRUNNER),
                "--node=node-1".to_owned(),
                format!("--node-ip={NODE}"),
                "--bridge=pods0".to_owned(),
                format!("--pod-cidr={PODS}"),
                "--dir=podrunner".to_owned(),
                "--images=images.json".to_owned(),
                format!("--lb-pool={LOAD_BALANCERS}"),
                format!("--lb-on-request={}", network::LOAD_BALANCERS_BY_NAME),
                format!("--lb-unusable={}", network::LOAD_BALANCERS_REFUSED),
            ],
            Component::Proxy => {
                let config = json!({
                    "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
                    "kind": "KubeProxyConfiguration",
                    "clientConnection": {"kubeconfig": format!("{KUBE_PROXY}.kubeconfig")},
                    "hostnameOverride": "node-1",
                    "mode": "nftables",
                    "clusterCIDR": PODS,
                    "detectLocalMode": "ClusterCIDR",
                    "bindAddress": NODE,
                    "healthzBindAddress": "127.0.0.1:10256",
                    "metricsBindAddress": "127.0.0.1:10249",
                    // By default a change may take a second.
                    "nftables": {"minSyncPeriod": "20ms"},
                    // Only the machine's first network namespace may set these.
                    "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
                });
                fs::write(self.dir.join("kube-proxy.json"), config.to_string())?;
                vec!["--config=kube-proxy.json".to_owned()]
            }
        };
        Ok(arguments)
    }

    fn wait_for(&mut self, component: Component) -> Result<()> {
        let began = Instant::now();
        loop {
            if self.ready(component) {
                return Ok(());
            }
            let process = self.running.iter_mut().find(|(name, _)| *name == component).map(|(_, process)| process);
            let Some(process) = process else { bail!("{} was not started", component.name()) };
            if let Some(status) = process.ended() {
                bail!("{} ended ({status}):\n{}", component.name(), process.log_tail(20));
            }
            if began.elapsed() > READY {
                bail!("{} is not ready after {READY:?}:\n{}", component.name(), process.log_tail(20));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn ready(&self, component: Component) -> bool {
        let get = |address: (std::net::Ipv4Addr, u16), tls: bool, path: &str| {
            self.inside(|| {
                let http = Http::to(SocketAddr::from(address)).limit(Duration::from_secs(2));
                let http = if tls { http.tls("kubernetes", &self.access.ca)? } else { http };
                Ok(http.get("kubernetes", path)?.status == 200)
            })
            .unwrap_or_default()
        };
        match component {
            Component::Etcd => get((std::net::Ipv4Addr::LOCALHOST, 2379), false, "/health"),
            Component::ApiServer => get((NODE, API_SERVER), true, "/readyz"),
            Component::ControllerManager => self.exists(&Ref::new("v1", "ServiceAccount", "default/default")),
            Component::Node => self.exists(&Ref::new("v1", "Node", "node-1")),
            Component::Proxy => get((KUBERNETES, 443), true, "/livez"),
        }
    }

    fn exists(&self, what: &Ref) -> bool {
        self.get(what).is_ok_and(|object| object.is_some())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The last one first: the node would report the Pods' end to an API server that is gone.
        while self.running.pop().is_some() {}
    }
}

/// Controllers that need what is not here: clouds, node pools, disks, metrics of Pods.
const WITHOUT_CONTROLLERS: [&str; 11] = [
    "node-lifecycle-controller",
    "node-ipam-controller",
    "cloud-node-lifecycle-controller",
    "service-lb-controller",
    "node-route-controller",
    "ttl-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
    "ephemeral-volume-controller",
    "horizontal-pod-autoscaler-controller",
];

const ADMIN: &str = "admin";
const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";
const KUBE_PROXY: &str = "system:kube-proxy";
const PODRUNNER: &str = "podrunner";

/// What clients of the API server need.
#[derive(Debug)]
pub(super) struct Access {
    /// The certificate of the cluster's CA, PEM.
    pub(super) ca: String,
    /// The administrator's bearer token.
    pub(super) token: String,
}

impl Access {
    /// Makes keys, certificates, tokens and kubeconfigs.
    fn create(dir: &Path) -> Result<Self> {
        let ca = Ca::new("cluster")?;
        let service = "kubernetes.default.svc.cluster.local";
        let server = ca.server(&[
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            service,
            "localhost",
            "127.0.0.1",
            &NODE.to_string(),
            &KUBERNETES.to_string(),
        ])?;
        ca.write(&dir.join("ca.crt"))?;
        fs::write(dir.join("apiserver.crt"), &server.chain)?;
        fs::write(dir.join("apiserver.key"), &server.key)?;
        let service_accounts = KeyPair::generate()?;
        fs::write(dir.join("serviceaccounts.key"), service_accounts.serialize_pem())?;
        fs::write(dir.join("serviceaccounts.pub"), service_accounts.public_key_pem())?;
        let mut tokens = String::new();
        let mut admin = String::new();
        for user in [ADMIN, CONTROLLER_MANAGER, KUBE_PROXY, PODRUNNER] {
            let token = random()?;
            let group = if user.starts_with("system:") { "" } else { ",system:masters" };
            tokens += &format!("{token},{user},{user}{group}\n");
            fs::write(dir.join(format!("{user}.kubeconfig")), kubeconfig(ca.pem(), &token))?;
            if user == ADMIN {
                admin = token;
            }
        }
        fs::write(dir.join("tokens.csv"), tokens)?;
        Ok(Self { ca: ca.pem().to_owned(), token: admin })
    }

    /// Reads what [`Self::create`] left.
    fn read(dir: &Path) -> Result<Self> {
        let tokens = fs::read_to_string(dir.join("tokens.csv")).context("there is no cluster")?;
        let token = tokens.split(',').next().unwrap_or_default().to_owned();
        Ok(Self { ca: fs::read_to_string(dir.join("ca.crt"))?, token })
    }

    /// A kubeconfig with this bearer token.
    pub(super) fn kubeconfig(&self, token: &str) -> String {
        kubeconfig(&self.ca, token)
    }
}

fn kubeconfig(ca: &str, token: &str) -> String {
    use base64::Engine;
    let ca = base64::engine::general_purpose::STANDARD.encode(ca);
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "cluster",
            "cluster": {"server": format!("https://{NODE}:{API_SERVER}"), "certificate-authority-data": ca},
        }],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": "cluster",
    })
    .to_string()
}

/// 32 hexadecimal digits.
fn random() -> Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
