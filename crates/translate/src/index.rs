//! What is looked up while translating: objects, with the last good ones in place of unreadable ones, endpoint slices by
//! Service, grants.

use resources::kubernetes::SERVICE_NAME_LABEL;
use resources::{EndpointSlice, Key, Kind, NamespacedName, ReferenceGrant, Resources};
use snapshot::ObjectName;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Objects and the ways to find them.
pub(crate) struct Index<'a> {
    resources: Cow<'a, Resources>,
    /// Objects that stand in for ones that no longer parse.
    pub(crate) last_good: BTreeSet<Key>,
}

impl<'a> Index<'a> {
    /// `objects` stand in for those that `resources` lacks.
    pub(crate) fn new(resources: &'a Resources, objects: &Resources) -> Self {
        let missing: Vec<_> = objects.iter().filter(|object| resources.get_any(&object.key()).is_none()).collect();
        let mut all = Cow::Borrowed(resources);
        let mut last_good = BTreeSet::new();
        for object in missing {
            last_good.insert(object.key());
            all.to_mut().upsert(object);
        }
        Self { resources: all, last_good }
    }

    /// Every object.
    pub(crate) fn resources(&self) -> &Resources {
        &self.resources
    }

    /// EndpointSlices by namespace and Service.
    pub(crate) fn slices(&self) -> Slices<'_> {
        let mut slices: BTreeMap<&str, BTreeMap<&str, Vec<&Arc<EndpointSlice>>>> = BTreeMap::new();
        for slice in self.resources.endpoint_slices.values() {
            if let Some(service) = slice.meta.labels.get(SERVICE_NAME_LABEL) {
                slices.entry(&slice.meta.namespace).or_default().entry(service).or_default().push(slice);
            }
        }
        Slices(slices)
    }

    fn grants(&self, namespace: &str) -> impl Iterator<Item = &Arc<ReferenceGrant>> {
        let from = NamespacedName::new(namespace, "");
        let of_namespace = self.resources.reference_grants.range(from.clone()..);
        of_namespace.take_while(move |(name, _)| name.namespace == from.namespace).map(|(_, grant)| grant)
    }

    /// Whether a ReferenceGrant lets `from` objects of one namespace refer to `to`. References within a namespace need
    /// none.
    pub(crate) fn permitted(&self, from: Kind, from_namespace: &str, to: &Target<'_>) -> bool {
        from_namespace == to.namespace
            || self.grants(to.namespace).any(|grant| {
                let from_ok = grant.spec.from.iter().any(|f| {
                    f.namespace == from_namespace && f.kind == from.as_str() && from.groups().any(|g| g == f.group)
                });
                let to_ok = grant.spec.to.iter().any(|t| {
                    t.group == to.group && t.kind == to.kind && t.name.as_deref().is_none_or(|name| name == to.name)
                });
                from_ok && to_ok
            })
    }
}

/// EndpointSlices by namespace and Service.
pub(crate) struct Slices<'a>(BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Arc<EndpointSlice>>>>);

impl<'a> Slices<'a> {
    /// Those of one Service.
    pub(crate) fn of(&self, namespace: &str, service: &str) -> &[&'a Arc<EndpointSlice>] {
        self.0.get(namespace).and_then(|services| services.get(service)).map_or(&[], Vec::as_slice)
    }

    /// Those of all Services of a namespace.
    pub(crate) fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = (&'a str, &[&'a Arc<EndpointSlice>])> {
        self.0.get(namespace).into_iter().flatten().map(|(service, slices)| (*service, slices.as_slice()))
    }
}

/// What a reference means, its namespace filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) group: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl Target<'_> {
    /// What to write so that the reference is permitted.
    pub(crate) fn grant_hint(&self, from: Kind, from_namespace: &str) -> String {
        format!(
            "add a ReferenceGrant to namespace {} from {}/{} of namespace {from_namespace} to {}{}{}",
            self.namespace,
            from.group(),
            from,
            self.group,
            if self.group.is_empty() { "" } else { "/" },
            self.kind
        )
    }
}

/// The snapshot's name of an object.
pub(crate) fn object_name(meta: &resources::ObjectMeta) -> ObjectName {
    ObjectName::new(meta.namespace.clone(), meta.name.clone())
}
