//! Incremental equals from-scratch: any sequence of edits leaves the snapshot, statuses and findings that loading the
//! end state gives. Objects come from the golden inputs, several variants of each.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use proptest::prelude::*;
use resources::{AnyObject, Key, Resources};
use snapshot::{Ack, Snapshot};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use translate::{LastGood, Settings, Translator};

/// Every object of every golden input, by key.
fn pool() -> &'static Vec<(Key, Vec<AnyObject>)> {
    static POOL: OnceLock<Vec<(Key, Vec<AnyObject>)>> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut pool: BTreeMap<Key, Vec<AnyObject>> = BTreeMap::new();
        for case in support::cases() {
            let text = std::fs::read(&case).unwrap();
            let mut resources = resources::load([("in.yaml", &text)]).resources;
            support::fill(&mut resources);
            for object in resources.iter() {
                let variants = pool.entry(object.key()).or_default();
                if !variants.contains(&object) && variants.len() < 40 {
                    variants.push(object);
                }
            }
        }
        pool.into_iter().collect()
    })
}

/// An object of the pool and which variant of it; past the last one: none.
fn edit() -> impl Strategy<Value = (usize, usize)> {
    (0..pool().len()).prop_flat_map(|key| (Just(key), 0..pool()[key].1.len() + 1))
}

fn apply(resources: &mut Resources, (key, variant): (usize, usize)) {
    let (key, variants) = &pool()[key];
    match variants.get(variant) {
        Some(object) => resources.upsert(object.clone()),
        None => resources.remove(key),
    };
}

/// Equal content at another address, as a folder read anew has.
fn copy(resources: &Resources) -> Resources {
    let mut copied = resources.clone();
    for secret in resources.secrets.values() {
        copied.insert((**secret).clone());
    }
    for route in resources.http_routes.values() {
        copied.insert((**route).clone());
    }
    copied
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn incremental_equals_from_scratch(
        start in prop::collection::vec(edit(), 0..120),
        edits in prop::collection::vec((edit(), any::<bool>(), any::<bool>()), 1..12),
    ) {
        let last_good = LastGood::default();
        let mut resources = Resources::default();
        for edit in start {
            apply(&mut resources, edit);
        }
        let mut translator = Translator::new(Settings::default());
        let mut proxy = Snapshot::default();
        let first = translator.update(resources.clone(), &last_good);
        proxy.apply(&first.delta);
        for (edit, acknowledge, anew) in edits {
            apply(&mut resources, edit);
            let given = if anew { copy(&resources) } else { resources.clone() };
            let output = translator.update(given, &last_good);
            if !output.delta.is_empty() {
                prop_assert_eq!(output.delta.revision, proxy.revision + 1);
                proxy.apply(&output.delta);
            }
            if acknowledge {
                translator.apply_ack(&Ack { revision: proxy.revision, refusals: Vec::new() });
            }
        }
        let known = translator.apply_ack(&Ack { revision: proxy.revision, refusals: Vec::new() });
        let mut fresh = Translator::new(Settings::default());
        let output = fresh.update(copy(&resources), &last_good);
        let from_scratch = fresh.apply_ack(&Ack { revision: output.delta.revision, refusals: Vec::new() });
        prop_assert_eq!(&translator.snapshot().entities, &fresh.snapshot().entities);
        prop_assert_eq!(&proxy.entities, &fresh.snapshot().entities);
        prop_assert_eq!(known.0, from_scratch.0);
        prop_assert_eq!(known.1, from_scratch.1);
        let again = translator.update(copy(&resources), &last_good);
        prop_assert!(again.delta.is_empty(), "nothing changed: {:?}", again.delta);
    }
}
