//! In: commands. Out: every command, test and value in them, in the order of
//! the text, however deep they lie.

use super::origin::Origin;
use super::script::{Command, CommandKind, Test, Value};

/// Visits all commands, those inside blocks too.
pub fn commands<'a>(list: &'a [Command], visit: &mut dyn FnMut(&'a Command)) {
    let mut pending = vec![list.iter()];
    while let Some(top) = pending.last_mut() {
        let Some(command) = top.next() else {
            pending.pop();
            continue;
        };
        visit(command);
        if let CommandKind::If {
            branches,
            otherwise,
        } = &command.kind
        {
            if let Some(block) = otherwise {
                pending.push(block.iter());
            }
            for (_, block) in branches.iter().rev() {
                pending.push(block.iter());
            }
        }
    }
}

/// Visits all commands with how many blocks are around each, and the origins
/// that tell where it came from: its own, or the nearest before and around it.
pub fn places<'a>(list: &'a [Command], visit: &mut dyn FnMut(&'a Command, usize, &'a [Origin])) {
    let mut pending: Vec<(_, usize, &'a [Origin])> = vec![(list.iter(), 0, &[])];
    while let Some((top, depth, near)) = pending.last_mut() {
        let Some(command) = top.next() else {
            pending.pop();
            continue;
        };
        if !command.origins.is_empty() {
            *near = &command.origins;
        }
        let (depth, near) = (*depth, *near);
        visit(command, depth, near);
        if let CommandKind::If {
            branches,
            otherwise,
        } = &command.kind
        {
            let blocks = branches.iter().map(|(_, block)| block).chain(otherwise);
            let blocks: Vec<_> = blocks
                .map(|block| (block.iter(), depth + 1, near))
                .collect();
            pending.extend(blocks.into_iter().rev());
        }
    }
}

/// Visits the tests of one command (not of its blocks), those inside other
/// tests too.
pub fn tests<'a>(kind: &'a CommandKind, visit: &mut dyn FnMut(&'a Test)) {
    if let CommandKind::If { branches, .. } = kind {
        for (test, _) in branches {
            test_tree(test, visit);
        }
    }
}

/// Visits a test and all tests inside it.
pub fn test_tree<'a>(test: &'a Test, visit: &mut dyn FnMut(&'a Test)) {
    let mut pending = vec![test];
    while let Some(test) = pending.pop() {
        visit(test);
        match test {
            Test::Not(inner) => pending.push(inner),
            Test::AllOf(tests) | Test::AnyOf(tests) => pending.extend(tests.iter().rev()),
            _ => {}
        }
    }
}

/// Visits the values of one command, not those of its tests.
pub fn command_values<'a>(kind: &'a CommandKind, visit: &mut dyn FnMut(&'a Value)) {
    match kind {
        CommandKind::FileInto { folder: value, .. }
        | CommandKind::Redirect { address: value, .. }
        | CommandKind::Reject { reason: value, .. }
        | CommandKind::Set { value, .. } => visit(value),
        CommandKind::Vacation {
            subject, reason, ..
        } => {
            subject.iter().for_each(&mut *visit);
            visit(reason);
        }
        CommandKind::AddHeader { name, value, .. } => {
            visit(name);
            visit(value);
        }
        CommandKind::If { .. }
        | CommandKind::Keep { .. }
        | CommandKind::Discard
        | CommandKind::Stop
        | CommandKind::DeleteHeader { .. }
        | CommandKind::AddFlag { .. } => {}
    }
}

/// Visits the values of one test, not those of tests inside it.
pub fn test_values<'a>(test: &'a Test, visit: &mut dyn FnMut(&'a Value)) {
    match test {
        Test::Header { keys, .. }
        | Test::Address { keys, .. }
        | Test::Envelope { keys, .. }
        | Test::Body { keys, .. }
        | Test::CurrentDate { keys, .. } => keys.iter().for_each(visit),
        Test::String { sources, keys, .. } => sources.iter().chain(keys).for_each(visit),
        Test::MailboxExists(folder) => visit(folder),
        Test::True
        | Test::False
        | Test::Not(_)
        | Test::AllOf(_)
        | Test::AnyOf(_)
        | Test::Exists(_)
        | Test::Over(_)
        | Test::Under(_)
        | Test::Duplicate => {}
    }
}

/// Whether a test asks for a variable, or a test inside it.
pub fn reads(test: &Test, variable: &str) -> bool {
    let mut reads = false;
    test_tree(test, &mut |test| {
        test_values(test, &mut |value| {
            reads |= value.references().contains(&variable)
        });
    });
    reads
}

/// How deep blocks lie in blocks: 0 without any `if`.
pub fn block_depth(commands: &[Command]) -> usize {
    let mut deepest = 0;
    let mut pending = vec![(0, commands)];
    while let Some((depth, block)) = pending.pop() {
        deepest = deepest.max(depth);
        for command in block {
            if let CommandKind::If {
                branches,
                otherwise,
            } = &command.kind
            {
                let blocks = branches.iter().map(|(_, block)| block).chain(otherwise);
                pending.extend(blocks.map(|block| (depth + 1, block.as_slice())));
            }
        }
    }
    deepest
}

/// How deep the tests of any command lie in tests; 1 for a test alone.
pub fn tests_depth(list: &[Command]) -> usize {
    let mut deepest = 0;
    commands(list, &mut |command| {
        if let CommandKind::If { branches, .. } = &command.kind {
            let depths = branches.iter().map(|(test, _)| test_depth(test));
            deepest = depths.fold(deepest, usize::max);
        }
    });
    deepest
}

/// How deep tests lie in one test; 1 for a test alone.
pub fn test_depth(test: &Test) -> usize {
    let mut deepest = 0;
    let mut pending = vec![(1, test)];
    while let Some((depth, test)) = pending.pop() {
        deepest = deepest.max(depth);
        match test {
            Test::Not(inner) => pending.push((depth + 1, inner)),
            Test::AllOf(tests) | Test::AnyOf(tests) => {
                pending.extend(tests.iter().map(|test| (depth + 1, test)));
            }
            _ => {}
        }
    }
    deepest
}
