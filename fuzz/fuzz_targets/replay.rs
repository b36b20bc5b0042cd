//! Any bytes are rules and a message: the model of the old rules and the script,
//! run by sieve-rs, say the same, or the report says why not; and no message is
//! lost that the old rules kept.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sievify_fuzz::replay(bytes));
