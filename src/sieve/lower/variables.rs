//! In: the steps of a program, and the commands made of them. Out: which
//! variables matter at run time.

use super::names::script_name;
use crate::rules::model::walk::steps;
use crate::rules::model::{
    Action, Area, Condition, Piece, Program, Recipe, Step, Target, Test, Text,
};
use crate::rules::program::{Meaning, meaning};
use crate::sieve::script::{Command, CommandKind, Value};
use crate::sieve::target::{Extension, Target as Mailserver};
use crate::sieve::walk;
use std::collections::{BTreeMap, BTreeSet};

/// Variables whose values matter though no text names them.
const READ_BY_PROCMAIL: [&str; 4] = ["DEFAULT", "ORGMAIL", "MAILDIR", "EXITCODE"];

/// Whether procmail itself goes by a variable, beside the texts that name it.
pub(super) fn is_special(name: &str) -> bool {
    READ_BY_PROCMAIL.contains(&name) || name == "TRAP"
}

/// Variables that are carried from step to step, at most; servers allow about
/// as many in one script.
const MAX_VARIABLES: usize = 200;

/// The variables that something reads when a message is there.
pub(super) struct Read {
    names: BTreeSet<String>,
    /// Those of them that cannot be carried: they are too many, or differ in the
    /// case of their names alone, which Sieve does not see (RFC 5229, 3).
    lost: BTreeSet<String>,
}

impl Read {
    /// What the rules of a program read, on a target.
    pub fn by(program: &Program, target: &Mailserver) -> Self {
        let names = read(&program.main.steps, target);
        let mut lost = of_one_name(&names);
        lost.extend(names.iter().skip(MAX_VARIABLES).cloned());
        Read { names, lost }
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }

    /// Whether something reads a variable.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether a variable cannot be carried.
    pub fn is_lost(&self, name: &str) -> bool {
        self.lost.contains(name)
    }

    /// Whether the script has a variable: something reads it, and it can be carried.
    pub fn carries(&self, name: &str) -> bool {
        self.has(name) && !self.is_lost(name)
    }
}

/// The variables that something reads when a message is there: a rule, or the
/// value of another such variable. What only the log shows is not read, nor
/// what only goes into a header that the target leaves as it is.
fn read(body: &[Step], target: &Mailserver) -> BTreeSet<String> {
    let mut read = BTreeSet::new();
    let mut values: Vec<(&str, &Text)> = Vec::new();
    for step in steps(body) {
        match step {
            Step::Assign(assign) => {
                values.extend(assign.value.as_ref().map(|value| (&*assign.name, value)));
            }
            Step::Recipe(recipe) => {
                conditions(&recipe.conditions, &mut read);
                match &recipe.action {
                    Action::File(folders) => {
                        folders.iter().for_each(|f| text(&f.path, &mut read));
                    }
                    Action::Forward(words) => {
                        words.iter().for_each(|word| text(word, &mut read));
                    }
                    Action::Pipe(command) if leaves_no_trace(recipe, command, target) => {}
                    Action::Pipe(command) => text(command, &mut read),
                    Action::Capture { name, command } => values.push((name, command)),
                    Action::Block(_) => {}
                }
            }
            Step::Deliver(destinations) => {
                for destination in destinations {
                    match &destination.to {
                        Target::Folder(folder) => text(&folder.path, &mut read),
                        Target::Mailbox(folder) => text(folder, &mut read),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    loop {
        let before = values.len();
        values.retain(|(name, value)| {
            let matters = read.contains(*name) || READ_BY_PROCMAIL.contains(name);
            if matters {
                text(value, &mut read);
            }
            !matters
        });
        if values.len() == before {
            return read;
        }
    }
}

/// Whether a filter changes nothing on the target, whatever its texts hold.
fn leaves_no_trace(recipe: &Recipe, command: &Text, target: &Mailserver) -> bool {
    recipe.flags.filter
        && match meaning(command) {
            Meaning::HeaderEdit(_) => !target.has(Extension::EditHeader),
            Meaning::NoProgram => recipe.flags.wait,
            _ => false,
        }
}

pub(super) fn conditions(conditions: &[Condition], read: &mut BTreeSet<String>) {
    for condition in conditions {
        if let Area::Variable(name) = &condition.area {
            read.insert(name.clone());
        }
        match &condition.test {
            Test::Expression(of) | Test::Smaller(of) | Test::Larger(of) | Test::Program(of) => {
                text(of, read);
            }
            Test::Always => {}
        }
        if let Some(weight) = &condition.weight {
            text(&weight.weight, read);
            text(&weight.exponent, read);
        }
    }
}

/// Variables of procmail that would be the same one in Sieve.
fn of_one_name(read: &BTreeSet<String>) -> BTreeSet<String> {
    let mut named: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for name in read {
        named.entry(script_name(name)).or_default().push(name);
    }
    let several = named.into_values().filter(|names| names.len() > 1);
    several.flatten().cloned().collect()
}

fn text(of: &Text, read: &mut BTreeSet<String>) {
    let mut pending = vec![of];
    while let Some(Text(pieces)) = pending.pop() {
        for piece in pieces {
            match piece {
                Piece::Variable(name) | Piece::Quoted(name) => {
                    read.insert(name.clone());
                }
                Piece::Default { name, text, .. } | Piece::Alternative { name, text, .. } => {
                    read.insert(name.clone());
                    pending.push(text);
                }
                Piece::Command(command) => pending.push(command),
                Piece::Literal(_) | Piece::Opaque(_) => {}
            }
        }
    }
}

/// Takes away what sets a variable that nothing below reads; returns whether there
/// was any. A script has no loops: what stands above does not come again.
pub(super) fn drop_unread(commands: &mut Vec<Command>) -> bool {
    drop_above(commands, &mut BTreeSet::new())
}

/// `read` is what is read below these commands; on return, also what they read.
fn drop_above(commands: &mut Vec<Command>, read: &mut BTreeSet<String>) -> bool {
    let mut has_dropped = false;
    let mut kept = Vec::with_capacity(commands.len());
    for mut command in commands.drain(..).rev() {
        match &mut command.kind {
            CommandKind::Set { name, .. } if !read.contains(&name.to_lowercase()) => {
                has_dropped = true;
                continue;
            }
            CommandKind::If {
                branches,
                otherwise,
            } => {
                let blocks = branches.iter_mut().map(|(_, block)| block).chain(otherwise);
                for block in blocks {
                    has_dropped |= drop_above(block, read);
                }
            }
            _ => {}
        }
        let names = walk::values(&command.kind).flat_map(Value::references);
        read.extend(names.map(str::to_lowercase));
        kept.push(command);
    }
    kept.reverse();
    *commands = kept;
    has_dropped
}
