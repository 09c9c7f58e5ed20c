//! Asks a Kafka cluster who its brokers are.

use super::PATIENCE;
use crate::cli::{Target, is_domain};
use anyhow::{Context, bail, ensure};
use kafka::messages::metadata_request::MetadataRequest;
use kafka::messages::{Body, Request};
use kafka::{Reader, RequestHeader, ResponseHeader, UnknownTags, Writer};
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};

/// A broker as the cluster advertises it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Broker {
    pub(super) id: i32,
    pub(super) host: String,
    pub(super) port: u16,
}

/// Known to every broker from 0.11 on.
const VERSION: i16 = 4;
/// Enough for a thousand brokers.
const MAX_ANSWER: u32 = 256 << 10;

/// The brokers, by id. Works for listeners without TLS and authentication.
pub(super) fn brokers(target: &Target) -> anyhow::Result<Vec<Broker>> {
    let addresses: Vec<_> = (target.host.as_str(), target.port)
        .to_socket_addrs()
        .with_context(|| format!("{} cannot be resolved", target.host))?
        .collect();
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return ask(stream),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error).with_context(|| format!("{target} cannot be reached")),
        None => bail!("{} has no address", target.host),
    }
}

fn ask(mut stream: TcpStream) -> anyhow::Result<Vec<Broker>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let header = RequestHeader {
        api_key: MetadataRequest::KEY as i16,
        api_version: VERSION,
        correlation_id: 1,
        client_id: Some("sluicegate".into()),
        unknown_tags: UnknownTags::default(),
    };
    let request = MetadataRequest { topics: Some(Vec::new()), allow_auto_topic_creation: false, ..Default::default() };
    let mut writer = Writer::frame();
    header.encode(&mut writer)?;
    request.write(VERSION, &mut writer)?;
    stream.write_all(&writer.finish()?.into_bytes())?;

    let no_answer = "no answer to a plain Metadata request: does this listener want TLS or authentication?";
    let mut size = [0; 4];
    stream.read_exact(&mut size).context(no_answer)?;
    let size = u32::from_be_bytes(size);
    ensure!(size <= MAX_ANSWER, "{no_answer}");
    let mut answer = vec![0; size as usize];
    stream.read_exact(&mut answer).context(no_answer)?;
    let mut reader = Reader::new(answer.into());
    ResponseHeader::decode(header.response_version(), &mut reader)?;
    let response = <MetadataRequest as Request>::Response::read(VERSION, &mut reader)?;
    let mut brokers: Vec<Broker> = response
        .brokers
        .iter()
        .filter_map(|broker| {
            Some(Broker {
                id: broker.node_id,
                host: broker.host.as_str().to_ascii_lowercase(),
                port: broker.port.try_into().ok()?,
            })
        })
        .collect();
    brokers.sort();
    ensure!(!brokers.is_empty(), "the cluster names no brokers");
    for broker in &brokers {
        // It goes into YAML and to terminals: nothing but a name or an address may.
        ensure!(
            is_domain(&broker.host) || broker.host.parse::<std::net::IpAddr>().is_ok(),
            "broker {} advertises {:?}, which is neither a host name nor an address",
            broker.id,
            broker.host
        );
    }
    Ok(brokers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka::messages::metadata_response::{MetadataResponse, MetadataResponseBroker};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// A broker that answers one Metadata request.
    fn cluster(brokers: &[(i32, &str)]) -> (Target, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let brokers = brokers.iter().map(|(node_id, host)| MetadataResponseBroker {
            node_id: *node_id,
            host: (*host).into(),
            port: 9092,
            ..Default::default()
        });
        let response = MetadataResponse { brokers: brokers.collect(), ..Default::default() };
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut size = [0; 4];
            stream.read_exact(&mut size).unwrap();
            let mut request = vec![0; u32::from_be_bytes(size) as usize];
            stream.read_exact(&mut request).unwrap();
            let header = RequestHeader::decode(&mut Reader::new(request.into())).unwrap();
            let mut writer = Writer::frame();
            ResponseHeader::new(header.correlation_id).encode(0, &mut writer).unwrap();
            response.write(header.api_version, &mut writer).unwrap();
            stream.write_all(&writer.finish().unwrap().into_bytes()).unwrap();
        });
        (Target { host: "127.0.0.1".into(), port }, server)
    }

    #[test]
    fn a_cluster_is_asked_for_its_brokers() {
        let (target, server) = cluster(&[(11, "B.example.com"), (3, "::1")]);
        let brokers = brokers(&target).unwrap();
        server.join().unwrap();
        let broker = |id, host: &str| Broker { id, host: host.into(), port: 9092 };
        assert_eq!(brokers, [broker(3, "::1"), broker(11, "b.example.com")]);
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        let (target, server) = cluster(&[(1, "a\nkind: Secret")]);
        let error = brokers(&target).unwrap_err();
        server.join().unwrap();
        assert!(error.to_string().contains("neither a host name nor an address"), "{error}");
    }

    #[test]
    fn something_else_than_kafka_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        });
        let error = brokers(&Target { host: "127.0.0.1".into(), port }).unwrap_err();
        server.join().unwrap();
        assert!(error.to_string().contains("does this listener want TLS"), "{error}");
    }
}
