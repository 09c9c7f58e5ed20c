//! A worker: one OS thread with a runtime of its own. All that belongs to a connection stays on its thread.

use crate::{
    config::Runtime,
    control::{Loaded, Shared},
    drain::Signal,
    http,
    listener::{Cause, Listener},
    options::Limits,
    socket::{self, Address, Handed, Sockets},
    telemetry::{access_log::AccessLog, metrics::Metrics},
    tls::accept::{self, Serving},
    udp,
};
use arc_swap::{ArcSwap, Cache};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Instant,
};
use tokio::{
    runtime::LocalOptions,
    sync::{mpsc, watch},
    task::{AbortHandle, JoinHandle},
};

/// Handle of the worker that the current thread is; cheap to clone.
#[derive(Clone)]
pub(crate) struct Worker(Rc<Inner>);

struct Inner {
    index: usize,
    shared: Arc<Shared>,
    runtime: RefCell<Cache<Arc<ArcSwap<Runtime>>, Arc<Runtime>>>,
    drain: Signal,
    last_call: Signal,
    /// Signals of live listeners and ports, by id.
    closing: RefCell<HashMap<u64, Signal>>,
    access_log: AccessLog,
    connections: Cell<u64>,
    /// Connections that have asked for nothing yet, by id and so by age.
    waiting: RefCell<BTreeMap<u64, AbortHandle>>,
    /// Those of them that make room for others, until they have.
    evicted: RefCell<HashSet<u64>>,
    stopping: Cell<bool>,
    held_heads: Cell<usize>,
    held_bodies: Cell<usize>,
    random: Cell<u64>,
    udp_sessions: Rc<Cell<usize>>,
    http: http::Pool,
}

impl Worker {
    pub(crate) fn new(index: usize, shared: Arc<Shared>) -> Self {
        Self(Rc::new(Inner {
            index,
            runtime: RefCell::new(Cache::new(Arc::clone(&shared.runtime))),
            drain: Signal::default(),
            last_call: Signal::default(),
            closing: RefCell::default(),
            access_log: AccessLog::new(shared.log.clone()),
            connections: Cell::new(0),
            waiting: RefCell::default(),
            evicted: RefCell::default(),
            stopping: Cell::new(false),
            held_heads: Cell::new(0),
            held_bodies: Cell::new(0),
            random: Cell::new(RandomState::new().hash_one(index) | 1),
            udp_sessions: Rc::default(),
            http: http::Pool::default(),
            shared,
        }))
    }

    /// The configuration as it stands.
    pub(crate) fn runtime(&self) -> Arc<Runtime> {
        Arc::clone(self.0.runtime.borrow_mut().load())
    }

    /// Looks into the configuration as it stands, without touching what threads share. Must not call the worker's
    /// [`Worker::runtime`].
    pub(crate) fn with_runtime<T>(&self, look: impl FnOnce(&Runtime) -> T) -> T {
        look(self.0.runtime.borrow_mut().load())
    }

    /// Runs a task on this thread. The only way to start one in the proxy.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        tokio::task::spawn_local(task);
    }

    /// Runs the task of a connection, which may make room for others ([`Worker::evict`]) until it has
    /// [asked for something](Worker::has_asked). `listener` is where it came in, for the log.
    pub(crate) fn spawn_connection(
        &self,
        id: u64,
        client: SocketAddr,
        listener: &Arc<Listener>,
        load: Loaded,
        task: Serving,
    ) {
        let ends = Ends { worker: self.clone(), id, client, listener: Arc::clone(listener), _load: load };
        let task = tokio::task::spawn_local(async move {
            task.await;
            drop(ends);
        });
        self.0.waiting.borrow_mut().insert(id, task.abort_handle());
    }

    /// A connection has made its first request, or the like: it is not ended for the sake of new ones.
    pub(crate) fn has_asked(&self, id: u64) {
        self.0.waiting.borrow_mut().remove(&id);
    }

    /// Ends the connection that has waited the longest without asking for anything; false if there is none. So slow
    /// clients fill the gateway with themselves alone: one that speaks soon has time to.
    pub(crate) fn evict(&self) -> bool {
        let oldest = self.0.waiting.borrow_mut().pop_first();
        if let Some((id, task)) = &oldest {
            self.0.evicted.borrow_mut().insert(*id);
            task.abort();
        }
        oldest.is_some()
    }

    /// Bytes of large HTTP headers that are not whole yet.
    pub(crate) fn held_heads(&self) -> &Cell<usize> {
        &self.0.held_heads
    }

    /// Bytes of requests' bodies that are kept to be sent again.
    pub(crate) fn held_bodies(&self) -> &Cell<usize> {
        &self.0.held_bodies
    }

    /// Number of the sessions of UDP.
    pub(crate) fn udp_sessions(&self) -> &Rc<Cell<usize>> {
        &self.0.udp_sessions
    }

    /// Now, for durations.
    #[allow(clippy::unused_self)]
    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }

    /// A random number to choose among backends by; nothing secret may depend on it (xorshift64*).
    pub(crate) fn random(&self) -> u64 {
        let mut x = self.0.random.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.random.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Every metric.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.shared.metrics
    }

    /// This worker's end of the access log.
    pub(crate) fn access_log(&self) -> &AccessLog {
        &self.0.access_log
    }

    /// Bounds.
    pub(crate) fn limits(&self) -> &Limits {
        &self.0.shared.options.limits
    }

    /// Whether the proxy drains. A connection looks at [`crate::conn::Conn::closing`], which listeners that go fire too.
    pub(crate) fn draining(&self) -> bool {
        self.0.drain.is_fired()
    }

    /// Whether what is left ends now, as the time of the drain is over.
    pub(crate) fn stopping(&self) -> bool {
        self.0.stopping.get()
    }

    /// Fires when a drain is about to end, for connections that have no better moment to say goodbye.
    pub(crate) fn last_call(&self) -> &Signal {
        &self.0.last_call
    }

    /// Connections to HTTP backends.
    pub(crate) fn http_pool(&self) -> &http::Pool {
        &self.0.http
    }

    pub(crate) fn index(&self) -> usize {
        self.0.index
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// An id for a connection, unique in this process: the low byte is the worker.
    pub(crate) fn next_connection(&self) -> u64 {
        let next = self.0.connections.get() + 1;
        self.0.connections.set(next);
        next << 8 | (self.0.index as u64 & 0xff)
    }

    /// The signal that ends connections of the listener or port with this id; has fired if it is gone already.
    pub(crate) fn closing(&self, id: u64) -> Signal {
        if self.draining() || !self.0.runtime.borrow_mut().load().live.contains(&id) {
            let fired = Signal::default();
            fired.fire();
            return fired;
        }
        self.0.closing.borrow_mut().entry(id).or_default().clone()
    }

    /// Ends the connections of all listeners and ports but these.
    pub(crate) fn keep_only(&self, live: &HashSet<u64>) {
        self.0.closing.borrow_mut().retain(|id, signal| {
            let stays = live.contains(id);
            if !stays {
                signal.fire();
            }
            stays
        });
    }

    /// Begins to end all connections.
    pub(crate) fn start_drain(&self) {
        self.0.drain.fire();
        for (_, signal) in self.0.closing.borrow().iter() {
            signal.fire();
        }
    }
}

/// Takes a connection off the list of those that wait, however it ends.
struct Ends {
    worker: Worker,
    id: u64,
    client: SocketAddr,
    listener: Arc<Listener>,
    _load: Loaded,
}

impl Drop for Ends {
    fn drop(&mut self) {
        let Self { worker, id, client, listener, .. } = self;
        worker.has_asked(*id);
        let evicted = &worker.0.evicted;
        // Empty but when there are too many.
        if !evicted.borrow().is_empty() && evicted.borrow_mut().remove(id) {
            let why =
                "made room for a new one: more connections than may be, and none has waited longer without a request";
            accept::log_refusal(worker, *id, *client, listener, None, Cause::Limit, why);
        }
    }
}

/// An address that a worker accepts from.
struct Accepting {
    sockets: Sockets,
    /// Before `stop`, if it does so to drain.
    gently: Signal,
    stop: Signal,
    task: JoinHandle<()>,
}

/// What a worker should do; the newest one counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    /// Counts up; acknowledged when carried out.
    pub(crate) sequence: u64,
    /// Where to accept: one socket per worker.
    pub(crate) sockets: BTreeMap<Address, Sockets>,
    /// Ids of the ports and listeners whose connections may go on.
    pub(crate) live: Arc<HashSet<u64>>,
    /// Whether to end all connections at their next good moment.
    pub(crate) drain: bool,
    /// Whether what is left of them has but a moment.
    pub(crate) last_call: bool,
    /// Whether to end at once.
    pub(crate) stop: bool,
}

/// The thread of a worker: carries out orders until it is told to stop.
pub(crate) fn run(
    index: usize,
    shared: Arc<Shared>,
    mut orders: watch::Receiver<Orders>,
    mut mailbox: mpsc::Receiver<Handed>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let _ = shared.runtimes[index].set(runtime.metrics());
    let worker = Worker::new(index, shared);
    runtime.block_on(async {
        worker.spawn(worker.access_log().clone().flusher());
        let mut accepting: BTreeMap<Address, Accepting> = BTreeMap::new();
        loop {
            tokio::select! {
                changed = orders.changed() => if changed.is_err() { break },
                Some(handed) = mailbox.recv() => {
                    socket::receive(&worker, handed);
                    continue;
                }
            }
            let now = orders.borrow_and_update().clone();
            let kept = |address: &Address, accepting: &Accepting| {
                now.sockets.get(address).is_some_and(|wanted| wanted.are(&accepting.sockets))
            };
            let (stay, go): (BTreeMap<_, _>, BTreeMap<_, _>) =
                std::mem::take(&mut accepting).into_iter().partition(|(at, accepting)| kept(at, accepting));
            accepting = stay;
            for (_, Accepting { sockets, gently, stop, task }) in go {
                if now.drain {
                    gently.fire();
                }
                stop.fire();
                // It only takes in what the kernel has accepted; a panic there has been reported.
                let _ = task.await;
                drop(sockets);
            }
            for (address, sockets) in &now.sockets {
                if accepting.contains_key(address) {
                    continue;
                }
                let (gently, stop) = (Signal::default(), Signal::default());
                let (own, port) = (worker.clone(), address.socket.port());
                let task = match sockets {
                    Sockets::Tcp(sockets) => {
                        let socket = Arc::clone(&sockets[index]);
                        tokio::task::spawn_local(socket::accept(own, port, socket, stop.clone()))
                    }
                    Sockets::Udp(sockets) => {
                        let socket = Arc::clone(&sockets[index]);
                        tokio::task::spawn_local(udp::serve(own, port, socket, stop.clone(), gently.clone()))
                    }
                };
                accepting.insert(*address, Accepting { sockets: sockets.clone(), gently, stop, task });
            }
            // Lets go of the old configuration, which an idle worker would keep alive with all its metrics.
            drop(worker.runtime());
            worker.keep_only(&now.live);
            if now.drain {
                worker.start_drain();
            }
            if now.last_call {
                worker.last_call().fire();
            }
            worker.shared().acknowledge(index, now.sequence);
            if now.stop {
                worker.0.stopping.set(true);
                break;
            }
        }
    });
    // Tasks that are still there, and their connections, end with the runtime, and their requests have their lines.
    drop(runtime);
    worker.access_log().flush();
    Ok(())
}
