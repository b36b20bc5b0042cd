//! In: what grep is asked for, and lines. Out: whether one of them matches
//! (grep(1)).

use crate::rules::program::Grep;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

/// Whether a line of the text matches one of the patterns; nothing where one
/// of them cannot be read.
pub fn matches(patterns: &[&str], grep: &Grep, text: &[u8]) -> Option<bool> {
    let read = |pattern: &&str| match (grep.fixed, grep.extended) {
        (true, _) => escaped(pattern),
        (false, true) => as_written(pattern, true),
        (false, false) => as_written(pattern, false),
    };
    let patterns: Vec<String> = patterns.iter().map(read).collect();
    let around = match (grep.lines, grep.words) {
        (true, _) => ("^(?:", ")$"),
        (false, true) => (r"(?:^|\W)(?:", r")(?:\W|$)"),
        (false, false) => ("(?:", ")"),
    };
    let pattern = format!("{}{}{}", around.0, patterns.join("|"), around.1);
    let regex = Regex::builder()
        .syntax(
            syntax::Config::new()
                .unicode(false)
                .utf8(false)
                .case_insensitive(grep.ignore_case),
        )
        .configure(
            Regex::config()
                .nfa_size_limit(Some(10 << 20))
                .utf8_empty(false),
        )
        .build(&pattern)
        .ok()?;
    let lines = text.strip_suffix(b"\n").unwrap_or(text);
    let has_lines = !text.is_empty();
    let matched = |line: &[u8]| (!patterns.is_empty() && regex.is_match(line)) != grep.inverted;
    Some(has_lines && lines.split(|&byte| byte == b'\n').any(matched))
}

fn escaped(pattern: &str) -> String {
    let mut regex = String::new();
    pattern.chars().for_each(|c| push_escaped(&mut regex, c));
    regex
}

fn push_escaped(regex: &mut String, c: char) {
    if regex_syntax::is_meta_character(c) {
        regex.push('\\');
    }
    regex.push(c);
}

/// A basic or extended expression in the words of the regex crates. In a basic
/// one, a backslash makes `?`, `+`, `|`, `(` and `{` special.
fn as_written(pattern: &str, extended: bool) -> String {
    let mut regex = String::new();
    let mut chars = pattern.chars().peekable();
    let mut starts = true;
    while let Some(c) = chars.next() {
        let mut next_starts = false;
        match c {
            '\\' => match chars.next() {
                Some(c @ ('?' | '+' | '|' | '(' | ')' | '{' | '}')) if !extended => {
                    next_starts = matches!(c, '(' | '|');
                    regex.push(c);
                }
                Some('<') => regex.push_str(r"\b{start}"),
                Some('>') => regex.push_str(r"\b{end}"),
                Some(c @ ('w' | 'W' | 's' | 'S' | 'b' | 'B')) => {
                    regex.push('\\');
                    regex.push(c);
                }
                Some(c) => push_escaped(&mut regex, c),
                None => regex.push_str(r"\\"),
            },
            '[' => {
                regex.push('[');
                if let Some(c) = chars.next_if_eq(&'^') {
                    regex.push(c);
                }
                if chars.next_if_eq(&']').is_some() {
                    regex.push_str(r"\]");
                }
                while let Some(c) = chars.next() {
                    match c {
                        ']' => break,
                        '[' if chars.peek() == Some(&':') => {
                            regex.push('[');
                            for c in chars.by_ref() {
                                regex.push(c);
                                if c == ']' {
                                    break;
                                }
                            }
                        }
                        '\\' | '[' | '&' | '~' => {
                            regex.push('\\');
                            regex.push(c);
                        }
                        c => regex.push(c),
                    }
                }
                regex.push(']');
            }
            '*' if starts => regex.push_str(r"\*"),
            '?' | '+' | '|' | '(' | ')' | '{' | '}' if !extended => push_escaped(&mut regex, c),
            '(' | '|' => {
                next_starts = true;
                regex.push(c);
            }
            '^' => {
                next_starts = starts;
                match starts || extended {
                    true => regex.push('^'),
                    false => regex.push_str(r"\^"),
                }
            }
            '$' if !extended && chars.peek().is_some_and(|&c| c != '\\') => {
                regex.push_str(r"\$");
            }
            '.' | '*' | '$' | '?' | '+' | ')' | '{' | '}' => regex.push(c),
            c => push_escaped(&mut regex, c),
        }
        starts = next_starts;
    }
    regex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::program::{Input, Patterns};

    const PLAIN: Grep = Grep {
        input: Input::Message,
        patterns: Patterns::These(Vec::new()),
        fixed: false,
        extended: false,
        ignore_case: false,
        inverted: false,
        words: false,
        lines: false,
    };

    #[test]
    fn lines_are_found() {
        let text = b"one two\na+b\n[x]\n";
        let finds = |pattern: &str, grep: Grep| matches(&[pattern], &grep, text);
        assert_eq!(finds("^one", PLAIN), Some(true));
        assert_eq!(finds("a+b", PLAIN), Some(true));
        assert_eq!(finds("a\\+b", PLAIN), Some(false));
        assert_eq!(finds("\\(e t\\|z\\)wo$", PLAIN), Some(true));
        assert_eq!(finds("[[]x[]]", PLAIN), Some(true));
        assert_eq!(finds("[[:digit:]]", PLAIN), Some(false));
        let extended = Grep {
            extended: true,
            ..PLAIN
        };
        assert_eq!(finds("(zwei|two)$", extended), Some(true));
        let fixed = || Grep {
            fixed: true,
            ..PLAIN
        };
        assert_eq!(finds("[x]", fixed()), Some(true));
        assert_eq!(
            finds(
                "ONE",
                Grep {
                    ignore_case: true,
                    ..fixed()
                }
            ),
            Some(true)
        );
        assert_eq!(
            finds(
                "ne",
                Grep {
                    words: true,
                    ..PLAIN
                }
            ),
            Some(false)
        );
        assert_eq!(
            finds(
                "two",
                Grep {
                    words: true,
                    ..PLAIN
                }
            ),
            Some(true)
        );
        assert_eq!(
            finds(
                "one",
                Grep {
                    lines: true,
                    ..PLAIN
                }
            ),
            Some(false)
        );
        assert_eq!(
            finds(
                "o",
                Grep {
                    inverted: true,
                    ..PLAIN
                }
            ),
            Some(true)
        );
        assert_eq!(matches(&["x"], &PLAIN, b""), Some(false));
        assert_eq!(matches(&[], &PLAIN, text), Some(false));
        assert_eq!(finds("\\(", PLAIN), None);
    }
}
