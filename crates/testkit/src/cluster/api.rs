//! Objects of the cluster, by the rights of the administrator.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::try_join_all;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, LogParams, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::{Client, Config};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::control_plane::Cluster;
use super::network::NODE;

const POLL: Duration = Duration::from_millis(100);

/// Names an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    api_version: String,
    kind: String,
    namespace: Option<String>,
    name: String,
}

impl Ref {
    /// `v1`, `Service`, `NAMESPACE/NAME`; `NAME` alone of a kind without namespaces.
    pub fn new(api_version: &str, kind: &str, name: &str) -> Self {
        let (namespace, name) = match name.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, name),
        };
        Self { api_version: api_version.to_owned(), kind: kind.to_owned(), namespace, name: name.to_owned() }
    }

    /// What a manifest is about.
    fn of(object: &Value) -> Result<Self> {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).map(ToOwned::to_owned);
        Ok(Self {
            api_version: text("/apiVersion").context("an object without apiVersion")?,
            kind: text("/kind").context("an object without kind")?,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name").context("an object without a name")?,
        })
    }

    fn kind(&self) -> GroupVersionKind {
        let (group, version) = self.api_version.split_once('/').unwrap_or(("", &self.api_version));
        GroupVersionKind::gvk(group, version, &self.kind)
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// The status of a condition in `status.conditions` of an object, or of a part of one such as an entry of `status.parents`:
/// `True`, `False` or `Unknown`; none when it is not there.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = object.pointer("/status/conditions").or_else(|| object.get("conditions"))?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)?["status"].as_str()
}

/// Kinds asked for already, with the names of their resources and whether they have namespaces.
#[derive(Default)]
struct Kinds(BTreeMap<(String, String), (ApiResource, bool)>);

impl Kinds {
    async fn api(&mut self, client: &Client, object: &Ref) -> Result<Api<DynamicObject>> {
        let key = (object.api_version.clone(), object.kind.clone());
        if !self.0.contains_key(&key) {
            let (resource, about) = discovery::pinned_kind(client, &object.kind())
                .await
                .with_context(|| format!("the API server does not know {} {}", object.api_version, object.kind))?;
            self.0.insert(key.clone(), (resource, about.scope == Scope::Namespaced));
        }
        let (resource, namespaced) = &self.0[&key];
        Ok(if *namespaced {
            let namespace = object.namespace.as_deref().unwrap_or("default");
            Api::namespaced_with(client.clone(), namespace, resource)
        } else {
            Api::all_with(client.clone(), resource)
        })
    }
}

/// The documents of a YAML text, lists taken apart.
fn documents(yaml: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).context("YAML")?;
    Ok(documents
        .into_iter()
        .filter(|document| !document.is_null())
        .flat_map(|document| match document.get("items").and_then(Value::as_array) {
            Some(items) if document["kind"] == "List" => items.clone(),
            _ => vec![document],
        })
        .collect())
}

fn apply_params() -> PatchParams {
    PatchParams::apply("testkit").force()
}

impl Cluster {
    /// Runs `work` with a client of the API server, on a thread and a runtime in the cluster's network.
    pub fn run<T: Send>(&self, work: impl AsyncFnOnce(Client) -> Result<T> + Send) -> Result<T> {
        self.inside(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { work(self.client()?).await })
        })
    }

    fn client(&self) -> Result<Client> {
        let access = self.access();
        let mut config = Config::new(format!("https://{NODE}:6443").parse()?);
        config.root_cert = Some(vec![CertificateDer::from_pem_slice(access.ca.as_bytes())?.to_vec()]);
        config.auth_info.token = Some(access.token.clone().into());
        Ok(Client::try_from(config)?)
    }

    /// Applies every object of a YAML text, one after the other, by server-side apply, and returns what the API server
    /// made of them.
    ///
    /// # Errors
    /// When an object is refused, with the object's name and the API server's reason; those before it stay.
    pub fn apply(&self, yaml: &str) -> Result<Vec<Value>> {
        let objects = documents(yaml)?;
        self.run(async move |client| {
            let mut kinds = Kinds::default();
            let mut applied = Vec::new();
            for object in objects {
                let about = Ref::of(&object)?;
                let api = kinds.api(&client, &about).await?;
                let patch = Patch::Apply(&object);
                let result = api.patch(&about.name, &apply_params(), &patch).await;
                applied.push(serde_json::to_value(result.with_context(|| format!("apply {about}"))?)?);
            }
            Ok(applied)
        })
    }

    /// Deletes every object of a YAML text, the last one first; one that is not there is none to delete. Does not wait
    /// until they are gone.
    pub fn delete(&self, yaml: &str) -> Result<()> {
        let objects = documents(yaml)?;
        self.run(async move |client| {
            let mut kinds = Kinds::default();
            for object in objects.iter().rev() {
                let about = Ref::of(object)?;
                let api = kinds.api(&client, &about).await?;
                match api.delete(&about.name, &DeleteParams::default()).await {
                    Err(kube::Error::Api(status)) if status.code == 404 => {}
                    result => drop(result.with_context(|| format!("delete {about}"))?),
                }
            }
            Ok(())
        })
    }

    /// An object, if it is there.
    pub fn get(&self, object: &Ref) -> Result<Option<Value>> {
        self.run(async |client| {
            let api = Kinds::default().api(&client, object).await?;
            Ok(api.get_opt(&object.name).await?.map(serde_json::to_value).transpose()?)
        })
    }

    /// All objects of a kind, in one namespace or in all.
    pub fn list(&self, api_version: &str, kind: &str, namespace: Option<&str>) -> Result<Vec<Value>> {
        let about = Ref::new(api_version, kind, "");
        self.run(async |client| {
            let (resource, _) = discovery::pinned_kind(&client, &about.kind()).await?;
            let api: Api<DynamicObject> = match namespace {
                Some(namespace) => Api::namespaced_with(client, namespace, &resource),
                None => Api::all_with(client, &resource),
            };
            let objects = api.list(&Default::default()).await?;
            objects.items.into_iter().map(|object| Ok(serde_json::to_value(object)?)).collect()
        })
    }

    /// Waits until an object is there and `ready` says so, and returns it.
    ///
    /// # Errors
    /// When `limit` passes, with the object's status as it was last.
    pub fn wait(&self, object: &Ref, limit: Duration, ready: impl Fn(&Value) -> bool + Send + Sync) -> Result<Value> {
        self.run(async |client| {
            let api = Kinds::default().api(&client, object).await?;
            let began = Instant::now();
            loop {
                let found = api.get_opt(&object.name).await?.map(serde_json::to_value).transpose()?;
                match found {
                    Some(found) if ready(&found) => return Ok(found),
                    found if began.elapsed() > limit => {
                        let status = found.map_or(json!("it is not there"), |object| object["status"].clone());
                        bail!("{object} is not as expected after {limit:?}; its status: {status:#}");
                    }
                    _ => tokio::time::sleep(POLL).await,
                }
            }
        })
    }

    /// Waits until an object is gone.
    pub fn wait_gone(&self, object: &Ref, limit: Duration) -> Result<()> {
        let began = Instant::now();
        while let Some(found) = self.get(object)? {
            if began.elapsed() > limit {
                bail!("{object} is still there after {limit:?}: {:#}", found["metadata"]);
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// What a Pod's only container has written since it was started.
    pub fn logs(&self, namespace: &str, pod: &str) -> Result<String> {
        self.run(async |client| {
            let pods: Api<Pod> = Api::namespaced(client, namespace);
            Ok(pods.logs(pod, &LogParams::default()).await?)
        })
    }

    /// Writes a kubeconfig with the rights of a ServiceAccount, for a program that runs beside the cluster; good for an hour.
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let token = self.run(async |client| {
            let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
            let request = TokenRequest {
                spec: Some(TokenRequestSpec { expiration_seconds: Some(3600), ..Default::default() }),
                ..Default::default()
            };
            let answer = accounts.create_token_request(name, &PostParams::default(), &request).await?;
            answer.status.and_then(|status| status.token).context("the API server gave no token")
        })?;
        let path = self.dir().join(format!("{namespace}.{name}.kubeconfig"));
        fs::write(&path, self.access().kubeconfig(&token))?;
        Ok(path)
    }

    /// Applies CRDs and policies side by side, and waits until the CRDs are established.
    pub(super) fn apply_crds(&self, texts: &[String]) -> Result<()> {
        let mut objects = Vec::new();
        for text in texts {
            objects.extend(documents(text)?);
        }
        // A policy at work would judge the CRDs that come after it, in an order that nobody gave.
        let (crds, others): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|object| object["kind"] == "CustomResourceDefinition");
        self.run(async move |client| {
            try_join_all(crds.iter().map(|crd| establish(&client, crd))).await?;
            let mut kinds = Kinds::default();
            for object in &others {
                let about = Ref::of(object)?;
                let api = kinds.api(&client, &about).await?;
                api.patch(&about.name, &apply_params(), &Patch::Apply(object))
                    .await
                    .with_context(|| format!("apply {about}"))?;
            }
            Ok(())
        })
    }
}

async fn establish(client: &Client, crd: &Value) -> Result<()> {
    let about = Ref::of(crd)?;
    let api = Kinds::default().api(client, &about).await?;
    api.patch(&about.name, &apply_params(), &Patch::Apply(crd)).await.with_context(|| format!("apply {about}"))?;
    let began = Instant::now();
    while condition(&serde_json::to_value(api.get(&about.name).await?)?, "Established") != Some("True") {
        if began.elapsed() > Duration::from_secs(60) {
            bail!("{about} is not established");
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_taken_apart() {
        let yaml = "---\nkind: A\n---\n---\nkind: List\nitems: [{kind: B}, {kind: C}]\n";
        let kinds: Vec<_> = documents(yaml).unwrap().iter().map(|object| object["kind"].clone()).collect();
        assert_eq!(kinds, ["A", "B", "C"]);
    }

    #[test]
    fn names_of_objects() {
        let route = Ref::new("gateway.networking.k8s.io/v1", "HTTPRoute", "shop/cart");
        assert_eq!(route.to_string(), "HTTPRoute shop/cart");
        assert_eq!(route.kind(), GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute"));
        assert_eq!(Ref::new("v1", "Node", "node-1").kind(), GroupVersionKind::gvk("", "v1", "Node"));
    }

    #[test]
    fn conditions_of_objects_and_of_parts() {
        let conditions = json!([{"type": "Accepted", "status": "True"}]);
        assert_eq!(condition(&json!({"status": {"conditions": conditions}}), "Accepted"), Some("True"));
        assert_eq!(condition(&json!({"conditions": conditions}), "Accepted"), Some("True"));
        assert_eq!(condition(&json!({"conditions": conditions}), "Programmed"), None);
    }
}
