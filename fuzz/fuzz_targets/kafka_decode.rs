//! Frames from clients and brokers, and the editor of large responses.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 3 {
        0 => kafka::fuzz::request(data),
        1 => kafka::fuzz::response(data),
        _ => kafka::fuzz::opaque(data),
    }
});
