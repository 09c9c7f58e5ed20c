//! A count or length that lies allocates nothing: memory stays a bounded multiple of the bytes that are really there.

#![allow(clippy::unwrap_used, unsafe_code)]

mod schema;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use kafka::fuzz;
use schema::{Random, Schema};

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it is; only thread-local numbers are kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get().saturating_add(layout.size()));
        PEAK.set(PEAK.get().max(HELD.get()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get().saturating_sub(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn peak(run: impl FnOnce()) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    run();
    PEAK.get() - before
}

#[test]
fn counts_that_lie_allocate_nothing() {
    let bombs: [&[u8]; 4] =
        [&[0x7f, 0xff, 0xff, 0xff], &[0xff, 0xff, 0xff, 0xff, 0x07], &[0xff, 0xff, 0x03], &[0, 0, 0x7f, 0xff]];
    let mut worst = 0;
    for schema in Schema::all() {
        let Some(api) = schema.api() else { continue };
        for version in schema.versions() {
            let mut sample = schema.sample(version, &mut Random::new(3));
            sample.truncate(400);
            for bomb in bombs {
                for at in 0..sample.len() {
                    let bytes = Bytes::from([&sample[..at], bomb, &sample[at..]].concat());
                    let len = bytes.len();
                    let taken = peak(|| {
                        let _ = match schema.is_request() {
                            true => fuzz::request_body(api, version, bytes),
                            false => fuzz::response_body(api, version, bytes),
                        };
                    });
                    // Two values, and what is written of them.
                    assert!(
                        taken < 2 * (16 * 1024 + 24 * len) + 8 * 1024,
                        "{} v{version}: {taken} bytes of {len}",
                        schema.name()
                    );
                    worst = worst.max(taken);
                }
            }
        }
    }
    assert!(worst > 0);
}

#[test]
fn a_hundred_bytes_that_claim_billions_of_elements() {
    for schema in Schema::all() {
        let Some(api) = schema.api() else { continue };
        for version in schema.versions() {
            for byte in [0x00, 0x01, 0x7e, 0x7f, 0xfe, 0xff] {
                let bytes = Bytes::from(vec![byte; 100]);
                let taken = peak(|| {
                    let _ = fuzz::request_body(api, version, bytes.clone());
                    let _ = fuzz::response_body(api, version, bytes);
                });
                assert!(taken < 2 * (16 * 1024 + 24 * 100) + 8 * 1024, "{} v{version}: {taken} bytes", schema.name());
            }
        }
    }
}

#[test]
fn real_messages_stay_far_below_the_limit() {
    use kafka::messages::metadata_request::MetadataRequestTopic;
    use kafka::messages::metadata_response::{MetadataResponse, MetadataResponsePartition, MetadataResponseTopic};
    use kafka::messages::{DescribeGroupsRequest, MetadataRequest};
    use kafka::{Body, Str, Writer};

    fn round<T: Body>(version: i16, body: &T) -> (usize, usize) {
        let mut writer = Writer::new();
        body.write(version, &mut writer).unwrap();
        let bytes = writer.finish().unwrap().into_bytes();
        let len = bytes.len();
        (len, peak(|| drop(T::from_bytes(version, bytes).unwrap())))
    }

    let name = Str::from_static("t");
    let partition = MetadataResponsePartition { replica_nodes: vec![1], isr_nodes: vec![1], ..Default::default() };
    let topic =
        MetadataResponseTopic { name: Some(name.clone()), partitions: vec![partition; 10], ..Default::default() };
    let (len, taken) = round(13, &MetadataResponse { topics: vec![topic; 1000], ..Default::default() });
    assert!(taken < 8 * len, "{taken} of {len}");
    // The worst that can be meant: names of one letter.
    let topic = MetadataRequestTopic { name: Some(name.clone()), ..Default::default() };
    let (len, taken) = round(9, &MetadataRequest { topics: Some(vec![topic; 100_000]), ..Default::default() });
    assert!(taken < 25 * len, "{taken} of {len}");
    let (len, taken) = round(5, &DescribeGroupsRequest { groups: vec![name; 100_000], ..Default::default() });
    assert!(taken < 25 * len, "{taken} of {len}");
}

#[test]
fn a_frame_of_empty_elements_is_refused() {
    // FindCoordinator v4: the key type, then as many empty keys as there are bytes.
    let mut bytes = vec![0, 0xc1, 0x84, 0x3d];
    bytes.resize(1_000_004, 1);
    bytes.push(0);
    let mut decoded = None;
    let bytes = Bytes::from(bytes);
    let taken = peak(|| decoded = Some(fuzz::request_body(kafka::ApiKey::FindCoordinator, 4, bytes)));
    assert!(matches!(decoded, Some(Err(kafka::DecodeError::TooManyElements { .. }))), "{decoded:?}");
    assert!(taken < 1024, "{taken}");
}
