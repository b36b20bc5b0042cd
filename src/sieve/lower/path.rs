//! In: what the steps above a step do. Out: what is known of a message that
//! comes to it.

use super::names::Label;
use super::shape::Shape;
use super::variables::is_special;
use crate::rules::model::{Chained, Folder, Run, StatementId, Text};
use crate::rules::path as paths;
use crate::sieve::script::{Command, CommandKind, Part, Value};
use crate::sieve::walk;
use std::collections::HashMap;
use std::rc::Rc;

/// What is known on the way to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub chain: Chained,
    /// Variables that were assigned on the way. Ways share them up to where they
    /// part, as they do what is below.
    variables: Rc<HashMap<String, Known>>,
    /// What the script's variables are made of, where that still holds: other
    /// variables, and text.
    made: Rc<HashMap<String, Value>>,
    /// Where procmail is, from which relative paths start (`MAILDIR`); `None`
    /// where that is not known, or not the same for every message.
    pub directory: Option<Rc<str>>,
    /// What the mailer is told at the end (`EXITCODE`); `None` where that is
    /// not the same for every message.
    pub exit_code: Option<i32>,
    /// A message may come here that procmail did not bring here, because of
    /// this statement.
    pub doubt: Option<StatementId>,
    /// As `doubt`, up to the end of the block or chain whose condition this is.
    pub exceeds: Option<StatementId>,
    /// The server may have done something with the message above.
    pub acted: bool,
    /// It may have answered it.
    pub answered: bool,
    /// Where in the rules the step stands.
    pub place: Place,
}

/// What is around a step, whichever way a message came to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// It is not the message itself but a clone of it, whose end is there.
    pub clone: Option<Label>,
    /// The end of the included file that the step stands in.
    pub file: Option<Label>,
    /// Blocks around the step.
    pub depth: usize,
    /// The call of procmail that it belongs to.
    pub called: Rc<Called>,
}

/// A call of procmail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Called {
    /// Where a message goes that no rule files.
    pub default: Folder,
    /// The statement that says so; none where it is the system's mailbox.
    pub default_at: Option<StatementId>,
    /// Variables that the mailer had set have values that nobody knows.
    pub preserves: bool,
}

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// The same for every message.
    Text(Rc<str>),
    /// The script's variable of that name holds it; where `doubtful`, a rule
    /// that is not exact decided on it.
    Carried { doubtful: bool, shape: Shape },
    /// The script does not have it.
    Lost,
}

impl Path {
    /// The way into the rules of a home.
    pub fn new(home: &str) -> Self {
        Path {
            chain: Chained::AT_FIRST,
            variables: Rc::default(),
            made: Rc::default(),
            directory: Some(home.into()),
            exit_code: Some(0),
            doubt: None,
            exceeds: None,
            acted: false,
            answered: false,
            place: Place::default(),
        }
    }

    /// The way begins with rules of their own; `default_at`, what has set the default
    /// mailbox where no rule does.
    pub fn begin(&mut self, run: &Run, default_at: Option<StatementId>) {
        self.place.called = Rc::new(Called {
            default: run.default.clone(),
            default_at: run.last_assignment("DEFAULT").or(default_at),
            preserves: run.preserves,
        });
    }

    /// What is known of a variable that was assigned on the way.
    pub fn known(&self, name: &str) -> Option<&Known> {
        self.variables.get(name)
    }

    /// What the values of the variables can be that were assigned on the way.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, Shape)> {
        self.variables
            .iter()
            .map(|(name, known)| (name.as_str(), known.shape()))
    }

    /// A variable of the rules is assigned.
    pub fn learn(&mut self, name: &str, known: Known) {
        Rc::make_mut(&mut self.variables).insert(name.to_owned(), known);
    }

    /// A condition has seen what a variable holds.
    pub fn narrow(&mut self, name: &str, seen: Shape) {
        if let Some(Known::Carried { doubtful, shape }) = self.variables.get(name) {
            let (doubtful, shape) = (*doubtful, seen.max(*shape));
            self.learn(name, Known::Carried { doubtful, shape });
        }
    }

    /// Nothing more is asked of this way.
    pub fn let_go(&mut self) {
        self.variables = Rc::default();
        self.made = Rc::default();
    }

    /// A variable may have been meant to hold something else.
    pub fn doubt_value(&mut self, name: &str) {
        let known = self.variables.get(name).cloned();
        if known.is_none() && is_special(name) {
            return;
        }
        let known = match known.unwrap_or_default() {
            Known::Lost => Known::Lost,
            known => Known::Carried {
                doubtful: true,
                shape: known.shape(),
            },
        };
        self.learn(name, known);
    }

    /// `MAILDIR` is assigned.
    pub fn enter(&mut self, value: &Text) {
        self.directory = match (value.known(), self.directory.take()) {
            (Some(""), directory) => directory,
            (Some(to), Some(directory)) => Some(paths::join(&directory, to).into()),
            (Some(to), None) if to.starts_with('/') => Some(paths::join("/", to).into()),
            _ => None,
        };
    }

    /// A variable of the script gets another value.
    pub fn forget(&mut self, name: &str) {
        let is_of = |value: &Value| value.references().contains(&name);
        if self.made.contains_key(name) || self.made.values().any(is_of) {
            Rc::make_mut(&mut self.made).retain(|made, value| made != name && !is_of(value));
        }
    }

    /// A variable of the script is made of others from here on.
    pub fn make(&mut self, name: String, of: Value) {
        Rc::make_mut(&mut self.made).insert(name, of);
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

    /// Takes note of what commands do with a message that goes on behind them.
    pub fn goes_through(&mut self, commands: &[Command]) {
        for command in walk::commands(commands) {
            match command.kind {
                CommandKind::Vacation { .. } => (self.acted, self.answered) = (true, true),
                CommandKind::FileInto { .. }
                | CommandKind::Redirect { .. }
                | CommandKind::Keep { .. } => self.acted = true,
                _ => {}
            }
        }
    }

    /// A message may be here that procmail did not bring here, because of a statement.
    pub fn doubts(&mut self, at: StatementId) {
        self.doubt = self.doubt.or(Some(at));
    }

    /// Goes on from here, with what is known on another way.
    pub fn go_on(&mut self, known: Path) {
        let place = std::mem::take(&mut self.place);
        *self = Path { place, ..known };
    }

    /// Why a message may be here that procmail did not bring here.
    pub fn doubtful(&self) -> Option<StatementId> {
        self.doubt.or(self.exceeds)
    }

    /// The way on, where a message can have come by either.
    pub fn join(mut self, other: Path) -> Path {
        let chain = &mut self.chain;
        let same = |one: Option<bool>, other: Option<bool>| one.filter(|_| one == other);
        chain.last = same(chain.last, other.chain.last);
        chain.previous = same(chain.previous, other.chain.previous);
        chain.succeeded = same(chain.succeeded, other.chain.succeeded);
        self.exit_code = self.exit_code.filter(|_| self.exit_code == other.exit_code);
        self.directory = self
            .directory
            .filter(|directory| other.directory.as_ref() == Some(directory));
        self.doubt = self.doubt.or(other.doubt);
        self.exceeds = self.exceeds.or(other.exceeds);
        self.acted |= other.acted;
        self.answered |= other.answered;
        if !Rc::ptr_eq(&self.made, &other.made) {
            Rc::make_mut(&mut self.made).retain(|name, value| other.made.get(name) == Some(value));
        }
        if Rc::ptr_eq(&self.variables, &other.variables) {
            return self;
        }
        // What only one way assigned was empty on the other.
        let variables = Rc::make_mut(&mut self.variables);
        for (name, known) in variables.iter_mut() {
            let theirs = other.variables.get(name).cloned().unwrap_or_default();
            let ours = std::mem::replace(known, Known::Lost);
            *known = ours.join(theirs);
        }
        for (name, theirs) in other.variables.iter() {
            if !variables.contains_key(name) {
                variables.insert(name.clone(), Known::default().join(theirs.clone()));
            }
        }
        self
    }
}

impl Default for Known {
    /// Of a variable that was not assigned.
    fn default() -> Self {
        Known::Text(Rc::default())
    }
}

impl Known {
    fn join(self, other: Known) -> Known {
        match (self, other) {
            (Known::Lost, _) | (_, Known::Lost) => Known::Lost,
            (Known::Text(one), Known::Text(other)) if one == other => Known::Text(one),
            (one, other) => Known::Carried {
                doubtful: one.is_doubtful() || other.is_doubtful(),
                shape: one.shape().min(other.shape()),
            },
        }
    }

    fn shape(&self) -> Shape {
        match self {
            Known::Text(text) => Shape::of(text),
            Known::Carried { shape, .. } => *shape,
            Known::Lost => Shape::Anything,
        }
    }

    fn is_doubtful(&self) -> bool {
        matches!(self, Known::Carried { doubtful: true, .. })
    }
}
