//! In: an assignment. Out: commands that give the script's variable its value,
//! where something reads it.

use super::Lowering;
use super::bounds::bytes_of;
use super::left_out::assigned_by;
use super::names::script_name;
use super::path::{Known, Path};
use super::pattern::Fit;
use super::sequence::Flow;
use crate::ledger::{Code, Note};
use crate::rules::model::{Assign, Piece, Recipe, Text};
use crate::rules::program::{Meaning, meaning};
use crate::sieve::script::{Command, CommandKind, Part, Test, Value};
use crate::sieve::walk;
use std::collections::BTreeSet;

impl Lowering<'_> {
    /// Past a recipe that may miss mail, some of it does not have the values that
    /// it was to get there.
    pub(super) fn doubt_values(&self, recipe: &Recipe, fit: Fit, path: &mut Path) {
        if fit.may_miss {
            self.doubt_all(assigned_by(recipe), path);
        }
    }

    /// These variables may have been meant to hold something else.
    pub(super) fn doubt_all(&self, names: BTreeSet<String>, path: &mut Path) {
        for name in names.iter().filter(|name| self.read.carries(name)) {
            path.doubt_value(name);
        }
    }

    /// What an assignment does.
    pub(super) fn assigned(&mut self, assign: &Assign, path: &mut Path) -> Flow {
        let Assign { at, name, value } = assign;
        match name.as_str() {
            "EXITCODE" => {
                let code = value.as_ref().map_or(Some("0"), Text::known);
                // What the mailer sees of it is a byte, and of a negative one nothing.
                path.exit_code = code.and_then(|code| match code.trim() {
                    "" => Some(0),
                    code => code.parse().ok().map(|code: i32| code.max(0) & 0xff),
                });
            }
            "MAILDIR" => {
                if let Some(value) = value {
                    path.enter(value);
                }
            }
            "TRAP" => {
                let does = value.as_ref().map(meaning);
                if matches!(does, Some(Meaning::Unknown | Meaning::AppendTo { .. })) {
                    // It may have put the mail somewhere.
                    path.doubts(*at);
                }
                if let Some(Meaning::SetFlags { .. }) = does {
                    self.find(
                        *at,
                        Note::manual(
                            Code::Trap,
                            "The mail is marked when it lies in a folder already, and the server marks it only as it files it",
                        ),
                    );
                }
                return Flow::nothing();
            }
            _ => {}
        }
        let asked = self.read.carries(name);
        let own = script_name(name);
        let Some(value) = value else {
            path.forget(&own);
            if !asked {
                return Flow::nothing();
            }
            path.learn(name, Known::Text("".into()));
            return Flow::of(vec![Command::set(&own, &[], Value::text(""))]);
        };
        if !asked {
            if value
                .0
                .iter()
                .any(|piece| matches!(piece, Piece::Command(_)))
            {
                self.find(
                    *at,
                    Note::dropped(
                        Code::UnusedVariable,
                        format!("No rule that is carried out asks for {name}"),
                    ),
                );
            }
            return Flow::nothing();
        }
        let prepared = match self.barred(*at) {
            Some(note) => Err(note),
            None => self.value(value, path),
        };
        match prepared {
            Ok(prepared) => {
                self.find_all(*at, prepared.notes);
                let doubtful = prepared.doubtful || path.doubtful().is_some();
                let known = match prepared.value.as_text() {
                    Some(text) if !doubtful => Known::Text(text.into()),
                    _ => Known::Carried {
                        doubtful,
                        shape: path.shape(&prepared.value),
                    },
                };
                path.learn(name, known);
                let mut commands = prepared.before;
                let assignment = Command::set(&own, &[], prepared.value);
                if is_own_value(&assignment) {
                    // Pigeonhole empties a variable that is set to itself.
                } else if !renamed(&mut commands, &assignment.kind) {
                    if let CommandKind::Set { value, .. } = &assignment.kind {
                        let made = path.apart(value);
                        path.forget(&own);
                        if !made.references().contains(&own.as_str()) {
                            path.make(own, made);
                        }
                    }
                    commands.push(assignment);
                } else {
                    path.forget(&own);
                }
                self.comes_from(&mut commands, *at);
                self.uses(bytes_of(&commands));
                Flow::of(commands)
            }
            Err(note) => {
                self.find(*at, note);
                path.learn(name, Known::Lost);
                Flow::nothing()
            }
        }
    }
}

/// Lets the commands that find a value out write it where an assignment wants
/// it, where that is all there is to it.
fn renamed(commands: &mut Vec<Command>, assignment: &CommandKind) -> bool {
    let CommandKind::Set {
        name: to, value, ..
    } = assignment
    else {
        return false;
    };
    let [Part::Variable(from)] = value.0.as_slice() else {
        return false;
    };
    if reads_behind(commands, from, to) {
        return false;
    }
    let mut found = false;
    for command in commands.iter_mut() {
        found |= rename_set(command, from, to);
    }
    commands.retain(|command| !is_own_value(command));
    found
}

/// Whether a variable is read behind the first command that sets another one:
/// written in its place, that would be lost.
fn reads_behind(commands: &[Command], set: &str, read: &str) -> bool {
    let sets =
        |command: &&Command| matches!(&command.kind, CommandKind::Set { name, .. } if name == set);
    let behind = walk::commands(commands)
        .skip_while(|command| !sets(command))
        .skip(1);
    let mut values = behind.flat_map(|command| walk::values(&command.kind));
    values.any(|value| value.references().contains(&read))
}

/// Whether a variable is given the value that it has.
fn is_own_value(command: &Command) -> bool {
    match &command.kind {
        CommandKind::Set {
            name,
            value,
            modifiers,
        } => modifiers.is_empty() && value.references() == [name.as_str()] && value.0.len() == 1,
        _ => false,
    }
}

fn rename_set(command: &mut Command, from: &str, to: &str) -> bool {
    match &mut command.kind {
        CommandKind::Set { name, value, .. } if name == from => {
            to.clone_into(name);
            rename_read(value, from, to);
            true
        }
        CommandKind::If {
            branches,
            otherwise,
        } => {
            for (test, _) in branches.iter_mut() {
                if let Test::String { sources, .. } = test {
                    let sources = sources.iter_mut();
                    sources.for_each(|source| rename_read(source, from, to));
                }
            }
            let blocks = branches.iter_mut().map(|(_, block)| block).chain(otherwise);
            let mut found = false;
            for command in blocks.flatten() {
                found |= rename_set(command, from, to);
            }
            found
        }
        _ => false,
    }
}

fn rename_read(value: &mut Value, from: &str, to: &str) {
    for part in &mut value.0 {
        if let Part::Variable(name) = part
            && name == from
        {
            to.clone_into(name);
        }
    }
}
