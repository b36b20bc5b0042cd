//! In: the texts of expressions. Out: what each asks of a message, found once:
//! hostile rules ask the same a thousand times, and the users of one host copy
//! recipes from each other.

use super::pattern::{self, Matched};
use crate::ledger::{Code, Note};
use crate::rules::expression::Expression;
use crate::sieve::shared::Shared;
use crate::sieve::target::Target;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Expressions that are kept for other homes, and the longest of their texts:
/// some 20 MB at most.
const MOST: usize = 2048;
const LONGEST: usize = 256;

/// An expression, and what it asks of a message.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) expression: Expression,
    header: OnceLock<Result<Matched, Note>>,
    body: OnceLock<Result<Matched, Note>>,
}

impl Asked {
    pub(super) fn of(expression: Expression) -> Self {
        Asked {
            expression,
            header: OnceLock::new(),
            body: OnceLock::new(),
        }
    }

    pub(super) fn header(&self, target: &Target) -> Result<Matched, Note> {
        let of = || pattern::header(&self.expression, target);
        self.header.get_or_init(of).clone()
    }

    pub(super) fn body(&self, target: &Target) -> Result<Matched, Note> {
        let of = || pattern::body(&self.expression, target);
        self.body.get_or_init(of).clone()
    }
}

/// The text of an expression, and whether it distinguishes case.
type Key = (String, bool);

/// What one server makes of expressions, for all homes that are translated for
/// it.
#[derive(Debug, Default)]
pub struct Expressions(Shared<Key, Arc<Asked>, MOST>);

/// What is known of expressions in one home.
pub(super) struct Known<'a> {
    shared: &'a Expressions,
    own: HashMap<Key, Result<Arc<Asked>, Note>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(shared: &'a Expressions) -> Self {
        Known {
            shared,
            own: HashMap::new(),
        }
    }

    /// The expression that a text is.
    ///
    /// # Errors
    /// Where it is too large.
    pub(super) fn meant(&mut self, text: String, distinguishes: bool) -> Result<Arc<Asked>, Note> {
        let key = (text, distinguishes);
        if let Some(known) = self.own.get(&key) {
            return known.clone();
        }
        let asked = self.shared.meant(&key);
        self.own.insert(key, asked.clone());
        asked
    }
}

impl Expressions {
    fn meant(&self, key: &Key) -> Result<Arc<Asked>, Note> {
        let (text, distinguishes) = key;
        let is_small = text.len() <= LONGEST;
        self.0.answer(key, is_small, || {
            let expression = Expression::new(text, *distinguishes).map_err(|error| {
                Note::manual(
                    Code::TooComplex,
                    format!("The expression is too large: {error}"),
                )
            })?;
            Ok(Arc::new(Asked::of(expression)))
        })
    }
}
