//! In: a value. Out: JSON in which no text of a user's reaches a terminal as
//! anything but text: its control characters are escapes.

use crate::syntax::{is_hidden, is_seen};
use serde::Serialize;
use std::fmt::Write as _;

/// On several lines, for a person as well.
pub fn pretty(value: &impl Serialize) -> String {
    escaped(serde_json::to_string_pretty(value).unwrap_or_default())
}

/// On one line.
pub fn line(value: &impl Serialize) -> String {
    escaped(serde_json::to_string(value).unwrap_or_default())
}

/// What serde_json leaves as it is can only stand in a string.
fn escaped(json: String) -> String {
    if is_seen(&json) {
        return json;
    }
    let mut text = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        match is_hidden(c) {
            false => text.push(c),
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn nothing_hidden_is_left_and_nothing_is_lost() {
        let all: String = (0..=0xe_0100).filter_map(char::from_u32).collect();
        for json in [line(&all), pretty(&[&all])] {
            assert!(!json.chars().any(is_hidden));
        }
        assert_eq!(serde_json::from_str::<String>(&line(&all)).unwrap(), all);
        assert_eq!(
            line(&"a\u{9b}31m\u{202e}\u{e0001}"),
            r#""a\u009b31m\u202e\udb40\udc01""#
        );
    }
}
