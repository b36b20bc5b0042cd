//! In: weighted conditions (procmailsc(5)). Out: commands and a test that holds
//! when their sum is positive.
//!
//! Each weight counts once, where its condition holds: the sum is then a
//! threshold, and a threshold is an `anyof` of `allof`s, or, where there are too
//! many ways to pass it, the length of a text to which each test adds letters.
//! Sieve can count the fields of a name; it counts no places in a text.

use super::Lowering;
use super::path::Path;
use super::pattern::Fit;

use crate::ledger::{Code, Note};
use crate::rules::model::{self, Area, Condition, Recipe, Text};
use crate::rules::program::Relation;
use crate::rules::proportion::{MOST_SCORE as SUPREME, Proportion};
use crate::sieve::script::{Command, Match, Modifier, Part, Test, Value};
use crate::sieve::target::Extension;
use crate::syntax::Span;
use std::collections::BTreeSet;

/// Ways to pass the threshold that are written down.
const MAX_WAYS: usize = 48;
/// Steps of the search for them.
const MAX_STEPS: usize = 200_000;

/// Weights beside one that goes by the size.
const MOST_OTHERS: usize = 6;
/// Bytes of the largest message.
const MOST_SIZE: u64 = 1 << 31;

/// The letters that a sum may come to.
const MOST_LETTERS: f64 = 500.0;

/// Whether a sum is positive.
pub(super) struct Score {
    /// What is done first.
    pub before: Vec<Command>,
    /// What holds where it is.
    pub test: Test,
    /// How well.
    pub fit: Fit,
}

/// A condition and what it adds where it holds.
struct Term {
    weight: f64,
    test: Test,
    fit: Fit,
    counted: Option<Counted>,
}

/// A condition that adds for every place where it holds.
#[derive(Clone, Copy)]
struct Counted {
    span: Span,
    exponent: f64,
}

/// The sum of a recipe.
#[derive(Default)]
struct Sum {
    /// What it is before any term.
    start: f64,
    terms: Vec<Term>,
    /// What the size of the message adds.
    size: Option<Proportion>,
}

impl Sum {
    /// Where the size adds something, it does so in steps.
    ///
    /// # Errors
    /// Where there are too many.
    fn in_steps(mut self) -> Result<Self, Note> {
        if let Some(size) = self.size.take() {
            let others: Vec<f64> = self.terms.iter().map(|term| term.weight).collect();
            let (least, steps) = steps(self.start, &others, size).ok_or_else(no_steps)?;
            self.start += least;
            self.terms.extend(steps);
        }
        Ok(self)
    }

    /// A weight that every message has. One that ends the sum stays apart.
    fn always(&mut self, weight: f64) {
        if weight.abs() < SUPREME {
            self.start += weight;
            return;
        }
        self.terms.push(Term {
            weight,
            test: Test::True,
            fit: Fit::EXACT,
            counted: None,
        });
    }

    /// Whether a term ends the sum: one that lets it pass (1), or forbids it (-1).
    fn ends(&self, sign: f64) -> bool {
        self.terms.iter().any(|term| term.weight * sign >= SUPREME)
    }

    /// Whether weights that end it one by one do not may do so together.
    fn ends_by_adding(&self) -> bool {
        let ordinary = |sign: f64| {
            let weights = self.terms.iter().map(move |term| term.weight * sign);
            weights.filter(|weight| (0.0..SUPREME).contains(weight))
        };
        [1.0, -1.0]
            .into_iter()
            .any(|sign| self.start * sign + ordinary(sign).sum::<f64>() >= SUPREME)
    }

    /// What it comes to where all that adds to it holds, once.
    fn most(&self) -> f64 {
        self.start
            + self
                .terms
                .iter()
                .map(|term| term.weight.max(0.0))
                .sum::<f64>()
    }

    /// The terms that count.
    fn counted(&self) -> impl Iterator<Item = Counted> {
        self.terms.iter().filter_map(|term| term.counted)
    }
}

impl Lowering<'_> {
    /// Whether the weights of these conditions add up to more than nothing.
    ///
    /// # Errors
    /// Why that cannot be asked.
    pub(super) fn score(
        &mut self,
        recipe: &Recipe,
        conditions: &[(&Condition, Test, Fit)],
        path: &Path,
    ) -> Result<Score, Note> {
        let mut sum = self.sum(conditions, path)?.in_steps()?;
        if sum.ends(1.0) && sum.ends(-1.0) || sum.ends_by_adding() {
            return Err(Note::manual(
                Code::ScoreTooComplex,
                "Some weights end the sum and some forbid it, whichever is met first, and the server adds them all",
            ));
        }
        if let Some(score) = self.fields_counted(&sum) {
            return Ok(score);
        }
        let first = sum.counted().next();
        if let Some(first) = first
            && sum.most() <= 0.0
            && !recipe.flags.filter
        {
            self.find_in(
                recipe.at,
                Some(first.span),
                Note::manual(
                    Code::ScoreCounts,
                    "The weights pass only where this is found several times, which the server cannot count",
                ),
            );
        }
        for term in &mut sum.terms {
            if let Some(counted) = term.counted {
                self.find_in(recipe.at, Some(counted.span), Note::adapted(
                    Code::ScoreCounts,
                    "procmail counted every place where this matches; the server adds the weight once",
                ));
                term.fit = Fit::LOOSE;
            }
        }
        let (start, terms) = turned_round(sum);
        let score = threshold(start, &terms).or_else(|| self.summed(start, terms));
        let mut score = score.ok_or_else(|| {
            Note::manual(
                Code::ScoreTooComplex,
                "There are too many ways in which the weights add up",
            )
        })?;
        // Also what is in no way to pass may be found often enough to matter.
        if first.is_some() {
            score.fit = Fit::LOOSE;
        }
        Ok(score)
    }

    /// What the conditions add.
    fn sum(&mut self, conditions: &[(&Condition, Test, Fit)], path: &Path) -> Result<Sum, Note> {
        let mut sum = Sum::default();
        for (condition, test, fit) in conditions {
            let Some(weight) = &condition.weight else {
                continue;
            };
            let w = self.number(&weight.weight, path)?;
            let x = self.number(&weight.exponent, path)?;
            let mut term = Term {
                weight: w,
                test: test.clone(),
                fit: *fit,
                counted: None,
            };
            match &condition.test {
                model::Test::Always if condition.negated => {}
                // The empty expression matches once.
                model::Test::Always => sum.always(w),
                // The sizes, as a proportion.
                model::Test::Smaller(limit) | model::Test::Larger(limit) if x != 0.0 => {
                    let limit = self.number(limit, path)?;
                    let smaller = matches!(condition.test, model::Test::Smaller(_));
                    let size = Proportion {
                        weight: w,
                        exponent: x,
                        limit,
                        is_smaller: smaller != condition.negated,
                    };
                    if condition.area != Area::HeaderAndBody || sum.size.replace(size).is_some() {
                        return Err(no_steps());
                    }
                }
                model::Test::Smaller(_) | model::Test::Larger(_) => sum.always(w),
                // A program that fails adds the exponent.
                model::Test::Program(_) => {
                    sum.start += x;
                    term.weight -= x;
                    sum.terms.push(term);
                }
                model::Test::Expression(_) => {
                    term.counted = (x != 0.0 && !condition.negated).then_some(Counted {
                        span: condition.span,
                        exponent: x,
                    });
                    sum.terms.push(term);
                }
            }
        }
        Ok(sum)
    }

    /// Adds the weights up, a letter for each unit (RFC 5229 §4.1, `:length`).
    fn summed(&mut self, sum: f64, terms: Vec<Term>) -> Option<Score> {
        if !self.target.compares_numbers() || !self.target.has(Extension::Variables) {
            return None;
        }
        let weights: Vec<f64> = terms.iter().map(|term| term.weight).collect();
        let unit = unit(&weights)?;
        let name = self.names.fresh("points");
        let mut before = vec![Command::set(&name, &[], Value::text(""))];
        let mut fit = Fit::default();
        for term in terms {
            let letters = "x".repeat((term.weight / unit).round() as usize);
            let value = Value(vec![Part::Variable(name.clone()), Part::Text(letters)]);
            before.push(Command::when(
                term.test,
                vec![Command::set(&name, &[], value)],
            ));
            fit = fit.and(term.fit);
        }
        before.push(Command::set(
            &name,
            &[Modifier::Length],
            Value::variable(&name),
        ));
        // One letter more than that, and the sum is positive.
        let limit = limit(sum, unit);
        let test = Test::String {
            compare: Match::Value(Relation::Greater).into(),
            sources: vec![Value::variable(&name)],
            key: Value::text(limit.to_string()),
        };
        Some(Score { before, test, fit })
    }

    /// `1^1 ^Received:` and nothing else, as far as there are more than so many
    /// (RFC 5231).
    fn fields_counted(&self, sum: &Sum) -> Option<Score> {
        let [term] = sum.terms.as_slice() else {
            return None;
        };
        let Test::Exists(names) = &term.test else {
            return None;
        };
        let counts = term.counted.is_some_and(|counted| counted.exponent == 1.0);
        let limit = limit(sum.start, term.weight);
        // Where one field is enough, it is there or not.
        if !counts || term.weight <= 0.0 || limit < 1.0 || !self.target.compares_numbers() {
            return None;
        }
        Some(Score {
            before: Vec::new(),
            test: Test::Header {
                compare: Match::Count(Relation::Greater).into(),
                names: names.clone(),
                keys: vec![Value::text(limit.to_string())],
            },
            fit: term.fit,
        })
    }

    /// The number that a weight or an exponent is.
    ///
    /// # Errors
    /// Where it is not known.
    pub(super) fn number(&mut self, text: &Text, path: &Path) -> Result<f64, Note> {
        let value = self.value(text, path)?.value.as_text();
        let number = value.and_then(|text| text.trim().parse::<f64>().ok());
        number
            .filter(|number| number.is_finite())
            .map(|number| number.clamp(-SUPREME, SUPREME))
            .ok_or_else(|| {
                Note::manual(
                    Code::ScoreUnknown,
                    "The weight is not known before a message is there",
                )
            })
    }
}

fn no_steps() -> Note {
    Note::manual(
        Code::ScoreBySize,
        "The score grows with the size of the message, and the server cannot calculate",
    )
}

/// What the size adds to a sum, as steps: for the smallest messages, and at each
/// size from which on the sum has another sign, whatever else is in it. `None`
/// where there are too many, or where something else ends the sum as well.
fn steps(sum: f64, others: &[f64], size: Proportion) -> Option<(f64, Vec<Term>)> {
    let adds = |bytes: u64| size.adds(bytes as f64).clamp(-SUPREME, SUPREME);
    let ends = |added: f64| added.abs() >= SUPREME;
    let ends_alone = ends(adds(1)) || ends(adds(MOST_SIZE));
    if others.len() > MOST_OTHERS || ends_alone && others.iter().copied().any(ends) {
        return None;
    }
    let mut cuts = BTreeSet::new();
    for chosen in 0..1_usize << others.len() {
        let others = others.iter().enumerate();
        let some: f64 = others
            .filter(|(at, _)| chosen >> at & 1 == 1)
            .map(|(_, weight)| weight)
            .sum();
        let passes = |bytes: u64| sum + some + adds(bytes) > 0.0;
        let (mut below, mut above) = (1, MOST_SIZE);
        if passes(below) == passes(above) {
            continue;
        }
        while below + 1 < above {
            let middle = below + (above - below) / 2;
            match passes(middle) == passes(1) {
                true => below = middle,
                false => above = middle,
            }
        }
        cuts.insert(below);
    }
    let least = adds(cuts.first().copied().unwrap_or(MOST_SIZE));
    let mut before = least;
    let steps = cuts.into_iter().map(|over| {
        let here = adds(over + 1);
        let weight = here - std::mem::replace(&mut before, here);
        Term {
            weight,
            test: Test::Over(over),
            fit: Fit::EXACT,
            counted: None,
        }
    });
    Some((least, steps.collect()))
}

/// Whether a test holds wherever another one does.
fn follows(test: &Test, other: &Test) -> bool {
    match (test, other) {
        (Test::Over(size), Test::Over(other)) => size <= other,
        (Test::Not(test), Test::Not(other)) => match (test.as_ref(), other.as_ref()) {
            (Test::Over(size), Test::Over(other)) => size >= other,
            (test, other) => test == other,
        },
        _ => test == other,
    }
}

/// Of several tests that all have to hold, those that do not follow from others.
fn needed(tests: Vec<Test>) -> Vec<Test> {
    let mut needed: Vec<Test> = Vec::new();
    for test in tests {
        if !needed.iter().any(|other| follows(&test, other)) {
            needed.retain(|other| !follows(other, &test));
            needed.push(test);
        }
    }
    needed
}

/// Of several ways to pass, those that no other way lets pass already.
fn widest(ways: Vec<Vec<Test>>) -> Vec<Vec<Test>> {
    let covers = |wide: &[Test], narrow: &[Test]| {
        wide.iter()
            .all(|test| narrow.iter().any(|other| follows(test, other)))
    };
    let mut widest: Vec<Vec<Test>> = Vec::new();
    for way in ways {
        if !widest.iter().any(|other| covers(other, &way)) {
            widest.retain(|other| !covers(&way, other));
            widest.push(way);
        }
    }
    widest
}

/// More units than this make a sum positive. (`-sum` would print as `-0`.)
fn limit(sum: f64, unit: f64) -> f64 {
    (0.0 - sum / unit).floor()
}

/// What takes away is turned round: its absence adds.
fn turned_round(sum: Sum) -> (f64, Vec<Term>) {
    let mut start = sum.start;
    let terms = { sum.terms.into_iter() }
        .filter(|term| term.weight != 0.0)
        .map(|term| match term.weight < 0.0 {
            true => {
                start += term.weight;
                Term {
                    weight: -term.weight,
                    test: term.test.negated(),
                    fit: term.fit.negated(),
                    ..term
                }
            }
            false => term,
        })
        .collect();
    (start, terms)
}

/// What all weights are multiples of, if they come to a text of few letters.
fn unit(weights: &[f64]) -> Option<f64> {
    let total: f64 = weights.iter().sum();
    [1.0, 10.0, 100.0].into_iter().find_map(|scale| {
        let whole = weights.iter().map(|weight| {
            let scaled = weight * scale;
            let is_whole = (scaled - scaled.round()).abs() < 1e-6 && scaled < 1e9;
            is_whole.then(|| scaled.round() as u64)
        });
        let whole: Vec<u64> = whole.collect::<Option<_>>()?;
        let common = whole.iter().fold(0, |one, &other| divisor(one, other));
        let unit = common as f64 / scale;
        (common > 0 && total / unit <= MOST_LETTERS).then_some(unit)
    })
}

/// The greatest common one.
fn divisor(one: u64, other: u64) -> u64 {
    match other {
        0 => one,
        _ => divisor(other, one % other),
    }
}

/// A test for `sum` and the weights of the terms that hold being positive; `None`
/// where there are too many ways.
fn threshold(sum: f64, terms: &[Term]) -> Option<Score> {
    let order: Vec<usize> = {
        let mut order: Vec<usize> = (0..terms.len()).collect();
        order.sort_by(|&one, &other| terms[other].weight.total_cmp(&terms[one].weight));
        order
    };
    let weights: Vec<f64> = order.iter().map(|&at| terms[at].weight).collect();
    let mut search = Search {
        weights: &weights,
        rest: suffix_sums(&weights),
        chosen: Vec::new(),
        ways: Vec::new(),
        steps: 0,
    };
    if !search.from(0, sum) {
        return None;
    }
    let ways = search.ways;
    let used: Vec<usize> = ways.iter().flatten().map(|&at| order[at]).collect();
    let fit = used
        .iter()
        .fold(Fit::default(), |fit, &at| fit.and(terms[at].fit));
    // The conditions in the order in which they were written.
    let ways = ways.into_iter().map(|way| {
        let mut places: Vec<usize> = way.into_iter().map(|at| order[at]).collect();
        places.sort_unstable();
        let tests = places.into_iter().map(|at| terms[at].test.clone());
        needed(tests.collect())
    });
    let mut all: Vec<Test> = widest(ways.collect())
        .into_iter()
        .map(Test::AllOf)
        .collect();
    Some(Score {
        before: Vec::new(),
        test: match all.len() {
            1 => all.swap_remove(0),
            _ => Test::AnyOf(all),
        },
        fit,
    })
}

/// The sums of what stands at a place and behind it.
fn suffix_sums(weights: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; weights.len() + 1];
    for at in (0..weights.len()).rev() {
        sums[at] = sums[at + 1] + weights[at];
    }
    sums
}

/// Finds the smallest sets of weights that are enough.
struct Search<'w> {
    weights: &'w [f64],
    rest: Vec<f64>,
    chosen: Vec<usize>,
    ways: Vec<Vec<usize>>,
    steps: usize,
}

impl Search<'_> {
    /// From a place on, with a sum so far. The weights fall, so a set is
    /// smallest where its last one was needed. False, where there are too many.
    fn from(&mut self, at: usize, sum: f64) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.ways.len() > MAX_WAYS {
            return false;
        }
        if sum > 0.0 {
            self.ways.push(self.chosen.clone());
            return true;
        }
        if at >= self.weights.len() || sum + self.rest[at] <= 0.0 {
            return true;
        }
        self.chosen.push(at);
        let found = self.from(at + 1, sum + self.weights[at]);
        self.chosen.pop();
        found && self.from(at + 1, sum)
    }
}
