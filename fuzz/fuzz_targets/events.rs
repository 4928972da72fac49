//! `events` of `lictor_fuzz`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lictor_fuzz::events(bytes));
