//! Every line of every file that was read belongs to exactly one statement.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod accounted;
mod homes;
mod untested;

use accounted::unaccounted;
use homes::homes;
use proptest::prelude::*;
use sievify::home::{DiskHome, Home, Limits, MemoryHome};
use sievify::rules::elaborate::Settings;
use sievify::rules::forward::Elaborated;
use sievify::rules::forward::elaborate_home;
use std::path::Path;

fn check(home: &dyn Home, settings: &Settings, name: &str) {
    let Elaborated {
        program,
        sources,
        findings,
    } = elaborate_home(home, settings);
    let wrong = unaccounted(&program, &sources);
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    let count = program.statements.len();
    assert!(
        findings
            .iter()
            .all(|finding| (finding.at.0 as usize) < count)
    );
    let Elaborated { program: again, .. } = elaborate_home(home, settings);
    assert_eq!(program, again);
}

#[test]
fn every_line_of_homes_is_accounted_for() {
    let settings = Settings {
        home_path: "/home/u".to_owned(),
        ..Settings::new("u")
    };
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let cases = cases
        .read_dir()
        .unwrap()
        .map(|case| case.unwrap().path().join("home"));
    let homes: Vec<_> = cases.filter(|home| home.is_dir()).chain(homes()).collect();
    for path in &homes {
        let home = DiskHome::open(path, Limits::default()).unwrap();
        check(&home, &settings, &path.display().to_string());
    }
    assert!(homes.len() > 100, "{}", homes.len());
}

fn forward_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\\u".to_owned()),
        Just("a@b.example, c@d.example,".to_owned()),
        Just("\"|exec /usr/bin/procmail -a x #u\"".to_owned()),
        Just("\"|vacation u\"".to_owned()),
        Just("\"|exec procmail ./.forward".to_owned()),
        Just("X=\"a\" \"".to_owned()),
        Just(":include:~/list".to_owned()),
        Just("/dev/null\r".to_owned()),
        Just("# note".to_owned()),
        "[ -~]{0,30}",
    ]
}

fn filter_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("if $h_subject: contains \"x\"".to_owned()),
        Just("then".to_owned()),
        Just("if $h_to: is y then save a".to_owned()),
        Just("elif personal then seen finish".to_owned()),
        Just("else".to_owned()),
        Just("endif".to_owned()),
        Just("unseen deliver a@b.example save x # note".to_owned()),
        Just("vacation".to_owned()),
        Just("logfile $home/log".to_owned()),
    ]
}

fn rc_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(":0:".to_owned()),
        Just(":0 fw".to_owned()),
        Just("* ^Subject: x".to_owned()),
        Just("* ? fgrep -f list".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("INCLUDERC=more".to_owned()),
        Just("INCLUDERC=.forward".to_owned()),
        Just("| formail -r | cat - .forward | sendmail -t".to_owned()),
        Just("folder".to_owned()),
        "[ -~]{0,30}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_line_of_random_filters_is_accounted_for(
        lines in prop::collection::vec(filter_line(), 0..8),
        closed in 0..3_usize,
    ) {
        let filter = format!("# Exim filter\n{}\n{}", lines.join("\n"), "endif\n".repeat(closed));
        let home = MemoryHome::new()
            .file(".forward", filter)
            .file(".vacation.msg", "away\n");
        check(&home, &Settings::new("u"), "random");
    }

    #[test]
    fn every_line_of_random_homes_is_accounted_for(
        forward in prop::option::of(prop::collection::vec(forward_line(), 0..6)),
        rc in prop::collection::vec(rc_line(), 0..12),
        list in prop::collection::vec(forward_line(), 0..4),
        alias in prop::option::of(prop::collection::vec(forward_line(), 0..3)),
    ) {
        let mut home = MemoryHome::new()
            .file(".procmailrc", rc.join("\n"))
            .file("list", list.join("\n"))
            .file("more", rc.iter().rev().cloned().collect::<Vec<_>>().join("\n"))
            .file(".vacation.msg", "Subject: away\n\n# a heading\naway\n");
        if let Some(forward) = forward {
            home = home.file(".forward", forward.join("\n"));
        }
        let settings = Settings {
            alias: alias.map(|lines| lines.join("\n")),
            ..Settings::new("u")
        };
        check(&home, &settings, "random");
    }
}
