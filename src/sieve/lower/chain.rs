//! In: a recipe, and those that hang on it. Out: one `if … elsif …` of them, or
//! rules within another.
//!
//! The flags `A a E e` ask what an earlier recipe did. Along one way through
//! the rules that is known; where a message can come by several ways that
//! matter, the rest of the chain is written for each.

use super::answer::only_answers;
use super::guard::{Guard, LeftOut};
use super::left_out::{changed_by, may_keep, splits_all_the_same, splits_match};
use super::path::{Chained, Known, Path};
use super::pattern::Fit;
use super::program::{Acted, flags};
use super::sequence::{Flow, Sequence, append_else};
use super::shape::Shape;
use super::value::{command, set};
use super::{Lowering, manual, note};
use crate::ledger::Code;
use crate::ledger::Verdict;
use crate::rules::model::{Action, Chain, Recipe, Step};
use crate::rules::program::{Meaning, meaning};
use crate::sieve::script::{Command, CommandKind, Test};
use std::collections::BTreeSet;

/// Recipes of one chain that each stand in the `else` of the one before.
const MAX_CHAIN: usize = 200;

/// One way through a recipe.
struct Arm {
    test: Test,
    flow: Flow,
    path: Path,
}

impl Lowering<'_> {
    /// A recipe, and those that hang on it.
    pub(super) fn chained(&mut self, group: &[Step], path: &mut Path, depth: usize) -> Flow {
        let mut sequence = Sequence::default();
        let exceeds = path.exceeds;
        let mut rest = group;
        while let Some((step, more)) = rest.split_first() {
            if sequence.has_ended() {
                self.never_reached(rest);
                break;
            }
            if self.loses_track(&sequence) {
                self.cannot_tell(rest, path);
                break;
            }
            rest = more;
            let Step::Recipe(recipe) = step else {
                sequence.push(self.step(step, path));
                continue;
            };
            match applies(recipe.chain, path.chain) {
                Some(true) => {
                    self.reached.insert(recipe.at);
                }
                Some(false) => {
                    self.skipped(recipe);
                    path.chain = path.chain.after(recipe.chain, false);
                    continue;
                }
                None => {
                    let note = manual(
                        Code::UnclearChain,
                        "This rule depends on what a rule above it did, and that rule is not carried out",
                    );
                    self.leave_out(recipe, LeftOut { span: None, note }, path);
                    continue;
                }
            }
            if let Some(note) = self.barred(recipe.at) {
                self.leave_out(recipe, LeftOut { span: None, note }, path);
                continue;
            }
            let guard = match self.guard(recipe, path) {
                Ok(guard) => guard,
                Err(left_out) if self.is_idle(recipe) => {
                    let note = note(
                        Verdict::Dropped,
                        Code::UnusedVariable,
                        "No rule that is carried out asks for what this sets",
                    );
                    self.leave_out(recipe, LeftOut { note, ..left_out }, path);
                    continue;
                }
                Err(left_out) => {
                    self.leave_out(recipe, left_out, path);
                    continue;
                }
            };
            if guard.test == Test::False {
                self.never(recipe);
                path.miss(recipe, &guard);
                self.doubt_values(recipe, guard.fit, path);
                continue;
            }
            let ahead = Ahead::of(recipe, rest);
            if ahead.marks.is_some() {
                rest = rest.get(1..).unwrap_or(&[]);
            }
            let before = guard.before.clone();
            let mut arms = self.arms(recipe, guard.clone(), ahead, path);
            let mut missed = path.clone();
            missed.miss(recipe, &guard);
            let asked = Asked::by(rest);
            let ways = arms
                .iter()
                .filter(|arm| arm.flow.falls)
                .map(|arm| &arm.path);
            let always = guard.test == Test::True && arms.len() == 1;
            let all_alike = {
                let others = match always {
                    true => None,
                    false => Some(&missed),
                };
                let mut chains = ways.chain(others).map(|way| asked.of(way.chain));
                match chains.next() {
                    Some(first) => chains.all(|chain| chain == first),
                    None => true,
                }
            };
            let left = rest
                .iter()
                .filter(|step| matches!(step, Step::Recipe(_)))
                .count();
            let splits = !all_alike && depth < MAX_CHAIN && left <= self.repeats;
            let mut otherwise = Flow::nothing();
            if splits {
                for arm in arms.iter_mut().filter(|arm| arm.flow.falls) {
                    self.repeats = self.repeats.saturating_sub(left);
                    let mut inner = Sequence::default();
                    inner.push(std::mem::replace(&mut arm.flow, Flow::nothing()));
                    match self.loses_track(&inner) {
                        true => self.cannot_tell(rest, &mut arm.path),
                        false => inner.push(self.chained(rest, &mut arm.path, depth + 1)),
                    }
                    arm.flow = inner.close();
                }
                if !always {
                    self.doubt_values(recipe, guard.fit, &mut missed);
                    otherwise = self.chained(rest, &mut missed, depth + 1);
                }
                rest = &[];
            }
            let ways = arms
                .iter()
                .filter(|arm| arm.flow.falls)
                .map(|arm| arm.path.clone());
            let missed = Some(missed).filter(|_| otherwise.falls && !always);
            let may_be_missed = missed.is_some();
            if may_be_missed || arms.iter().any(|arm| arm.flow.falls) {
                // The way on takes its place, and need not be a copy.
                path.let_go();
            }
            let mut onward = missed.into_iter().chain(ways).reduce(Path::join);
            if let Some(onward) = onward.as_mut().filter(|_| may_be_missed) {
                self.doubt_values(recipe, guard.fit, onward);
            }
            let mut flow = branches(before, arms, otherwise, always);
            self.comment_first(&mut flow.commands, recipe.at);
            match onward {
                Some(onward) => {
                    let (clone, file, depth) = (path.clone, path.file, path.depth);
                    *path = onward;
                    (path.clone, path.file, path.depth) = (clone, file, depth);
                }
                None => flow.falls = false,
            }
            sequence.push(flow);
        }
        path.exceeds = exceeds;
        sequence.close()
    }

    /// What a recipe does where it matches; a second arm, where its action can
    /// fail.
    fn arms(&mut self, recipe: &Recipe, guard: Guard, ahead: Ahead, path: &Path) -> Vec<Arm> {
        let mut matched = path.clone();
        matched.chain = matched.chain.after(recipe.chain, true);
        matched.depth += 1;
        if guard.fit.may_exceed {
            matched.exceeds = matched.exceeds.or(Some(recipe.at));
        }
        if guard.fit != Fit::EXACT {
            self.are_unchanged(changed_by(recipe));
        }
        let mut before = Vec::new();
        if guard.captured.is_some() || guard.sets_match {
            matched.forget("match");
        }
        if let Some(group) = &guard.captured {
            if self.read.contains("MATCH") {
                before.push(set("match", &[], group.value()));
            }
            let known = Known::Carried {
                doubtful: group.is_last || matched.doubtful().is_some(),
                shape: group.shape,
            };
            matched.learn("MATCH", known);
        } else if guard.sets_match {
            let known = Known::Carried {
                doubtful: matched.doubtful().is_some(),
                shape: Shape::Anything,
            };
            matched.learn("MATCH", known);
        } else if splits_match(recipe) {
            matched.learn("MATCH", Known::Lost);
        }
        let mut failed = matched.clone();
        failed.chain.succeeded = Some(false);
        let acted = self.acted(recipe, ahead, &mut matched);
        let Acted {
            mut flow,
            succeeds_if,
        } = acted;
        let mut inner = Sequence::default();
        inner.push(Flow::of(before));
        inner.push(std::mem::replace(&mut flow, Flow::nothing()));
        let flow = inner.close();
        match succeeds_if {
            None => vec![Arm {
                test: guard.test,
                flow,
                path: matched,
            }],
            Some(succeeds) => {
                let both = Test::AllOf(vec![guard.test.clone(), succeeds]);
                vec![
                    Arm {
                        test: both,
                        flow,
                        path: matched,
                    },
                    Arm {
                        test: guard.test,
                        flow: Flow::nothing(),
                        path: failed,
                    },
                ]
            }
        }
    }
}

impl Path {
    /// The way past a recipe that does not match.
    fn miss(&mut self, recipe: &Recipe, guard: &Guard) {
        self.chain = self.chain.after(recipe.chain, false);
        split_all_the_same(recipe, guard, self);
        if guard.fit.may_miss {
            self.exceeds = self.exceeds.or(Some(recipe.at));
            if may_keep(recipe) {
                self.doubt = self.doubt.or(Some(recipe.at));
            }
        }
    }
}

/// What `MATCH` is behind a recipe that does not match.
fn split_all_the_same(recipe: &Recipe, guard: &Guard, missed: &mut Path) {
    if !splits_all_the_same(recipe) {
        return;
    }
    missed.forget("match");
    let known = match guard.sets_match {
        true => Known::Carried {
            doubtful: true,
            shape: Shape::Anything,
        },
        false => Known::Lost,
    };
    missed.learn("MATCH", known);
}

/// Puts the arms of a recipe and what is done elsewise together.
fn branches(before: Vec<Command>, arms: Vec<Arm>, otherwise: Flow, always: bool) -> Flow {
    let mut exits: BTreeSet<_> = otherwise.exits.clone();
    let mut falls = otherwise.falls && !always;
    let mut commands = before;
    let mut tests = Vec::new();
    for arm in arms {
        exits.extend(&arm.flow.exits);
        falls |= arm.flow.falls;
        tests.push((arm.test, arm.flow.commands));
    }
    if always {
        commands.extend(tests.into_iter().flat_map(|(_, block)| block));
        return Flow {
            commands,
            falls,
            exits,
        };
    }
    // What does nothing at the end need not be asked.
    while otherwise.commands.is_empty() && tests.last().is_some_and(|(_, block)| block.is_empty()) {
        tests.pop();
    }
    if tests.is_empty() {
        return Flow {
            commands,
            falls,
            exits,
        };
    }
    let mut last = None;
    append_else(&mut tests, &mut last, otherwise.commands);
    commands.push(command(CommandKind::If {
        branches: tests,
        otherwise: last,
    }));
    Flow {
        commands,
        falls,
        exits,
    }
}

impl Chained {
    /// Behind a recipe that matched, or did not.
    fn after(self, chain: Chain, matched: bool) -> Chained {
        let mut after = self;
        if !chain.also && !chain.also_if_succeeded {
            after.last = Some(matched);
        }
        if !chain.or_else || self.previous == Some(false) {
            after.previous = Some(matched);
        } else if self.previous.is_none() {
            after.previous = None;
        }
        after
    }
}

/// Whether a recipe is looked at behind what an earlier one did; `None` where
/// that is not known.
fn applies(chain: Chain, before: Chained) -> Option<bool> {
    let mut asked = Vec::new();
    if chain.also {
        asked.push(before.last);
    }
    if chain.also_if_succeeded {
        asked.extend([before.last, before.succeeded]);
    }
    if chain.on_error {
        asked.extend([
            before.previous,
            before.succeeded.map(|succeeded| !succeeded),
        ]);
    }
    if chain.or_else {
        asked.push(before.previous.map(|previous| !previous));
    }
    match asked.contains(&Some(false)) {
        true => Some(false),
        false if asked.contains(&None) => None,
        false => Some(true),
    }
}

/// How many steps hang on the first: the recipes with flags that ask for it,
/// and what stands between them.
pub(super) fn group_length(steps: &[Step]) -> usize {
    let mut length = 1;
    for (at, step) in steps.iter().enumerate().skip(1) {
        match step {
            Step::Recipe(recipe) if recipe.chain == Chain::default() => break,
            Step::Recipe(_) => length = at + 1,
            Step::Assign(_) => {}
            _ => break,
        }
    }
    length
}

/// What the rest of a chain asks for.
struct Asked {
    last: bool,
    previous: bool,
    succeeded: bool,
}

impl Asked {
    fn by(rest: &[Step]) -> Asked {
        let mut asked = Asked {
            last: false,
            previous: false,
            succeeded: false,
        };
        let mut first = true;
        for step in rest {
            let Step::Recipe(recipe) = step else { continue };
            let chain = recipe.chain;
            asked.last |= chain.also || chain.also_if_succeeded;
            asked.previous |= chain.or_else || first && chain.on_error;
            asked.succeeded |= first && (chain.also_if_succeeded || chain.on_error);
            first = false;
        }
        asked
    }

    /// The parts of a state that are asked for.
    fn of(&self, chain: Chained) -> [Option<Option<bool>>; 3] {
        [
            self.last.then_some(chain.last),
            self.previous.then_some(chain.previous),
            self.succeeded.then_some(chain.succeeded),
        ]
    }
}

/// What the next recipe does that this one has to know.
pub(super) struct Ahead {
    /// The flags that it gives to the file that this one writes.
    pub(super) marks: Option<Vec<String>>,
    /// It answers, where this one failed, and does nothing else.
    pub(super) answers: bool,
}

impl Ahead {
    fn of(recipe: &Recipe, rest: &[Step]) -> Ahead {
        let answers = matches!(rest.first(), Some(Step::Recipe(next))
            if next.chain.on_error && only_answers(next));
        Ahead {
            marks: marks_ahead(recipe, rest),
            answers,
        }
    }
}

/// The flags that the next recipe gives to the file that this one writes
/// (`:0 a` and `| mv "$LASTFOLDER" …:2,S`).
fn marks_ahead(recipe: &Recipe, rest: &[Step]) -> Option<Vec<String>> {
    let (Action::File(_), Some(Step::Recipe(next))) = (&recipe.action, rest.first()) else {
        return None;
    };
    let hangs = next.chain.also || next.chain.also_if_succeeded;
    let Action::Pipe(text) = &next.action else {
        return None;
    };
    match meaning(text) {
        Meaning::SetFlags(letters)
            if hangs && next.conditions.is_empty() && !next.flags.copy && recipe.flags.copy =>
        {
            Some(flags(&letters))
        }
        _ => None,
    }
}
