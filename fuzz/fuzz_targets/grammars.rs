//! Every grammar accepts every text, and no byte of it is lost.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sievify_fuzz::grammars(bytes));
