//! What the rules make of `sed`, `tr`, `cut` and `awk` behind `echo`, held against
//! the programs themselves (the first three of GNU) on random commands and lines.

#![allow(clippy::unwrap_used)]

mod untested;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use sievify::rules::model::{Piece, Text};
use sievify::rules::program::{Meaning, Printed, meaning};
use std::io::Write;
use std::process::{Command, Stdio};

/// Whether GNU's programs are here.
fn are_here() -> bool {
    let is_gnu = |program: &str| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("GNU"))
    };
    let has_awk = Command::new("awk").arg("BEGIN { exit }").status();
    let has_awk = has_awk.is_ok_and(|status| status.success());
    let are_here = has_awk && ["sed", "tr", "cut"].into_iter().all(is_gnu);
    if !are_here {
        untested::missing("awk, or one of GNU's sed, tr and cut", "install-oracles.sh");
    }
    are_here
}

/// What the rules make of `echo "$X" | program arguments`.
fn read(program: &str, arguments: &[String]) -> Option<Printed> {
    let mut command = Text::literal("echo \"");
    command.push(Piece::Variable("X".into()));
    let words: Vec<String> = arguments
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', "'\\''")))
        .collect();
    command.push(Piece::Literal(format!(
        "\" | {program} {}",
        words.join(" ")
    )));
    match meaning(&command) {
        Meaning::Printed(printed) => Some(printed),
        _ => None,
    }
}

/// What the program makes of a line; `None` where it refuses to.
fn real(program: &str, arguments: &[String], line: &str) -> Option<Vec<u8>> {
    let sandbox = (program == "sed").then_some("--sandbox");
    let mut child = Command::new(program)
        .env("LC_ALL", "C")
        .args(sandbox)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that refuses its arguments reads nothing.
    let _ = stdin.write_all(format!("{line}\n").as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let line = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
    output.status.success().then(|| line.to_vec())
}

fn parts(from: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(select(from), 1..=most).prop_map(|parts| parts.concat())
}

fn substitution() -> impl Strategy<Value = String> {
    let old = parts(
        &[
            "a",
            "b",
            "-",
            "@",
            " ",
            "\\.",
            ".*",
            ".",
            "[ab]",
            "[^-]*",
            "[^a]",
            " *",
            "a*",
            "\\+",
            "\\(",
            "\\)",
            "[a-c]",
            "[[:space:]]*",
            "[[:digit:]]",
            "[-@]",
            "[^a-z0-9_-]",
            "[^a-c][^a-c]*",
            "\\/",
        ],
        5,
    );
    let new = parts(&["", "x", "\\1", "\\2", "a", "-", "\\.", "\\/"], 3);
    (
        select(&["", "^"][..]),
        old,
        select(&["", "", "$"][..]),
        new,
        select(&["", "g"][..]),
    )
        .prop_map(|(start, old, end, new, all)| format!("s/{start}{old}{end}/{new}/{all}"))
}

fn command() -> impl Strategy<Value = (&'static str, Vec<String>)> {
    let set = || {
        parts(
            &[
                "a",
                "b",
                "-",
                "@",
                " ",
                ".",
                "A-Z",
                "a-z",
                "[A-Z]",
                "[a-z]",
                "[:upper:]",
                "[:lower:]",
                "[",
                "]",
                "<>",
                "\\/",
                "0-9",
                "[a*]",
                "[=a=]",
                "[:space:]",
                "[:alnum:]",
                "\\n",
            ],
            2,
        )
    };
    prop_oneof![
        4 => substitution().prop_map(|script| ("sed", vec![script])),
        1 => (substitution(), substitution())
            .prop_map(|(one, two)| ("sed", vec!["-e".into(), one, "-e".into(), two])),
        1 => (substitution(), substitution())
            .prop_map(|(one, two)| ("sed", vec![format!("{one}; {two}")])),
        1 => substitution().prop_map(|script| ("sed", vec!["-n".into(), format!("{script}p")])),
        2 => (set(), set()).prop_map(|(from, to)| ("tr", vec![from, to])),
        1 => (select(&["-d", "-cd", "-s"][..]), set())
            .prop_map(|(option, set)| ("tr", vec![option.into(), set])),
        1 => select(&["-c1", "-c2-3", "-c-2", "-b3-", "-c4-9", "-c0"][..])
            .prop_map(|places| ("cut", vec![places.into()])),
        1 => (select(&["@", "-", " ", ".", "a"][..]), select(&["1", "2", "3", "2-", "1-", "1,2"][..]))
            .prop_map(|(sign, fields)| ("cut", vec![format!("-d{sign}"), format!("-f{fields}")])),
        1 => (
            select(&["", "@", "-", " ", ".", "a", "[<>]", "[@ ]", "[.]", "a*", "|", "\\."][..]),
            select(&["1", "2", "3", "NF", "0"][..]),
        )
            .prop_map(|(sign, word)| {
                let program = format!("{{ print ${word}; }}");
                match sign {
                    "" => ("awk", vec![program]),
                    sign => ("awk", vec![format!("-F{sign}"), program]),
                }
            }),
    ]
}

#[test]
fn lines_come_out_alike() {
    if !are_here() {
        return;
    }
    let mut runner = TestRunner::new(Config::with_cases(Config::default().cases.max(1500)));
    let line = parts(
        &[
            "a", "b", "A", "-", "@", " ", ".", "ab", "<", "1", "/", "c", "]",
        ],
        8,
    );
    let held = std::cell::Cell::new(0);
    runner
        .run(&(command(), line), |((program, arguments), line)| {
            let Some(printed) = read(program, &arguments) else {
                return Ok(());
            };
            held.set(held.get() + 1);
            let ours = printed.edited(line.as_bytes());
            let theirs = real(program, &arguments, &line);
            prop_assert_eq!(ours, theirs, "{} {:?} on {:?}", program, arguments, line);
            Ok(())
        })
        .unwrap();
    assert!(held.get() > 200, "only {} commands were read", held.get());
}
