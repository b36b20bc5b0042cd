//! In: the command of a `?` condition. Out: the test that the server makes in the
//! program's place.

use super::answer::{only_answers, seen_senders};
use super::guard::{self, Held};
use super::path::Path;
use super::pattern::{self, Fit, Note};
use super::printed::{WHO, of_sender};
use super::program::no_program;
use super::value::{is_empty, shortened};
use super::{Lowering, adapted, manual};
use crate::report::code::Code;
use crate::rules::expression::Expression;
use crate::rules::model::{Recipe, Text};
use crate::rules::program::{
    Comparison, Field, Grep, Input, Meaning, Patterns, Question, holds, meaning,
};
use crate::sieve::script::{AddressPart, Compare, Match, Test, Value};
use crate::sieve::target::Extension;

/// Lines of a list that are copied into a script.
const MAX_LIST: usize = 2000;

impl Lowering<'_> {
    /// `? command`.
    ///
    /// # Errors
    /// Why that cannot be asked.
    pub(super) fn question(
        &mut self,
        recipe: &Recipe,
        text: &Text,
        path: &Path,
    ) -> Result<Held, Note> {
        match meaning(text) {
            Meaning::Question(question) => self.asked(&question, path),
            Meaning::Grep(grep) => self.searched(&grep, path),
            Meaning::Duplicate {
                by_sender: true, ..
            } if only_answers(recipe) => {
                let mut held = Held::exactly(Test::False);
                held.notes.push(seen_senders());
                Ok(held)
            }
            Meaning::Duplicate { by_sender, .. } => {
                Ok(Held::exactly(self.duplicate(recipe.at, by_sender)?))
            }
            Meaning::Exit(0) => Ok(Held::exactly(Test::True)),
            Meaning::Exit(_) => Ok(Held::exactly(Test::False)),
            Meaning::NoProgram => {
                let mut held = Held::exactly(Test::False);
                held.notes.push(no_program());
                Ok(held)
            }
            Meaning::Log | Meaning::Notify | Meaning::Printed(_) | Meaning::PassThrough => {
                let mut held = Held::exactly(Test::True);
                held.notes.push(adapted(
                    Code::SideEffect,
                    "The program is not run; it is taken to have succeeded, as it always should",
                ));
                Ok(held)
            }
            _ => Err(Self::unknown_condition(text)),
        }
    }

    /// `test …`.
    pub(super) fn asked(&mut self, question: &Question, path: &Path) -> Result<Held, Note> {
        let mut held = match &question.comparison {
            Comparison::Equal(left, right) => {
                let (left, right) = (self.value(left, path)?, self.value(right, path)?);
                let doubtful = left.doubtful || right.doubtful;
                let test = match (left.value.as_text(), right.value.as_text()) {
                    (Some(left), Some(right)) => constant(left == right),
                    _ => Test::String {
                        compare: Compare {
                            by: Match::Is,
                            octet: true,
                        },
                        sources: vec![left.value],
                        keys: vec![right.value],
                    },
                };
                Held {
                    before: left.before.into_iter().chain(right.before).collect(),
                    fit: loose_if(doubtful),
                    ..Held::exactly(test)
                }
            }
            Comparison::NotEmpty(text) => {
                let text = self.value(text, path)?;
                let test = match text.value.as_text() {
                    Some(text) => constant(!text.is_empty()),
                    None => Test::Not(Box::new(is_empty(text.value))),
                };
                Held {
                    before: text.before,
                    fit: loose_if(text.doubtful),
                    ..Held::exactly(test)
                }
            }
            Comparison::Number {
                left,
                relation,
                right,
            } => {
                let number =
                    |text: Option<String>| text.and_then(|text| text.trim().parse::<i64>().ok());
                let left = number(self.value(left, path)?.value.as_text());
                let right = number(self.value(right, path)?.value.as_text());
                let (Some(left), Some(right)) = (left, right) else {
                    return Err(manual(
                        Code::UnclearNumber,
                        "This compares numbers that differ from message to message",
                    ));
                };
                Held::exactly(constant(holds(left, relation, right)))
            }
            Comparison::File(_, file) => {
                let name = file.known().map_or("a file", |name| name);
                return Err(manual(
                    Code::FileTest,
                    format!(
                        "This asks whether there is a file {} at the moment the mail comes",
                        shortened(name)
                    ),
                ));
            }
        };
        if question.negated {
            held.test = Test::Not(Box::new(held.test));
            held.fit = held.fit.negated();
        }
        Ok(held)
    }

    /// `formail -x Field | grep -f list` and its like.
    fn searched(&mut self, grep: &Grep, path: &Path) -> Result<Held, Note> {
        let mut notes = Vec::new();
        let mut doubtful = false;
        let keys = match &grep.patterns {
            Patterns::These(texts) => {
                let mut keys = Vec::new();
                for text in texts {
                    let prepared = self.value(text, path)?;
                    doubtful |= prepared.doubtful;
                    if !prepared.before.is_empty() {
                        return Err(unclear_list());
                    }
                    keys.push(prepared.value);
                }
                keys
            }
            Patterns::File(file) => {
                notes.push(list_copied());
                self.lines_of(file, path)?
            }
        };
        if grep.words || keys.len() > MAX_LIST {
            return Err(unclear_list());
        }
        if let Input::Field(field) = &grep.input {
            // The name, and the blank behind the colon, are not seen.
            let is_in_value = |key: &Value| key.as_text().is_some_and(|text| text.contains('@'));
            if field.with_name && !keys.iter().all(is_in_value) || grep.lines && !field.trimmed {
                return Err(unclear_list());
            }
            // It holds where any line is another one.
            doubtful |= grep.inverted;
        }
        let is_plain = |key: &Value| {
            let special = |c: char| "*[]^$\\+?(){}|".contains(c);
            grep.fixed || key.as_text().is_none_or(|text| !text.contains(special))
        };
        if !keys.iter().all(is_plain) {
            return self.searched_by_expressions(grep, &keys, notes);
        }
        if grep.input == Input::Message {
            return self.searched_in_message(grep, keys, notes);
        }
        doubtful |= !grep.fixed && keys.iter().any(|key| key.as_text().is_none());
        let has_dot = |key: &Value| {
            let text = key.as_text();
            !grep.fixed && text.is_some_and(|text| text.contains('.'))
        };
        let compare = Compare {
            by: match (grep.lines, keys.iter().any(has_dot)) {
                // A dot is any sign.
                (_, true) => Match::Matches,
                (true, false) => Match::Is,
                (false, false) => Match::Contains,
            },
            octet: !grep.ignore_case,
        };
        let keys: Vec<Value> = match compare.by {
            Match::Matches => {
                let keys = keys.iter().map(|key| as_glob(key, grep.lines));
                keys.collect::<Option<_>>().ok_or_else(unclear_list)?
            }
            _ => keys,
        };
        let test = match &grep.input {
            Input::Field(Field { names, .. }) => Test::Header {
                compare,
                names: names.clone(),
                keys,
            },
            Input::Sender { trusted } => {
                if !trusted && !self.target.has(Extension::Envelope) {
                    return Err(unclear_list());
                }
                notes.push(of_sender(*trusted));
                // One field alone counts, and which depends on the message.
                doubtful = true;
                match trusted {
                    true => Test::Address {
                        part: AddressPart::All,
                        compare,
                        names: WHO.map(str::to_owned).to_vec(),
                        keys,
                    },
                    false => Test::Envelope {
                        part: AddressPart::All,
                        compare,
                        names: vec!["from".to_owned()],
                        keys,
                    },
                }
            }
            Input::Text(text) => {
                let text = self.value(text, path)?;
                doubtful |= text.doubtful;
                if !text.before.is_empty() {
                    return Err(unclear_list());
                }
                Test::String {
                    compare,
                    sources: vec![text.value],
                    keys,
                }
            }
            Input::Files(files) => {
                let mut lines = Vec::new();
                for file in files {
                    lines.extend(self.lines_of(file, path)?);
                }
                notes.push(list_copied());
                if lines.len() > MAX_LIST || lines.is_empty() {
                    return Err(unclear_list());
                }
                Test::String {
                    compare,
                    sources: lines,
                    keys,
                }
            }
            Input::Message => return Err(unclear_list()),
        };
        if matches!(&test, Test::String { .. }) && !self.target.has(Extension::Variables) {
            return Err(manual(
                Code::NoVariables,
                "The server has no variables, and this asks for the value of one",
            ));
        }
        let mut held = Held {
            fit: loose_if(doubtful),
            notes,
            ..Held::exactly(test)
        };
        if grep.inverted {
            held.test = none_of(&grep.input, held.test);
            held.fit = held.fit.negated();
        }
        Ok(held)
    }

    /// `formail -x Field | egrep -f list`, where the list has expressions: one
    /// that asks for any of them in these fields.
    fn searched_by_expressions(
        &mut self,
        grep: &Grep,
        keys: &[Value],
        mut notes: Vec<Note>,
    ) -> Result<Held, Note> {
        let Input::Field(Field { names, .. }) = &grep.input else {
            return Err(unclear_list());
        };
        if grep.lines {
            return Err(unclear_list());
        }
        let lines = keys.iter().map(|key| {
            let text = key.as_text()?;
            of_procmail(&text, grep.extended)
        });
        let lines: Vec<String> = lines.collect::<Option<_>>().ok_or_else(unclear_list)?;
        let text = format!("^({}):.*({})", names.join("|"), lines.join("|"));
        let expression = Expression::new(&text, !grep.ignore_case).map_err(|_| unclear_list())?;
        let matched = pattern::header(&expression, self.target)?;
        notes.extend(matched.notes);
        let mut held = Held {
            fit: matched.fit,
            notes,
            ..Held::exactly(matched.test)
        };
        if grep.inverted {
            held.test = none_of(&grep.input, held.test);
            held.fit = Fit::LOOSE;
        }
        Ok(held)
    }

    /// `grep -f list` over the header that a condition feeds.
    fn searched_in_message(
        &mut self,
        grep: &Grep,
        keys: Vec<Value>,
        mut notes: Vec<Note>,
    ) -> Result<Held, Note> {
        let words: Option<Vec<String>> = keys.iter().map(Value::as_text).collect();
        let words = words.filter(|_| !grep.inverted && !grep.lines);
        let words = words.ok_or_else(unclear_list)?;
        let quoted: Vec<String> = words
            .iter()
            .filter(|word| !word.is_empty())
            .map(|word| guard::quoted(word))
            .collect();
        let guarded = format!("\\{}", quoted.join("|"));
        let expression =
            Expression::new(&guarded, !grep.ignore_case).map_err(|_| unclear_list())?;
        let matched = pattern::header(&expression, self.target)?;
        notes.extend(matched.notes);
        Ok(Held {
            fit: matched.fit.and(Fit::LOOSE),
            notes,
            ..Held::exactly(matched.test)
        })
    }

    /// The lines of a list in the home.
    fn lines_of(&mut self, file: &Text, path: &Path) -> Result<Vec<Value>, Note> {
        let list = self.text_of(file, path).ok_or_else(|| {
            manual(
                Code::ListUnread,
                "The list that is searched is not in the home directory",
            )
        })?;
        Ok(list.lines().map(Value::text).collect())
    }
}

fn constant(value: bool) -> Test {
    match value {
        true => Test::True,
        false => Test::False,
    }
}

fn loose_if(doubtful: bool) -> Fit {
    match doubtful {
        true => Fit::LOOSE,
        false => Fit::default(),
    }
}

fn unclear_list() -> Note {
    manual(
        Code::ListUnclear,
        "A list is searched in a way that Sieve does not know",
    )
}

fn list_copied() -> Note {
    adapted(
        Code::ListCopied,
        "The lines of the list are copied into the script; a change to the file does nothing any more",
    )
}

/// `grep -v`: there is a line, and it is not like this.
fn none_of(input: &Input, test: Test) -> Test {
    let not = Test::Not(Box::new(test));
    match input {
        Input::Field(Field { names, .. }) => {
            let exists = |name: &String| Test::Exists(vec![name.clone()]);
            let mut fields: Vec<Test> = names.iter().map(exists).collect();
            let there = match fields.len() {
                1 => fields.pop().unwrap_or(Test::True),
                _ => Test::AnyOf(fields),
            };
            Test::AllOf(vec![there, not])
        }
        _ => not,
    }
}

/// A text of grep, in which a dot is any sign, as a key of `:matches`.
fn as_glob(key: &Value, is_whole: bool) -> Option<Value> {
    let inner = pattern::escaped(&key.as_text()?).replace('.', "?");
    Some(match is_whole {
        true => Value::text(inner),
        false => Value::text(format!("*{inner}*")),
    })
}

/// An expression of grep in procmail's dialect, where it says the same there:
/// no anchors, counts, named classes, or escapes of letters.
fn of_procmail(text: &str, is_extended: bool) -> Option<String> {
    let mut out = String::new();
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '^' | '$' | '{' | '}' => return None,
            // At the beginning, each reads it as it likes.
            '*' if matches!(out.chars().last(), None | Some('(' | '|')) => return None,
            '\\' => match signs.next()? {
                escaped if escaped.is_ascii_alphanumeric() || "<>`'".contains(escaped) => {
                    return None;
                }
                escaped if !is_extended && "+?|(){}".contains(escaped) => return None,
                // With the backslash, procmail's mark.
                '/' => out.push('/'),
                escaped => out.extend(['\\', escaped]),
            },
            '[' => {
                out.push('[');
                // The first sign is a member, whatever it is.
                for at in 0.. {
                    let member = signs.next()?;
                    if member == '[' || member == '\\' {
                        return None;
                    }
                    out.push(member);
                    let is_first = at == 0 || at == 1 && out.ends_with("[^]");
                    if member == ']' && !is_first {
                        break;
                    }
                }
            }
            '+' | '?' | '|' | '(' | ')' if !is_extended => out.extend(['\\', sign]),
            sign => out.push(sign),
        }
    }
    Some(out)
}
