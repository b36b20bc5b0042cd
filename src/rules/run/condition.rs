//! In: the conditions of a recipe, and a message. Out: whether they hold;
//! `MATCH` and the score are set on the way (procmailsc(5)).

use super::machine::{Machine, Process};
use super::message::Message;
use super::search::Search;
use super::task::Task;
use super::value::{fraction, whole};
use super::{Runner, Unknown, encoded};
use crate::rules::expression::matcher::Matcher;
use crate::rules::model::{Area, Condition, Recipe, Test};
use crate::rules::proportion::{MOST_SCORE as MOST, Proportion};
use crate::syntax::Encoding;
use std::ops::Range;
use std::rc::Rc;

/// Matches of one weighted expression that are counted one by one.
const MAX_MATCHES: usize = 1 << 20;

/// What the weighted conditions of a recipe have come to.
#[derive(Debug, Clone, Copy, Default)]
struct Score {
    sum: f64,
    is_scored: bool,
}

/// `w^x`.
#[derive(Debug, Clone, Copy)]
struct Weight {
    weight: f64,
    exponent: f64,
}

impl<'p> Machine<'_, 'p> {
    /// The value of the variable that is searched, if it is one.
    fn variable_in(&mut self, process: &Process<'_>, area: &Area) -> Vec<u8> {
        let Area::Variable(name) = area else {
            return Vec::new();
        };
        let value = process.variables.get(name);
        if value.is_none() && process.run.preserves {
            self.unknown(Unknown::Value(name.clone()));
        }
        value.unwrap_or_default().to_vec()
    }

    fn area_length(&mut self, process: &Process<'_>, area: &Area) -> usize {
        let variable = self.variable_in(process, area);
        searched(&process.message, area, &variable).len()
    }

    /// Whether the conditions of a recipe hold.
    pub fn conditions(&mut self, process: &mut Process<'p>, recipe: &'p Recipe) -> bool {
        let mut score = Score::default();
        let mut holds = true;
        for condition in &recipe.conditions {
            holds = self.condition(process, recipe, condition, &mut score);
            score.sum = score.sum.clamp(-MOST, MOST);
            holds &= score.sum > -MOST;
            if !holds {
                break;
            }
        }
        process.score = match score.sum as i64 {
            0 if score.sum > 0.0 => 1,
            sum => sum,
        };
        holds && (!score.is_scored || score.sum > 0.0)
    }

    fn condition(
        &mut self,
        process: &mut Process<'p>,
        recipe: &'p Recipe,
        condition: &'p Condition,
        score: &mut Score,
    ) -> bool {
        let encoding = self.runner.encoding(recipe.at);
        let weight = match &condition.weight {
            // The sum can grow no more; the condition is not looked at.
            Some(_) if score.sum >= MOST => return true,
            Some(weight) => {
                score.is_scored = true;
                Some(Weight {
                    weight: fraction(&self.value(process, &weight.weight, encoding)),
                    exponent: fraction(&self.value(process, &weight.exponent, encoding)),
                })
            }
            None => None,
        };
        let negated = condition.negated;
        if let Area::Variable(name) = &condition.area {
            self.ask(process, name);
        }
        match &condition.test {
            Test::Always | Test::Expression(_) => {
                let Some(search) = self.search(process, recipe, condition, encoding) else {
                    // It is too large to be searched for.
                    self.unknown(Unknown::Statement(recipe.at));
                    return negated;
                };
                let variable = self.variable_in(process, &condition.area);
                let message = Rc::clone(&process.message);
                let text = searched(&message, &condition.area, &variable);
                self.count(text.len() >> 16);
                let (holds, matched) = match (weight, negated) {
                    (Some(weight), false) => {
                        (true, weight.of_matches(&search, text, &mut score.sum))
                    }
                    (weight, _) => {
                        let found = search.find(text);
                        let holds = found.is_some() != negated;
                        if let (Some(Weight { weight, .. }), true) = (weight, holds) {
                            score.sum += weight;
                        }
                        (
                            holds || weight.is_some(),
                            found.and_then(|found| found.matched),
                        )
                    }
                };
                if let Some(range) = matched {
                    let value = text.get(range).unwrap_or_default();
                    let value = value.split(|&byte| byte == 0).next();
                    process.variables.set("MATCH", value);
                }
                holds
            }
            Test::Smaller(limit) | Test::Larger(limit) => {
                let limit = whole(&self.value(process, limit, encoding)).unwrap_or(0);
                let smaller = matches!(condition.test, Test::Smaller(_));
                let size = self.area_length(process, &condition.area);
                match weight {
                    Some(weight) => {
                        let proportion = Proportion {
                            weight: weight.weight,
                            exponent: weight.exponent,
                            limit: limit as f64,
                            is_smaller: smaller != negated,
                        };
                        score.sum += proportion.adds(size as f64);
                        true
                    }
                    None => {
                        let size = i64::try_from(size).unwrap_or(i64::MAX);
                        let holds = if smaller { size < limit } else { size > limit };
                        holds != negated
                    }
                }
            }
            Test::Program(command) => {
                let variable = self.variable_in(process, &condition.area);
                let input = searched(&process.message, &condition.area, &variable).to_vec();
                let ran = self.run_program(process, command, &input, Task::Question, encoding);
                match weight {
                    Some(weight) => {
                        score.sum = weight.of_status(score.sum, ran.status, negated);
                        true
                    }
                    None => (ran.status == 0) != negated,
                }
            }
        }
    }

    fn search(
        &mut self,
        process: &mut Process<'p>,
        recipe: &Recipe,
        condition: &'p Condition,
        encoding: Encoding,
    ) -> Search {
        let distinguishes = recipe.flags.distinguish_case;
        let known = match &condition.test {
            Test::Expression(text) => text.known(),
            _ => Some(""),
        };
        if let Some(known) = known
            && let Some(search) = self
                .runner
                .searches
                .get(&encoded(known, encoding), distinguishes)
        {
            return search;
        }
        let text = match &condition.test {
            Test::Expression(text) => self.value(process, text, encoding),
            _ => Vec::new(),
        };
        self.memory.searches.make_for_now(&text, distinguishes)
    }
}

impl Weight {
    /// Adds what the matches of an expression weigh to a sum. The last of them
    /// may set `MATCH`.
    fn of_matches(self, search: &Matcher, text: &[u8], sum: &mut f64) -> Option<Range<usize>> {
        let Weight {
            mut weight,
            exponent,
        } = self;
        let mut matched = None;
        let mut squared = weight * weight;
        let mut at = 0;
        let mut matches = search.matches(text).take(MAX_MATCHES);
        while weight != 0.0
            && -MOST < *sum
            && *sum < MOST
            && let Some(found) = matches.next()
        {
            *sum += weight;
            weight *= exponent;
            matched = found.matched.or(matched);
            if found.end <= at {
                // An empty match would be found here again and again.
                if 0.0 < exponent && exponent < 1.0 {
                    *sum += weight / (1.0 - exponent);
                } else if exponent >= 1.0 && weight != 0.0 {
                    *sum += MOST.copysign(weight);
                }
                break;
            }
            let next = weight * weight;
            if next < squared && squared < 1.0 {
                break;
            }
            squared = next;
            at = found.end;
        }
        matched
    }

    fn of_status(self, before: f64, status: i32, negated: bool) -> f64 {
        let Weight {
            mut weight,
            exponent,
        } = self;
        let mut sum = before;
        if !negated {
            return sum + if status == 0 { weight } else { exponent };
        }
        for _ in 0..status {
            sum += weight;
            if !(-MOST < sum && sum < MOST) {
                break;
            }
            weight *= exponent;
        }
        sum
    }
}

fn searched<'t>(message: &'t Message, area: &Area, variable: &'t [u8]) -> &'t [u8] {
    match area {
        Area::Header => message.header(),
        Area::Body => message.body(),
        Area::HeaderAndBody => message.joined(),
        Area::Variable(_) => variable,
    }
}

/// Expressions that are known before any message is there are compiled once.
impl<'p> Runner<'p> {
    pub(super) fn prepare_condition(&mut self, recipe: &'p Recipe, condition: &'p Condition) {
        let encoding = self.encoding(recipe.at);
        if let Some(weight) = &condition.weight {
            self.prepare_text(&weight.weight);
            self.prepare_text(&weight.exponent);
        }
        match &condition.test {
            Test::Expression(text) => match text.known() {
                Some(known) => {
                    let known = encoded(known, encoding);
                    let distinguishes = recipe.flags.distinguish_case;
                    self.searches.make(&known, distinguishes);
                }
                None => self.prepare_text(text),
            },
            Test::Smaller(text) | Test::Larger(text) => self.prepare_text(text),
            Test::Program(command) => self.prepare_command(command),
            Test::Always => {
                self.searches.make(b"", recipe.flags.distinguish_case);
            }
        }
    }
}
