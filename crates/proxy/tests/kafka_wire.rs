//! The Kafka data path over sockets, with a broker that says what the test wants.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{
    Tls, apply, backend, backend_key, certificate, connect, free_port, gateway, object, start_with, terminate,
};
use kafka::{ApiKey, Body, Reader, RequestHeader, ResponseHeader, UnknownTags, Writer, messages::*};
use proxy::{Limits, Proxy};
use snapshot::{BackendTarget, BrokerAddresses, Entity, KafkaAttachment, KafkaRoute, ListenerRef};
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

const NAME: &str = "k.example.com";

type Answer = Option<Vec<u8>>;
type Handle = dyn Fn(&RequestHeader, Bytes) -> Answer + Send + Sync;

fn read_frame(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).ok()?;
    let mut frame = vec![0; i32::from_be_bytes(len) as usize];
    stream.read_exact(&mut frame).ok()?;
    Some(frame)
}

/// A broker: `handle` gives the answer to each request, with its length; `None` closes.
fn broker(handle: impl Fn(&RequestHeader, Bytes) -> Answer + Send + Sync + 'static) -> SocketAddr {
    common::serve(conversation(handle))
}

fn conversation(
    handle: impl Fn(&RequestHeader, Bytes) -> Answer + Send + Sync + 'static,
) -> impl Fn(TcpStream) + Send + Sync + 'static {
    let handle: Arc<Handle> = Arc::new(handle);
    move |mut stream: TcpStream| {
        while let Some(frame) = read_frame(&mut stream) {
            let mut reader = Reader::new(frame.into());
            let header = RequestHeader::decode(&mut reader).unwrap();
            let Some(answer) = handle(&header, reader.rest()) else { return };
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }
}

fn answer<B: Body>(header: &RequestHeader, body: &B) -> Answer {
    let mut writer = Writer::frame();
    ResponseHeader::new(header.correlation_id).encode(header.response_version(), &mut writer).unwrap();
    body.write(header.api_version, &mut writer).unwrap();
    Some(writer.finish().unwrap().into_bytes().to_vec())
}

fn api_versions(header: &RequestHeader) -> Answer {
    let range = |api_key, max_version| api_versions_response::ApiVersion { api_key, max_version, ..Default::default() };
    answer(header, &ApiVersionsResponse { api_keys: vec![range(3, 13), range(18, 4)], ..Default::default() })
}

fn metadata(header: &RequestHeader, brokers: &[(i32, &str, u16)]) -> Answer {
    let broker = |&(node_id, host, port): &(i32, &str, u16)| metadata_response::MetadataResponseBroker {
        node_id,
        host: host.into(),
        port: port.into(),
        ..Default::default()
    };
    answer(header, &MetadataResponse { brokers: brokers.iter().map(broker).collect(), ..Default::default() })
}

fn request<B: Body>(api: ApiKey, version: i16, correlation_id: i32, body: &B) -> Vec<u8> {
    let header = RequestHeader {
        api_key: api as i16,
        api_version: version,
        correlation_id,
        client_id: Some(Bytes::from_static(b"test")),
        unknown_tags: UnknownTags::default(),
    };
    let mut writer = Writer::frame();
    header.encode(&mut writer).unwrap();
    body.write(version, &mut writer).unwrap();
    writer.finish().unwrap().into_bytes().to_vec()
}

fn response<B: Body>(api: ApiKey, version: i16, stream: &mut impl Read) -> (i32, B) {
    let mut reader = Reader::new(read_frame(stream).expect("a response").into());
    let header = ResponseHeader::decode(api.info().response_header(version), &mut reader).unwrap();
    (header.correlation_id, B::from_bytes(version, reader.rest()).unwrap())
}

struct Served {
    proxy: Proxy,
    port: u16,
    route: KafkaRoute,
}

/// A route to these bootstrap servers; `declared` may be dialled besides.
fn serve(bootstrap: &[SocketAddr], declared: &[SocketAddr], limits: impl FnOnce(&mut Limits)) -> Served {
    let proxy = start_with(|options| {
        common::with_admin(options);
        limits(&mut options.limits);
    });
    let port = free_port();
    let route = KafkaRoute {
        name: object("route"),
        generation: 1,
        attachments: vec![KafkaAttachment {
            listener: ListenerRef { gateway: object("gateway"), listener: "kafka".into() },
            bootstrap: NAME.into(),
            broker_pattern: "broker-{brokerId}-k.example.com".into(),
            broker_names: BTreeMap::new(),
        }],
        backends: vec![BackendTarget::Backend(backend_key("kafka"))],
        brokers: BTreeMap::new(),
        broker_addresses: BrokerAddresses {
            endpoints: bootstrap.iter().chain(declared).copied().collect(),
            ..BrokerAddresses::default()
        },
        topic_mappings: vec![],
        acls: vec![],
        unserved: None,
    };
    let entities = vec![
        Entity::Certificate(Arc::new(certificate("tls", &["*.example.com"]))),
        gateway(&[("kafka", port, "*.example.com", terminate(&["tls"]))]),
        Entity::Backend(Arc::new(backend("kafka", bootstrap))),
        Entity::KafkaRoute(Arc::new(route.clone())),
    ];
    apply(&proxy, 1, entities, vec![]);
    Served { proxy, port, route }
}

impl Served {
    fn connect(&self, name: &str) -> Tls {
        let client = connect(self.port, name).unwrap();
        client.sock.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client
    }

    fn ends(&self, cause: &str) -> f64 {
        let series = format!("sluicegate_kafka_connection_ends_total{{route=\"default/route\",cause=\"{cause}\"");
        common::metric(&self.proxy, &series).unwrap_or_default()
    }
}

/// Whether the other side ends the connection, and soon.
fn is_closed(client: &mut Tls) -> bool {
    let start = Instant::now();
    let ended = matches!(client.read(&mut [0; 1]), Ok(0)) || start.elapsed() < Duration::from_secs(5);
    ended && start.elapsed() < Duration::from_secs(5)
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let at = broker(|header, _| match header.api_key {
        18 => api_versions(header),
        _ => metadata(header, &[(7, "10.9.9.9", 9092)]),
    });
    let served = serve(&[at], &[], |_| {});
    let mut client = served.connect(NAME);
    let mut all = request(
        ApiKey::ApiVersions,
        3,
        1,
        &ApiVersionsRequest {
            client_software_name: "t".into(),
            client_software_version: "1".into(),
            ..Default::default()
        },
    );
    // Answered by the gateway, between two that the broker answers.
    all.extend(request(
        ApiKey::DescribeCluster,
        1,
        2,
        &DescribeClusterRequest { endpoint_type: 2, ..Default::default() },
    ));
    all.extend(request(ApiKey::Metadata, 12, 3, &MetadataRequest::default()));
    for piece in all.chunks(7) {
        client.write_all(piece).unwrap();
    }
    let (first, versions): (_, ApiVersionsResponse) = response(ApiKey::ApiVersions, 3, &mut client);
    assert_eq!((first, versions.api_keys.len()), (1, 2));
    let (second, refused): (_, DescribeClusterResponse) = response(ApiKey::DescribeCluster, 1, &mut client);
    assert_eq!((second, refused.error_code), (2, 114));
    let (third, shown): (_, MetadataResponse) = response(ApiKey::Metadata, 12, &mut client);
    assert_eq!((third, shown.brokers[0].host.as_str()), (3, "broker-7-k.example.com"));
    assert_eq!(shown.brokers[0].port, i32::from(served.port));
}

#[test]
fn large_frames_stream_both_ways_and_addresses_after_the_records_go() {
    const RECORDS: usize = 3 << 20;
    let at = broker(|header, body| match header.api_key {
        0 => {
            let request = ProduceRequest::from_bytes(9, body).unwrap();
            assert_eq!(request.topic_data[0].partition_data[0].records.as_ref().unwrap().len(), RECORDS);
            if request.acks == 0 { Some(vec![]) } else { answer(header, &ProduceResponse::default()) }
        }
        _ => {
            let partition =
                fetch_response::PartitionData { records: Some(vec![5; RECORDS].into()), ..Default::default() };
            let topic = fetch_response::FetchableTopicResponse { partitions: vec![partition], ..Default::default() };
            let secret =
                fetch_response::NodeEndpoint { node_id: 1, host: "10.0.0.1".into(), port: 9, ..Default::default() };
            let response = FetchResponse { responses: vec![topic], node_endpoints: vec![secret], ..Default::default() };
            answer(header, &response)
        }
    });
    let served = serve(&[at], &[], |_| {});
    let mut client = served.connect(NAME);
    let produce = |acks| ProduceRequest {
        acks,
        topic_data: vec![produce_request::TopicProduceData {
            partition_data: vec![produce_request::PartitionProduceData {
                records: Some(vec![7; RECORDS].into()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    client.write_all(&request(ApiKey::Produce, 9, 1, &produce(0))).unwrap();
    client.write_all(&request(ApiKey::Produce, 9, 2, &produce(-1))).unwrap();
    assert_eq!(response::<ProduceResponse>(ApiKey::Produce, 9, &mut client).0, 2, "acks=0 has no response");
    client.write_all(&request(ApiKey::Fetch, 17, 3, &FetchRequest::default())).unwrap();
    let (_, shown): (_, FetchResponse) = response(ApiKey::Fetch, 17, &mut client);
    assert_eq!(shown.responses[0].partitions[0].records.as_ref().unwrap().len(), RECORDS);
    assert_eq!(shown.node_endpoints, []);
}

#[test]
fn bootstrap_tries_every_server() {
    let at = broker(|header, _| metadata(header, &[]));
    let dead = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let served = serve(&[dead, at], &[], |_| {});
    for _ in 0..4 {
        let mut client = served.connect(NAME);
        client.write_all(&request(ApiKey::Metadata, 12, 1, &MetadataRequest::default())).unwrap();
        response::<MetadataResponse>(ApiKey::Metadata, 12, &mut client);
    }
}

#[test]
fn a_broker_is_found_without_a_bootstrap_first() {
    let seven = broker(|header, _| {
        answer(header, &MetadataResponse { cluster_id: Some("seven".into()), ..Default::default() })
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let at = broker(move |header, _| match header.api_key {
        18 => api_versions(header),
        _ => {
            count.fetch_add(1, Relaxed);
            metadata(header, &[(7, "127.0.0.1", seven.port())])
        }
    });
    let served = serve(&[at], &[seven], |_| {});
    for _ in 0..2 {
        let mut client = served.connect("broker-7-k.example.com");
        client.write_all(&request(ApiKey::Metadata, 12, 1, &MetadataRequest::default())).unwrap();
        let (_, shown): (_, MetadataResponse) = response(ApiKey::Metadata, 12, &mut client);
        assert_eq!(shown.cluster_id.as_deref(), Some("seven"), "another broker has answered");
    }
    assert_eq!(asked.load(Relaxed), 1, "what was learned is kept");
    // A broker that is not there.
    let mut client = served.connect("broker-8-k.example.com");
    assert!(is_closed(&mut client));
    common::eventually(|| served.ends("unknown_broker") == 1.0);
}

#[test]
fn addresses_that_nobody_declared_are_not_dialled() {
    let trap = common::echo("trap");
    let own = Arc::new(Mutex::new(0_u16));
    let port = Arc::clone(&own);
    let at = broker(move |header, _| match header.api_key {
        18 => api_versions(header),
        _ => {
            let own = *port.lock().unwrap();
            let all = [
                (1, "127.0.0.1", trap.port()),
                (2, "169.254.169.254", 80),
                (3, "127.0.0.1", own),
                (4, "other.example.org", 9092),
            ];
            metadata(header, &all)
        }
    });
    let served = serve(&[at], &[], |_| {});
    *own.lock().unwrap() = served.port;
    for (broker, cause) in
        [(1, "address_local"), (2, "address_local"), (3, "address_is_own_listener"), (4, "address_not_declared")]
    {
        let before = served.ends(cause);
        let mut client = served.connect(&format!("broker-{broker}-k.example.com"));
        assert!(is_closed(&mut client), "{broker}");
        common::eventually(|| served.ends(cause) == before + 1.0);
    }
}

/// The gateway listens on 127.0.0.1 only; another loopback address with the same port is not the gateway.
#[test]
fn a_broker_may_have_the_port_of_a_listener_on_another_address() {
    let port = Arc::new(Mutex::new(0_u16));
    let listed = Arc::clone(&port);
    let at = broker(move |header, _| match header.api_key {
        18 => api_versions(header),
        _ => metadata(header, &[(7, "127.0.7.1", *listed.lock().unwrap())]),
    });
    let mut served = serve(&[at], &[], |_| {});
    *port.lock().unwrap() = served.port;
    let seven = SocketAddr::from(([127, 0, 7, 1], served.port));
    let socket = std::net::TcpListener::bind(seven).unwrap();
    let handle = conversation(|header, _| {
        answer(header, &MetadataResponse { cluster_id: Some("seven".into()), ..Default::default() })
    });
    std::thread::spawn(move || socket.incoming().flatten().for_each(handle));
    served.route.broker_addresses.endpoints.push(seven);
    apply(&served.proxy, 2, vec![Entity::KafkaRoute(Arc::new(served.route.clone()))], vec![]);
    let mut client = served.connect("broker-7-k.example.com");
    client.write_all(&request(ApiKey::Metadata, 12, 1, &MetadataRequest::default())).unwrap();
    let (_, shown): (_, MetadataResponse) = response(ApiKey::Metadata, 12, &mut client);
    assert_eq!(shown.cluster_id.as_deref(), Some("seven"));
}

#[test]
fn garbage_ends_the_connection_with_a_cause() {
    let at = broker(|header, _| metadata(header, &[]));
    let served = serve(&[at], &[], |_| {});
    let cases: [(&[u8], &str); 6] = [
        (b"GET / HTTP/1.1\r\n\r\n", "wrong_protocol"),
        (b"\x16\x03\x01\x02\x00\x01", "wrong_protocol"),
        (b"\xff\xff\xff\xff", "bad_frame"),
        (b"\x7f\xff\xff\xff\x00\x00", "bad_frame"),
        (b"\x00\x00\x00\x0a\x27\x0f\x00\x00\x00\x00\x00\x01\xff\xff", "unknown_api"),
        (b"\x00\x00\x00\x02\x00\x03", "bad_header"),
    ];
    for (bytes, cause) in cases {
        let before = served.ends(cause);
        let mut client = served.connect(NAME);
        client.write_all(bytes).unwrap();
        assert!(is_closed(&mut client), "{cause}");
        common::eventually(|| served.ends(cause) == before + 1.0);
    }
}

#[test]
fn a_changed_filter_ends_connections_between_responses_and_other_changes_do_not() {
    let at = broker(|header, _| metadata(header, &[]));
    let mut served = serve(&[at], &[], |_| {});
    let mut client = served.connect(NAME);
    let ask = |client: &mut Tls| {
        client.write_all(&request(ApiKey::Metadata, 12, 1, &MetadataRequest::default())).unwrap();
        read_frame(client)
    };
    assert!(ask(&mut client).is_some());
    served.route.generation = 2;
    served.route.broker_addresses.names.push("other.example.com".into());
    apply(&served.proxy, 2, vec![Entity::KafkaRoute(Arc::new(served.route.clone()))], vec![]);
    assert!(ask(&mut client).is_some());
    served.route.topic_mappings.push(mapping());
    apply(&served.proxy, 3, vec![Entity::KafkaRoute(Arc::new(served.route.clone()))], vec![]);
    let _ = client.write_all(&request(ApiKey::Metadata, 12, 1, &MetadataRequest::default()));
    assert!(read_frame(&mut client).is_none());
    common::eventually(|| served.ends("route_changed") == 1.0);
}

#[test]
fn draining_finishes_what_is_in_flight() {
    let at = broker(|header, _| {
        std::thread::sleep(Duration::from_millis(300));
        metadata(header, &[])
    });
    let served = serve(&[at], &[], |_| {});
    let mut client = served.connect(NAME);
    client.write_all(&request(ApiKey::Metadata, 12, 1, &MetadataRequest::default())).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let drained = served.proxy.drain(Duration::from_secs(5));
    assert_eq!(drained.cut, 0);
    response::<MetadataResponse>(ApiKey::Metadata, 12, &mut client);
    assert!(read_frame(&mut client).is_none());
}

fn mapping() -> snapshot::TopicMapping {
    snapshot::TopicMapping {
        name: "m".into(),
        client: "a".into(),
        broker: "b".into(),
        kind: snapshot::MappingKind::Exact,
    }
}

fn produce(acks: i16, records: usize) -> ProduceRequest {
    ProduceRequest {
        acks,
        topic_data: vec![produce_request::TopicProduceData {
            name: "a".into(),
            partition_data: vec![produce_request::PartitionProduceData {
                records: Some(vec![7; records].into()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn produces() -> SocketAddr {
    broker(|header, body| match header.api_key {
        0 if ProduceRequest::from_bytes(9, body).unwrap().acks == 0 => Some(vec![]),
        0 => answer(header, &ProduceResponse::default()),
        _ => metadata(header, &[]),
    })
}

#[test]
fn frames_that_are_held_wait_for_room() {
    let mut served = serve(&[produces()], &[], |limits| limits.kafka_held_frames = 1 << 20);
    served.route.topic_mappings.push(mapping());
    apply(&served.proxy, 2, vec![Entity::KafkaRoute(Arc::new(served.route.clone()))], vec![]);
    let frame = request(ApiKey::Produce, 9, 1, &produce(-1, 400 << 10));
    let (most, rest) = frame.split_at(200 << 10);
    let (mut slow, mut quick) = (served.connect(NAME), served.connect(NAME));
    slow.write_all(most).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let whole = frame.clone();
    let (done, answered) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        quick.write_all(&whole).unwrap();
        done.send(response::<ProduceResponse>(ApiKey::Produce, 9, &mut quick).0).unwrap();
    });
    assert!(answered.recv_timeout(Duration::from_millis(300)).is_err(), "two frames of 400 KiB in half a MiB");
    let mut small = served.connect(NAME);
    small.write_all(&request(ApiKey::Produce, 9, 5, &produce(-1, 1000))).unwrap();
    assert_eq!(response::<ProduceResponse>(ApiKey::Produce, 9, &mut small).0, 5, "small ones do not wait");
    slow.write_all(rest).unwrap();
    assert_eq!(response::<ProduceResponse>(ApiKey::Produce, 9, &mut slow).0, 1);
    assert_eq!(answered.recv_timeout(Duration::from_secs(5)).unwrap(), 1);
}

#[test]
fn a_client_that_does_not_authenticate_is_closed() {
    let at = broker(|header, _| match header.api_key {
        17 => answer(header, &SaslHandshakeResponse { mechanisms: vec!["PLAIN".into()], ..Default::default() }),
        18 => api_versions(header),
        _ => metadata(header, &[]),
    });
    let served = serve(&[at], &[], |limits| limits.kafka_authentication = Duration::from_millis(400));
    let (mut silent, mut curious, mut half) = (served.connect(NAME), served.connect(NAME), served.connect(NAME));
    curious.write_all(&request(ApiKey::ApiVersions, 0, 1, &ApiVersionsRequest::default())).unwrap();
    let handshake = SaslHandshakeRequest { mechanism: "PLAIN".into() };
    half.write_all(&request(ApiKey::SaslHandshake, 1, 1, &handshake)).unwrap();
    for one in [&mut curious, &mut half] {
        assert!(read_frame(one).is_some());
    }
    for one in [&mut silent, &mut curious, &mut half] {
        assert!(is_closed(one));
    }
    common::eventually(|| served.ends("authentication_timeout") == 3.0);
    let ask = |client: &mut Tls| {
        client.write_all(&request(ApiKey::Metadata, 12, 1, &MetadataRequest::default())).unwrap();
        read_frame(client)
    };
    // One that asks stays, and so does one that only looks at versions, once brokers are known to want no authentication.
    let (mut good, mut curious) = (served.connect(NAME), served.connect(NAME));
    assert!(ask(&mut good).is_some());
    curious.write_all(&request(ApiKey::ApiVersions, 0, 1, &ApiVersionsRequest::default())).unwrap();
    assert!(read_frame(&mut curious).is_some());
    std::thread::sleep(Duration::from_millis(700));
    assert!(ask(&mut good).is_some() && ask(&mut curious).is_some());
}

#[test]
fn requests_without_answers_are_counted_as_they_come() {
    let served = serve(&[produces()], &[], |_| {});
    let mut client = served.connect(NAME);
    for correlation in 0..100 {
        client.write_all(&request(ApiKey::Produce, 9, correlation, &produce(0, 10))).unwrap();
    }
    let series = "sluicegate_kafka_requests_total{route=\"default/route\",api=\"Produce\"";
    common::eventually(|| common::metric(&served.proxy, series) == Some(100.0));
}
