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
                    // Two values and what is written of them; an array reserves 4 KiB ahead, and arrays nest.
                    assert!(taken < 64 * 1024 + 128 * len, "{} v{version}: {taken} bytes of {len}", schema.name());
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
                assert!(taken < 64 * 1024, "{} v{version}: {taken} bytes", schema.name());
            }
        }
    }
}
