//! What is kept from one translation to the next: results that cost much, by the identity of the one object, or by the text,
//! that they depend on.

use crate::certificate::Loaded;
use resources::{ClusterTrustBundle, ConfigMap, Secret};
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
    /// CA bundle of a ClusterTrustBundle.
    pub(crate) trust_bundles: ByObject<ClusterTrustBundle, Result<String, String>>,
    /// Verdicts on regular expressions.
    pub(crate) expressions: Expressions,
}

impl Memo {
    /// Forgets what was not asked for since the last call.
    pub(crate) fn sweep(&mut self) {
        self.certificates.sweep();
        self.secret_bundles.sweep();
        self.bundles.sweep();
        self.trust_bundles.sweep();
        self.expressions.sweep();
    }
}

/// Why an expression cannot be used, by its text, and whether somebody has asked since the last sweep.
#[derive(Debug, Default)]
pub(crate) struct Expressions(HashMap<String, (Result<(), String>, bool)>);

impl Expressions {
    /// Whether the proxy will be able to compile it.
    pub(crate) fn check(&mut self, expression: &str) -> Result<(), String> {
        if let Some((verdict, used)) = self.0.get_mut(expression) {
            *used = true;
            return verdict.clone();
        }
        let verdict = crate::route::check_regex(expression);
        self.0.insert(expression.to_owned(), (verdict.clone(), true));
        verdict
    }

    fn sweep(&mut self) {
        self.0.retain(|_, (_, used)| std::mem::replace(used, false));
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
