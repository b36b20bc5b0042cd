//! In: the variables of the rules. Out: names for what a script has beside them:
//! variables of its own, and places to jump to.

use crate::sieve::script::Modifier;
use std::collections::{BTreeMap, BTreeSet};

/// What the names of variables begin with that hold parts of the date.
pub(super) const NOW: &str = "now_";
/// That of the variable that says that a rule of a filter has acted.
pub(super) const COUNTED: &str = "counted";
const DONE: &str = "done";
const ARGUMENT: &str = "arg";
const FIELD: &str = "_field";

/// The name of the script's variable for one of procmail's: never that of one which
/// the script has by itself, and another one for each.
pub(super) fn script_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("{ARGUMENT}{name}");
    }
    let stem = name.trim_end_matches('_');
    let is_numbered = |by: &str| {
        stem.strip_prefix(by)
            .is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_of_script = stem.starts_with(NOW)
        || stem == COUNTED
        || is_numbered(DONE)
        || is_numbered(ARGUMENT)
        || stem.ends_with(FIELD)
        || QUOTING.iter().any(|by| stem.ends_with(by.as_str()));
    match is_of_script {
        true => format!("{name}_"),
        false => name,
    }
}

/// Whether a variable of the script holds a part of the date.
pub(super) fn is_of_clock(name: &str) -> bool {
    name.starts_with(NOW) && !name.ends_with('_')
}

const QUOTING: [Modifier; 2] = [Modifier::QuoteRegex, Modifier::QuoteWildcard];

/// The variable for the value of another one, quoted.
pub(super) fn quoted_name(name: &str, by: Modifier) -> String {
    format!("{name}_{}", by.as_str())
}

/// The variable for the value of a field.
pub(super) fn of_field(field: &str) -> String {
    let letter = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '_',
    };
    let name: String = field.chars().map(letter).take(40).collect();
    let x = match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => "x",
        false => "",
    };
    format!("{x}{name}{FIELD}")
}

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
        format!("{DONE}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn variables_of_the_rules_are_none_of_the_scripts_own() {
        let own = [
            Label(1).variable(),
            of_field("Subject"),
            quoted_name("list", Modifier::QuoteRegex),
            format!("{NOW}year"),
            COUNTED.to_owned(),
            script_name("1"),
        ];
        for name in own {
            assert_ne!(script_name(&name), name);
            assert!(!is_of_clock(&script_name(&name)));
            assert_ne!(script_name(&format!("{name}_")), script_name(&name));
        }
        assert_eq!(script_name("LIST"), "list");
    }

    proptest! {
        #[test]
        fn each_variable_has_a_name_of_its_own(
            one in "[1-9]|(now_|done|arg|[a-z_])[a-z0-9]{0,2}(_field|_quoteregex)?_{0,2}",
            two in "[1-9]|(now_|done|arg|[a-z_])[a-z0-9]{0,2}(_field|_quoteregex)?_{0,2}",
        ) {
            prop_assert_eq!(script_name(&one) == script_name(&two), one == two);
        }
    }
}
