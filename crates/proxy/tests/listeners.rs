//! Listeners come and go, ports are in use, the proxy drains.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use snapshot::{Delta, Entity, EntityKey, Gateway, ListenerProtocol};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

const PASS: ListenerProtocol = ListenerProtocol::TlsPassthrough;

fn common_entities() -> Vec<Entity> {
    let at = tls_echo("backend", &certificate("b", &["a.example.com"]));
    vec![
        Entity::Backend(Arc::new(backend("b", &[at]))),
        tls_route("one", "one", "a.example.com", &[("b", 1)]),
        tls_route("two", "two", "a.example.com", &[("b", 1)]),
    ]
}

fn open(port: u16) -> Tls {
    let mut tls = connect(port, "a.example.com").unwrap();
    assert_eq!(line(&mut tls).unwrap(), "backend");
    tls
}

#[test]
fn a_listener_comes_and_goes_without_touching_another() {
    let (one, two) = (free_port(), free_port());
    let proxy = start();
    let mut all = common_entities();
    all.push(gateway(&[("one", one, "", PASS)]));
    apply(&proxy, 1, all, vec![]);
    let mut stays = open(one);
    assert!(tcp(two).is_err());
    apply(&proxy, 2, vec![gateway(&[("one", one, "", PASS), ("two", two, "", PASS)])], vec![]);
    let mut goes = open(two);
    ping(&mut stays);
    apply(&proxy, 3, vec![gateway(&[("one", one, "", PASS)])], vec![]);
    assert!(tcp(two).is_err());
    ping(&mut stays);
    // What was open on the listener that is gone ends once it is quiet.
    ping(&mut goes);
    assert!(line(&mut goes).is_err());
    ping(&mut stays);
    // It comes back at once, and a route that goes closes nothing.
    apply(&proxy, 4, vec![gateway(&[("one", one, "", PASS), ("two", two, "", PASS)])], vec![]);
    open(two);
    apply(&proxy, 5, vec![], vec![EntityKey::TlsRoute(object("one"))]);
    ping(&mut stays);
    assert!(connect(one, "a.example.com").is_err());
    apply(&proxy, 6, vec![], vec![EntityKey::Gateway(object("gateway"))]);
    assert!(tcp(one).is_err());
}

#[test]
fn a_port_in_use_is_refused_by_name_and_taken_when_it_is_free() {
    let (one, two) = (free_port(), free_port());
    let squatter = TcpListener::bind(("127.0.0.1", two)).unwrap();
    let proxy = start();
    let mut all = common_entities();
    all.push(gateway(&[("one", one, "", PASS), ("two", two, "", PASS)]));
    let ack = proxy.apply(Delta { revision: 1, upserts: all, removes: vec![] });
    assert_eq!(ack.refusals.len(), 1);
    let refusal = &ack.refusals[0];
    assert_eq!(refusal.entity, EntityKey::Gateway(object("gateway")));
    assert_eq!(refusal.field, "spec.listeners[1].port");
    for part in ["\"two\"", &two.to_string(), "Address already in use", &format!("--port-map {two}=PORT")] {
        assert!(refusal.message.contains(part), "{}", refusal.message);
    }
    open(one);
    // Other changes go on and repeat what still cannot be served.
    let ack = proxy.apply(Delta { revision: 2, upserts: vec![], removes: vec![] });
    assert_eq!((ack.revision, ack.refusals.len()), (2, 1));
    drop(squatter);
    eventually(|| proxy.refusals().is_empty());
    open(two);
}

#[test]
fn another_proxy_does_not_share_the_port() {
    let port = free_port();
    let (first, second) = (start(), start());
    let mut all = common_entities();
    all.push(gateway(&[("one", port, "", PASS)]));
    apply(&first, 1, all.clone(), vec![]);
    let ack = second.apply(Delta { revision: 1, upserts: all, removes: vec![] });
    assert_eq!(ack.refusals.len(), 1);
    drop(first);
    let ack = second.apply(Delta { revision: 2, ..Delta::default() });
    assert_eq!(ack.refusals, []);
    open(port);
}

#[test]
fn ports_are_mapped_and_a_clash_is_refused() {
    let (spec, bound) = (443, free_port());
    let proxy = start_with(|options| port_map(options, &[(spec, bound)]));
    let mut all = common_entities();
    all.push(gateway(&[("one", spec, "", PASS)]));
    apply(&proxy, 1, all, vec![]);
    open(bound);
    let both = gateway(&[("one", spec, "", PASS), ("two", bound, "*.example.com", PASS)]);
    let ack = proxy.apply(Delta { revision: 2, upserts: vec![both], removes: vec![] });
    assert_eq!(ack.refusals.len(), 1);
    assert_eq!(ack.refusals[0].field, "spec.listeners[1].port");
    open(bound);
}

#[test]
fn without_addresses_both_families_are_served() {
    let port = free_port();
    let proxy = start();
    let Entity::Gateway(gateway) = gateway(&[("one", port, "", PASS)]) else { unreachable!() };
    let mut all = common_entities();
    all.push(Entity::Gateway(Arc::new(Gateway { addresses: vec![], ..Gateway::clone(&gateway) })));
    apply(&proxy, 1, all.clone(), vec![]);
    let mut before = open(port);
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        TcpStream::connect(("::1", port)).unwrap();
    }
    // The change to one address closes no connection.
    apply(&proxy, 2, vec![Entity::Gateway(gateway)], vec![]);
    ping(&mut before);
    open(port);
}

#[test]
fn a_drain_waits_for_busy_connections_and_tells_what_it_cut() {
    let port = free_port();
    let proxy = start_with(|options| {
        with_admin(options);
        options.min_drain = Duration::from_millis(300);
    });
    let mut all = common_entities();
    all.push(gateway(&[("one", port, "", PASS)]));
    apply(&proxy, 1, all, vec![]);
    assert!(admin(&proxy, "/readyz").0.starts_with("HTTP/1.1 503 "));
    proxy.set_ready(true);
    assert!(admin(&proxy, "/readyz").0.starts_with("HTTP/1.1 200 "));
    assert!(admin(&proxy, "/healthz").0.starts_with("HTTP/1.1 200 "));
    let (mut busy, _quiet) = (open(port), open(port));
    let drained = std::thread::scope(|scope| {
        let drain = scope.spawn(|| proxy.drain(Duration::from_secs(4)));
        eventually(|| admin(&proxy, "/readyz").0.starts_with("HTTP/1.1 503 "));
        let mut late = open(port);
        eventually(|| tcp(port).is_err());
        let end = Instant::now() + Duration::from_secs(4);
        while !drain.is_finished() && Instant::now() < end {
            ping(&mut busy);
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(line(&mut late).is_err());
        drain.join().unwrap()
    });
    // The probes of the port may still have been open.
    assert!(drained.open >= 3);
    assert_eq!(drained.cut, 1);
    drop(proxy);
    assert!(busy.read(&mut [0]).map_or(true, |n| n == 0));
}

#[test]
fn a_refusal_names_the_listener_by_its_place_in_the_object() {
    let (one, two) = (free_port(), free_port());
    let _squatter = TcpListener::bind(("127.0.0.1", two)).unwrap();
    let proxy = start();
    let Entity::Gateway(mut whole) = gateway(&[("bad", one, "", PASS), ("two", two, "", PASS)]) else { unreachable!() };
    // The first listener cannot be served and is left out.
    Arc::make_mut(&mut whole).listeners.remove(0);
    let ack = proxy.apply(Delta { revision: 1, upserts: vec![Entity::Gateway(whole)], removes: vec![] });
    assert_eq!(ack.refusals.iter().map(|refusal| &*refusal.field).collect::<Vec<_>>(), ["spec.listeners[1].port"]);
}

#[test]
fn a_quiet_proxy_drains_at_once_and_the_admin_pages_show_no_key() {
    let port = free_port();
    let proxy = start_with(with_admin);
    let own = certificate("own", &["a.example.com"]);
    let mut all = vec![
        Entity::Certificate(Arc::new(own.clone())),
        gateway(&[("end", port, "", terminate(&["own"])), ("one", free_port(), "", PASS)]),
    ];
    all.extend(common_entities());
    apply(&proxy, 7, all, vec![]);
    proxy.set_status(|| format!("{:#}", serde_json::json!({ "a": 1 })));
    let config = admin(&proxy, "/config").1;
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["revision"], 7);
    let shown = config["entities"]["Secret/default/own"].as_object().unwrap();
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["name", "chain"]);
    assert!(
        config["entities"]["Backend/default/b"].is_null() && config["entities"]["Service/default/b:443"].is_object()
    );
    assert!(admin(&proxy, "/status").1.contains("\"a\": 1"));
    assert!(admin(&proxy, "/").1.contains("/metrics"));
    assert!(admin(&proxy, "/nothing").0.starts_with("HTTP/1.1 404 "));
    assert_eq!(metric(&proxy, "sluicegate_config_revision"), Some(7.0));
    let active = "sluicegate_connections_active{listener=\"default/gateway/end\",protocol=\"tls\"}";
    assert_eq!(metric(&proxy, active), Some(0.0));
    // Series go with their listeners.
    apply(&proxy, 8, vec![], vec![EntityKey::Gateway(object("gateway"))]);
    eventually(|| metric(&proxy, active).is_none());
    let before = Instant::now();
    assert_eq!(proxy.drain(Duration::from_secs(10)), proxy::Drained::default());
    assert!(before.elapsed() < Duration::from_secs(2));
    assert!(tcp(port).is_err());
    let _ = std::io::stdout().flush();
}

#[test]
fn connections_are_spread_over_the_workers_and_bounded() {
    let port = free_port();
    let proxy = start_with(|options| {
        with_admin(options);
        options.limits.max_connections = 60;
    });
    let mut all = common_entities();
    all.push(gateway(&[("one", port, "", PASS)]));
    apply(&proxy, 1, all, vec![]);
    let mut held: Vec<_> = (0..60).map(|_| open(port)).collect();
    assert_eq!(proxy.connections(), 60);
    // 1.25 times the mean, and the room that small numbers have.
    for worker in ["{worker=\"0\"}", "{worker=\"1\"}"] {
        let connections = metric(&proxy, &format!("sluicegate_worker_connections{worker}")).unwrap();
        assert!((15.0..=45.0).contains(&connections), "{connections}");
    }
    assert!(connect(port, "a.example.com").is_err());
    held.iter_mut().for_each(ping);
    held.pop();
    eventually(|| proxy.connections() == 59);
    open(port);
}
