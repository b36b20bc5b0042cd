//! In: the text of an administrator's file. Out: its entries, with the lines
//! that could not be read named.

use crate::syntax::{is_hidden, visible};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something wrong with the administrator's input, or with a home.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// The file, or the user.
    pub place: String,
    /// The line, 1-based, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong, in one sentence.
    pub message: String,
}

impl Problem {
    /// A problem with a line of a file.
    pub fn at(place: &str, line: usize, message: impl Into<String>) -> Self {
        Problem {
            place: place.to_owned(),
            line: Some(line),
            message: message.into(),
        }
    }

    /// A problem with a file, or a user, as a whole.
    pub fn with(place: &str, message: impl Into<String>) -> Self {
        Problem {
            place: place.to_owned(),
            line: None,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, message) = (visible(&self.place), visible(&self.message));
        match self.line {
            Some(line) => write!(f, "{place}:{line}: {message}"),
            None => write!(f, "{place}: {message}"),
        }
    }
}

/// Logical lines as Postfix has them: one that begins with a blank continues
/// the line before; empty ones and comments count for nothing, not even as an
/// end. Each comes with the number of its first line.
pub fn logical(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        match lines.last_mut() {
            Some((_, last)) if line.starts_with([' ', '\t']) => {
                last.push('\n');
                last.push_str(content);
            }
            _ => lines.push((at + 1, content.to_owned())),
        }
    }
    lines
}

/// Whether a login name can name a directory of the output.
pub fn is_safe_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with(['.', '-'])
        && !name.contains(['/', '\\'])
        && !name.chars().any(|c| c.is_control() || is_hidden(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued_lines_are_one() {
        let text = "a: b,\n\n# note\n\tc\n  \nd: e\r\n f";
        let expected = vec![(1, "a: b,\nc".to_owned()), (6, "d: e\nf".to_owned())];
        assert_eq!(logical(text), expected);
    }

    #[test]
    fn problems_do_not_reach_the_terminal_raw() {
        let shown = Problem::at("a\u{1b}", 2, "b\u{1b}[2J").to_string();
        assert!(shown.contains(":2: b") && !shown.contains('\u{1b}'));
    }

    #[test]
    fn names_cannot_climb() {
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "../a",
            ".a",
            "a\0",
            "a\nb",
            "-x",
            "a\\b",
            "a\u{202e}b",
            "a\u{200b}",
        ] {
            assert!(!is_safe_name(name), "{name:?}");
        }
        assert!(is_safe_name("j.doe-2_é"));
    }
}
