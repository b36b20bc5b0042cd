//! In: a [`Value`]. Out: a quoted or multi-line string (RFC 5228 §2.4.2) that
//! every Sieve parser reads back as that value.
//!
//! Two things need care beyond RFC 5228. A literal `${` is expanded where
//! `variables` is in use, and by sieve-rs always; hex codes do not protect it,
//! since they are decoded first. It is written through a variable that holds
//! the dollar. sieve-rs takes no `@` in the name of a field, which others look
//! for, unless it comes out of a variable. And it reads a quoted backslash wrongly before some
//! characters; there the backslash is written by its code.

use super::script::{CommandKind, Part, Script, Value};
use super::target::{Extension, Target};
use super::walk;
use crate::syntax::is_hidden;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What a target has to write difficult characters with, and what of it was
/// used.
pub(super) struct Quoting {
    variables: bool,
    encoded_character: bool,
    dollar: Sign,
    at: Sign,
    used_encoding: Cell<bool>,
}

/// A sign that is written through a variable that holds it.
struct Sign {
    sign: &'static str,
    variable: String,
    used: Cell<bool>,
}

impl Sign {
    /// With a name that the script does not use.
    fn new(sign: &'static str, name: &str, taken: &BTreeSet<String>) -> Self {
        let numbers = (1usize..).map(|n| format!("{name}{n}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbers);
        Sign {
            sign,
            variable: names.find(|name| !taken.contains(name)).unwrap_or_default(),
            used: Cell::new(false),
        }
    }

    fn variable(&self) -> &str {
        self.used.set(true);
        &self.variable
    }
}

impl Quoting {
    /// What a target offers, with names that the script does not use for the signs
    /// that need a variable.
    pub(super) fn new(script: &Script, target: &Target) -> Self {
        let taken = variable_names(script);
        Quoting {
            variables: target.has(Extension::Variables),
            encoded_character: target.has(Extension::EncodedCharacter),
            dollar: Sign::new("$", "dollar", &taken),
            at: Sign::new("@", "at", &taken),
            used_encoding: Cell::new(false),
        }
    }

    /// Quoting that uses no extension.
    pub(super) fn plain() -> Self {
        let none = BTreeSet::new();
        Quoting {
            variables: false,
            encoded_character: false,
            dollar: Sign::new("$", "dollar", &none),
            at: Sign::new("@", "at", &none),
            used_encoding: Cell::new(false),
        }
    }

    /// The extensions that the strings written so far need.
    pub(super) fn used(&self) -> Vec<Extension> {
        let mut used = Vec::new();
        if !self.signs().is_empty() {
            used.push(Extension::Variables);
        }
        if self.used_encoding.get() {
            used.push(Extension::EncodedCharacter);
        }
        used
    }

    /// The variables that must hold a sign, each with it.
    pub(super) fn signs(&self) -> Vec<(&str, &'static str)> {
        let signs = [&self.dollar, &self.at].into_iter();
        { signs.filter(|sign| sign.used.get()) }
            .map(|sign| (sign.variable.as_str(), sign.sign))
            .collect()
    }

    /// The name of a field, as a quoted string.
    pub(super) fn field_name(&self, name: &str) -> String {
        let mut parts = Vec::new();
        for (at, part) in name.split('@').enumerate() {
            if at > 0 && self.variables {
                parts.push(Part::Variable(self.at.variable().to_owned()));
            } else if at > 0 {
                parts.push(Part::Text("@".to_owned()));
            }
            parts.push(Part::Text(part.to_owned()));
        }
        self.quoted(&Value(parts))
    }

    /// A quoted string.
    pub(super) fn quoted(&self, value: &Value) -> String {
        let mut out = String::from("\"");
        for part in joined(value) {
            match part {
                Part::Variable(name) => {
                    let _ = write!(out, "${{{name}}}");
                }
                Part::Text(text) => self.quote_text(&text, &mut out),
            }
        }
        // A backslash that now stands before the closing quote.
        if self.encoded_character && out.ends_with("\\\\") {
            out.truncate(out.len() - 2);
            out.push_str(&self.encode('\\'));
        }
        out.push('"');
        out
    }

    /// A multi-line string, where the value has several lines and ends with a
    /// line end, as every multi-line string does.
    pub(super) fn multi_line(&self, value: &Value) -> Option<String> {
        let text: String = joined(value).iter().map(written).collect();
        let text = text.replace("\r\n", "\n");
        if !text.ends_with('\n') || text.contains('\r') {
            return None;
        }
        let mut out = String::from("text:\n");
        for part in joined(value) {
            match part {
                Part::Variable(name) => {
                    let _ = write!(out, "${{{name}}}");
                }
                Part::Text(text) => {
                    let mut chars = text.chars().peekable();
                    while let Some(c) = chars.next() {
                        match c {
                            '\r' => {}
                            '.' if out.ends_with('\n') => out.push_str(".."),
                            '$' if chars.peek() == Some(&'{') => self.dollar_sign(&mut out),
                            c => self.plain_char(c, &mut out),
                        }
                    }
                }
            }
        }
        out.push_str(".\n");
        Some(out)
    }

    fn quote_text(&self, text: &str, out: &mut String) {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek();
            match c {
                '"' => out.push_str("\\\""),
                '\\' if self.encoded_character
                    && matches!(next, Some('\\' | '"' | 'n' | 'r' | 't')) =>
                {
                    out.push_str(&self.encode('\\'));
                }
                '\\' => out.push_str("\\\\"),
                '\r' if next == Some(&'\n') => {}
                '$' if next == Some(&'{') => self.dollar_sign(out),
                c => self.plain_char(c, out),
            }
        }
    }

    fn dollar_sign(&self, out: &mut String) {
        if self.variables {
            let _ = write!(out, "${{{}}}", self.dollar.variable());
        } else if self.encoded_character {
            out.push_str(&self.encode('$'));
        } else {
            out.push('$');
        }
    }

    fn plain_char(&self, c: char, out: &mut String) {
        if !is_hidden(c) {
            out.push(c);
        } else if self.encoded_character {
            out.push_str(&self.encode(c));
        } else if c == '\0' {
            // No script can hold it, and no field of a message does.
            out.push(char::REPLACEMENT_CHARACTER);
        } else {
            out.push(c);
        }
    }

    fn encode(&self, c: char) -> String {
        self.used_encoding.set(true);
        match c.is_ascii() {
            true => format!("${{hex:{:02x}}}", c as u32),
            false => format!("${{unicode:{:x}}}", c as u32),
        }
    }
}

impl Value {
    /// The names of the variables it refers to.
    pub fn references(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|part| match part {
                Part::Variable(name) => Some(name.as_str()),
                Part::Text(_) => None,
            })
            .collect()
    }

    /// Its text, where it refers to no variable.
    pub fn as_text(&self) -> Option<String> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Variable(_) => None,
            })
            .collect()
    }
}

/// The parts, neighbouring texts as one.
fn joined(value: &Value) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for part in &value.0 {
        match (parts.last_mut(), part) {
            (Some(Part::Text(last)), Part::Text(text)) => last.push_str(text),
            _ => parts.push(part.clone()),
        }
    }
    parts
}

fn written(part: &Part) -> String {
    match part {
        Part::Text(text) => text.clone(),
        Part::Variable(name) => format!("${{{name}}}"),
    }
}

/// The names of all variables that a script sets or reads, in lower case.
fn variable_names(script: &Script) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for command in walk::commands(&script.commands) {
        let read = walk::values(&command.kind).flat_map(Value::references);
        names.extend(read.map(str::to_lowercase));
        if let CommandKind::Set { name, .. } = &command.kind {
            names.insert(name.to_lowercase());
        }
    }
    names
}
