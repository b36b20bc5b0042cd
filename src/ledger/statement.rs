//! In: nothing. Out: the unit that is accounted for: a statement of a file.

use crate::syntax::Span;
use serde::{Deserialize, Serialize};

/// The number of a statement among those of all files, in the order in which they were
/// read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StatementId(pub u32);

/// A statement: the unit of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// From its first to its last byte. The span of a recipe with a block ends
    /// behind the `{`; a closing `}` belongs to the statement before it.
    pub span: Span,
    /// What kind it is.
    pub kind: StatementKind,
}

/// The kinds of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementKind {
    /// `VAR=value`, `VAR`, and what looks like it to procmail.
    Assignment,
    /// `INCLUDERC=…` or `SWITCHRC=…`.
    Include,
    /// A recipe with an action.
    Recipe,
    /// What procmail skips: text that is no statement, a recipe without action.
    Skipped,
    /// One destination of a `.forward` file or an alias.
    Destination,
    /// A command of an Exim filter; of `if`, what stands before its `then`.
    Command,
    /// A whole file in another language.
    Foreign,
    /// A whole file that a program reads .
    Text,
}
