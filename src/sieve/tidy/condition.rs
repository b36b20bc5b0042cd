//! In: tests. Out: tests that say the same, as a person would write them: one
//! list of keys or names where several tests differ in nothing else.

use super::{DEEPEST, Tidier};
use crate::sieve::script::{Command, CommandKind, Match, Test, Value};
use crate::sieve::walk;
use std::collections::{HashMap, HashSet};

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

impl Tidier {
    pub(super) fn simplify(&self, test: Test) -> Test {
        match test {
            Test::Not(inner) => self.simplify(*inner).negated(),
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
        if self.leaves_no_choice(&flat) {
            return constant(!all);
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

    /// Whether a test stands beside its opposite: `anyof (A, not A)` always
    /// holds, and `allof (A, not A)` never.
    fn leaves_no_choice(&self, tests: &[Test]) -> bool {
        let is_opposite = |pair: &[Test]| match pair {
            [Test::Not(inner), test] | [test, Test::Not(inner)] => **inner == *test,
            _ => false,
        };
        tests.windows(2).any(is_opposite) && tests.iter().all(|test| self.is_pure(test))
    }

    fn without_repeats(&self, tests: Vec<Test>) -> Vec<Test> {
        let mut seen = HashSet::new();
        let mut kept = tests;
        kept.retain(|test| {
            let leaf = !matches!(test, Test::Not(_) | Test::AllOf(_) | Test::AnyOf(_));
            !leaf || !self.is_pure(test) || seen.insert(test.clone())
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
        let mut places: HashMap<Test, usize> = HashMap::new();
        for mut test in tests {
            if !self.is_pure(&test) {
                // No test may move to before this one.
                places.clear();
            }
            let Some(shape) = self.mergeable(&mut test, all).and_then(|leaf| {
                let mut shape = leaf.clone();
                blank(&mut shape).then_some(shape)
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
                    keys.retain(|key| seen.insert(key.clone()));
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
        let known = match leaf.compared()?.0.by {
            Match::Is | Match::Contains => true,
            Match::Matches | Match::Regex => !self.match_variables,
            Match::Count(_) | Match::Value(_) => false,
        };
        let filled = keys_of(leaf).is_none_or(|keys| !keys.is_empty())
            && names_of(leaf).is_none_or(|names| !names.is_empty());
        (known && filled).then_some(leaf)
    }

    /// Whether a test leaves nothing behind that a later command sees.
    pub(super) fn is_pure(&self, test: &Test) -> bool {
        let is_seen = |test: &Test| {
            matches!(test, Test::Duplicate { .. }) || self.match_variables && sets(test)
        };
        !walk::test_tree(test).any(is_seen)
    }
}

/// Whether a test that holds sets match variables.
pub(super) fn sets(test: &Test) -> bool {
    let compared = test.compared();
    compared.is_some_and(|(compare, _)| matches!(compare.by, Match::Matches | Match::Regex))
}

/// Whether commands read match variables that were set before them.
pub(super) fn reads_earlier_match(commands: &[Command]) -> bool {
    let is_match = |name: &&str| name.bytes().all(|byte| byte.is_ascii_digit());
    let reads_match = |value: &Value| value.references().iter().any(is_match);
    let reads = |command: &Command| walk::values(&command.kind).any(reads_match);
    commands.iter().any(reads)
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
        test => sets(test),
    }
}

/// Whether a test remembers the message.
pub(super) fn remembers(test: &Test) -> bool {
    walk::test_tree(test).any(|test| matches!(test, Test::Duplicate { .. }))
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

pub(super) fn keys_of(test: &mut Test) -> Option<&mut Vec<Value>> {
    match test {
        Test::Header { keys, .. }
        | Test::Address { keys, .. }
        | Test::Envelope { keys, .. }
        | Test::Body { keys, .. }
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
