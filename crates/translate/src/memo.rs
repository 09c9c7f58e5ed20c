//! What is kept from one translation to the next: results that depend on one object alone and cost much, by the
//! identity of that object.

use crate::certificate::Loaded;
use crate::route::http::Compiled;
use resources::{ConfigMap, HttpRoute, Secret};
use std::collections::HashMap;
use std::sync::Arc;

/// Results by object.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// Certificate and key of a Secret.
    pub(crate) certificates: ByObject<Secret, Result<Arc<Loaded>, String>>,
    /// CA bundle of a Secret.
    pub(crate) secret_bundles: ByObject<Secret, Result<String, String>>,
    /// CA bundle of a ConfigMap.
    pub(crate) bundles: ByObject<ConfigMap, Result<String, String>>,
    /// Matches, filters and timeouts of an HTTPRoute, its regular expressions compiled once for validation.
    pub(crate) http_routes: ByObject<HttpRoute, Compiled>,
}

impl Memo {
    /// Forgets what was not asked for since the last call.
    pub(crate) fn sweep(&mut self) {
        self.certificates.sweep();
        self.secret_bundles.sweep();
        self.bundles.sweep();
        self.http_routes.sweep();
    }
}

/// Results by the address of an object, which stays its own as long as the object is held here.
#[derive(Debug)]
pub(crate) struct ByObject<K, V>(HashMap<usize, Entry<K, V>>);

#[derive(Debug)]
struct Entry<K, V> {
    /// Keeps the address from being used again.
    _object: Arc<K>,
    value: Arc<V>,
    used: bool,
}

impl<K, V> Default for ByObject<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K, V> ByObject<K, V> {
    /// The result for `object`, made by `make` if it is not known.
    pub(crate) fn get(&mut self, object: &Arc<K>, make: impl FnOnce(&K) -> V) -> Arc<V> {
        let entry = self.0.entry(Arc::as_ptr(object).addr()).or_insert_with(|| Entry {
            _object: object.clone(),
            value: Arc::new(make(object)),
            used: true,
        });
        entry.used = true;
        entry.value.clone()
    }

    fn sweep(&mut self) {
        self.0.retain(|_, entry| std::mem::replace(&mut entry.used, false));
    }
}
