//! In: what a test cannot do on this machine. Out: a line that says so, also where
//! the test passes; or a failure, where every judge has to be there.

#![allow(missing_docs, dead_code)]

use std::io::Write;

/// Whether missing judges are an error: in CI they are.
pub fn required() -> bool {
    std::env::var_os("SIEVIFY_REQUIRE_ORACLES").is_some_and(|value| value == "1")
}

/// Says that a judge is missing, which a script in `tests` installs.
pub fn missing(judge: &str, installer: &str) {
    assert!(!required(), "{judge} is missing: run tests/{installer}");
    untested(&format!("{judge} is missing: run tests/{installer}"));
}

/// Says what is not tested. What is printed otherwise, the test runner keeps to itself.
pub fn untested(what: &str) {
    let line = format!("*** NOT TESTED: {what} ***\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}
