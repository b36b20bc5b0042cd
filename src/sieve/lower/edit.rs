//! In: the changes that formail makes to a header. Out: `addheader` and
//! `deleteheader` (RFC 5293).

use super::path::Path;
use super::pattern::Note;
use super::value::{command, compare, when};
use super::{Lowering, adapted, manual};
use crate::report::code::Code;
use crate::rules::model::StatementId;
use crate::rules::program::Edit;
use crate::sieve::script::{Command, CommandKind, Match, Part, Test, Value};
use crate::sieve::target::Extension;

/// Fields that `editheader` never touches (RFC 5293 §6).
const PROTECTED: [&str; 2] = ["received", "auto-submitted"];

impl Lowering<'_> {
    /// The commands that change a header so.
    ///
    /// # Errors
    /// Where the server cannot.
    pub(super) fn edited(
        &mut self,
        at: StatementId,
        edits: &[Edit],
        path: &Path,
    ) -> Result<Vec<Command>, Note> {
        if !self.target.has(Extension::EditHeader) {
            return Err(adapted(
                Code::HeaderUnchanged,
                "The mail arrives without this change to its header, since the server does not change headers",
            ));
        }
        let mut commands = Vec::new();
        for edit in edits {
            let (name, value) = match edit {
                Edit::Add { name, value }
                | Edit::AddIfAbsent { name, value }
                | Edit::Replace { name, value }
                | Edit::ReplaceKeeping { name, value } => (name, Some(value)),
                Edit::Delete { name } | Edit::KeepFirst { name } | Edit::KeepLast { name } => {
                    (name, None)
                }
                Edit::Rename { from, .. } => (from, None),
            };
            if PROTECTED.contains(&name.to_lowercase().as_str()) {
                return Err(adapted(
                    Code::HeaderUnchanged,
                    format!("No script may change the field {name}, so it stays as it was"),
                ));
            }
            let value = match value {
                None => None,
                Some(value) => {
                    let prepared = self.value(value, path)?;
                    commands.extend(prepared.before);
                    for note in prepared.notes {
                        self.find(at, note);
                    }
                    Some(prepared.value)
                }
            };
            commands.extend(edit_commands(edit, value)?);
        }
        Ok(commands)
    }
}

fn edit_commands(edit: &Edit, value: Option<Value>) -> Result<Vec<Command>, Note> {
    let value = value.unwrap_or_else(|| Value::text(""));
    let add = |name: &str| {
        command(CommandKind::AddHeader {
            last: true,
            name: Value::text(name),
            value: trimmed(value.clone()),
        })
    };
    let delete = |name: &str| {
        command(CommandKind::DeleteHeader {
            name: name.to_owned(),
        })
    };
    Ok(match edit {
        Edit::Add { name, .. } => vec![add(name)],
        Edit::AddIfAbsent { name, .. } => {
            let absent = Test::Not(Box::new(Test::Exists(vec![name.clone()])));
            vec![when(absent, vec![add(name)])]
        }
        Edit::Replace { name, .. } => vec![delete(name), add(name)],
        Edit::ReplaceKeeping { name, .. } => {
            let mut commands = renamed(name, &format!("Old-{name}"));
            commands.push(add(name));
            commands
        }
        Edit::Delete { name } => vec![delete(name)],
        Edit::Rename { from, to } => renamed(from, to),
        Edit::KeepFirst { name } | Edit::KeepLast { name } => {
            return Err(manual(
                Code::HeaderUnchanged,
                format!("Of several fields {name}, the server deletes all or none"),
            ));
        }
    })
}

/// Copies the value of a field to another name, and deletes the field.
fn renamed(from: &str, to: &str) -> Vec<Command> {
    let test = Test::Header {
        compare: compare(Match::Matches),
        names: vec![from.to_owned()],
        keys: vec![Value::text("*")],
    };
    let copy = CommandKind::AddHeader {
        last: true,
        name: Value::text(to),
        value: Value(vec![Part::Variable("1".to_owned())]),
    };
    let delete = CommandKind::DeleteHeader {
        name: from.to_owned(),
    };
    vec![when(test, vec![command(copy), command(delete)])]
}

/// A value without the blanks that stood behind the colon.
pub(super) fn trimmed(mut value: Value) -> Value {
    if let Some(Part::Text(first)) = value.0.first_mut() {
        *first = first.trim_start().to_owned();
    }
    value.0.retain(|part| *part != Part::Text(String::new()));
    value
}
