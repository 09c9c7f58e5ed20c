//! The host and path matcher against the naive one.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy::fuzz::route_match(data));
