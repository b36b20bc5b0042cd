//! In: the texts of expressions. Out: expressions ready to search, each
//! compiled once.

use crate::rules::expression::{Expression, matcher::Matcher};
use std::collections::HashMap;
use std::sync::Arc;

/// Expressions that only messages complete are kept up to this number.
const MOST: usize = 1000;

/// An expression that is ready; nothing where it is too large.
pub type Search = Option<Arc<Matcher>>;

/// Compiled expressions, by their text; apart where case matters.
#[derive(Debug, Default)]
pub struct Searches {
    exact: HashMap<Vec<u8>, Search>,
    folded: HashMap<Vec<u8>, Search>,
}

impl Searches {
    /// A compiled expression.
    pub fn get(&self, text: &[u8], distinguishes: bool) -> Option<Search> {
        let searches = match distinguishes {
            true => &self.exact,
            false => &self.folded,
        };
        searches.get(text).cloned()
    }

    /// Compiles an expression, unless that was done.
    pub fn make(&mut self, text: &[u8], distinguishes: bool) -> Search {
        let searches = match distinguishes {
            true => &mut self.exact,
            false => &mut self.folded,
        };
        if let Some(search) = searches.get(text) {
            return search.clone();
        }
        let expression = Expression::from_bytes(text, distinguishes).ok();
        let search = expression.map(|expression| Arc::new(expression.matcher()));
        searches.insert(text.to_vec(), search.clone());
        search
    }

    /// As [`Searches::make`], but what is kept does not grow without end.
    pub fn make_for_now(&mut self, text: &[u8], distinguishes: bool) -> Search {
        if self.exact.len() + self.folded.len() >= MOST {
            self.exact.clear();
            self.folded.clear();
        }
        self.make(text, distinguishes)
    }
}
