//! In: the tokens of a shell command. Out: the commands they make up.

use super::{
    Command, List, Operator, Pipeline, Redirection, RedirectionKind, Simple, Token, TokenKind, Word,
};

/// Groups in groups that are looked into; nobody writes more than two or three.
const MAX_DEPTH: usize = 32;

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
pub(super) struct Structure {
    stack: Vec<Frame>,
    frame: Frame,
    redirection: Option<(Option<u32>, RedirectionKind)>,
}

impl Structure {
    pub fn read(mut self, tokens: &[Token]) -> Option<List> {
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
