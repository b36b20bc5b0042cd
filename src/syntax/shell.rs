//! In: the text of a shell command. Out: its tokens, which cover every byte,
//! and the commands they make up where those are simple ones.

mod structure;
#[cfg(test)]
mod tests;

use super::is_name;
use pest::Parser;
use pest::iterators::Pair;
use std::ops::Range;

mod grammar {
    #![allow(missing_docs)]

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/shell.pest"]
    pub(super) struct ShellParser;
}

use grammar::{Rule, ShellParser};
use structure::Structure;

/// A parsed command: its tokens in order, without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// The tokens.
    pub tokens: Vec<Token>,
}

/// A stretch of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Where it lies, in bytes.
    pub range: Range<usize>,
    /// What it is.
    pub kind: TokenKind,
}

/// What a stretch of the text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenKind {
    /// Blanks, and line ends with a backslash before them.
    Blank,
    /// `#` to the end of the line.
    Comment,
    /// `|`, `&&`, a line end and so on.
    Operator(Operator),
    /// `>` and so on; the next word is its target.
    Redirection {
        /// The file descriptor before it, where one stands.
        descriptor: Option<u32>,
        /// Which it is.
        kind: RedirectionKind,
    },
    /// A word.
    Word(Word),
    /// What the grammar does not know, to the end.
    Opaque,
}

/// Control operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|`.
    Pipe,
    /// `;` or a line end.
    Then,
    /// `&`.
    Background,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `;;`, which only `case` has.
    EndCase,
}

/// Redirection operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectionKind {
    /// `<`.
    Read,
    /// `>` or `>|`.
    Write,
    /// `>>`.
    Append,
    /// `>&` or `<&`.
    Duplicate,
    /// `<<` and `<>`.
    Other,
}

/// A word, quotes taken off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// Its parts; neighbouring texts are one.
    pub parts: Vec<Part>,
    /// Whether any of it was quoted.
    pub quoted: bool,
}

/// A part of a [`Word`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself.
    Text(String),
    /// `$NAME`, or `${…}` with what is between the braces.
    Variable(String),
    /// What a command prints.
    Command(String),
}

impl Word {
    /// The word, where nothing in it needs a shell to be known.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.literal() == Some(keyword)
    }

    /// `NAME=value` as a name and what is assigned to it.
    fn assignment(&self) -> Option<(String, Word)> {
        let Some(Part::Text(first)) = self.parts.first() else {
            return None;
        };
        let (name, start) = first.split_once('=')?;
        is_name(name).then(|| {
            let mut value = Word {
                parts: Vec::new(),
                quoted: self.quoted,
            };
            value.push_text(start);
            value.parts.extend_from_slice(&self.parts[1..]);
            (name.to_owned(), value)
        })
    }
}

/// Pipelines, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// Each with what stands between it and the next one, `Then` at the end.
    pub pipelines: Vec<(Pipeline, Operator)>,
}

/// Commands, each reading what the one before it writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pipeline {
    /// `!` stands before it.
    pub negated: bool,
    /// The commands.
    pub commands: Vec<Command>,
}

/// A command of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `program argument …`.
    Simple(Simple),
    /// `( … )` or `{ …; }`.
    Group {
        /// What is inside.
        list: List,
        /// Where it reads and writes.
        redirections: Vec<Redirection>,
    },
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Simple {
    /// `NAME=value` before the program.
    pub assignments: Vec<(String, Word)>,
    /// The program and its arguments.
    pub words: Vec<Word>,
    /// Where it reads and writes.
    pub redirections: Vec<Redirection>,
}

/// A redirection with its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    /// The file descriptor, where one is given.
    pub descriptor: Option<u32>,
    /// Which it is.
    pub kind: RedirectionKind,
    /// The file, or descriptor.
    pub target: Word,
}

impl Shell {
    /// Parses any text at all.
    pub fn parse(text: &str) -> Shell {
        let tokens = ShellParser::parse(Rule::shell, text)
            .into_iter()
            .flatten()
            .flat_map(Pair::into_inner)
            .filter(|pair| pair.as_rule() != Rule::EOI)
            .map(|pair| Token {
                range: pair.as_span().start()..pair.as_span().end(),
                kind: token_kind(pair),
            })
            .collect();
        Shell { tokens }
    }

    /// The text, put together again from the tokens and what they came from.
    pub fn print(&self, text: &str) -> String {
        let ranges = self.tokens.iter().map(|token| token.range.clone());
        ranges.filter_map(|range| text.get(range)).collect()
    }

    /// The commands; `None` where something is opaque, or more than simple
    /// commands, groups and what joins them (loops, functions, here-documents).
    pub fn list(&self) -> Option<List> {
        Structure::default().read(&self.tokens)
    }
}

fn token_kind(pair: Pair<'_, Rule>) -> TokenKind {
    match pair.as_rule() {
        Rule::blank => TokenKind::Blank,
        Rule::comment => TokenKind::Comment,
        Rule::operator => TokenKind::Operator(match pair.as_str() {
            "&&" => Operator::And,
            "||" => Operator::Or,
            "|" => Operator::Pipe,
            "&" => Operator::Background,
            "(" => Operator::Open,
            ")" => Operator::Close,
            ";;" => Operator::EndCase,
            _ => Operator::Then,
        }),
        Rule::redirection => {
            let sign = pair
                .as_str()
                .trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = &pair.as_str()[..pair.as_str().len() - sign.len()];
            TokenKind::Redirection {
                descriptor: digits.parse().ok(),
                kind: match sign {
                    "<" => RedirectionKind::Read,
                    ">" | ">|" => RedirectionKind::Write,
                    ">>" => RedirectionKind::Append,
                    ">&" | "<&" => RedirectionKind::Duplicate,
                    _ => RedirectionKind::Other,
                },
            }
        }
        Rule::word => TokenKind::Word(word(pair)),
        _ => TokenKind::Opaque,
    }
}

fn word(pair: Pair<'_, Rule>) -> Word {
    let mut word = Word::default();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::single => {
                word.quoted = true;
                part.into_inner()
                    .for_each(|text| word.push_text(text.as_str()));
            }
            Rule::double => {
                word.quoted = true;
                part.into_inner()
                    .for_each(|part| push_part(&mut word, &part));
            }
            _ => push_part(&mut word, &part),
        }
    }
    word
}

fn push_part(word: &mut Word, part: &Pair<'_, Rule>) {
    let text = part.as_str();
    match part.as_rule() {
        Rule::escape => {
            word.quoted = true;
            word.push_text(text[1..].trim_start_matches('\n'));
        }
        Rule::double_escape => match &text[1..] {
            "\n" => {}
            escaped @ ("\"" | "\\" | "$" | "`") => word.push_text(escaped),
            _ => word.push_text(text),
        },
        Rule::backquoted | Rule::parenthesised => {
            word.parts.push(Part::Command(text.to_owned()));
        }
        Rule::braced | Rule::variable => word.parts.push(Part::Variable(text.to_owned())),
        _ => word.push_text(text),
    }
}
