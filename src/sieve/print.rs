//! In: a [`Script`]. Out: its text, as a person would write it, and what it
//! must `require`.

use super::quote::{Literals, Quoting};
use super::scope;
use super::script::{
    AddressPart, Command, CommandKind, Compare, FlagCommand, Match, Script, Test, Value,
};
use super::target::{Extension, Target};
use std::collections::BTreeSet;

/// Columns a line should keep within; a longer string stands on its own line.
const WIDTH: usize = 78;
const INDENT: usize = 4;
/// Deeper blocks move no further to the right: else the size of a script would
/// grow with the square of its depth.
const MOST_INDENT: usize = 32 * INDENT;

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnd {
    /// As Unix files have it.
    #[default]
    Lf,
    /// As RFC 5228 §2.2 and ManageSieve have it.
    CrLf,
}

/// A script as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Printed {
    /// The text.
    pub text: String,
    /// What its `require` names.
    pub requires: BTreeSet<Extension>,
}

/// The text of a script for a target.
///
/// Every string comes out of the server's parser as it stands in the tree
/// (line ends aside, which are CRLF to Sieve). Where a literal `${` would be
/// expanded, or a character cannot be written, the target's `variables` or
/// `encoded-character` keep it what it is.
pub fn print(script: &Script, target: &Target, line_end: LineEnd) -> Printed {
    let quoting = Quoting::new(script, target);
    let mut printer = Printer::new(quoting);
    printer.script(script);
    let head = printer.head(script);
    let requires = printer.uses;
    let text = head + &printer.out;
    let text = match line_end {
        LineEnd::Lf => text,
        LineEnd::CrLf => text.replace('\n', "\r\n"),
    };
    Printed { text, requires }
}

/// What the commands and tests of a script need, whatever the target.
pub fn requires(script: &Script) -> BTreeSet<Extension> {
    let mut printer = Printer::new(Quoting::plain());
    printer.script(script);
    printer.uses
}

/// The text of one test, on one line, for messages.
pub fn test_line(test: &Test) -> String {
    let mut printer = Printer::new(Quoting::plain());
    let tokens = printer.test(test);
    tokens.iter().map(Token::flat).collect()
}

/// What remains to be written of a block.
enum Pending<'a> {
    Block {
        commands: std::slice::Iter<'a, Command>,
        first: bool,
        after_if: bool,
    },
    Branches {
        branches: std::slice::Iter<'a, (Test, Vec<Command>)>,
        otherwise: Option<&'a [Command]>,
    },
}

/// A piece of a line. A group is written on one line where it fits; else all
/// its breaks become line ends.
enum Token {
    Text(String),
    Open,
    /// A space in a group on one line (`wide`) or nothing.
    Break {
        wide: bool,
    },
    /// The break before the closing bracket.
    Last,
    Close,
}

impl Token {
    fn flat(&self) -> &str {
        match self {
            Token::Text(text) => text,
            Token::Break { wide: true } => " ",
            _ => "",
        }
    }
}

struct Printer {
    quoting: Quoting,
    uses: BTreeSet<Extension>,
    out: String,
    indent: usize,
}

impl Printer {
    fn new(quoting: Quoting) -> Self {
        Printer {
            quoting,
            uses: BTreeSet::new(),
            out: String::new(),
            indent: 0,
        }
    }

    /// Everything above the first command: known only when all else is
    /// written.
    fn head(&mut self, script: &Script) -> String {
        let body = std::mem::take(&mut self.out);
        for line in &script.preamble {
            self.comment(line);
        }
        let more = !self.uses.is_empty() || !body.is_empty();
        if !script.preamble.is_empty() && more {
            self.out.push('\n');
        }
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
        let dollar = self.quoting.dollar().map(|name| (name.to_owned(), "$"));
        let empty = scope::escaping(script).into_iter().map(|name| (name, ""));
        let sets: Vec<_> = dollar.into_iter().chain(empty).collect();
        for (name, value) in &sets {
            self.line(vec![Token::Text(format!("set \"{name}\" \"{value}\";"))]);
        }
        if !sets.is_empty() {
            self.out.push('\n');
        }
        std::mem::replace(&mut self.out, body)
    }

    fn script(&mut self, script: &Script) {
        let mut pending = vec![Pending::Block {
            commands: script.commands.iter(),
            first: true,
            after_if: false,
        }];
        while let Some(top) = pending.last_mut() {
            match top {
                Pending::Block {
                    commands,
                    first,
                    after_if,
                } => {
                    let Some(command) = commands.next() else {
                        pending.pop();
                        continue;
                    };
                    let is_if = matches!(command.kind, CommandKind::If { .. });
                    let apart = *after_if || is_if || !command.comments.is_empty();
                    if self.indent == 0 && apart && !*first {
                        self.out.push('\n');
                    }
                    (*first, *after_if) = (false, is_if);
                    for comment in &command.comments {
                        self.comment(comment);
                    }
                    if let CommandKind::If {
                        branches,
                        otherwise,
                    } = &command.kind
                    {
                        self.open_if(branches, otherwise.as_deref(), &mut pending);
                    } else {
                        let tokens = self.command(&command.kind);
                        self.line(tokens);
                    }
                }
                Pending::Branches {
                    branches,
                    otherwise,
                } => {
                    self.indent -= INDENT;
                    let next = match branches.next() {
                        Some((test, block)) => {
                            let mut tokens = vec![Token::Text("} elsif ".into())];
                            tokens.extend(self.test(test));
                            tokens.push(Token::Text(" {".into()));
                            self.line(tokens);
                            Some(block.as_slice())
                        }
                        None => otherwise.take().inspect(|_| {
                            self.line(vec![Token::Text("} else {".into())]);
                        }),
                    };
                    match next {
                        Some(block) => self.open_block(block, &mut pending),
                        None => {
                            self.line(vec![Token::Text("}".into())]);
                            pending.pop();
                        }
                    }
                }
            }
        }
    }

    fn open_if<'a>(
        &mut self,
        branches: &'a [(Test, Vec<Command>)],
        otherwise: Option<&'a [Command]>,
        pending: &mut Vec<Pending<'a>>,
    ) {
        let mut rest = branches.iter();
        let (test, block, otherwise) = match (rest.next(), otherwise) {
            (Some((test, block)), otherwise) => (test, block.as_slice(), otherwise),
            (None, Some(block)) => (&Test::True, block, None),
            (None, None) => return,
        };
        let mut tokens = vec![Token::Text("if ".into())];
        tokens.extend(self.test(test));
        tokens.push(Token::Text(" {".into()));
        self.line(tokens);
        pending.push(Pending::Branches {
            branches: rest,
            otherwise,
        });
        self.open_block(block, pending);
    }

    fn open_block<'a>(&mut self, block: &'a [Command], pending: &mut Vec<Pending<'a>>) {
        self.indent += INDENT;
        pending.push(Pending::Block {
            commands: block.iter(),
            first: true,
            after_if: false,
        });
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
                    let modifier = modifier.trim_start_matches(':');
                    if modifier.eq_ignore_ascii_case("quoteregex") {
                        self.uses.insert(Extension::Regex);
                    }
                    line.word(&format!(":{modifier}"));
                }
                line.word(&self.text(name));
                line.word(&self.value(value));
            }
            CommandKind::Vacation {
                days,
                subject,
                from,
                addresses,
                handle,
                mime,
                reason,
            } => {
                self.uses.insert(Extension::Vacation);
                line.word("vacation");
                if let Some(days) = days {
                    line.word(&format!(":days {days}"));
                }
                for (tag, value) in [(":subject", subject), (":from", from)] {
                    if let Some(value) = value {
                        line.word(tag);
                        line.word(&self.value(value));
                    }
                }
                if !addresses.is_empty() {
                    line.word(":addresses");
                    line.list(addresses.iter().map(|each| self.text(each)).collect());
                }
                if let Some(handle) = handle {
                    line.word(":handle");
                    line.word(&self.text(handle));
                }
                if *mime {
                    line.word(":mime");
                }
                line.word(&self.prose(reason));
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
            CommandKind::Flag { command, flags } => {
                self.uses.insert(Extension::Imap4Flags);
                line.word(match command {
                    FlagCommand::Add => "addflag",
                    FlagCommand::Set => "setflag",
                    FlagCommand::Remove => "removeflag",
                });
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

    /// A test, however deep.
    fn test(&mut self, test: &Test) -> Vec<Token> {
        enum Piece<'a> {
            Test(&'a Test),
            Token(Token),
        }
        let mut tokens = Vec::new();
        let mut pending = vec![Piece::Test(test)];
        while let Some(piece) = pending.pop() {
            let test = match piece {
                Piece::Token(token) => {
                    tokens.push(token);
                    continue;
                }
                Piece::Test(test) => test,
            };
            let (word, tests) = match test {
                Test::Not(inner) => {
                    tokens.push(Token::Text("not ".into()));
                    pending.push(Piece::Test(inner));
                    continue;
                }
                Test::AllOf(tests) => ("allof", tests),
                Test::AnyOf(tests) => ("anyof", tests),
                simple => {
                    tokens.extend(self.simple_test(simple));
                    continue;
                }
            };
            match tests.as_slice() {
                [] => tokens.push(Token::Text(match word {
                    "allof" => "true".into(),
                    _ => "false".into(),
                })),
                [one] => pending.push(Piece::Test(one)),
                [rest @ .., last] => {
                    tokens.push(Token::Text(format!("{word} (")));
                    tokens.push(Token::Open);
                    tokens.push(Token::Break { wide: false });
                    pending.push(Piece::Token(Token::Text(")".into())));
                    pending.push(Piece::Token(Token::Close));
                    pending.push(Piece::Token(Token::Last));
                    pending.push(Piece::Test(last));
                    for test in rest.iter().rev() {
                        pending.push(Piece::Token(Token::Break { wide: true }));
                        pending.push(Piece::Token(Token::Text(",".into())));
                        pending.push(Piece::Test(test));
                    }
                }
            }
        }
        tokens
    }

    /// A test that holds no other. One whose names or keys are none can match
    /// nothing, and the grammar knows no empty list.
    fn simple_test(&mut self, test: &Test) -> Vec<Token> {
        let mut line = Line::default();
        match test {
            Test::True | Test::Not(_) | Test::AllOf(_) | Test::AnyOf(_) => line.word("true"),
            Test::False => line.word("false"),
            Test::Exists(names) if names.is_empty() => line.word("true"),
            Test::Exists(names) => {
                line.word("exists");
                line.list(names.iter().map(|name| self.text(name)).collect());
            }
            Test::Over(size) => line.word(&format!("size :over {}", number(*size))),
            Test::Under(size) => line.word(&format!("size :under {}", number(*size))),
            Test::Duplicate { handle, seconds } => {
                self.uses.insert(Extension::Duplicate);
                line.word("duplicate");
                if let Some(handle) = handle {
                    line.word(":handle");
                    line.word(&self.text(handle));
                }
                if let Some(seconds) = seconds {
                    line.word(&format!(":seconds {seconds}"));
                }
            }
            Test::Header { names, keys, .. }
            | Test::Address { names, keys, .. }
            | Test::Envelope { names, keys, .. }
                if names.is_empty() || keys.is_empty() =>
            {
                line.word("false");
            }
            Test::String { sources, keys, .. } if sources.is_empty() || keys.is_empty() => {
                line.word("false");
            }
            Test::Body { keys, .. } | Test::CurrentDate { keys, .. } if keys.is_empty() => {
                line.word("false");
            }
            Test::Header {
                compare,
                names,
                keys,
            } => {
                line.word("header");
                self.compare(&mut line, compare, keys);
                line.list(names.iter().map(|name| self.text(name)).collect());
                line.list(self.values(keys));
            }
            Test::Address {
                part,
                compare,
                names,
                keys,
            } => {
                line.word("address");
                self.part(&mut line, *part);
                self.compare(&mut line, compare, keys);
                line.list(names.iter().map(|name| self.text(name)).collect());
                line.list(self.values(keys));
            }
            Test::Envelope {
                part,
                compare,
                names,
                keys,
            } => {
                self.uses.insert(Extension::Envelope);
                line.word("envelope");
                self.part(&mut line, *part);
                self.compare(&mut line, compare, keys);
                line.list(names.iter().map(|name| self.text(name)).collect());
                line.list(self.values(keys));
            }
            Test::Body { raw, compare, keys } => {
                self.uses.insert(Extension::Body);
                line.word("body");
                line.word(if *raw { ":raw" } else { ":text" });
                self.compare(&mut line, compare, keys);
                line.list(self.values(keys));
            }
            Test::String {
                compare,
                sources,
                keys,
            } => {
                self.uses.insert(Extension::Variables);
                line.word("string");
                self.compare(&mut line, compare, keys);
                line.list(self.values(sources));
                line.list(self.values(keys));
            }
            Test::CurrentDate {
                compare,
                part,
                keys,
            } => {
                self.uses.insert(Extension::Date);
                line.word("currentdate");
                self.compare(&mut line, compare, keys);
                line.word(&self.text(part));
                line.list(self.values(keys));
            }
        }
        line.tokens
    }

    fn part(&mut self, line: &mut Line, part: AddressPart) {
        let tag = match part {
            AddressPart::All => return,
            AddressPart::Localpart => ":localpart",
            AddressPart::Domain => ":domain",
            AddressPart::User => ":user",
            AddressPart::Detail => ":detail",
        };
        if matches!(part, AddressPart::User | AddressPart::Detail) {
            self.uses.insert(Extension::Subaddress);
        }
        line.word(tag);
    }

    fn compare(&mut self, line: &mut Line, compare: &Compare, keys: &[Value]) {
        let numbers = keys.iter().all(is_number);
        let (tag, numeric) = match &compare.by {
            Match::Is => (":is".to_owned(), false),
            Match::Contains => (":contains".to_owned(), false),
            Match::Matches => (":matches".to_owned(), false),
            Match::Regex => {
                self.uses.insert(Extension::Regex);
                (":regex".to_owned(), false)
            }
            Match::Count(relation) => {
                self.uses.insert(Extension::Relational);
                (format!(":count {}", self.text(relation)), true)
            }
            Match::Value(relation) => {
                self.uses.insert(Extension::Relational);
                (format!(":value {}", self.text(relation)), numbers)
            }
        };
        line.word(&tag);
        if numeric {
            self.uses.insert(Extension::AsciiNumeric);
            line.word(":comparator \"i;ascii-numeric\"");
        } else if compare.octet {
            line.word(":comparator \"i;octet\"");
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

    fn comment(&mut self, comment: &str) {
        self.out.extend(std::iter::repeat_n(' ', self.margin()));
        self.out.push('#');
        if !comment.is_empty() {
            self.out.push(' ');
        }
        for c in comment.chars() {
            match Literals::is_visible(c) {
                true => self.out.push(c),
                false => self.out.extend(c.escape_default()),
            }
        }
        self.out.push('\n');
    }

    /// Writes tokens at the current indent, breaking the groups that do not
    /// fit (outer groups first), and ends the line.
    fn line(&mut self, tokens: Vec<Token>) {
        let fits_within = group_widths(&tokens);
        let mut column = self.margin();
        self.out.extend(std::iter::repeat_n(' ', self.margin()));
        let mut broken: Vec<bool> = Vec::new();
        let mut depth = 0;
        for (token, width) in tokens.iter().zip(fits_within) {
            match token {
                Token::Open => {
                    let breaks = column + width > WIDTH;
                    broken.push(breaks);
                    depth += usize::from(breaks);
                }
                Token::Close => {
                    depth -= usize::from(broken.pop().unwrap_or(false));
                }
                Token::Break { .. } | Token::Last if broken.last() == Some(&true) => {
                    let inner = depth - usize::from(matches!(token, Token::Last));
                    column = (self.margin() + INDENT * inner).min(MOST_INDENT);
                    self.out.push('\n');
                    self.out.extend(std::iter::repeat_n(' ', column));
                }
                token => {
                    let text = token.flat();
                    self.out.push_str(text);
                    column = match text.rsplit_once('\n') {
                        Some((_, last)) => last.chars().count(),
                        None => column + text.chars().count(),
                    };
                }
            }
        }
        self.out.push('\n');
    }
}

/// For each group's opening, the columns it takes on one line, with what is
/// glued to its end (the `] {` of an `if`); 0 for other tokens.
fn group_widths(tokens: &[Token]) -> Vec<usize> {
    let mut widths = vec![0; tokens.len()];
    let mut total = 0;
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Open => open.push((at, total)),
            Token::Close => {
                if let Some((opened, before)) = open.pop() {
                    widths[opened] = total - before + 3;
                }
            }
            token => total += token.flat().chars().count(),
        }
    }
    widths
}

/// `"a"`, or `["a", "b"]` in a group.
fn list_tokens(strings: Vec<String>) -> Vec<Token> {
    let mut strings = strings.into_iter();
    let (Some(first), rest) = (strings.next(), strings) else {
        return vec![Token::Text("[]".into())];
    };
    if rest.len() == 0 {
        return vec![Token::Text(first)];
    }
    let mut tokens = vec![
        Token::Text("[".into()),
        Token::Open,
        Token::Break { wide: false },
        Token::Text(first),
    ];
    for string in rest {
        tokens.push(Token::Text(",".into()));
        tokens.push(Token::Break { wide: true });
        tokens.push(Token::Text(string));
    }
    tokens.extend([Token::Last, Token::Close, Token::Text("]".into())]);
    tokens
}

/// Words with a blank between them.
#[derive(Default)]
struct Line {
    tokens: Vec<Token>,
}

impl Line {
    fn word(&mut self, word: &str) {
        let space = if self.tokens.is_empty() { "" } else { " " };
        self.tokens.push(Token::Text(format!("{space}{word}")));
    }

    fn list(&mut self, strings: Vec<String>) {
        self.tokens.push(Token::Text(" ".into()));
        self.tokens.extend(list_tokens(strings));
    }

    fn end(mut self, mark: &str) -> Vec<Token> {
        if !self.tokens.is_empty() {
            self.tokens.push(Token::Text(mark.to_owned()));
        }
        self.tokens
    }
}

/// A number as RFC 5228 §2.4.1 lets people write it.
fn number(value: u64) -> String {
    match value {
        0 => "0".to_owned(),
        _ if value.is_multiple_of(1 << 20) => format!("{}M", value >> 20),
        _ if value.is_multiple_of(1 << 10) => format!("{}K", value >> 10),
        _ => value.to_string(),
    }
}

fn is_number(value: &Value) -> bool {
    let text = value.as_text();
    text.is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::script::Part;
    use super::*;
    use proptest::prelude::*;
    use sieve::{Compiler, Event, Input, Runtime};
    use std::process::{Command as Process, Stdio};

    fn command(kind: CommandKind) -> Command {
        Command {
            comments: Vec::new(),
            kind,
        }
    }

    fn fileinto(folder: Value) -> Command {
        command(CommandKind::FileInto {
            folder,
            copy: false,
            create: false,
            flags: Vec::new(),
        })
    }

    fn header(names: &[&str], keys: &[&str]) -> Test {
        Test::Header {
            compare: Compare {
                by: Match::Contains,
                octet: false,
            },
            names: names.iter().map(|&name| name.into()).collect(),
            keys: keys.iter().map(|&key| key.into()).collect(),
        }
    }

    fn script(commands: Vec<Command>) -> Script {
        Script {
            preamble: Vec::new(),
            commands,
        }
    }

    fn dovecot() -> Target {
        Target::profile("dovecot").unwrap()
    }

    fn text(script: &Script) -> String {
        print(script, &dovecot(), LineEnd::Lf).text
    }

    fn events(script: &str, message: &str) -> Vec<Event> {
        let compiled = Compiler::new()
            .with_max_string_size(usize::MAX)
            .compile(script.as_bytes())
            .unwrap_or_else(|error| panic!("{error}\n{script}"));
        let runtime = Runtime::new();
        let mut instance = runtime.filter(message.as_bytes());
        let mut input = Input::script("t", compiled);
        let mut events = Vec::new();
        while let Some(result) = instance.run(input) {
            events.push(result.unwrap());
            input = true.into();
        }
        events
    }

    fn folders(script: &str, message: &str) -> Vec<String> {
        events(script, message)
            .into_iter()
            .filter_map(|event| match event {
                Event::FileInto { folder, .. } => Some(folder),
                _ => None,
            })
            .collect()
    }

    fn difficult() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("${".to_owned()),
            Just("${name}".to_owned()),
            Just("${hex:41}".to_owned()),
            Just("${1}".to_owned()),
            Just("${dollar}".to_owned()),
            Just("\\".to_owned()),
            Just("\\n".to_owned()),
            Just("\"".to_owned()),
            Just("$".to_owned()),
            Just("{".to_owned()),
            Just("\n".to_owned()),
            Just("\n.".to_owned()),
            Just(".".to_owned()),
            Just("12.5".to_owned()),
            Just("\t".to_owned()),
            Just("\u{1}".to_owned()),
            Just("\r".to_owned()),
            Just("\u{202e}".to_owned()),
            "[a-z% é]{1,3}",
        ];
        prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn reads_as_written_by_hand() {
        let mut filed = fileinto("Lists/rust".into());
        filed.comments = vec![".procmailrc:12-14".into()];
        let script = Script {
            preamble: vec!["Translated by sievify".into()],
            commands: vec![
                command(CommandKind::If {
                    branches: vec![
                        (
                            header(&["list-id"], &["rust-lang"]),
                            vec![filed, command(CommandKind::Stop)],
                        ),
                        (
                            Test::AnyOf(vec![
                                header(&["to", "cc"], &["someone@example.org"]),
                                header(&["subject"], &["a rather long subject indeed"]),
                                Test::Not(Box::new(Test::Over(256_000))),
                            ]),
                            vec![command(CommandKind::Discard)],
                        ),
                    ],
                    otherwise: Some(vec![command(CommandKind::Keep {
                        flags: vec!["\\Seen".into()],
                    })]),
                }),
                command(CommandKind::Redirect {
                    address: "a@example.org".into(),
                    copy: true,
                }),
            ],
        };
        let expected = r#"# Translated by sievify

require ["copy", "fileinto", "imap4flags"];

if header :contains "list-id" "rust-lang" {
    # .procmailrc:12-14
    fileinto "Lists/rust";
    stop;
} elsif anyof (
    header :contains ["to", "cc"] "someone@example.org",
    header :contains "subject" "a rather long subject indeed",
    not size :over 250K
) {
    discard;
} else {
    keep :flags "\\Seen";
}

redirect :copy "a@example.org";
"#;
        assert_eq!(text(&script), expected);
    }

    #[test]
    fn long_lists_are_wrapped() {
        let keys = [
            "first-key@example.org",
            "second-key@example.org",
            "third-key@example.org",
        ];
        let script = script(vec![command(CommandKind::If {
            branches: vec![(header(&["from"], &keys), vec![command(CommandKind::Stop)])],
            otherwise: None,
        })]);
        let expected = r#"if header :contains "from" [
    "first-key@example.org",
    "second-key@example.org",
    "third-key@example.org"
] {
    stop;
}
"#;
        assert_eq!(text(&script), expected);
    }

    #[test]
    fn several_lines_of_prose_stand_as_they_are() {
        let script = script(vec![command(CommandKind::Reject {
            ereject: false,
            reason: "Gone.\n.hidden\r\nBye \"you\"\n".into(),
        })]);
        let expected = "require \"reject\";\n\nreject text:\nGone.\n..hidden\nBye \"you\"\n.\n;\n";
        assert_eq!(text(&script), expected);
    }

    #[test]
    fn comments_cannot_be_left() {
        let mut stop = command(CommandKind::Stop);
        stop.comments = vec!["a\ndiscard;\r\u{1b}[31m\u{202e}x".into()];
        let script = script(vec![stop]);
        assert_eq!(
            text(&script),
            "# a\\ndiscard;\\r\\u{1b}[31m\\u{202e}x\nstop;\n"
        );
    }

    #[test]
    fn line_ends_on_request() {
        let script = script(vec![command(CommandKind::Reject {
            ereject: false,
            reason: "a\nb\n".into(),
        })]);
        let printed = print(&script, &dovecot(), LineEnd::CrLf);
        assert_eq!(
            printed.text.matches('\n').count(),
            printed.text.matches("\r\n").count()
        );
        assert_eq!(printed.text.replace('\r', ""), text(&script));
    }

    #[test]
    fn a_literal_reference_is_not_expanded() {
        let script = script(vec![
            command(CommandKind::Set {
                modifiers: Vec::new(),
                name: "Dollar".into(),
                value: "x".into(),
            }),
            fileinto(Value(vec![
                Part::Text("a$".into()),
                Part::Text("{dollar}".into()),
                Part::Variable("dollar".into()),
            ])),
        ]);
        let text = text(&script);
        assert!(text.contains("set \"dollar1\" \"$\";"), "{text}");
        assert_eq!(folders(&text, "Subject: x\n\n"), ["a${dollar}x"]);
        let bare = Target::profile("rfc5228").unwrap();
        let printed = print(
            &super::tests::script(vec![fileinto("${x}".into())]),
            &bare,
            LineEnd::Lf,
        );
        assert!(
            printed.text.contains("fileinto \"${hex:24}{x}\";"),
            "{}",
            printed.text
        );
        assert!(printed.requires.contains(&Extension::EncodedCharacter));
    }

    #[test]
    fn a_variable_outlives_its_block() {
        let set = command(CommandKind::Set {
            modifiers: Vec::new(),
            name: "Where".into(),
            value: "lists".into(),
        });
        let rule = |block| CommandKind::If {
            branches: vec![(Test::Exists(vec!["subject".into()]), block)],
            otherwise: None,
        };
        let read = fileinto(Value(vec![Part::Variable("where".into())]));
        let outside = script(vec![command(rule(vec![set.clone()])), read.clone()]);
        let text = text(&outside);
        assert!(text.contains("set \"where\" \"\";"), "{text}");
        assert_eq!(folders(&text, "Subject: x\n\n"), ["lists"]);
        for inside in [
            script(vec![command(rule(vec![set.clone(), read.clone()]))]),
            script(vec![set.clone(), command(rule(vec![set])), read]),
        ] {
            assert!(!super::tests::text(&inside).contains("\"\""));
        }
    }

    #[test]
    fn what_is_required_is_what_is_used() {
        let wants = |command: Command| {
            requires(&script(vec![command]))
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(wants(command(CommandKind::Keep { flags: vec![] })), "");
        assert_eq!(
            wants(fileinto(Value(vec![Part::Variable("1".into())]))),
            "fileinto variables"
        );
        let counted = Test::Header {
            compare: Compare {
                by: Match::Count("gt".into()),
                octet: false,
            },
            names: vec!["received".into()],
            keys: vec!["3".into()],
        };
        assert_eq!(
            wants(command(CommandKind::If {
                branches: vec![(counted, vec![])],
                otherwise: None
            })),
            "comparator-i;ascii-numeric relational"
        );
        let dated = Test::CurrentDate {
            compare: Compare {
                by: Match::Value("ge".into()),
                octet: false,
            },
            part: "date".into(),
            keys: vec!["2024-01-01".into()],
        };
        assert_eq!(
            wants(command(CommandKind::If {
                branches: vec![(dated, vec![])],
                otherwise: None
            })),
            "date relational"
        );
    }

    #[test]
    fn depth_is_no_danger() {
        let mut inner = vec![command(CommandKind::Stop)];
        let mut test = Test::True;
        for _ in 0..1_000 {
            test = Test::Not(Box::new(test));
            inner = vec![command(CommandKind::If {
                branches: vec![(Test::True, inner)],
                otherwise: None,
            })];
        }
        let script = script(inner);
        assert!(text(&script).lines().count() > 2_000);
        assert!(test_line(&test).starts_with("not not"));
    }

    /// Every kind of command and test, with difficult strings in them.
    fn everything(a: &str, b: &str) -> Script {
        let octet = Compare {
            by: Match::Matches,
            octet: true,
        };
        let is = || Compare {
            by: Match::Is,
            octet: false,
        };
        let tests = vec![
            header(&["subject", "x-a"], &[a, b]),
            Test::Header {
                compare: octet,
                names: vec!["to".into()],
                keys: vec![b.into()],
            },
            Test::Address {
                part: AddressPart::Detail,
                compare: is(),
                names: vec!["to".into()],
                keys: vec![a.into()],
            },
            Test::Envelope {
                part: AddressPart::Localpart,
                compare: is(),
                names: vec!["from".into()],
                keys: vec![a.into()],
            },
            Test::Exists(vec!["x-b".into()]),
            Test::Under(7),
            Test::Body {
                raw: true,
                compare: is(),
                keys: vec![a.into()],
            },
            Test::String {
                compare: is(),
                sources: vec![Value(vec![Part::Variable("v".into())])],
                keys: vec![b.into()],
            },
            Test::CurrentDate {
                compare: is(),
                part: "weekday".into(),
                keys: vec!["1".into()],
            },
            Test::Duplicate {
                handle: Some("h".into()),
                seconds: Some(60),
            },
            Test::AllOf(vec![]),
            Test::AnyOf(vec![]),
            Test::AllOf(vec![Test::True, Test::Not(Box::new(Test::False))]),
        ];
        let body = vec![
            command(CommandKind::Set {
                modifiers: vec!["lower".into()],
                name: "v".into(),
                value: a.into(),
            }),
            fileinto(Value(vec![
                Part::Text(b.into()),
                Part::Variable("v".into()),
                Part::Text(a.into()),
            ])),
            command(CommandKind::FileInto {
                folder: "x".into(),
                copy: true,
                create: true,
                flags: vec!["\\Seen".into(), "b".into()],
            }),
            command(CommandKind::Flag {
                command: FlagCommand::Add,
                flags: vec!["\\Seen".into()],
            }),
            command(CommandKind::Flag {
                command: FlagCommand::Set,
                flags: vec![],
            }),
            command(CommandKind::Vacation {
                days: Some(7),
                subject: Some(a.into()),
                from: None,
                addresses: vec!["a@example.org".into(), "b@example.org".into()],
                handle: Some("h".into()),
                mime: false,
                reason: format!("{a}\n{b}\n").as_str().into(),
            }),
            command(CommandKind::Discard),
        ];
        script(vec![command(CommandKind::If {
            branches: vec![(Test::AnyOf(tests), body), (Test::True, vec![])],
            otherwise: Some(vec![command(CommandKind::Reject {
                ereject: false,
                reason: b.into(),
            })]),
        })])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn strings_survive(value in difficult(), crlf: bool) {
            let commands = vec![fileinto(value.as_str().into())];
            let line_end = if crlf { LineEnd::CrLf } else { LineEnd::Lf };
            let printed = print(&script(commands), &dovecot(), line_end);
            let got = folders(&printed.text, "Subject: x\n\n");
            let got = got.iter().map(|folder| folder.replace("\r\n", "\n")).collect::<Vec<_>>();
            prop_assert_eq!(got, vec![value.replace("\r\n", "\n")], "{}", printed.text);
        }

        #[test]
        fn prose_survives(value in difficult()) {
            let reason = format!("{value}\n");
            let commands = vec![command(CommandKind::Reject { ereject: false, reason: reason.as_str().into() })];
            let printed = text(&script(commands));
            let got = events(&printed, "Subject: x\n\n").into_iter().find_map(|event| match event {
                Event::Reject { reason, .. } => Some(reason),
                _ => None,
            });
            prop_assert_eq!(got, Some(reason.replace("\r\n", "\n")), "{}", printed);
        }

        #[test]
        fn everything_compiles(a in difficult(), b in difficult()) {
            let printed = text(&everything(&a, &b));
            prop_assert!(Compiler::new().compile(printed.as_bytes()).is_ok(), "{}", printed);
        }
    }

    #[test]
    fn pigeonhole_compiles_everything() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.sieve");
        let difficult = ["plain", "${x} \\ \"q\" \\", "a\n.b\u{1}", "é\\n${hex:41}"];
        for a in difficult {
            for line_end in [LineEnd::Lf, LineEnd::CrLf] {
                let printed = print(&everything(a, "b${"), &dovecot(), line_end).text;
                std::fs::write(&file, &printed).unwrap();
                let run = Process::new("sievec")
                    .arg(&file)
                    .arg(folder.path().join("t.svbin"))
                    .stdin(Stdio::null())
                    .output();
                let Ok(run) = run else {
                    eprintln!(
                        "SKIPPED: sievec is not installed, the printer is unchecked by Pigeonhole"
                    );
                    return;
                };
                let errors = String::from_utf8_lossy(&run.stderr);
                assert!(run.status.success(), "{errors}\n{printed}");
            }
        }
    }
}
