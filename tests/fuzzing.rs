//! What the fuzzing targets hold for any bytes, on a few thousand inputs made
//! from the corpus, the same in every run. `docs/security.md` says how to let
//! a fuzzer look for more.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../fuzz/lib.rs"]
mod fuzz;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use walkdir::WalkDir;

/// Inputs for each target; `SIEVIFY_FUZZ` asks for more.
const INPUTS: usize = 400;
const LONGEST: usize = 4096;

/// Words that mean something to one of the parsers.
const WORDS: &[&str] = &[
    ":0\n",
    ":0c\n",
    ":0 E\n",
    ":0 fw\n",
    ":0 HB\n",
    "{\n",
    "}\n",
    "* ",
    "* ! ",
    "* 1^0 ",
    "* ?? ",
    "* > 10",
    "\\/",
    "^TO_",
    "^FROM_DAEMON",
    "$MATCH",
    "${A:-b}",
    "$\\A",
    "`date`",
    "| formail -I",
    "! a@b.example\n",
    "/dev/null\n",
    "DEFAULT=",
    "MAILDIR=",
    "INCLUDERC=",
    "SWITCHRC=",
    "HOST=",
    "EXITCODE=",
    "TRAP=",
    "--- .forward\n",
    "--- .forward+x\n",
    "--- MESSAGE\n",
    "# Exim filter\n",
    "# Sieve filter\n",
    "if $h_subject: contains \"x\" then\n",
    "endif\n",
    "\\\n",
    "\"",
    "'",
    "(",
    ")",
    "[",
    "]",
    "*",
    "\u{e9}",
    "\0",
    "\r\n",
    "\t",
    "\u{1b}[2J",
    ",",
    ":",
    "@",
];

fn number(rng: &mut TestRng, below: usize) -> usize {
    (rng.next_u64() % below.max(1) as u64) as usize
}

/// A stretch of a text.
fn stretch(rng: &mut TestRng, text: &[u8]) -> std::ops::Range<usize> {
    let start = number(rng, text.len() + 1);
    let end = (start + number(rng, 40)).min(text.len());
    start..end
}

/// Another input, from one and a part of another.
fn changed(rng: &mut TestRng, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut text = seed.to_vec();
    for _ in 0..=number(rng, 4) {
        let at = stretch(rng, &text);
        match number(rng, 5) {
            0 => drop(text.drain(at)),
            1 => {
                let copy = text[at.clone()].to_vec();
                text.splice(at.end..at.end, copy);
            }
            2 => {
                let part = other[stretch(rng, other)].to_vec();
                text.splice(at, part);
            }
            3 => {
                let word = WORDS[number(rng, WORDS.len())];
                text.splice(at.start..at.start, word.bytes());
            }
            _ => {
                if let Some(byte) = text.get_mut(at.start) {
                    *byte = rng.next_u32() as u8;
                }
            }
        }
    }
    text.truncate(LONGEST);
    text
}

/// The homes of the corpus, each as one text, with and without a message.
fn homes(with_messages: bool) -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut cases: Vec<_> = fs::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    let mut texts = Vec::new();
    for case in cases {
        let home = case.join("home");
        let mut text = Vec::new();
        for entry in WalkDir::new(&home).sort_by_file_name() {
            let Ok(entry) = entry else { continue };
            if entry.file_type().is_file() {
                let name = entry.path().strip_prefix(&home).unwrap();
                text.extend(format!("--- {}\n", name.display()).bytes());
                text.extend(fs::read(entry.path()).unwrap());
            }
        }
        let messages = WalkDir::new(case.join("messages")).sort_by_file_name();
        let messages = messages.into_iter().filter_map(Result::ok);
        for message in messages.filter(|entry| entry.file_type().is_file()) {
            if with_messages {
                let message = fs::read(message.path()).unwrap();
                texts.push([text.as_slice(), b"--- MESSAGE\n", &message].concat());
            }
        }
        if !with_messages && !text.is_empty() {
            texts.push(text);
        }
    }
    texts
}

fn hold(name: &str, target: fn(&[u8]), seeds: &[Vec<u8>]) {
    assert!(!seeds.is_empty());
    let asked = std::env::var("SIEVIFY_FUZZ").ok();
    let inputs = asked.map_or(INPUTS, |number| number.parse().expect("a number"));
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    for _ in 0..inputs {
        let (seed, other) = (number(&mut rng, seeds.len()), number(&mut rng, seeds.len()));
        let input = changed(&mut rng, &seeds[seed], &seeds[other]);
        if catch_unwind(|| target(&input)).is_err() {
            panic!("{name}: {}", input.escape_ascii());
        }
    }
}

#[test]
fn grammars_lose_nothing() {
    hold("grammars", fuzz::grammars, &homes(false));
}

#[test]
fn any_home_is_translated() {
    hold("translate", fuzz::translate, &homes(false));
}

#[test]
fn a_replay_loses_nothing() {
    hold("replay", fuzz::replay, &homes(true));
}

#[test]
fn tables_say_what_is_wrong() {
    let mut seeds: Vec<Vec<u8>> = [
        "joe:x:1000:1000:Joe:/home/joe:/bin/sh\n",
        "old,new,address\njoe,jdoe,j.doe@new.example\n",
        "staff: ann, bob,\n  x@y.example\nowner-staff: ann\nann: \"|prog x\"\n",
        "@old.example @new.example\njoe@old.example ann, bob\n",
        "name = \"x\"\nextends = \"dovecot\"\nextensions = [\"-regex\"]\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    let department = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/department");
    for name in ["passwd", "accounts.csv", "aliases", "virtual"] {
        seeds.push(fs::read(department.join(name)).unwrap());
    }
    hold("tables", fuzz::tables, &seeds);
}
