#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;

fn find(expression: &str, text: &str) -> Option<Found> {
    Expression::new(expression, false)
        .unwrap()
        .find(text.as_bytes())
}

/// What goes to `MATCH`.
fn matched<'a>(expression: &str, text: &'a str) -> Option<&'a str> {
    text.get(find(expression, text)?.matched?)
}

#[track_caller]
fn assert_matches(expression: &str, yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(find(expression, text).is_some(), "{expression} in {text:?}");
    }
    for text in no {
        assert!(find(expression, text).is_none(), "{expression} in {text:?}");
    }
}

#[test]
fn line_ends_are_consumed() {
    assert_matches("^b$", &["b", "b\n", "a\nb\nc"], &["ab", "bc", ""]);
    assert_matches("a$b", &["a\nb"], &["a\n\nb"]);
    assert_matches("a$^b", &["a\n\nb"], &["a\nb"]);
    assert_matches(r"a\>b", &["a b", "a\nb"], &["ab"]);
    assert_matches("a.b|a[^x]b", &["a b"], &["a\nb"]);
    assert_matches("^$", &["", "a\n\nb", "a\n"], &["a", "a\nb"]);
}

#[test]
fn edges() {
    assert_matches("^^a", &["a", "ab"], &["b\na", "\na"]);
    assert_matches("a^^", &["a", "ba"], &["a\n", "ab"]);
    assert_matches("^^^a", &["\na"], &["a"]);
    assert_matches("a$^^", &["a\n"], &["a"]);
    assert_matches("^^|a", &["a", "b", ""], &[]);
    assert_matches("a(b|^^)", &["a", "abc"], &["ac"]);
    assert_matches("a(^^|b)c", &["abc"], &["a", "ac"]);
    assert_matches("a^^b|b^^a", &[], &["ab", "a\nb", "b"]);
}

#[test]
fn oddities() {
    assert_matches("a**", &["a*", "*", "aa*"], &["a"]);
    assert_matches("[[:a:]]", &["a]", ":]"], &["a"]);
    assert_matches("a)b", &["a"], &["b"]);
    assert_matches("[b-", &["b", "-"], &["a"]);
    assert_matches("a{2}", &["a{2}"], &["aa"]);
    assert_matches(r"\w\t", &["wt"], &["a\t"]);
    assert_matches(r"\(a", &["(a", "a"], &["b"]);
    assert_matches(r"\/a", &["/a"], &["a"]);
    assert_matches(r"\^TO_a: x|^TO_b", &["TO_a: x", "TO_b"], &["To: b"]);
    assert_matches(
        r"\^TO_a|^FROM_DAEMON",
        &["TO_a", "Precedence: list"],
        &["To: b"],
    );
    assert_matches("(a", &["a"], &["("]);
    assert_matches("[^]a]", &["b"], &["]", "a", "\n"]);
    assert_matches("[z-a]", &["z", "a"], &["b"]);
    assert_matches("", &["", "a"], &[]);
}

#[test]
fn case() {
    assert_matches("A[b-c]", &["ab", "AC"], &["ad"]);
    let expression = Expression::new("Ab", true).unwrap();
    assert!(expression.find(b"Ab").is_some());
    assert!(expression.find(b"ab").is_none());
}

#[test]
fn what_goes_to_match() {
    assert_eq!(
        matched(r"^Subject: \/.*", "From: x\nSubject: hello\n"),
        Some("hello")
    );
    assert_eq!(matched(r"a+\/a*", "aaa"), Some("aa"));
    assert_eq!(matched(r"b\/$", "ab"), Some(""));
    assert_eq!(matched(r"\\/b$", "ab"), Some("b"));
    assert_eq!(matched(r"\\/^a$", "a\nb"), Some("a\n"));
    assert_eq!(matched(r"x\/(a|ab|abc)", "xabcd"), Some("abc"));
}

#[test]
fn repetitions_that_procmail_misreads() {
    let reading = |text: &str| Expression::new(text, false).unwrap().reading();
    assert_matches("x(a*)?b*$", &["x", "xab"], &["xaab"]);
    assert_eq!(reading("x(a*)?b*$"), Reading::Short);
    assert_matches("x(a*)?b$", &["xb", "xaab"], &["xa"]);
    assert_eq!(reading("x(a*)?b$"), Reading::True);
    assert_matches("x(a*b*)*$", &["x", "xabba"], &["xc"]);
    assert_eq!(reading("x(a*b*)*$"), Reading::True);
    assert_eq!(reading("(ab?|c?)+"), Reading::Fatal);
    assert_eq!(reading("(()*)*|b+"), Reading::Fatal);
    for word in ["^TO_", "^TO", "^FROM_DAEMON", "^FROM_MAILER"] {
        assert_eq!(reading(word), Reading::True, "{word}");
    }
}

#[test]
fn a_split_at_the_end_of_an_alternative() {
    assert_matches(r"x(a\/|b)c", &["xabc", "xbc"], &["xac"]);
    assert_eq!(matched(r"x(a\/|b)c", "xabc"), Some("bc"));
    // What is tried behind a split inherits its start.
    assert_eq!(matched(r"x(\/a|b)c", "xbc"), Some("bc"));
    assert_eq!(matched(r"x(a|\/b)c", "xac"), None);
}

#[test]
fn linear_time() {
    let expression = Expression::new(r"(a*)*\/(a|aa|aaa)*b", false).unwrap();
    assert!(expression.find("a".repeat(100_000).as_bytes()).is_none());
    let nested = format!("{}a{}b", "(".repeat(100), "?)?".repeat(100));
    assert!(
        Expression::new(&nested, false)
            .unwrap()
            .find(b"aab")
            .is_some()
    );
}

#[test]
fn counting_matches() {
    let count = |expression: &str, text: &str| {
        let expression = Expression::new(expression, false).unwrap();
        expression.matcher().matches(text.as_bytes()).count()
    };
    assert_eq!(count("o", "foo boo"), 4);
    assert_eq!(count("aa", "aaaaa"), 2);
    assert_eq!(count("^a", "a\na\na"), 3);
    assert_eq!(count("^a$", "a\na\na"), 3);
    assert_eq!(count("a*", "aaa"), 1);
}

#[test]
fn what_cannot_begin_a_match_is_skipped() {
    let lines: String = (0..50).map(|n| format!("field{n}: xxxx x{n}\n")).collect();
    for expression in [
        "^field49: x",
        "^FIELD3.*x30$",
        "field7: xxxx x7$",
        "9$^^",
        "(^|[zq])field1: ",
        "(^x|f)ield49",
        "(y)?z",
        "^^f",
        "$^^",
    ] {
        let matcher = Expression::new(expression, false).unwrap().matcher();
        for start in [0, 1, 15, lines.len()] {
            let found = matcher.find_from(lines.as_bytes(), start);
            let slow = threads::find(&matcher.program, lines.as_bytes(), start);
            assert_eq!(found, slow, "{expression}, {start}");
        }
    }
}

proptest! {
    /// Programs are not even written where nothing can be taken for a circle.
    #[test]
    fn only_ways_that_meet_are_cut_short(
        text in "(\\(|\\)|\\||[ab]|[ab]|\\*|\\+|\\?|\\^|\\\\/){0,16}"
    ) {
        let Expression { regex, .. } = Expression::new(&text, false).unwrap();
        let program = Program::new(&regex);
        if !ways_meet(&regex) {
            prop_assert!(!program.takes_shortcuts && program.reading == Reading::True);
        }
    }
}
