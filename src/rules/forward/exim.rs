//! In: an Exim filter file. Out: what it does to a message, in the words of
//! the model; every command is a statement.

#[cfg(test)]
mod tests;

use super::expand::expand;
use super::{Mailer, texts};
use crate::home::ReadError;
use crate::ledger::{Code, Note, shortened};
use crate::rules::model::filter::{Branch, Command, Comparison, Condition, Passed};
use crate::rules::model::{
    Format, Piece, Run, StatementId, StatementKind, Step, Target, Text, Vacation,
};
use crate::rules::path;
use crate::rules::program::VACATION_MESSAGE;
use crate::syntax::exim::{self as syntax, Argument, CommandKind, Exim};
use crate::syntax::forward::mailbox;
use crate::syntax::{FileId, Span};

/// Variables that hold the sender of the message, to whom an answer goes.
const SENDERS: [&str; 3] = ["reply_address", "sender_address", "return_path"];

impl Mailer<'_, '_> {
    /// What a filter does, and what happens to the messages it lets go on.
    pub(super) fn filter(&mut self, file: FileId) -> Run {
        let text = self.ledger.source(file).map_or("", |source| &source.text);
        let text = text.to_owned();
        let commands = match Exim::parse(file, &text).commands(&text) {
            Ok(commands) => commands,
            Err(refused) => {
                let line = self
                    .ledger
                    .source(file)
                    .map_or(0, |source| source.line(refused.span.start));
                let span = self.whole(file);
                let at = self.ledger.statement(StatementKind::Foreign, span);
                let message =
                    format!("Exim could not read this filter either: {refused} (line {line})");
                self.manual(at, Code::EximRefused, message);
                self.enter_dead_rules();
                return self.run_of(Step::Unknown { at });
            }
        };
        let commands = Filter {
            mailer: self,
            last: None,
        }
        .commands(&commands);
        let passed = Passed::of(&commands);
        let filter = Step::Filter(commands);
        if passed.through.no || passed.finished.no {
            let mut run = self.as_usual();
            run.steps.insert(0, filter);
            return run;
        }
        if self.calls.is_empty() {
            self.enter_dead_rules();
        }
        self.run_of(filter)
    }
}

/// A filter that is being read.
struct Filter<'m, 'h, 's> {
    mailer: &'m mut Mailer<'h, 's>,
    /// The statement that was entered last.
    last: Option<StatementId>,
}

impl Filter<'_, '_, '_> {
    fn statement(&mut self, span: Span) -> StatementId {
        let at = self.mailer.ledger.statement(StatementKind::Command, span);
        self.last = Some(at);
        at
    }

    /// `else` and `endif` belong to the statement before them.
    fn mark(&mut self, span: Option<&Span>) {
        if let (Some(at), Some(span)) = (self.last, span) {
            self.mailer.ledger.extend(at, span.end);
        }
    }

    fn find(&mut self, at: StatementId, note: Note) {
        self.mailer.ledger.find(at, note);
    }

    fn commands(&mut self, commands: &[syntax::Command]) -> Vec<Command> {
        let mut found = Vec::new();
        for command in commands {
            match &command.kind {
                CommandKind::If {
                    branches,
                    otherwise,
                    marks,
                } => {
                    found.push(self.conditional(branches, otherwise, marks));
                }
                kind => {
                    let at = self.statement(command.span);
                    found.extend(self.command(at, kind, command.seen));
                }
            }
        }
        found
    }

    fn conditional(
        &mut self,
        branches: &[syntax::Branch],
        otherwise: &[syntax::Command],
        marks: &[Span],
    ) -> Command {
        let mut read = Vec::new();
        for branch in branches {
            let at = self.statement(branch.span);
            let condition = self.condition(&branch.condition);
            let commands = self.commands(&branch.commands);
            read.push(Branch {
                at,
                condition,
                commands,
            });
        }
        let (last, before) = match marks.split_last() {
            Some((last, before)) => (Some(last), before.first()),
            None => (None, None),
        };
        self.mark(before);
        let otherwise = self.commands(otherwise);
        self.mark(last);
        Command::If {
            branches: read,
            otherwise,
        }
    }

    /// What a command does; nothing, where it only writes a note.
    fn command(
        &mut self,
        at: StatementId,
        kind: &CommandKind,
        seen: Option<bool>,
    ) -> Option<Command> {
        let deliver = |to: Target| Command::Deliver {
            at,
            to,
            counts: seen.unwrap_or(true),
        };
        Some(match kind {
            CommandKind::Deliver { to, errors_to } => {
                let to = match errors_to
                    .as_ref()
                    .is_none_or(|errors_to| self.is_own(errors_to))
                {
                    true => self.address(at, to),
                    false => {
                        let message = "Exim lets bounces go to nobody but the user, and does nothing with a filter that asks for it";
                        self.find(at, Note::manual(Code::EximRefused, message));
                        Target::Unknown
                    }
                };
                deliver(to)
            }
            CommandKind::Save(path) => deliver(self.folder(at, path)),
            CommandKind::Pipe(program) => {
                let text = self.known(&program.text);
                deliver(match text.known() {
                    Some(text) => self.program(at, text),
                    None => Target::Program(program.text.clone()),
                })
            }
            CommandKind::Mail {
                vacation,
                options,
                expand,
                returns,
            } => {
                let has_file = options.iter().any(|(option, _)| option == "file");
                let is_expanded = *expand || *vacation && !has_file;
                let to = self.answer(at, *vacation, options, is_expanded, *returns);
                match to {
                    Some(to) => Command::Deliver {
                        at,
                        to,
                        counts: seen.unwrap_or(false),
                    },
                    None => Command::Unknown { at },
                }
            }
            CommandKind::Finish => Command::Finish {
                at,
                counts: seen.unwrap_or(false),
            },
            CommandKind::Fail => Command::Refuse { at },
            CommandKind::Add => {
                let message = "The filter counts here, and Sieve does not";
                self.find(at, Note::manual(Code::EximCounter, message));
                Command::Unknown { at }
            }
            CommandKind::Note if seen == Some(true) => {
                let message = "This writes a note, and throws the message away by the word “seen”";
                self.find(at, Note::manual(Code::EximSystem, message));
                Command::Unknown { at }
            }
            CommandKind::Note => {
                self.find(
                    at,
                    Note::dropped(
                        Code::Logging,
                        "This writes a note into a file of the old host",
                    ),
                );
                return None;
            }
            // Entered where its branches are.
            CommandKind::If { .. } => return None,
        })
    }

    /// A text with the values put in that are the same for every message.
    fn known(&self, text: &str) -> Text {
        let settings = self.mailer.settings;
        expand(text, |name| match name {
            "home" => Some(settings.home_path.trim_end_matches('/').to_owned()),
            "local_part" => Some(settings.user.clone()),
            "domain" => settings.domain.clone(),
            _ => None,
        })
    }

    fn address(&mut self, at: StatementId, address: &Argument) -> Target {
        let text = self.known(&address.text);
        let Some(written) = text.known() else {
            let message = "The address differs from message to message";
            self.find(at, Note::manual(Code::EximComputed, message));
            return Target::Unknown;
        };
        match mailbox(written) {
            Some(address) if self.mailer.is_own(&address) => self.mailer.own_mailbox(at),
            Some(address) => Target::Address(address),
            None => {
                let message = format!("“{}” is no address", shortened(written));
                self.find(at, Note::manual(Code::DestinationUnclear, message));
                Target::Unknown
            }
        }
    }

    fn is_own(&self, address: &Argument) -> bool {
        let text = self.known(&address.text);
        let address = text.known().and_then(mailbox);
        address.is_some_and(|address| self.mailer.is_own(&address))
    }

    /// Exim starts a program itself: to a shell alone, some characters are more
    /// than text, and `exit` is a command.
    fn program(&mut self, at: StatementId, command: &str) -> Target {
        let asks_for_shell = |c: char| "|&;<>()$`\\*?[]{}~#!\n".contains(c);
        let program = || Target::Program(command.to_owned());
        if command.contains(asks_for_shell) {
            return program();
        }
        match self.mailer.command(at, command.trim()) {
            Target::Exit(_) => program(),
            target => target,
        }
    }

    fn folder(&mut self, at: StatementId, path: &Argument) -> Target {
        let text = self.known(&path.text);
        let Some(written) = text.known() else {
            let message = "The mailbox differs from message to message";
            self.find(at, Note::manual(Code::EximComputed, message));
            return Target::Unknown;
        };
        let absolute = path::join(&self.mailer.settings.home_path, written);
        let mark = if written.ends_with('/') { "/" } else { "" };
        let mut folder = self.mailer.folder(&format!("{absolute}{mark}"));
        // Exim names what is no mailbox by a slash alone.
        if folder.format == Format::Directory {
            folder.format = Format::Maildir;
        }
        Target::Folder(folder)
    }

    /// What `mail` and `vacation` send, where that is an answer to the sender.
    fn answer(
        &mut self,
        at: StatementId,
        vacation: bool,
        options: &[(String, Argument)],
        is_expanded: bool,
        returns: bool,
    ) -> Option<Target> {
        let option = |name: &str| {
            let found = options.iter().rfind(|(option, _)| option == name);
            found.map(|(_, value)| self.known(&value.text))
        };
        let is_sender = |to: &Text| match to.0.as_slice() {
            [Piece::Variable(name)] => SENDERS.contains(&name.as_str()),
            _ => false,
        };
        let is_to_other = option("to").is_some_and(|to| !is_sender(&to));
        if is_to_other || option("cc").is_some() || option("bcc").is_some() || returns {
            let message =
                "This sends a message of its own, and a Sieve script can only answer the sender";
            self.find(at, Note::manual(Code::EximMail, message));
            return None;
        }
        let breaks = |text: &Text| {
            let broken = |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains(['\n', '\r']));
            text.0.iter().any(broken)
        };
        let mut written = options.iter().filter(|(option, _)| option != "text");
        if written.any(|(_, value)| breaks(&self.known(&value.text))) {
            let message = "Exim takes no line end in the header of a message";
            self.find(at, Note::manual(Code::EximMail, message));
            return None;
        }
        let subject = option("subject").or_else(|| vacation.then(|| Text::literal("On vacation")));
        let text = option("text");
        let file = option("file").or_else(|| vacation.then(|| Text::literal(VACATION_MESSAGE)));
        let repeat = option("once_repeat").and_then(|time| days(time.known()?));
        let mut body = String::new();
        let mut computed = false;
        if let Some(text) = text {
            computed |= with_subject(&text, &mut body).is_none();
            body.push('\n');
        }
        if let Some(file) = file {
            let content = self.content(at, &file)?;
            let content = match is_expanded {
                true => self.known(&content),
                false => Text::literal(content),
            };
            computed |= with_subject(&content, &mut body).is_none();
        }
        let mut shown_subject = String::new();
        if let Some(subject) = &subject {
            computed |= with_subject(subject, &mut shown_subject).is_none();
        }
        if computed || body.trim().is_empty() {
            let message = "The text of the answer differs from message to message";
            self.find(at, Note::manual(Code::EximMail, message));
            return None;
        }
        Some(Target::Vacation(Vacation {
            subject: subject.map(|_| shown_subject),
            text: body,
            days: repeat.or(vacation.then_some(7)),
            aliases: Vec::new(),
        }))
    }

    /// The text of a file in the home.
    fn content(&mut self, at: StatementId, file: &Text) -> Option<String> {
        let home = &self.mailer.settings.home_path;
        let written = file.known().unwrap_or("");
        let absolute = path::join(home, written);
        let read = match path::below(home, &absolute) {
            Some(path) if !written.is_empty() => self.mailer.ledger.read(path),
            _ => Err(ReadError::Outside),
        };
        match read {
            Ok(file) => Some(texts::enter(&mut self.mailer.ledger, file)),
            Err(error) => {
                let message =
                    format!("The text of the answer, {written}, could not be read: {error}");
                self.find(at, Note::manual(Code::AnswerUnreadable, message));
                None
            }
        }
    }

    fn condition(&self, condition: &syntax::Condition) -> Condition {
        let several = |conditions: &[syntax::Condition]| {
            conditions
                .iter()
                .map(|condition| self.condition(condition))
                .collect()
        };
        match condition {
            syntax::Condition::All(conditions) => Condition::All(several(conditions)),
            syntax::Condition::Any(conditions) => Condition::Any(several(conditions)),
            syntax::Condition::Not(inner) => Condition::Not(Box::new(self.condition(inner))),
            syntax::Condition::Compare {
                left,
                by,
                case,
                right,
            } => Condition::Compare {
                left: self.known(&left.text),
                by: comparison(*by),
                case: *case,
                right: self.known(&right.text),
            },
            syntax::Condition::Personal(aliases) => {
                let own = self
                    .mailer
                    .own_addresses
                    .iter()
                    .filter(|own| own.contains('@'))
                    .cloned();
                let aliases = aliases.iter().map(|alias| alias.text.to_lowercase());
                Condition::Personal(own.chain(aliases).collect())
            }
            syntax::Condition::Delivered => Condition::Delivered,
            syntax::Condition::ErrorMessage => Condition::Bounce,
            // A message is delivered once, and nobody thaws it.
            syntax::Condition::FirstDelivery => Condition::Always(true),
            syntax::Condition::ManuallyThawed => Condition::Always(false),
            syntax::Condition::ForAnyAddress(list, inner) => {
                Condition::AnyAddress(self.known(&list.text), Box::new(self.condition(inner)))
            }
        }
    }
}

fn comparison(by: syntax::Comparison) -> Comparison {
    match by {
        syntax::Comparison::Begins => Comparison::Begins,
        syntax::Comparison::Contains => Comparison::Contains,
        syntax::Comparison::Ends => Comparison::Ends,
        syntax::Comparison::Is => Comparison::Is,
        syntax::Comparison::Matches => Comparison::Matches,
        syntax::Comparison::Above => Comparison::Above,
        syntax::Comparison::Below => Comparison::Below,
    }
}

/// Appends a text in which the subject of the message stands as `$SUBJECT`;
/// `None` where other values stand in it.
fn with_subject(text: &Text, into: &mut String) -> Option<()> {
    for piece in &text.0 {
        match piece {
            Piece::Literal(text) if !text.contains("$SUBJECT") => into.push_str(text),
            Piece::Variable(name) if name == "h_subject" => into.push_str("$SUBJECT"),
            _ => return None,
        }
    }
    Some(())
}

/// Whole days of a time such as `5d4h`.
fn days(time: &str) -> Option<u64> {
    let mut seconds = 0_u64;
    let mut number = 0_u64;
    for c in time.chars() {
        let unit = match c.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            digit => {
                number = number
                    .checked_mul(10)?
                    .checked_add(u64::from(digit.to_digit(10)?))?;
                continue;
            }
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        number = 0;
    }
    Some(seconds.div_ceil(86_400).max(1))
}
