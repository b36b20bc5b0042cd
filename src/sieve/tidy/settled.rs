//! In: commands. Out: commands in which no test asks what a test around it, or in
//! front of it, has settled: whether a variable holds a text.

use crate::sieve::script::{Command, CommandKind, Match, Test, Value};

/// Tests of variables, and how they come out at a place, the last ones.
type Settled = Vec<(Test, bool)>;

/// How many are remembered: what is asked twice is asked soon.
const MOST: usize = 16;

/// Puts what is settled in the places of the tests that ask for it.
pub(super) fn settle(commands: Vec<Command>) -> Vec<Command> {
    block(commands, &mut Settled::new())
}

fn block(commands: Vec<Command>, settled: &mut Settled) -> Vec<Command> {
    let each = commands.into_iter();
    each.map(|Command { origins, kind }| {
        let kind = match kind {
            CommandKind::If {
                branches,
                otherwise,
            } => choice(branches, otherwise, settled),
            CommandKind::Set {
                modifiers,
                name,
                value,
            } => {
                forget(settled, &name);
                CommandKind::Set {
                    modifiers,
                    name,
                    value,
                }
            }
            kind => kind,
        };
        Command { origins, kind }
    })
    .collect()
}

fn choice(
    branches: Vec<(Test, Vec<Command>)>,
    otherwise: Option<Vec<Command>>,
    settled: &mut Settled,
) -> CommandKind {
    let mut here = settled.clone();
    let mut inside = |commands: Vec<Command>, mut known: Settled| {
        let commands = block(commands, &mut known);
        settled.retain(|fact| known.contains(fact));
        commands
    };
    let branches = branches
        .into_iter()
        .map(|(test, commands)| {
            let test = asked(test, &here);
            let mut known = here.clone();
            learn(&test, true, &mut known);
            learn(&test, false, &mut here);
            (test, inside(commands, known))
        })
        .collect();
    let otherwise = otherwise.map(|commands| inside(commands, here));
    CommandKind::If {
        branches,
        otherwise,
    }
}

/// A test with the answers in it that are known.
fn asked(test: Test, settled: &Settled) -> Test {
    match test {
        Test::Not(inner) => asked(*inner, settled).negated(),
        Test::AllOf(tests) => {
            let tests = tests.into_iter().map(|test| asked(test, settled));
            Test::AllOf(tests.collect())
        }
        Test::AnyOf(tests) => {
            let tests = tests.into_iter().map(|test| asked(test, settled));
            Test::AnyOf(tests.collect())
        }
        test => match settled.iter().find(|(known, _)| *known == test) {
            Some((_, comes_out)) => Test::from(*comes_out),
            None => test,
        },
    }
}

/// What is known where a test has come out so.
fn learn(test: &Test, comes_out: bool, into: &mut Settled) {
    match test {
        Test::Not(inner) => learn(inner, !comes_out, into),
        Test::AllOf(tests) if comes_out => tests.iter().for_each(|test| learn(test, true, into)),
        Test::AnyOf(tests) if !comes_out => tests.iter().for_each(|test| learn(test, false, into)),
        Test::String {
            compare,
            sources,
            key,
        } if compare.by == Match::Is || !comes_out => {
            // `${1}` changes with each test that matches (RFC 5229, 3.2); one that does
            // not sets none.
            let is_of_match = |name: &&str| name.starts_with(|c: char| c.is_ascii_digit());
            let mut names = sources.iter().chain([key]).flat_map(Value::references);
            if !names.any(|name| is_of_match(&name)) {
                if into.len() == MOST {
                    into.remove(0);
                }
                into.push((test.clone(), comes_out));
            }
        }
        _ => {}
    }
}

/// A variable has another value.
fn forget(settled: &mut Settled, name: &str) {
    let is_of = |value: &Value| value.references().contains(&name);
    settled.retain(|(test, _)| match test {
        Test::String { sources, key, .. } => !sources.iter().chain([key]).any(is_of),
        _ => true,
    });
}
