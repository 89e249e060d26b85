//! See `src/filter.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| muster_fuzz::filter::check(bytes));
