//! Any bytes are rules and a message: the model of the old rules and the script,
//! run by sieve-rs, say the same, or the report says why not; and no message is
//! lost that the old rules kept.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sievify::replay::{Letter, Replay};
use sievify::report::replayed::{Place, Why};
use sievify::sieve::lower::Options;
use sievify::sieve::target::Target;
use sievify::translate::translate;
use sievify_fuzz::{home, settings};

fuzz_target!(|bytes: &[u8]| {
    let (home, message) = home(bytes);
    let settings = settings();
    let target = Target::profile("dovecot").unwrap();
    let options = Options::new(&settings, &target);
    let translation = translate(&home, &settings, &options, &target).unwrap();
    let mut replay = Replay::new(&translation, &settings, &options, &target).unwrap();
    if let Some(difference) = replay.next(&Letter::new(message, None)) {
        let keeps = |place: &Place| matches!(place, Place::Folder(_));
        let script = &translation.report.script;
        assert!(
            !difference.before.iter().any(keeps) || difference.after.iter().any(keeps),
            "lost: {difference:?}\n{script}"
        );
        assert_ne!(difference.why, Why::Unexplained, "{difference:?}\n{script}");
    }
});
