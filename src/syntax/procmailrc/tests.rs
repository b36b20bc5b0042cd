#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::syntax::Source;
use proptest::prelude::*;
use std::path::Path;
use std::time::{Duration, Instant};

fn nodes(text: &str) -> Vec<(NodeKind, &str)> {
    parse(FileId(0), text)
        .iter()
        .map(|node| (node.kind, &text[node.span.start..node.span.end]))
        .collect()
}

/// The nodes that are neither blank nor comment.
fn words(text: &str) -> Vec<(NodeKind, &str)> {
    nodes(text)
        .into_iter()
        .filter(|(kind, _)| !matches!(kind, NodeKind::Blank | NodeKind::Comment))
        .map(|(kind, text)| (kind, text.trim_end_matches('\n')))
        .collect()
}

fn assert_lossless(text: &str) {
    let nodes = parse(FileId(0), text);
    let mut at = 0;
    for node in &nodes {
        assert_eq!(node.span.start, at, "a gap in {text:?}");
        assert!(node.span.end > at, "an empty node in {text:?}");
        at = node.span.end;
    }
    assert_eq!(at, text.len(), "the end of {text:?} is missing");
    assert!(
        ProcmailrcParser::parse(Rule::file, text).is_ok(),
        "not accepted: {text:?}"
    );
}

use NodeKind::*;

#[test]
fn a_recipe() {
    assert_eq!(
        nodes("A=b\n:0:\n* ^Subject: x\n\n  # note\n folder\n"),
        [
            (Assignment, "A=b"),
            (Blank, "\n"),
            (Header, ":0:\n"),
            (Condition, "* ^Subject: x\n"),
            (Blank, "\n  "),
            (Comment, "# note\n"),
            (Blank, " "),
            (Mailbox, "folder\n"),
        ]
    );
}

#[test]
fn actions() {
    assert_eq!(
        words(":0\n! a@b\n:0 f\n| cat \\\n -n\n:0\nX=| date\n:0\n{ A=b }\n:0\n{x\n"),
        [
            (Header, ":0"),
            (Forward, "! a@b"),
            (Header, ":0 f"),
            (Pipe, "| cat \\\n -n"),
            (Header, ":0"),
            (Capture, "X=| date"),
            (Header, ":0"),
            (Open, "{"),
            (Assignment, "A=b"),
            (Close, "}"),
            (Header, ":0"),
            (Mailbox, "{x"),
        ]
    );
}

#[test]
fn old_style_headers_count_their_conditions() {
    assert_eq!(
        words(":\n^From\nfolder\n:2\n^A\n* ^B\nfolder\n:1:\n* ^A\n* ^B\nfolder\n:E\nfolder\n"),
        [
            (Header, ":"),
            (Condition, "^From"),
            (Mailbox, "folder"),
            (Header, ":2"),
            (Condition, "^A"),
            (Condition, "* ^B"),
            (Mailbox, "folder"),
            (Header, ":1:"),
            (Condition, "* ^A"),
            (Condition, "* ^B"),
            (Mailbox, "folder"),
            (Header, ":E"),
            (Mailbox, "folder"),
        ]
    );
    assert_eq!(
        words(":O:\n* ^A\nfolder\n:0\n^Subject: hello\n"),
        [
            (Header, ":O:"),
            (Condition, "* ^A"),
            (Mailbox, "folder"),
            (Header, ":0"),
            (Mailbox, "^Subject: hello"),
        ]
    );
}

#[test]
fn a_missing_action() {
    assert_eq!(
        words(":0\n* a\n\n:0\n* b\nfolder\n"),
        [
            (Header, ":0"),
            (Condition, "* a"),
            (Header, ":0"),
            (Condition, "* b"),
            (Mailbox, "folder"),
        ]
    );
    assert_eq!(
        words(":0\n* a\n:0\n* b\n"),
        [
            (Header, ":0"),
            (Condition, "* a"),
            (Mailbox, ":0"),
            (Skipped, "* b"),
        ]
    );
    assert_eq!(
        words(":0\n* a\n\n}\n:0"),
        [
            (Header, ":0"),
            (Condition, "* a"),
            (Mailbox, "}"),
            (Header, ":0"),
        ]
    );
}

#[test]
fn assignments() {
    assert_eq!(
        words("FOO=a b # c\nLOG=\"\n\"\nX = 'a\nb'\nB#\nF=\\\n  x\"y z\"`date`#1\nlast"),
        [
            (Assignment, "FOO=a"),
            (Assignment, "b "),
            (Assignment, "LOG=\"\n\""),
            (Assignment, "X = 'a\nb'"),
            (Skipped, "B"),
            (Assignment, "F=\\\n  x\"y z\"`date`#1"),
            (Skipped, "last"),
        ]
    );
    assert_eq!(
        words("A=\"${B:-\"x y\"}\" C=${D}E F=\"`date\" G=1\n"),
        [
            (Assignment, "A=\"${B:-\"x y\"}\""),
            (Assignment, "C=${D}E"),
            // The quote ends the command, and not what is quoted.
            (Assignment, "F=\"`date\" G=1"),
        ]
    );
}

#[test]
fn comments_end_words_only_where_a_word_begins() {
    assert_eq!(
        words(":0 c # note\nfoo # note\n:0\n\"a\"#b c\\ d 'e\nf'\nX=1"),
        [
            (Header, ":0 c # note"),
            (Mailbox, "foo # note"),
            (Header, ":0"),
            (Mailbox, "\"a\"#b c\\ d 'e\nf'"),
            (Assignment, "X=1"),
        ]
    );
}

#[test]
fn line_ends_of_another_system() {
    assert_eq!(
        words(":0\r\n* ^A\r\n\r\n"),
        [(Header, ":0\r"), (Condition, "* ^A\r"), (Mailbox, "\r")]
    );
}

fn linear(text: String, count: usize) {
    let start = Instant::now();
    let nodes = parse(FileId(0), &text);
    assert_eq!(nodes.len(), count);
    assert_eq!(nodes.last().unwrap().span.end, text.len());
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{} bytes took {:?}",
        text.len(),
        start.elapsed()
    );
}

#[test]
fn many_nested_blocks() {
    linear(":0\n{\n".repeat(10_000), 30_000);
}

#[test]
fn a_long_line() {
    linear(format!("A={}", "x".repeat(10_000_000)), 1);
}

#[test]
fn a_long_line_of_quotes() {
    linear(format!(":0\n{}", "\"a\" \\b 'c' ".repeat(100_000)), 2);
}

#[test]
fn many_open_braces_in_a_quote() {
    linear(format!("A=\"{}", "${A:-\"".repeat(100_000)), 1);
}

#[test]
fn blanks_before_a_condition_without_star() {
    assert_lossless(":c:0\\\\\n :0");
    assert_lossless(":\n  x\n y");
    assert_lossless(":1\n \n");
}

#[test]
fn nul_bytes() {
    assert_lossless("A=b\0c\n:0\0\n* \0\n\0\n\0");
}

#[test]
fn every_corpus_file() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for entry in walkdir::WalkDir::new(corpus) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let source = Source::new("rc", std::fs::read(entry.path()).unwrap());
            assert_lossless(&source.text);
        }
    }
}

/// Text made of what procmail's reader looks at.
fn rc_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        ":0", ":", ":1", ":2", "E", "c", "*", "{", "}", "!", "|", "=", "\n", "\n", " ", "\t", "\\",
        "\\\n", "'", "\"", "`", "$", "${", "A", "b", "#", "-", "+", "\r", "\0", "é",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn random_bytes_are_a_procmailrc(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_lossless(&Source::new("rc", bytes).text);
    }

    #[test]
    fn random_rc_text_is_a_procmailrc(text in rc_text()) {
        assert_lossless(&text);
    }
}
