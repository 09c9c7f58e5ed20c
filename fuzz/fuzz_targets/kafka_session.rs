//! What a Kafka client and a broker say to each other through a route.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy::fuzz::kafka(data));
