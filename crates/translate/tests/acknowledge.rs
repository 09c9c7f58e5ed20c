//! `Programmed` follows the proxy's answers; last good certificates stand in; one change is one small delta.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use resources::status::ConditionStatus;
use resources::{Key, Kind, Resources};
use snapshot::{Ack, EntityKey, ObjectName, Refusal};
use translate::{Finding, LAST_GOOD, LastGood, Settings, Status, Statuses, Translator};

const FOLDER: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sg}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, generation: 1}
spec:
  gatewayClassName: sg
  listeners:
  - name: https
    port: 8443
    protocol: HTTPS
    tls: {certificateRefs: [{name: cert}]}
---
apiVersion: v1
kind: Secret
metadata: {name: cert, annotations: {test/certificate: a.example.com}}
type: kubernetes.io/tls
stringData: {tls.crt: made by the test, tls.key: made by the test}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: gw}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
"#;

fn folder(text: &str) -> Resources {
    let loaded = resources::load([("folder.yaml", text.as_bytes())]);
    assert!(!loaded.has_errors(), "{:#?}", loaded.problems);
    let mut resources = loaded.resources;
    support::fill(&mut resources);
    resources
}

fn gateway(statuses: &Statuses, condition: &str) -> (ConditionStatus, String) {
    let Status::Gateway(status) = &*statuses[&Key::new(Kind::Gateway, "default", "gw")] else { panic!() };
    let found = status.conditions.iter().find(|c| c.condition_type == condition).unwrap();
    (found.status, found.reason.clone())
}

fn ack(revision: u64) -> Ack {
    Ack { revision, refusals: Vec::new() }
}

#[test]
fn programmed_waits_for_the_acknowledgement_of_the_gateways_own_change() {
    let mut translator = Translator::new(Settings::default());
    let resources = folder(FOLDER);
    let first = translator.update(resources.clone(), &LastGood::default());
    assert_eq!((first.delta.revision, first.delta.upserts.len()), (1, 3));
    assert_eq!(gateway(&first.statuses, "Programmed"), (ConditionStatus::Unknown, "Pending".into()));
    assert_eq!(gateway(&first.statuses, "Accepted"), (ConditionStatus::True, "Accepted".into()));
    let (statuses, _) = translator.apply_ack(&ack(1));
    assert_eq!(gateway(&statuses, "Programmed").0, ConditionStatus::True);

    // A change of a route is one entity, and the Gateway stays programmed.
    let mut changed = resources.clone();
    let mut route = (**changed.get::<resources::HttpRoute>("default", "web").unwrap()).clone();
    route.spec.hostnames = vec!["a.example.com".into()];
    changed.insert(route);
    let second = translator.update(changed.clone(), &LastGood::default());
    let keys: Vec<_> = second.delta.upserts.iter().map(|entity| entity.key().to_string()).collect();
    assert_eq!((second.delta.revision, keys), (2, vec!["HTTPRoute/default/web".to_owned()]));
    assert_eq!(gateway(&second.statuses, "Programmed").0, ConditionStatus::True);

    // A change of the Gateway waits again; an old answer changes nothing.
    let mut object = (**changed.get::<resources::Gateway>("default", "gw").unwrap()).clone();
    object.meta.generation = 2;
    changed.insert(object);
    let third = translator.update(changed, &LastGood::default());
    assert_eq!(gateway(&third.statuses, "Programmed").0, ConditionStatus::Unknown);
    assert_eq!(gateway(&translator.apply_ack(&ack(2)).0, "Programmed").0, ConditionStatus::Unknown);
    assert_eq!(gateway(&translator.apply_ack(&ack(3)).0, "Programmed").0, ConditionStatus::True);
    assert_eq!(gateway(&translator.apply_ack(&ack(1)).0, "Programmed").0, ConditionStatus::True);
}

#[test]
fn a_refusal_stands_until_the_object_changes_or_a_newer_answer_comes_without_it() {
    let mut translator = Translator::new(Settings::default());
    let resources = folder(FOLDER);
    translator.update(resources.clone(), &LastGood::default());
    let refusal = Refusal {
        entity: EntityKey::Gateway(ObjectName::new("default", "gw")),
        field: "spec.listeners[0].port".into(),
        message: "port 8443 is in use".into(),
    };
    let refused = Ack { revision: 1, refusals: vec![refusal] };
    let (statuses, findings) = translator.apply_ack(&refused);
    assert_eq!(gateway(&statuses, "Programmed"), (ConditionStatus::False, "Invalid".into()));
    let messages: Vec<_> = findings.iter().map(|Finding { message, .. }| message.as_str()).collect();
    assert_eq!(messages, ["port 8443 is in use"]);
    assert_eq!(gateway(&translator.apply_ack(&ack(1)).0, "Programmed").0, ConditionStatus::True);
    translator.apply_ack(&refused);
    let mut changed = resources;
    let mut object = (**changed.get::<resources::Gateway>("default", "gw").unwrap()).clone();
    object.spec.listeners[0].port = 8444;
    changed.insert(object);
    let output = translator.update(changed, &LastGood::default());
    assert_eq!(gateway(&output.statuses, "Programmed").0, ConditionStatus::Unknown);
    assert!(output.findings.is_empty());
}

#[test]
fn a_certificate_that_no_longer_loads_is_served_as_it_was() {
    let settings = Settings { assume_acknowledged: true, ..Settings::default() };
    let mut translator = Translator::new(settings.clone());
    let resources = folder(FOLDER);
    let first = translator.update(resources.clone(), &LastGood::default());
    assert_eq!(first.loaded_secrets.len(), 1);
    let mut broken = resources;
    let mut secret = (**broken.get::<resources::Secret>("default", "cert").unwrap()).clone();
    secret.spec.data.insert("tls.key".into(), resources::kubernetes::SecretBytes::new(*b"nothing"));
    broken.insert(secret);
    let last_good = LastGood { secrets: first.loaded_secrets, ..LastGood::default() };
    let second = translator.update(broken.clone(), &last_good);
    assert!(second.delta.is_empty(), "the proxy goes on with what it has");
    assert_eq!(gateway(&second.statuses, "Programmed").0, ConditionStatus::True);
    assert_eq!(gateway(&second.statuses, "ResolvedRefs"), (ConditionStatus::False, "ListenersNotResolved".into()));
    let Status::Gateway(status) = &*second.statuses[&Key::new(Kind::Gateway, "default", "gw")] else { panic!() };
    assert!(status.listeners[0].conditions.iter().any(|c| c.condition_type == LAST_GOOD));
    assert_eq!(second.loaded_secrets.len(), 1, "it stays last good");
    // A restart knows nothing of it.
    let restarted = Translator::new(settings).update(broken, &LastGood::default());
    assert_eq!(gateway(&restarted.statuses, "Programmed").0, ConditionStatus::False);
}
