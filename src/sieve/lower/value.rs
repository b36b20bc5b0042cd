//! In: text with what only a message decides. Out: a Sieve string with
//! variables (RFC 5229), and the commands that must run before it is read.

use super::Lowering;
use super::names::{self, script_name};
use super::path::{Known, Path};
use super::shape::Shape;
use crate::ledger::{Code, Note, shortened};
use crate::rules::elaborate::{asks_for_host, host_printed, preset};
use crate::rules::expression;
use crate::rules::model::{Piece, Text};
use crate::rules::program::{Field, Meaning, meaning};
use crate::sieve::script::{AddressPart, Command, CommandKind, Match, Modifier, Part, Test, Value};
use crate::sieve::target::Extension;

/// A value, and the commands that must run before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prepared {
    pub before: Vec<Command>,
    pub value: Value,
    /// A rule that is not exact decided on it.
    pub doubtful: bool,
    /// What there is to say about it.
    pub notes: Vec<Note>,
}

impl Lowering<'_> {
    /// A text as a Sieve string.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(super) fn value(&mut self, text: &Text, path: &Path) -> Result<Prepared, Note> {
        let mut prepared = Prepared {
            before: Vec::new(),
            value: Value(Vec::new()),
            doubtful: false,
            notes: Vec::new(),
        };
        for piece in &text.0 {
            self.piece(piece, path, &mut prepared)?;
        }
        self.is_writable(&prepared.value)?;
        let refers = !prepared.value.references().is_empty() || !prepared.before.is_empty();
        if refers && !self.target.has(Extension::Variables) {
            return Err(Note::manual(
                Code::NoVariables,
                "The server has no variables, so a text that differs from message to message cannot be put together",
            ));
        }
        Ok(prepared)
    }

    /// Whether every engine reads the text as it stands: without variables of
    /// its own, a script cannot keep an engine that always expands them from
    /// doing so.
    pub(super) fn is_writable(&self, value: &Value) -> Result<(), Note> {
        let text: String = value
            .0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Variable(_) => "",
            })
            .collect();
        match self.target.has(Extension::Variables) || !text.contains("${") {
            true => Ok(()),
            false => Err(Note::manual(
                Code::NoVariables,
                "The text has “${” in it, which servers take for a variable",
            )),
        }
    }

    pub(super) fn piece(
        &mut self,
        piece: &Piece,
        path: &Path,
        into: &mut Prepared,
    ) -> Result<(), Note> {
        match piece {
            Piece::Literal(text) => into.value.0.push(Part::Text(text.clone())),
            Piece::Variable(name) => {
                let parts = self.variable(name, path, into)?.0;
                into.value.0.extend(parts);
            }
            Piece::Quoted(name) => {
                let value = self.variable(name, path, into)?;
                if let Some(text) = value.as_text() {
                    into.value.0.push(Part::Text(expression::quoted(&text)));
                    return Ok(());
                }
                if !self.target.quoteregex {
                    return Err(no_quoting());
                }
                let variable = names::quoted_name(&script_name(name), Modifier::QuoteRegex);
                into.before
                    .push(Command::set(&variable, &[Modifier::QuoteRegex], value));
                into.value.0.push(Part::Variable(variable));
            }
            Piece::Default { name, text, .. } if text.0.is_empty() => {
                let parts = self.variable(name, path, into)?.0;
                into.value.0.extend(parts);
            }
            // Sieve does not tell what is empty from what is not set.
            Piece::Default {
                name, colon: false, ..
            }
            | Piece::Alternative {
                name, colon: false, ..
            } if matches!(self.known(name, path), Known::Carried { .. }) => {
                return Err(lost(name));
            }
            Piece::Default { name, text, .. } => {
                self.either(name, text, false, path, into)?;
            }
            Piece::Alternative { name, text, .. } => {
                self.either(name, text, true, path, into)?;
            }
            Piece::Command(command) => self.output(command, path, into)?,
            Piece::Opaque(name) => return Err(host_value(name)),
        }
        Ok(())
    }

    fn variable(&self, name: &str, path: &Path, into: &mut Prepared) -> Result<Value, Note> {
        Ok(match self.known(name, path) {
            Known::Text(text) => Value::text(&*text),
            Known::Carried { doubtful, .. } => {
                into.doubtful |= doubtful;
                Value::variable(script_name(name))
            }
            Known::Lost => return Err(lost(name)),
        })
    }

    /// What a variable holds at a step.
    pub(super) fn known(&self, name: &str, path: &Path) -> Known {
        if self.read.is_lost(name) {
            return Known::Lost;
        }
        if let Some(known) = path.known(name) {
            return known.clone();
        }
        match name {
            "USER" => Known::Text(self.settings.user.as_str().into()),
            "EXTENSION" if self.knows_detail() => Known::Carried {
                doubtful: false,
                shape: Shape::Anything,
            },
            "EXTENSION" | "LASTFOLDER" | "MAILDIR" | "DEFAULT" | "ORGMAIL" | "LINEBUF" | "="
            | "?" => Known::Lost,
            name => match preset(self.settings, name) {
                None if path.place.called.preserves => Known::Lost,
                preset => match preset.unwrap_or_default().known() {
                    Some(text) => Known::Text(text.into()),
                    None => Known::Lost,
                },
            },
        }
    }

    fn knows_detail(&self) -> bool {
        let needed = [
            Extension::Envelope,
            Extension::Subaddress,
            Extension::Variables,
        ];
        needed.into_iter().all(|each| self.target.has(each))
    }

    /// Puts what stands behind the `+` of the address into `EXTENSION`, where
    /// something asks for it (RFC 5233).
    pub(super) fn detail(&self) -> Vec<Command> {
        if !self.read.has("EXTENSION") || !self.knows_detail() {
            return Vec::new();
        }
        let test = Test::Envelope {
            part: AddressPart::Detail,
            compare: Match::Matches.into(),
            names: vec!["to".to_owned()],
            keys: vec![Value::text("*")],
        };
        vec![Command::when(
            test,
            vec![Command::set(
                &script_name("EXTENSION"),
                &[Modifier::Lower],
                Value::variable("1"),
            )],
        )]
    }

    /// `${NAME:-text}`, or `${NAME:+text}` (`instead`). In Sieve, a variable
    /// that is not set is empty.
    fn either(
        &mut self,
        name: &str,
        text: &Text,
        instead: bool,
        path: &Path,
        into: &mut Prepared,
    ) -> Result<(), Note> {
        let value = self.variable(name, path, into)?;
        if let Some(known) = value.as_text() {
            let replaced = known.is_empty() != instead;
            match (replaced, instead) {
                (true, _) => {
                    for piece in &text.0 {
                        self.piece(piece, path, into)?;
                    }
                }
                (false, false) => into.value.0.extend(value.0),
                (false, true) => {}
            }
            return Ok(());
        }
        let mut other = Prepared {
            before: Vec::new(),
            value: Value(Vec::new()),
            doubtful: false,
            notes: Vec::new(),
        };
        for piece in &text.0 {
            self.piece(piece, path, &mut other)?;
        }
        let chosen = self.names.fresh(&format!("{}_or", script_name(name)));
        let first = match instead {
            true => Value::text(""),
            false => value.clone(),
        };
        into.before.push(Command::set(&chosen, &[], first));
        let empty = Test::is_empty(value);
        let test = match instead {
            true => empty.negated(),
            false => empty,
        };
        let mut block = other.before;
        block.push(Command::set(&chosen, &[], other.value));
        into.before.push(Command::when(test, block));
        into.doubtful |= other.doubtful;
        into.notes.extend(other.notes);
        into.value.0.push(Part::Variable(chosen));
        Ok(())
    }

    /// What a command between backquotes prints.
    fn output(&mut self, command: &Text, path: &Path, into: &mut Prepared) -> Result<(), Note> {
        let of_host = command
            .known()
            .and_then(|command| host_printed(command, self.settings.host.as_deref()));
        if let Some(Piece::Literal(name)) = of_host {
            into.value.0.push(Part::Text(name));
            return Ok(());
        }
        match meaning(command) {
            Meaning::Printed(printed) => self.printed(command, &printed, path, into),
            Meaning::Date { format } => {
                let format = format.known().ok_or_else(|| self.unknown_output(command))?;
                let (commands, value) = self
                    .date(format)
                    .ok_or_else(|| self.unknown_output(command))?;
                into.before.extend(commands);
                into.value.0.extend(value.0);
                Ok(())
            }
            _ => Err(self.unknown_output(command)),
        }
    }

    /// Puts the value of a field into a variable, of the first that has the name.
    /// Of fields with several names, those that are there, on a line each, or the
    /// `first` alone.
    pub(super) fn field(
        &mut self,
        field: &Field,
        first: bool,
    ) -> Result<(Vec<Command>, Value), Note> {
        if !self.target.has(Extension::Variables) {
            return Err(Note::manual(
                Code::NoVariables,
                "The server has no variables, so the value of a field cannot be kept",
            ));
        }
        let variable = match field.names.as_slice() {
            [name] => names::of_field(name),
            _ => self.names.fresh("header_fields"),
        };
        let taken = |name: &String, before: &[Part]| {
            let all = Test::Header {
                compare: Match::Matches.into(),
                names: vec![name.clone()],
                keys: vec![Value::text("*")],
            };
            let prefix = match field.with_name {
                true => Some(Part::Text(format!("{name}: "))),
                false if field.trimmed => None,
                false => Some(Part::Text(" ".to_owned())),
            };
            let group = Part::Variable("1".to_owned());
            let parts = before.iter().cloned().chain(prefix).chain([group]);
            (
                all,
                vec![Command::set(&variable, &[], Value(parts.collect()))],
            )
        };
        let mut commands = vec![Command::set(&variable, &[], Value::text(""))];
        if first {
            commands.push(Command::from(CommandKind::If {
                branches: field.names.iter().map(|name| taken(name, &[])).collect(),
                otherwise: None,
            }));
        } else {
            let above = [
                Part::Variable(variable.clone()),
                Part::Text("\n".to_owned()),
            ];
            for (at, name) in field.names.iter().enumerate() {
                let (test, block) = taken(name, if at == 0 { &[] } else { &above });
                commands.push(Command::when(test, block));
            }
        }
        Ok((commands, Value::variable(&variable)))
    }
}

/// Whether a command quotes a text for an expression.
pub(super) fn quotes_expressions(command: &Command) -> bool {
    match &command.kind {
        CommandKind::Set { modifiers, .. } => modifiers.contains(&Modifier::QuoteRegex),
        _ => false,
    }
}

/// The server cannot do what `$\VAR` does.
pub(super) fn no_quoting() -> Note {
    Note::manual(
        Code::RuntimeExpression,
        "The server cannot quote a text that the mail brings for an expression",
    )
}

/// What a variable holds is not known.
pub(super) fn lost(name: &str) -> Note {
    match name {
        "HOST" => host_value(name),
        "=" | "?" => Note::manual(
            Code::LostVariable,
            format!(
                "The script does not have ${name}, the last score or how the last program ended"
            ),
        ),
        name => Note::manual(
            Code::LostVariable,
            format!("What {name} holds here could not be translated"),
        ),
    }
}

fn host_value(name: &str) -> Note {
    let message = match name {
        "HOST" => HOST_NAME.to_owned(),
        name => format!("What {name} stands for was known to the old server alone"),
    };
    Note::manual(Code::HostValue, message)
}

const HOST_NAME: &str = "How the old server was called is not known: give it with --host";

impl Lowering<'_> {
    pub(super) fn unknown_output(&self, command: &Text) -> Note {
        if self.settings.host.is_none() && command.known().is_some_and(asks_for_host) {
            return host_value("HOST");
        }
        let shown = shortened(&command.shown());
        Note::manual(
            Code::UnknownOutput,
            format!(
                "What the command “{shown}” prints is not known, and the server runs no programs"
            ),
        )
    }
}
