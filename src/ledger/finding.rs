//! In: what the stages have to say about statements. Out: the same, each once.

use super::{Code, StatementId};
use crate::syntax::Span;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

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

impl Verdict {
    /// The name that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Dropped => "dropped",
            Verdict::Exact => "exact",
            Verdict::Adapted => "adapted",
            Verdict::Manual => "manual",
        }
    }

    /// Whether the script does what the statement did, perhaps a bit
    /// differently.
    pub fn is_carried_out(self) -> bool {
        matches!(self, Verdict::Exact | Verdict::Adapted)
    }
}

/// The beginning of a text, on one line, for a message about it.
pub fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&line, 50)
}

/// The first characters of a text, and a sign that there were more.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What a stage has to say, wherever it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it makes of the statement.
    pub verdict: Verdict,
    /// Its code, explained by `sievify explain`.
    pub code: Code,
    /// One sentence for this very place, without a final full stop.
    pub message: String,
}

impl Note {
    /// With any verdict.
    pub fn new(verdict: Verdict, code: Code, message: impl Into<String>) -> Note {
        Note {
            verdict,
            code,
            message: message.into(),
        }
    }

    /// The same outcome, and something to know about it.
    pub fn exact(code: Code, message: impl Into<String>) -> Note {
        Note::new(Verdict::Exact, code, message)
    }

    /// Different, in the way that the message names.
    pub fn adapted(code: Code, message: impl Into<String>) -> Note {
        Note::new(Verdict::Adapted, code, message)
    }

    /// Without a meaning on the server.
    pub fn dropped(code: Code, message: impl Into<String>) -> Note {
        Note::new(Verdict::Dropped, code, message)
    }

    /// Not translated.
    pub fn manual(code: Code, message: impl Into<String>) -> Note {
        Note::new(Verdict::Manual, code, message)
    }

    /// About a statement, or a part of it.
    pub fn about(self, at: StatementId, span: Option<Span>) -> Finding {
        let Note {
            verdict,
            code,
            message,
        } = self;
        Finding {
            at,
            span,
            verdict,
            code,
            message,
        }
    }
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

/// Findings in the order they are made; the same one counts once, whatever its
/// verdict.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    known: HashSet<(StatementId, Option<Span>, Code, String)>,
}

impl Findings {
    /// Enters one.
    pub fn add(&mut self, finding: Finding) {
        let Finding {
            at,
            span,
            code,
            message,
            ..
        } = &finding;
        if self.known.insert((*at, *span, *code, message.clone())) {
            self.list.push(finding);
        }
    }

    /// Takes out what does not hold.
    pub fn retain(&mut self, holds: impl FnMut(&Finding) -> bool) {
        self.list.retain(holds);
    }

    /// All of them.
    pub fn into_list(self) -> Vec<Finding> {
        self.list
    }
}
