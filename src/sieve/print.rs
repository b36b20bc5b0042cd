//! In: a [`Script`]. Out: its text, as a person would write it, and what it
//! must `require`.

mod condition;
mod layout;
mod stretch;

use super::origin::{self, Origin, SourceMap};
use super::quote::Quoting;
use super::scope;
use super::script::{CommandKind, Modifier, Script, Test, Value};
use super::target::{Extension, Target};
use super::walk::{self, Clause};
use crate::syntax::is_hidden;
use layout::{INDENT, Line, MOST_INDENT, Token, WIDTH, list_tokens};
use std::collections::{BTreeMap, BTreeSet};
use stretch::Lines;

/// A script as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Printed {
    /// The text. Its lines end as those of Unix files do.
    pub text: String,
    /// What its `require` names.
    pub requires: BTreeSet<Extension>,
    /// What its lines came from.
    pub map: SourceMap,
}

/// The text of a script for a target.
///
/// Every string comes out of the server's parser as it stands in the tree
/// (line ends aside, which are CRLF to Sieve). Where a literal `${` would be
/// expanded, or a character cannot be written, the target's `variables` or
/// `encoded-character` keep it what it is.
pub fn print(script: &Script, target: &Target) -> Printed {
    let quoting = Quoting::new(script, target);
    let mut printer = Printer::new(quoting, &script.files);
    let places = printer.script(script);
    let head = printer.head(script);
    let map = SourceMap {
        stretches: stretch::stretches(&script.commands, &places),
        comments: std::mem::take(&mut printer.comments),
    };
    Printed {
        map: map.moved(lines(&head)),
        text: head + &printer.out,
        requires: printer.uses,
    }
}

/// A script with line ends as RFC 5228 §2.2 and ManageSieve have them.
pub fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// What the commands and tests of a script need, whatever the target.
pub fn requires(script: &Script) -> BTreeSet<Extension> {
    let mut printer = Printer::new(Quoting::plain(), &script.files);
    printer.script(script);
    printer.uses
}

/// The text of one test, on one line.
#[cfg(test)]
pub(super) fn test_line(test: &Test) -> String {
    let mut printer = Printer::new(Quoting::plain(), &[]);
    let tokens = printer.test(test);
    tokens.iter().map(Token::flat).collect()
}

struct Printer<'s> {
    quoting: Quoting,
    uses: BTreeSet<Extension>,
    out: String,
    indent: usize,
    files: &'s [String],
    /// Each comment that names origins: its line, from 0, and the first of them.
    comments: BTreeMap<usize, Origin>,
    /// How much of the text was counted, and the lines in it.
    counted: (usize, usize),
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

impl<'s> Printer<'s> {
    fn new(quoting: Quoting, files: &'s [String]) -> Self {
        Printer {
            quoting,
            uses: BTreeSet::new(),
            out: String::new(),
            indent: 0,
            files,
            comments: BTreeMap::new(),
            counted: (0, 0),
        }
    }

    /// The number of the next line, from 0.
    fn next_line(&mut self) -> usize {
        let (from, before) = self.counted;
        let more = lines(self.out.get(from..).unwrap_or_default());
        self.counted = (self.out.len(), before + more);
        self.counted.1
    }

    /// Everything above the first command: known only when all else is
    /// written.
    fn head(&mut self, script: &Script) -> String {
        let body = std::mem::take(&mut self.out);
        self.uses.extend(self.quoting.used());
        if !self.uses.is_empty() {
            let names = self.uses.iter().map(|name| format!("\"{name}\""));
            let mut tokens = vec![Token::Text("require ".into())];
            tokens.extend(list_tokens(names.collect()));
            tokens.push(Token::Text(";".into()));
            self.line(tokens);
            if !body.is_empty() {
                self.out.push('\n');
            }
        }
        let signs = self.quoting.signs().into_iter();
        let signs = signs.map(|(name, sign)| (name.to_owned(), sign));
        let empty = scope::escaping(script).into_iter().map(|name| (name, ""));
        let sets: Vec<_> = signs.chain(empty).collect();
        for (name, value) in &sets {
            self.line(vec![Token::Text(
                format!("set \"{name}\" \"{value}\";").into(),
            )]);
        }
        if !sets.is_empty() {
            self.out.push('\n');
        }
        std::mem::replace(&mut self.out, body)
    }

    /// All commands of a script; for each clause, the lines that it has.
    fn script(&mut self, script: &Script) -> Vec<Lines> {
        let mut lines = Vec::new();
        let mut is_first = true;
        let mut is_behind_if = false;
        for clause in walk::clauses(&script.commands) {
            let command = clause.command();
            let is_if = matches!(clause, Clause::If(..));
            let is_told = command.is_some_and(|command| !command.origins.is_empty());
            let is_apart = is_if || is_behind_if || is_told;
            if self.indent == 0 && is_apart && !is_first {
                self.out.push('\n');
            }
            is_first = false;
            is_behind_if = matches!(clause, Clause::End);
            let top = self.next_line();
            if let Some(command) = command {
                self.comment_origins(&command.origins);
            }
            let head = self.next_line();
            self.clause(clause);
            let end = self.next_line();
            lines.push(Lines { top, head, end });
        }
        lines
    }

    fn clause(&mut self, clause: Clause) {
        if let Clause::Elsif(_) | Clause::Else | Clause::End = clause {
            self.indent -= INDENT;
        }
        let tokens = match clause {
            Clause::Plain(command) => self.command(&command.kind),
            Clause::If(_, test) => self.head_of_block("if ", test),
            Clause::Elsif(test) => self.head_of_block("} elsif ", test),
            Clause::Else => vec![Token::Text("} else {".into())],
            Clause::End => vec![Token::Text("}".into())],
        };
        self.line(tokens);
        if let Clause::If(..) | Clause::Elsif(_) | Clause::Else = clause {
            self.indent += INDENT;
        }
    }

    fn head_of_block(&mut self, word: &'static str, test: &Test) -> Vec<Token> {
        let mut tokens = vec![Token::Text(word.into())];
        tokens.extend(self.test(test));
        tokens.push(Token::Text(" {".into()));
        tokens
    }

    /// One command that is no `if`, up to its semicolon.
    fn command(&mut self, kind: &CommandKind) -> Vec<Token> {
        let mut line = Line::default();
        match kind {
            CommandKind::If { .. } => {}
            CommandKind::Keep { flags } => {
                line.word("keep");
                self.flags_tag(&mut line, flags);
            }
            CommandKind::FileInto {
                folder,
                copy,
                create,
                flags,
            } => {
                self.uses.insert(Extension::FileInto);
                line.word("fileinto");
                self.tag_if(&mut line, *copy, ":copy", Extension::Copy);
                self.tag_if(&mut line, *create, ":create", Extension::Mailbox);
                self.flags_tag(&mut line, flags);
                line.word(&self.value(folder));
            }
            CommandKind::Redirect { address, copy } => {
                line.word("redirect");
                self.tag_if(&mut line, *copy, ":copy", Extension::Copy);
                line.word(&self.value(address));
            }
            CommandKind::Discard => line.word("discard"),
            CommandKind::Stop => line.word("stop"),
            CommandKind::Reject { ereject, reason } => {
                let (word, extension) = match ereject {
                    true => ("ereject", Extension::Ereject),
                    false => ("reject", Extension::Reject),
                };
                self.uses.insert(extension);
                line.word(word);
                line.word(&self.prose(reason));
            }
            CommandKind::Set {
                modifiers,
                name,
                value,
            } => {
                self.uses.insert(Extension::Variables);
                line.word("set");
                for modifier in modifiers {
                    if *modifier == Modifier::QuoteRegex {
                        self.uses.insert(Extension::Regex);
                    }
                    line.word(&format!(":{}", modifier.as_str()));
                }
                line.word(&self.text(name));
                line.word(&self.value(value));
            }
            CommandKind::Vacation {
                days,
                subject,
                addresses,
                reason,
            } => {
                self.uses.insert(Extension::Vacation);
                line.word("vacation");
                let mut arguments = Vec::new();
                let mut argument = |tag: &str, value: &str| {
                    let mut line = Line::default();
                    line.word(tag);
                    line.word(value);
                    arguments.push(line);
                };
                if let Some(days) = days {
                    argument(":days", &days.to_string());
                }
                if let Some(subject) = subject {
                    argument(":subject", &self.value(subject));
                }
                if !addresses.is_empty() {
                    let mut line = Line::default();
                    line.word(":addresses");
                    line.list(addresses.iter().map(|each| self.text(each)).collect());
                    arguments.push(line);
                }
                let mut last = Line::default();
                last.word(&self.prose(reason));
                arguments.push(last);
                line.arguments(arguments);
            }
            CommandKind::AddHeader { last, name, value } => {
                self.uses.insert(Extension::EditHeader);
                line.word("addheader");
                if *last {
                    line.word(":last");
                }
                line.word(&self.value(name));
                line.word(&self.value(value));
            }
            CommandKind::DeleteHeader { name } => {
                self.uses.insert(Extension::EditHeader);
                line.word("deleteheader");
                line.word(&self.text(name));
            }
            CommandKind::AddFlag { flags } => {
                self.uses.insert(Extension::Imap4Flags);
                line.word("addflag");
                match flags.is_empty() {
                    true => line.word("\"\""),
                    false => line.list(flags.iter().map(|flag| self.text(flag)).collect()),
                }
            }
        }
        line.end(";")
    }

    fn tag_if(&mut self, line: &mut Line, present: bool, tag: &str, needs: Extension) {
        if present {
            self.uses.insert(needs);
            line.word(tag);
        }
    }

    fn flags_tag(&mut self, line: &mut Line, flags: &[String]) {
        if !flags.is_empty() {
            self.uses.insert(Extension::Imap4Flags);
            line.word(":flags");
            line.list(flags.iter().map(|flag| self.text(flag)).collect());
        }
    }

    fn values(&mut self, values: &[Value]) -> Vec<String> {
        values.iter().map(|value| self.value(value)).collect()
    }

    fn value(&mut self, value: &Value) -> String {
        if !value.references().is_empty() {
            self.uses.insert(Extension::Variables);
        }
        self.quoting.quoted(value)
    }

    fn field_names(&self, names: &[String]) -> Vec<String> {
        names
            .iter()
            .map(|name| self.quoting.field_name(name))
            .collect()
    }

    fn text(&mut self, text: &str) -> String {
        self.value(&Value::text(text))
    }

    /// A text for people: several lines read better as they stand.
    fn prose(&mut self, value: &Value) -> String {
        let quoted = self.value(value);
        self.quoting.multi_line(value).unwrap_or(quoted)
    }

    fn margin(&self) -> usize {
        self.indent.min(MOST_INDENT)
    }

    fn comment_origins(&mut self, origins: &[Origin]) {
        let width = WIDTH.saturating_sub(self.margin() + "# ".len());
        for comment in origin::comments(origins, self.files, width) {
            let line = self.next_line();
            self.comments.insert(line, comment.first);
            self.comment(&comment.text);
        }
    }

    fn comment(&mut self, comment: &str) {
        self.out.extend(std::iter::repeat_n(' ', self.margin()));
        self.out.push_str("# ");
        for c in comment.chars() {
            match !is_hidden(c) && !c.is_control() {
                true => self.out.push(c),
                false => self.out.extend(c.escape_default()),
            }
        }
        self.out.push('\n');
    }

    /// Writes tokens at the current indent, and ends the line.
    fn line(&mut self, tokens: Vec<Token>) {
        let margin = self.margin();
        layout::line(&mut self.out, margin, &tokens);
    }
}

#[cfg(test)]
mod tests;
