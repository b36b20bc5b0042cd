//! In: an automatic answer, by formail and sendmail or by vacation(1). Out: the
//! `vacation` command (RFC 5230).

use super::Lowering;
use super::edit::trimmed;
use super::path::Path;

use crate::ledger::{Code, Note};
use crate::rules::model::{self, Action, Piece, Recipe, StatementId, Step, Text};
use crate::rules::program::{self, BodyPart, Edit, Field, Meaning, Recipients, Reply, meaning};
use crate::sieve::script::{Command, CommandKind, Part, Test, Value};
use crate::sieve::target::Extension;

impl Lowering<'_> {
    /// An answer that is sent by `formail -r … | sendmail -t`.
    ///
    /// # Errors
    /// Why it cannot be sent.
    pub(super) fn reply(
        &mut self,
        at: StatementId,
        reply: &Reply,
        path: &Path,
    ) -> Result<Vec<Command>, Note> {
        self.answers_sender(at, reply)?;
        let mut text = String::new();
        let mut missing = None;
        for part in &reply.body {
            match part {
                BodyPart::Text(part) => {
                    let line = self.value(part, path).ok().map(|prepared| prepared.value);
                    match line.and_then(|value| value.as_text()) {
                        Some(line) => {
                            text.push_str(&line);
                            text.push('\n');
                        }
                        None => {
                            missing = Some(
                                "a part of its text differs from message to message".to_owned(),
                            )
                        }
                    }
                }
                BodyPart::File(file) => match self.text_of(file, path) {
                    Some(part) => text.push_str(&part),
                    None => missing = Some("the file with its text could not be read".to_owned()),
                },
                BodyPart::Message => {
                    missing = Some("the mail that is answered does not stand in it".to_owned());
                }
            }
        }
        if text.trim().is_empty() {
            return Err(Note::manual(
                Code::AnswerUnknown,
                match missing {
                    Some(why) => format!("An answer was sent here, but {why}"),
                    None => {
                        "An answer was sent here whose text is not written in the rules".to_owned()
                    }
                },
            ));
        }
        if let Some(why) = missing {
            self.find(
                at,
                Note::adapted(Code::AnswerUnknown, format!("The answer is shorter: {why}")),
            );
        }
        let mut subject = None;
        for edit in &reply.edits {
            if let Edit::Replace { name, value }
            | Edit::Add { name, value }
            | Edit::ReplaceKeeping { name, value } = edit
                && name.eq_ignore_ascii_case("Subject")
            {
                subject = self.value(value, path).ok();
            }
        }
        let mut commands = Vec::new();
        let subject = subject.map(|prepared| {
            commands.extend(prepared.before);
            trimmed(prepared.value)
        });
        let text = Value::text(text);
        let vacation = self.vacation_command(at, subject, None, &[], text)?;
        self.once_answered(at, vacation, &mut commands, path)?;
        Ok(commands)
    }

    /// Sees that an answer goes to whom the server sends it, the sender. Where rules
    /// say so by a variable, it is from there.
    fn answers_sender(&mut self, at: StatementId, reply: &Reply) -> Result<(), Note> {
        let named = |text: &Text| match text.known() {
            // A name alone is a user of the host.
            Some(text) => !text.trim().is_empty(),
            None => {
                let is_address =
                    |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains('@'));
                text.0.iter().any(is_address)
            }
        };
        let elsewhere = match &reply.to {
            Recipients::Header => false,
            Recipients::Addresses(addresses) => addresses.iter().any(named),
        };
        let is_to = |edit: &Edit| match edit {
            Edit::Replace { name, value } | Edit::ReplaceKeeping { name, value } => {
                name.eq_ignore_ascii_case("To") && named(value)
            }
            _ => false,
        };
        if elsewhere || reply.edits.iter().any(is_to) {
            return Err(Note::manual(
                Code::SentByProgram,
                "A mail was made of this one here, and sent to somebody else than its sender",
            ));
        }
        let copies = |edit: &Edit| match edit {
            Edit::Add { name, .. } | Edit::AddIfAbsent { name, .. } => {
                ["to", "cc", "bcc"].contains(&name.to_lowercase().as_str())
            }
            Edit::Replace { name, .. } => ["cc", "bcc"].contains(&name.to_lowercase().as_str()),
            _ => false,
        };
        if reply.edits.iter().any(copies) {
            self.find(at, Note::adapted(
                Code::Answered,
                "The server sends the answer to the sender alone, and to none that the rules name",
            ));
        }
        Ok(())
    }

    /// `| vacation user` in a recipe.
    ///
    /// # Errors
    /// Why it cannot be sent.
    pub(super) fn vacation_of(
        &mut self,
        at: StatementId,
        call: &program::Vacation,
        path: &Path,
    ) -> Result<Vec<Command>, Note> {
        let file = call
            .message
            .clone()
            .unwrap_or_else(|| Text::literal(program::VACATION_MESSAGE));
        let Some(message) = self.text_of(&file, path) else {
            return Err(Note::manual(
                Code::AnswerUnreadable,
                "The text of the answer could not be read",
            ));
        };
        let (subject, text) = program::answer(&message);
        let aliases: Vec<String> = call
            .aliases
            .iter()
            .filter_map(Text::known)
            .map(str::to_owned)
            .collect();
        self.vacation(
            at,
            &model::Vacation {
                subject,
                text,
                days: call.days,
                aliases,
            },
            path,
        )
    }

    /// What vacation(1) answers.
    ///
    /// # Errors
    /// Why it cannot be sent.
    pub(super) fn vacation(
        &mut self,
        at: StatementId,
        vacation: &model::Vacation,
        path: &Path,
    ) -> Result<Vec<Command>, Note> {
        let mut commands = Vec::new();
        let subject = vacation.subject.as_deref();
        let subject = subject.map(|subject| self.with_subject(subject, &mut commands));
        let text = self.with_subject(&vacation.text, &mut commands);
        let vacation =
            self.vacation_command(at, subject, vacation.days, &vacation.aliases, text)?;
        self.once_answered(at, vacation, &mut commands, path)?;
        Ok(commands)
    }

    /// A text in which `$SUBJECT` stands for the subject of the message.
    fn with_subject(&mut self, text: &str, before: &mut Vec<Command>) -> Value {
        let mut value = Value(Vec::new());
        for (at, part) in text.split("$SUBJECT").enumerate() {
            if at > 0 {
                value.0.extend(self.subject(before).0);
            }
            value.0.push(Part::Text(part.to_owned()));
        }
        value.0.retain(|part| *part != Part::Text(String::new()));
        value
    }

    /// The subject of the message; where the server has no variables, words
    /// that stand for it.
    fn subject(&mut self, before: &mut Vec<Command>) -> Value {
        let field = Field {
            names: vec!["Subject".to_owned()],
            beginnings: Vec::new(),
            with_name: false,
            trimmed: true,
            joined: true,
        };
        match self.field(&field, true) {
            Ok((commands, value)) => {
                if before.is_empty() {
                    *before = commands;
                }
                value
            }
            Err(_) => Value::text("your message"),
        }
    }

    /// Answers a message that is not answered yet: a server fails at a second answer
    /// (RFC 5230, §4.7), and does nothing of what the script says.
    fn once_answered(
        &mut self,
        at: StatementId,
        vacation: Command,
        commands: &mut Vec<Command>,
        path: &Path,
    ) -> Result<(), Note> {
        if !self.target.has(Extension::Variables) {
            if path.answered {
                return Err(Note::manual(
                    Code::NoVariables,
                    "The server answers a mail once, and has no variables to remember that a rule above answered it",
                ));
            }
            commands.push(vacation);
            return Ok(());
        }
        let mark = self.names.answered();
        let answer = vec![vacation, Command::set(&mark, &[], Value::text("yes"))];
        match path.answered {
            true => {
                self.find(at, Note::adapted(
                    Code::Answered,
                    "The server answers a mail once: one that a rule above has answered gets no second answer",
                ));
                commands.push(Command::when(
                    Test::is_empty(Value::variable(&mark)),
                    answer,
                ));
            }
            false => commands.extend(answer),
        }
        Ok(())
    }

    fn vacation_command(
        &mut self,
        at: StatementId,
        subject: Option<Value>,
        days: Option<u64>,
        aliases: &[String],
        reason: Value,
    ) -> Result<Command, Note> {
        if !self.target.has(Extension::Vacation) {
            return Err(Note::manual(
                Code::NoVacation,
                "The server sends no automatic answers",
            ));
        }
        for text in subject.iter().chain([&reason]) {
            self.is_writable(text)?;
            let ends = |part: &Part| matches!(part, Part::Text(text) if text.contains('\0'));
            if text.0.iter().any(ends) {
                return Err(Note::manual(
                    Code::AnswerUnreadable,
                    "The text of the answer has a byte in it at which servers end it",
                ));
            }
        }
        self.find(at, Note::adapted(
            Code::Answered,
            "The server sends the answer in its own way: once to each sender within some days, and not to lists and machines",
        ));
        let mut addresses: Vec<String> = self
            .program
            .own_addresses
            .iter()
            .filter(|address| address.contains('@'))
            .cloned()
            .collect();
        for alias in aliases {
            let qualified = match (alias.contains('@'), &self.settings.domain) {
                (true, _) => Some(alias.clone()),
                (false, Some(domain)) => Some(format!("{alias}@{domain}")),
                (false, None) => None,
            };
            addresses.extend(qualified.filter(|address| !addresses.contains(address)));
        }
        Ok(Command::from(CommandKind::Vacation {
            days,
            subject,
            addresses,
            reason,
        }))
    }

    /// The text of a file that a command names.
    pub(super) fn text_of(&mut self, file: &Text, path: &Path) -> Option<String> {
        let texts = &self.program.texts;
        if let Some(text) = file.known().and_then(|file| texts.get(file)) {
            return Some(text.clone());
        }
        let written = self.value(file, path).ok()?.value.as_text()?;
        self.program.texts.get(&written).cloned()
    }
}

/// Whether a recipe sends an answer, and does nothing else. The server itself
/// remembers whom it has answered.
pub(super) fn only_answers(recipe: &Recipe) -> bool {
    match &recipe.action {
        Action::Pipe(text) if !recipe.flags.filter => match meaning(text) {
            Meaning::AutoReply(reply) => reply.sent,
            Meaning::Vacation(_) => true,
            _ => false,
        },
        Action::Block(steps) => {
            !steps.is_empty()
                && steps
                    .iter()
                    .all(|step| matches!(step, Step::Recipe(recipe) if only_answers(recipe)))
        }
        _ => false,
    }
}

/// What there is to say where formail was asked whether somebody got an answer.
pub(super) fn seen_senders() -> Note {
    Note::adapted(
        Code::SeenSenders,
        "formail remembered whom the answer below was sent to; the server remembers that by itself, and begins anew",
    )
}
