//! Whole conversations between a client, a session and a broker, without sockets.

use super::{
    close::Close,
    cluster::Address,
    route::{Advertised, Filters},
    scope::Scope,
    session::{Answer, Caps, Next, Plan, Session},
};
use bytes::Bytes;
use kafka::{
    ApiKey, Body, Reader, RequestHeader, RequestPrefix, ResponseHeader, Rope, Str, UnknownTags, Uuid, Writer,
    codes::ErrorCode,
    messages::{self as m, *},
};
use snapshot::{AclAction, AclEntry, AclOperation, AclPattern, AclResource, MappingKind, TopicMapping};
use std::{collections::BTreeMap, sync::Arc, time::Instant};

const ID: Uuid = Uuid([7; 16]);
const OTHER: Uuid = Uuid([9; 16]);
const DENIED: i16 = ErrorCode::TOPIC_AUTHORIZATION_FAILED.0;

fn mapping() -> Vec<TopicMapping> {
    vec![TopicMapping {
        name: "mapping".into(),
        client: "orders-external".into(),
        broker: "orders-internal".into(),
        kind: MappingKind::Exact,
    }]
}

fn allow(prefix: &str, operation: AclOperation) -> AclEntry {
    AclEntry {
        name: "acls/entry".into(),
        resource: AclResource::Topic,
        pattern: AclPattern::Prefix(prefix.into()),
        operations: vec![operation],
        principals: vec![],
        action: AclAction::Allow,
    }
}

/// A client, a session, and whatever the test says as the broker.
struct Talk {
    session: Session,
    correlation: i32,
}

/// What became of a request.
#[derive(Debug)]
enum Became {
    Passed,
    /// The broker gets it.
    Sent(Bytes),
    /// The gateway has answered.
    Answered(Bytes),
    /// The gateway asks first.
    Asks(RequestHeader, Bytes),
}

impl Talk {
    fn new(mappings: &[TopicMapping], acls: &[AclEntry]) -> Self {
        let scope = Scope {
            filters: Arc::new(Filters::compile(mappings, acls).unwrap()),
            advertised: Arc::new(Advertised::new("broker-{brokerId}-k.example.com", &BTreeMap::new())),
            port: 9092,
            ..Scope::default()
        };
        let caps = Caps { before_authentication: 64 << 10, frame: 1 << 20, held_response: 64 << 10 };
        Self { session: Session::new(scope, caps, None), correlation: 0 }
    }

    fn plain() -> Self {
        Self::new(&[], &[])
    }

    fn frame<B: Body>(&mut self, api: ApiKey, version: i16, body: &B) -> Bytes {
        self.correlation += 1;
        let header = RequestHeader {
            api_key: api as i16,
            api_version: version,
            correlation_id: self.correlation,
            client_id: Some(Bytes::from_static(b"test")),
            unknown_tags: UnknownTags::default(),
        };
        let mut writer = Writer::frame();
        header.encode(&mut writer).unwrap();
        body.write(version, &mut writer).unwrap();
        writer.finish().unwrap().into_bytes()
    }

    fn say<B: Body>(&mut self, api: ApiKey, version: i16, body: &B) -> Result<Became, Close> {
        let whole = self.frame(api, version, body);
        self.say_bytes(&whole)
    }

    fn say_bytes(&mut self, whole: &Bytes) -> Result<Became, Close> {
        let prefix = RequestPrefix::peek(&whole[4..]).unwrap();
        match self.session.plan(prefix, whole.len() - 4)? {
            Plan::Pass => {
                self.session.pass(prefix, true, Instant::now());
                Ok(Became::Passed)
            }
            Plan::Wait => panic!("has to wait"),
            Plan::Hold => match self.session.request(whole, Instant::now())? {
                Next::Forward(frame) => Ok(Became::Sent(split_request(frame.into_bytes()).1)),
                Next::Answered => Ok(Became::Answered(self.session.take_answer().unwrap().into_bytes())),
                Next::Again => {
                    let own = self.session.take_own()?.unwrap();
                    let (header, body) = split_request(own.into_bytes());
                    Ok(Became::Asks(header, body))
                }
            },
        }
    }

    /// The broker answers the oldest request; what the client gets, if anything.
    fn hear<B: Body>(&mut self, api: ApiKey, version: i16, correlation: i32, body: &B) -> Result<Bytes, Close> {
        let whole = response(api, version, correlation, body);
        match self.session.plan_response(whole.len() - 4, correlation, Instant::now())? {
            Answer::Pass | Answer::Walk(_) => Ok(whole),
            Answer::Hold => self.session.response(&whole, Instant::now()).map(Rope::into_bytes),
        }
    }

    fn sent<B: Body>(&mut self, api: ApiKey, version: i16, body: &B) -> B {
        match self.say(api, version, body).unwrap() {
            Became::Sent(body) => B::from_bytes(version, body).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn answered<B: Body, R: Body>(&mut self, api: ApiKey, version: i16, body: &B) -> R {
        match self.say(api, version, body).unwrap() {
            Became::Answered(answer) => body_of(api, version, answer),
            other => panic!("{other:?}"),
        }
    }

    fn heard<B: Body>(&mut self, api: ApiKey, version: i16, body: &B) -> B {
        let answer = self.hear(api, version, self.correlation, body).unwrap();
        body_of(api, version, answer)
    }
}

fn split_request(whole: Bytes) -> (RequestHeader, Bytes) {
    assert_eq!(whole.len() - 4, i32::from_be_bytes(*whole.first_chunk().unwrap()) as usize);
    let mut reader = Reader::new(whole.slice(4..));
    (RequestHeader::decode(&mut reader).unwrap(), reader.rest())
}

fn response<B: Body>(api: ApiKey, version: i16, correlation: i32, body: &B) -> Bytes {
    let mut writer = Writer::frame();
    ResponseHeader::new(correlation).encode(api.info().response_header(version), &mut writer).unwrap();
    body.write(version, &mut writer).unwrap();
    writer.finish().unwrap().into_bytes()
}

fn body_of<B: Body>(api: ApiKey, version: i16, whole: Bytes) -> B {
    assert_eq!(whole.len() - 4, i32::from_be_bytes(*whole.first_chunk().unwrap()) as usize);
    let mut reader = Reader::new(whole.slice(4..));
    ResponseHeader::decode(api.info().response_header(version), &mut reader).unwrap();
    B::from_bytes(version, reader.rest()).unwrap()
}

fn metadata(names: &[(&str, Uuid)]) -> MetadataResponse {
    MetadataResponse {
        brokers: vec![m::metadata_response::MetadataResponseBroker {
            node_id: 1,
            host: "10.0.0.1".into(),
            port: 9092,
            ..Default::default()
        }],
        topics: names
            .iter()
            .map(|&(name, topic_id)| m::metadata_response::MetadataResponseTopic {
                name: Some(name.into()),
                topic_id,
                topic_authorized_operations: 0x0ff8,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

fn names(response: &MetadataResponse) -> Vec<(i16, &str)> {
    response.topics.iter().map(|one| (one.error_code, one.name.as_deref().unwrap_or("-"))).collect()
}

fn asked(names: &[&str]) -> MetadataRequest {
    let topic =
        |name: &&str| m::metadata_request::MetadataRequestTopic { name: Some((*name).into()), ..Default::default() };
    MetadataRequest {
        topics: Some(names.iter().map(topic).collect()),
        allow_auto_topic_creation: true,
        ..Default::default()
    }
}

#[test]
fn a_client_newer_than_the_gateway_is_told_so() {
    let mut talk = Talk::plain();
    // Version 5 names a cluster; version 99 is not even read.
    for version in [5_i16, 99] {
        let mut frame = talk.frame(ApiKey::ApiVersions, 3, &ApiVersionsRequest::default()).to_vec();
        frame[6..8].copy_from_slice(&version.to_be_bytes());
        let Became::Answered(answer) = talk.say_bytes(&frame.into()).unwrap() else { panic!() };
        let answer: ApiVersionsResponse = body_of(ApiKey::ApiVersions, 0, answer);
        assert_eq!(answer.error_code, ErrorCode::UNSUPPORTED_VERSION.0);
        assert_eq!((answer.api_keys[0].api_key, answer.api_keys[0].max_version), (18, 4));
    }
}

#[test]
fn a_broker_older_than_the_client_answers_in_version_0() {
    let mut talk = Talk::plain();
    let hello = ApiVersionsRequest {
        client_software_name: "t".into(),
        client_software_version: "1".into(),
        ..Default::default()
    };
    talk.sent(ApiKey::ApiVersions, 4, &hello);
    let range = m::api_versions_response::ApiVersion { api_key: 18, max_version: 3, ..Default::default() };
    let old = ApiVersionsResponse { error_code: 35, api_keys: vec![range], ..Default::default() };
    let whole = response(ApiKey::ApiVersions, 0, talk.correlation, &old);
    assert!(matches!(talk.session.plan_response(whole.len() - 4, talk.correlation, Instant::now()), Ok(Answer::Hold)));
    let answer = talk.session.response(&whole, Instant::now()).unwrap().into_bytes();
    let answer: ApiVersionsResponse = body_of(ApiKey::ApiVersions, 0, answer);
    assert_eq!((answer.error_code, answer.api_keys[0].max_version), (35, 3));
    assert_eq!(talk.session.software.as_deref(), Some("t/1"));
}

#[test]
fn unknown_apis_and_versions_end_the_connection() {
    let mut talk = Talk::plain();
    let prefix = |api_key, api_version| RequestPrefix { api_key, api_version, correlation_id: 1 };
    assert!(matches!(talk.session.plan(prefix(9999, 0), 10), Err(Close::UnknownApi(9999))));
    assert!(matches!(talk.session.plan(prefix(3, 99), 10), Err(Close::UnsupportedVersion { .. })));
    assert!(matches!(talk.session.plan(prefix(3, -1), 10), Err(Close::UnsupportedVersion { .. })));
    let refused: AddRaftVoterResponse = talk.answered(ApiKey::AddRaftVoter, 0, &AddRaftVoterRequest::default());
    assert_eq!(refused.error_code, ErrorCode::UNSUPPORTED_VERSION.0);
    let admin = DescribeClusterRequest { endpoint_type: 2, ..Default::default() };
    let refused: DescribeClusterResponse = talk.answered(ApiKey::DescribeCluster, 1, &admin);
    assert_eq!(refused.error_code, ErrorCode::MISMATCHED_ENDPOINT_TYPE.0);
}

#[test]
fn answers_keep_the_order_of_requests() {
    let mut talk = Talk::plain();
    talk.say(ApiKey::Metadata, 12, &asked(&[])).unwrap();
    let controllers = DescribeClusterRequest { endpoint_type: 2, ..Default::default() };
    let whole = talk.frame(ApiKey::DescribeCluster, 1, &controllers);
    let prefix = RequestPrefix::peek(&whole[4..]).unwrap();
    assert!(matches!(talk.session.plan(prefix, whole.len() - 4), Ok(Plan::Hold)));
    assert!(matches!(talk.session.request(&whole, Instant::now()), Ok(Next::Answered)));
    assert!(talk.session.take_answer().is_none(), "the older request has no answer yet");
    let shown: MetadataResponse =
        body_of(ApiKey::Metadata, 12, talk.hear(ApiKey::Metadata, 12, 1, &metadata(&[])).unwrap());
    assert_eq!((shown.brokers[0].host.as_str(), shown.brokers[0].port), ("broker-1-k.example.com", 9092));
    assert!(talk.session.take_answer().is_some());
    assert!(talk.session.is_idle());
}

#[test]
fn responses_nobody_waits_for_end_the_connection() {
    let mut talk = Talk::plain();
    assert!(matches!(talk.session.plan_response(4, 1, Instant::now()), Err(Close::Unexpected)));
    talk.say(ApiKey::Metadata, 12, &asked(&[])).unwrap();
    let wrong = talk.hear(ApiKey::Metadata, 12, 77, &metadata(&[]));
    assert!(matches!(wrong, Err(Close::Correlation { got: 77, wanted: 1 })));
}

#[test]
fn sasl_makes_the_principal_known_and_caps_frames() {
    let mut talk = Talk::plain();
    talk.sent(ApiKey::SaslHandshake, 1, &SaslHandshakeRequest { mechanism: "PLAIN".into() });
    talk.heard(ApiKey::SaslHandshake, 1, &SaslHandshakeResponse::default());
    let prefix = RequestPrefix { api_key: 3, api_version: 12, correlation_id: 5 };
    assert!(matches!(talk.session.plan(prefix, 100 << 10), Err(Close::PreAuthFrame(_))));
    assert!(matches!(talk.session.plan(prefix, 10), Err(Close::SaslState)));
    let token = SaslAuthenticateRequest { auth_bytes: Bytes::from_static(b"\0alice\0x"), ..Default::default() };
    talk.sent(ApiKey::SaslAuthenticate, 2, &token);
    assert_eq!(talk.session.scope.principal, None);
    talk.heard(ApiKey::SaslAuthenticate, 2, &SaslAuthenticateResponse::default());
    assert_eq!(talk.session.scope.principal.as_deref(), Some("User:alice"));
    assert!(matches!(talk.session.plan(prefix, 100 << 10), Ok(Plan::Pass)));
}

#[test]
fn tokens_without_headers_follow_handshake_0() {
    let mut talk = Talk::plain();
    talk.sent(ApiKey::SaslHandshake, 0, &SaslHandshakeRequest { mechanism: "PLAIN".into() });
    talk.heard(ApiKey::SaslHandshake, 0, &SaslHandshakeResponse::default());
    assert!(talk.session.is_token(b"\0bob\0x"));
    talk.session.token(Bytes::from_static(b"\0\0\0\x06\0bob\0x"), Instant::now()).unwrap();
    assert!(talk.session.awaits_token());
    assert!(matches!(talk.session.plan_response(0, 0, Instant::now()), Ok(Answer::Hold)));
    talk.session.response(&Bytes::from_static(b"\0\0\0\0"), Instant::now()).unwrap();
    assert_eq!(talk.session.scope.principal.as_deref(), Some("User:bob"));
    assert!(!talk.session.is_token(b"\0\x03\0\x0c"));
}

#[test]
fn an_unknown_broker_is_learned_behind_the_clients_authentication() {
    for (address, is_peer) in [("10.0.0.1", true), ("10.0.0.2", false)] {
        let mut talk = Talk::plain();
        talk.session.learn_after_authentication(1, Box::new(move |at: &Address| at.host == address));
        talk.sent(ApiKey::SaslHandshake, 1, &SaslHandshakeRequest { mechanism: "PLAIN".into() });
        talk.heard(ApiKey::SaslHandshake, 1, &SaslHandshakeResponse::default());
        let token = SaslAuthenticateRequest { auth_bytes: Bytes::from_static(b"\0a\0x"), ..Default::default() };
        talk.sent(ApiKey::SaslAuthenticate, 2, &token);
        talk.heard(ApiKey::SaslAuthenticate, 2, &SaslAuthenticateResponse::default());
        let (header, _) = split_request(talk.session.take_own().unwrap().unwrap().into_bytes());
        let prefix = RequestPrefix { api_key: 3, api_version: 12, correlation_id: 5 };
        let learned = talk
            .hear(ApiKey::Metadata, header.api_version, header.correlation_id, &metadata(&[]))
            .map(|bytes| bytes.len());
        match is_peer {
            true => assert!(matches!(learned, Ok(0)) && matches!(talk.session.plan(prefix, 10), Ok(Plan::Pass))),
            false => assert!(matches!(learned, Err(Close::Learned(1)))),
        }
    }
}

#[test]
fn metadata_shows_what_the_client_may_see() {
    let mut talk = Talk::new(&mapping(), &[allow("orders", AclOperation::Read)]);
    talk.session.scope.cluster.learn_open();
    let request = talk.sent(ApiKey::Metadata, 12, &asked(&["orders-external", "payments", "orders-internal"]));
    assert_eq!(request.topics.unwrap()[0].name.as_deref(), Some("orders-internal"));
    assert!(!request.allow_auto_topic_creation, "nothing is created that the client must not create");
    let shown = talk.heard(ApiKey::Metadata, 12, &metadata(&[("orders-internal", ID)]));
    assert_eq!(names(&shown), [(0, "orders-external"), (DENIED, "payments"), (3, "orders-internal")]);
    assert_eq!(shown.topics[0].topic_authorized_operations, (1 << 3) | (1 << 8));
    // Listing omits what is denied, shadowed or internal.
    talk.sent(ApiKey::Metadata, 12, &MetadataRequest::default().topics_null());
    let all = [("orders-internal", ID), ("payments", OTHER), ("orders-external", OTHER), ("__consumer_offsets", OTHER)];
    let shown = talk.heard(ApiKey::Metadata, 12, &metadata(&all));
    assert_eq!(names(&shown), [(0, "orders-external")]);
    // By id.
    let by_id = m::metadata_request::MetadataRequestTopic { topic_id: OTHER, ..Default::default() };
    talk.sent(ApiKey::Metadata, 12, &MetadataRequest { topics: Some(vec![by_id]), ..Default::default() });
    let shown = talk.heard(ApiKey::Metadata, 12, &metadata(&[("payments", OTHER)]));
    assert_eq!(names(&shown), [(DENIED, "-")]);
}

trait Null {
    fn topics_null(self) -> Self;
}

impl Null for MetadataRequest {
    fn topics_null(mut self) -> Self {
        self.topics = None;
        self
    }
}

fn produce(topics: &[(&str, Uuid)], acks: i16) -> ProduceRequest {
    ProduceRequest {
        acks,
        topic_data: topics
            .iter()
            .map(|&(name, topic_id)| m::produce_request::TopicProduceData {
                name: name.into(),
                topic_id,
                partition_data: vec![m::produce_request::PartitionProduceData {
                    index: 3,
                    records: Some(Bytes::from_static(&[1; 4000])),
                    ..Default::default()
                }],
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

#[test]
fn produce_is_denied_per_topic_and_the_rest_goes_on() {
    let mut talk = Talk::new(&mapping(), &[allow("orders", AclOperation::Write)]);
    let request = talk.sent(ApiKey::Produce, 9, &produce(&[("orders-external", Uuid::ZERO), ("x", Uuid::ZERO)], -1));
    assert_eq!(request.topic_data.len(), 1);
    assert_eq!(request.topic_data[0].name.as_str(), "orders-internal");
    assert_eq!(request.topic_data[0].partition_data[0].records.as_ref().unwrap().len(), 4000);
    let from_broker = ProduceResponse {
        responses: vec![m::produce_response::TopicProduceResponse {
            name: "orders-internal".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let shown = talk.heard(ApiKey::Produce, 9, &from_broker);
    assert_eq!(shown.responses[0].name.as_str(), "orders-external");
    let refused = &shown.responses[1];
    assert_eq!((refused.name.as_str(), refused.partition_responses[0].error_code), ("x", DENIED));
    assert_eq!(refused.partition_responses[0].index, 3);
    // All denied: the gateway answers.
    let shown: ProduceResponse = talk.answered(ApiKey::Produce, 9, &produce(&[("x", Uuid::ZERO)], -1));
    assert_eq!(shown.responses[0].partition_responses[0].error_code, DENIED);
    // Without an answer there is no way to say no.
    let silent = talk.say(ApiKey::Produce, 9, &produce(&[("x", Uuid::ZERO)], 0));
    assert!(matches!(silent, Err(Close::DeniedWithoutAcks)));
    assert!(matches!(
        talk.say(ApiKey::Produce, 9, &produce(&[("orders-external", Uuid::ZERO)], 0)),
        Ok(Became::Sent(..))
    ));
    assert!(talk.session.is_idle(), "no response comes with acks=0");
}

#[test]
fn unknown_topic_ids_are_asked_for_once() {
    let mut talk = Talk::new(&mapping(), &[allow("orders", AclOperation::Write)]);
    let whole = talk.frame(ApiKey::Produce, 13, &produce(&[("", ID), ("", OTHER)], -1));
    let Became::Asks(header, body) = talk.say_bytes(&whole).unwrap() else { panic!() };
    let own = MetadataRequest::from_bytes(12, body).unwrap();
    assert_eq!(own.topics.unwrap().iter().map(|one| one.topic_id).collect::<Vec<_>>(), [ID, OTHER]);
    assert!(!own.allow_auto_topic_creation);
    let hidden = talk.hear(ApiKey::Metadata, 12, header.correlation_id, &metadata(&[("orders-internal", ID)])).unwrap();
    assert!(hidden.is_empty(), "the client does not see what the gateway has asked");
    let Became::Sent(body) = talk.say_bytes(&whole).unwrap() else { panic!() };
    assert_eq!(ProduceRequest::from_bytes(13, body).unwrap().topic_data.len(), 1);
    let shown = talk.heard(ApiKey::Produce, 13, &ProduceResponse::default());
    assert_eq!(shown.responses[0].topic_id, OTHER);
    assert_eq!(shown.responses[0].partition_responses[0].error_code, ErrorCode::UNKNOWN_TOPIC_ID.0);
}

fn fetch(session_id: i32, session_epoch: i32, topics: &[&str]) -> FetchRequest {
    FetchRequest {
        session_id,
        session_epoch,
        topics: topics
            .iter()
            .map(|&topic| m::fetch_request::FetchTopic {
                topic: topic.into(),
                partitions: vec![m::fetch_request::FetchPartition::default()],
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

#[test]
fn fetch_sessions_stay_incremental() {
    let mut talk = Talk::new(&mapping(), &[allow("orders", AclOperation::Read)]);
    let answer = |session_id| FetchResponse {
        session_id,
        responses: vec![m::fetch_response::FetchableTopicResponse {
            topic: "orders-internal".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let codes = |response: &FetchResponse| {
        let code = |one: &m::fetch_response::FetchableTopicResponse| one.partitions.first().map(|one| one.error_code);
        response.responses.iter().map(|one| (one.topic.to_string(), code(one))).collect::<Vec<_>>()
    };
    let request = talk.sent(ApiKey::Fetch, 11, &fetch(0, 0, &["orders-external", "payments"]));
    assert_eq!(request.topics.len(), 1);
    let shown = talk.heard(ApiKey::Fetch, 11, &answer(42));
    let both = [("orders-external".to_owned(), None), ("payments".to_owned(), Some(DENIED))];
    assert_eq!(codes(&shown), both);
    // The usual request of a session: nothing new. It reaches the broker, which holds the long poll.
    let idle = talk.sent(ApiKey::Fetch, 11, &fetch(42, 1, &[]));
    assert!(idle.topics.is_empty());
    let shown = talk.heard(ApiKey::Fetch, 11, &FetchResponse { session_id: 42, ..Default::default() });
    assert_eq!(codes(&shown), [("payments".to_owned(), Some(DENIED))]);
    // The client gives the denied topic up.
    let forgotten =
        m::fetch_request::ForgottenTopic { topic: "payments".into(), partitions: vec![0], ..Default::default() };
    let request =
        talk.sent(ApiKey::Fetch, 11, &FetchRequest { forgotten_topics_data: vec![forgotten], ..fetch(42, 2, &[]) });
    assert!(request.forgotten_topics_data.is_empty());
    let shown = talk.heard(ApiKey::Fetch, 11, &answer(42));
    assert_eq!(codes(&shown), [("orders-external".to_owned(), None)]);
    // A session of another connection.
    let shown: FetchResponse = talk.answered(ApiKey::Fetch, 11, &fetch(43, 5, &[]));
    assert_eq!(shown.error_code, ErrorCode::FETCH_SESSION_ID_NOT_FOUND.0);
}

#[test]
fn groups_keep_the_clients_names() {
    let mut talk = Talk::new(&mapping(), &[]);
    let subscription = |topic: &str| {
        let body = ConsumerProtocolSubscription { topics: vec![topic.into()], ..Default::default() };
        kafka::consumer::Subscription { version: 3, body, rest: Bytes::new() }.to_bytes().unwrap()
    };
    let protocol = m::join_group_request::JoinGroupRequestProtocol {
        metadata: subscription("orders-external"),
        ..Default::default()
    };
    let join = JoinGroupRequest {
        group_id: "g".into(),
        protocol_type: "consumer".into(),
        protocols: vec![protocol.clone()],
        ..Default::default()
    };
    let request = talk.sent(ApiKey::JoinGroup, 9, &join);
    assert_eq!(request.protocols[0].metadata, subscription("orders-internal"));
    let member = m::join_group_response::JoinGroupResponseMember {
        metadata: subscription("orders-internal"),
        ..Default::default()
    };
    let answer = JoinGroupResponse { members: vec![member], protocol_name: Some("range".into()), ..Default::default() };
    let shown = talk.heard(ApiKey::JoinGroup, 9, &answer);
    assert_eq!(shown.members[0].metadata, subscription("orders-external"));
    // Kafka Connect's bytes are its own.
    let connect = JoinGroupRequest { protocol_type: "connect".into(), group_id: "c".into(), ..join };
    let request = talk.sent(ApiKey::JoinGroup, 9, &connect);
    assert_eq!(request.protocols[0].metadata, protocol.metadata);
}

#[test]
fn new_groups_subscribe_by_names_alone() {
    let mut talk = Talk::new(&mapping(), &[allow("orders", AclOperation::Read)]);
    let beat = |names: Option<&[&str]>, regex: Option<&str>| ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: names.map(|names| names.iter().map(|&name| Str::from(name)).collect()),
        subscribed_topic_regex: regex.map(Str::from),
        topic_partitions: None,
        ..Default::default()
    };
    let request = talk.sent(ApiKey::ConsumerGroupHeartbeat, 1, &beat(Some(&["orders-external"]), None));
    assert_eq!(request.subscribed_topic_names.unwrap()[0].as_str(), "orders-internal");
    let request = talk.sent(ApiKey::ConsumerGroupHeartbeat, 1, &beat(None, None));
    assert_eq!(request.subscribed_topic_names, None, "null is: as before");
    let shown: ConsumerGroupHeartbeatResponse =
        talk.answered_after(ApiKey::ConsumerGroupHeartbeat, 1, &beat(None, Some("orders.*")));
    assert_eq!(shown.error_code, ErrorCode::INVALID_REGULAR_EXPRESSION.0);
    let shown: ConsumerGroupHeartbeatResponse =
        talk.answered_after(ApiKey::ConsumerGroupHeartbeat, 1, &beat(Some(&["payments"]), None));
    assert_eq!(shown.error_code, DENIED);
}

impl Talk {
    /// As `answered`, with requests before it that the broker has not answered: those are dropped first.
    fn answered_after<B: Body, R: Body>(&mut self, api: ApiKey, version: i16, body: &B) -> R {
        let filters = Arc::clone(&self.session.scope.filters);
        let mut fresh = Self::plain();
        fresh.session.scope.filters = filters;
        fresh.answered(api, version, body)
    }
}

#[test]
fn offsets_are_mapped_both_ways() {
    let mut talk = Talk::new(&mapping(), &[allow("orders", AclOperation::Read)]);
    let topic = |name: &str| m::offset_commit_request::OffsetCommitRequestTopic {
        name: name.into(),
        partitions: vec![Default::default()],
        ..Default::default()
    };
    let commit =
        OffsetCommitRequest { topics: vec![topic("orders-external"), topic("payments")], ..Default::default() };
    let request = talk.sent(ApiKey::OffsetCommit, 8, &commit);
    assert_eq!(request.topics.len(), 1);
    let answer = OffsetCommitResponse {
        topics: vec![m::offset_commit_response::OffsetCommitResponseTopic {
            name: "orders-internal".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let shown = talk.heard(ApiKey::OffsetCommit, 8, &answer);
    assert_eq!(shown.topics[0].name.as_str(), "orders-external");
    assert_eq!(shown.topics[1].partitions[0].error_code, DENIED);
    // All topics of a group: only those the client may see come back.
    let every =
        m::offset_fetch_request::OffsetFetchRequestGroup { group_id: "g".into(), topics: None, ..Default::default() };
    talk.sent(ApiKey::OffsetFetch, 8, &OffsetFetchRequest { groups: vec![every], ..Default::default() });
    let of =
        |name: &str| m::offset_fetch_response::OffsetFetchResponseTopics { name: name.into(), ..Default::default() };
    let group = m::offset_fetch_response::OffsetFetchResponseGroup {
        group_id: "g".into(),
        topics: vec![of("orders-internal"), of("payments"), of("orders-external")],
        ..Default::default()
    };
    let shown = talk.heard(ApiKey::OffsetFetch, 8, &OffsetFetchResponse { groups: vec![group], ..Default::default() });
    let shown: Vec<_> = shown.groups[0].topics.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(shown, ["orders-external"]);
}

#[test]
fn one_denied_partition_keeps_a_transaction_from_growing() {
    let mut talk = Talk::new(&mapping(), &[allow("orders", AclOperation::Write)]);
    let topic = |name: &str| m::add_partitions_to_txn_request::AddPartitionsToTxnTopic {
        name: name.into(),
        partitions: vec![0],
        ..Default::default()
    };
    let both = AddPartitionsToTxnRequest {
        v3_and_below_topics: vec![topic("orders-external"), topic("payments")],
        ..Default::default()
    };
    let shown: AddPartitionsToTxnResponse = talk.answered(ApiKey::AddPartitionsToTxn, 3, &both);
    let codes: Vec<_> = shown
        .results_by_topic_v3_and_below
        .iter()
        .map(|one| one.results_by_partition[0].partition_error_code)
        .collect();
    assert_eq!(codes, [55, DENIED]);
}

#[test]
fn create_topics_is_refused_per_topic() {
    let mut talk = Talk::new(&mapping(), &[allow("orders", AclOperation::Read)]);
    let topic = m::create_topics_request::CreatableTopic { name: "new".into(), ..Default::default() };
    let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
    let shown: CreateTopicsResponse = talk.answered(ApiKey::CreateTopics, 7, &request);
    assert_eq!((shown.topics[0].name.as_str(), shown.topics[0].error_code), ("new", DENIED));
    assert!(matches!(
        talk.say(ApiKey::DeleteTopics, 5, &DeleteTopicsRequest::default()),
        Err(Close::UnsupportedVersion { .. })
    ));
}

#[test]
fn large_frames_of_strangers_are_not_held() {
    let mut talk = Talk::new(&mapping(), &[]);
    let mut large = produce(&[("orders-external", Uuid::ZERO)], -1);
    large.topic_data[0].partition_data[0].records = Some(Bytes::from(vec![1; 200 << 10]));
    let whole = talk.frame(ApiKey::Produce, 9, &large);
    let prefix = RequestPrefix::peek(&whole[4..]).unwrap();
    assert!(
        matches!(talk.session.plan(prefix, whole.len() - 4), Ok(Plan::Wait)),
        "first the broker is asked something"
    );
    let (header, _) = split_request(talk.session.take_own().unwrap().unwrap().into_bytes());
    assert!(!talk.session.is_idle());
    talk.hear(ApiKey::Metadata, header.api_version, header.correlation_id, &metadata(&[])).unwrap();
    assert!(matches!(talk.session.plan(prefix, whole.len() - 4), Ok(Plan::Hold)));
}

#[test]
fn any_bytes_are_survived() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..3 {
            let mut next = || {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed
            };
            let len = (next() % 60) as u8;
            bytes.extend([next() as u8, 0, 8 + len, 0, (next() % 70) as u8, 0, (next() % 14) as u8, 0, 0, 0, 1]);
            bytes.extend((0..len).map(|_| (next() % 5) as u8));
        }
        crate::kafka::fuzz(&bytes);
    }
}
