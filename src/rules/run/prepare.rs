//! In: the steps of the rules. Out: what of them does not depend on a message,
//! made ready once.

use super::Runner;
use crate::rules::model::{Action, Piece, Recipe, Step, Text, walk};
use crate::rules::program;

impl<'p> Runner<'p> {
    pub(super) fn prepare(&mut self, steps: &'p [Step]) {
        for step in walk::steps(steps) {
            match step {
                Step::Assign(assign) => {
                    assign.value.iter().for_each(|text| self.prepare_text(text))
                }
                Step::Recipe(recipe) => self.prepare_recipe(recipe),
                _ => {}
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
            Action::Block(_) => {}
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
