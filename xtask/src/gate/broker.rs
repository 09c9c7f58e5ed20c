//! A broker that says what it must, and a producer. Neither holds any record.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, bail, ensure};
use kafka::messages::{
    api_versions_response::ApiVersion,
    metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
    produce_request::{PartitionProduceData, TopicProduceData},
    produce_response::{PartitionProduceResponse, TopicProduceResponse},
    *,
};
use kafka::{ApiKey, Reader, RequestHeader, ResponseHeader, Uuid, frame};

use super::client::read_kafka;
use super::world::serve;

/// The topic as the broker knows it; clients of the filtered route say `orders-public`.
pub(super) const TOPIC: &str = "orders";
const ID: Uuid = Uuid([7; 16]);
const PRODUCE: i16 = 11;
const RECORDS: usize = 16 << 10;

/// A cluster of one.
pub(super) fn start() -> Result<SocketAddr> {
    serve(answer_all)
}

fn answer_all(mut stream: TcpStream) -> Result<()> {
    let own = stream.local_addr()?;
    loop {
        let request = read_kafka(&mut stream)?;
        stream.write_all(&answer(request, own)?)?;
    }
}

fn answer(request: Vec<u8>, own: SocketAddr) -> Result<Vec<u8>> {
    let mut reader = Reader::new(request.into());
    let header = RequestHeader::decode(&mut reader)?;
    let (version, correlation) = (header.api_version, ResponseHeader::new(header.correlation_id));
    let body = reader.rest();
    let response = match header.api() {
        Some(ApiKey::ApiVersions) => {
            let known = [ApiKey::Produce, ApiKey::Metadata, ApiKey::ApiVersions].map(|api| {
                let (min_version, max_version) = if api == ApiKey::Metadata { (0, 12) } else { (0, PRODUCE) };
                let max_version = if api == ApiKey::ApiVersions { 3 } else { max_version };
                ApiVersion { api_key: api as i16, min_version, max_version, ..ApiVersion::default() }
            });
            let body = ApiVersionsResponse { api_keys: known.into(), ..ApiVersionsResponse::default() };
            frame::response::<ApiVersionsRequest>(version, &correlation, &body)?
        }
        Some(ApiKey::Metadata) => {
            let broker = MetadataResponseBroker {
                host: own.ip().to_string().as_str().into(),
                port: own.port().into(),
                ..MetadataResponseBroker::default()
            };
            let topic = MetadataResponseTopic {
                name: Some(TOPIC.into()),
                topic_id: ID,
                partitions: vec![MetadataResponsePartition::default()],
                ..MetadataResponseTopic::default()
            };
            let body = MetadataResponse { brokers: vec![broker], topics: vec![topic], ..MetadataResponse::default() };
            frame::response::<MetadataRequest>(version, &correlation, &body)?
        }
        Some(ApiKey::Produce) => {
            let asked = <ProduceRequest as kafka::Body>::from_bytes(version, body)?;
            let topic = asked.topic_data.first().context("no topic")?;
            ensure!(topic.name.as_str() == TOPIC, "the broker does not know {:?}", topic.name);
            let responses = vec![TopicProduceResponse {
                name: topic.name.clone(),
                partition_responses: vec![PartitionProduceResponse::default()],
                ..TopicProduceResponse::default()
            }];
            frame::response::<ProduceRequest>(
                version,
                &correlation,
                &ProduceResponse { responses, ..ProduceResponse::default() },
            )?
        }
        other => bail!("{other:?} is not answered"),
    };
    Ok(response.into_bytes().to_vec())
}

/// A produce request of [`RECORDS`] bytes; the broker does not look at them.
pub(super) fn produce(topic: &str) -> Result<Vec<u8>> {
    let partition = PartitionProduceData { records: Some(vec![1; RECORDS].into()), ..PartitionProduceData::default() };
    let topic = TopicProduceData { name: topic.into(), partition_data: vec![partition], ..TopicProduceData::default() };
    let body = ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..ProduceRequest::default() };
    let header =
        RequestHeader { client_id: Some(b"gate"[..].into()), ..RequestHeader::new(ApiKey::Produce, PRODUCE, 1) };
    Ok(frame::request(&header, &body)?.into_bytes().to_vec())
}

/// Asks for the APIs, as every client does first.
pub(super) fn greet(stream: &mut (impl Read + Write)) -> Result<()> {
    let header = RequestHeader { client_id: Some(b"gate"[..].into()), ..RequestHeader::new(ApiKey::ApiVersions, 3, 1) };
    let body = ApiVersionsRequest {
        client_software_name: "gate".into(),
        client_software_version: "1".into(),
        ..ApiVersionsRequest::default()
    };
    stream.write_all(&frame::request(&header, &body)?.into_bytes())?;
    stream.flush()?;
    let (_, answer) = frame::read_response::<ApiVersionsRequest>(3, read_kafka(stream)?.into())?;
    ensure!(answer.error_code == 0, "ApiVersions: {}", answer.error_code);
    Ok(())
}

/// Sends a produce request and reads the acknowledgement.
pub(super) fn acknowledged(stream: &mut (impl Read + Write), request: &[u8]) -> Result<()> {
    stream.write_all(request)?;
    stream.flush()?;
    let (_, answer) = frame::read_response::<ProduceRequest>(PRODUCE, read_kafka(stream)?.into())?;
    let partition = answer.responses.first().and_then(|topic| topic.partition_responses.first());
    let code = partition.context("no partition in the answer")?.error_code;
    ensure!(code == 0, "Produce: {code}");
    Ok(())
}
