use super::*;
use crate::{options::Options, telemetry::metrics::Metrics};
use proptest::prelude::*;
use snapshot::{
    AppProtocol, Attachment, BackendKind, BackendTarget, Certificate, Delta, Endpoint, EndpointAddress, Entity,
    EntityKey, Gateway, Hostname, HttpRoute, ListenerProtocol, ListenerRef, ObjectName, Snapshot, StreamRule, TlsRoute,
    WeightedBackend,
};
use std::sync::LazyLock;

fn compiler() -> Compiler {
    Compiler::new(Arc::new(Options::default()), Arc::new(Metrics::new(100)))
}

fn name(text: &str) -> ObjectName {
    ObjectName::new("default", text)
}

fn delta(revision: u64, upserts: Vec<Entity>, removes: Vec<EntityKey>) -> Delta {
    Delta { revision, upserts, removes }
}

fn gateway(gateway: &str, listeners: &[(&str, u16, &str, ListenerProtocol)]) -> Entity {
    let listener =
        |(index, (name, port, hostname, protocol)): (usize, &(&str, u16, &str, ListenerProtocol))| snapshot::Listener {
            name: (*name).into(),
            index,
            port: *port,
            hostname: Hostname::parse(hostname),
            protocol: protocol.clone(),
            client_validation: None,
            filters: Vec::new(),
        };
    let listeners = listeners.iter().enumerate().map(listener).collect();
    Entity::Gateway(Arc::new(Gateway {
        name: name(gateway),
        generation: 1,
        session_seed: None,
        addresses: vec![],
        listeners,
    }))
}

fn attachment(gateway: &str, listener: &str, hostname: &str) -> Attachment {
    let listener = ListenerRef { gateway: name(gateway), listener: listener.into() };
    Attachment { listener, hostnames: vec![Hostname::parse(hostname)] }
}

fn tls_route(route: &str, attachments: Vec<Attachment>) -> Entity {
    let backend = WeightedBackend { target: BackendTarget::Invalid("none".into()), weight: 1, filters: vec![] };
    let rules = vec![StreamRule { name: None, backends: vec![backend] }];
    Entity::TlsRoute(Arc::new(TlsRoute { name: name(route), generation: 1, attachments, rules }))
}

fn http_route(route: &str, attachments: Vec<Attachment>) -> Entity {
    Entity::HttpRoute(Arc::new(HttpRoute { name: name(route), generation: 1, attachments, rules: vec![] }))
}

fn backend(backend: &str, ports: &[u16]) -> Entity {
    let endpoint = |port: &u16| Endpoint { address: EndpointAddress::Ip([127, 0, 0, 1].into()), port: *port };
    Entity::Backend(Arc::new(snapshot::Backend {
        key: BackendKey { kind: BackendKind::Service, name: name(backend), port: 80 },
        endpoints: ports.iter().map(endpoint).collect(),
        protocol: AppProtocol::Default,
        tls: None,
        unusable: None,
        traffic: None,
    }))
}

static SECRETS: LazyLock<[Entity; 3]> = LazyLock::new(|| {
    let make = |secret: &str| {
        let made = rcgen::generate_simple_self_signed(vec!["a.example.com".into()]).unwrap();
        (name(secret), made.cert.pem(), made.signing_key.serialize_pem())
    };
    let secret = |(name, chain, key)| Entity::Certificate(Arc::new(Certificate { name, chain, key }));
    let (one, two, mut bad) = (make("secret"), make("secret"), make("secret"));
    bad.2.clone_from(&one.2);
    [secret(one), secret(two), secret(bad)]
});

fn terminate() -> ListenerProtocol {
    ListenerProtocol::TlsTerminate { certificates: vec![name("secret")] }
}

#[test]
fn what_a_change_does_not_touch_keeps_its_arc() {
    let mut compiler = compiler();
    let all = vec![
        SECRETS[0].clone(),
        gateway("one", &[("pass", 1001, "", ListenerProtocol::TlsPassthrough), ("end", 1002, "", terminate())]),
        gateway("two", &[("http", 1003, "", ListenerProtocol::Http)]),
        tls_route("pass", vec![attachment("one", "pass", "a.example.com")]),
        http_route("http", vec![attachment("two", "http", "a.example.com")]),
        backend("b", &[1, 2]),
        backend("c", &[1]),
    ];
    let first = compiler.apply(&delta(1, all, vec![]));
    assert_eq!(first.refusals, []);
    let first = first.runtime;
    let kept = |new: &Runtime, port: u16| Arc::ptr_eq(&first.ports[&port], &new.ports[&port]);
    let key = |backend: &str| BackendKey { kind: BackendKind::Service, name: name(backend), port: 80 };
    let kept_backend =
        |new: &Runtime, name: &str| Arc::ptr_eq(first.backend(&key(name)).unwrap(), new.backend(&key(name)).unwrap());

    let new = compiler.apply(&delta(2, vec![backend("b", &[2])], vec![])).runtime;
    assert!([1001, 1002, 1003].into_iter().all(|port| kept(&new, port)));
    assert!(kept_backend(&new, "c") && !kept_backend(&new, "b"));

    let new = compiler.apply(&delta(3, vec![http_route("other", vec![attachment("two", "http", "")])], vec![])).runtime;
    assert!(kept(&new, 1001) && kept(&new, 1002) && !kept(&new, 1003) && kept_backend(&new, "c"));
    // The listener is the same one, and its connections go on.
    assert!(Arc::ptr_eq(&first.ports[&1003].listeners[0], &new.ports[&1003].listeners[0]));
    assert!(Arc::ptr_eq(&first.live, &new.live));

    let new = compiler.apply(&delta(4, vec![SECRETS[1].clone()], vec![])).runtime;
    assert!(kept(&new, 1001) && !kept(&new, 1002));
    assert_eq!(first.ports[&1002].listeners[0].id, new.ports[&1002].listeners[0].id);
    assert!(Arc::ptr_eq(&first.live, &new.live));

    let new = compiler.apply(&delta(5, vec![], vec![EntityKey::TlsRoute(name("pass"))])).runtime;
    assert!(Arc::ptr_eq(&first.ports[&1001].listeners[0], &new.ports[&1001].listeners[0]));
    assert!(new.ports[&1001].sni.as_ref().unwrap().get(Some("a.example.com")).is_none());
}

#[test]
fn http_and_tls_do_not_share_a_port() {
    let both = gateway("one", &[("tls", 1001, "", terminate()), ("http", 1001, "", ListenerProtocol::Http)]);
    let compiled = compiler().apply(&delta(1, vec![SECRETS[0].clone(), both], vec![]));
    assert_eq!(compiled.refusals.len(), 1);
    assert_eq!(compiled.refusals[0].field, "spec.listeners[1].protocol");
    assert_eq!(compiled.runtime.ports[&1001].listeners.len(), 1);
    assert_eq!(compiled.sockets.len(), 1);
}

/// Everything that can be seen from outside, without what only names an instance.
fn summary(compiled: &Compiled) -> String {
    let mut text = String::new();
    for port in compiled.runtime.ports.values() {
        let listeners = port.listeners.iter().map(|l| format!("{} {:?} {}", l.label, l.kind, l.tls.is_some()));
        text += &format!("{} {:?} http {}\n", port.number, listeners.collect::<Vec<_>>(), port.http.is_some());
        for name in [None, Some("a.example.com"), Some("b.example.com")] {
            let found = port.sni.as_ref().and_then(|table| table.get(name)).map(|found| match found.value {
                SniTarget::Https(listener) => format!("https {}", listener.label),
                SniTarget::Tls(listener, route) => format!("tls {} {}", listener.label, route.label()),
                SniTarget::Kafka(listener, ..) => format!("kafka {}", listener.label),
                SniTarget::Unserved(listener, _) => format!("unserved {}", listener.label),
            });
            text += &format!("  {name:?} {found:?}\n");
        }
    }
    format!("{text}{:?}\n{:?}", compiled.refusals, compiled.sockets)
}

/// A change out of a small world, so that sequences meet.
fn change() -> impl Strategy<Value = Result<Entity, EntityKey>> {
    let protocols =
        || prop::sample::select(vec![terminate(), ListenerProtocol::TlsPassthrough, ListenerProtocol::Http]);
    let hostname = || prop::sample::select(vec!["", "*.example.com", "a.example.com", "b.example.com"]);
    let port = || 1001..1004u16;
    let gateways = (port(), port(), protocols(), protocols(), hostname())
        .prop_map(|(one, two, p, q, hostname)| Ok(gateway("one", &[("one", one, hostname, p), ("two", two, "", q)])));
    let listener = || prop::sample::select(vec!["one", "two"]);
    let route = || prop::sample::select(vec!["x", "y"]);
    let tls = (route(), listener(), hostname())
        .prop_map(|(route, listener, hostname)| Ok(tls_route(route, vec![attachment("one", listener, hostname)])));
    let http = (route(), listener(), hostname())
        .prop_map(|(route, listener, hostname)| Ok(http_route(route, vec![attachment("one", listener, hostname)])));
    let removes = prop::sample::select(vec![
        EntityKey::Gateway(name("one")),
        EntityKey::TlsRoute(name("x")),
        EntityKey::HttpRoute(name("y")),
        EntityKey::Certificate(name("secret")),
    ]);
    prop_oneof![gateways, tls, http, (0..3usize).prop_map(|at| Ok(SECRETS[at].clone())), removes.prop_map(Err),]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn step_by_step_equals_all_at_once(changes in prop::collection::vec(change(), 1..12)) {
        let (mut stepwise, mut sum) = (compiler(), Snapshot::default());
        let mut last = None;
        for (revision, change) in (1..).zip(changes) {
            let delta = match change {
                Ok(entity) => delta(revision, vec![entity], vec![]),
                Err(key) => delta(revision, vec![], vec![key]),
            };
            sum.apply(&delta);
            last = Some(stepwise.apply(&delta));
        }
        let at_once = compiler().apply(&Snapshot::default().delta_to(&sum.entities));
        prop_assert_eq!(summary(&last.unwrap()), summary(&at_once));
    }
}
