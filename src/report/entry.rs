//! In: findings of the stages before. Out: the entries of a report.

use crate::report::code::Code;
use crate::rules::model::StatementId;
use crate::syntax::Span;
use serde::{Deserialize, Serialize};

/// What became of a statement. The order is from good to bad: of several
/// findings about one statement, the greatest is its verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Has no meaning on the server.
    Dropped,
    /// For every message, the same outcome as before.
    Exact,
    /// Different in a way that the entry names.
    Adapted,
    /// Not translated.
    Manual,
}

/// Something a stage has to say about a statement. A statement without any
/// finding is `exact`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The statement it is about.
    pub at: StatementId,
    /// The place inside the statement, where one part of it is meant.
    pub span: Option<Span>,
    /// What the finding makes of the statement.
    pub verdict: Verdict,
    /// Its code, explained by `sievify explain`.
    pub code: Code,
    /// One sentence for this very place, without a final full stop.
    pub message: String,
}
