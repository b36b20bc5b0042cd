//! In: the changes that formail makes to a header. Out: `addheader` and
//! `deleteheader` (RFC 5293).

use super::Lowering;
use super::path::Path;

use crate::ledger::{Code, Note};
use crate::rules::model::StatementId;
use crate::rules::program::Edit;
use crate::sieve::script::{Command, CommandKind, Match, Part, Test, Value};
use crate::sieve::target::Extension;

/// Fields that `editheader` never touches (RFC 5293 §6).
const PROTECTED: [&str; 2] = ["received", "auto-submitted"];

/// The field that says how a text is encoded.
const ENCODING: &str = "Content-Transfer-Encoding";

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
        if edits.contains(&Edit::Sender) {
            return Err(Note::adapted(
                Code::HeaderUnchanged,
                "The sender of the envelope stays as it was, since no script can change it",
            ));
        }
        if !self.target.has(Extension::EditHeader) {
            return Err(Note::adapted(
                Code::HeaderUnchanged,
                "The mail arrives without this change to its header, since the server does not change headers",
            ));
        }
        for name in edits.iter().flat_map(Edit::names) {
            if PROTECTED.contains(&name.to_lowercase().as_str()) {
                return Err(Note::adapted(
                    Code::HeaderUnchanged,
                    format!("No script may change the field {name}, so it stays as it was"),
                ));
            }
        }
        // It says how the text of the mail is encoded, which no script changes.
        let is_encoding = |edit: &Edit| {
            let mut names = edit.names().into_iter();
            names.any(|name| name.eq_ignore_ascii_case(ENCODING))
        };
        let (encoding, edits): (Vec<Edit>, Vec<Edit>) =
            edits.iter().cloned().partition(is_encoding);
        if !encoding.is_empty() {
            let note = Note::adapted(
                Code::HeaderUnchanged,
                format!("The field {ENCODING} stays as it was, for the text of the mail does"),
            );
            if edits.is_empty() {
                return Err(note);
            }
            self.find(at, note);
            self.unchanged.field(ENCODING);
        }
        let edits = edits.as_slice();
        let mut commands = Vec::new();
        let mut added = Vec::new();
        for edit in edits {
            let (place, name, value) = match edit {
                Edit::AddIfAbsent { name, value } => (Added::IfAbsent, name, value),
                Edit::Add { name, value } => (Added::Always, name, value),
                Edit::ReplaceKeeping { name, value } => (Added::BesideOld, name, value),
                Edit::Replace { name, value } => (Added::InPlace, name, value),
                Edit::Rename { .. } | Edit::Sender => continue,
                Edit::KeepFirst { name } | Edit::KeepLast { name } => {
                    return Err(Note::manual(
                        Code::HeaderUnchanged,
                        format!("Of several fields {name}, the server deletes all or none"),
                    ));
                }
            };
            let prepared = self.value(value, path)?;
            commands.extend(prepared.before);
            self.find_all(at, prepared.notes);
            added.push((place, name.as_str(), prepared.value));
        }
        commands.extend(self.taken_out(at, edits)?);
        added.sort_by_key(|(place, ..)| *place);
        for (_, name, value) in &added {
            let has_blank =
                matches!(value.0.first(), Some(Part::Text(text)) if text.starts_with([' ', '\t']));
            if !has_blank && value.as_text().as_deref() != Some("") {
                self.find(at, Note::adapted(
                    Code::BlankAfterColon,
                    format!("The field {name} was written without a blank behind its colon; on the server it has one"),
                ));
                self.unchanged.field(name);
            }
        }
        commands.extend(additions(added));
        Ok(commands)
    }

    /// What becomes of the fields there are: of several changes to one, the
    /// first in this order reaches it.
    fn taken_out(&mut self, at: StatementId, edits: &[Edit]) -> Result<Vec<Command>, Note> {
        let mut deleted: Vec<&str> = Vec::new();
        let mut renames: Vec<(&str, String)> = Vec::new();
        let is_same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        for edit in edits {
            if let Edit::ReplaceKeeping { name, .. } = edit
                && !renames.iter().any(|(from, _)| is_same(from, name))
            {
                renames.push((name, format!("Old-{name}")));
            }
        }
        for edit in edits {
            if let Edit::Replace { name, .. } = edit
                && !renames.iter().any(|(from, _)| is_same(from, name))
                && !deleted.iter().any(|deleted| is_same(deleted, name))
            {
                deleted.push(name);
            }
        }
        for edit in edits {
            if let Edit::Rename { from, to } = edit
                && !renames.iter().any(|(known, _)| is_same(known, from))
                && !deleted.iter().any(|deleted| is_same(deleted, from))
            {
                renames.push((from, to.clone()));
            }
        }
        let is_source = |name: &str| renames.iter().any(|(from, _)| is_same(from, name));
        if renames.iter().any(|(_, to)| is_source(to)) {
            return Err(Note::adapted(
                Code::HeaderUnchanged,
                "A field gets the name of another that is renamed as well, and the server renames one after the other",
            ));
        }
        if !renames.is_empty() && !self.target.has(Extension::Variables) {
            return Err(Note::adapted(
                Code::HeaderUnchanged,
                "The server cannot put the value of one field into another",
            ));
        }
        if !deleted.is_empty() || !renames.is_empty() {
            self.unchanged.takes_fields_out();
        }
        let mut commands: Vec<Command> = deleted.into_iter().map(delete).collect();
        for (from, to) in renames {
            self.find(
                at,
                Note::adapted(
                    Code::HeaderUnchanged,
                    format!("Of several fields {from}, only the first gets the name {to}; the others are deleted"),
                ),
            );
            self.unchanged.field(&to);
            commands.extend(renamed(from, &to));
        }
        Ok(commands)
    }
}

/// The order in which formail adds fields, behind all else that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Added {
    IfAbsent,
    Always,
    BesideOld,
    InPlace,
}

fn additions(added: Vec<(Added, &str, Value)>) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut absent: Vec<(&str, Vec<Command>)> = Vec::new();
    for (place, name, value) in added {
        let filled = filled(&value);
        let put = Command::from(CommandKind::AddHeader {
            last: true,
            name: Value::text(name),
            value: trimmed(value),
        });
        if place == Added::IfAbsent {
            match absent.iter_mut().find(|(other, _)| *other == name) {
                Some((_, puts)) => puts.push(put),
                None => absent.push((name, vec![put])),
            }
            continue;
        }
        // Without anything behind the colon, no field is added.
        match filled {
            Test::True => commands.push(put),
            Test::False => {}
            filled => commands.push(Command::when(filled, vec![put])),
        }
    }
    let absent = absent.into_iter().map(|(name, puts)| {
        let is_absent = Test::Exists(vec![name.to_owned()]).negated();
        Command::when(is_absent, puts)
    });
    absent.chain(commands).collect()
}

/// Holds where a value is not empty.
fn filled(value: &Value) -> Test {
    let is_text = |part: &Part| matches!(part, Part::Text(text) if !text.is_empty());
    match value.references().is_empty() {
        _ if value.0.iter().any(is_text) => Test::True,
        true => Test::False,
        false => Test::is_empty(value.clone()).negated(),
    }
}

fn delete(name: &str) -> Command {
    Command::from(CommandKind::DeleteHeader {
        name: name.to_owned(),
    })
}

/// Copies the value of a field to another name, and deletes the field.
fn renamed(from: &str, to: &str) -> Vec<Command> {
    let test = Test::Header {
        compare: Match::Matches.into(),
        names: vec![from.to_owned()],
        keys: vec![Value::text("*")],
    };
    let copy = CommandKind::AddHeader {
        last: true,
        name: Value::text(to),
        value: Value::variable("1"),
    };
    vec![Command::when(test, vec![Command::from(copy), delete(from)])]
}

/// A value without the blanks that stood behind the colon.
pub(super) fn trimmed(mut value: Value) -> Value {
    if let Some(Part::Text(first)) = value.0.first_mut() {
        *first = first.trim_start().to_owned();
    }
    value.0.retain(|part| *part != Part::Text(String::new()));
    value
}
