//! Answers of authorization services: whatever they say, neither host nor length of a request change, and no is no.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy::fuzz::ext_authz(data));
