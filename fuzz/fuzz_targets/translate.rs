//! Any bytes are rules: the script compiles and does what its tree does, every
//! line is accounted for once, and a second translation says the same.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sievify_fuzz::translate(bytes));
