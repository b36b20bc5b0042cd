//! In: a call of grep, over what another program prints of the mail. Out: the
//! test that finds the same.

mod expression;

use super::Lowering;
use super::expressions::Asked;
use super::guard::Held;
use super::path::Path;
use super::pattern::{self, Fit};
use super::places::{as_it_stands, begins_with_blank};
use super::printed::{of_sender, other_fields, read_by_echo, unquoted_blanks};
use super::question::loose_if;
use super::shape::Shape;

use crate::ledger::{Code, Note};
use crate::rules::expression::{Expression, quoted};
use crate::rules::model::{Area, Text};
use crate::rules::program::{Field, Grep, Input, Patterns, Source, Whom};
use crate::sieve::script::{AddressPart, Compare, Match, Part, Test, Value};
use crate::sieve::target::Extension;
use crate::sieve::walk;
use expression::GrepLine;

/// Lines of a list that are copied into a script.
const MAX_LIST: usize = 2000;

/// Signs that are not themselves in an expression of grep, but for the dot.
const SPECIAL: [char; 14] = [
    '*', '[', ']', '^', '$', '\\', '+', '?', '(', ')', '{', '}', '|', '\n',
];

/// What grep looks for.
struct Sought {
    keys: Vec<Value>,
    /// They are whole lines.
    are_lines: bool,
    /// A rule that is not exact may have decided on it, and other fields may hold it.
    fit: Fit,
    notes: Vec<Note>,
}

/// A test of the address that one would reply to.
fn of_address(whom: Whom, compare: Compare, keys: Vec<Value>) -> Test {
    match whom.fields() {
        [] => pattern::of_envelope(compare, keys),
        fields => Test::Address {
            part: AddressPart::All,
            compare,
            names: fields.iter().map(ToString::to_string).collect(),
            keys,
        },
    }
}

/// What is asked of a text, asked of something else.
fn asked_of(test: Test, other: &dyn Fn(Compare, Vec<Value>) -> Test) -> Test {
    let each = |tests: Vec<Test>| {
        tests
            .into_iter()
            .map(|test| asked_of(test, other))
            .collect()
    };
    match test {
        Test::Not(inner) => asked_of(*inner, other).negated(),
        Test::AllOf(tests) => Test::AllOf(each(tests)),
        Test::AnyOf(tests) => Test::AnyOf(each(tests)),
        Test::String { compare, key, .. } => other(compare, vec![key]),
        test => test,
    }
}

/// Whether what is printed of a field is its value, and no more.
fn is_value(field: &Field) -> bool {
    field.trimmed && !field.with_name && !field.has_sender()
}

impl Lowering<'_> {
    /// `formail -x Field | grep -f list` and its like.
    pub(super) fn searched(&mut self, grep: &Grep, area: &Area, path: &Path) -> Result<Held, Note> {
        let reads_header = |source: &Source| !matches!(source, Source::Text { .. });
        let of_header =
            matches!(&grep.input, Input::Printed { source, .. } if reads_header(source));
        if of_header && !matches!(area, Area::Header | Area::HeaderAndBody) {
            return Err(unclear_list());
        }
        let Sought {
            keys,
            are_lines,
            mut fit,
            mut notes,
        } = self.sought(grep, path)?;
        let asks_for_blank = |text: &str| is_untrimmed(&grep.input) && text.starts_with(' ');
        let is_plain = |key: &Value| match key.as_text() {
            Some(text) => {
                let is_of_signs = !text.contains(SPECIAL) && !has_dot_at_edge(&text);
                (grep.fixed || is_of_signs) && !asks_for_blank(&text)
            }
            None => true,
        };
        if grep.input != Input::Message && !keys.iter().all(is_plain) {
            let mut held = self.searched_by_expressions(grep, &keys, notes, path)?;
            held.fit = held.fit.and(fit);
            return Ok(held);
        }
        let begins_blank = |key: &Value| key.as_text().is_none() && path.shape(key) == Shape::Blank;
        if is_untrimmed(&grep.input) && keys.iter().any(begins_blank) {
            fit = Fit::LOOSE;
            notes.push(begins_with_blank());
        }
        if !grep.fixed && keys.iter().any(|key| key.as_text().is_none()) {
            fit = Fit::LOOSE;
            notes.push(as_it_stands());
        }
        let finds_nothing = keys.iter().any(|key| key.0.is_empty());
        let mut held = match &grep.input {
            Input::Message => {
                return self.searched_in_message(grep, &keys, area, notes, path);
            }
            Input::Printed { source, .. } => {
                self.searched_in_text(source, comparison(grep, are_lines, keys)?, path)?
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
                let (compare, keys) = comparison(grep, are_lines, keys)?;
                Held::exactly(Test::any_string(compare, lines, keys))
            }
        };
        let is_of_text = |test: &Test| matches!(test, Test::String { .. });
        if walk::test_tree(&held.test).any(is_of_text) && !self.target.has(Extension::Variables) {
            return Err(Note::manual(
                Code::NoVariables,
                "The server has no variables, and this asks for the value of one",
            ));
        }
        held.fit = held.fit.and(fit);
        notes.append(&mut held.notes);
        held.notes = notes;
        if grep.inverted {
            held.test = none_of(&grep.input, held.test);
            held.fit = held.fit.negated();
        } else if finds_nothing {
            if !are_lines {
                held.test = Test::True;
            }
            held.test = with_line(&grep.input, held.test);
        }
        Ok(held)
    }

    /// What is looked for, where the script can find it in what grep reads.
    fn sought(&mut self, grep: &Grep, path: &Path) -> Result<Sought, Note> {
        let mut notes = Vec::new();
        let mut doubtful = false;
        let mut other_fields_count = false;
        let mut are_lines = grep.lines;
        let keys = match &grep.patterns {
            Patterns::These(texts) => {
                let mut keys = Vec::new();
                for text in texts {
                    let prepared = self.value(text, path)?;
                    doubtful |= prepared.doubtful;
                    if !prepared.before.is_empty() {
                        return Err(unclear_list());
                    }
                    keys.push(match grep.fixed {
                        true => prepared.value,
                        false => match without_anchors(&prepared.value)? {
                            Some(whole) if texts.len() == 1 => {
                                are_lines = true;
                                whole
                            }
                            Some(_) => return Err(unclear_list()),
                            None => prepared.value,
                        },
                    });
                }
                keys
            }
            Patterns::File(file) => {
                notes.push(list_copied());
                let mut keys = self.lines_of(file, path)?;
                // It is in no mail.
                keys.retain(|key| !key.as_text().is_some_and(|text| text.ends_with('\r')));
                if keys.is_empty() {
                    return Err(Note::manual(
                        Code::ListUnclear,
                        "Each line of the list ends in a carriage return, so that grep never found one",
                    ));
                }
                keys
            }
        };
        if grep.words || keys.len() > MAX_LIST {
            return Err(unclear_list());
        }
        match &grep.input {
            // The name, and the blank behind the colon, are not seen.
            Input::Printed {
                source: Source::Field(field),
                ..
            } => {
                let is_in_value =
                    |key: &Value| key.as_text().is_some_and(|text| text.contains('@'));
                if field.with_name && !keys.iter().all(is_in_value) || are_lines && !field.trimmed {
                    return Err(unclear_list());
                }
                if grep.inverted {
                    doubtful = true;
                    notes.push(Note::adapted(
                        Code::FieldValue,
                        "grep -v holds where any of several fields of the name is another one; the script asks for mail where none is like this",
                    ));
                }
                other_fields_count = !field.beginnings.is_empty();
                if !field.has_sender() {
                    notes.extend(other_fields(field));
                }
                // The date stands behind the sender.
                if (grep.inverted || are_lines) && field.has_sender() {
                    return Err(unclear_list());
                }
            }
            Input::Printed {
                source: Source::Sender { trimmed, .. },
                ..
            } if are_lines && !trimmed => {
                return Err(unclear_list());
            }
            Input::Printed {
                source: Source::Text { text, .. },
                splits: true,
            } => {
                let value = self.value(text, path)?.value;
                let shape = path.shape(&value);
                if shape == Shape::Blank && (are_lines || keys.iter().any(sees_ends)) {
                    return Err(unclear_list());
                }
                if shape < Shape::Word {
                    doubtful = true;
                    notes.push(unquoted_blanks());
                }
            }
            _ => {}
        }
        Ok(Sought {
            keys,
            are_lines,
            fit: loose_if(doubtful).and(Fit {
                may_miss: other_fields_count,
                may_exceed: false,
            }),
            notes,
        })
    }

    /// `echo text | grep word`, and the like with what `formail` prints.
    fn searched_in_text(
        &mut self,
        source: &Source,
        (compare, keys): (Compare, Vec<Value>),
        path: &Path,
    ) -> Result<Held, Note> {
        Ok(match source {
            Source::Field(field) => {
                let header = Test::Header {
                    compare: compare.clone(),
                    names: field.names.clone(),
                    keys: keys.clone(),
                };
                if !field.has_sender() {
                    return Ok(Held::exactly(header));
                }
                if !self.target.has(Extension::Envelope) {
                    return Err(unclear_list());
                }
                Held {
                    fit: Fit::LOOSE,
                    notes: vec![Note::adapted(
                        Code::FieldValue,
                        "Of the line “From ”, the server shows the sender alone, which is empty for a bounce",
                    )],
                    ..Held::exactly(Test::AnyOf(vec![
                        header,
                        pattern::of_envelope(compare, keys),
                    ]))
                }
            }
            Source::Sender { whom, .. } => {
                if *whom == Whom::Sender && !self.target.has(Extension::Envelope) {
                    return Err(unclear_list());
                }
                Held {
                    // One field alone counts, and which depends on the message.
                    fit: Fit::LOOSE,
                    notes: vec![of_sender(*whom)],
                    ..Held::exactly(of_address(*whom, compare, keys))
                }
            }
            Source::Text { text, echoed } => {
                let mut text = self.value(text, path)?;
                let read = read_by_echo(*echoed, &text.value, path);
                text.notes.extend(read);
                if !text.before.is_empty() {
                    return Err(unclear_list());
                }
                let test = Test::any_string(compare, vec![text.value], keys);
                Held {
                    fit: loose_if(text.doubtful),
                    notes: text.notes,
                    ..Held::exactly(test)
                }
            }
        })
    }

    /// `formail -x Field | egrep -f list`, where the list has expressions: one
    /// that asks for any of them in these fields, or in a text.
    fn searched_by_expressions(
        &mut self,
        grep: &Grep,
        keys: &[Value],
        mut notes: Vec<Note>,
        path: &Path,
    ) -> Result<Held, Note> {
        let Input::Printed { source, .. } = &grep.input else {
            return Err(unclear_list());
        };
        if grep.lines || grep.fixed {
            return Err(unclear_list());
        }
        let ways = keys.iter().map(|key| {
            let text = key.as_text()?;
            let line = GrepLine::read(&text, grep.extended)?;
            Some(match source {
                Source::Text { .. } => line.in_text(),
                Source::Field(field) if is_value(field) => line.in_text(),
                Source::Field(field) => line.in_field(field.trimmed)?,
                Source::Sender { trimmed: true, .. } => line.in_text(),
                Source::Sender { trimmed: false, .. } => return None,
            })
        });
        let ways: Vec<String> = ways.collect::<Option<_>>().ok_or_else(unclear_list)?;
        let ways = format!("({})", ways.join("|"));
        let of = |text: &str| Expression::new(text, !grep.ignore_case).map_err(|_| unclear_list());
        let finds_nothing = of(&ways)?.find(b"").is_some();
        let (matched, doubtful) = match source {
            // A server has the value without the blanks around it, as `-z` prints it.
            Source::Field(field) if is_value(field) => {
                let value = Value::variable("value");
                let mut matched = pattern::text(&of(&ways)?, &value, self.target)?;
                matched.test = asked_of(matched.test, &|compare, keys| Test::Header {
                    compare,
                    names: field.names.clone(),
                    keys,
                });
                (matched, false)
            }
            Source::Field(field) => {
                let line = if field.has_sender() { "|From " } else { "" };
                let text = format!("^(({}):{line}){ways}", field.names.join("|"));
                (pattern::header(&of(&text)?, self.target)?, false)
            }
            Source::Text { text, echoed } => {
                let mut text = self.value(text, path)?;
                let read = read_by_echo(*echoed, &text.value, path);
                text.notes.extend(read);
                if !text.before.is_empty() {
                    return Err(unclear_list());
                }
                let matched = pattern::text(&of(&ways)?, &text.value, self.target)?;
                notes.extend(text.notes);
                (matched, text.doubtful)
            }
            Source::Sender { whom, .. } => {
                if *whom == Whom::Sender && !self.target.has(Extension::Envelope) {
                    return Err(unclear_list());
                }
                let address = Value::variable("reply_address");
                let mut matched = pattern::text(&of(&ways)?, &address, self.target)?;
                matched.test = asked_of(matched.test, &|compare, keys| {
                    of_address(*whom, compare, keys)
                });
                notes.push(of_sender(*whom));
                (matched, true)
            }
        };
        notes.extend(matched.notes);
        let mut held = Held {
            fit: matched.fit.and(loose_if(doubtful)),
            notes,
            ..Held::exactly(matched.test)
        };
        if grep.inverted {
            held.test = none_of(&grep.input, held.test);
            held.fit = Fit::LOOSE;
        } else if finds_nothing {
            held.test = with_line(&grep.input, held.test);
        }
        Ok(held)
    }

    /// `grep word` over what a condition feeds: it looks there for the same itself.
    fn searched_in_message(
        &mut self,
        grep: &Grep,
        keys: &[Value],
        area: &Area,
        mut notes: Vec<Note>,
        path: &Path,
    ) -> Result<Held, Note> {
        let words: Option<Vec<String>> = keys.iter().map(Value::as_text).collect();
        let words = words.filter(|_| !grep.inverted && !grep.lines);
        let words = words.ok_or_else(unclear_list)?;
        // An empty line of a list is in everything.
        if words.iter().any(String::is_empty) {
            let mut held = Held::exactly(Test::True);
            held.notes = notes;
            return Ok(held);
        }
        let ways = words.iter().map(|word| match grep.fixed {
            true => Some(quoted(word)),
            false => Some(GrepLine::read(word, grep.extended)?.in_text()),
        });
        let ways: Vec<String> = ways.collect::<Option<_>>().ok_or_else(unclear_list)?;
        let text = format!("({})", ways.join("|"));
        let expression = Expression::new(&text, !grep.ignore_case).map_err(|_| unclear_list())?;
        let asked = Asked::of(expression);
        let held = self.in_area(&asked, area, true, path)?;
        notes.extend(held.notes);
        let fit = match area {
            Area::Header | Area::HeaderAndBody => {
                notes.push(Note::adapted(
                    Code::FieldValue,
                    "grep looked at each line of a folded field alone; the server has it on one line, decoded",
                ));
                held.fit.and(Fit::LOOSE)
            }
            Area::Body | Area::Variable(_) => held.fit,
        };
        Ok(Held {
            fit,
            notes,
            ..Held::exactly(held.test)
        })
    }

    /// The lines of a list in the home.
    fn lines_of(&mut self, file: &Text, path: &Path) -> Result<Vec<Value>, Note> {
        let list = self.text_of(file, path).ok_or_else(|| {
            Note::manual(
                Code::ListUnread,
                "The list that is searched is not in the home directory",
            )
        })?;
        // A carriage return is a part of the line.
        Ok(list.split_terminator('\n').map(Value::text).collect())
    }
}

/// A text with variables in it that stands between `^` and `$`, without these; `None`
/// where it has no special signs but in what only a message decides.
///
/// # Errors
/// Where it has others.
fn without_anchors(key: &Value) -> Result<Option<Value>, Note> {
    let is_special = |part: &Part| matches!(part, Part::Text(text) if text.contains(SPECIAL));
    if key.references().is_empty() || !key.0.iter().any(is_special) {
        return Ok(None);
    }
    let mut parts = key.0.clone();
    let from_start = match parts.first_mut() {
        Some(Part::Text(text)) if text.starts_with('^') => {
            text.remove(0);
            true
        }
        _ => false,
    };
    let to_end = match parts.last_mut() {
        Some(Part::Text(text)) if text.ends_with('$') => text.pop().is_some(),
        _ => false,
    };
    match from_start && to_end && !parts.iter().any(is_special) {
        true => Ok(Some(Value(parts))),
        false => Err(unclear_list()),
    }
}

/// Whether the blank behind the colon is a part of what grep reads.
fn is_untrimmed(input: &Input) -> bool {
    matches!(input, Input::Printed { source: Source::Field(field), .. }
        if !field.trimmed && !field.with_name)
}

fn unclear_list() -> Note {
    Note::manual(
        Code::ListUnclear,
        "A list is searched in a way that Sieve does not know",
    )
}

fn list_copied() -> Note {
    Note::adapted(
        Code::ListCopied,
        "The lines of the list are copied into the script; a change to the file does nothing any more",
    )
}

/// Whether a key may ask for where a line begins or ends, or for a blank there.
fn sees_ends(key: &Value) -> bool {
    let blank = [' ', '\t'];
    let text = key.as_text();
    text.is_none_or(|text| {
        text.contains(['^', '$']) || text.starts_with(blank) || text.ends_with(blank)
    })
}

/// `grep -v`: there is a line, and it is not like this.
fn none_of(input: &Input, test: Test) -> Test {
    with_line(input, test.negated())
}

/// A test that holds only where a line is printed: formail prints none of a field that
/// is not there, nor of one that `-z` leaves empty.
fn with_line(input: &Input, test: Test) -> Test {
    let Input::Printed {
        source: Source::Field(Field { names, trimmed, .. }),
        ..
    } = input
    else {
        return test;
    };
    let exists = |name: &String| Test::Exists(vec![name.clone()]);
    let there = match trimmed {
        true => Test::Header {
            compare: Match::Matches.into(),
            names: names.clone(),
            keys: vec![Value::text("?*")],
        },
        false => Test::any(names.iter().map(exists).collect()),
    };
    Test::AllOf(vec![there, test])
}

/// How texts of grep without other signs than dots compare, and the keys.
fn comparison(
    grep: &Grep,
    are_lines: bool,
    keys: Vec<Value>,
) -> Result<(Compare, Vec<Value>), Note> {
    let has_dot = |key: &Value| {
        let text = key.as_text();
        !grep.fixed && text.is_some_and(|text| text.contains('.'))
    };
    let (by, keys) = match (are_lines, keys.iter().any(has_dot)) {
        // A dot is any sign.
        (_, true) => {
            let keys = keys.iter().map(|key| as_glob(key, are_lines));
            let keys = keys.collect::<Option<_>>();
            (Match::Matches, keys.ok_or_else(unclear_list)?)
        }
        (true, false) => (Match::Is, keys),
        (false, false) => (Match::Contains, keys),
    };
    let octet = !grep.ignore_case;
    Ok((Compare { by, octet }, keys))
}

/// Whether a dot has no letters on both sides. As `?` beside a `*`, Pigeonhole takes it
/// for more or less than one sign.
fn has_dot_at_edge(text: &str) -> bool {
    text.starts_with('.') || text.ends_with('.') || text.contains("..")
}

/// A text of grep, in which a dot is any sign, as a key of `:matches`.
fn as_glob(key: &Value, is_whole: bool) -> Option<Value> {
    let inner = pattern::escaped(&key.as_text()?).replace('.', "?");
    Some(match is_whole {
        true => Value::text(inner),
        false => Value::text(format!("*{inner}*")),
    })
}
