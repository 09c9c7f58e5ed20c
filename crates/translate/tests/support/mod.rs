//! What the tests of this crate share: the golden folders, and certificates for them.

// Not every test uses all of it.
#![allow(dead_code)]

use resources::kubernetes::SecretBytes;
use resources::{ClusterTrustBundle, ConfigMap, Resources, Secret};
use std::path::{Path, PathBuf};

/// Every golden input.
pub(crate) fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases = Vec::new();
    walk(&root, &mut cases);
    cases.sort();
    cases
}

fn walk(folder: &Path, cases: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, cases);
        } else if path.to_str().is_some_and(|path| path.ends_with(".in.yaml")) {
            cases.push(path);
        }
    }
}

/// A certificate for names with commas between them, and its key.
pub(crate) fn pair(names: &str) -> (String, String) {
    let names: Vec<_> = names.split(',').map(|name| name.trim().to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// Puts certificates and CAs where annotations ask for them (see `golden.rs`).
pub(crate) fn fill(resources: &mut Resources) {
    let bytes = |text: String| SecretBytes::new(text.into_bytes());
    let secrets: Vec<Secret> = resources.secrets.values().map(|secret| (**secret).clone()).collect();
    for mut secret in secrets {
        if let Some(names) = secret.meta.annotations.get("test/certificate") {
            let (chain, mut key) = pair(names);
            if secret.meta.annotations.contains_key("test/key") {
                key = pair("other.example").1;
            }
            secret.spec.data.insert("tls.crt".into(), bytes(chain));
            secret.spec.data.insert("tls.key".into(), bytes(key));
        }
        if secret.meta.annotations.contains_key("test/ca") {
            secret.spec.data.insert("ca.crt".into(), bytes(pair("ca.example").0));
        }
        resources.insert(secret);
    }
    let maps: Vec<ConfigMap> = resources.config_maps.values().map(|map| (**map).clone()).collect();
    for mut map in maps {
        if map.meta.annotations.contains_key("test/ca") {
            map.spec.data.insert("ca.crt".into(), pair("ca.example").0);
        }
        resources.insert(map);
    }
    let bundles: Vec<ClusterTrustBundle> = resources.cluster_trust_bundles.values().map(|it| (**it).clone()).collect();
    for mut bundle in bundles {
        if bundle.meta.annotations.contains_key("test/ca") {
            bundle.spec.trust_bundle = pair("ca.example").0;
        }
        resources.insert(bundle);
    }
}
