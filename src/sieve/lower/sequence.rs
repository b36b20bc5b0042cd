//! In: what steps do, one after the other, some of which leave their block
//! early. Out: commands in which nothing runs behind such an end.
//!
//! Sieve has no jump but `stop`. What follows a rule that leaves early becomes
//! its `else`, or asks a variable.

use super::names::Label;
use crate::sieve::script::{Command, CommandKind, Match, Test, Value};
use std::collections::BTreeSet;

/// What some steps do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flow {
    pub commands: Vec<Command>,
    /// A message can come out of their end.
    pub falls: bool,
    /// Where else it can have gone, other than to the end of the script.
    pub exits: BTreeSet<Label>,
}

impl Flow {
    /// Commands behind which the steps go on.
    pub fn of(commands: Vec<Command>) -> Self {
        Flow {
            commands,
            falls: true,
            exits: BTreeSet::new(),
        }
    }

    pub fn nothing() -> Self {
        Flow::of(Vec::new())
    }

    /// Whether all that comes in has left before the end, unless no branch of
    /// the last `if` was taken.
    fn leaves_by_branches(&self) -> bool {
        match self.commands.last().map(|last| &last.kind) {
            Some(CommandKind::If {
                branches,
                otherwise: None,
            }) => branches.iter().all(|(_, block)| ends(block, &self.exits)),
            _ => false,
        }
    }
}

/// Whether a block ends in `stop`, or in the note that its place was left.
fn ends(block: &[Command], exits: &BTreeSet<Label>) -> bool {
    match block.last().map(|last| &last.kind) {
        Some(CommandKind::Stop) => true,
        Some(CommandKind::Set { name, .. }) => exits.iter().any(|label| label.variable() == *name),
        Some(CommandKind::If {
            branches,
            otherwise: Some(otherwise),
        }) => branches.iter().all(|(_, block)| ends(block, exits)) && ends(otherwise, exits),
        _ => false,
    }
}

/// Steps put one behind the other.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// Each `if` whose `else` is still being filled, with what is before it.
    open: Vec<(Vec<Command>, Command)>,
    commands: Vec<Command>,
    exits: BTreeSet<Label>,
    /// Asked before anything more is done.
    asked: BTreeSet<Label>,
    ended: bool,
}

/// Blocks within blocks that are made this way; then a variable is asked.
const MAX_OPEN: usize = 12;

impl Sequence {
    /// Appends what the next steps do.
    pub fn push(&mut self, flow: Flow) {
        if self.ended {
            return;
        }
        let by_branches = flow.leaves_by_branches();
        let Flow {
            mut commands,
            falls,
            exits,
        } = flow;
        if !self.asked.is_empty() && !commands.is_empty() {
            commands = vec![Command::when(goes_on(&self.asked), commands)];
        }
        self.commands.extend(commands);
        self.ended = !falls;
        if falls && !exits.is_empty() {
            if by_branches && self.asked.is_empty() && self.open.len() < MAX_OPEN {
                let mut before = std::mem::take(&mut self.commands);
                if let Some(last) = before.pop() {
                    self.open.push((before, last));
                }
            } else {
                self.asked.extend(&exits);
            }
        }
        self.exits.extend(exits);
    }

    /// Whether what comes next must ask a variable which messages have left.
    pub fn asks(&self) -> bool {
        !self.ended && !self.asked.is_empty()
    }

    /// Whether nothing comes behind what was appended last.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The whole.
    pub fn close(self) -> Flow {
        let Sequence {
            open,
            mut commands,
            exits,
            ended,
            ..
        } = self;
        for (mut before, mut last) in open.into_iter().rev() {
            if let CommandKind::If {
                branches,
                otherwise,
            } = &mut last.kind
            {
                append_else(branches, otherwise, commands);
            }
            before.push(last);
            commands = before;
        }
        Flow {
            commands,
            falls: !ended,
            exits,
        }
    }
}

/// Gives an `if` its `else`; one that is an `if` itself becomes `elsif`.
pub(super) fn append_else(
    branches: &mut Vec<(Test, Vec<Command>)>,
    otherwise: &mut Option<Vec<Command>>,
    mut rest: Vec<Command>,
) {
    match rest.as_mut_slice() {
        [] => {}
        [
            Command {
                origins,
                kind:
                    CommandKind::If {
                        branches: more,
                        otherwise: last,
                    },
            },
        ] => {
            if let Some((_, first)) = more.first_mut()
                && let Some(first) = first.first_mut()
            {
                let above = std::mem::take(origins);
                first.origins.splice(0..0, above);
            }
            branches.append(more);
            *otherwise = last.take();
        }
        _ => *otherwise = Some(rest),
    }
}

/// None of these places was left for.
fn goes_on(labels: &BTreeSet<Label>) -> Test {
    let sources = labels
        .iter()
        .map(|label| Value::variable(label.variable()))
        .collect();
    Test::String {
        compare: Match::Is.into(),
        sources,
        key: Value::text("yes"),
    }
    .negated()
}

/// The note that a place was left.
pub(super) fn leave(label: Label) -> Command {
    Command::set(&label.variable(), &[], Value::text("yes"))
}
