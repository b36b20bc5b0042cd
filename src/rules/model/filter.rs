//! The commands of an Exim filter, free of their spelling.
//!
//! A filter says where a message is to go; that happens behind its last
//! command. Where none of the deliveries it asked for counts, the message goes
//! on as if there were no filter.
//!
//! Texts are [`Text`]s: a variable piece `h_subject` is the value of that field
//! (all of them, where there are several), decoded; `rh_subject` as it is
//! written; other names are Exim's own.

use super::{StatementId, Target, Text};
use serde::{Deserialize, Serialize};

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// `if … elif … else … endif`.
    If {
        /// `if` and each `elif`; the first whose condition holds is taken.
        branches: Vec<Branch>,
        /// `else`.
        otherwise: Vec<Command>,
    },
    /// A delivery, or an answer.
    Deliver {
        /// The statement.
        at: StatementId,
        /// Where to.
        to: Target,
        /// Whether it counts, so that the message does not go on.
        counts: bool,
    },
    /// `finish`.
    Finish {
        /// The statement.
        at: StatementId,
        /// `seen finish`: the message does not go on.
        counts: bool,
    },
    /// `fail`: the sender is told that the message is refused.
    Refuse {
        /// The statement.
        at: StatementId,
    },
    /// What the model cannot express; the findings say why.
    Unknown {
        /// The statement.
        at: StatementId,
    },
}

impl Command {
    /// Its statement: that of the first branch, where it has several.
    pub fn at(&self) -> Option<StatementId> {
        match self {
            Command::If { branches, .. } => branches.first().map(|branch| branch.at),
            Command::Deliver { at, .. }
            | Command::Finish { at, .. }
            | Command::Refuse { at }
            | Command::Unknown { at } => Some(*at),
        }
    }
}

/// A condition, and what is done where it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// The statement.
    pub at: StatementId,
    /// The condition.
    pub condition: Condition,
    /// What is done.
    pub commands: Vec<Command>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// `and`.
    All(Vec<Condition>),
    /// `or`.
    Any(Vec<Condition>),
    /// `not`.
    Not(Box<Condition>),
    /// Two texts are held against each other.
    Compare {
        /// What is looked at.
        left: Text,
        /// How.
        by: Comparison,
        /// Case matters.
        case: bool,
        /// What it is held against.
        right: Text,
    },
    /// `personal`: the mail is to the user, not from the user, and from no
    /// list or machine. With the user's further addresses.
    Personal(Vec<String>),
    /// A delivery that counts was asked for.
    Delivered,
    /// The message is a bounce: its envelope has no sender.
    Bounce,
    /// Always, or never.
    Always(bool),
    /// The condition holds with one of the addresses in a text as the variable
    /// `thisaddress`.
    AnyAddress(Text, Box<Condition>),
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// The text begins with the other.
    Begins,
    /// It holds the other.
    Contains,
    /// It ends with the other.
    Ends,
    /// It is the other.
    Is,
    /// The other is a regular expression (PCRE) that matches in it.
    Matches,
    /// As numbers, with `K` and `M`, it is the greater one.
    Above,
    /// It is the smaller one.
    Below,
}
