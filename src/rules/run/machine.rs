//! In: rules made ready, and a message. Out: what became of it. Blocks, files
//! and clones are kept on stacks, so that no rules run deeper than memory, and
//! their steps are counted, so that none run for ever.

mod process;

use super::delivery::recipients;
use super::message::Message;
use super::task::Task;
use super::value::{Variables, letters, number_or_word};
use super::{Delivery, Mail, Memory, Outcome, Runner, Unknown, date};
use crate::rules::elaborate::host_printed;
use crate::rules::model::{
    Action, Assign, Chained, Destination, Flags, Piece, Recipe, Run, StatementId, Step, Target,
    Text,
};
use crate::rules::path;
use crate::rules::program::{self, Meaning};
use crate::syntax::Encoding;
use std::rc::Rc;

/// Steps that one message takes at most; each clone's are counted as well.
const MAX_STEPS: usize = 200_000;

/// One run of the rules on one message.
pub struct Machine<'r, 'p> {
    pub runner: &'r Runner<'p>,
    pub memory: &'r mut Memory,
    pub mail: Mail<'r>,
    pub outcome: Outcome,
    steps: usize,
}

/// A running procmail, or a clone of one.
#[derive(Debug, Clone)]
pub struct Process<'p> {
    frames: Vec<Frame<'p>>,
    /// What procmail was called for.
    pub(super) run: &'p Run,
    pub message: Rc<Message>,
    pub variables: Variables,
    /// `LASTFOLDER` is a command; the model does not tell how it was written.
    pub(super) last_is_command: bool,
    /// The directory that relative paths start from.
    pub directory: String,
    /// What the recipes so far did.
    chain: Chained,
    /// The program that did it, where nothing tells whether it did succeed.
    assumed: Option<&'p Text>,
    /// The score of the last conditions (`$=`).
    pub score: i64,
    /// The exit status of the last program (`$?`).
    pub status: i32,
    /// That of the last filter that was waited for.
    filter_status: i32,
    /// `EXITCODE` was assigned.
    sets_status: bool,
    /// `DELIVERED` was set: the mailer is told that all went well.
    says_delivered: bool,
}

#[derive(Debug, Clone)]
struct Frame<'p> {
    steps: &'p [Step],
    at: usize,
    kind: FrameKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    /// A block, and what the recipes above it had done.
    Block(Chained),
    File,
    /// A file that took over: the one that called it does not go on.
    Switched,
}

/// What comes after a step.
enum Next<'p> {
    /// The next one.
    Step,
    /// The process is a clone now; the original waits, for its exit status
    /// perhaps.
    Clone { original: Process<'p>, waits: bool },
    /// The process is done, with an exit status.
    Done(i32),
}

/// Runs the rules.
pub fn run(runner: &Runner<'_>, mail: &Mail<'_>, memory: &mut Memory) -> Outcome {
    let message = Rc::new(Message::new(with_mbox_line(mail)));
    let mut machine = Machine {
        runner,
        memory,
        mail: *mail,
        outcome: Outcome::default(),
        steps: 0,
    };
    machine.outcome.status = machine.rules(&runner.program.main, &message);
    machine.outcome
}

fn with_mbox_line(mail: &Mail<'_>) -> Vec<u8> {
    if mail.text.starts_with(b"From ") {
        return mail.text.to_vec();
    }
    let sender = match mail.sender {
        "" => "MAILER-DAEMON",
        sender => sender,
    };
    let mut text = format!("From {sender}  {}\n", date::asctime(mail.received)).into_bytes();
    text.extend_from_slice(mail.text);
    text
}

impl<'p> Machine<'_, 'p> {
    /// Runs rules from the top; returns the exit status.
    fn rules(&mut self, run: &'p Run, message: &Rc<Message>) -> i32 {
        let mut process = self.start(run, message);
        let mut waiting: Vec<(Process<'p>, bool)> = Vec::new();
        loop {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                self.unknown(Unknown::Endless);
                self.keep(&mut process);
                return 0;
            }
            match self.step(&mut process) {
                Next::Step => {}
                Next::Clone { original, waits } => waiting.push((original, waits)),
                Next::Done(status) => match waiting.pop() {
                    None => return status,
                    Some((original, waits)) => {
                        process = original;
                        process.succeeds(!waits || status == 0);
                    }
                },
            }
        }
    }

    fn start(&mut self, run: &'p Run, message: &Rc<Message>) -> Process<'p> {
        let mut variables = Variables::default();
        for (name, value) in &self.runner.environment {
            let known = value.known().unwrap_or_default();
            variables.set(name, Some(known.as_bytes()));
        }
        if let Some(detail) = self.mail.detail() {
            variables.set("EXTENSION", Some(detail.as_bytes()));
        }
        Process {
            frames: vec![Frame {
                steps: &run.steps,
                at: 0,
                kind: FrameKind::File,
            }],
            run,
            message: Rc::clone(message),
            variables,
            last_is_command: false,
            directory: self.runner.home.to_owned(),
            chain: Chained::AT_FIRST,
            assumed: None,
            score: 0,
            status: 0,
            filter_status: 0,
            sets_status: false,
            says_delivered: false,
        }
    }

    fn step(&mut self, process: &mut Process<'p>) -> Next<'p> {
        let Some(frame) = process.frames.last_mut() else {
            self.keep(process);
            return self.end(process);
        };
        let Some(step) = frame.steps.get(frame.at) else {
            process.leave();
            return Next::Step;
        };
        frame.at += 1;
        match step {
            Step::Assign(assign) => self.assign(process, assign),
            Step::Recipe(recipe) => return self.recipe(process, recipe),
            Step::Include { at, body, switch } => {
                self.outcome.reached.insert(*at);
                process.frames.push(Frame {
                    steps: body,
                    at: 0,
                    kind: match switch {
                        true => FrameKind::Switched,
                        false => FrameKind::File,
                    },
                });
            }
            Step::End { at } => {
                self.outcome.reached.insert(*at);
                return self.end(process);
            }
            Step::Deliver(destinations) => return self.destinations(process, destinations),
            Step::Detail { word, at, run } => {
                if self.mail.detail().is_some_and(|detail| detail == *word) {
                    self.outcome.reached.extend(at);
                    process.run = run;
                    process.frames.push(Frame {
                        steps: &run.steps,
                        at: 0,
                        kind: FrameKind::Switched,
                    });
                }
            }
            Step::Filter(commands) => {
                if let Some(status) = self.filtered(process, commands) {
                    return Next::Done(status);
                }
            }
            Step::Unknown { at } => {
                self.outcome.reached.insert(*at);
                self.unknown(Unknown::Statement(*at));
            }
        }
        Next::Step
    }

    /// The message is dealt with: the exit status that is left behind.
    fn end(&mut self, process: &mut Process<'p>) -> Next<'p> {
        let trap = process.variable("TRAP");
        if !trap.is_empty() {
            let command = String::from_utf8_lossy(&trap).into_owned();
            self.outcome.programs.push(command);
        }
        let asked = match process.sets_status {
            true => process.variables.get("EXITCODE").and_then(number_or_word),
            false => None,
        };
        let status = asked.filter(|&status| status >= 0 && !process.says_delivered);
        Next::Done(status.map_or(0, |status| i32::try_from(status & 0xff).unwrap_or(0)))
    }

    fn assign(&mut self, process: &mut Process<'p>, assign: &'p Assign) {
        self.outcome.reached.insert(assign.at);
        let encoding = self.runner.encoding(assign.at);
        let value = match &assign.value {
            Some(text) => {
                let unknown = self.outcome.unknown.clone();
                let value = self.value(process, text, encoding);
                // What nothing uses does not matter: `PATH=/x:$PATH`.
                if !text.0.iter().any(is_command) {
                    self.outcome.unknown = unknown;
                }
                Some(value)
            }
            None => None,
        };
        self.set(process, &assign.name, value.as_deref());
    }

    fn set(&mut self, process: &mut Process<'p>, name: &str, value: Option<&[u8]>) {
        process.variables.set(name, value);
        match (name, value) {
            ("MAILDIR", Some(value)) if !value.is_empty() => {
                let to = letters(value.to_vec());
                process.directory = path::join(&process.directory, &to);
            }
            ("EXITCODE", _) => process.sets_status = true,
            ("DELIVERED", Some(value)) => {
                process.says_delivered |= number_or_word(value).is_some_and(|value| value != 0);
            }
            _ => {}
        }
    }

    fn recipe(&mut self, process: &mut Process<'p>, recipe: &'p Recipe) -> Next<'p> {
        self.outcome.reached.insert(recipe.at);
        let asks = recipe.chain.also_if_succeeded || recipe.chain.on_error;
        if let Some(command) = process.assumed.filter(|_| asks) {
            self.unknown(Unknown::Program(command.shown()));
        }
        let is_asked = process.chain.admits(recipe.chain) == Some(true);
        let matches = is_asked && self.conditions(process, recipe);
        process.chain = process.chain.after(recipe.chain, matches);
        if !matches {
            return Next::Step;
        }
        self.outcome.matched.insert(recipe.at);
        let encoding = self.runner.encoding(recipe.at);
        let flags = &recipe.flags;
        process.assumed = match &recipe.action {
            Action::Pipe(command) | Action::Capture { command, .. } if flags.wait => {
                Some(command).filter(|command| self.may_fail(command))
            }
            Action::Block(_) => process.assumed,
            _ => None,
        };
        let delivered = match &recipe.action {
            Action::Block(steps) => return process.enter(steps, flags),
            Action::File(folders) => {
                let filed = self.file(process, recipe.at, folders, encoding);
                process.succeeds(filed || flags.ignore_errors)
            }
            Action::Forward(words) => {
                let words = words
                    .iter()
                    .flat_map(|word| self.words(process, word, encoding));
                let words: Vec<String> = words.collect();
                let shown = words.join(" ");
                let mut command = process.variable("SENDMAIL");
                for part in [
                    process.variable("SENDMAILFLAGS").as_slice(),
                    shown.as_bytes(),
                ] {
                    command.push(b' ');
                    command.extend_from_slice(part);
                }
                process.set_last_folder(&command);
                self.outcome.programs.push(format!("sendmail {shown}"));
                self.redirect(recipients(&words));
                process.status = 0;
                process.succeeds(true)
            }
            Action::Pipe(command) if flags.filter => {
                self.filter(process, command, flags, encoding);
                return Next::Step;
            }
            Action::Pipe(command) => {
                let input = process.fed(flags);
                let status = self
                    .run_program(process, command, &input, Task::Pipe, encoding)
                    .status;
                process.last_is_command = true;
                process.succeeds(!flags.wait || status == 0)
            }
            Action::Capture { name, command } => {
                self.capture(process, name, command, flags, encoding);
                return Next::Step;
            }
        };
        match delivered && !flags.copy {
            true => self.end(process),
            false => Next::Step,
        }
    }

    fn filter(
        &mut self,
        process: &mut Process<'p>,
        command: &'p Text,
        flags: &Flags,
        encoding: Encoding,
    ) {
        let input = process.fed(flags);
        let ran = self.run_program(process, command, &input, Task::Filter, encoding);
        if flags.wait {
            process.filter_status = ran.status;
        }
        process.succeeds(process.filter_status == 0);
        if flags.wait && ran.status != 0 {
            return;
        }
        if ran.output == input {
            return;
        }
        let message = match (flags.feed_header, flags.feed_body) {
            (true, false) => process.message.with_header(ran.output),
            (false, true) => process.message.with_body(&ran.output),
            _ => Message::new(ran.output),
        };
        process.message = Rc::new(message);
    }

    fn capture(
        &mut self,
        process: &mut Process<'p>,
        name: &str,
        command: &'p Text,
        flags: &Flags,
        encoding: Encoding,
    ) {
        let input = process.fed(flags);
        let ran = self.run_program(process, command, &input, Task::Print, encoding);
        if flags.wait {
            process.filter_status = ran.status;
        }
        process.succeeds(process.filter_status == 0);
        // What a failed program printed is thrown away.
        if !flags.wait || ran.status == 0 {
            let output = ran.output.strip_suffix(b"\n").unwrap_or(&ran.output);
            let output = output.split(|&byte| byte == 0).next();
            self.set(process, name, output);
        }
    }

    /// What backquotes stand for.
    pub fn printed(
        &mut self,
        process: &mut Process<'p>,
        command: &Text,
        encoding: Encoding,
    ) -> Vec<u8> {
        let of_host = command
            .known()
            .and_then(|command| host_printed(command, self.runner.host));
        if let Some(Piece::Literal(name)) = of_host {
            return name.into_bytes();
        }
        let input = process.message.raw().to_vec();
        let ran = self.run_program(process, command, &input, Task::Print, encoding);
        let mut output = ran.output;
        if let Some(end) = output.iter().position(|&byte| byte == 0) {
            output.truncate(end);
        }
        while output.last() == Some(&b'\n') {
            output.pop();
        }
        output
    }

    /// A `.forward`: every destination gets the message.
    fn destinations(
        &mut self,
        process: &mut Process<'p>,
        destinations: &'p [Destination],
    ) -> Next<'p> {
        let statuses = destinations
            .iter()
            .map(|destination| self.destination(process, destination.at, &destination.to));
        let statuses: Vec<i32> = statuses.collect();
        Next::Done(
            statuses
                .into_iter()
                .find(|&status| status != 0)
                .unwrap_or(0),
        )
    }

    /// Delivers to one destination; returns what the mailer is told.
    pub fn destination(
        &mut self,
        process: &mut Process<'p>,
        at: StatementId,
        target: &'p Target,
    ) -> i32 {
        self.outcome.reached.insert(at);
        let encoding = self.runner.encoding(at);
        match target {
            Target::Keep => self.keep(process),
            Target::Rules(run) => {
                let message = Rc::clone(&process.message);
                return self.rules(run, &message);
            }
            Target::Address(address) => self.redirect([address.clone()]),
            Target::Folder(folder) => {
                self.file(process, at, std::slice::from_ref(folder), encoding);
            }
            Target::Program(command) => {
                let command = Text::literal(command);
                let input = process.message.raw().to_vec();
                return self
                    .run_program(process, &command, &input, Task::Pipe, encoding)
                    .status;
            }
            Target::Exit(status) => return *status,
            Target::Mailbox(folder) => {
                let folder = self.string(process, folder, encoding);
                self.outcome.deliveries.insert(Delivery::Folder(folder));
            }
            Target::Vacation(_) => self.outcome.programs.push("vacation".to_owned()),
            Target::Unknown => self.unknown(Unknown::Statement(at)),
        }
        0
    }

    /// Takes note of what cannot be known.
    pub fn unknown(&mut self, unknown: Unknown) {
        self.outcome.unknown.insert(unknown);
    }

    /// What a command means.
    pub fn meaning(&self, command: &Text) -> Meaning {
        match self.runner.meanings.get(command) {
            Some(meaning) => meaning.clone(),
            None => program::meaning(command),
        }
    }

    /// Whether a program can fail, and it is not told here when it does.
    fn may_fail(&self, command: &Text) -> bool {
        let meaning = self.meaning(command);
        let is_told = matches!(
            meaning,
            Meaning::Question(_) | Meaning::Grep(_) | Meaning::Duplicate { .. }
        );
        !is_told && meaning.succeeds().is_none()
    }

    /// Counts work as so many steps.
    pub fn count(&mut self, steps: usize) {
        self.steps = self.steps.saturating_add(steps);
    }
}

fn is_command(piece: &Piece) -> bool {
    matches!(piece, Piece::Command(_))
}
