//! In: texts of the model, and the variables at a point of a run. Out: bytes.

use super::machine::{Machine, Process};
use super::{Unknown, encoded};
use crate::rules::expression::is_special;
use crate::rules::model::{Piece, Text};
use crate::syntax::Encoding;
use std::collections::HashMap;
use std::rc::Rc;

/// No value grows beyond this; procmail's own limit is `LINEBUF`.
const MAX_VALUE: usize = 1 << 20;

/// The variables of a process; a clone has its own.
#[derive(Debug, Clone, Default)]
pub struct Variables(Rc<HashMap<String, Rc<[u8]>>>);

impl Variables {
    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(|value| &**value)
    }

    /// Gives a variable a value, or takes it.
    pub fn set(&mut self, name: &str, value: Option<&[u8]>) {
        let variables = Rc::make_mut(&mut self.0);
        match value {
            Some(value) => {
                let value = value.get(..MAX_VALUE).unwrap_or(value);
                variables.insert(name.to_owned(), value.into());
            }
            None => {
                variables.remove(name);
            }
        }
    }
}

impl<'p> Machine<'_, 'p> {
    /// What a text is, here and now.
    pub fn value(&mut self, process: &mut Process<'p>, text: &Text, encoding: Encoding) -> Vec<u8> {
        let mut value = Vec::new();
        for piece in &text.0 {
            match piece {
                Piece::Literal(text) => value.extend_from_slice(&encoded(text, encoding)),
                Piece::Variable(name) => {
                    self.ask(process, name);
                    value.extend(process.variable(name));
                }
                Piece::Quoted(name) => {
                    // The empty group keeps its first byte from being a mark.
                    value.extend_from_slice(b"()");
                    for byte in process.variable(name) {
                        if is_special(byte.into()) {
                            value.push(b'\\');
                        }
                        value.push(byte);
                    }
                }
                Piece::Default { name, colon, text } => match process.has_value(name, *colon) {
                    true => value.extend(process.variable(name)),
                    false => value.extend(self.value(process, text, encoding)),
                },
                Piece::Alternative { name, colon, text } => {
                    if process.has_value(name, *colon) {
                        value.extend(self.value(process, text, encoding));
                    }
                }
                Piece::Command(command) => value.extend(self.printed(process, command, encoding)),
                Piece::Opaque(name) => {
                    self.unknown(Unknown::Value(name.clone()));
                }
            }
            value.truncate(MAX_VALUE);
        }
        value
    }

    /// Takes note that a variable is asked for whose value cannot be known.
    pub fn ask(&mut self, process: &Process<'_>, name: &str) {
        if name == "LASTFOLDER" && process.last_is_command {
            self.unknown(Unknown::Value(name.to_owned()));
        }
    }

    /// The words of a text: what stood without quotes ends at its blanks.
    pub fn words(
        &mut self,
        process: &mut Process<'p>,
        text: &Text,
        encoding: Encoding,
    ) -> Vec<String> {
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut is_open = false;
        for piece in &text.0 {
            let value = self.value(process, &Text(vec![piece.clone()]), encoding);
            for byte in value {
                if piece.splits() && byte.is_ascii_whitespace() {
                    is_open = false;
                } else {
                    match words.last_mut() {
                        Some(word) if is_open => word.push(byte),
                        _ => words.push(vec![byte]),
                    }
                    is_open = true;
                }
            }
        }
        words.into_iter().map(letters).collect()
    }

    /// As [`Machine::value`], as characters.
    pub fn string(&mut self, process: &mut Process<'p>, text: &Text, encoding: Encoding) -> String {
        letters(self.value(process, text, encoding))
    }
}

impl Process<'_> {
    /// What the message was last delivered to.
    pub fn set_last_folder(&mut self, value: &[u8]) {
        self.last_is_command = false;
        self.variables.set("LASTFOLDER", Some(value));
    }

    /// The value of a variable, empty where it has none.
    pub fn variable(&self, name: &str) -> Vec<u8> {
        match name {
            "?" => self.status.to_string().into_bytes(),
            "=" => self.score.to_string().into_bytes(),
            name => self.variables.get(name).unwrap_or_default().to_vec(),
        }
    }

    fn has_value(&self, name: &str, colon: bool) -> bool {
        match self.variables.get(name) {
            Some(value) => !colon || !value.is_empty(),
            None => false,
        }
    }
}

/// The number a text begins with, as strtol(3) reads it.
pub fn whole(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii_start();
    let (is_negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let mut number = None;
    for byte in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        let digit = i64::from(byte - b'0');
        let before: i64 = number.unwrap_or(0);
        number = Some(before.saturating_mul(10).saturating_add(digit));
    }
    number.map(|number| if is_negative { -number } else { number })
}

/// A number, or a word for one, as procmail reads numeric variables.
pub fn number_or_word(text: &[u8]) -> Option<i64> {
    whole(text).or_else(
        || match text.trim_ascii_start().to_ascii_lowercase().as_slice() {
            [b'o', b'n', ..] | [b'y' | b't' | b'e', ..] => Some(1),
            [b'o', b'f', b'f', ..] | [b'n' | b'f' | b'd', ..] => Some(0),
            [b'a', ..] => Some(2),
            _ => None,
        },
    )
}

/// A name in letters: UTF-8, or else Latin-1, as rule files are read.
pub fn letters(name: Vec<u8>) -> String {
    String::from_utf8(name)
        .unwrap_or_else(|error| error.as_bytes().iter().map(|&byte| byte as char).collect())
}

/// The number a text begins with, as strtod(3) reads it; 0 where there is
/// none.
pub fn fraction(text: &[u8]) -> f64 {
    let text = text.trim_ascii();
    let text = String::from_utf8_lossy(text);
    let longest = (1..=text.len().min(64))
        .rev()
        .filter_map(|end| text.get(..end))
        .find_map(|start| start.parse::<f64>().ok());
    longest.filter(|number| number.is_finite()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_start() {
        assert_eq!(whole(b" -12x"), Some(-12));
        assert_eq!(whole(b"x"), None);
        assert_eq!(whole(b"99999999999999999999"), Some(i64::MAX));
        assert_eq!(number_or_word(b"off"), Some(0));
        assert_eq!(number_or_word(b"Yes"), Some(1));
        assert_eq!(fraction(b"-1.5e1 "), -15.0);
        assert_eq!(fraction(b".5x"), 0.5);
        assert_eq!(fraction(b"x"), 0.0);
        assert_eq!(fraction(b"inf"), 0.0);
    }
}
