//! In: an expression, and texts. Out: where it matches them, as procmail finds
//! it: the match that ends first; behind a `\/`, the longest.
//!
//! Whether there is a match at all is asked of a lazy automaton (`automaton`); what goes to `MATCH`, of a
//! simulation of procmail's own (`threads`). Both run the same `program`, and neither
//! goes back in the text.

mod automaton;
mod program;
mod threads;

use super::{Expression, Regex};
use automaton::Automaton;
use program::Program;
pub use program::Reading;
use std::ops::Range;

/// A match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// One past its last byte. Where that is the newline behind the text, one
    /// past the text.
    pub end: usize,
    /// What goes to `MATCH`; without `\/`, nothing does.
    pub matched: Option<Range<usize>>,
}

/// An expression, ready to be held against many texts.
#[derive(Debug)]
pub struct Matcher {
    program: Program,
    automaton: Option<Automaton>,
}

impl Expression {
    /// Makes it ready.
    pub fn matcher(&self) -> Matcher {
        let program = Program::new(&self.regex);
        let automaton = Automaton::new(&program);
        Matcher { program, automaton }
    }

    /// How procmail reads it. What a matcher finds is what procmail finds,
    /// however it reads; what it finds by a fatal reading is made up.
    pub fn reading(&self) -> Reading {
        match ways_meet(&self.regex) {
            true => Program::new(&self.regex).reading,
            false => Reading::True,
        }
    }

    /// Whether and where it matches a text.
    pub fn find(&self, text: &[u8]) -> Option<Found> {
        self.matcher().find(text)
    }
}

impl Matcher {
    /// Whether and where it matches a text.
    pub fn find(&self, text: &[u8]) -> Option<Found> {
        self.find_from(text, 0)
    }

    /// As [`Matcher::find`], from a place behind an earlier match. What lies
    /// before it is seen where it is a newline, which then is matched again.
    pub fn find_from(&self, text: &[u8], start: usize) -> Option<Found> {
        let start = start.min(text.len());
        let end = match self.automaton.as_ref().map(|it| it.end(text, start)) {
            Some(Ok(None)) => return None,
            Some(Ok(end)) => end,
            // Without automaton, or where it gave up.
            None | Some(Err(_)) => None,
        };
        match end {
            Some(end) if self.program.is_plain => Some(Found { end, matched: None }),
            _ => threads::find(&self.program, text, start),
        }
    }

    /// The matches that a weight (`w^x`) counts, in order. A match that does
    /// not get on ([`Found::end`] is where the search began) is the last.
    pub fn matches<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Found> + 'a {
        let mut at = Some(0);
        std::iter::from_fn(move || {
            let start = at.filter(|&at| at <= text.len())?;
            let found = self.find_from(text, start)?;
            at = (found.end > start).then_some(found.end);
            Some(found)
        })
    }
}

/// Whether procmail takes shortcuts through the expression.
pub(super) fn takes_shortcuts(regex: &Regex) -> bool {
    ways_meet(regex) && Program::new(regex).takes_shortcuts
}

/// Whether two ways through an expression that match nothing come to one place.
/// Without any, there is nothing that procmail could take for a circle.
fn ways_meet(regex: &Regex) -> bool {
    match regex {
        Regex::Class(_) | Regex::Edge | Regex::Split => false,
        Regex::Concat(items) => items.iter().any(ways_meet),
        Regex::Alternate(items) => {
            items.iter().any(ways_meet) || items.iter().filter(|it| it.is_nullable()).count() > 1
        }
        Regex::Star(body) | Regex::Plus(body) | Regex::Optional(body) => {
            body.is_nullable() || ways_meet(body)
        }
    }
}

#[cfg(test)]
mod tests;
