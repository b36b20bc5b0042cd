//! In: commands. Out: commands that do the same to every message, as a person
//! would write them: `if … elsif …` for rules that end in `stop`, one test for
//! neighbours with one action, no command that cannot be reached.
//!
//! Tests keep their order, since `:matches` and `:regex` set match variables
//! (RFC 5229 §3.2) and `duplicate` remembers the message. Where a command reads
//! match variables, tests that may have set them are neither dropped nor merged
//! into one list of keys.

mod condition;
mod keeps;
mod origins;
mod settled;

pub use condition::tidy_test;

use super::script::{AddressPart, Command, CommandKind, Match, Test, Value};
use super::walk;
use condition::{reads_earlier_match, remembers};
use origins::{absorb_origins, add_new, add_origins, drop_repeated_origins};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// A script with deeper blocks or tests is left as it is; no server takes it.
const DEEPEST: usize = 64;

/// What one round makes plain can show the next what to do; it seldom does.
const ROUNDS: usize = 4;

type Branch = (Test, Vec<Command>);

/// The tests of branches that do the same, the block of the first, and those of
/// the others.
type Alike = (Vec<Test>, Vec<Command>, Vec<Vec<Command>>);

/// Makes the commands of a whole script idiomatic. Comments of commands that
/// become one are all kept; those of commands that cannot be reached go.
pub fn tidy(commands: Vec<Command>) -> Vec<Command> {
    if walk::block_depth(&commands) + walk::tests_depth(&commands) > DEEPEST {
        return commands;
    }
    let fingerprint =
        |commands: &[Command]| BuildHasherDefault::<DefaultHasher>::default().hash_one(commands);
    let mut tidied = round(commands);
    let mut before = fingerprint(&tidied);
    for _ in 1..ROUNDS {
        tidied = round(tidied);
        let now = fingerprint(&tidied);
        if now == before {
            break;
        }
        before = now;
    }
    tidied
}

fn round(commands: Vec<Command>) -> Vec<Command> {
    let commands = settled::settle(commands);
    let tidier = Tidier {
        match_variables: reads_earlier_match(&commands),
    };
    let mut commands = tidier.chain(tidier.fold(commands), true);
    tidier.drop_last_keeps(&mut commands, true);
    if only_stops(&commands) {
        commands.clear();
    }
    commands
}

struct Tidier {
    /// Something reads `${1}` or its like from the tests at hand.
    match_variables: bool,
}

impl Tidier {
    /// For a block and the test before it.
    fn of_block(&self, block: &[Command]) -> Self {
        Tidier {
            match_variables: self.match_variables || reads_earlier_match(block),
        }
    }

    /// Simplifies tests, and drops what cannot be reached.
    fn fold(&self, commands: Vec<Command>) -> Vec<Command> {
        let mut folded: Vec<Command> = Vec::with_capacity(commands.len());
        for command in commands {
            let Command { origins, kind } = command;
            match kind {
                CommandKind::If {
                    branches,
                    otherwise,
                } => {
                    let (branches, otherwise) = self.fold_branches(branches, otherwise);
                    if branches.is_empty() {
                        let mut rest = otherwise.unwrap_or_default();
                        add_origins(&mut rest, origins);
                        folded.extend(rest);
                    } else {
                        let kind = CommandKind::If {
                            branches,
                            otherwise,
                        };
                        folded.push(Command { origins, kind });
                    }
                }
                kind => folded.push(Command { origins, kind }),
            }
            if let [.., one, other] = folded.as_slice()
                && exclude_each_other(one, other)
            {
                let joined = folded.pop().zip(folded.pop());
                folded.extend(joined.map(|(other, one)| join(one, other)));
            }
            if let [.., one, other] = folded.as_mut_slice()
                && go_on(one, other)
            {
                folded.pop();
            }
            if ends(&folded) {
                break;
            }
        }
        folded
    }

    fn fold_branches(
        &self,
        branches: Vec<Branch>,
        otherwise: Option<Vec<Command>>,
    ) -> (Vec<Branch>, Option<Vec<Command>>) {
        let mut kept = Vec::with_capacity(branches.len());
        let mut otherwise = otherwise;
        for (test, block) in branches {
            let tidier = self.of_block(&block);
            match tidier.simplify(test) {
                Test::False => {}
                Test::True => {
                    otherwise = Some(block);
                    break;
                }
                test => kept.push((test, tidier.fold(block))),
            }
        }
        let otherwise = otherwise
            .map(|block| self.fold(block))
            .filter(|block| !block.is_empty());
        let otherwise = match otherwise {
            Some(block) => {
                let block = self.drop_alike(&mut kept, block);
                self.turned(&mut kept, block)
            }
            None => None,
        };
        self.drop_empty(&mut kept, &otherwise);
        (kept, otherwise)
    }

    /// `if A { } else { B }` is `if not A { B }`.
    fn turned(&self, branches: &mut [Branch], otherwise: Vec<Command>) -> Option<Vec<Command>> {
        match branches {
            [(test, block)] if block.is_empty() => {
                let not = std::mem::replace(test, Test::True).negated();
                *test = self.simplify(not);
                *block = otherwise;
                None
            }
            _ => Some(otherwise),
        }
    }

    /// Last branches that do what is done otherwise.
    fn drop_alike(&self, branches: &mut Vec<Branch>, otherwise: Vec<Command>) -> Vec<Command> {
        let alike = |(test, block): &Branch| same(block, &otherwise) && self.is_pure(test);
        let others = branches.iter().rev().take_while(|branch| alike(branch));
        let mut blocks = branches
            .split_off(branches.len() - others.count())
            .into_iter();
        let Some((_, mut first)) = blocks.next() else {
            return otherwise;
        };
        absorb_origins(
            &mut first,
            blocks.map(|(_, block)| block).chain([otherwise]).collect(),
        );
        first
    }

    /// Last branches that do nothing.
    fn drop_empty(&self, branches: &mut Vec<Branch>, otherwise: &Option<Vec<Command>>) {
        let idle = |branch: &mut Branch| branch.1.is_empty() && self.is_pure(&branch.0);
        while otherwise.is_none() && branches.pop_if(idle).is_some() {}
    }

    /// Joins rules into `if … elsif …`, merges neighbours, and drops each
    /// `stop` behind which nothing would run (`tail`).
    fn chain(&self, commands: Vec<Command>, tail: bool) -> Vec<Command> {
        let mut commands = commands;
        if tail {
            drop_stop(&mut commands);
        }
        let mut joined: Vec<Command> = Vec::with_capacity(commands.len());
        let tail_from = if tail {
            chain_start(&commands)
        } else {
            commands.len()
        };
        // Of the last one joined.
        let mut closed = false;
        for (at, command) in commands.into_iter().enumerate() {
            let joins = closed
                && joined
                    .last()
                    .is_some_and(|last| at > tail_from || same_ends(last, &command));
            closed = is_closed(&command);
            match joined.pop_if(|_| joins) {
                Some(last) => joined.push(join(last, command)),
                None => joined.push(command),
            }
        }
        let count = joined.len();
        let mut tidied = Vec::with_capacity(count);
        for (at, command) in joined.into_iter().enumerate() {
            let tail = tail && at + 1 == count;
            tidied.extend(self.chain_inside(command, tail));
        }
        drop_repeated_origins(&mut tidied);
        tidied
    }

    /// Goes into the blocks of an `if`.
    fn chain_inside(&self, command: Command, tail: bool) -> Option<Command> {
        let Command { mut origins, kind } = command;
        let CommandKind::If {
            branches,
            otherwise,
        } = kind
        else {
            return Some(Command { origins, kind });
        };
        let branches = branches
            .into_iter()
            .map(|(test, block)| (test, self.of_block(&block).chain(block, tail)))
            .collect();
        let otherwise = otherwise
            .map(|block| self.chain(block, tail))
            .filter(|block| !block.is_empty());
        let mut branches = self.merge_branches(branches);
        let otherwise = match otherwise {
            Some(block) if tail => self.invert(&mut branches, block),
            otherwise => otherwise,
        };
        if tail && otherwise.is_none() {
            let idle = |branch: &mut Branch| only_stops(&branch.1) && self.is_pure(&branch.0);
            while branches.pop_if(idle).is_some() {}
        }
        self.drop_empty(&mut branches, &otherwise);
        if branches.is_empty() && otherwise.is_none() {
            return None;
        }
        if otherwise.is_none() {
            self.flatten_last(&mut branches);
        }
        if let ([(_, block)], None) = (branches.as_mut_slice(), &otherwise)
            && let [first, rest @ ..] = block.as_mut_slice()
            && (origins.is_empty() || rest.iter().all(|command| command.origins.is_empty()))
        {
            add_new(&mut origins, std::mem::take(&mut first.origins));
        }
        let kind = CommandKind::If {
            branches,
            otherwise,
        };
        Some(Command { origins, kind })
    }

    /// `if A { if B { … } }` is `if allof (A, B) { … }`, where no branch
    /// follows. A `duplicate` stays where it is: not every server leaves it out
    /// when `A` does not hold.
    fn flatten_last(&self, branches: &mut [Branch]) {
        let Some((test, block)) = branches.last_mut() else {
            return;
        };
        while let [
            Command {
                origins,
                kind:
                    CommandKind::If {
                        branches,
                        otherwise: None,
                    },
            },
        ] = block.as_mut_slice()
            && let [(inner, commands)] = branches.as_mut_slice()
            && !remembers(inner)
        {
            let tests = [&mut *test, inner].map(|test| std::mem::replace(test, Test::True));
            let mut commands = std::mem::take(commands);
            *test = self.of_block(&commands).simplify(Test::AllOf(tests.into()));
            add_origins(&mut commands, std::mem::take(origins));
            *block = commands;
        }
    }

    /// `if A { stop; } else { B }` is `if not A { B }` where nothing follows.
    fn invert(&self, branches: &mut Vec<Branch>, block: Vec<Command>) -> Option<Vec<Command>> {
        match branches.as_mut_slice() {
            [(test, stop)] if only_stops(stop) => {
                let not = std::mem::replace(test, Test::True).negated();
                *test = self.simplify(not);
                let origins = stop
                    .iter_mut()
                    .map(|stop| std::mem::take(&mut stop.origins));
                let origins = origins.flatten().collect();
                *stop = block;
                add_origins(stop, origins);
                None
            }
            _ => Some(block),
        }
    }

    /// Neighbouring branches that do the same become one.
    fn merge_branches(&self, branches: Vec<Branch>) -> Vec<Branch> {
        let mut groups: Vec<Alike> = Vec::new();
        for (test, block) in branches {
            match groups.last_mut() {
                Some((tests, first, alike)) if same(first, &block) => {
                    tests.push(test);
                    alike.push(block);
                }
                _ => groups.push((vec![test], block, Vec::new())),
            }
        }
        groups
            .into_iter()
            .map(|(tests, mut block, alike)| {
                absorb_origins(&mut block, alike);
                match <[Test; 1]>::try_from(tests) {
                    Ok([test]) => (test, block),
                    Err(tests) => {
                        let tidier = self.of_block(&block);
                        (tidier.simplify(Test::AnyOf(tests)), block)
                    }
                }
            })
            .collect()
    }
}

/// Whether nothing runs after these commands.
fn ends(commands: &[Command]) -> bool {
    match commands.last().map(|last| &last.kind) {
        Some(CommandKind::Stop) => true,
        Some(CommandKind::If {
            branches,
            otherwise: Some(block),
        }) => ends(block) && branches.iter().all(|(_, block)| ends(block)),
        _ => false,
    }
}

fn only_stops(block: &[Command]) -> bool {
    matches!(block, [command] if command.kind == CommandKind::Stop)
}

/// An `if` without `else` that goes on only where no branch was taken.
fn is_closed(command: &Command) -> bool {
    match &command.kind {
        CommandKind::If {
            branches,
            otherwise: None,
        } => branches.iter().all(|(_, block)| ends(block)),
        _ => false,
    }
}

/// `if A { set … } if allof (A, B) { … }` is `if A { set … if B { … } }`, where
/// what is set does not touch `A`. Whether it was that, and is one now.
fn go_on(one: &mut Command, other: &mut Command) -> bool {
    let (
        CommandKind::If {
            branches: first,
            otherwise: None,
        },
        CommandKind::If {
            branches: second,
            otherwise: None,
        },
    ) = (&mut one.kind, &mut other.kind)
    else {
        return false;
    };
    let ([(test, block)], [(Test::AllOf(tests), rest)]) =
        (first.as_mut_slice(), second.as_mut_slice())
    else {
        return false;
    };
    let test: &Test = test;
    let asked = match test {
        Test::AllOf(tests) => tests.as_slice(),
        test => std::slice::from_ref(test),
    };
    let only_sets = |command: &Command| matches!(command.kind, CommandKind::Set { .. });
    let asks_on = tests.starts_with(asked) && asked.len() < tests.len();
    let stays = !remembers(test) && !reads_variables(test) && block.iter().all(only_sets);
    if !asks_on || !stays {
        return false;
    }
    let tests = tests.split_off(asked.len());
    block.push(Command {
        origins: std::mem::take(&mut other.origins),
        kind: CommandKind::If {
            branches: vec![(Test::AllOf(tests), std::mem::take(rest))],
            otherwise: None,
        },
    });
    true
}

fn reads_variables(test: &Test) -> bool {
    let mut values = walk::test_tree(test).flat_map(walk::test_values);
    values.any(|value| value.as_text().is_none())
}

/// Whether of two `if`s without `else` only one can apply: a message comes to
/// one recipient.
fn exclude_each_other(one: &Command, other: &Command) -> bool {
    let tests = |command: &Command| match &command.kind {
        CommandKind::If {
            branches,
            otherwise: None,
        } => {
            let tests = branches.iter().map(|(test, _)| recipients(test));
            tests.collect::<Option<Vec<_>>>()
        }
        _ => None,
    };
    match (tests(one), tests(other)) {
        (Some(these), Some(those)) => these.iter().all(|(part, recipients)| {
            those.iter().all(|(other_part, others)| {
                part == other_part && recipients.iter().all(|each| !others.contains(each))
            })
        }),
        _ => false,
    }
}

/// The recipients that a test is about, in lower case, and which part of them.
fn recipients(test: &Test) -> Option<(AddressPart, Vec<String>)> {
    match test {
        Test::Envelope {
            part,
            compare,
            names,
            keys,
        } if compare.by == Match::Is && *names == ["to"] => {
            let keys = keys.iter().map(Value::as_text);
            let keys = keys.map(|key| key.map(|key| key.to_lowercase()));
            Some((*part, keys.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// Where the rules begin that can be one `if … elsif … else` up to the end.
/// A last command other than `if` can be its `else`.
fn chain_start(commands: &[Command]) -> usize {
    let last = commands.len().saturating_sub(1);
    let closed = commands
        .get(..last)
        .unwrap_or_default()
        .iter()
        .rev()
        .take_while(|command| is_closed(command));
    last - closed.count()
}

/// Whether the last block of one `if` does what the first of the next does.
fn same_ends(one: &Command, other: &Command) -> bool {
    match (&one.kind, &other.kind) {
        (CommandKind::If { branches: a, .. }, CommandKind::If { branches: b, .. }) => {
            match (a.last(), b.first()) {
                (Some((_, a)), Some((_, b))) => same(a, b),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether two blocks do the same, whatever their origins.
fn same(one: &[Command], other: &[Command]) -> bool {
    let pairs = || one.iter().zip(other);
    one.len() == other.len()
        && pairs().all(|(a, b)| match (&a.kind, &b.kind) {
            (
                CommandKind::If {
                    branches: a,
                    otherwise: a_else,
                },
                CommandKind::If {
                    branches: b,
                    otherwise: b_else,
                },
            ) => {
                a.len() == b.len()
                    && a_else.is_some() == b_else.is_some()
                    && a.iter()
                        .zip(b)
                        .all(|((a_test, a), (b_test, b))| a_test == b_test && same(a, b))
                    && a_else.iter().zip(b_else).all(|(a, b)| same(a, b))
            }
            (a, b) => a == b,
        })
}

/// One `if` of a closed one and the command after it.
fn join(closed: Command, next: Command) -> Command {
    let (mut branches, _) = into_branches(closed);
    let (more, otherwise) = into_branches(next);
    branches.extend(more);
    Command::from(CommandKind::If {
        branches,
        otherwise,
    })
}

/// The parts of an `if`, its origins in its first block; another command is
/// all `else`.
fn into_branches(command: Command) -> (Vec<Branch>, Option<Vec<Command>>) {
    match command.kind {
        CommandKind::If {
            mut branches,
            otherwise,
        } => {
            if let Some((_, block)) = branches.first_mut() {
                add_origins(block, command.origins);
            }
            (branches, otherwise)
        }
        kind => {
            let origins = command.origins;
            (Vec::new(), Some(vec![Command { origins, kind }]))
        }
    }
}

/// Drops a last `stop`; one that is all of a block stays, for it says that
/// nothing is to be done.
fn drop_stop(commands: &mut Vec<Command>) {
    if commands.len() == 1 {
        return;
    }
    if let Some(stop) = commands.pop_if(|last| last.kind == CommandKind::Stop)
        && let Some(last) = commands.last_mut()
    {
        add_new(&mut last.origins, stop.origins);
    }
}

#[cfg(test)]
mod tests;
