//! In: a regular expression of an Exim filter (PCRE). Out: what it means, where
//! Rust's dialect means the same by it.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

/// A regular expression over bytes.
#[derive(Debug, Clone)]
pub struct Pcre {
    /// What it matches; both cases of a letter, where case is ignored.
    pub hir: Hir,
    /// Case is ignored.
    pub ignores_case: bool,
}

/// Letters that mean the same in both dialects behind a backslash.
const ESCAPES: &str = "dDwWsSbBnrtfaAzx";

/// Reads an expression; `None` where the dialects differ, or it is none.
pub fn read(pattern: &str, case: bool) -> Option<Pcre> {
    let (pattern, ignores_case) = match pattern.strip_prefix("(?i)") {
        Some(pattern) => (pattern, true),
        None => (pattern, !case),
    };
    if !means_the_same(pattern) {
        return None;
    }
    let mut parser = ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(ignores_case)
        .build();
    let hir = parser.parse(pattern).ok()?;
    Some(Pcre { hir, ignores_case })
}

/// Whether Rust reads it as PCRE does, if at all.
fn means_the_same(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or("");
        rest = match first {
            '\\' => match escape(after) {
                Some(after) => after,
                None => return false,
            },
            '[' => match class(after) {
                Some(after) => after,
                None => return false,
            },
            // Flags, names, looks.
            '(' if after.starts_with('?') && !after.starts_with("?:") => return false,
            // Possessive, or nothing to repeat.
            '*' | '+' | '?' | '}' if after.trim_start_matches('?').starts_with(['*', '+']) => {
                return false;
            }
            '}' if after.starts_with('{') => return false,
            _ => after,
        };
    }
    true
}

/// What follows a letter behind a backslash.
fn escape(text: &str) -> Option<&str> {
    let c = text.chars().next()?;
    let is_same = ESCAPES.contains(c) || c.is_ascii_punctuation() && !"<>".contains(c);
    text.get(c.len_utf8()..).filter(|_| is_same)
}

/// What follows the bracket that closes a class. Rust has classes in classes,
/// and sets of classes.
fn class(text: &str) -> Option<&str> {
    let negated = text.strip_prefix('^').unwrap_or(text);
    let mut rest = negated.strip_prefix(']').unwrap_or(negated);
    loop {
        if ["&&", "--", "~~"].iter().any(|set| rest.starts_with(set)) {
            return None;
        }
        let c = rest.chars().next()?;
        let after = rest.get(c.len_utf8()..)?;
        rest = match c {
            ']' => return Some(after),
            '\\' => escape(after).filter(|_| !after.starts_with(['b', 'B', 'A', 'z']))?,
            '[' => {
                let (name, after) = after.strip_prefix(':')?.split_once(":]")?;
                let is_name = name
                    .trim_start_matches('^')
                    .bytes()
                    .all(|b| b.is_ascii_lowercase());
                is_name.then_some(after)?
            }
            _ => after,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_dialects_read_alike() {
        for pattern in [
            "ticket #[0-9]+",
            "^(re|fwd?): ",
            "a{2,3}?b",
            "[]x]y",
            "[^]\\]x-]",
            "[[:digit:]x]",
            "\\[list\\]",
            "(?:a|b)c",
            "(?i)free",
            "a-b&&c",
        ] {
            assert!(read(pattern, false).is_some(), "{pattern}");
        }
        for pattern in [
            "[a[b]y]",
            "[a&&b]",
            "[a~~b]",
            "[a--b]",
            "(?-i)FREE",
            "f(?i:r)ee",
            "(?x) a b",
            "(?=a)",
            "a++b",
            "a*+",
            "a{2}+",
            "a{2}{3}",
            "\\Qa.b\\E",
            "\\h",
            "\\Z",
            "\\1",
            "\\101",
            "\\v",
            "\\<a",
            "[\\b]",
            "[",
            "(?#x)a",
            "\\K",
        ] {
            assert!(read(pattern, false).is_none(), "{pattern}");
        }
    }

    #[test]
    fn a_flag_at_the_beginning_is_for_all() {
        assert!(read("(?i)free", true).is_some_and(|pcre| pcre.ignores_case));
        assert!(read("free", true).is_some_and(|pcre| !pcre.ignores_case));
    }
}
