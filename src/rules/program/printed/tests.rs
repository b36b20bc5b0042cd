#![allow(clippy::unwrap_used)]

use super::*;
use crate::rules::program::{Meaning, meaning};

fn printed(command: &str, text: &str) -> Option<String> {
    let mut whole = Text::literal("echo ");
    whole.push(Piece::Variable("X".into()));
    whole.push(Piece::Literal(format!(" | {command}")));
    let Meaning::Printed(printed) = meaning(&whole) else {
        return None;
    };
    assert_eq!(
        printed.source,
        Source::echoed(Text(vec![Piece::Variable("X".into())]))
    );
    let text = printed.edited(text.as_bytes()).unwrap();
    Some(String::from_utf8(text).unwrap())
}

#[test]
fn texts_are_taken_apart() {
    for (command, text, new) in [
        ("tr A-Z a-z", "Ab-C", "ab-c"),
        ("tr '[:lower:]' '[:upper:]'", "Ab-C", "AB-C"),
        ("tr [A-Z] [a-z]", "Ab-C", "ab-c"),
        ("tr . -", "a.b.c", "a-b-c"),
        ("tr 'A-Z /' 'a-z--'", "A b/C", "a-b-c"),
        ("tr -d '<>'", "<a><b>", "ab"),
        ("tr '[A-Z]' '[a-z]'", "[Ab]", "[ab]"),
        ("tr '-' '_'", "a-b", "a_b"),
        ("tr '..' 'ab'", "x.y", "xby"),
        ("sed 's/  */-/g'", "a   b c", "a-b-c"),
        ("sed 's/\\(.*\\)@.*/\\1/'", "a@b@c", "a@b"),
        ("sed ';s/a/b/'", "a", "b"),
        ("cut -d@ -f1", "a@b@c", "a"),
        ("cut -d@ -f2", "a@b@c", "b"),
        ("cut -d @ -f 2", "a@b", "b"),
        ("cut -d@ -f3", "a@b", ""),
        ("cut -f2- -d.", "a.b.c", "b.c"),
        ("cut -d@ -f2", "ab", "ab"),
        ("sed 's/-admin$//'", "x-admin-admin", "x-admin"),
        ("sed s/-owner@//", "x-owner@y-owner@", "xy-owner@"),
        ("sed -e 's/\\..*//'", "a.b.c", "a"),
        ("sed 's/.*\\.//'", "a.b.c", "c"),
        ("sed 's/^re: *//'", "re:  x re: y", "x re: y"),
        ("sed 's/\\./_/g'", "a.b.c", "a_b_c"),
        ("sed -e 's/[\\/]/_/g'", "a/b/c", "a_b_c"),
        ("sed 's/.*<\\(.*\\)>.*/\\1/'", "A <b@c> d", "b@c"),
        ("sed -E 's/^(.*)@(.*)$/\\2 at \\1/'", "a@b@c", "c at a@b"),
        ("sed 's/  */ /g'", "a   b  c", "a b c"),
        ("sed -e 's/^[ ]*//g' -e 's/[ ]*$//g'", "  a b  ", "a b"),
        ("sed 's/[^a-zA-Z0-9].*$//'", "web01: down", "web01"),
        ("sed 's/a/b/; s/^b//'", "aa", "a"),
        ("sed 's/<.*//;s/@.*//'", "a@b <c>", "a"),
        ("sed 's,/,.,g'", "a/b", "a.b"),
        ("sed 's/x/y/' | tr y z", "x", "z"),
        ("sed 's/ *(.*)//'", "a@b  (A (b)) c", "a@b c"),
        ("sed 's/ *(.*)//'", "(A) c", " c"),
        ("sed 's/[,;].*$/./'", "a; b, c", "a."),
        ("sed 's/(/</'", "a(b(c", "a<b(c"),
        ("sed 's/.*[:<] *//'", "x: <  a@b", "a@b"),
        ("sed 's/^ \\+//'", "   a", "a"),
        ("sed -E 's/^x+(.*)$/\\1/'", "xxa", "a"),
        ("sed -n 's/.*<\\(.*\\)@.*/\\1/p'", "A <b@c>", "b"),
        ("sed -n 's/.*<\\(.*\\)@.*/\\1/p'", "b@c", ""),
        ("sed -ne 's/a/b/p'", "xa", "xb"),
        ("sed 's/[^a-z0-9_-]//g'", "a b.c-(1)", "abc-1"),
        ("sed 's/[^a-z-][^a-z-]*/-/g'", "a. b1c", "a-b-c"),
        ("tr -cd 'a-z0-9_-'", "a b.c-(1)", "abc-1"),
        ("tr -d '[:space:]'", " a b ", "ab"),
        ("tr -d '\n'", "ab", "ab"),
        ("tr -s ' '", "a   b", "a b"),
        ("tr ' /:.@!' _", "a/b.c", "a_b_c"),
        ("cut -c1-3", "abcd", "abc"),
        ("cut -c-3", "ab", "ab"),
        ("cut -c2-", "abcd", "bcd"),
        ("cut -c4-5", "ab", ""),
        ("cut -b2", "abc", "b"),
    ] {
        assert_eq!(printed(command, text).as_deref(), Some(new), "{command}");
    }
}

#[test]
fn what_grows_is_not_followed() {
    let printed = |command: &str| meaning(&Text::literal(command));
    let doubled = r"s/^\(.*\)$/\1\1\1\1\1\1\1\1/;".repeat(20);
    let Meaning::Printed(grown) = printed(&format!("echo aaaa | sed '{doubled}'")) else {
        panic!("not read");
    };
    assert_eq!(grown.edited(b"aaaa"), None);
}

#[test]
fn what_the_shell_reads_itself_is_not_known() {
    for command in [
        r#"echo "a\tb" | sed s/x/y/"#,
        "echo * | sed s/x/y/",
        "printf '%s' \"$X\" | sed 's/.*/x/'",
        "formail -xX-Foo: | sed 's/.*/x/'",
    ] {
        assert_eq!(
            meaning(&Text::literal(command)),
            Meaning::Unknown,
            "{command}"
        );
    }
}

#[test]
fn encoded_words_are_read() {
    let perl = "perl -MEncode -pe '$_=encode(\"utf8\", decode(\"MIME-Header\",$_))'";
    let text = "Re: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= x";
    assert_eq!(printed(perl, text).as_deref(), Some("Re: Grüße x"));
    assert_eq!(printed("perl -MEncode -pe 's/a/b/'", text), None);
    for nkf in ["nkf -mw", "nkf -m -w8", "nkf --utf8", "nkf -mwZ1"] {
        assert_eq!(printed(nkf, text).as_deref(), Some("Re: Grüße x"), "{nkf}");
    }
    for other in ["nkf -me", "nkf -m0w", "nkf -w16", "nkf -m", "nkf -mwB"] {
        assert_eq!(printed(other, text), None, "{other}");
    }
}

#[test]
fn what_is_more_than_that_is_not_known() {
    for command in [
        "tr a-c b-d",
        "tr '[a-z]' 'A-Z'",
        "tr A-Z '[a-z]'",
        "tr '[:upper:]' '[a-z]'",
        "tr 'a-z' '[:upper:]'",
        "tr ' ' '[a*]'",
        "tr . '[=a=]'",
        "tr -d '-_'",
        "cut -dé -f1",
        "expand",
        "sed 's/[:space:]*$//'",
        "sed 's/[[:upper:]-z]//'",
        "sed 's/[a-z--]//'",
        "tr -s 'a-z'",
        "tr -cs a-z _",
        "tr '[:space:]' _",
        "cut -c1-300",
        "cut -c3-1",
        "cut -d: -f1,3",
        "sed -n 's/a/b/'",
        "sed 's/a/b/p'",
        "sed -n 's/a/b/p;s/c/d/p'",
        "sed 1d",
        "sed 's/a/b/2'",
        "sed 's/ab/b/g'",
        "sed 's/a/&&/'",
        "sed 's/\\(a\\|b\\)//'",
        "sed 's/a\\+//'",
        "sed 's/a/aa/g'",
        "sed '/x/s/a/b/'",
        "awk '{print $1, $2}'",
        "awk '/x/ {print $1}'",
        "awk -Fab '{print $1}'",
        "awk '{print $NF-1}'",
    ] {
        assert_eq!(printed(command, "x"), None, "{command}");
    }
}
