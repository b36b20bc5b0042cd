//! In: what a command between backquotes prints. Out: the commands that put the
//! same into a variable of the script.

use super::Lowering;
use super::path::Path;
use super::pattern::{escaped, of_envelope};
use super::shape::Shape;
use super::value::Prepared;
use crate::ledger::{Code, Note};
use crate::rules::model::Text;
use crate::rules::program::{self, Field, New, Printed, Source, TextEdit, Way, Whom};
use crate::sieve::script::{
    AddressPart, Command, CommandKind, Compare, Match, Modifier, Part, Test, Value,
};
use crate::sieve::target::Extension;

/// What is replaced everywhere is replaced so often.
const ROUNDS: usize = 4;

impl Lowering<'_> {
    pub(super) fn printed(
        &mut self,
        command: &Text,
        printed: &Printed,
        path: &Path,
        into: &mut Prepared,
    ) -> Result<(), Note> {
        let mut edits = printed.edits.clone();
        let mut said_last = None;
        let source = match &printed.source {
            Source::Text { text, echoed } => {
                let inner = self.value(text, path)?;
                into.before.extend(inner.before);
                into.notes.extend(inner.notes);
                into.doubtful |= inner.doubtful;
                if let Some(text) = inner.value.as_text() {
                    let printed = printed.of_text(&text);
                    let printed = printed.ok_or_else(|| self.unknown_output(command))?;
                    into.value.0.push(Part::Text(printed));
                    return Ok(());
                }
                if printed.splits {
                    let shape = path.shape(&inner.value);
                    if shape < Shape::Word {
                        into.doubtful = true;
                        into.notes.push(unquoted_blanks());
                    }
                    if shape == Shape::Blank {
                        edits.insert(0, without_blank());
                    }
                }
                said_last = read_by_echo(*echoed, &inner.value, path);
                inner.value
            }
            Source::Field(field) => {
                let has_lines = field.names.len() > 1;
                let is_of_line = |edit: &TextEdit| !matches!(edit, TextEdit::Case { .. });
                let is_unclear = has_lines && !printed.first_line && edits.iter().any(is_of_line);
                // The date stands behind the sender.
                if is_unclear || field.has_sender() {
                    return Err(self.unknown_output(command));
                }
                let (commands, value) = self.field(field, printed.first_line)?;
                into.before.extend(commands);
                let mut names = field.names.iter();
                let is_first = !has_lines
                    && !printed.first_line
                    && field.names.iter().any(|name| may_be_repeated(name));
                if is_first {
                    into.notes.push(Note::adapted(
                        Code::FieldValue,
                        "Where the mail has several fields of this name, the server takes the first; the command printed all of them",
                    ));
                }
                into.doubtful |= has_lines
                    || is_first
                    || !field.beginnings.is_empty()
                    || names.any(|name| self.unchanged.has_field(name));
                into.notes.extend(other_fields(field));
                into.notes.push(Note::adapted(
                    Code::FieldValue,
                    "The server gives the value of a field decoded, on one line, and without the blanks around it",
                ));
                if has_lines {
                    into.notes.push(Note::adapted(
                        Code::FieldValue,
                        "The fields come in the order in which the command names them, and came in that of the mail; a rule that asks where one begins or ends, or for what stands in several, may decide otherwise",
                    ));
                }
                value
            }
            Source::Sender { whom, trimmed } => {
                if !self.target.has(Extension::Variables)
                    || *whom == Whom::Sender && !self.target.has(Extension::Envelope)
                {
                    return Err(self.unknown_output(command));
                }
                let name = self.names.fresh("reply_address");
                into.before.extend(sender(&name, *whom, *trimmed));
                into.doubtful = true;
                into.notes.push(of_sender(*whom));
                Value::variable(&name)
            }
        };
        if edits.contains(&TextEdit::Decode { narrows: true }) {
            into.doubtful = true;
            into.notes.push(Note::adapted(
                Code::FieldValue,
                "nkf also made plain letters of wide ones; the script leaves them as they are",
            ));
        }
        edits.retain(|edit| !matches!(edit, TextEdit::Decode { .. }));
        if edits.is_empty() {
            into.value.0.extend(source.0);
            into.notes.extend(said_last);
            return Ok(());
        }
        let name = self.names.fresh("text");
        let (modifier, edits) = match edits.split_first() {
            Some((TextEdit::Case { upper }, rest)) => (Some(to_case(*upper)), rest),
            _ => (None, edits.as_slice()),
        };
        into.before
            .push(Command::set(&name, modifier.as_slice(), source));
        for edit in edits {
            let changes = self.edited_text(edit, &name);
            into.before
                .extend(changes.ok_or_else(|| self.unknown_output(command))?);
            if let TextEdit::Every(_) = edit {
                into.doubtful = true;
                into.notes.push(Note::adapted(
                    Code::FirstFew,
                    format!("Only the first {ROUNDS} of the signs are replaced"),
                ));
            }
        }
        into.value.0.push(Part::Variable(name));
        into.notes.extend(said_last);
        Ok(())
    }

    /// A change of a variable.
    fn edited_text(&self, edit: &TextEdit, name: &str) -> Option<Vec<Command>> {
        match edit {
            TextEdit::Case { upper } => Some(vec![Command::set(
                name,
                &[to_case(*upper)],
                Value::variable(name),
            )]),
            TextEdit::Decode { .. } => Some(Vec::new()),
            // Sieve has no loop.
            TextEdit::Every(way) => {
                let (test, block) = self.way(way, name)?;
                Some(vec![Command::when(test, block); ROUNDS])
            }
            TextEdit::Apart(ways) => {
                let (ways, rest) = match ways.split_last() {
                    Some((last, ways)) if last.shape.is_anything() && !ways.is_empty() => {
                        (ways, Some(last))
                    }
                    _ => (ways.as_slice(), None),
                };
                let branches = ways.iter().map(|way| self.way(way, name));
                let otherwise = match rest {
                    Some(rest) => Some(self.way(rest, name)?.1),
                    None => None,
                };
                Some(vec![Command::from(CommandKind::If {
                    branches: branches.collect::<Option<_>>()?,
                    otherwise,
                })])
            }
        }
    }

    fn way(&self, way: &Way, name: &str) -> Option<(Test, Vec<Command>)> {
        let (by, key) = match &way.shape {
            program::Shape::Glob(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| escaped(text)).collect();
                (Match::Matches, texts.join("*"))
            }
            program::Shape::Regex(_) if !self.target.has(Extension::Regex) => return None,
            program::Shape::Regex(regex) => (Match::Regex, regex.clone()),
        };
        let test = Test::String {
            compare: Compare { by, octet: true },
            sources: vec![Value::variable(name)],
            key: Value::text(key),
        };
        let part = |new: &New| match new {
            New::Text(text) => Part::Text(text.clone()),
            New::Group(number) => Part::Variable(number.to_string()),
        };
        let new = Value(way.new.iter().map(part).collect());
        Some((test, vec![Command::set(name, &[], new)]))
    }
}

/// Whether a message may have several fields of a name (RFC 5322 §3.6, RFC 2919).
fn may_be_repeated(name: &str) -> bool {
    const ONCE: [&str; 13] = [
        "date",
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "bcc",
        "message-id",
        "in-reply-to",
        "references",
        "subject",
        "return-path",
        "list-id",
    ];
    !ONCE.iter().any(|once| name.eq_ignore_ascii_case(once))
}

/// What formail prints of other fields, where a name stands without its colon.
pub(super) fn other_fields(field: &Field) -> Option<Note> {
    let names = field.beginnings.first()?;
    Some(Note::adapted(
        Code::FieldValue,
        format!(
            "Without a colon behind “{names}”, the command prints every field whose name begins so, and the server takes the field of this name alone"
        ),
    ))
}

/// Takes away the blank that a text begins with.
fn without_blank() -> TextEdit {
    TextEdit::Apart(vec![Way {
        shape: program::Shape::Glob(vec![" ".to_owned(), String::new()]),
        new: vec![New::Group(1)],
    }])
}

fn to_case(upper: bool) -> Modifier {
    match upper {
        true => Modifier::Upper,
        false => Modifier::Lower,
    }
}

/// What some shells do with a text that `echo` is given.
pub(super) fn read_by_echo(echoed: bool, text: &Value, path: &Path) -> Option<Note> {
    (echoed && text.as_text().is_none() && path.shape(text) < Shape::Word).then(|| {
        Note::adapted(
            Code::EchoBackslash,
            "In some shells, `echo` reads a backslash and the sign behind it as one; the script leaves the text of the mail as it is",
        )
    })
}

/// What the shell does with a variable that stands without quotes.
pub(super) fn unquoted_blanks() -> Note {
    Note::adapted(
        Code::UnquotedBlanks,
        "The shell left one of several blanks in a row, and none at the ends; the script leaves them as they are",
    )
}

/// Where the server looks for whom one would reply to.
pub(super) fn of_sender(whom: Whom) -> Note {
    Note::adapted(
        Code::FieldValue,
        match whom {
            Whom::Sender => {
                "The server takes the sender of the envelope, which is empty for a bounce"
            }
            Whom::Named => {
                "The server takes the address from Reply-To, From or Sender, the first that is there"
            }
            Whom::Author => {
                "The server takes the address from From or Sender, the first that is there"
            }
        },
    )
}

/// Finds out whom one would reply to.
fn sender(name: &str, whom: Whom, trimmed: bool) -> Vec<Command> {
    let blank = match trimmed {
        true => Value(Vec::new()),
        false => Value::text(" "),
    };
    let taken = |parts: &[Part]| {
        let value = [blank.0.as_slice(), parts].concat();
        vec![Command::set(name, &[], Value(value))]
    };
    let group = |number: &str| Part::Variable(number.to_owned());
    let first = Command::set(name, &[], Value::text(""));
    if whom == Whom::Sender {
        let taken = taken(&[group("1")]);
        let test = of_envelope(Match::Matches.into(), vec![Value::text("*")]);
        return vec![first, Command::when(test, taken)];
    }
    let branch = |field: &&str| {
        let test = Test::Address {
            part: AddressPart::All,
            compare: Match::Matches.into(),
            names: vec![(*field).to_owned()],
            // What is no address does not count.
            keys: vec![Value::text("*@*")],
        };
        let at = Part::Text("@".to_owned());
        (test, taken(&[group("1"), at, group("2")]))
    };
    let found = Command::from(CommandKind::If {
        branches: whom.fields().iter().map(branch).collect(),
        otherwise: None,
    });
    vec![first, found]
}
