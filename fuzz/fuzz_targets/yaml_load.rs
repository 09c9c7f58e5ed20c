//! Any bytes as a file of a standalone folder.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = resources::load([("fuzz.yaml", data)]);
});
