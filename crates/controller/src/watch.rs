//! Follows objects of the API server: one watch per kind and group that the server has.
//!
//! A kind whose CRD is missing, or that may not be read, is asked for again every [`RETRY`]; everything else goes on meanwhile.

use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, TypeMeta};
use kube::core::{ApiResource, GroupVersion, PartialObjectMeta};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use resources::{Key, Kind};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch as latest;

/// How often a kind that could not be watched is looked for again.
const RETRY: Duration = Duration::from_secs(3);
/// A server that begins may not know its CRDs for a moment; taking that for an end would take all routes away.
const PATIENCE: u32 = 3;

/// How often the CRDs are asked for their release.
const LOOK: Duration = Duration::from_secs(15);

/// One kind in one API group, as the server has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Feed {
    pub(crate) kind: Kind,
    pub(crate) group: &'static str,
}

impl Feed {
    /// Every feed there may be.
    pub(crate) fn all() -> Vec<Self> {
        let mut feeds: BTreeSet<Self> = BTreeSet::new();
        for kind in Kind::ALL {
            feeds.extend(kind.groups().map(|group| Self { kind: *kind, group }));
        }
        feeds.into_iter().collect()
    }

    /// Secrets and ConfigMaps are watched without their content; what is referred to is read by itself.
    pub(crate) fn is_metadata(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::ConfigMap)
    }

    /// The versions of the group that are read, the preferred one first.
    fn versions(&self) -> impl Iterator<Item = GroupVersion> {
        let group = self.group;
        self.kind.api_versions().iter().filter_map(move |version| {
            let version = version.parse::<GroupVersion>().ok()?;
            (version.group == group).then_some(version)
        })
    }
}

/// What a watch has seen.
#[derive(Debug)]
pub(crate) enum Seen {
    /// The objects that there are, all of them; what was there before and is not among them is gone.
    All(Vec<Value>),
    /// One is new or has changed.
    Applied(Value),
    /// One is gone.
    Deleted(Key),
    /// The server does not have the kind.
    Absent,
    /// It cannot be read: why.
    Unreadable(String),
}

/// Follows a feed for ever. Ends when nobody listens any more.
pub(crate) async fn follow(client: Client, feed: Feed, events: Sender<(Feed, Seen)>) {
    // How often in a row a kind that was there must be missing until it counts as gone.
    let mut patience = 0;
    loop {
        let seen = match discover(&client, &feed).await {
            Ok(Some(resource)) => {
                patience = PATIENCE;
                match watch(&client, &feed, &resource, &events).await {
                    Ok(()) => return,
                    Err(kube::Error::Api(status)) if status.code == 404 => Seen::Absent,
                    Err(error) => Seen::Unreadable(error.to_string()),
                }
            }
            Ok(None) => Seen::Absent,
            Err(error) => Seen::Unreadable(error.to_string()),
        };
        if matches!(seen, Seen::Absent) && patience > 0 {
            patience -= 1;
        } else if events.send((feed.clone(), seen)).await.is_err() {
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// The kind as the server has it, in the first version that both know.
async fn discover(client: &Client, feed: &Feed) -> Result<Option<ApiResource>, kube::Error> {
    for version in feed.versions() {
        let api_version = version.api_version();
        let list = if version.group.is_empty() {
            client.list_core_api_resources(&api_version).await
        } else {
            client.list_api_group_resources(&api_version).await
        };
        let list = match list {
            Ok(list) => list,
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            Err(error) => return Err(error),
        };
        let found = list.resources.into_iter().find(|it| it.kind == feed.kind.as_str() && !it.name.contains('/'));
        if let Some(found) = found {
            return Ok(Some(ApiResource {
                group: version.group.clone(),
                version: version.version.clone(),
                api_version,
                kind: found.kind,
                plural: found.name,
            }));
        }
    }
    Ok(None)
}

/// Tells the release of the Gateway API's CRDs, now and whenever it changes: what a CRD says of itself (GEP-922).
pub(crate) async fn bundle_version(client: Client, tell: latest::Sender<Option<String>>) {
    const CRD: &str = "gatewayclasses.gateway.networking.k8s.io";
    const BUNDLE_VERSION: &str = "gateway.networking.k8s.io/bundle-version";
    let api: Api<CustomResourceDefinition> = Api::all(client);
    loop {
        match api.get_metadata_opt(CRD).await {
            Ok(found) => {
                let version = found.and_then(|crd| crd.metadata.annotations?.remove(BUNDLE_VERSION));
                tell.send_if_modified(|before| std::mem::replace(before, version.clone()) != version);
            }
            Err(error) => tracing::debug!(%error, "the release of the Gateway API's CRDs is not known"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = tell.closed() => return,
        }
    }
}

/// Watches until the kind is gone or may not be read (why), or until nobody listens (`Ok`).
async fn watch(
    client: &Client,
    feed: &Feed,
    resource: &ApiResource,
    events: &Sender<(Feed, Seen)>,
) -> Result<(), kube::Error> {
    let config = watcher::Config::default();
    let bare = |meta: PartialObjectMeta<DynamicObject>| DynamicObject {
        types: None,
        metadata: meta.metadata,
        data: Value::Null,
    };
    let mut stream = if feed.is_metadata() {
        let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client.clone(), resource);
        watcher(api, config).default_backoff().map_ok(move |event| map(event, bare)).boxed()
    } else {
        let api: Api<DynamicObject> = Api::all_with(client.clone(), resource);
        watcher(api, config).default_backoff().boxed()
    };
    let mut listed = Vec::new();
    let mut away = false;
    while let Some(event) = stream.next().await {
        let seen = match event {
            Ok(event) => {
                if std::mem::take(&mut away) {
                    tracing::info!(kind = feed.kind.as_str(), "the API server answers again");
                }
                match event {
                    Event::Init => {
                        listed.clear();
                        continue;
                    }
                    Event::InitApply(object) => {
                        listed.push(to_json(object, resource)?);
                        continue;
                    }
                    Event::InitDone => Seen::All(std::mem::take(&mut listed)),
                    Event::Apply(object) => Seen::Applied(to_json(object, resource)?),
                    Event::Delete(object) => Seen::Deleted(key(feed.kind, &object)),
                }
            }
            Err(error) => match refused(error) {
                Ok(error) => return Err(error),
                // What was seen stays as it was: the server is away, or the watch has expired and is begun anew.
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(kind = feed.kind.as_str(), %error, "watch interrupted; trying again");
                    }
                    continue;
                }
            },
        };
        if events.send((feed.clone(), seen)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The error if it says that the kind is gone or may not be read, so that trying again at once is of no use.
fn refused(error: watcher::Error) -> Result<kube::Error, watcher::Error> {
    let code = |error: &kube::Error| if let kube::Error::Api(status) = error { status.code } else { 0 };
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error)
            if matches!(code(&error), 401 | 403 | 404 | 405) =>
        {
            Ok(error)
        }
        error => Err(error),
    }
}

fn map<A, B>(event: Event<A>, f: impl FnOnce(A) -> B) -> Event<B> {
    match event {
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(f(object)),
        Event::InitDone => Event::InitDone,
        Event::Apply(object) => Event::Apply(f(object)),
        Event::Delete(object) => Event::Delete(f(object)),
    }
}

fn key(kind: Kind, object: &DynamicObject) -> Key {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Key::new(kind, text(&object.metadata.namespace), text(&object.metadata.name))
}

/// The object with its type, which lists leave out, and without what nobody here reads.
fn to_json(mut object: DynamicObject, resource: &ApiResource) -> Result<Value, kube::Error> {
    object.metadata.managed_fields = None;
    object.types = Some(TypeMeta { api_version: resource.api_version.clone(), kind: resource.kind.clone() });
    serde_json::to_value(object).map_err(kube::Error::SerdeError)
}
