//! In: the text of a shell command. Out: its tokens, which cover every byte,
//! and the commands they make up where those are simple ones.

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

/// Groups in groups that are looked into; nobody writes more than two or three.
const MAX_DEPTH: usize = 32;

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
        let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
            && !name.is_empty()
            && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        is_name.then(|| {
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

/// A group that is still open.
#[derive(Debug, Default)]
struct Frame {
    list: List,
    pipeline: Pipeline,
    /// The command being read; a closed group waits here for redirections.
    command: Option<Command>,
    opened_by_brace: bool,
}

impl Frame {
    fn end_command(&mut self) -> Option<()> {
        self.pipeline.commands.push(self.command.take()?);
        Some(())
    }

    fn end_pipeline(&mut self, operator: Operator) -> Option<()> {
        if self.command.is_none() && self.pipeline == Pipeline::default() {
            // An empty line, or nothing behind the last `;`.
            return matches!(operator, Operator::Then).then_some(());
        }
        self.end_command()?;
        let pipeline = std::mem::take(&mut self.pipeline);
        self.list.pipelines.push((pipeline, operator));
        Some(())
    }

    fn end_list(mut self) -> Option<List> {
        let is_complete = |list: &List| {
            let last = list.pipelines.last();
            !last.is_some_and(|(_, operator)| matches!(operator, Operator::And | Operator::Or))
        };
        self.end_pipeline(Operator::Then)?;
        is_complete(&self.list).then_some(self.list)
    }
}

/// Reads commands from tokens, with a stack of its own for the groups.
#[derive(Debug, Default)]
struct Structure {
    stack: Vec<Frame>,
    frame: Frame,
    redirection: Option<(Option<u32>, RedirectionKind)>,
}

impl Structure {
    fn read(mut self, tokens: &[Token]) -> Option<List> {
        for token in tokens {
            match &token.kind {
                TokenKind::Blank | TokenKind::Comment => {}
                TokenKind::Opaque => return None,
                TokenKind::Redirection { descriptor, kind } => {
                    if *kind == RedirectionKind::Other || self.redirection.is_some() {
                        return None;
                    }
                    self.redirection = Some((*descriptor, *kind));
                }
                TokenKind::Word(word) => self.word(word)?,
                TokenKind::Operator(_) if self.redirection.is_some() => return None,
                TokenKind::Operator(operator) => match operator {
                    Operator::Pipe => self.frame.end_command()?,
                    Operator::Open => self.open(false)?,
                    Operator::Close => self.close(false)?,
                    Operator::EndCase => return None,
                    operator => self.frame.end_pipeline(*operator)?,
                },
            }
        }
        if !self.stack.is_empty() || self.redirection.is_some() {
            return None;
        }
        self.frame.end_list()
    }

    fn open(&mut self, brace: bool) -> Option<()> {
        if self.frame.command.is_some() || self.stack.len() >= MAX_DEPTH {
            return None;
        }
        let inner = Frame {
            opened_by_brace: brace,
            ..Frame::default()
        };
        self.stack.push(std::mem::replace(&mut self.frame, inner));
        Some(())
    }

    fn close(&mut self, brace: bool) -> Option<()> {
        let outer = self.stack.pop()?;
        let inner = std::mem::replace(&mut self.frame, outer);
        if inner.opened_by_brace != brace {
            return None;
        }
        self.frame.command = Some(Command::Group {
            list: inner.end_list()?,
            redirections: Vec::new(),
        });
        Some(())
    }

    fn word(&mut self, word: &Word) -> Option<()> {
        if let Some((descriptor, kind)) = self.redirection.take() {
            let empty = || Command::Simple(Simple::default());
            let command = self.frame.command.get_or_insert_with(empty);
            let (Command::Simple(Simple { redirections, .. })
            | Command::Group { redirections, .. }) = command;
            redirections.push(Redirection {
                descriptor,
                kind,
                target: word.clone(),
            });
            return Some(());
        }
        match &mut self.frame.command {
            Some(Command::Group { .. }) => None,
            Some(Command::Simple(simple)) => {
                match word.assignment() {
                    Some(assignment) if simple.words.is_empty() => {
                        simple.assignments.push(assignment);
                    }
                    _ => simple.words.push(word.clone()),
                }
                Some(())
            }
            None if word.is("{") => self.open(true),
            None if word.is("}") => self.close(true),
            None if word.is("!") && self.frame.pipeline == Pipeline::default() => {
                self.frame.pipeline.negated = true;
                Some(())
            }
            None if KEYWORDS.iter().any(|keyword| word.is(keyword)) => None,
            None => {
                self.frame.command = Some(Command::Simple(Simple::default()));
                self.word(word)
            }
        }
    }
}

/// Words that begin something other than a simple command.
const KEYWORDS: [&str; 12] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "function",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use proptest::prelude::*;

    fn list(text: &str) -> Option<List> {
        let shell = Shell::parse(text);
        assert_eq!(shell.print(text), text);
        shell.list()
    }

    /// A list as text: words in brackets, so that one sees what was joined.
    fn shown(text: &str) -> String {
        list(text).map_or("none".to_owned(), |list| show_list(&list))
    }

    fn show_list(list: &List) -> String {
        let mut shown = String::new();
        for (pipeline, operator) in &list.pipelines {
            let commands: Vec<String> = pipeline.commands.iter().map(show_command).collect();
            let not = if pipeline.negated { "!" } else { "" };
            shown += &format!("{not}{} {operator:?} ", commands.join("|"));
        }
        shown.trim_end().to_owned()
    }

    fn show_command(command: &Command) -> String {
        let show_word = |word: &Word| {
            let parts = word.parts.iter().map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Variable(name) => format!("${name}"),
                Part::Command(text) => format!("`{text}`"),
            });
            format!("[{}]", parts.collect::<String>())
        };
        let show_redirections = |redirections: &[Redirection]| {
            let all = redirections.iter().map(|redirection| {
                let descriptor = redirection
                    .descriptor
                    .map_or(String::new(), |d| d.to_string());
                format!(
                    " {descriptor}{:?}{}",
                    redirection.kind,
                    show_word(&redirection.target)
                )
            });
            all.collect::<String>()
        };
        match command {
            Command::Group { list, redirections } => {
                format!("({}){}", show_list(list), show_redirections(redirections))
            }
            Command::Simple(simple) => {
                let assignments = simple.assignments.iter();
                let mut shown: String = assignments
                    .map(|(name, value)| format!("{name}={}", show_word(value)))
                    .collect();
                shown.extend(simple.words.iter().map(show_word));
                shown + &show_redirections(&simple.redirections)
            }
        }
    }

    #[test]
    fn words_and_quotes() {
        for (text, expected) in [
            ("a b  c", "[a][b][c] Then"),
            ("a 'b  c'\"d\"e", "[a][b  cde] Then"),
            (r#"a "b\"c" d\ e "\n""#, r#"[a][b"c][d e][\n] Then"#),
            ("a $B ${C:-d} \"x $E\"", "[a][$B][$C:-d][x $E] Then"),
            ("a `b \"c\"` $(d e)", "[a][`b \"c\"`][`d e`] Then"),
            ("a '' # note", "[a][] Then"),
            ("a#b $", "[a#b][$] Then"),
            ("a \\\n b", "[a][b] Then"),
            ("", ""),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lists_and_groups() {
        for (text, expected) in [
            ("a | b | c", "[a]|[b]|[c] Then"),
            (
                "IFS=' ' && exec p -f- || exit 75 #joe",
                "IFS=[ ] And [exec][p][-f-] Or [exit][75] Then",
            ),
            (
                "(a -r; echo x) | s -t",
                "([a][-r] Then [echo][x] Then)|[s][-t] Then",
            ),
            (
                "{ a; b; } > f 2>&1",
                "([a] Then [b] Then) Write[f] 2Duplicate[1] Then",
            ),
            ("a <l >>o", "[a] Read[l] Append[o] Then"),
            ("X=1 a Y=2 &", "X=[1][a][Y=2] Background"),
            ("! a; b;\n c", "![a] Then [b] Then [c] Then"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn more_than_simple_commands() {
        for text in [
            "if a; then b; fi",
            "a <<X",
            "a 'b",
            "(a",
            "a)",
            "a >",
            "a | | b",
            "a &&",
            "a $(b $(c))",
            "a ${b",
            "(a) b",
            "{ a; )",
        ] {
            assert_eq!(list(text), None, "{text:?}");
        }
    }

    #[test]
    fn long_and_hostile_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for unit in [
            "(", "{ ", "\"", "'", "`", "$(", "\\", "a|", "a ", "${", "\"`", "1", ">",
        ] {
            list(&unit.repeat(50_000));
        }
        assert!(started.elapsed().as_secs() < 60);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_text_is_printed_back(text in "([ -~]|[\\x00\r\né'\"`$\\\\|&;()<>#{}]){0,60}") {
            list(&text);
        }
    }
}
