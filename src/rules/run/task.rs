//! In: a command, and what it is given to read. Out: what it prints, its exit
//! status, and what it does with the message; all of it worked out in memory.

use super::delivery::{place, recipients};
use super::formail;
use super::grep;
use super::machine::{Machine, Process};
use super::message::Message;
use super::value::whole;
use super::{Delivery, Unknown, date};
use crate::rules::model::{Format, Text};
use crate::rules::path;
use crate::rules::program::{
    BodyPart, Comparison, Edit, Grep, Input, Meaning, Patterns, Printed, Question, Recipients,
    Reply, Source,
};
use crate::syntax::Encoding;

/// What a command is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// The message is given to it for good.
    Pipe,
    /// What it prints takes the place of the message.
    Filter,
    /// What it prints is text.
    Print,
    /// Its exit status counts.
    Question,
}

/// What is left of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ran {
    /// What it printed.
    pub output: Vec<u8>,
    /// Its exit status.
    pub status: i32,
}

impl Ran {
    fn printed(output: impl Into<Vec<u8>>) -> Self {
        Ran {
            output: output.into(),
            status: 0,
        }
    }

    fn exit(status: i32) -> Self {
        Ran {
            output: Vec::new(),
            status,
        }
    }
}

impl<'p> Machine<'_, 'p> {
    /// Does what a command would have done.
    pub fn run_program(
        &mut self,
        process: &mut Process<'p>,
        command: &Text,
        input: &[u8],
        task: Task,
        encoding: Encoding,
    ) -> Ran {
        self.outcome.programs.push(command.shown());
        let meaning = self.meaning(command);
        let ran = self.meant(process, command, &meaning, input, task, encoding);
        process.status = ran.status;
        ran
    }

    fn meant(
        &mut self,
        process: &mut Process<'p>,
        command: &Text,
        meaning: &Meaning,
        input: &[u8],
        task: Task,
        encoding: Encoding,
    ) -> Ran {
        match meaning {
            Meaning::SpamFilter { .. } | Meaning::PassThrough => Ran::printed(input),
            Meaning::HeaderEdit(edits) => {
                let edits = self.edits(process, edits, encoding);
                Ran::printed(formail::edit(input, &edits))
            }
            Meaning::Duplicate {
                bytes,
                cache,
                by_sender,
            } => {
                let key = match by_sender {
                    true => formail::answered(input, false),
                    false => formail::message_id(input),
                };
                let cache = self.value(process, cache, encoding);
                let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
                let cache = self.memory.caches.entry(cache).or_default();
                let known = key.is_some_and(|key| cache.knows(&key, bytes.unwrap_or(0)));
                Ran::exit(i32::from(!known))
            }
            Meaning::AutoReply(reply) => self.reply(process, reply, input, encoding),
            Meaning::Vacation(_)
            | Meaning::Training { .. }
            | Meaning::Notify
            | Meaning::Log
            | Meaning::Attempt
            | Meaning::SetFlags { .. }
            | Meaning::Mail { .. }
            | Meaning::SendToHeader { .. } => Ran::default(),
            Meaning::Deliver { recipients, .. } if !self.runner.program.are_user(recipients) => {
                self.unknown(Unknown::Program(command.shown()));
                Ran::default()
            }
            Meaning::Deliver { folder: None, .. } => {
                self.keep(process);
                Ran::default()
            }
            Meaning::Deliver {
                folder: Some(folder),
                ..
            } => {
                let folder = self.string(process, folder, encoding);
                self.outcome.deliveries.insert(Delivery::Folder(folder));
                Ran::default()
            }
            Meaning::StoreMh { folder } => {
                let folder = self.string(process, folder, encoding);
                let directory = path::join(self.runner.home, "Mail");
                let (path, _) = place(&directory, &folder, Format::Mh);
                self.deliver(path, Format::Mh);
                Ran::default()
            }
            Meaning::AppendTo { path, .. } => {
                let written = self.string(process, path, encoding);
                let (path, format) = place(&process.directory, &written, Format::Mbox);
                self.deliver(path, format);
                Ran::default()
            }
            Meaning::FiledChanged { then, .. } => {
                self.meant(process, command, then, input, task, encoding)
            }
            Meaning::Redirect { addresses, .. } => {
                let addresses: Vec<String> = addresses
                    .iter()
                    .map(|address| self.string(process, address, encoding))
                    .collect();
                self.redirect(recipients(&addresses));
                Ran::default()
            }
            Meaning::Exit(status) => Ran::exit(*status),
            Meaning::NoProgram => Ran::exit(127),
            Meaning::Printed(printed) => match self.output(process, printed, input, encoding) {
                Some(output) => Ran::printed(output),
                None => self.not_known(command, input, task),
            },
            Meaning::Date { format } => {
                let format = self.string(process, format, encoding);
                match date::format(self.mail.received, &format) {
                    Some(date) => Ran::printed(date + "\n"),
                    None => self.not_known(command, input, task),
                }
            }
            Meaning::Question(question) => self.question(process, question, encoding),
            Meaning::Grep(grep) => match self.grep(process, grep, input, encoding) {
                Some(found) => Ran::exit(i32::from(!found)),
                None => Ran::default(),
            },
            Meaning::Rewritten { .. }
            | Meaning::Decoded { .. }
            | Meaning::Procmail(_)
            | Meaning::Unknown => self.not_known(command, input, task),
        }
    }

    /// What is printed of a message, or of a text; `None` where that is not
    /// known.
    fn output(
        &mut self,
        process: &mut Process<'p>,
        printed: &Printed,
        input: &[u8],
        encoding: Encoding,
    ) -> Option<Vec<u8>> {
        let mut text = self.source(process, &printed.source, input, encoding);
        if printed.splits {
            text = without_blanks(&text);
        }
        if printed.first_line {
            let end = text.iter().position(|&byte| byte == b'\n');
            text.truncate(end.map_or(text.len(), |end| end + 1));
        }
        if printed.edits.is_empty() {
            return Some(text);
        }
        let mut edited = Vec::new();
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let (line, end) = match line.strip_suffix(b"\n") {
                Some(line) => (line, b"\n".as_slice()),
                None => (line, b"".as_slice()),
            };
            edited.extend(printed.edited(line)?);
            edited.extend_from_slice(end);
        }
        Some(edited)
    }

    /// What stands at the beginning of a pipeline.
    fn source(
        &mut self,
        process: &mut Process<'p>,
        source: &Source,
        input: &[u8],
        encoding: Encoding,
    ) -> Vec<u8> {
        let mut text = match source {
            Source::Text { text, .. } => self.value(process, text, encoding),
            Source::Field(field) => return formail::extract(input, field),
            Source::Sender { whom, trimmed } => {
                let sender = formail::recipient(input, *whom);
                match trimmed {
                    true => sender,
                    false => [b" ", sender.as_slice()].concat(),
                }
            }
        };
        text.push(b'\n');
        text
    }

    /// A program that nothing is known of has succeeded, and changed nothing.
    fn not_known(&mut self, command: &Text, input: &[u8], task: Task) -> Ran {
        self.unknown(Unknown::Program(command.shown()));
        self.outcome.is_handed_over |= matches!(task, Task::Pipe);
        match task {
            Task::Filter => Ran::printed(input),
            Task::Pipe | Task::Print | Task::Question => Ran::default(),
        }
    }

    fn edits(
        &mut self,
        process: &mut Process<'p>,
        edits: &[Edit],
        encoding: Encoding,
    ) -> Vec<Edit<Vec<u8>>> {
        let mut value = |value: &Text| self.value(process, value, encoding);
        edits.iter().map(|edit| edit.with(&mut value)).collect()
    }

    /// An answer: it is sent, or it takes the place of the message.
    fn reply(
        &mut self,
        process: &mut Process<'p>,
        reply: &Reply,
        input: &[u8],
        encoding: Encoding,
    ) -> Ran {
        if reply.sent {
            if let Recipients::Addresses(addresses) = &reply.to {
                let addresses: Vec<String> = addresses
                    .iter()
                    .map(|address| self.string(process, address, encoding))
                    .collect();
                self.redirect(recipients(&addresses));
            }
            return Ran::default();
        }
        let edits = self.edits(process, &reply.edits, encoding);
        let mut body = Vec::new();
        for part in &reply.body {
            match part {
                BodyPart::Text(text) => {
                    body.extend(self.value(process, text, encoding));
                    body.push(b'\n');
                }
                BodyPart::File(path) => {
                    let path = self.string(process, path, encoding);
                    body.extend_from_slice(self.file_text(&path).unwrap_or_default().as_bytes());
                }
                BodyPart::Message => {
                    body.extend_from_slice(Message::new(input.to_vec()).body());
                }
            }
        }
        Ran::printed(formail::reply(input, reply.trust, &edits, &body))
    }

    /// A file of the home that programs read, by the path they name it with.
    fn file_text(&mut self, path: &str) -> Option<&'p str> {
        let text = self.runner.program.texts.get(path);
        if text.is_none() {
            self.unknown(Unknown::File(path.to_owned()));
        }
        text.map(String::as_str)
    }

    fn question(
        &mut self,
        process: &mut Process<'p>,
        question: &Question,
        encoding: Encoding,
    ) -> Ran {
        let holds = match &question.comparison {
            Comparison::Equal(left, right) => {
                self.value(process, left, encoding) == self.value(process, right, encoding)
            }
            Comparison::NotEmpty(text) => !self.value(process, text, encoding).is_empty(),
            Comparison::Number {
                left,
                relation,
                right,
            } => {
                let left = whole(&self.value(process, left, encoding));
                let right = whole(&self.value(process, right, encoding));
                let (Some(left), Some(right)) = (left, right) else {
                    return Ran::exit(2);
                };
                relation.holds(left, right)
            }
            Comparison::Every(questions) | Comparison::Any(questions) => {
                // The first that decides is the last that is asked.
                let goes_on = match question.comparison {
                    Comparison::Every(_) => 0,
                    _ => 1,
                };
                let mut ran = Ran::exit(goes_on);
                for question in questions {
                    ran = self.question(process, question, encoding);
                    if ran.status != goes_on {
                        break;
                    }
                }
                match ran.status {
                    0 | 1 => ran.status == 0,
                    _ => return ran,
                }
            }
            Comparison::File(what, path) => {
                let path = self.string(process, path, encoding);
                match self.runner.program.finds(*what, &path) {
                    // What is not there may come and go.
                    Some(is_found) if is_found != question.negated => is_found,
                    _ => {
                        self.unknown(Unknown::File(path));
                        return Ran::default();
                    }
                }
            }
        };
        Ran::exit(i32::from(holds == question.negated))
    }

    /// Whether grep finds something; nothing where that is not known.
    fn grep(
        &mut self,
        process: &mut Process<'p>,
        grep: &Grep,
        input: &[u8],
        encoding: Encoding,
    ) -> Option<bool> {
        let text = match &grep.input {
            Input::Message => input.to_vec(),
            Input::Printed { source, splits } => {
                let text = self.source(process, source, input, encoding);
                if *splits { without_blanks(&text) } else { text }
            }
            Input::Files(files) => {
                let mut text = Vec::new();
                for file in files {
                    let path = self.string(process, file, encoding);
                    text.extend_from_slice(self.file_text(&path)?.as_bytes());
                }
                text
            }
        };
        let patterns: Vec<String> = match &grep.patterns {
            Patterns::These(patterns) => patterns
                .iter()
                .map(|pattern| self.string(process, pattern, encoding))
                .collect(),
            Patterns::File(file) => {
                let path = self.string(process, file, encoding);
                self.file_text(&path)?.lines().map(str::to_owned).collect()
            }
        };
        let patterns: Vec<&str> = patterns
            .iter()
            .flat_map(|pattern| pattern.split('\n'))
            .collect();
        let found = grep::matches(&patterns, grep, &text);
        if found.is_none() {
            self.unknown(Unknown::Program("grep".to_owned()));
        }
        found
    }
}

/// What the shell leaves of a text without quotes, on a line.
fn without_blanks(text: &[u8]) -> Vec<u8> {
    let words = text.split(u8::is_ascii_whitespace);
    let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
    let mut line = words.join(&b' ');
    line.push(b'\n');
    line
}
