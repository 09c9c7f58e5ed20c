//! Which of several controllers writes: a Lease of `coordination.k8s.io`, as client-go's leader election keeps it.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Without a renewal for so long, another may take it.
const DURATION: Duration = Duration::from_secs(15);
/// Who holds it and cannot renew it for so long stops writing: well before another begins.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(2);

/// Where the Lease stands, and who asks for it.
#[derive(Debug, Clone)]
pub struct Election {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Its name; controllers that answer for the same classes share it.
    pub name: String,
    /// Unique among them, such as the Pod's name.
    pub identity: String,
}

/// Tries to be the leader for ever, and says whether it is. Given up when nobody listens any more.
pub(crate) async fn campaign(client: Client, election: Election, leads: watch::Sender<bool>) {
    let api: Api<Lease> = Api::namespaced(client, &election.namespace);
    let mut renewed = Instant::now();
    // What another holds, and since when it has not changed: clocks of other machines are not trusted.
    let mut seen: Option<(LeaseSpec, Instant)> = None;
    loop {
        match attempt(&api, &election, &mut seen).await {
            Ok(true) => {
                renewed = Instant::now();
                if !leads.send_replace(true) {
                    tracing::info!(
                        identity = election.identity,
                        "leads: statuses and infrastructure are written from here"
                    );
                }
            }
            Ok(false) => {
                if leads.send_replace(false) {
                    tracing::warn!("leads no more: another controller does");
                }
            }
            Err(error) => {
                tracing::debug!(%error, "lease not renewed");
                if renewed.elapsed() > RENEW_DEADLINE && leads.send_replace(false) {
                    tracing::warn!(%error, "leads no more: the lease cannot be renewed");
                }
            }
        }
        if leads.is_closed() {
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Takes or renews it. Whether it is ours.
async fn attempt(
    api: &Api<Lease>,
    election: &Election,
    seen: &mut Option<(LeaseSpec, Instant)>,
) -> Result<bool, kube::Error> {
    let now = MicroTime(Timestamp::now());
    let ours = |transitions: i32, since: MicroTime| LeaseSpec {
        holder_identity: Some(election.identity.clone()),
        lease_duration_seconds: Some(DURATION.as_secs() as i32),
        acquire_time: Some(since),
        renew_time: Some(now.clone()),
        lease_transitions: Some(transitions),
        ..LeaseSpec::default()
    };
    let Some(mut lease) = api.get_opt(&election.name).await? else {
        let metadata = ObjectMeta { name: Some(election.name.clone()), ..ObjectMeta::default() };
        let lease = Lease { metadata, spec: Some(ours(0, now.clone())) };
        return won(api.create(&PostParams::default(), &lease).await);
    };
    let spec = lease.spec.clone().unwrap_or_default();
    let held = spec.holder_identity.as_deref().filter(|holder| !holder.is_empty());
    let next = match held {
        Some(holder) if *holder == *election.identity => {
            ours(spec.lease_transitions.unwrap_or_default(), spec.acquire_time.clone().unwrap_or(now.clone()))
        }
        Some(_) => {
            let since = match seen {
                Some((known, since)) if *known == spec => *since,
                _ => seen.insert((spec.clone(), Instant::now())).1,
            };
            let lasts =
                Duration::from_secs(u64::try_from(spec.lease_duration_seconds.unwrap_or_default()).unwrap_or(0));
            if since.elapsed() < lasts {
                return Ok(false);
            }
            ours(spec.lease_transitions.unwrap_or_default() + 1, now.clone())
        }
        None => ours(spec.lease_transitions.unwrap_or_default() + 1, now.clone()),
    };
    // With the resourceVersion that was read: of two that try at once, one wins.
    lease.spec = Some(next);
    won(api.replace(&election.name, &PostParams::default(), &lease).await)
}

fn won(result: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
    match result {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}
