//! In: the texts of expressions. Out: what each asks of a message, found once:
//! hostile rules ask the same a thousand times, and the users of one host copy
//! recipes from each other.

use super::manual;
use super::pattern::{self, Matched, Note};
use crate::report::code::Code;
use crate::rules::expression::Expression;
use crate::sieve::target::Target;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

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
pub struct Expressions(Mutex<HashMap<Key, Arc<Asked>>>);

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
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = known().get(key) {
            return Ok(Arc::clone(asked));
        }
        let (text, distinguishes) = key;
        let expression = Expression::new(text, *distinguishes).map_err(|error| {
            manual(
                Code::TooComplex,
                format!("The expression is too large: {error}"),
            )
        })?;
        let asked = Arc::new(Asked::of(expression));
        let mut known = known();
        if text.len() <= LONGEST && known.len() < MOST {
            known.insert(key.clone(), Arc::clone(&asked));
        }
        Ok(asked)
    }
}
