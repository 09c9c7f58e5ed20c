//! One request for every API and every version that a broker offers, sent to the broker and through the plain route: the answers
//! are the same but for addresses and for what differs by nature.
#![allow(missing_docs)]

mod common;

use anyhow::{Context, Result, ensure};
use common::{KafkaGateway, ROUTE};
use kafka::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka::messages::{
    AddPartitionsToTxnRequest, ApiVersionsRequest, Body, DescribeAclsRequest, ProduceRequest, Request,
    UnregisterBrokerRequest,
};
use kafka::{ApiKey, Reader, ResponseHeader, Writer};
use regex::Regex;
use std::any::Any;
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use testkit::raw::RawKafka;
use testkit::{KafkaCluster, Listener};

type Connect = dyn Fn() -> Result<(RawKafka, RawKafka)>;

struct Pair {
    connect: Box<Connect>,
    direct: RawKafka,
    routed: RawKafka,
    normal: Normal,
    compared: usize,
    differences: Vec<String>,
}

/// What may differ: addresses, which the route replaces, and values that a broker makes anew for each request.
struct Normal {
    hosts: Regex,
    ports: Regex,
    made_anew: Regex,
}

impl Normal {
    fn new(gateway_port: u16) -> Result<Self> {
        Ok(Self {
            hosts: Regex::new(&format!(r#""(127\.0\.\d+\.\d+|broker-\d+-{})""#, ROUTE.replace('.', r"\.")))?,
            ports: Regex::new(&format!(r"\bport: ({}|{gateway_port})\b", Listener::Plaintext.port()))?,
            made_anew: Regex::new(
                r"\b(throttle_time_ms|producer_id|client_instance_id|push_interval_ms|subscription_id|last_fetch_timestamp|last_caught_up_timestamp|log_end_offset|high_watermark|finalized_features_epoch|usable_bytes|total_bytes|size): [^,}]+",
            )?,
        })
    }

    fn apply(&self, text: &str) -> String {
        let text = self.hosts.replace_all(text, "\"a broker\"");
        let text = self.ports.replace_all(&text, "port: the broker's");
        self.made_anew.replace_all(&text, "$1: any").into_owned()
    }
}

/// The body of the answer; `None` if the connection was closed instead.
fn ask(connection: &mut RawKafka, api: ApiKey, version: i16, body: &[u8]) -> Result<Option<bytes::Bytes>> {
    let correlation = 4242;
    connection.send_request(api as i16, version, correlation, api.info().is_flexible(version), body)?;
    let Some(frame) = connection.read_frame()? else { return Ok(None) };
    let mut reader = Reader::new(frame.into());
    let header = ResponseHeader::decode(api.info().response_header(version), &mut reader)?;
    ensure!(header.correlation_id == correlation, "correlation {} came back", header.correlation_id);
    Ok(Some(reader.rest()))
}

/// Empty requests do harm or stay without an answer for some APIs; these get the least that is answered.
fn make_answerable(request: &mut dyn Any) {
    if let Some(request) = request.downcast_mut::<UnregisterBrokerRequest>() {
        request.broker_id = 4711; // 0 is alive
    }
    if let Some(request) = request.downcast_mut::<DescribeAclsRequest>() {
        const ANY: i8 = 1;
        (request.resource_type_filter, request.pattern_type_filter) = (ANY, ANY);
        (request.operation, request.permission_type) = (ANY, ANY);
    }
    if let Some(request) = request.downcast_mut::<ProduceRequest>() {
        request.acks = -1; // 0 has no answer
    }
    if let Some(request) = request.downcast_mut::<AddPartitionsToTxnRequest>() {
        let topic = AddPartitionsToTxnTopic { name: "none".into(), partitions: vec![0], ..Default::default() };
        request.transactions = vec![AddPartitionsToTxnTransaction {
            transactional_id: "none".into(),
            producer_id: 1,
            topics: vec![topic],
            ..Default::default()
        }];
    }
}

impl Pair {
    fn compare<R: Request + Default + Any>(&mut self, offered: &[(i16, i16, i16)]) -> Result<()>
    where
        R::Response: Debug,
    {
        let api = R::KEY;
        let Some((_, low, high)) = offered.iter().find(|(key, ..)| *key == api as i16) else { return Ok(()) };
        // The gateway's answer to these is its own by design; other tests look at them.
        if matches!(api, ApiKey::ApiVersions | ApiKey::SaslHandshake | ApiKey::SaslAuthenticate | ApiKey::AddRaftVoter)
        {
            return Ok(());
        }
        for version in (*low).max(R::MIN)..=(*high).min(R::MAX) {
            let mut request = R::default();
            make_answerable(&mut request);
            let mut writer = Writer::new();
            request.write(version, &mut writer)?;
            let body = writer.finish()?.into_bytes();
            let context = || format!("{} v{version}", api.name());
            let direct =
                ask(&mut self.direct, api, version, &body).with_context(|| format!("{} directly", context()))?;
            let routed = ask(&mut self.routed, api, version, &body)
                .with_context(|| format!("{} through the route", context()))?;
            let text = |answer: Option<bytes::Bytes>| -> Result<String> {
                let Some(bytes) = answer else { return Ok("closes the connection".into()) };
                Ok(self.normal.apply(&format!("{:?}", R::Response::from_bytes(version, bytes)?)))
            };
            let closed = direct.is_none() || routed.is_none();
            let (direct, routed) = (text(direct).with_context(context)?, text(routed).with_context(context)?);
            if closed {
                (self.direct, self.routed) = (self.connect)()?;
            }
            self.compared += 1;
            if direct != routed {
                self.differences.push(format!("{}\n  direct {direct}\n  routed {routed}", context()));
            }
        }
        Ok(())
    }
}

macro_rules! compare_all {
    ($(($api:ident, $request:ident, $response:ident))*) => {
        fn compare_all(pair: &mut Pair, offered: &[(i16, i16, i16)]) -> Result<()> {
            $(pair.compare::<kafka::messages::$request>(offered)?;)*
            Ok(())
        }
    };
}
kafka::each_api!(compare_all);

fn offered(connection: &mut RawKafka) -> Result<Vec<(i16, i16, i16)>> {
    let mut writer = Writer::new();
    ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..Default::default()
    }
    .write(4, &mut writer)?;
    let answer = ask(connection, ApiKey::ApiVersions, 4, &writer.finish()?.into_bytes())?.context("ApiVersions")?;
    let answer = <ApiVersionsRequest as Request>::Response::from_bytes(4, answer)?;
    Ok(answer.api_keys.iter().map(|api| (api.api_key, api.min_version, api.max_version)).collect())
}

#[test]
fn every_version_of_every_api_gets_the_same_answer() -> Result<()> {
    let kafka = KafkaCluster::builder().name("versions").start()?;
    kafka.warm_up()?;
    let mut gateway = KafkaGateway::start("every-version", "04-kafkaroute.yaml", &kafka)?;
    let tls = testkit::certs::client_config(gateway.folder.ca.pem(), None, &[])?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.port));
    let broker = kafka.socket(0, Listener::Plaintext)?;
    let connect =
        move || Ok((RawKafka::connect(broker)?, RawKafka::connect_tls(address, ROUTE, std::sync::Arc::clone(&tls))?));
    let (direct, routed) = connect()?;
    let mut pair = Pair {
        connect: Box::new(connect),
        direct,
        routed,
        normal: Normal::new(gateway.port)?,
        compared: 0,
        differences: Vec::new(),
    };
    let of_broker = offered(&mut pair.direct)?;
    let of_route = offered(&mut pair.routed)?;
    // All that the broker offers, but for what the ledger refuses.
    for (key, low, high) in &of_broker {
        let expected = kafka::ledger::offer(*key, (*low, *high), false);
        let found = of_route.iter().find(|(found, ..)| found == key).map(|(_, low, high)| (*low, *high));
        assert_eq!(found, expected, "{:?}", ApiKey::from_i16(*key));
    }
    compare_all(&mut pair, &of_broker)?;
    ensure!(pair.compared > 200, "only {} versions were compared", pair.compared);
    ensure!(
        pair.differences.is_empty(),
        "{} of {} differ:\n{}",
        pair.differences.len(),
        pair.compared,
        pair.differences.join("\n")
    );
    gateway.gate.expect_alive()
}
