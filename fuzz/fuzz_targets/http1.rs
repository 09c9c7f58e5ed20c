//! HTTP/1.1 of clients and backends: however its bytes are cut, the same must be read.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy::fuzz::http1(data));
