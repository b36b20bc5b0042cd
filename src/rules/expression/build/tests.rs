#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::Regex::*;
use super::*;

fn regex(text: &str) -> Regex {
    Expression::new(text, true).unwrap().regex
}

fn byte(byte: u8) -> Regex {
    Class(ByteSet::of(byte))
}

#[test]
fn the_tree_is_as_flat_as_can_be() {
    assert_eq!(regex("((a)(bc))"), Concat(b"abc".map(byte).into()));
    assert_eq!(regex("a|(b|(c))"), Alternate(b"abc".map(byte).into()));
    assert_eq!(regex("(a)*"), Star(Arc::new(byte(b'a'))));
    assert_eq!(regex("()"), Regex::nothing());
    assert_eq!(
        regex(r"^^a?\/$"),
        Concat([Edge, Optional(Arc::new(byte(b'a'))), Split, byte(b'\n')].into())
    );
}

#[test]
fn repetitions_are_of_bytes() {
    assert_eq!(
        regex("é*"),
        Concat([byte(0xc3), Star(Arc::new(byte(0xa9)))].into())
    );
    assert_eq!(
        Expression::from_bytes(b"\xe9", true).unwrap().regex,
        byte(0xe9)
    );
}

#[test]
fn classes() {
    let class = |text: &str| match regex(text) {
        Class(set) => set.iter().map(char::from).collect::<String>(),
        other => format!("{other:?}"),
    };
    assert_eq!(class("[]a-c]"), "]abc");
    assert_eq!(class("[-a]"), "-a");
    assert_eq!(class("[a-]"), "-a");
    assert_eq!(class("[--0]"), "-./0");
    assert_eq!(class("[a-c-e]"), "abcde");
    assert_eq!(class("[z-a]"), "az");
    assert_eq!(class(r"[\.]"), r".\");
    assert_eq!(class("["), "");
    assert_eq!(regex("[^"), Class(ByteSet::any()));
    assert_eq!(
        Expression::new("[^A]", false).unwrap().regex,
        Class(
            ByteSet::of(b'a')
                .folded()
                .union(&ByteSet::of(b'\n'))
                .complement()
        )
    );
}

#[test]
fn a_set_is_folded_letter_by_letter() {
    for byte in 0..=u8::MAX {
        let mut folded = ByteSet::of(byte.to_ascii_lowercase());
        folded.insert(byte.to_ascii_uppercase());
        folded.insert(byte);
        assert_eq!(ByteSet::of(byte).folded(), folded, "{byte}");
    }
}

#[test]
fn from_daemon_ignores_case_whatever_the_recipe_says() {
    assert!(
        Expression::new("x|^FROM_DAEMON", true)
            .unwrap()
            .ignores_case
    );
    assert!(!Expression::new("^FROM_MAILER", true).unwrap().ignores_case);
}

#[test]
fn size_is_bounded() {
    assert_eq!(
        Expression::new(&"(".repeat(10_000), false),
        Err(TooLarge::Deep)
    );
    assert_eq!(
        Expression::new(&"^TO_".repeat(100_000), false),
        Err(TooLarge::Long)
    );
    assert_eq!(
        Expression::new(&"a".repeat(100_000), false),
        Err(TooLarge::Long)
    );
}

#[test]
fn sets_hold_what_was_put_into_them() {
    let bytes = |set: ByteSet| set.iter().collect::<Vec<u8>>();
    assert_eq!(bytes(ByteSet::ALL), (0..=u8::MAX).collect::<Vec<_>>());
    assert!(bytes(ByteSet::EMPTY).is_empty());
    for byte in 0..=u8::MAX {
        let set = ByteSet::of(byte);
        assert_eq!(bytes(set), [byte]);
        let mut cases = vec![byte.to_ascii_uppercase(), byte.to_ascii_lowercase()];
        cases.dedup();
        assert_eq!(bytes(set.folded()), cases);
    }
}
