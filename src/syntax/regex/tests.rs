#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::NodeKind::*;
use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn nodes(text: &str) -> Vec<(NodeKind, &str)> {
    parse(text)
        .into_iter()
        .map(|node| (node.kind, &text[node.span]))
        .collect()
}

fn assert_lossless(text: &str) {
    let mut at = 0;
    for node in parse(text) {
        assert_eq!(node.span.start, at, "a gap in {text:?}");
        assert!(node.span.end > at, "an empty node in {text:?}");
        at = node.span.end;
    }
    assert_eq!(at, text.len(), "the end of {text:?} is missing");
    assert!(
        RegexParser::parse(Rule::expression, text).is_ok(),
        "not accepted: {text:?}"
    );
}

#[test]
fn what_stands_in_an_expression() {
    assert_eq!(
        nodes(r"^(a|\.)*[^]x-]+.?\<$\/^^"),
        [
            (LineEdge, "^"),
            (Open, "("),
            (Characters, "a"),
            (Or, "|"),
            (Quoted, r"\."),
            (Close, ")"),
            (Star, "*"),
            (Class, "[^]x-]"),
            (Plus, "+"),
            (Any, "."),
            (Optional, "?"),
            (WordEdge, r"\<"),
            (LineEdge, "$"),
            (Split, r"\/"),
            (TextEdge, "^^"),
        ]
    );
}

#[test]
fn repetitions_of_nothing_are_characters() {
    assert_eq!(
        nodes("*a**|?(+b"),
        [
            (Characters, "*"),
            (Characters, "a"),
            (Star, "*"),
            (Characters, "*"),
            (Or, "|"),
            (Characters, "?"),
            (Open, "("),
            (Characters, "+"),
            (Characters, "b"),
        ]
    );
    assert_eq!(nodes("**"), [(Characters, "*"), (Star, "*")]);
}

#[test]
fn letters_stand_together() {
    assert_eq!(
        nodes("^To: ab*(cd)+e"),
        [
            (LineEdge, "^"),
            (Characters, "To: ab"),
            (Star, "*"),
            (Open, "("),
            (Characters, "cd"),
            (Close, ")"),
            (Plus, "+"),
            (Characters, "e"),
        ]
    );
}

#[test]
fn a_close_too_many_ends_the_expression() {
    assert_eq!(
        nodes("(a)b)|c"),
        [
            (Open, "("),
            (Characters, "a"),
            (Close, ")"),
            (Characters, "b"),
            (Ignored, ")|c"),
        ]
    );
    assert_eq!(nodes("a\0b"), [(Characters, "a"), (Ignored, "\0b")]);
}

#[test]
fn open_ends() {
    assert_eq!(nodes("(a"), [(Open, "("), (Characters, "a")]);
    assert_eq!(nodes("a[b-"), [(Characters, "a"), (Class, "[b-")]);
    assert_eq!(nodes("[^"), [(Class, "[^")]);
    assert_eq!(nodes("a\\"), [(Characters, "a"), (Characters, "\\")]);
    assert_eq!(nodes("[]"), [(Class, "[]")]);
    assert_eq!(nodes("[[:a:]]"), [(Class, "[[:a:]"), (Characters, "]")]);
    assert_eq!(nodes(r"[\]"), [(Class, r"[\]")]);
    assert_eq!(nodes(""), []);
}

#[test]
fn macros() {
    assert_eq!(
        first_macro("^Subject|^TO_me"),
        Some((Macro::ToAddress, 9..13))
    );
    assert_eq!(first_macro("^TO:"), Some((Macro::ToWord, 0..3)));
    assert_eq!(
        first_macro("[^TO]^FROM_DAEMON"),
        Some((Macro::FromDaemon, 5..17))
    );
    assert_eq!(first_macro("^(TO_|Cc:)^FROM_friends"), None);
    assert_eq!(first_macro(r"\^TO_a|^TO_b"), None);
}

fn linear(text: String, count: usize) {
    let start = Instant::now();
    let nodes = parse(&text);
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
fn many_nested_groups() {
    linear("(".repeat(10_000), 10_000);
    linear(
        format!("{}a{}", "(".repeat(100_000), ")*".repeat(100_000)),
        300_001,
    );
}

#[test]
fn a_long_class() {
    linear(format!("[{}", "x".repeat(10_000_000)), 1);
}

#[test]
fn many_alternatives() {
    linear("a|".repeat(500_000), 1_000_000);
}

/// Text made of what procmail's reader looks at.
fn expression_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "(", ")", "|", "*", "+", "?", ".", "^", "$", "[", "]", "-", "\\", "\\<", "\\/", "^^", "a",
        "B", "/", "<", "\n", "\0", "é", "^TO_",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_an_expression(text in any::<String>()) {
        assert_lossless(&text);
    }

    #[test]
    fn any_expression_is_read_to_its_end(text in expression_text()) {
        assert_lossless(&text);
    }
}
