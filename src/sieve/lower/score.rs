//! In: weighted conditions (procmailsc(5)). Out: the smallest test that holds
//! when their sum is positive.
//!
//! Each weight counts once, where its condition holds: the sum is then a
//! threshold, and a threshold is an `anyof` of `allof`s. Sieve can count the
//! fields of a name, and nothing else; it cannot add that to other weights.

use super::path::Path;
use super::pattern::{Fit, Note};
use super::{Lowering, adapted, manual};
use crate::report::code::Code;
use crate::rules::model::{self, Condition, Recipe, Text};
use crate::sieve::script::{Compare, Match, Test, Value};
use crate::sieve::target::Extension;

/// A sum that no other weight changes any more.
const SUPREME: f64 = 2_147_483_647.0;
/// Ways to pass the threshold that are written down.
const MAX_WAYS: usize = 48;
/// Steps of the search for them.
const MAX_STEPS: usize = 200_000;

/// A condition and what it adds where it holds.
struct Term {
    weight: f64,
    test: Test,
    fit: Fit,
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
    ) -> Result<(Test, Fit), Note> {
        let mut sum = 0.0;
        let mut terms = Vec::new();
        let mut counted = Vec::new();
        for (condition, test, fit) in conditions {
            let Some(weight) = &condition.weight else {
                continue;
            };
            let w = self.number(&weight.weight, path)?;
            let x = self.number(&weight.exponent, path)?;
            let (w, test, fit) = match &condition.test {
                model::Test::Always if condition.negated => continue,
                // The empty expression matches once.
                model::Test::Always => {
                    sum += w;
                    continue;
                }
                // The sizes, as a proportion.
                model::Test::Smaller(_) | model::Test::Larger(_) if x != 0.0 => {
                    return Err(manual(
                        Code::ScoreBySize,
                        "The score grows with the size of the message, and the server cannot calculate",
                    ));
                }
                model::Test::Smaller(_) | model::Test::Larger(_) => {
                    sum += w;
                    continue;
                }
                // A program that fails adds the exponent.
                model::Test::Program(_) => {
                    sum += x;
                    (w - x, test.clone(), *fit)
                }
                model::Test::Expression(_) => (w, test.clone(), *fit),
            };
            let counts = x != 0.0
                && !condition.negated
                && matches!(condition.test, model::Test::Expression(_));
            let term = Term {
                weight: w,
                test,
                fit,
            };
            match counts {
                true => counted.push((condition.span, x, term)),
                false => terms.push(term),
            }
        }
        if let ([(_, x, term)], []) = (counted.as_slice(), terms.as_slice())
            && *x == 1.0
            && let Some(test) = self.fields_counted(sum, term)
        {
            return Ok((test, term.fit));
        }
        for (span, _, term) in counted {
            self.find_in(recipe.at, Some(span), adapted(
                Code::ScoreCounts,
                "procmail counted every place where this matches; the server adds the weight once",
            ));
            terms.push(Term {
                fit: Fit::LOOSE,
                ..term
            });
        }
        threshold(sum, terms)
    }

    /// `1^1 ^Received:`, as far as there are more than so many (RFC 5231).
    fn fields_counted(&self, sum: f64, term: &Term) -> Option<Test> {
        let Test::Exists(names) = &term.test else {
            return None;
        };
        let limit = (-sum / term.weight).floor();
        let counts = [Extension::Relational, Extension::AsciiNumeric];
        let can_count = counts
            .into_iter()
            .all(|extension| self.target.has(extension));
        // Where one field is enough, it is there or not.
        if term.weight <= 0.0 || limit < 1.0 || !can_count {
            return None;
        }
        Some(Test::Header {
            compare: Compare {
                by: Match::Count("gt".to_owned()),
                octet: false,
            },
            names: names.clone(),
            keys: vec![Value::text(limit.to_string())],
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
                manual(
                    Code::ScoreUnknown,
                    "The weight is not known before a message is there",
                )
            })
    }
}

/// A test for `sum` and the weights of the terms that hold being positive.
fn threshold(sum: f64, terms: Vec<Term>) -> Result<(Test, Fit), Note> {
    let mut sum = sum;
    // What takes away is turned round: its absence adds.
    let mut terms: Vec<Term> = terms
        .into_iter()
        .filter(|term| term.weight != 0.0)
        .map(|term| match term.weight < 0.0 {
            true => {
                sum += term.weight;
                Term {
                    weight: -term.weight,
                    test: Test::Not(Box::new(term.test)),
                    fit: term.fit.negated(),
                }
            }
            false => term,
        })
        .collect();
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
        return Err(manual(
            Code::ScoreTooComplex,
            "There are too many ways in which the weights add up",
        ));
    }
    let ways = search.ways;
    let used: Vec<usize> = ways.iter().flatten().map(|&at| order[at]).collect();
    let fit = used
        .iter()
        .fold(Fit::default(), |fit, &at| fit.and(terms[at].fit));
    // The conditions in the order in which they were written.
    let tests: Vec<Test> = terms.drain(..).map(|term| term.test).collect();
    let mut all: Vec<Test> = ways
        .into_iter()
        .map(|way| {
            let mut places: Vec<usize> = way.into_iter().map(|at| order[at]).collect();
            places.sort_unstable();
            Test::AllOf(places.into_iter().map(|at| tests[at].clone()).collect())
        })
        .collect();
    Ok((
        match all.len() {
            1 => all.swap_remove(0),
            _ => Test::AnyOf(all),
        },
        fit,
    ))
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
