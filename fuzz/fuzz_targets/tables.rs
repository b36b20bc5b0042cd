//! The administrator's files: nothing in them makes a name that climbs, or a
//! lookup without an end.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sievify_fuzz::tables(bytes));
