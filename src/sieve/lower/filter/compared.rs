//! In: how an Exim filter compares texts. Out: how Sieve does.

use super::condition::unasked;
use crate::ledger::Note;
use crate::rules::model::filter::Comparison;
use crate::sieve::lower::pattern::escaped;
use crate::sieve::script::{Compare, Match};

/// What a comparison asks of a text.
pub(super) enum Wanted {
    /// The same for every text.
    Always(bool),
    Key(Match, String),
}

/// A comparison of two texts.
pub(super) struct Compared<'a> {
    pub by: Comparison,
    pub case: bool,
    pub key: &'a str,
}

impl Compared<'_> {
    /// The match type and key.
    pub fn sieve(&self, key: &str) -> Result<Wanted, Note> {
        match self.by {
            // Exim finds nothing nowhere, unless it looks at the case.
            Comparison::Contains if key.is_empty() => return Ok(Wanted::Always(self.case)),
            Comparison::Begins | Comparison::Ends if key.is_empty() => {
                return Ok(Wanted::Always(true));
            }
            _ if key.contains(['\n', '\r', '\0']) => {
                return Err(unasked(
                    "The condition asks for a line end, and Sieve sees none",
                ));
            }
            _ => {}
        }
        let (by, key) = match self.by {
            Comparison::Is => (Match::Is, key.to_owned()),
            Comparison::Contains => (Match::Contains, key.to_owned()),
            Comparison::Begins => (Match::Matches, format!("{}*", escaped(key))),
            Comparison::Ends => (Match::Matches, format!("*{}", escaped(key))),
            Comparison::Matches => {
                return Err(unasked(
                    "The regular expression is for a text that the new server's rules cannot search",
                ));
            }
            Comparison::Above | Comparison::Below => {
                return Err(unasked(
                    "The rules of the new server cannot compare this as a number",
                ));
            }
        };
        Ok(Wanted::Key(by, key))
    }

    pub fn compare(&self, by: Match) -> Compare {
        Compare {
            by,
            octet: self.case,
        }
    }

    /// Whether it holds for a text that is known.
    pub fn holds(&self, text: &str) -> Option<bool> {
        self.by.holds(text, self.key, self.case)
    }
}
