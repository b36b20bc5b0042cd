//! In: a recipe, and those that hang on it. Out: one `if … elsif …` of them, or
//! rules within another.
//!
//! The flags `A a E e` ask what an earlier recipe did. Along one way through
//! the rules that is known; where a message can come by several ways that
//! matter, the rest of the chain is written for each.

use super::Lowering;
use super::answer::only_answers;
use super::guard::{Found, Guard, LeftOut};
use super::left_out::{
    any_keeps, assigned_in, changed_by, may_keep, splits_all_the_same, splits_match,
};
use super::path::{Known, Path};
use super::pattern::Fit;
use super::program::Acted;
use super::seen::{Marked, marked};
use super::sequence::{Flow, Sequence, append_else};
use super::shape::Shape;

use crate::ledger::{Code, Note};
use crate::rules::model::{Chain, Chained, Recipe, StatementId, Step};
use crate::sieve::script::{Command, CommandKind, Test, Value};
use std::collections::BTreeSet;

/// Recipes of one chain that each stand in the `else` of the one before.
const MAX_CHAIN: usize = 200;

/// One way through a recipe.
struct Arm {
    test: Test,
    flow: Flow,
    path: Path,
}

/// The ways through a recipe, and past it.
struct Ways {
    /// What runs before it is asked whether the recipe matches.
    before: Vec<Command>,
    arms: Vec<Arm>,
    /// What is known of a message that it does not match.
    missed: Path,
    /// What becomes of such a message.
    otherwise: Flow,
    /// Every message goes by the one arm.
    always: bool,
    fit: Fit,
}

impl Ways {
    /// Whether the rest of a chain is the same for all that come to it.
    fn are_alike_to(&self, rest: &[Step]) -> bool {
        let asked = Asked::by(rest);
        let missed = (!self.always).then_some(&self.missed);
        let falling = self.arms.iter().filter(|arm| arm.flow.falls);
        let ways = falling.map(|arm| &arm.path).chain(missed);
        let mut chains = ways.map(|way| asked.of(way.chain));
        match chains.next() {
            Some(first) => chains.all(|chain| chain == first),
            None => true,
        }
    }
}

impl Lowering<'_> {
    /// A recipe, and those that hang on it.
    pub(super) fn chained(&mut self, group: &[Step], path: &mut Path, depth: usize) -> Flow {
        let mut sequence = Sequence::default();
        let exceeds = path.exceeds;
        let mut in_doubt: Option<(StatementId, &[Step])> = None;
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
            let Some(guard) = self.admitted(recipe, path) else {
                continue;
            };
            let ahead = Ahead::of(recipe, rest);
            if let Some(marked) = &ahead.marked {
                rest = rest.get(marked.steps..).unwrap_or(&[]);
            }
            if guard.fit != Fit::EXACT && !rest.is_empty() {
                in_doubt = in_doubt.or(Some((recipe.at, rest)));
            }
            let mut ways = self.ways(recipe, guard, ahead, path);
            if self.parts(recipe, &mut ways, rest, depth) {
                rest = &[];
            }
            sequence.push(self.rejoined(recipe, ways, path));
        }
        path.exceeds = exceeds;
        if let Some((at, hanging)) = in_doubt {
            self.doubt_hanging(at, hanging, path);
        }
        sequence.close()
    }

    /// Behind recipes that hang on an inexact one: some mail may not have met them that
    /// was to, and the other way round.
    fn doubt_hanging(&self, at: StatementId, hanging: &[Step], path: &mut Path) {
        if any_keeps(hanging) {
            path.doubts(at);
        }
        self.doubt_all(assigned_in(hanging), path);
    }

    /// When a recipe matches; `None` where no message comes to its action, or it is
    /// left out.
    fn admitted(&mut self, recipe: &Recipe, path: &mut Path) -> Option<Guard> {
        let left_out = match path.chain.admits(recipe.chain) {
            Some(true) => {
                self.reached.insert(recipe.at);
                self.barred(recipe.at)
            }
            Some(false) => {
                self.skipped(recipe);
                path.chain = path.chain.after(recipe.chain, false);
                return None;
            }
            None => Some(Note::manual(
                Code::UnclearChain,
                "This rule depends on what a rule above it did, and that rule is not carried out",
            )),
        };
        let guard = match left_out {
            Some(note) => Err(LeftOut { span: None, note }),
            None => self.guard(recipe, path).map_err(|left_out| LeftOut {
                note: self.idle(recipe).unwrap_or(left_out.note),
                ..left_out
            }),
        };
        match guard {
            Ok(guard) if guard.test == Test::False => {
                self.never(recipe);
                path.miss(recipe, &guard);
                self.doubt_values(recipe, guard.fit, path);
                None
            }
            Ok(guard) => Some(guard),
            Err(left_out) => {
                self.leave_out(recipe, left_out, path);
                None
            }
        }
    }

    /// The ways through a recipe.
    fn ways(&mut self, recipe: &Recipe, guard: Guard, ahead: Ahead, path: &Path) -> Ways {
        let before = guard.before.clone();
        let matches_all = guard.test == Test::True;
        let fit = guard.fit;
        let mut missed = path.clone();
        missed.miss(recipe, &guard);
        let arms = self.arms(recipe, guard, ahead, path);
        Ways {
            before,
            always: matches_all && arms.len() == 1,
            arms,
            missed,
            otherwise: Flow::nothing(),
            fit,
        }
    }

    /// Writes the rest of a chain for each way, where it matters to the rest by which
    /// one a message came; says whether it did.
    fn parts(&mut self, recipe: &Recipe, ways: &mut Ways, rest: &[Step], depth: usize) -> bool {
        let recipes = rest.iter().filter(|step| matches!(step, Step::Recipe(_)));
        let left = recipes.count();
        if ways.are_alike_to(rest) || depth >= MAX_CHAIN || left > self.repeats {
            return false;
        }
        for arm in ways.arms.iter_mut().filter(|arm| arm.flow.falls) {
            self.repeats = self.repeats.saturating_sub(left);
            let mut inner = Sequence::default();
            inner.push(std::mem::replace(&mut arm.flow, Flow::nothing()));
            match self.loses_track(&inner) {
                true => self.cannot_tell(rest, &mut arm.path),
                false => inner.push(self.chained(rest, &mut arm.path, depth + 1)),
            }
            arm.flow = inner.close();
        }
        if !ways.always {
            self.doubt_values(recipe, ways.fit, &mut ways.missed);
            ways.otherwise = self.chained(rest, &mut ways.missed, depth + 1);
        }
        true
    }

    /// Brings the ways through a recipe together again.
    fn rejoined(&mut self, recipe: &Recipe, ways: Ways, path: &mut Path) -> Flow {
        let may_be_missed = ways.otherwise.falls && !ways.always;
        let falling = ways.arms.iter().filter(|arm| arm.flow.falls);
        let mut onward: Vec<Path> = falling.map(|arm| arm.path.clone()).collect();
        if may_be_missed {
            onward.insert(0, ways.missed);
        }
        if !onward.is_empty() {
            // The way on takes its place, and need not be a copy.
            path.let_go();
        }
        let mut onward = onward.into_iter().reduce(Path::join);
        if let Some(onward) = onward.as_mut()
            && may_be_missed
        {
            self.doubt_values(recipe, ways.fit, onward);
        }
        let mut flow = branches(ways.before, ways.arms, ways.otherwise, ways.always);
        self.first_comes_from(&mut flow.commands, recipe.at);
        match onward {
            Some(onward) => path.go_on(onward),
            None => flow.falls = false,
        }
        flow
    }

    /// What a recipe does where it matches; a second arm, where its action can
    /// fail.
    fn arms(&mut self, recipe: &Recipe, guard: Guard, ahead: Ahead, path: &Path) -> Vec<Arm> {
        let mut matched = path.clone();
        matched.chain = matched.chain.after(recipe.chain, true);
        matched.place.depth += 1;
        if guard.fit.may_exceed {
            matched.exceeds = matched.exceeds.or(Some(recipe.at));
        }
        if guard.fit != Fit::EXACT {
            self.unchanged.parts(changed_by(recipe));
        }
        let mut before = Vec::new();
        if guard.found.is_some() || guard.sets_match {
            matched.forget("match");
        }
        let in_doubt = matched.doubtful().is_some();
        let (value, known) = match &guard.found {
            Some(Found::Text(text)) if in_doubt => {
                let known = Known::Carried {
                    doubtful: true,
                    shape: Shape::of(text),
                };
                (Some(Value::text(&**text)), Some(known))
            }
            Some(Found::Text(text)) => {
                let known = Known::Text(text.clone());
                (Some(Value::text(&**text)), Some(known))
            }
            Some(Found::Group(group)) => {
                let known = Known::Carried {
                    doubtful: group.is_doubtful() || in_doubt,
                    shape: group.shape,
                };
                (Some(group.value()), Some(known))
            }
            None if guard.sets_match => {
                let known = Known::Carried {
                    doubtful: in_doubt,
                    shape: Shape::Anything,
                };
                (None, Some(known))
            }
            None => (None, splits_match(recipe).then_some(Known::Lost)),
        };
        if let Some(value) = value.filter(|_| self.read.has("MATCH")) {
            before.push(Command::set("match", &[], value));
        }
        if let Some(known) = known {
            matched.learn("MATCH", known);
        }
        for (name, seen) in &guard.narrowed {
            matched.narrow(name, *seen);
        }
        let mut failed = matched.clone();
        failed.chain.succeeded = Some(false);
        let acted = self.acted(recipe, ahead, &mut matched);
        let Acted {
            mut flow,
            succeeds_if,
            is_exact,
        } = acted;
        if !is_exact {
            for way in [&mut matched, &mut failed] {
                way.doubts(recipe.at);
            }
        }
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
                self.doubts(recipe.at);
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
    commands.push(Command::from(CommandKind::If {
        branches: tests,
        otherwise: last,
    }));
    Flow {
        commands,
        falls,
        exits,
    }
}

/// How many steps hang on the first: those that mark what it files, the recipes with
/// flags that ask for it, and what stands between them.
pub(super) fn group_length(steps: &[Step]) -> usize {
    let marks = match steps.split_first() {
        Some((Step::Recipe(first), rest)) => marked(first, rest).map_or(0, |marked| marked.steps),
        _ => 0,
    };
    let mut length = 1 + marks;
    for (at, step) in steps.iter().enumerate().skip(length) {
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

/// What the next recipes do that this one has to know.
pub(super) struct Ahead {
    /// The file that this one writes is marked.
    pub(super) marked: Option<Marked>,
    /// It answers, where this one failed, and does nothing else.
    pub(super) answers: bool,
}

impl Ahead {
    fn of(recipe: &Recipe, rest: &[Step]) -> Ahead {
        let answers = matches!(rest.first(), Some(Step::Recipe(next))
            if next.chain.on_error && only_answers(next));
        Ahead {
            marked: marked(recipe, rest),
            answers,
        }
    }
}
