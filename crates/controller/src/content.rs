//! Reads the Secrets and ConfigMaps that are referred to, one by one; all others stay unread.

use kube::api::DynamicObject;
use kube::core::{ApiResource, TypeMeta};
use kube::{Api, Client};
use resources::{Key, Kind};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::mpsc;

/// Until one that could not be read is asked for again.
const RETRY: Duration = Duration::from_secs(2);

/// What was read.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) key: Key,
    /// `None` when it is gone.
    pub(crate) object: Option<Value>,
}

/// Reads what is asked for.
pub(crate) async fn read_all(client: Client, mut asked: mpsc::UnboundedReceiver<Key>, contents: mpsc::Sender<Content>) {
    while let Some(key) = asked.recv().await {
        let (client, contents) = (client.clone(), contents.clone());
        tokio::spawn(async move {
            loop {
                match read(&client, &key).await {
                    Ok(object) => {
                        // Nobody to hear it: the end.
                        let _ = contents.send(Content { key, object }).await;
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
