//! Any bytes are rules: the script compiles and does what its tree does, every
//! line is accounted for once, and a second translation says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sievify::rules::forward::elaborate_home;
use sievify::sieve::lower::Options;
use sievify::sieve::target::Target;
use sievify::translate::translate;
use sievify_fuzz::{accounted, home, settings};

fuzz_target!(|bytes: &[u8]| {
    // Which server, by the length: no byte of the rules is spent on it.
    let profile = ["dovecot", "cyrus", "stalwart", "rfc5228"][bytes.len() % 4];
    let target = Target::profile(profile).unwrap();
    let settings = settings();
    let (home, _) = home(bytes);
    let (program, sources, _) = elaborate_home(&home, &settings);
    let wrong = accounted::unaccounted(&program, &sources);
    assert!(wrong.is_empty(), "{wrong:#?}");
    let translated = || {
        translate(&home, &settings, &Options::new(&settings, &target), &target)
            .unwrap_or_else(|bug| panic!("{profile}: {bug}"))
            .report
    };
    let report = translated();
    assert_eq!(report, translated());
});
