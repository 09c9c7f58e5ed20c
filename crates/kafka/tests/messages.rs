//! Every message in every version, made from the definitions: it comes back as it was, and nothing broken does harm.

#![allow(clippy::unwrap_used, clippy::panic)]

mod schema;

use bytes::Bytes;
use kafka::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use kafka::{Body, DecodeError, Writer, fuzz};
use schema::{Random, Schema};

fn again<T: Body>(version: i16, bytes: Bytes) -> Result<Bytes, DecodeError> {
    let mut writer = Writer::new();
    T::from_bytes(version, bytes)?.write(version, &mut writer).unwrap();
    Ok(writer.finish().unwrap().into_bytes())
}

/// Decodes and encodes.
fn codec(schema: &Schema, version: i16, bytes: Bytes) -> Result<Bytes, DecodeError> {
    match (schema.api(), schema.name()) {
        (Some(api), _) if schema.is_request() => fuzz::request_body(api, version, bytes),
        (Some(api), _) => fuzz::response_body(api, version, bytes),
        (None, "ConsumerProtocolSubscription") => again::<ConsumerProtocolSubscription>(version, bytes),
        (None, "ConsumerProtocolAssignment") => again::<ConsumerProtocolAssignment>(version, bytes),
        (None, name) => panic!("{name} is not tested"),
    }
}

fn each(samples: u64, mut test: impl FnMut(&Schema, i16, Vec<u8>, &mut Random)) {
    for schema in Schema::all() {
        for version in schema.versions() {
            for seed in 0..samples {
                let mut random = Random::new(seed * 1000 + version as u64);
                let bytes = schema.sample(version, &mut random);
                test(&schema, version, bytes, &mut random);
            }
        }
    }
}

#[test]
fn every_message_comes_back_as_it_was() {
    let mut messages = 0;
    each(20, |schema, version, bytes, _| {
        let bytes = Bytes::from(bytes);
        let back = codec(schema, version, bytes.clone());
        assert_eq!(back, Ok(bytes), "{} v{version}", schema.name());
        messages += 1;
    });
    assert!(messages > 8000, "{messages}");
}

#[test]
fn a_message_cut_anywhere_is_an_error() {
    each(1, |schema, version, bytes, _| {
        let bytes = Bytes::from(bytes);
        // Each byte of the short ones, some of the long.
        let step = (bytes.len() / 300).max(1);
        for end in (0..bytes.len()).step_by(step) {
            let cut = codec(schema, version, bytes.slice(..end));
            assert!(cut.is_err(), "{} v{version} cut at {end}", schema.name());
        }
        let longer = Bytes::from([&bytes[..], &[0]].concat());
        assert!(codec(schema, version, longer).is_err(), "{} v{version} with a byte more", schema.name());
    });
}

#[test]
fn broken_bytes_do_no_harm() {
    each(4, |schema, version, mut bytes, random| {
        if bytes.is_empty() {
            return;
        }
        for _ in 0..8 {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.next() as u8;
            // Asserts by itself that what is read can be written.
            let _ = codec(schema, version, Bytes::copy_from_slice(&bytes));
            if let (Some(api), false) = (schema.api(), schema.is_request()) {
                fuzz::walk(api, version, &[&[0; 5], &bytes[..]].concat());
            }
        }
        fuzz::request(&bytes);
        fuzz::response(&bytes);
        fuzz::opaque(&bytes);
    });
}

#[test]
fn unknown_versions_are_refused() {
    for schema in Schema::all() {
        for version in [schema.versions().start() - 1, schema.versions().end() + 1, i16::MIN, i16::MAX] {
            let error = codec(&schema, version, Bytes::from_static(&[0; 64])).unwrap_err();
            assert!(matches!(error, DecodeError::UnsupportedVersion { .. }), "{} v{version}", schema.name());
        }
    }
}
