//! In: the text of a procmailrc. Out: its [`Node`]s in order, without a gap:
//! their texts, one after the other, are the file.
//!
//! The grammar (`grammar/procmailrc.pest`) follows procmail's own reader, so
//! that every text is a procmailrc. Blocks are flat, and their braces are not
//! matched here.

use super::{FileId, Span};
use grammar::{ProcmailrcParser, Rule};
use pest::Parser;

#[allow(missing_docs)]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/procmailrc.pest"]
    pub struct ProcmailrcParser;
}

/// A stretch of a procmailrc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it is.
    pub span: Span,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// Blanks and empty lines.
    Blank,
    /// `# …`, with its line end.
    Comment,
    /// `NAME=value`, or a `NAME` alone; without what ends it.
    Assignment,
    /// `:0 flags: lockfile`, with its line end. Conditions and an action
    /// follow, unless the recipe has none.
    Header,
    /// A condition with its star, if it has one, and its line end. Old-style
    /// headers (`:`, `:1`, `:2`) have conditions without a star.
    Condition,
    /// The action `{`.
    Open,
    /// The action `! address …`, with its line end.
    Forward,
    /// The action `| command`, with its line end.
    Pipe,
    /// The action `NAME=| command`, with its line end.
    Capture,
    /// The action that names mailboxes, with its line end.
    Mailbox,
    /// `}`.
    Close,
    /// What procmail skips.
    Skipped,
}

impl NodeKind {
    fn of(rule: Rule) -> Option<Self> {
        Some(match rule {
            Rule::blank | Rule::indent | Rule::counted_indent => NodeKind::Blank,
            Rule::comment => NodeKind::Comment,
            Rule::assignment => NodeKind::Assignment,
            Rule::header => NodeKind::Header,
            Rule::condition | Rule::condition_line => NodeKind::Condition,
            Rule::open => NodeKind::Open,
            Rule::forward => NodeKind::Forward,
            Rule::pipe => NodeKind::Pipe,
            Rule::capture => NodeKind::Capture,
            Rule::mailbox => NodeKind::Mailbox,
            Rule::close => NodeKind::Close,
            Rule::skipped => NodeKind::Skipped,
            _ => return None,
        })
    }

    /// Whether it is what a recipe does.
    pub fn is_action(self) -> bool {
        matches!(
            self,
            NodeKind::Open
                | NodeKind::Forward
                | NodeKind::Pipe
                | NodeKind::Capture
                | NodeKind::Mailbox
        )
    }
}

/// Reads a procmailrc.
pub fn parse(file: FileId, text: &str) -> Vec<Node> {
    let node = |kind, start, end| Node {
        kind,
        span: Span { file, start, end },
    };
    match ProcmailrcParser::parse(Rule::file, text) {
        Ok(pairs) => pairs
            .flatten()
            .filter_map(|pair| {
                let kind = NodeKind::of(pair.as_rule())?;
                let place = pair.as_span();
                Some(node(kind, place.start(), place.end()))
            })
            .filter(|node| node.span.start < node.span.end)
            .collect(),
        // The grammar accepts every text; were it not so, nothing may get lost.
        Err(_) => vec![node(NodeKind::Skipped, 0, text.len())],
    }
}

#[cfg(test)]
mod tests;
