//! In: the variables of the rules. Out: names for what a script has beside them:
//! variables of its own, and places to jump to.

use super::value::script_name;
use std::collections::{BTreeMap, BTreeSet};

/// The names that a script has so far.
pub(super) struct Names {
    /// The variables of the rules, as the script calls them.
    taken: BTreeSet<String>,
    /// Variables of the script's own, by the beginnings of their names: how many
    /// there are.
    own: BTreeMap<String, usize>,
    labels: usize,
    /// The variable that says that the message is answered.
    answered: Option<String>,
}

impl Names {
    /// For a script with some variables of procmail.
    pub fn beside<'n>(variables: impl IntoIterator<Item = &'n String>) -> Self {
        Names {
            taken: variables
                .into_iter()
                .map(|name| script_name(name))
                .collect(),
            own: BTreeMap::new(),
            labels: 0,
            answered: None,
        }
    }

    /// A name for a variable that no other one has.
    pub fn fresh(&mut self, name: &str) -> String {
        loop {
            let number = self.own.entry(name.to_owned()).or_default();
            *number += 1;
            let fresh = match *number {
                1 => name.to_owned(),
                number => format!("{name}{number}"),
            };
            if !self.taken.contains(&fresh) {
                return fresh;
            }
        }
    }

    /// The variable that says that the message is answered, one for a script.
    pub fn answered(&mut self) -> String {
        if let Some(name) = &self.answered {
            return name.clone();
        }
        let name = self.fresh("answered");
        self.answered = Some(name.clone());
        name
    }

    /// A place to jump to.
    pub fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }
}

/// A place that steps can jump to: behind the block of a clone, or behind an
/// included file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Label(usize);

impl Label {
    /// The variable that says that the jump was taken.
    pub fn variable(self) -> String {
        format!("done{}", self.0)
    }
}
