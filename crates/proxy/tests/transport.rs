//! Sessions of UDP: how many there may be, and that none leads back to the gateway.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use snapshot::{BackendTarget, Entity, ListenerProtocol, ListenerRef, StreamRoute, StreamRule, WeightedBackend};
use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    thread,
    time::Duration,
};

/// Answers datagrams that ask for it.
fn answerer() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 100];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if &buffer[..length] == b"ask" {
                let _ = socket.send_to(b"answer", from);
            }
        }
    });
    address
}

fn udp_route(backend: &str) -> Entity {
    let target = BackendTarget::Backend(backend_key(backend));
    Entity::UdpRoute(Arc::new(StreamRoute {
        name: object("route"),
        generation: 1,
        listeners: vec![ListenerRef { gateway: object("gateway"), listener: "udp".into() }],
        rules: vec![StreamRule { name: None, backends: vec![WeightedBackend { target, weight: 1, filters: vec![] }] }],
    }))
}

fn client(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    socket
}

fn ask(socket: &UdpSocket) -> bool {
    socket.send(b"ask").unwrap();
    socket.recv(&mut [0; 100]).is_ok()
}

const ACTIVE: &str = "sluicegate_connections_active{listener=\"default/gateway/udp\"";
const LIMIT: &str = "sluicegate_connection_errors_total{listener=\"default/gateway/udp\",cause=\"limit\"}";

#[test]
fn a_session_that_was_never_answered_makes_room_and_no_other() {
    let port = free_port();
    let proxy = start_with(|options| {
        with_admin(options);
        options.workers = 1;
        options.limits.udp_sessions = 3;
        options.limits.udp_idle = Duration::from_secs(5);
    });
    let all = vec![
        Entity::Backend(Arc::new(backend("b", &[answerer()]))),
        udp_route("b"),
        gateway(&[("udp", port, "", ListenerProtocol::Udp)]),
    ];
    apply(&proxy, 1, all, vec![]);
    let silent: Vec<UdpSocket> = (0..3).map(|_| client(port)).collect();
    for socket in &silent {
        socket.send(b"quiet").unwrap();
    }
    eventually(|| metric(&proxy, ACTIVE) == Some(3.0));
    let answered: Vec<UdpSocket> = (0..3).map(|_| client(port)).collect();
    for socket in &answered {
        eventually(|| ask(socket));
    }
    assert_eq!(metric(&proxy, ACTIVE), Some(3.0), "each took the place of a silent one");
    assert_eq!(metric(&proxy, LIMIT), None);
    let late = client(port);
    assert!(!ask(&late), "there is no room");
    assert!(metric(&proxy, LIMIT) >= Some(1.0));
    assert!(ask(&answered[0]), "who is served goes on");
    eventually(|| metric(&proxy, ACTIVE).is_none_or(|active| active < 3.0));
    eventually(|| ask(&late));
}

#[test]
fn a_backend_that_is_the_gateway_itself_gets_nothing() {
    let port = free_port();
    let proxy = start_with(with_admin);
    let own: SocketAddr = ([127, 0, 0, 1], port).into();
    let all = vec![
        Entity::Backend(Arc::new(backend("b", &[own]))),
        udp_route("b"),
        gateway(&[("udp", port, "", ListenerProtocol::Udp)]),
    ];
    apply(&proxy, 1, all, vec![]);
    assert!(!ask(&client(port)));
    assert_eq!(metric(&proxy, ACTIVE), Some(1.0), "one session, which leads nowhere");
}
