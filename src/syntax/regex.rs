//! In: the text of an expression in procmail's dialect. Out: the macros in it;
//! and, once they are expanded, its [`Node`]s in order, without a gap: their
//! texts, one after the other, are the expression.
//!
//! The grammar (`grammar/regex.pest`) follows procmail's own reader, so that
//! every text is an expression. Groups are flat.

use grammar::{RegexParser, Rule};
use pest::Parser;
use std::ops::Range;

#[allow(missing_docs)]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/regex.pest"]
    pub struct RegexParser;
}

/// A stretch of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it is, in bytes of the text.
    pub span: Range<usize>,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// `(`.
    Open,
    /// `)`. A group without one ends with the text.
    Close,
    /// `|`.
    Or,
    /// A `*` that repeats what stands before it.
    Star,
    /// A `+` that does.
    Plus,
    /// A `?` that does.
    Optional,
    /// `.`.
    Any,
    /// `[…]`. One that is not closed ends with the text.
    Class,
    /// `^^`.
    TextEdge,
    /// `^` or `$`.
    LineEdge,
    /// `\<` or `\>`.
    WordEdge,
    /// `\/`.
    Split,
    /// A backslash and the character that it quotes.
    Quoted,
    /// Characters that mean themselves. A repetition behind them repeats the
    /// last.
    Characters,
    /// What procmail does not look at: a `)` too many, or a NUL, and all
    /// behind it.
    Ignored,
}

impl NodeKind {
    fn of(rule: Rule) -> Option<Self> {
        Some(match rule {
            Rule::open => NodeKind::Open,
            Rule::close => NodeKind::Close,
            Rule::or => NodeKind::Or,
            Rule::star => NodeKind::Star,
            Rule::plus => NodeKind::Plus,
            Rule::optional => NodeKind::Optional,
            Rule::any => NodeKind::Any,
            Rule::class => NodeKind::Class,
            Rule::text_edge => NodeKind::TextEdge,
            Rule::line_edge => NodeKind::LineEdge,
            Rule::word_edge => NodeKind::WordEdge,
            Rule::split => NodeKind::Split,
            Rule::quoted => NodeKind::Quoted,
            Rule::letters | Rule::character => NodeKind::Characters,
            Rule::ignored => NodeKind::Ignored,
            _ => return None,
        })
    }
}

/// Reads an expression, its macros expanded.
pub fn parse(text: &str) -> Vec<Node> {
    match RegexParser::parse(Rule::expression, text) {
        Ok(pairs) => pairs
            .flatten()
            .filter_map(|pair| {
                let kind = NodeKind::of(pair.as_rule())?;
                let span = pair.as_span().start()..pair.as_span().end();
                Some(Node { kind, span })
            })
            .collect(),
        // The grammar accepts every text; were it not so, nothing may get lost.
        Err(_) => vec![Node {
            kind: NodeKind::Ignored,
            span: 0..text.len(),
        }],
    }
}

/// A word that stands for an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Macro {
    /// `^FROM_DAEMON`.
    FromDaemon,
    /// `^TO_`.
    ToAddress,
    /// `^TO`.
    ToWord,
    /// `^FROM_MAILER`.
    FromMailer,
}

impl Macro {
    /// In the order procmail looks for them.
    const ALL: [Macro; 4] = [
        Macro::FromDaemon,
        Macro::ToAddress,
        Macro::ToWord,
        Macro::FromMailer,
    ];

    /// How it is written.
    pub fn word(self) -> &'static str {
        match self {
            Macro::FromDaemon => "^FROM_DAEMON",
            Macro::ToAddress => "^TO_",
            Macro::ToWord => "^TO",
            Macro::FromMailer => "^FROM_MAILER",
        }
    }
}

/// The first macro that procmail expands, and where it is. It looks at the
/// bare text: a macro is one inside a class as well, and the first `\^TO`
/// hides every `^TO` behind it.
pub fn first_macro(text: &str) -> Option<(Macro, Range<usize>)> {
    Macro::ALL.into_iter().find_map(|word| {
        let start = text.find(word.word())?;
        let quoted = text.get(..start)?.ends_with('\\');
        (!quoted).then(|| (word, start..start + word.word().len()))
    })
}

#[cfg(test)]
mod tests;
