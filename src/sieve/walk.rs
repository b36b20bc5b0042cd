//! In: commands. Out: every command, test and value in them, in the order of
//! the text, however deep they lie.

use super::origin::Origin;
use super::script::{Command, CommandKind, Test, Value};

/// What stands in the text of a script, one after the other: commands, and the heads and
/// ends of blocks.
#[derive(Debug, Clone, Copy)]
pub enum Clause<'a> {
    /// A command that is no `if`.
    Plain(&'a Command),
    /// `if TEST {`
    If(&'a Command, &'a Test),
    /// `} elsif TEST {`
    Elsif(&'a Test),
    /// `} else {`
    Else,
    /// `}`
    End,
}

impl<'a> Clause<'a> {
    /// The command that begins here.
    pub fn command(self) -> Option<&'a Command> {
        match self {
            Clause::Plain(command) | Clause::If(command, _) => Some(command),
            Clause::Elsif(_) | Clause::Else | Clause::End => None,
        }
    }
}

/// A block whose commands are being read, and what follows it in its `if`.
struct Block<'a> {
    commands: std::slice::Iter<'a, Command>,
    branches: std::slice::Iter<'a, (Test, Vec<Command>)>,
    otherwise: Option<&'a [Command]>,
}

/// The clauses of commands, in the order of the text.
pub fn clauses(list: &[Command]) -> impl Iterator<Item = Clause<'_>> {
    let mut open = vec![Block {
        commands: list.iter(),
        branches: [].iter(),
        otherwise: None,
    }];
    std::iter::from_fn(move || {
        let block = open.last_mut()?;
        if let Some(command) = block.commands.next() {
            let CommandKind::If {
                branches,
                otherwise,
            } = &command.kind
            else {
                return Some(Clause::Plain(command));
            };
            let mut branches = branches.iter();
            let mut otherwise = otherwise.as_deref();
            let (test, commands) = match branches.next() {
                Some((test, block)) => (test, block.as_slice()),
                None => (&Test::True, otherwise.take().unwrap_or_default()),
            };
            open.push(Block {
                commands: commands.iter(),
                branches,
                otherwise,
            });
            return Some(Clause::If(command, test));
        }
        if let Some((test, commands)) = block.branches.next() {
            block.commands = commands.iter();
            return Some(Clause::Elsif(test));
        }
        if let Some(commands) = block.otherwise.take() {
            block.commands = commands.iter();
            return Some(Clause::Else);
        }
        open.pop();
        (!open.is_empty()).then_some(Clause::End)
    })
}

/// All commands, those inside blocks too.
pub fn commands(list: &[Command]) -> impl Iterator<Item = &Command> {
    clauses(list).filter_map(Clause::command)
}

/// A clause, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The clause.
    pub clause: Clause<'a>,
    /// How many blocks are around it.
    pub depth: usize,
    /// The origins that tell where it came from: its own, or the nearest before and
    /// around it.
    pub near: &'a [Origin],
}

/// All clauses, with where they stand.
pub fn places(list: &[Command]) -> impl Iterator<Item = Place<'_>> {
    // The nearest origins in each open block, and in what is around all.
    let mut open: Vec<&[Origin]> = Vec::new();
    let mut near: &[Origin] = &[];
    clauses(list).map(move |clause| {
        match clause {
            Clause::Elsif(_) | Clause::Else => near = open.last().copied().unwrap_or_default(),
            Clause::End => near = open.pop().unwrap_or_default(),
            Clause::Plain(_) | Clause::If(..) => {}
        }
        if let Some(command) = clause.command()
            && !command.origins.is_empty()
        {
            near = &command.origins;
        }
        let place = Place {
            clause,
            depth: open.len(),
            near,
        };
        if let Clause::If(..) = clause {
            open.push(near);
        }
        place
    })
}

/// The tests of one command (not of its blocks), those inside other tests too.
pub fn tests(kind: &CommandKind) -> impl Iterator<Item = &Test> {
    let branches = match kind {
        CommandKind::If { branches, .. } => branches.as_slice(),
        _ => &[],
    };
    branches.iter().flat_map(|(test, _)| test_tree(test))
}

/// A test and all tests inside it.
pub fn test_tree(test: &Test) -> impl Iterator<Item = &Test> {
    let mut pending = vec![test];
    std::iter::from_fn(move || {
        let test = pending.pop()?;
        pending.extend(inner_tests(test).iter().rev());
        Some(test)
    })
}

/// Changes a test, and all tests inside it.
pub fn each_test_mut(test: &mut Test, change: &mut dyn FnMut(&mut Test)) {
    let mut pending = vec![test];
    while let Some(test) = pending.pop() {
        change(test);
        match test {
            Test::Not(inner) => pending.push(inner),
            Test::AllOf(tests) | Test::AnyOf(tests) => pending.extend(tests),
            _ => {}
        }
    }
}

fn inner_tests(test: &Test) -> &[Test] {
    match test {
        Test::Not(inner) => std::slice::from_ref(inner),
        Test::AllOf(tests) | Test::AnyOf(tests) => tests,
        _ => &[],
    }
}

/// The values of one command, and those of its tests.
pub fn values(kind: &CommandKind) -> impl Iterator<Item = &Value> {
    command_values(kind).chain(tests(kind).flat_map(test_values))
}

/// The values of one command, not those of its tests.
pub fn command_values(kind: &CommandKind) -> impl Iterator<Item = &Value> {
    let (first, second): (&[Value], &[Value]) = match kind {
        CommandKind::FileInto { folder: value, .. }
        | CommandKind::Redirect { address: value, .. }
        | CommandKind::Reject { reason: value, .. }
        | CommandKind::Set { value, .. } => (std::slice::from_ref(value), &[]),
        CommandKind::Vacation {
            subject, reason, ..
        } => (subject.as_slice(), std::slice::from_ref(reason)),
        CommandKind::AddHeader { name, value, .. } => {
            (std::slice::from_ref(name), std::slice::from_ref(value))
        }
        CommandKind::If { .. }
        | CommandKind::Keep { .. }
        | CommandKind::Discard
        | CommandKind::Stop
        | CommandKind::DeleteHeader { .. }
        | CommandKind::AddFlag { .. } => (&[], &[]),
    };
    first.iter().chain(second)
}

/// The values of one test, not those of tests inside it.
pub fn test_values(test: &Test) -> impl Iterator<Item = &Value> {
    let others: &[Value] = match test {
        Test::String { sources, .. } => sources,
        Test::MailboxExists(folder) => std::slice::from_ref(folder),
        _ => &[],
    };
    let keys = test.compared().map_or(&[][..], |(_, keys)| keys);
    others.iter().chain(keys)
}

/// Whether a test asks for a variable, or a test inside it.
pub fn reads(test: &Test, variable: &str) -> bool {
    let mut values = test_tree(test).flat_map(test_values);
    values.any(|value| value.references().contains(&variable))
}

/// How deep blocks lie in blocks: 0 without any `if`.
pub fn block_depth(list: &[Command]) -> usize {
    let (_, deepest) = clauses(list).fold((0_usize, 0), |(depth, deepest), part| {
        let depth = match part {
            Clause::If(..) => depth + 1,
            Clause::End => depth - 1,
            _ => depth,
        };
        (depth, deepest.max(depth))
    });
    deepest
}

/// How deep the tests of any command lie in tests; 1 for a test alone.
pub fn tests_depth(list: &[Command]) -> usize {
    let depth = |part| match part {
        Clause::If(_, test) | Clause::Elsif(test) => test_depth(test),
        Clause::Plain(_) | Clause::Else | Clause::End => 0,
    };
    clauses(list).map(depth).max().unwrap_or(0)
}

/// How deep tests lie in one test; 1 for a test alone.
pub fn test_depth(test: &Test) -> usize {
    let mut deepest = 0;
    let mut pending = vec![(1, test)];
    while let Some((depth, test)) = pending.pop() {
        deepest = deepest.max(depth);
        pending.extend(inner_tests(test).iter().map(|test| (depth + 1, test)));
    }
    deepest
}
