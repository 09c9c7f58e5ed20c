//! The proxy as its owner sees it, and the thread that does what is no worker's business: DNS, the admin server, ports
//! that could not be bound.

use crate::{
    admin,
    bound::Bound,
    config::{Compiled, Compiler, Runtime, Wanted},
    drain::Drained,
    options::Options,
    socket::{self, Address, Handed, Sockets, Transport},
    telemetry::{
        access_log,
        metrics::{Gauge, Metrics, WorkerLabels},
    },
    upstream::dns::{self, Dns},
    worker::{self, Orders},
};
use arc_swap::{ArcSwap, ArcSwapOption};
use snapshot::{Ack, Delta, Refusal, Snapshot};
use std::{
    collections::BTreeMap,
    fmt, io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{
    runtime::RuntimeMetrics,
    sync::{mpsc, oneshot, watch},
};

/// Connections on their way to a worker.
const MAILBOX: usize = 1024;
/// How long workers may take to carry out an order before the proxy goes on without their word.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often ports that could not be bound are tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Before the end of a drain, at most a quarter of it: what clients have to answer a goodbye in.
const LAST_CALL: Duration = Duration::from_secs(1);

/// Why a proxy could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The access log's file.
    #[error("cannot open the access log")]
    AccessLog(#[source] io::Error),
    /// The admin address, e.g. in use.
    #[error("cannot listen on the admin address {address}: {error}; choose another one with --admin")]
    Admin {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// Threads.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// A running proxy. Dropping it ends all connections at once; call [`Proxy::drain`] before.
pub struct Proxy {
    control: Arc<Control>,
    threads: Vec<JoinHandle<()>>,
    log: Option<JoinHandle<()>>,
    stop: Option<oneshot::Sender<()>>,
    admin: Option<SocketAddr>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}

/// What all threads share.
pub(crate) struct Shared {
    pub(crate) options: Arc<Options>,
    pub(crate) runtime: Arc<ArcSwap<Runtime>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: access_log::Sink,
    pub(crate) dns: Dns,
    pub(crate) max_connections: usize,
    /// Where this gateway listens.
    pub(crate) bound: Bound,
    /// As `bound`, of UDP.
    pub(crate) bound_udp: Bound,
    /// Connections of each worker.
    pub(crate) loads: Vec<Arc<Load>>,
    /// Of each worker, once it runs.
    pub(crate) runtimes: Vec<OnceLock<RuntimeMetrics>>,
    /// Of each worker.
    pub(crate) mailboxes: Vec<mpsc::Sender<Handed>>,
    /// Newest order that each worker has carried out.
    done: (Mutex<Vec<u64>>, Condvar),
}

/// Number of a worker's connections, on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Load(AtomicUsize);

impl Load {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts a connection until it is dropped.
#[derive(Debug)]
pub(crate) struct Loaded(Arc<Load>);

impl Drop for Loaded {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    /// Counts one more connection of a worker.
    pub(crate) fn load(&self, worker: usize) -> Loaded {
        let load = Arc::clone(&self.loads[worker]);
        load.0.fetch_add(1, Ordering::Relaxed);
        Loaded(load)
    }

    /// Connections of all workers.
    pub(crate) fn connections(&self) -> usize {
        self.loads.iter().map(|load| load.get()).sum()
    }

    /// All metrics as text.
    pub(crate) fn encode_metrics(&self) -> String {
        let set = |gauge: Arc<Gauge>, value: usize| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            gauge
        };
        // Held until they are written: a series that nobody holds is gone.
        let _held: Vec<_> = (self.loads.iter().zip(&self.runtimes).enumerate())
            .flat_map(|(worker, (load, runtime))| {
                let labels = WorkerLabels { worker: worker.to_string().into() };
                let tasks = runtime.get().map_or(0, RuntimeMetrics::num_alive_tasks);
                let connections = set(self.metrics.worker_connections.get(labels.clone()), load.get());
                [connections, set(self.metrics.worker_tasks.get(labels), tasks)]
            })
            .collect();
        self.metrics.encode()
    }

    /// A worker has carried out an order.
    pub(crate) fn acknowledge(&self, worker: usize, sequence: u64) {
        lock(&self.done.0)[worker] = sequence;
        self.done.1.notify_all();
    }

    fn wait_for(&self, sequence: u64) {
        let done = lock(&self.done.0);
        let late = |done: &mut Vec<u64>| done.iter().any(|last| *last < sequence);
        let waited = self.done.1.wait_timeout_while(done, PATIENCE, late);
        if waited.is_ok_and(|(_, waited)| waited.timed_out()) {
            tracing::error!(sequence, "a worker does not answer");
        }
    }
}

/// Writes what `/status` shows.
type StatusText = Box<dyn Fn() -> String + Send + Sync>;

/// What the owner's calls and the control thread share.
pub(crate) struct Control {
    pub(crate) shared: Arc<Shared>,
    pub(crate) ready: AtomicBool,
    draining: AtomicBool,
    status: ArcSwapOption<StatusText>,
    state: Mutex<State>,
    orders: watch::Sender<Orders>,
}

struct State {
    compiler: Compiler,
    /// Of the configuration.
    refusals: Vec<Refusal>,
    /// Of the ports.
    unbound: Vec<Refusal>,
    wanted: BTreeMap<Address, Wanted>,
    orders: Orders,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Starts the threads. Nothing is served before [`Proxy::apply`]; the admin server, if asked for, answers at once.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let files = raise_open_files();
        let options = Arc::new(options);
        let workers = match options.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let metrics = Arc::new(Metrics::new(options.metric_series));
        let (sink, log) = access_log::open(&options.access_log, Arc::clone(&metrics.access_log_dropped))
            .map_err(StartError::AccessLog)?;
        let admin = options.admin.map(bind_admin).transpose()?;
        let admin_address = admin.as_ref().and_then(|socket| socket.local_addr().ok());
        let (dns, resolver) = dns::new();
        let (mailboxes, receivers): (Vec<_>, Vec<_>) = (0..workers).map(|_| mpsc::channel(MAILBOX)).unzip();
        let shared = Arc::new(Shared {
            runtime: Arc::default(),
            metrics: Arc::clone(&metrics),
            log: sink,
            dns,
            max_connections: match options.limits.max_connections {
                0 => files / 100 * 45,
                limit => limit,
            },
            bound: Bound::default(),
            bound_udp: Bound::default(),
            loads: (0..workers).map(|_| Arc::default()).collect(),
            runtimes: (0..workers).map(|_| OnceLock::new()).collect(),
            mailboxes,
            done: (Mutex::new(vec![0; workers]), Condvar::new()),
            options: Arc::clone(&options),
        });
        let control = Arc::new(Control {
            shared: Arc::clone(&shared),
            ready: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            status: ArcSwapOption::empty(),
            state: Mutex::new(State {
                compiler: Compiler::new(options, metrics),
                refusals: vec![],
                unbound: vec![],
                wanted: BTreeMap::new(),
                orders: Orders::default(),
            }),
            orders: watch::Sender::default(),
        });
        let mut threads = Vec::new();
        for (index, mailbox) in receivers.into_iter().enumerate() {
            let (shared, orders) = (Arc::clone(&shared), control.orders.subscribe());
            threads.push(spawn(format!("worker-{index}"), move || worker::run(index, shared, orders, mailbox))?);
        }
        let (stop, stopped) = oneshot::channel();
        let weak = Arc::downgrade(&control);
        threads.push(spawn("control".into(), move || run(&weak, admin, resolver, stopped))?);
        Ok(Self { control, threads, log, stop: Some(stop), admin: admin_address })
    }

    /// Serves a change: compiles what it touches, binds and closes ports, swaps the tables of all workers. Returns when
    /// all that has happened, with everything that cannot be served at this revision, older faults included.
    /// Connections are not closed, but those of listeners that are gone end at their next good moment.
    pub fn apply(&self, delta: Delta) -> Ack {
        self.control.apply(&delta)
    }

    /// What cannot be served now. Ports that were in use are tried again every two seconds and leave the list then.
    pub fn refusals(&self) -> Vec<Refusal> {
        lock(&self.control.state).all_refusals()
    }

    /// Sets what `/readyz` says: whether a complete configuration is applied.
    pub fn set_ready(&self, ready: bool) {
        self.control.ready.store(ready, Ordering::Relaxed);
    }

    /// Sets what writes the text of `/status`, as JSON: the statuses of all objects. It is called by each reader: most texts
    /// would never be read, and with thousands of objects they are large.
    pub fn set_status(&self, write: impl Fn() -> String + Send + Sync + 'static) {
        self.control.status.store(Some(Arc::new(Box::new(write))));
    }

    /// Where the admin server listens.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Client connections now.
    pub fn connections(&self) -> usize {
        self.control.shared.connections()
    }

    /// Ends well: readiness turns red; after `Options::min_drain` (at most half of `deadline`) no connection is accepted
    /// any more and those that are there end at their next good moment (HTTP/1 `Connection: close`, HTTP/2 GOAWAY, Kafka
    /// between responses; WebSockets a second before the deadline). Returns when none is left, or at the deadline.
    pub fn drain(&self, deadline: Duration) -> Drained {
        self.control.drain(deadline)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.control.order(&mut lock(&self.control.state), |orders| orders.stop = true);
        drop(self.stop.take());
        for thread in self.threads.drain(..) {
            // A panic of a thread has been reported by the panic hook.
            let _ = thread.join();
        }
        if let Some(writer) = self.log.take() {
            self.control.shared.log.finish(writer);
        }
    }
}

impl State {
    fn all_refusals(&self) -> Vec<Refusal> {
        self.refusals.iter().chain(&self.unbound).cloned().collect()
    }
}

impl Control {
    fn apply(&self, delta: &Delta) -> Ack {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let Compiled { runtime, refusals, sockets } = state.compiler.apply(delta);
        state.refusals = refusals;
        state.wanted = sockets;
        let live = Arc::clone(&runtime.live);
        let added = self.bind(state);
        let gone: Vec<_> =
            state.orders.sockets.keys().filter(|address| !state.wanted.contains_key(address)).copied().collect();
        if !gone.is_empty() {
            // What the kernel has accepted on these ports is still served by the old tables.
            self.order(state, |orders| orders.sockets.retain(|address, _| !gone.contains(address)));
        }
        self.shared.runtime.store(runtime);
        self.order(state, |orders| {
            orders.sockets.extend(added);
            orders.live = live;
        });
        self.shared.metrics.revision.set(i64::try_from(delta.revision).unwrap_or(i64::MAX));
        Ack { revision: delta.revision, refusals: state.all_refusals() }
    }

    /// Binds what is wanted and not bound; notes what cannot be.
    fn bind(&self, state: &mut State) -> BTreeMap<Address, Sockets> {
        let mut added = BTreeMap::new();
        state.unbound.clear();
        if self.draining.load(Ordering::Relaxed) {
            return added;
        }
        for (address, wanted) in &state.wanted {
            if state.orders.sockets.contains_key(address) {
                continue;
            }
            let place = |address: &Address| (address.transport, address.socket.port());
            let ours = state.orders.sockets.keys().any(|bound| place(bound) == place(address));
            match socket::bind(*address, self.shared.loads.len(), ours) {
                Ok(sockets) => drop(added.insert(*address, sockets)),
                Err(error) => state.unbound.push(socket::refusal(*address, wanted, &error)),
            }
        }
        added
    }

    /// Gives an order to all workers and waits until they have carried it out.
    fn order(&self, state: &mut State, change: impl FnOnce(&mut Orders)) {
        change(&mut state.orders);
        let bound = |transport| {
            let of_transport = state.orders.sockets.keys().filter(move |address| address.transport == transport);
            of_transport.map(|address| address.socket)
        };
        self.shared.bound.set(bound(Transport::Tcp));
        self.shared.bound_udp.set(bound(Transport::Udp));
        state.orders.sequence += 1;
        // A worker that has ended needs no orders.
        let _ = self.orders.send(state.orders.clone());
        self.shared.wait_for(state.orders.sequence);
    }

    fn retry(&self) {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        if state.unbound.is_empty() {
            return;
        }
        let added = self.bind(state);
        if !added.is_empty() {
            for address in added.keys() {
                tracing::info!(%address, "the port is free now: listening");
            }
            self.order(state, |orders| orders.sockets.extend(added));
        }
    }

    fn drain(&self, deadline: Duration) -> Drained {
        let end = Instant::now() + deadline;
        self.ready.store(false, Ordering::Relaxed);
        self.draining.store(true, Ordering::Relaxed);
        thread::sleep(self.shared.options.min_drain.min(deadline / 2));
        self.order(&mut lock(&self.state), |orders| {
            orders.sockets.clear();
            orders.drain = true;
        });
        let open = self.shared.connections();
        let last_call = end - LAST_CALL.min(deadline / 4);
        let mut called = false;
        while self.shared.connections() > 0 && Instant::now() < end {
            if !called && Instant::now() >= last_call {
                called = true;
                self.order(&mut lock(&self.state), |orders| orders.last_call = true);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Drained { open, cut: self.shared.connections() }
    }

    /// What `/status` shows.
    pub(crate) fn status(&self) -> String {
        self.status.load().as_ref().map_or_else(|| "null".to_owned(), |write| write())
    }

    /// Whether `/readyz` is green.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) && !self.draining.load(Ordering::Relaxed)
    }

    /// All entities and what cannot be served of them.
    pub(crate) fn config(&self) -> (Snapshot, Vec<Refusal>) {
        let state = lock(&self.state);
        (state.compiler.snapshot().clone(), state.all_refusals())
    }
}

fn spawn(name: String, body: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    let run = move || {
        if let Err(error) = body() {
            tracing::error!(%error, "a thread could not start its runtime");
        }
    };
    thread::Builder::new().name(name).spawn(run).map_err(StartError::Thread)
}

fn bind_admin(address: SocketAddr) -> Result<TcpListener, StartError> {
    let bind = || {
        let socket = TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    bind().map_err(|error| StartError::Admin { address, error })
}

/// The control thread.
fn run(
    control: &Weak<Control>,
    admin: Option<TcpListener>,
    resolver: dns::Resolver,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::spawn(resolver.run());
        if let Some(admin) = admin {
            tokio::spawn(admin::serve(tokio::net::TcpListener::from_std(admin)?, Weak::clone(control)));
        }
        let mut stopped = std::pin::pin!(stopped);
        let mut retry = tokio::time::interval(RETRY);
        loop {
            tokio::select! {
                _ = &mut stopped => return Ok(()),
                _ = retry.tick() => {}
            }
            let Some(control) = control.upgrade() else { return Ok(()) };
            // Waits for workers, which may need this thread for DNS: so apart from it.
            if tokio::task::spawn_blocking(move || control.retry()).await.is_err() {
                tracing::error!("trying ports again has failed");
            }
        }
    })
}

/// Raises the soft limit of open files to the hard one; returns it.
fn raise_open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    // No limit: as many as one process has use for.
    now.and_then(|files| usize::try_from(files).ok()).unwrap_or(1 << 20).min(1 << 20)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_proxy_can_be_shared_by_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<super::Proxy>();
    }
}
