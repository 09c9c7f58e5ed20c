//! Reads the Secrets and ConfigMaps that are referred to, one by one; all others stay unread.

use kube::api::DynamicObject;
use kube::core::{ApiResource, TypeMeta};
use kube::{Api, Client};
use resources::{Key, Kind};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// Until one that could not be read is asked for again.
const RETRY: Duration = Duration::from_secs(2);

/// How many are read at one time.
const AT_ONCE: usize = 16;

/// What was read.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) key: Key,
    /// `None` when it is gone.
    pub(crate) object: Option<Value>,
}

/// Reads what is asked for.
#[derive(Clone)]
pub(crate) struct Reader {
    client: Client,
    contents: mpsc::Sender<Content>,
    at_once: Arc<Semaphore>,
}

impl Reader {
    pub(crate) fn new(client: Client, contents: mpsc::Sender<Content>) -> Self {
        Self { client, contents, at_once: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Reads one, until that has succeeded.
    pub(crate) fn ask(&self, key: Key) {
        let reader = self.clone();
        tokio::spawn(async move {
            loop {
                let permit = reader.at_once.acquire().await;
                let result = read(&reader.client, &key).await;
                drop(permit);
                match result {
                    Ok(object) => {
                        // Nobody to hear it: the end.
                        let _ = reader.contents.send(Content { key, object }).await;
                        return;
                    }
                    Err(error) => tracing::warn!(object = %key, %error, "cannot be read; trying again"),
                }
                tokio::time::sleep(RETRY).await;
            }
        });
    }
}

async fn read(client: &Client, key: &Key) -> Result<Option<Value>, kube::Error> {
    let kind = key.kind.as_str();
    let plural = if key.kind == Kind::Secret { "secrets" } else { "configmaps" };
    let resource = ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &key.namespace, &resource);
    let Some(mut object) = api.get_opt(&key.name).await? else { return Ok(None) };
    object.metadata.managed_fields = None;
    object.types = Some(TypeMeta { api_version: "v1".to_owned(), kind: kind.to_owned() });
    serde_json::to_value(object).map(Some).map_err(kube::Error::SerdeError)
}
