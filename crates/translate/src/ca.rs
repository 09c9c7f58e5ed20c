//! CA certificates of ConfigMaps, Secrets and ClusterTrustBundles, for backends and for clients.

use crate::Context;
use crate::certificate::check_bundle;
use resources::{ClusterTrustBundle, ConfigMap, Key, Kind, Secret};

/// Why a reference gives no CA certificates.
pub(crate) enum Bad {
    /// No such kind is read; the texts say what is wrong and what to do.
    Kind(String, &'static str),
    /// The object does not exist.
    Missing(String),
    /// It holds none.
    Invalid(String),
}

/// What [`Bad`] asks for.
pub(crate) const HINT: &str = "a ConfigMap or Secret needs a key ca.crt with PEM certificates, a ClusterTrustBundle has them \
                               in spec.trustBundle";

/// The object that a reference of `namespace` means, if it is of a kind that holds CA certificates.
pub(crate) fn find(ctx: &Context<'_>, group: &str, kind: &str, namespace: &str, name: &str) -> Result<Key, Bad> {
    match (group, Kind::find_in_group(group, kind)) {
        ("", Some(kind @ (Kind::ConfigMap | Kind::Secret))) => Ok(Key::new(kind, namespace, name)),
        (_, Some(kind @ Kind::ClusterTrustBundle)) if ctx.around.trust_bundles => Ok(Key::new(kind, "", name)),
        (_, Some(Kind::ClusterTrustBundle)) => {
            let message = "this cluster has no ClusterTrustBundles".to_owned();
            Err(Bad::Kind(message, "upgrade to Kubernetes 1.37, or name a ConfigMap"))
        }
        _ => {
            let message = format!("kind {kind} of group {group:?} is not read as CA certificates");
            Err(Bad::Kind(message, "name a ConfigMap, a Secret or a ClusterTrustBundle"))
        }
    }
}

/// The PEM bundle of an object that [`find`] has found.
pub(crate) fn bundle(ctx: &mut Context<'_>, key: &Key) -> Result<String, Bad> {
    let check = |field: &str, pem: Option<&[u8]>| {
        let pem = pem.ok_or(format!("it has no {field}"))?;
        check_bundle(pem).map_err(|why| format!("{field} {why}"))?;
        String::from_utf8(pem.to_vec()).map_err(|_| format!("{field} is not text"))
    };
    let (objects, memo) = (ctx.index.resources(), &mut *ctx.memo);
    let (namespace, name) = (&*key.namespace, &*key.name);
    let result = match key.kind {
        Kind::Secret => objects.get::<Secret>(namespace, name).map(|secret| {
            let bytes = |secret: &Secret| check("ca.crt", secret.spec.data.get("ca.crt").map(|bytes| bytes.expose()));
            memo.secret_bundles.get(secret, bytes)
        }),
        Kind::ClusterTrustBundle => objects.get::<ClusterTrustBundle>("", name).map(|bundle| {
            memo.trust_bundles.get(bundle, |it| check("spec.trustBundle", Some(it.spec.trust_bundle.as_bytes())))
        }),
        _ => objects
            .get::<ConfigMap>(namespace, name)
            .map(|map| memo.bundles.get(map, |map| check("ca.crt", map.spec.get("ca.crt")))),
    };
    match result.as_deref() {
        None => Err(Bad::Missing(format!("{key} does not exist"))),
        Some(Err(why)) => Err(Bad::Invalid(format!("{key}: {why}"))),
        Some(Ok(pem)) => Ok(pem.clone()),
    }
}
