//! Every case of `corpus/` has a snapshot beside its home: the script, and the
//! report on it. `INSTA_UPDATE=always cargo test --test corpus` writes them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod case;

use sievify::report::terminal;
use std::fs;
use std::path::Path;

/// The script, and below it the report.
fn shown(case: &Path) -> String {
    let translation = case::translated(case);
    let report = terminal::render(&translation.report, &translation.sources);
    let report = anstream::adapter::strip_str(&report);
    format!("{}\n==== report ====\n{report}", translation.report.script)
}

#[test]
fn every_case_is_as_its_snapshot_shows() {
    insta::glob!("../corpus", "*/home", |home| {
        let case = home.parent().unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(case);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.remove_snapshot_suffix();
        settings.bind(|| insta::assert_snapshot!("snapshot", shown(case)));
    });
}

#[test]
fn no_case_is_without_rules() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut cases = 0;
    for case in fs::read_dir(corpus).unwrap() {
        let case = case.unwrap().path();
        if !case.join("home").is_dir() {
            continue;
        }
        cases += 1;
        assert!(shown(&case).contains("setting"), "{}", case.display());
    }
    assert!(cases >= 60, "{cases}");
}
