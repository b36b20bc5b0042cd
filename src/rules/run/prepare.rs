//! In: the steps of the rules. Out: what of them does not depend on a message,
//! made ready once.

use super::Runner;
use crate::rules::model::{Action, Piece, Recipe, Step, Target, Text};
use crate::rules::program;

impl<'p> Runner<'p> {
    pub(super) fn prepare(&mut self, steps: &'p [Step]) {
        for step in steps {
            match step {
                Step::Assign(assign) => {
                    assign.value.iter().for_each(|text| self.prepare_text(text))
                }
                Step::Recipe(recipe) => self.prepare_recipe(recipe),
                Step::Include { body, .. } | Step::Detail { body, .. } => self.prepare(body),
                Step::Deliver(destinations) => {
                    for destination in destinations {
                        if let Target::Rules(steps) = &destination.to {
                            self.prepare(steps);
                        }
                    }
                }
                Step::Filter(_) | Step::End { .. } | Step::Unknown { .. } => {}
            }
        }
    }

    fn prepare_recipe(&mut self, recipe: &'p Recipe) {
        for condition in &recipe.conditions {
            self.prepare_condition(recipe, condition);
        }
        match &recipe.action {
            Action::File(folders) => folders
                .iter()
                .for_each(|folder| self.prepare_text(&folder.path)),
            Action::Forward(words) => words.iter().for_each(|word| self.prepare_text(word)),
            Action::Pipe(command) | Action::Capture { command, .. } => {
                self.prepare_command(command)
            }
            Action::Block(steps) => self.prepare(steps),
        }
    }

    pub(super) fn prepare_text(&mut self, text: &'p Text) {
        for piece in &text.0 {
            if let Piece::Command(command) = piece {
                self.prepare_command(command);
            }
        }
    }

    pub(super) fn prepare_command(&mut self, command: &'p Text) {
        self.meanings
            .entry(command)
            .or_insert_with(|| program::meaning(command));
    }
}
