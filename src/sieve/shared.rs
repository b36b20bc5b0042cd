//! In: a question that homes have in common, such as what a script does. Out: its
//! answer, found once for all homes that are translated together.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// The answers to at most `MOST` questions.
#[derive(Debug)]
pub(super) struct Shared<K, V, const MOST: usize>(Mutex<HashMap<K, V>>);

impl<K, V, const MOST: usize> Default for Shared<K, V, MOST> {
    fn default() -> Self {
        Shared(Mutex::default())
    }
}

impl<K: Hash + Eq, V: Clone, const MOST: usize> Shared<K, V, MOST> {
    /// The answer to a question; one that is found anew is kept where it `is_small`.
    ///
    /// # Errors
    /// Those of `find`, which are not kept.
    pub(super) fn answer<Q, E>(
        &self,
        question: &Q,
        is_small: bool,
        find: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known().get(question) {
            return Ok(answer.clone());
        }
        // Not while others wait.
        let answer = find()?;
        let mut known = known();
        if is_small && known.len() < MOST {
            known.insert(question.to_owned(), answer.clone());
        }
        Ok(answer)
    }
}
