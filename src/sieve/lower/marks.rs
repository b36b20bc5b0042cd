//! In: the steps of the rules. Out: which recipes stand above a spam filter, and how the
//! fields begin that it writes. Those see other mail on a server that filters before any
//! rule.

use crate::rules::model::{Action, Recipe, StatementId, Step};
use crate::rules::program::{Meaning, meaning};
use std::collections::{HashMap, HashSet};

/// How the names of fields begin that a program writes, in lower case, and the program.
pub(super) type Marks = Vec<(&'static str, String)>;

/// Recipes above the first filter that writes a kind of field, with that kind.
pub(super) fn later(body: &[Step]) -> HashMap<StatementId, Marks> {
    let mut seen = Seen::default();
    seen.steps(body);
    seen.later
}

fn is_filter(step: &Step) -> bool {
    match step {
        Step::Recipe(recipe) => recipe.flags.filter,
        step => matches!(step, Step::Assign(_)),
    }
}

#[derive(Default)]
struct Seen {
    /// Recipes so far, in the order in which messages come by them.
    recipes: Vec<StatementId>,
    written: HashSet<&'static str>,
    later: HashMap<StatementId, Marks>,
}

impl Seen {
    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Recipe(recipe) => self.recipe(recipe),
                step => step.bodies().for_each(|body| self.steps(body)),
            }
        }
    }

    fn recipe(&mut self, recipe: &Recipe) {
        match &recipe.action {
            Action::Pipe(command) if recipe.flags.filter => {
                if let Meaning::SpamFilter {
                    program,
                    writes: Some(begin),
                    ..
                } = meaning(command)
                    && self.written.insert(begin)
                {
                    for at in &self.recipes {
                        let marks = self.later.entry(*at).or_default();
                        marks.push((begin, program.clone()));
                    }
                }
            }
            // Whether a filter is asked, and nothing else, is not asked of a server.
            Action::Block(steps) if steps.iter().all(is_filter) => self.steps(steps),
            Action::Block(steps) => {
                self.recipes.push(recipe.at);
                self.steps(steps);
                return;
            }
            _ => {}
        }
        self.recipes.push(recipe.at);
    }
}
