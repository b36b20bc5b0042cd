//! In: the text of an Exim filter file. Out: its tokens, which cover every byte
//! of it, and the commands they make up, or what Exim itself refuses.
//!
//! Arguments are as Exim reads them: quotes and the escapes inside them are
//! gone, `$name` and the like are not yet expanded.

mod command;
mod condition;
#[cfg(test)]
mod tests;

pub use condition::{Comparison, Condition};

use super::{FileId, Span};
use pest::Parser;
use thiserror::Error;

mod grammar {
    #![allow(missing_docs)]

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/exim.pest"]
    pub(super) struct EximParser;
}

use grammar::{EximParser, Rule};

/// Commands in commands, and conditions in conditions, that are looked into.
const MAX_DEPTH: usize = 64;

/// A parsed file: its tokens in order, without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exim {
    /// The tokens.
    pub tokens: Vec<Token>,
}

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Where it lies.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
}

/// What a stretch of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Blanks and line ends.
    Blank,
    /// `#` to the end of its line.
    Comment,
    /// A string in quotes.
    Quoted,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// Anything else.
    Word,
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Where it stands, its quotes included.
    pub span: Span,
    /// Its text, quotes and escapes taken off.
    pub text: String,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// From its first word to its last argument; for `if`, to its `then`.
    pub span: Span,
    /// `seen` (true) or `unseen` (false), where one stands before it.
    pub seen: Option<bool>,
    /// What it does.
    pub kind: CommandKind,
}

/// Commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandKind {
    /// `deliver address`.
    Deliver {
        /// Where to.
        to: Argument,
        /// `errors_to`: whom a bounce goes to.
        errors_to: Option<Argument>,
    },
    /// `save path`.
    Save(Argument),
    /// `pipe command`.
    Pipe(Argument),
    /// `mail` or `vacation` with their options.
    Mail {
        /// `vacation`: what is not said is as vacation(1) has it.
        vacation: bool,
        /// The options that have a value, in order.
        options: Vec<(String, Argument)>,
        /// `expand file` rather than `file`.
        expand: bool,
        /// `return message`.
        returns: bool,
    },
    /// `finish`.
    Finish,
    /// `fail`.
    Fail,
    /// `add amount to variable`.
    Add,
    /// `logfile`, `logwrite`, `testprint`, `headers charset`.
    Note,
    /// `if … then …`, `elif …`, `else …`, `endif`.
    If {
        /// `if` and each `elif`.
        branches: Vec<Branch>,
        /// What stands behind `else`.
        otherwise: Vec<Command>,
        /// The words `else` and `endif`.
        marks: Vec<Span>,
    },
}

/// A condition, and what is done where it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// From `if` or `elif` to `then`.
    pub span: Span,
    /// The condition.
    pub condition: Condition,
    /// The commands.
    pub commands: Vec<Command>,
}

/// What Exim does not take for a filter: it keeps the mail in its queue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Refused {
    /// Where.
    pub span: Span,
    /// Why, in a few words.
    pub message: String,
}

impl Exim {
    /// Parses any text at all.
    pub fn parse(file: FileId, text: &str) -> Exim {
        let pairs = EximParser::parse(Rule::exim, text)
            .into_iter()
            .flatten()
            .flat_map(pest::iterators::Pair::into_inner);
        let tokens = pairs.filter_map(|pair| {
            let kind = match pair.as_rule() {
                Rule::blank => TokenKind::Blank,
                Rule::comment => TokenKind::Comment,
                Rule::quoted => TokenKind::Quoted,
                Rule::open => TokenKind::Open,
                Rule::close => TokenKind::Close,
                Rule::word => TokenKind::Word,
                _ => return None,
            };
            let span = pair.as_span();
            Some(Token {
                span: Span {
                    file,
                    start: span.start(),
                    end: span.end(),
                },
                kind,
            })
        });
        Exim {
            tokens: tokens.collect(),
        }
    }

    /// The file, put together again from the tokens and the text they came from.
    pub fn print(&self, text: &str) -> String {
        let slices = self.tokens.iter().map(|token| slice(text, token.span));
        slices.collect()
    }

    /// The commands.
    ///
    /// # Errors
    /// Where Exim would refuse the filter.
    pub fn commands(&self, text: &str) -> Result<Vec<Command>, Refused> {
        command::all(Reader {
            text,
            tokens: self.tokens.iter().copied().peekable(),
            last: Span {
                file: FileId(0),
                start: 0,
                end: 0,
            },
        })
    }
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start..span.end).unwrap_or("")
}

/// Reads the tokens one argument after the other.
#[derive(Clone)]
struct Reader<'a> {
    text: &'a str,
    tokens: std::iter::Peekable<std::iter::Copied<std::slice::Iter<'a, Token>>>,
    /// Where the last argument stood.
    last: Span,
}

impl Reader<'_> {
    /// The next token that is no blank or comment.
    fn peek(&mut self) -> Option<Token> {
        let skipped = |token: &Token| matches!(token.kind, TokenKind::Blank | TokenKind::Comment);
        while self.tokens.next_if(skipped).is_some() {}
        self.tokens.peek().copied()
    }

    fn next(&mut self) -> Option<Token> {
        self.peek();
        let token = self.tokens.next()?;
        self.last = token.span;
        Some(token)
    }

    /// The next argument where parentheses are text.
    fn argument(&mut self) -> Result<Option<Argument>, Refused> {
        let Some(first) = self.next() else {
            return Ok(None);
        };
        let mut span = first.span;
        if first.kind != TokenKind::Quoted {
            let glued = |token: &Token| token.kind != TokenKind::Blank;
            while let Some(token) = self.tokens.next_if(glued) {
                span.end = token.span.end;
            }
        }
        self.last = span;
        self.read(span, first.kind).map(Some)
    }

    /// The next argument of a condition, where parentheses end a word.
    fn operand(&mut self) -> Result<Option<Argument>, Refused> {
        match self.peek() {
            Some(token) if matches!(token.kind, TokenKind::Word | TokenKind::Quoted) => {
                self.next();
                self.read(token.span, token.kind).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn read(&self, span: Span, kind: TokenKind) -> Result<Argument, Refused> {
        let written = slice(self.text, span);
        let text = match kind {
            TokenKind::Quoted => written
                .strip_prefix('"')
                .and_then(unquoted)
                .ok_or_else(|| refused(span, "the closing quote is missing"))?,
            _ => written.to_owned(),
        };
        Ok(Argument { span, text })
    }

    /// Takes a word, where it is the next one.
    fn take(&mut self, word: &str) -> bool {
        match self.peek() {
            Some(token)
                if token.kind == TokenKind::Word && slice(self.text, token.span) == word =>
            {
                self.next();
                true
            }
            _ => false,
        }
    }
}

fn refused(span: Span, message: impl Into<String>) -> Refused {
    Refused {
        span,
        message: message.into(),
    }
}

/// The text up to the closing quote; `None` without one.
fn unquoted(text: &str) -> Option<String> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        match chars.next()? {
            '"' => {
                let plain = String::from_utf8_lossy(&plain).into_owned();
                return chars.as_str().is_empty().then_some(plain);
            }
            '\\' => {
                rest = chars.as_str();
                match continued(rest) {
                    Some(next) => rest = next,
                    None => rest = escaped(rest, &mut plain)?,
                }
            }
            c => {
                push(c, &mut plain);
                rest = chars.as_str();
            }
        }
    }
}

fn push(c: char, into: &mut Vec<u8>) {
    into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// What follows a line end and the blanks behind it, where only blanks stand
/// before that.
fn continued(text: &str) -> Option<&str> {
    let blank = |c: char| c.is_ascii_whitespace() && c != '\n';
    let after = text.trim_start_matches(blank).strip_prefix('\n')?;
    Some(after.trim_start_matches(blank))
}

/// Reads what follows a backslash; returns what is left.
pub fn escaped<'a>(text: &'a str, into: &mut Vec<u8>) -> Option<&'a str> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let digits = |text: &str, radix: u32, most: usize| {
        let end = text.chars().take(most).take_while(|c| c.is_digit(radix));
        end.count()
    };
    let (number, rest) = match first {
        '0'..='7' => {
            let (number, rest) = text.split_at(digits(text, 8, 3));
            (u32::from_str_radix(number, 8).ok(), rest)
        }
        'x' => {
            let text = chars.as_str();
            let (number, rest) = text.split_at(digits(text, 16, 2));
            (Some(u32::from_str_radix(number, 16).unwrap_or(0)), rest)
        }
        _ => (None, chars.as_str()),
    };
    match (number, first) {
        // The lower eight bits of three octal digits.
        (Some(number), _) => into.push((number & 0xff) as u8),
        (None, 'n') => into.push(b'\n'),
        (None, 'r') => into.push(b'\r'),
        (None, 't') => into.push(b'\t'),
        (None, 'b') => into.push(0x8),
        (None, 'f') => into.push(0xc),
        (None, 'v') => into.push(0xb),
        (None, c) => push(c, into),
    }
    Some(rest)
}
