//! In: commands. Out: commands that do the same to every message, as a person
//! would write them: `if … elsif …` for rules that end in `stop`, one test for
//! neighbours with one action, no command that cannot be reached.
//!
//! Tests keep their order, since `:matches` and `:regex` set match variables
//! (RFC 5229 §3.2) and `duplicate` remembers the message. Where a command reads
//! match variables, tests that may have set them are neither dropped nor merged
//! into one list of keys.

use super::script::{AddressPart, Command, CommandKind, Compare, Match, Test, Value};
use super::walk;
use std::collections::{HashMap, HashSet};

/// A script with deeper blocks or tests is left as it is; no server takes it.
const DEEPEST: usize = 64;

/// What one round makes plain can show the next what to do; it seldom does.
const ROUNDS: usize = 4;

type Branch = (Test, Vec<Command>);

/// Makes the commands of a whole script idiomatic. Comments of commands that
/// become one are all kept; those of commands that cannot be reached go.
pub fn tidy(commands: Vec<Command>) -> Vec<Command> {
    if walk::block_depth(&commands) + walk::tests_depth(&commands) > DEEPEST {
        return commands;
    }
    let mut tidied = round(commands);
    for _ in 1..ROUNDS {
        let again = round(tidied.clone());
        if again == tidied {
            break;
        }
        tidied = again;
    }
    tidied
}

fn round(commands: Vec<Command>) -> Vec<Command> {
    let tidier = Tidier {
        match_variables: reads_earlier_match(&commands),
    };
    let mut commands = tidier.chain(tidier.fold(commands), true);
    if only_stops(&commands) {
        commands.clear();
    }
    commands
}

/// Makes one test idiomatic, in a script that reads no match variables.
pub fn tidy_test(test: Test) -> Test {
    if walk::test_depth(&test) > DEEPEST {
        return test;
    }
    let tidier = Tidier {
        match_variables: false,
    };
    tidier.simplify(test)
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
            let Command { comments, kind } = command;
            match kind {
                CommandKind::If {
                    branches,
                    otherwise,
                } => {
                    let (branches, otherwise) = self.fold_branches(branches, otherwise);
                    if branches.is_empty() {
                        let mut rest = otherwise.unwrap_or_default();
                        add_comments(&mut rest, comments);
                        folded.extend(rest);
                    } else {
                        let kind = CommandKind::If {
                            branches,
                            otherwise,
                        };
                        folded.push(Command { comments, kind });
                    }
                }
                kind => folded.push(Command { comments, kind }),
            }
            if let [.., one, other] = folded.as_slice()
                && exclude_each_other(one, other)
            {
                let joined = folded.pop().zip(folded.pop());
                folded.extend(joined.map(|(other, one)| join(one, other)));
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
        self.drop_empty(&mut kept, &otherwise);
        (kept, otherwise)
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
        for (at, command) in commands.into_iter().enumerate() {
            let joins = match joined.last() {
                Some(last) if at > tail_from => is_closed(last),
                Some(last) => is_closed(last) && same_ends(last, &command),
                None => false,
            };
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
        drop_repeated_comments(&mut tidied);
        tidied
    }

    /// Goes into the blocks of an `if`.
    fn chain_inside(&self, command: Command, tail: bool) -> Option<Command> {
        let Command { mut comments, kind } = command;
        let CommandKind::If {
            branches,
            otherwise,
        } = kind
        else {
            return Some(Command { comments, kind });
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
            && (comments.is_empty() || rest.iter().all(|command| command.comments.is_empty()))
        {
            add_new(&mut comments, std::mem::take(&mut first.comments));
        }
        let kind = CommandKind::If {
            branches,
            otherwise,
        };
        Some(Command { comments, kind })
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
                comments,
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
            add_comments(&mut commands, std::mem::take(comments));
            *block = commands;
        }
    }

    /// `if A { stop; } else { B }` is `if not A { B }` where nothing follows.
    fn invert(&self, branches: &mut Vec<Branch>, block: Vec<Command>) -> Option<Vec<Command>> {
        match branches.as_mut_slice() {
            [(test, stop)] if only_stops(stop) => {
                let not = Test::Not(Box::new(std::mem::replace(test, Test::True)));
                *test = self.simplify(not);
                let comments = stop
                    .iter_mut()
                    .map(|stop| std::mem::take(&mut stop.comments));
                let comments = comments.flatten().collect();
                *stop = block;
                add_comments(stop, comments);
                None
            }
            _ => Some(block),
        }
    }

    /// Neighbouring branches that do the same become one.
    fn merge_branches(&self, branches: Vec<Branch>) -> Vec<Branch> {
        let mut groups: Vec<(Vec<Test>, Vec<Command>)> = Vec::with_capacity(branches.len());
        for (test, block) in branches {
            match groups.last_mut() {
                Some((tests, first)) if same(first, &block) => {
                    tests.push(test);
                    absorb_comments(first, block);
                }
                _ => groups.push((vec![test], block)),
            }
        }
        groups
            .into_iter()
            .map(|(tests, block)| match <[Test; 1]>::try_from(tests) {
                Ok([test]) => (test, block),
                Err(tests) => {
                    let tidier = self.of_block(&block);
                    (tidier.simplify(Test::AnyOf(tests)), block)
                }
            })
            .collect()
    }

    fn simplify(&self, test: Test) -> Test {
        match test {
            Test::Not(inner) => match self.simplify(*inner) {
                Test::Not(inner) => *inner,
                Test::True => Test::False,
                Test::False => Test::True,
                test => Test::Not(Box::new(test)),
            },
            Test::AllOf(tests) => self.simplify_list(tests, true),
            Test::AnyOf(tests) => self.simplify_list(tests, false),
            Test::Exists(names) if names.is_empty() => Test::True,
            test => test,
        }
    }

    /// `allof` (`all`) or `anyof`.
    fn simplify_list(&self, tests: Vec<Test>, all: bool) -> Test {
        let constant = |value| if value { Test::True } else { Test::False };
        let mut flat = Vec::with_capacity(tests.len());
        'tests: for test in tests {
            let inner = match self.simplify(test) {
                Test::AllOf(tests) if all => tests,
                Test::AnyOf(tests) if !all => tests,
                test => vec![test],
            };
            for test in inner {
                if test == constant(all) {
                    continue;
                }
                let decides = test == constant(!all);
                flat.push(test);
                if decides {
                    break 'tests;
                }
            }
        }
        if flat.last() == Some(&constant(!all)) {
            let used = flat.iter().rposition(|test| !self.is_pure(test));
            flat.drain(used.map_or(0, |at| at + 1)..flat.len() - 1);
        }
        let flat = self.merge_lists(self.without_repeats(flat), all);
        let flat = match all {
            true => flat,
            false => self.factored(flat),
        };
        match <[Test; 1]>::try_from(flat) {
            Ok([test]) => test,
            Err(tests) if tests.is_empty() => constant(all),
            Err(tests) if all => Test::AllOf(tests),
            Err(tests) => Test::AnyOf(tests),
        }
    }

    /// `anyof (allof (A, B), allof (A, C))` is `allof (A, anyof (B, C))`.
    fn factored(&self, tests: Vec<Test>) -> Vec<Test> {
        let mut factored: Vec<Test> = Vec::with_capacity(tests.len());
        for test in tests {
            let differ = match (factored.last(), &test) {
                (Some(Test::AllOf(one)), Test::AllOf(other))
                    if one.iter().chain(other).all(|test| self.is_pure(test)) =>
                {
                    only_difference(one, other)
                }
                _ => None,
            };
            if let Some(at) = differ
                && let (Some(Test::AllOf(one)), Test::AllOf(mut other)) =
                    (factored.last_mut(), test.clone())
                && let Some(one) = one.get_mut(at)
            {
                let tests = vec![std::mem::replace(one, Test::True), other.swap_remove(at)];
                *one = self.simplify_list(tests, false);
            } else {
                factored.push(test);
            }
        }
        factored
    }

    fn without_repeats(&self, tests: Vec<Test>) -> Vec<Test> {
        let mut seen = HashSet::new();
        let mut kept = tests;
        kept.retain(|test| {
            let leaf = !matches!(test, Test::Not(_) | Test::AllOf(_) | Test::AnyOf(_));
            !leaf || !self.is_pure(test) || seen.insert(format!("{test:?}"))
        });
        kept
    }

    /// Makes one test of those that differ only in their keys, or only in
    /// their names: bare ones in `anyof`, those behind `not` in `allof`, where
    /// the names of `exists` become one list too.
    fn merge_lists(&self, tests: Vec<Test>, all: bool) -> Vec<Test> {
        let by_keys = self.merge_by(tests, all, &|test| {
            keys_of(test).map(std::mem::take).is_some()
        });
        self.merge_by(by_keys, all, &|test| {
            names_of(test).map(std::mem::take).is_some()
        })
    }

    /// `blank` empties the list that may differ, and says whether there is one.
    fn merge_by(
        &self,
        tests: Vec<Test>,
        all: bool,
        blank: &dyn Fn(&mut Test) -> bool,
    ) -> Vec<Test> {
        let mut merged: Vec<Test> = Vec::with_capacity(tests.len());
        let mut places: HashMap<String, usize> = HashMap::new();
        for mut test in tests {
            if !self.is_pure(&test) {
                // No test may move to before this one.
                places.clear();
            }
            let Some(shape) = self.mergeable(&mut test, all).and_then(|leaf| {
                let mut shape = leaf.clone();
                blank(&mut shape).then(|| format!("{shape:?}"))
            }) else {
                merged.push(test);
                continue;
            };
            let Some(&place) = places.get(&shape) else {
                places.insert(shape, merged.len());
                merged.push(test);
                continue;
            };
            let earlier = merged
                .get_mut(place)
                .and_then(|earlier| self.mergeable(earlier, all));
            if let (Some(earlier), Some(leaf)) = (earlier, self.mergeable(&mut test, all)) {
                append(earlier, leaf);
            }
        }
        for test in &mut merged {
            if let Some(leaf) = self.mergeable(test, all) {
                if let Some(keys) = keys_of(leaf) {
                    let mut seen = HashSet::new();
                    keys.retain(|key| seen.insert(format!("{key:?}")));
                }
                if let Some(names) = names_of(leaf) {
                    let mut seen = HashSet::new();
                    names.retain(|name| seen.insert(name.to_ascii_lowercase()));
                }
            }
        }
        merged
    }

    /// The leaf of a test that may be merged with others.
    fn mergeable<'a>(&self, test: &'a mut Test, all: bool) -> Option<&'a mut Test> {
        let leaf = match (test, all) {
            (test @ Test::Exists(_), true) => return Some(test),
            (Test::Not(inner), true) => inner.as_mut(),
            (test, false) => test,
            (_, true) => return None,
        };
        let by = match &*leaf {
            Test::Header { compare, .. }
            | Test::Address { compare, .. }
            | Test::Envelope { compare, .. }
            | Test::Body { compare, .. }
            | Test::String { compare, .. }
            | Test::CurrentDate { compare, .. } => &compare.by,
            _ => return None,
        };
        let known = match by {
            Match::Is | Match::Contains => true,
            Match::Matches | Match::Regex => !self.match_variables,
            Match::Count(_) | Match::Value(_) => false,
        };
        let filled = keys_of(leaf).is_none_or(|keys| !keys.is_empty())
            && names_of(leaf).is_none_or(|names| !names.is_empty());
        (known && filled).then_some(leaf)
    }

    /// Whether a test leaves nothing behind that a later command sees.
    fn is_pure(&self, test: &Test) -> bool {
        let mut pure = true;
        walk::test_tree(test, &mut |test| {
            pure &= match test {
                Test::Duplicate { .. } => false,
                Test::Header { compare, .. }
                | Test::Address { compare, .. }
                | Test::Envelope { compare, .. }
                | Test::Body { compare, .. }
                | Test::String { compare, .. }
                | Test::CurrentDate { compare, .. } => !self.match_variables || !sets(compare),
                _ => true,
            };
        });
        pure
    }
}

/// Whether a comparison sets match variables.
fn sets(compare: &Compare) -> bool {
    matches!(compare.by, Match::Matches | Match::Regex)
}

/// Whether commands read match variables that were set before them.
fn reads_earlier_match(commands: &[Command]) -> bool {
    let mut reads = false;
    let mut look = |value: &Value| {
        reads |= value
            .references()
            .iter()
            .any(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    };
    for command in commands {
        walk::command_values(&command.kind, &mut look);
        walk::tests(&command.kind, &mut |test| {
            walk::test_values(test, &mut look)
        });
    }
    reads
        || commands.iter().any(|command| match &command.kind {
            CommandKind::If {
                branches,
                otherwise,
            } => {
                let mut blocks = branches.iter().filter(|(test, _)| !always_sets(test));
                blocks.any(|(_, block)| reads_earlier_match(block))
                    || otherwise.as_deref().is_some_and(reads_earlier_match)
            }
            _ => false,
        })
}

/// Whether a test that holds has set the match variables.
fn always_sets(test: &Test) -> bool {
    match test {
        Test::AllOf(tests) => tests.iter().any(always_sets),
        Test::AnyOf(tests) => !tests.is_empty() && tests.iter().all(always_sets),
        Test::Header { compare, .. }
        | Test::Address { compare, .. }
        | Test::Envelope { compare, .. }
        | Test::Body { compare, .. }
        | Test::String { compare, .. }
        | Test::CurrentDate { compare, .. } => sets(compare),
        _ => false,
    }
}

/// Whether a test remembers the message.
fn remembers(test: &Test) -> bool {
    let mut remembers = false;
    walk::test_tree(test, &mut |test| {
        remembers |= matches!(test, Test::Duplicate { .. });
    });
    remembers
}

/// The one place where two lists of tests differ.
fn only_difference(one: &[Test], other: &[Test]) -> Option<usize> {
    if one.len() != other.len() {
        return None;
    }
    let mut different = one.iter().zip(other).enumerate();
    let (at, _) = different.find(|(_, (one, other))| one != other)?;
    different
        .all(|(_, (one, other))| one == other)
        .then_some(at)
}

fn keys_of(test: &mut Test) -> Option<&mut Vec<Value>> {
    match test {
        Test::Header { keys, .. }
        | Test::Address { keys, .. }
        | Test::Envelope { keys, .. }
        | Test::Body { keys, .. }
        | Test::String { keys, .. }
        | Test::CurrentDate { keys, .. } => Some(keys),
        _ => None,
    }
}

fn names_of(test: &mut Test) -> Option<&mut Vec<String>> {
    match test {
        Test::Header { names, .. }
        | Test::Address { names, .. }
        | Test::Envelope { names, .. }
        | Test::Exists(names) => Some(names),
        _ => None,
    }
}

/// Adds the keys and names of another leaf of the same shape; those that both
/// have are dropped later.
fn append(earlier: &mut Test, later: &mut Test) {
    if let (Some(keys), Some(more)) = (keys_of(earlier), keys_of(later)) {
        keys.append(more);
    }
    if let (Some(names), Some(more)) = (names_of(earlier), names_of(later)) {
        names.append(more);
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

/// Whether two blocks do the same, whatever their comments.
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
    Command {
        comments: Vec::new(),
        kind: CommandKind::If {
            branches,
            otherwise,
        },
    }
}

/// The parts of an `if`, its comments in its first block; another command is
/// all `else`.
fn into_branches(command: Command) -> (Vec<Branch>, Option<Vec<Command>>) {
    match command.kind {
        CommandKind::If {
            mut branches,
            otherwise,
        } => {
            if let Some((_, block)) = branches.first_mut() {
                add_comments(block, command.comments);
            }
            (branches, otherwise)
        }
        kind => {
            let comments = command.comments;
            (Vec::new(), Some(vec![Command { comments, kind }]))
        }
    }
}

/// Puts comments above the first command.
fn add_comments(block: &mut [Command], comments: Vec<String>) {
    if let Some(first) = block.first_mut() {
        let below = std::mem::replace(&mut first.comments, comments);
        add_new(&mut first.comments, below);
    }
}

/// Takes over the comments of a block that does the same.
fn absorb_comments(block: &mut [Command], other: Vec<Command>) {
    for (command, other) in block.iter_mut().zip(other) {
        add_new(&mut command.comments, other.comments);
        if let (
            CommandKind::If {
                branches,
                otherwise,
            },
            CommandKind::If {
                branches: more,
                otherwise: rest,
            },
        ) = (&mut command.kind, other.kind)
        {
            let blocks = branches.iter_mut().map(|(_, block)| block).chain(otherwise);
            let others = more.into_iter().map(|(_, block)| block).chain(rest);
            for (block, other) in blocks.zip(others) {
                absorb_comments(block, other);
            }
        }
    }
}

/// What one statement does in several commands has its comment once.
fn drop_repeated_comments(commands: &mut [Command]) {
    let mut above: &[String] = &[];
    for command in commands {
        if command.comments == above && !matches!(command.kind, CommandKind::If { .. }) {
            command.comments.clear();
        } else if !command.comments.is_empty() {
            above = &command.comments;
        }
    }
}

fn add_new(comments: &mut Vec<String>, more: Vec<String>) {
    let known: HashSet<String> = comments.iter().cloned().collect();
    comments.extend(more.into_iter().filter(|comment| !known.contains(comment)));
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
        add_new(&mut last.comments, stop.comments);
    }
}

#[cfg(test)]
mod tests;
