//! Responses that stream: cut anywhere, the edited frame is the same, as long as before, and without addresses.

#![allow(clippy::unwrap_used, clippy::panic)]

mod schema;

use bytes::Bytes;
use kafka::messages::{FetchResponse, ShareFetchResponse, fetch_response, share_fetch_response};
use kafka::walk::{EndpointWalker, HOLD, ProduceHead, Step};
use kafka::{ApiKey, Body, DecodeError, Reader, RequestHeader, ResponseHeader, Str, UnknownTags, Writer, fuzz};
use schema::{Random, Schema};

const SECRET: &str = "broker.internal";

fn frame<T: Body>(version: i16, body: &T) -> Vec<u8> {
    let mut writer = Writer::new();
    ResponseHeader::new(7).encode(1, &mut writer).unwrap();
    body.write(version, &mut writer).unwrap();
    writer.finish().unwrap().into_bytes().to_vec()
}

fn body<T: Body>(version: i16, frame: &[u8]) -> T {
    let mut reader = Reader::new(Bytes::copy_from_slice(frame));
    assert_eq!(ResponseHeader::decode(1, &mut reader).unwrap().correlation_id, 7);
    T::from_bytes(version, reader.rest()).unwrap()
}

fn samples(name: &str, version: i16) -> Vec<Bytes> {
    let schema = Schema::all().into_iter().find(|schema| schema.name() == name).unwrap();
    (0..20).map(|seed| Bytes::from(schema.sample(version, &mut Random::new(seed)))).collect()
}

/// Every way to cut a frame in equal pieces gives the same.
fn edit(api: ApiKey, version: i16, whole: &[u8]) -> Vec<u8> {
    let edited = fuzz::edit(api, version, whole, usize::MAX).unwrap().unwrap();
    for piece in (1..whole.len()).filter(|piece| *piece < 40 || piece % 97 == 0) {
        assert_eq!(fuzz::edit(api, version, whole, piece), Some(Ok(edited.clone())), "pieces of {piece}");
    }
    assert_eq!(edited.len(), whole.len());
    assert!(!edited.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    edited
}

#[test]
fn fetch_responses_lose_their_endpoints_at_equal_length() {
    for version in 16..=18 {
        for (sample, bytes) in samples("FetchResponse", version).into_iter().enumerate() {
            let mut response = FetchResponse::from_bytes(version, bytes).unwrap();
            // Hosts of many lengths: the zeros' own length takes one byte, then two.
            response.node_endpoints = (0..sample as i32)
                .map(|node_id| fetch_response::NodeEndpoint {
                    node_id,
                    host: Str::from(format!("{}{SECRET}", "x".repeat(sample % 7))),
                    port: 9092,
                    ..Default::default()
                })
                .collect();
            let mut edited: FetchResponse = body(version, &edit(ApiKey::Fetch, version, &frame(version, &response)));
            edited.unknown_tags.0.retain(|(tag, zeros)| {
                let ours = [0x7f, 0x3fff, 0x1f_ffff].contains(tag);
                assert!(!ours || zeros.iter().all(|zero| *zero == 0));
                !ours
            });
            response.node_endpoints.clear();
            assert_eq!(edited, response);
        }
    }
}

#[test]
fn share_fetch_responses_lose_their_endpoints_at_equal_length() {
    for version in 1..=2 {
        for (sample, bytes) in samples("ShareFetchResponse", version).into_iter().enumerate() {
            let mut response = ShareFetchResponse::from_bytes(version, bytes).unwrap();
            response.node_endpoints = (0..sample as i32)
                .map(|node_id| share_fetch_response::NodeEndpoint {
                    node_id,
                    host: Str::from(format!("{}{SECRET}", "x".repeat(sample % 5))),
                    port: 9092,
                    unknown_tags: UnknownTags(vec![(3, Bytes::from_static(b"abc"))]),
                    ..Default::default()
                })
                .collect();
            let mut edited: ShareFetchResponse =
                body(version, &edit(ApiKey::ShareFetch, version, &frame(version, &response)));
            edited.unknown_tags.0.retain(|(tag, _)| ![0x7f, 0x3fff, 0x1f_ffff].contains(tag));
            response.node_endpoints.clear();
            assert_eq!(edited, response);
        }
    }
}

#[test]
fn every_length_of_endpoints_can_be_filled_up() {
    for len in 0..20_000_usize {
        if len > 300 && !(16_250..16_500).contains(&len) && len % 397 != 0 {
            continue;
        }
        // Two bytes are the least that a tagged field takes: its number and its size.
        let mut whole = vec![0, 0, 0, 7, 0];
        whole.extend([0; 10]);
        whole.push(1);
        let mut tags = Writer::new();
        let mut unknown = UnknownTags(vec![(0, Bytes::from(vec![1; len]))]);
        if len % 3 == 0 {
            unknown.0.push((0x7f, Bytes::from_static(b"taken")));
            unknown.0.push((0x4000, Bytes::from_static(b"beyond")));
        }
        tags.tags(Default::default(), &unknown).unwrap();
        whole.extend(tags.finish().unwrap().into_bytes());
        match fuzz::edit(ApiKey::Fetch, 17, &whole, usize::MAX).unwrap() {
            Ok(edited) => {
                assert_eq!(edited.len(), whole.len(), "{len}");
                body::<FetchResponse>(17, &edited);
            }
            // Nothing is let through where no number is left; only a broker that uses ours up comes here.
            Err(error) => assert!(len == 0 && matches!(error, DecodeError::TagOrder(_)), "{len} {error}"),
        }
    }
}

#[test]
fn records_pass_by_length_without_being_there() {
    let response = FetchResponse {
        responses: vec![fetch_response::FetchableTopicResponse {
            partitions: vec![fetch_response::PartitionData {
                records: Some(Bytes::from(vec![9; 3_000_000])),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let whole = frame(17, &response);
    let mut walker = EndpointWalker::new(ApiKey::Fetch, 17, whole.len()).unwrap();
    let Step::Pass(count) = walker.step(&whole[..200]).unwrap() else { panic!("does not pass") };
    assert!(count > 3_000_000);
    let rest = &whole[count..];
    assert!(matches!(walker.step(rest), Ok(Step::Pass(_))));
}

#[test]
fn an_end_too_large_to_hold_is_an_error() {
    let mut response = FetchResponse::default();
    response.unknown_tags.0.push((9, Bytes::from(vec![0; HOLD])));
    let whole = frame(17, &response);
    let edited = fuzz::edit(ApiKey::Fetch, 17, &whole, usize::MAX).unwrap();
    assert!(matches!(edited, Err(DecodeError::TailTooLarge { .. })));
}

#[test]
fn only_responses_with_endpoints_behind_records_are_walked() {
    assert!(EndpointWalker::new(ApiKey::Fetch, 15, 100).is_none());
    assert!(EndpointWalker::new(ApiKey::Fetch, 19, 100).is_none());
    assert!(EndpointWalker::new(ApiKey::Produce, 12, 100).is_none());
}

#[test]
fn the_start_of_a_produce_request_is_read_as_it_comes() {
    let schema = Schema::all().into_iter().find(|schema| schema.name() == "ProduceRequest").unwrap();
    for version in schema.versions() {
        for seed in 0..20 {
            let body = Bytes::from(schema.sample(version, &mut Random::new(seed)));
            let request = kafka::messages::ProduceRequest::from_bytes(version, body.clone()).unwrap();
            let header = RequestHeader {
                api_key: 0,
                api_version: version,
                correlation_id: 1,
                client_id: (seed % 2 == 0).then(|| Bytes::from_static(b"client")),
                unknown_tags: UnknownTags::default(),
            };
            let mut writer = Writer::new();
            header.encode(&mut writer).unwrap();
            writer.raw(&body);
            let frame = writer.finish().unwrap().into_bytes();
            let wanted = ProduceHead {
                transactional_id: request.transactional_id.map(|id| id.as_bytes().clone()),
                acks: request.acks,
            };
            let enough = (0..frame.len()).find(|end| ProduceHead::peek(&frame[..*end]).unwrap().is_some()).unwrap();
            for end in enough..frame.len() {
                assert_eq!(ProduceHead::peek(&frame[..end]).unwrap().as_ref(), Some(&wanted), "v{version}");
            }
        }
    }
}
