//! In: an expression with variables that only a message decides. Out: the text
//! of it with a sign in the place of each, and the variables put into the test
//! that it became.

use super::Lowering;
use super::guard::Held;
use super::names::{quoted_name, script_name};
use super::path::{Known, Path};
use super::pattern::Fit;
use super::value::{lost, no_quoting, quotes_expressions};
use crate::ledger::{Code, Note};
use crate::rules::expression;
use crate::rules::model::{Piece, Text};
use crate::sieve::script::{Command, Match, Modifier, Part, Test, Value};
use crate::sieve::target::Extension;
use crate::sieve::walk;

/// Stands for a variable in an expression while that is lowered; private use,
/// so that no rule file has it.
const PLACE: char = '\u{f8f0}';

/// Most variables in one expression.
const MAX_PLACES: usize = 8;

/// A variable in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The script's name for it.
    pub name: String,
    /// `$\NAME`.
    is_quoted: bool,
}

impl Lowering<'_> {
    /// The text of an expression with a character in the place of each
    /// variable whose value only a message decides.
    pub(super) fn with_places(
        &mut self,
        text: &Text,
        path: &Path,
    ) -> Result<(String, Vec<Place>, bool), Note> {
        let mut written = String::new();
        let mut places = Vec::new();
        let mut doubt = false;
        for piece in &text.0 {
            let (name, is_quoted) = match piece {
                Piece::Literal(text) => {
                    written.push_str(text);
                    continue;
                }
                Piece::Variable(name) => (name, false),
                Piece::Quoted(name) => (name, true),
                piece => {
                    let prepared = self.value(&Text(vec![piece.clone()]), path)?;
                    match prepared.value.as_text() {
                        Some(text) => written.push_str(&text),
                        None => {
                            return Err(Note::manual(
                                Code::RuntimeExpression,
                                "The expression is put together anew for each message",
                            ));
                        }
                    }
                    continue;
                }
            };
            match self.known(name, path) {
                Known::Text(text) if is_quoted => {
                    // The empty group keeps its first byte from being a mark.
                    written.push_str("()");
                    written.push_str(&expression::quoted(&text));
                }
                Known::Text(text) => written.push_str(&text),
                Known::Carried { doubtful, .. } => {
                    doubt |= doubtful;
                    let mark = char::from_u32(PLACE as u32 + places.len() as u32)
                        .filter(|_| places.len() < MAX_PLACES)
                        .ok_or_else(|| {
                            Note::manual(
                                Code::RuntimeExpression,
                                "The expression is made of too many variables",
                            )
                        })?;
                    written.push(mark);
                    places.push(Place {
                        name: script_name(name),
                        is_quoted,
                    });
                }
                Known::Lost => return Err(lost(name)),
            }
        }
        Ok((written, places, doubt))
    }

    /// Puts the variables into the keys where they had a place.
    pub(super) fn put_variables(&mut self, held: &mut Held, places: &[Place]) -> Result<(), Note> {
        if !self.target.has(Extension::Variables) {
            return Err(Note::manual(
                Code::NoVariables,
                "The server has no variables, and the expression is made of one",
            ));
        }
        if places.iter().any(|place| !place.is_quoted) {
            held.fit = Fit::LOOSE;
            held.notes.push(as_it_stands());
        }
        let mut before = Vec::new();
        each_key(&mut held.test, &mut |by, key| {
            let modifier = match by {
                Match::Regex => Some(Modifier::QuoteRegex),
                Match::Matches => Some(Modifier::QuoteWildcard),
                _ => None,
            };
            let mut parts = Vec::new();
            for part in std::mem::take(&mut key.0) {
                let Part::Text(text) = part else {
                    parts.push(part);
                    continue;
                };
                let mut literal = String::new();
                for c in text.chars() {
                    let at = (c as u32).wrapping_sub(PLACE as u32) as usize;
                    match places.get(at) {
                        None => literal.push(c),
                        Some(place) => {
                            let mut name = place.name.clone();
                            if let Some(modifier) = modifier {
                                let quoted = quoted_name(&name, modifier);
                                let set =
                                    Command::set(&quoted, &[modifier], Value::variable(&name));
                                if !before.contains(&set) {
                                    before.push(set);
                                }
                                name = quoted;
                            }
                            parts.push(Part::Text(std::mem::take(&mut literal)));
                            parts.push(Part::Variable(name));
                        }
                    }
                }
                parts.push(Part::Text(literal));
            }
            parts.retain(|part| *part != Part::Text(String::new()));
            key.0 = parts;
        });
        if !self.target.quoteregex && before.iter().any(quotes_expressions) {
            return Err(no_quoting());
        }
        held.before.extend(before);
        Ok(())
    }
}

fn each_key(test: &mut Test, change: &mut dyn FnMut(&Match, &mut Value)) {
    walk::each_test_mut(test, &mut |test| {
        if let Some((compare, keys)) = test.compared_mut() {
            keys.iter_mut().for_each(|key| change(&compare.by, key));
        }
    });
}

/// The blank that a variable holds is not in the value of a field.
pub(super) fn begins_with_blank() -> Note {
    Note::adapted(
        Code::FieldValue,
        "The variable begins with a blank, which the server does not see where a field's value begins",
    )
}

/// What a variable holds is no expression here.
pub(super) fn as_it_stands() -> Note {
    Note::adapted(
        Code::RuntimeExpression,
        "What the variable holds is looked for as it stands, not as an expression",
    )
}
