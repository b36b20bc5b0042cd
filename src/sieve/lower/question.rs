//! In: the command of a `?` condition. Out: the test that the server makes in the
//! program's place.

use super::Lowering;
use super::answer::{only_answers, seen_senders};
use super::guard::Held;
use super::mailbox::Place;
use super::path::Path;
use super::pattern::Fit;
use super::printed::unquoted_blanks;
use super::program::no_program;
use super::value::Prepared;
use crate::ledger::{Code, Note, shortened};
use crate::rules::model::{Action, Area, FileTest, Folder, Format, Recipe, Text};
use crate::rules::program::{Comparison, Meaning, Question, Relation, meaning};
use crate::sieve::script::{Compare, Match, Part, Test, Value};
use crate::sieve::target::Extension;
use crate::sieve::walk;

impl Lowering<'_> {
    /// `? command`.
    ///
    /// # Errors
    /// Why that cannot be asked.
    pub(super) fn question(
        &mut self,
        recipe: &Recipe,
        text: &Text,
        area: &Area,
        path: &Path,
    ) -> Result<Held, Note> {
        match meaning(text) {
            Meaning::Question(question) => self.asked(recipe, &question, path),
            Meaning::Grep(grep) => self.searched(&grep, area, path),
            Meaning::Duplicate {
                by_sender: true, ..
            } if only_answers(recipe) => {
                let mut held = Held::exactly(Test::False);
                held.notes.push(seen_senders());
                Ok(held)
            }
            Meaning::Duplicate {
                by_sender, cache, ..
            } => Ok(Held::exactly(self.duplicate(recipe.at, &cache, by_sender)?)),
            Meaning::Exit(0) => Ok(Held::exactly(Test::True)),
            Meaning::Exit(_) => Ok(Held::exactly(Test::False)),
            Meaning::NoProgram => {
                let mut held = Held::exactly(Test::False);
                held.notes.push(no_program());
                Ok(held)
            }
            Meaning::Log | Meaning::Notify | Meaning::Printed(_) | Meaning::PassThrough => {
                let mut held = Held::exactly(Test::True);
                held.notes.push(Note::adapted(
                    Code::SideEffect,
                    "The program is not run; it is taken to have succeeded, as it always should",
                ));
                Ok(held)
            }
            Meaning::Attempt => {
                let mut held = Held::exactly(Test::True);
                held.fit = Fit::LOOSE;
                held.notes.push(Note::adapted(
                    Code::SideEffect,
                    "The program is not run, and whether it succeeded is not known; it is taken to have done so",
                ));
                Ok(held)
            }
            _ => Err(Self::unknown_condition(text)),
        }
    }

    /// `test …`.
    pub(super) fn asked(
        &mut self,
        recipe: &Recipe,
        question: &Question,
        path: &Path,
    ) -> Result<Held, Note> {
        let mut bare = Vec::new();
        for text in &question.bare {
            match self.value(text, path)?.value.as_text() {
                Some(text) if is_one_word(&text) => {}
                Some(_) => return Err(unquoted()),
                None => bare = vec![unquoted_blanks()],
            }
        }
        let mut held = match &question.comparison {
            Comparison::Equal(left, right) => {
                let (left, right) = (self.value(left, path)?, self.value(right, path)?);
                let doubtful = left.doubtful || right.doubtful;
                let test = match (left.value.as_text(), right.value.as_text()) {
                    (Some(left), Some(right)) => Test::from(left == right),
                    _ => Test::String {
                        compare: Compare {
                            by: Match::Is,
                            octet: true,
                        },
                        sources: vec![left.value],
                        key: right.value,
                    },
                };
                Held {
                    before: left.before.into_iter().chain(right.before).collect(),
                    fit: loose_if(doubtful),
                    notes: left.notes.into_iter().chain(right.notes).collect(),
                    ..Held::exactly(test)
                }
            }
            Comparison::NotEmpty(text) => {
                let text = self.value(text, path)?;
                let test = match text.value.as_text() {
                    Some(text) => Test::from(!text.is_empty()),
                    None => Test::is_empty(text.value).negated(),
                };
                Held {
                    before: text.before,
                    fit: loose_if(text.doubtful),
                    notes: text.notes,
                    ..Held::exactly(test)
                }
            }
            Comparison::Number {
                left,
                relation,
                right,
            } => {
                let (left, right) = (self.value(left, path)?, self.value(right, path)?);
                self.numbers(left, *relation, right)?
            }
            Comparison::Every(questions) => {
                self.asked_together(recipe, questions, Test::AllOf, path)?
            }
            Comparison::Any(questions) => {
                self.asked_together(recipe, questions, Test::AnyOf, path)?
            }
            Comparison::File(what, file) => {
                self.file_asked(recipe, *what, file, question.negated, path)?
            }
        };
        if question.doubles {
            bare.push(Note::adapted(
                Code::ShellDialect,
                "This `==` is read as `=`; some shells have a `test` that fails at it",
            ));
        }
        let is_of_text =
            |test: &Test| matches!(test, Test::String { compare, .. } if compare.by == Match::Is);
        if question.in_one_test && walk::test_tree(&held.test).any(is_of_text) {
            held.notes.push(Note::adapted(
                Code::ShellDialect,
                "`-a` and `-o` join texts of the mail with other words; where such a text is no more than `(`, `!` or `=`, some shells see another question",
            ));
        }
        if !bare.is_empty() {
            held.fit = Fit::LOOSE;
            held.notes.extend(bare);
        }
        if question.negated {
            held.test = held.test.negated();
            held.fit = held.fit.negated();
        }
        Ok(held)
    }

    /// `test -f file`.
    fn file_asked(
        &mut self,
        recipe: &Recipe,
        what: FileTest,
        file: &Text,
        negated: bool,
        path: &Path,
    ) -> Result<Held, Note> {
        let written = match file.known() {
            Some(file) => Some(file.to_owned()),
            None => self.value(file, path)?.value.as_text(),
        };
        let name = shortened(&written.clone().unwrap_or_else(|| file.shown()));
        let found = { written.as_ref() }.and_then(|file| self.program.finds(what, file));
        // Alone, it would make dead what stands behind it.
        let decides = !recipe.flags.copy
            && recipe.conditions.len() == 1
            && !matches!(recipe.action, Action::Block(_));
        match found {
            // What is not there may come and go.
            Some(is_found) if is_found != negated && !decides => Ok(Held {
                fit: Fit::LOOSE,
                notes: vec![Note::adapted(
                    Code::FileTest,
                    format!(
                        "procmail looked for {name} whenever mail came; the script takes it that this stays as it is now"
                    ),
                )],
                ..Held::exactly(Test::from(is_found))
            }),
            None if what == FileTest::Directory
                && written.is_none()
                && self.target.has(Extension::Mailbox) =>
            {
                self.folder_asked(recipe, file, path)
            }
            _ => Err(Note::manual(
                Code::FileTest,
                format!("This asks whether there is a file {name} at the moment the mail comes"),
            )),
        }
    }

    /// `test -d` for a directory whose name the message makes up: the folder is there.
    fn folder_asked(
        &mut self,
        recipe: &Recipe,
        directory: &Text,
        path: &Path,
    ) -> Result<Held, Note> {
        let folder = Folder::absolute(directory.clone(), Format::Maildir);
        let mailbox = self.mailbox(recipe.at, &folder, path)?;
        let Place::Folder(name) = mailbox.place else {
            return Err(Note::manual(
                Code::FileTest,
                "This asks for a directory that is the inbox, or none",
            ));
        };
        let exists = Test::MailboxExists(name);
        let test = match mailbox.unsafe_name {
            Some(unsafe_name) => Test::AllOf(vec![unsafe_name.negated(), exists]),
            None => exists,
        };
        Ok(Held {
            before: mailbox.before,
            fit: Fit::LOOSE,
            notes: vec![Note::adapted(
                Code::FileTest,
                "procmail asked whether a directory is there; the script asks for the folder of the new server",
            )],
            ..Held::exactly(test)
        })
    }

    fn asked_together(
        &mut self,
        recipe: &Recipe,
        questions: &[Question],
        as_one: fn(Vec<Test>) -> Test,
        path: &Path,
    ) -> Result<Held, Note> {
        let mut all = Held::exactly(Test::True);
        let mut tests = Vec::new();
        for question in questions {
            let held = self.asked(recipe, question, path)?;
            all.before.extend(held.before);
            all.fit = all.fit.and(held.fit);
            all.notes.extend(held.notes);
            tests.push(held.test);
        }
        all.test = as_one(tests);
        Ok(all)
    }

    /// `test a -lt b` (RFC 5231, RFC 4790 §9.1).
    fn numbers(&self, left: Prepared, relation: Relation, right: Prepared) -> Result<Held, Note> {
        let number = |prepared: &Prepared| {
            let text = prepared.value.as_text()?;
            text.trim().parse::<i64>().ok()
        };
        if let (Some(left), Some(right)) = (number(&left), number(&right)) {
            return Ok(Held::exactly(Test::from(relation.holds(left, right))));
        }
        // The server knows no negative numbers.
        let is_plain = |prepared: &Prepared| match prepared.value.as_text() {
            Some(_) => number(prepared).is_some_and(|number| number >= 0),
            None => prepared.value.0.iter().all(|part| match part {
                Part::Text(text) => text.bytes().all(|byte| byte.is_ascii_digit()),
                Part::Variable(_) => true,
            }),
        };
        let plain = |prepared: &Prepared| match number(prepared) {
            Some(number) => Value::text(number.to_string()),
            None => prepared.value.clone(),
        };
        let is_known = self.target.has(Extension::Variables) && self.target.compares_numbers();
        if !is_known || !is_plain(&left) || !is_plain(&right) {
            return Err(Note::manual(
                Code::UnclearNumber,
                "This compares numbers that differ from message to message",
            ));
        }
        let test = Test::String {
            compare: Match::Value(relation).into(),
            sources: vec![plain(&left)],
            key: plain(&right),
        };
        Ok(Held {
            before: left.before.into_iter().chain(right.before).collect(),
            fit: Fit::LOOSE,
            notes: { left.notes.into_iter().chain(right.notes) }
                .chain([Note::adapted(
                    Code::UnclearNumber,
                    "The server reads the digits that a text begins with, and takes one without for more than any number; `test` knew negative numbers, and failed where there was none",
                )])
                .collect(),
            ..Held::exactly(test)
        })
    }
}

/// Whether a shell makes one word of a text that stands without quotes.
fn is_one_word(text: &str) -> bool {
    !text.is_empty() && !text.contains([' ', '\t', '\n', '*', '?', '['])
}

fn unquoted() -> Note {
    Note::manual(
        Code::ShellDialect,
        "A variable without quotes around it is empty here, or several words: `test` saw another question, or failed",
    )
}

pub(super) fn loose_if(doubtful: bool) -> Fit {
    match doubtful {
        true => Fit::LOOSE,
        false => Fit::default(),
    }
}
