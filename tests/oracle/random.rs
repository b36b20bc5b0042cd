//! Random homes that use every construct of procmail's rules.
//!
//! [`parts`] has the words they are made of, or [`spliced`] takes statements of homes;
//! [`shrink`] makes a home that shows
//! a difference as small as it can be, and [`hunt`] looks for such homes.

pub mod hunt;
mod parts;
mod shrink;
pub mod spliced;

use super::Files;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt;

/// A statement of a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// A line, or several, as they stand.
    Line(String),
    /// A recipe.
    Recipe {
        /// What stands behind the `:0`.
        flags: String,
        /// Condition lines, and comments between them.
        conditions: Vec<String>,
        /// What it does.
        action: Action,
    },
}

/// What a random recipe does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// One line.
    Line(String),
    /// A block.
    Block(Vec<Statement>),
}

/// A rule file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules(pub Vec<Statement>);

/// The rule files of a home: `.procmailrc`, one that it includes, and one that
/// takes over from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Home(pub [Rules; 3]);

/// Their names.
const NAMES: [&str; 3] = [".procmailrc", "shared.rc", "other.rc"];

impl Home {
    /// The files.
    pub fn files(&self) -> Files {
        let named = NAMES.iter().zip(&self.0);
        let used = named.filter(|(name, rules)| **name == NAMES[0] || !rules.0.is_empty());
        Files(
            used.map(|(name, rules)| (name.to_string(), rules.to_string().into_bytes()))
                .collect(),
        )
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[0].fmt(f)?;
        for (name, rules) in NAMES.iter().zip(&self.0).skip(1) {
            if !rules.0.is_empty() {
                write!(f, "--- {name}\n{rules}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|statement| statement.fmt(f))
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Line(line) => writeln!(f, "{line}"),
            Statement::Recipe {
                flags,
                conditions,
                action,
            } => {
                writeln!(f, ":0{flags}")?;
                for condition in conditions {
                    writeln!(f, "{condition}")?;
                }
                match action {
                    Action::Line(line) => writeln!(f, "{line}"),
                    Action::Block(statements) => {
                        writeln!(f, "{{")?;
                        statements
                            .iter()
                            .try_for_each(|statement| statement.fmt(f))?;
                        writeln!(f, "}}")
                    }
                }
            }
        }
    }
}

/// Homes of up to eight statements and two short files more. Most are shorter:
/// the less there is in a home, the less is announced.
pub fn homes() -> impl Strategy<Value = Home> {
    let none = Just(Rules::default());
    (
        prop_oneof![3 => vec(statement(), 1..4), 1 => vec(statement(), 4..8)].prop_map(Rules),
        prop_oneof![4 => none.clone().boxed(), 1 => vec(statement(), 1..4).prop_map(Rules).boxed()],
        prop_oneof![6 => none.boxed(), 1 => vec(statement(), 1..4).prop_map(Rules).boxed()],
    )
        .prop_map(|(main, shared, other)| {
            let calls = |rules: &mut Rules, file: &Rules, line: &str, at: usize| {
                if !file.0.is_empty() {
                    let at = at.min(rules.0.len());
                    rules.0.insert(at, Statement::Line(line.to_string()));
                }
            };
            let mut main = main;
            // Read twice, with another variable perhaps.
            calls(&mut main, &shared, parts::INCLUDE, 1);
            let end = main.0.len() / 2 + 1;
            if end % 2 == 0 {
                calls(&mut main, &shared, parts::INCLUDE_AGAIN, end);
            }
            calls(&mut main, &other, parts::SWITCH, end + 1);
            Home([main, shared, other])
        })
}

/// Homes that change the header, and then ask for what they changed.
pub fn editing_homes() -> impl Strategy<Value = Home> {
    let assigns = parts::line().prop_map(Statement::Line).boxed();
    (
        vec(prop_oneof![2 => assigns, 1 => statement().boxed()], 0..3),
        vec(edit(), 1..4),
        vec(
            prop_oneof![3 => asking().boxed(), 1 => statement().boxed()],
            1..4,
        ),
    )
        .prop_map(|(before, edits, behind)| {
            let main = [before, edits, behind].concat();
            Home([Rules(main), Rules::default(), Rules::default()])
        })
}

/// A change to the header of all mail, or of some, or of a copy.
fn edit() -> impl Strategy<Value = Statement> {
    let with = |(flags, action): (&str, Action), conditions| Statement::Recipe {
        flags: flags.to_string(),
        conditions,
        action,
    };
    let conditions = prop_oneof![2 => Just(Vec::new()).boxed(), 1 => conditions().boxed()].boxed();
    let filter = (parts::edit(), conditions.clone())
        .prop_map(move |((flags, line), conditions)| {
            with((flags, Action::Line(line.to_string())), conditions)
        })
        .boxed();
    let sent = (parts::edited_copy(), conditions.clone()).prop_map(move |(line, conditions)| {
        with((" c", Action::Line(line.to_string())), conditions)
    });
    let leaf = recipe(parts::action());
    let clone = (filter.clone(), leaf, conditions).prop_map(move |(edit, leaf, conditions)| {
        with((" c", Action::Block(vec![edit, leaf])), conditions)
    });
    prop_oneof![8 => filter, 1 => sent, 1 => clone]
}

/// A recipe that asks for a field that filters change.
fn asking() -> impl Strategy<Value = Statement> {
    (parts::changed(), parts::action()).prop_map(|(condition, action)| Statement::Recipe {
        flags: String::new(),
        conditions: vec![format!("* {condition}")],
        action,
    })
}

fn statement() -> impl Strategy<Value = Statement> {
    let leaf = prop_oneof![
        3 => parts::line().prop_map(Statement::Line).boxed(),
        10 => recipe(parts::action().boxed()).boxed(),
        2 => program().boxed(),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        let block = vec(inner.clone(), 1..4).prop_map(Action::Block);
        prop_oneof![
            2 => inner,
            3 => recipe(prop_oneof![2 => parts::action(), 1 => block.boxed()].boxed()),
        ]
        .boxed()
    })
}

fn recipe(action: BoxedStrategy<Action>) -> impl Strategy<Value = Statement> {
    (parts::flags(), conditions(), action).prop_map(|(flags, conditions, action)| {
        Statement::Recipe {
            flags: flags.to_string(),
            conditions,
            action,
        }
    })
}

/// A recipe that calls a program, with the flags that belong to it.
fn program() -> impl Strategy<Value = Statement> {
    (parts::program(), conditions()).prop_map(|((flags, action), conditions)| Statement::Recipe {
        flags: flags.to_string(),
        conditions,
        action: Action::Line(action.to_string()),
    })
}

/// Condition lines, now and then with a comment among them.
fn conditions() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        12 => parts::condition().prop_map(|condition| format!("* {condition}")),
        1 => parts::condition().prop_map(|condition| format!("*{condition}")),
        1 => parts::condition().prop_map(|condition| format!("  *\t{condition} ")),
        1 => select(parts::COMMENTS).prop_map(str::to_string),
    ];
    vec(line, 0..4)
}
