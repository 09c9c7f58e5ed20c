//! Asks a Kafka cluster who its brokers are, or what it wants before it tells.

use super::{PATIENCE, connect};
use crate::cli::{Target, is_domain};
use anyhow::{Context, ensure};
use kafka::messages::metadata_request::MetadataRequest;
use kafka::messages::metadata_response::MetadataResponse;
use kafka::messages::sasl_handshake_request::SaslHandshakeRequest;
use kafka::messages::{Body, Request};
use kafka::{Reader, RequestHeader, ResponseHeader, UnknownTags, Writer};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A broker as the cluster advertises it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Broker {
    pub(super) id: i32,
    pub(super) host: String,
    pub(super) port: u16,
}

/// What a cluster says to somebody who shows no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Its brokers, by id.
    Brokers(Vec<Broker>),
    /// It wants a login, by one of these SASL mechanisms.
    Login(Vec<String>),
    /// It speaks TLS.
    Tls,
}

/// Known to every broker from 0.11 on.
const METADATA_VERSION: i16 = 4;
/// Known to every broker from 1.0 on.
const HANDSHAKE_VERSION: i16 = 1;
/// Enough for a thousand brokers.
const MAX_ANSWER: u32 = 256 << 10;
/// How a TLS server answers what is no TLS: an alert of version 3.x (RFC 8446, section 5.1).
const TLS_ALERT: [u8; 2] = [21, 3];

/// Asks; fails if nothing answers there, or not as a Kafka broker does.
pub(super) fn ask(target: &Target) -> anyhow::Result<Answer> {
    let metadata = MetadataRequest { topics: Some(Vec::new()), allow_auto_topic_creation: false, ..Default::default() };
    match request(connect(target)?, &metadata, METADATA_VERSION).with_context(|| not_kafka(target))? {
        Got::Response(response) => brokers(&response).map(Answer::Brokers),
        Got::TlsAlert => Ok(Answer::Tls),
        // What a broker does that wants a login first. To a mechanism that it does not know, it answers with those it does.
        Got::Closed => match request(connect(target)?, &SaslHandshakeRequest::default(), HANDSHAKE_VERSION) {
            Ok(Got::Response(response)) if !response.mechanisms.is_empty() => {
                let mechanisms = response.mechanisms.iter().map(|mechanism| mechanism.as_str());
                // They go into files and to terminals (RFC 4422, section 3.1).
                let known = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
                let mechanisms = mechanisms.filter(|mechanism| mechanism.bytes().all(known)).map(str::to_owned);
                Ok(Answer::Login(mechanisms.collect()))
            }
            _ => anyhow::bail!("{}: it closes the connection", not_kafka(target)),
        },
    }
}

fn not_kafka(target: &Target) -> String {
    format!("{target} does not answer as a Kafka broker does")
}

enum Got<R> {
    Response(R),
    TlsAlert,
    Closed,
}

/// Sends one request, as the first one of a connection.
fn request<Q: Request>(mut stream: TcpStream, request: &Q, version: i16) -> anyhow::Result<Got<Q::Response>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let header = RequestHeader {
        api_key: Q::KEY as i16,
        api_version: version,
        correlation_id: 1,
        client_id: Some("sluicegate".into()),
        unknown_tags: UnknownTags::default(),
    };
    let mut writer = Writer::frame();
    header.encode(&mut writer)?;
    request.write(version, &mut writer)?;
    stream.write_all(&writer.finish()?.into_bytes())?;

    let mut size = [0; 4];
    match stream.read_exact(&mut size) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
            anyhow::bail!("no answer within {} s", PATIENCE.as_secs());
        }
        Err(_) => return Ok(Got::Closed),
    }
    if size.starts_with(&TLS_ALERT) {
        return Ok(Got::TlsAlert);
    }
    let size = u32::from_be_bytes(size);
    ensure!(size <= MAX_ANSWER, "it speaks another protocol");
    let mut answer = vec![0; size as usize];
    stream.read_exact(&mut answer)?;
    let mut reader = Reader::new(answer.into());
    ResponseHeader::decode(header.response_version(), &mut reader)?;
    Ok(Got::Response(Q::Response::read(version, &mut reader)?))
}

fn brokers(response: &MetadataResponse) -> anyhow::Result<Vec<Broker>> {
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
    use kafka::messages::metadata_response::MetadataResponseBroker;
    use kafka::messages::sasl_handshake_response::SaslHandshakeResponse;
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
        let answer = ask(&target).unwrap();
        server.join().unwrap();
        let broker = |id, host: &str| Broker { id, host: host.into(), port: 9092 };
        assert_eq!(answer, Answer::Brokers(vec![broker(3, "::1"), broker(11, "b.example.com")]));
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        let (target, server) = cluster(&[(1, "a\nkind: Secret")]);
        let error = ask(&target).unwrap_err();
        server.join().unwrap();
        assert!(error.to_string().contains("neither a host name nor an address"), "{error}");
    }

    /// A server that answers each connection's first bytes with the next of these, and ends it.
    fn server(answers: Vec<Vec<u8>>) -> (Target, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(&answer);
            }
        });
        (Target { host: "127.0.0.1".into(), port }, server)
    }

    #[test]
    fn a_cluster_that_wants_tls_or_a_login_says_so() {
        let (target, tls) = server(vec![vec![21, 3, 3, 0, 2, 2, 80]]);
        assert_eq!(ask(&target).unwrap(), Answer::Tls);
        tls.join().unwrap();

        let response = SaslHandshakeResponse { error_code: 33, mechanisms: vec!["PLAIN".into(), "x\ny".into()] };
        let mut writer = Writer::frame();
        ResponseHeader::new(1).encode(0, &mut writer).unwrap();
        response.write(HANDSHAKE_VERSION, &mut writer).unwrap();
        let (target, login) = server(vec![Vec::new(), writer.finish().unwrap().into_bytes().to_vec()]);
        assert_eq!(ask(&target).unwrap(), Answer::Login(vec!["PLAIN".into()]));
        login.join().unwrap();
    }

    #[test]
    fn something_else_than_kafka_is_an_error() {
        let (target, http) = server(vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()]);
        let error = format!("{:#}", ask(&target).unwrap_err());
        http.join().unwrap();
        assert!(error.contains("does not answer as a Kafka broker does: it speaks another protocol"), "{error}");

        let (target, mute) = server(vec![Vec::new(), Vec::new()]);
        let error = format!("{:#}", ask(&target).unwrap_err());
        mute.join().unwrap();
        assert!(error.contains("it closes the connection"), "{error}");

        let error = format!("{:#}", ask(&target).unwrap_err());
        assert!(error.contains("cannot be reached"), "{error}");
    }
}
