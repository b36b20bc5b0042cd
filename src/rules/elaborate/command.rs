//! In: a shell command as written, and the variables. Out: the command with
//! the known values put in, still in shell quoting.
//!
//! procmail hands a command with any of `SHELLMETAS` to the shell and chops up
//! the others itself. Both read quotes alike, so the text serves for both.

use super::variables::{Growth, Value, Variables, too_long};
use crate::rules::model::{Piece, Text};
use crate::rules::program::parameter;
use crate::syntax::{is_name, leading_name};
use std::collections::HashSet;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// Puts the known variables into a command.
pub fn expand(command: &str, variables: &Variables) -> Text {
    let mut text = Text::default();
    let mut literal = String::new();
    let mut quote = Quote::None;
    let mut rest = command;
    let mut growth = Growth::default();
    let of_shell = set_by_shell(command);
    let choice =
        |rest, quote| Choice::read(rest, quote).filter(|choice| !of_shell.contains(choice.name));
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\'' if quote != Quote::Double => {
                quote = match quote {
                    Quote::None => Quote::Single,
                    _ => Quote::None,
                };
                literal.push(c);
            }
            '"' if quote != Quote::Single => {
                quote = match quote {
                    Quote::None => Quote::Double,
                    _ => Quote::None,
                };
                literal.push(c);
            }
            '\\' if quote != Quote::Single => {
                let quoted = rest.chars().next();
                rest = &rest[quoted.map_or(0, char::len_utf8)..];
                match quoted {
                    Some('\n') => {}
                    quoted => {
                        literal.push('\\');
                        literal.extend(quoted);
                    }
                }
            }
            '$' if quote != Quote::Single => match (choice(rest, quote), reference(rest)) {
                (Some(choice), _) => {
                    let Some(value) = variables.put_in(choice.name, &mut growth) else {
                        return too_long();
                    };
                    let Some(piece) = choice.made(value) else {
                        literal.push('$');
                        continue;
                    };
                    rest = &rest[choice.end..];
                    match piece {
                        Piece::Literal(value) => quoted(&value, quote, &mut literal),
                        piece => {
                            text.push(Piece::Literal(std::mem::take(&mut literal)));
                            text.push(piece);
                        }
                    }
                }
                (None, Some((name, end))) if of_shell.contains(name) => {
                    literal.push('$');
                    literal.push_str(&rest[..end]);
                    rest = &rest[end..];
                }
                (None, Some((name, end))) => {
                    rest = &rest[end..];
                    let Some(value) = variables.put_in(name, &mut growth) else {
                        return too_long();
                    };
                    match value {
                        Value::Runtime => {
                            text.push(Piece::Literal(std::mem::take(&mut literal)));
                            text.push(Piece::Variable(name.to_owned()));
                        }
                        Value::Unset => {}
                        Value::Text(value) => {
                            for piece in value.0 {
                                match piece {
                                    Piece::Literal(value) => quoted(&value, quote, &mut literal),
                                    piece => {
                                        text.push(Piece::Literal(std::mem::take(&mut literal)));
                                        text.push(piece);
                                    }
                                }
                            }
                        }
                    }
                }
                (None, None) => literal.push('$'),
            },
            c => literal.push(c),
        }
    }
    text.push(Piece::Literal(literal));
    text
}

/// `${NAME:-text}` and its like.
struct Choice<'c> {
    name: &'c str,
    piece: Piece,
    /// Where it ends, behind its `$`.
    end: usize,
}

impl<'c> Choice<'c> {
    /// Reads what stands behind a `$`. Texts that the shell reads more into are left to
    /// it.
    fn read(rest: &'c str, quote: Quote) -> Option<Self> {
        let is_plain = |c: char| {
            let is_blank = c == ' ' && quote != Quote::Double;
            !"$`\"'\\{}*?[~".contains(c) && !is_blank && !c.is_control()
        };
        let inner = rest.strip_prefix('{')?;
        let (inner, behind) = inner.split_at(inner.find(|c| !is_plain(c))?);
        let piece = parameter(inner).filter(|_| behind.starts_with('}'))?;
        let (Piece::Default { name, .. } | Piece::Alternative { name, .. }) = &piece else {
            return None;
        };
        Some(Choice {
            name: inner.get(..name.len())?,
            end: inner.len() + "{}".len(),
            piece,
        })
    }

    /// What the shell makes of it; `None` where that is not known here.
    fn made(&self, value: Value) -> Option<Piece> {
        let (colon, text, instead) = match &self.piece {
            Piece::Alternative { colon, text, .. } => (colon, text, true),
            Piece::Default { colon, text, .. } => (colon, text, false),
            _ => return None,
        };
        let value = match value {
            Value::Runtime => return Some(self.piece.clone()),
            Value::Unset => None,
            Value::Text(value) => Some(value.known()?.to_owned()),
        };
        let value = value.filter(|value| !colon || !value.is_empty());
        Some(Piece::Literal(match (value, instead) {
            (Some(value), false) => value,
            (None, true) => String::new(),
            (Some(_), true) | (None, false) => text.known()?.to_owned(),
        }))
    }
}

/// The name of a plain `$NAME`, `${NAME}` or `$1` behind its `$`, and where it
/// ends. Other forms are left for the shell.
fn reference(rest: &str) -> Option<(&str, usize)> {
    let (start, braces) = match rest.strip_prefix('{') {
        Some(_) => (1, true),
        None => (0, false),
    };
    let inner = &rest[start..];
    let length = match inner.chars().next()? {
        '0'..='9' => 1,
        _ => leading_name(inner).0.len(),
    };
    let name = &inner[..length];
    match (braces, inner[length..].starts_with('}')) {
        _ if name.is_empty() => None,
        (true, true) => Some((name, length + 2)),
        (true, false) => None,
        (false, _) => Some((name, length)),
    }
}

/// The variables that a command sets for itself: `NAME=value`, `read NAME`, `for NAME`.
/// What they hold only the shell knows.
fn set_by_shell(command: &str) -> HashSet<&str> {
    let ends = |c: char| c.is_whitespace() || ";&|(){}`".contains(c);
    let mut words = command
        .split(ends)
        .filter(|word| !word.is_empty())
        .peekable();
    let mut names = HashSet::new();
    while let Some(word) = words.next() {
        let name = match word {
            "read" | "for" => words.peek().copied(),
            word => word.split_once('=').map(|(name, _)| name),
        };
        names.extend(name.filter(|name| is_name(name)));
    }
    names
}

/// Writes a value so that the shell reads it back as it is.
fn quoted(value: &str, quote: Quote, into: &mut String) {
    for c in value.chars() {
        let needs_backslash = match quote {
            Quote::Double => matches!(c, '"' | '\\' | '$' | '`'),
            _ => matches!(
                c,
                '"' | '\''
                    | '\\'
                    | '$'
                    | '`'
                    | '&'
                    | '|'
                    | ';'
                    | '<'
                    | '>'
                    | '('
                    | ')'
                    | '#'
                    | '*'
                    | '?'
                    | '['
            ),
        };
        if needs_backslash {
            into.push('\\');
        }
        into.push(c);
    }
}
