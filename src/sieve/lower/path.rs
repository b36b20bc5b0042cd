//! What is known of a message on its way to a step.

use super::Label;
use crate::rules::model::StatementId;
use crate::sieve::script::{Part, Value};
use std::collections::HashMap;

/// What is known on the way to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub chain: Chained,
    /// Variables that were assigned on the way.
    pub variables: HashMap<String, Known>,
    /// What the script's variables are made of, where that still holds: other
    /// variables, and text.
    pub made: HashMap<String, Value>,
    /// What the mailer is told at the end (`EXITCODE`); `None` where that is
    /// not the same for every message.
    pub exit_code: Option<i32>,
    /// A message may come here that procmail did not bring here, because of
    /// this statement.
    pub doubt: Option<StatementId>,
    /// As `doubt`, up to the end of the block or chain whose condition this is.
    pub exceeds: Option<StatementId>,
    /// It is not the message itself but a clone of it, whose end is there.
    pub clone: Option<Label>,
    /// The end of the included file that the step stands in.
    pub file: Option<Label>,
    /// Blocks around the step.
    pub depth: usize,
}

/// What the flags `A a E e` ask for (procmailrc(5)): `None` where it depends on
/// the message and could not be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chained {
    /// The last recipe without `A` and `a` matched.
    pub last: Option<bool>,
    /// The recipe just before ran, or one before it in a chain of `E`.
    pub previous: Option<bool>,
    /// The last action succeeded.
    pub succeeded: Option<bool>,
}

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// The same for every message.
    Text(String),
    /// The script's variable of that name holds it; where `doubtful`, a rule
    /// that is not exact decided on it.
    Carried { doubtful: bool },
    /// The script does not have it.
    Lost,
}

impl Path {
    /// The way into the rules.
    pub fn new() -> Self {
        Path {
            chain: Chained {
                last: Some(false),
                previous: Some(false),
                succeeded: Some(false),
            },
            variables: HashMap::new(),
            made: HashMap::new(),
            exit_code: Some(0),
            doubt: None,
            exceeds: None,
            clone: None,
            file: None,
            depth: 0,
        }
    }

    /// A variable of the script gets another value.
    pub fn forget(&mut self, name: &str) {
        self.made.remove(name);
        self.made
            .retain(|_, value| !value.references().contains(&name));
    }

    /// A value with the variables taken apart that are made of others.
    pub fn apart(&self, value: &Value) -> Value {
        let mut parts = Vec::new();
        for part in &value.0 {
            match part {
                Part::Variable(name) => match self.made.get(name) {
                    Some(made) => parts.extend(made.0.iter().cloned()),
                    None => parts.push(part.clone()),
                },
                Part::Text(_) => parts.push(part.clone()),
            }
        }
        Value(parts)
    }

    /// Why a message may be here that procmail did not bring here.
    pub fn doubtful(&self) -> Option<StatementId> {
        self.exceeds.or(self.doubt)
    }

    /// The way on, where a message can have come by either.
    pub fn join(mut self, other: Path) -> Path {
        let chain = &mut self.chain;
        let same = |one: Option<bool>, other: Option<bool>| one.filter(|_| one == other);
        chain.last = same(chain.last, other.chain.last);
        chain.previous = same(chain.previous, other.chain.previous);
        chain.succeeded = same(chain.succeeded, other.chain.succeeded);
        self.exit_code = self.exit_code.filter(|_| self.exit_code == other.exit_code);
        self.doubt = self.doubt.or(other.doubt);
        self.exceeds = self.exceeds.or(other.exceeds);
        self.made
            .retain(|name, value| other.made.get(name) == Some(value));
        // What only one way assigned was empty on the other.
        let empty = || Known::Text(String::new());
        for (name, known) in &mut self.variables {
            let theirs = other.variables.get(name).cloned().unwrap_or_else(empty);
            let ours = std::mem::replace(known, Known::Lost);
            *known = ours.join(theirs);
        }
        for (name, theirs) in other.variables {
            let ours = self.variables.entry(name);
            ours.or_insert_with(|| empty().join(theirs));
        }
        self
    }
}

impl Known {
    fn join(self, other: Known) -> Known {
        match (self, other) {
            (Known::Lost, _) | (_, Known::Lost) => Known::Lost,
            (Known::Text(one), Known::Text(other)) if one == other => Known::Text(one),
            (one, other) => Known::Carried {
                doubtful: one.is_doubtful() || other.is_doubtful(),
            },
        }
    }

    fn is_doubtful(&self) -> bool {
        matches!(self, Known::Carried { doubtful: true })
    }
}
