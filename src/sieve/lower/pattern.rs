//! In: an expression, and the text it is held against. Out: the simplest Sieve
//! test that holds for the same messages, and how far it does.

use crate::report::code::Code;
use crate::report::entry::Verdict;
use crate::rules::expression::Expression;
use crate::sieve::script::{Test, Value};
use crate::sieve::target::Target;

/// A test that stands for an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The test.
    pub test: Test,
    /// How it relates to the expression, beside what is different on every
    /// Sieve server (`docs/differences.md`).
    pub fit: Fit,
    /// What there is to say about it, for a finding.
    pub notes: Vec<Note>,
    /// The match variable (`${1}` …) that holds what procmail put into
    /// `MATCH`, where the expression has a `\/` and it can be had.
    pub captured: Option<String>,
}

/// How a test relates to what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fit {
    /// It can fail where procmail matched.
    pub may_miss: bool,
    /// It can hold where procmail did not match.
    pub may_exceed: bool,
}

/// What a finding is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it makes of the statement.
    pub verdict: Verdict,
    /// Its code.
    pub code: Code,
    /// One sentence, without a final full stop.
    pub message: String,
}

/// An expression held against the header (`H`, the default).
///
/// # Errors
/// Why there is no test.
pub fn header(_expression: &Expression, _target: &Target) -> Result<Matched, Note> {
    Err(not_yet())
}

/// An expression held against the body (`B`).
///
/// # Errors
/// Why there is no test.
pub fn body(_expression: &Expression, _target: &Target) -> Result<Matched, Note> {
    Err(not_yet())
}

/// An expression held against the value of a variable; `subject` is how Sieve
/// reads it.
///
/// # Errors
/// Why there is no test.
pub fn text(_expression: &Expression, _subject: &Value, _target: &Target) -> Result<Matched, Note> {
    Err(not_yet())
}

fn not_yet() -> Note {
    Note {
        verdict: Verdict::Manual,
        code: Code::UnclearRecipe,
        message: String::new(),
    }
}
