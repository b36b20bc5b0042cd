//! In: the steps of a program. Out: the files of the home that programs in
//! them read, with their text: lists for `grep -f`, the text of an answer. And
//! what stands where `test -f` looks.

use crate::home::{Kind, ReadError};
use crate::ledger::Ledger;
use crate::rules::elaborate::Settings;
use crate::rules::model::{Piece, StatementKind, Step, Text, walk};
use crate::rules::path;
use crate::rules::program::{
    BodyPart, Comparison, Input, Meaning, Patterns, Question, VACATION_MESSAGE, meaning,
};
use crate::syntax::{FileId, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Files that are read; more than a person has lists.
const MAX_TEXTS: usize = 100;

/// The files of a home that programs are about, by their paths as written.
pub struct Files {
    /// Those that are read, with their text. What cannot be read is left out.
    pub texts: BTreeMap<String, String>,
    /// What stands where one is looked for, by its absolute path.
    pub looked_for: BTreeMap<String, Option<Kind>>,
}

/// Reads and looks for them.
pub fn read(ledger: &mut Ledger, settings: &Settings, body: &[Step]) -> Files {
    let mut wanted = Wanted {
        home: &settings.home_path,
        directory: settings.home_path.clone(),
        paths: BTreeMap::new(),
        looked_for: BTreeSet::new(),
    };
    wanted.steps(body);
    let mut texts = BTreeMap::new();
    let mut entered = BTreeSet::new();
    for (written, absolute) in wanted.paths {
        let absolute = absolute.as_deref();
        let path = absolute.and_then(|absolute| path::below(&settings.home_path, absolute));
        let Some(path) = path else { continue };
        let known = ledger.source_count();
        let Ok(file) = ledger.read(path) else {
            continue;
        };
        let is_new = ledger.source_count() > known;
        let text = match is_new && entered.insert(file) {
            true => enter(ledger, file),
            false => ledger
                .source(file)
                .map_or(String::new(), |source| source.text.clone()),
        };
        texts.insert(written, text);
    }
    let mut looked_for = BTreeMap::new();
    for absolute in wanted.looked_for {
        if let Some(path) = path::below(&settings.home_path, &absolute) {
            let home = ledger.home();
            let kind = home.kind(path);
            // What a link out of the home leads to is not known.
            let is_missing = || home.read(path) == Err(ReadError::Missing);
            if kind.is_some() || is_missing() {
                looked_for.insert(absolute, kind);
            }
        }
    }
    Files { texts, looked_for }
}

/// Enters the whole of a file as one statement; returns its text.
pub fn enter(ledger: &mut Ledger, file: FileId) -> String {
    let text = ledger
        .source(file)
        .map_or(String::new(), |source| source.text.clone());
    let span = Span {
        file,
        start: 0,
        end: text.len(),
    };
    ledger.statement(StatementKind::Text, span);
    text
}

struct Wanted<'s> {
    home: &'s str,
    /// Where relative paths start: `MAILDIR` as set last.
    directory: String,
    /// Absolute paths, by the path as written; none, where that means one file here
    /// and another there.
    paths: BTreeMap<String, Option<String>>,
    /// Absolute paths of those that are only looked for.
    looked_for: BTreeSet<String>,
}

impl Wanted<'_> {
    fn steps(&mut self, steps: &[Step]) {
        for step in walk::steps(steps) {
            match step {
                Step::Assign(assign) => {
                    let Some(value) = &assign.value else { continue };
                    if let ("MAILDIR", Some(directory)) = (assign.name.as_str(), value.known()) {
                        self.directory = path::join(&self.directory, directory);
                    }
                    self.commands_in(value);
                }
                Step::Recipe(recipe) => recipe.programs().for_each(|command| self.command(command)),
                _ => {}
            }
        }
    }

    fn commands_in(&mut self, text: &Text) {
        for piece in &text.0 {
            if let Piece::Command(command) = piece {
                self.command(command);
            }
        }
    }

    fn command(&mut self, command: &Text) {
        match meaning(command) {
            Meaning::Grep(grep) => {
                if let Patterns::File(path) = &grep.patterns {
                    self.want(path);
                }
                if let Input::Files(paths) = &grep.input {
                    paths.iter().for_each(|path| self.want(path));
                }
            }
            Meaning::Question(question) => self.question(&question),
            Meaning::AutoReply(reply) => self.parts(&reply.body),
            Meaning::SendToHeader { body } => self.parts(&body),
            Meaning::Vacation(vacation) => {
                let default = Text::literal(VACATION_MESSAGE);
                self.want_in_home(vacation.message.as_ref().unwrap_or(&default));
            }
            _ => {}
        }
    }

    fn question(&mut self, question: &Question) {
        match &question.comparison {
            Comparison::File(_, path) => self.look_for(path),
            Comparison::Every(questions) | Comparison::Any(questions) => {
                questions.iter().for_each(|one| self.question(one))
            }
            _ => {}
        }
    }

    fn parts(&mut self, parts: &[BodyPart]) {
        for part in parts {
            if let BodyPart::File(path) = part {
                self.want(path);
            }
        }
    }

    fn want(&mut self, path: &Text) {
        if let Some(written) = path.known().filter(|_| self.paths.len() < MAX_TEXTS) {
            self.want_at(written, path::join(&self.directory, written));
        }
    }

    /// A relative path means another file where `MAILDIR` changes.
    fn look_for(&mut self, path: &Text) {
        let written = path.known().filter(|path| path.starts_with('/'));
        if let Some(written) = written.filter(|_| self.looked_for.len() < MAX_TEXTS) {
            self.looked_for.insert(written.to_owned());
        }
    }

    /// vacation(1) looks in the home, wherever `MAILDIR` is.
    fn want_in_home(&mut self, path: &Text) {
        if let Some(written) = path.known().filter(|_| self.paths.len() < MAX_TEXTS) {
            let relative = path::from_home(written);
            self.want_at(written, path::join(self.home, relative));
        }
    }

    fn want_at(&mut self, written: &str, absolute: String) {
        let known = self.paths.entry(written.to_owned());
        let known = known.or_insert_with(|| Some(absolute.clone()));
        if known.as_ref() != Some(&absolute) {
            *known = None;
        }
    }
}
