//! Names of endpoints to addresses: `/etc/hosts`, then DNS as `/etc/resolv.conf` says. Answers are kept for their TTL and
//! used past it while DNS fails. Lookups run on the control thread; workers share their results.

use hickory_resolver::TokioResolver;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{OnceCell, mpsc, oneshot};

/// Answers that are kept; beyond it the expired ones go.
const CACHED: usize = 4096;
/// No answer is kept for a shorter or longer time, whatever its TTL.
const TTL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// How long an entry of `/etc/hosts`, and a failure, is kept.
const SHORT: Duration = Duration::from_secs(2);
/// How long past its TTL an answer serves while DNS fails.
const STALE: Duration = Duration::from_secs(3600);

type Answer = Result<Arc<[IpAddr]>, Arc<str>>;
/// Who waits for the answer to one question.
type Waiting = HashMap<Box<str>, Vec<oneshot::Sender<Answer>>>;

/// The workers' end.
#[derive(Debug)]
pub(crate) struct Dns {
    cache: Arc<Mutex<HashMap<Box<str>, Entry>>>,
    questions: mpsc::Sender<(Box<str>, oneshot::Sender<Answer>)>,
}

#[derive(Clone, Debug)]
struct Entry {
    answer: Answer,
    expires: Instant,
}

/// The control thread's end.
pub(crate) struct Resolver {
    cache: Arc<Mutex<HashMap<Box<str>, Entry>>>,
    questions: mpsc::Receiver<(Box<str>, oneshot::Sender<Answer>)>,
}

/// Both ends.
pub(crate) fn new() -> (Dns, Resolver) {
    let cache = Arc::default();
    let (sender, questions) = mpsc::channel(1024);
    (Dns { cache: Arc::clone(&cache), questions: sender }, Resolver { cache, questions })
}

fn lock(cache: &Mutex<HashMap<Box<str>, Entry>>) -> MutexGuard<'_, HashMap<Box<str>, Entry>> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dns {
    /// Addresses of a name; at least one.
    pub(crate) async fn resolve(&self, name: &str) -> Answer {
        if let Some(entry) = lock(&self.cache).get(name)
            && entry.expires > Instant::now()
        {
            return entry.answer.clone();
        }
        let (sender, answer) = oneshot::channel();
        if self.questions.send((name.into(), sender)).await.is_err() {
            return Err("the resolver has ended".into());
        }
        answer.await.unwrap_or_else(|_| Err("the resolver gave up".into()))
    }
}

impl Resolver {
    /// Answers questions until the last [`Dns`] is gone. Runs on a runtime that can spawn.
    pub(crate) async fn run(mut self) {
        let system: Arc<OnceCell<TokioResolver>> = Arc::default();
        let asked: Arc<Mutex<Waiting>> = Arc::default();
        while let Some((name, sender)) = self.questions.recv().await {
            let mut waiting = asked.lock().unwrap_or_else(PoisonError::into_inner);
            let others = waiting.entry(name.clone()).or_default();
            others.push(sender);
            if others.len() > 1 {
                continue;
            }
            drop(waiting);
            let (cache, asked, system) = (Arc::clone(&self.cache), Arc::clone(&asked), Arc::clone(&system));
            tokio::spawn(async move {
                let answer = keep(&cache, &name, look_up(&system, &name).await);
                let waiting = asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
                for sender in waiting.into_iter().flatten() {
                    // Who asked may have given up.
                    let _ = sender.send(answer.clone());
                }
            });
        }
    }
}

/// Keeps a new answer, or falls back on the old one.
fn keep(cache: &Mutex<HashMap<Box<str>, Entry>>, name: &str, new: Result<(Vec<IpAddr>, Duration), String>) -> Answer {
    let now = Instant::now();
    let mut cache = lock(cache);
    if cache.len() >= CACHED {
        cache.retain(|_, entry| entry.expires > now);
    }
    let entry = match new {
        Ok((addresses, ttl)) => Entry { answer: Ok(addresses.into()), expires: now + ttl.clamp(TTL.0, TTL.1) },
        Err(error) => match cache.get(name) {
            Some(old) if old.answer.is_ok() && old.expires + STALE > now => {
                tracing::warn!(name, error, "DNS fails; the last answer goes on serving");
                return old.answer.clone();
            }
            _ => Entry { answer: Err(error.into()), expires: now + SHORT },
        },
    };
    let answer = entry.answer.clone();
    if cache.len() < CACHED {
        cache.insert(name.into(), entry);
    }
    answer
}

async fn look_up(system: &OnceCell<TokioResolver>, name: &str) -> Result<(Vec<IpAddr>, Duration), String> {
    // Read anew each time, so that an edit counts; a file of this kind is read in microseconds.
    if let Ok(hosts) = std::fs::read_to_string("/etc/hosts") {
        let addresses = from_hosts(&hosts, name);
        if !addresses.is_empty() {
            return Ok((addresses, SHORT));
        }
    }
    let build = async || TokioResolver::builder_tokio().and_then(|builder| builder.build());
    let resolver = system.get_or_try_init(build).await.map_err(|error| format!("/etc/resolv.conf: {error}"))?;
    let found = resolver.lookup_ip(name).await.map_err(|error| error.to_string())?;
    let addresses: Vec<IpAddr> = found.iter().collect();
    if addresses.is_empty() {
        return Err("the name has no address".into());
    }
    Ok((addresses, found.valid_until().saturating_duration_since(Instant::now())))
}

fn from_hosts(hosts: &str, name: &str) -> Vec<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let address = words.next()?.parse().ok()?;
            words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_the_system_reads_them() {
        let hosts = "127.0.0.1 localhost # a comment x\n::1\tlocalhost ip6-localhost\n#10.0.0.1 x\nbad x\n10.0.0.2 y X.example\n";
        assert_eq!(from_hosts(hosts, "localhost").len(), 2);
        assert_eq!(from_hosts(hosts, "x.EXAMPLE."), [IpAddr::from([10, 0, 0, 2])]);
        assert!(from_hosts(hosts, "x").is_empty());
    }

    #[test]
    fn the_last_answer_serves_while_dns_fails() {
        let cache = Mutex::default();
        let address = IpAddr::from([10, 0, 0, 1]);
        assert!(keep(&cache, "a", Err("down".into())).is_err());
        assert_eq!(keep(&cache, "a", Ok((vec![address], Duration::ZERO))).as_deref(), Ok(&[address][..]));
        assert_eq!(keep(&cache, "a", Err("down".into())).as_deref(), Ok(&[address][..]));
    }
}
