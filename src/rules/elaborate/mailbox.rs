//! In: the action line of a recipe that is no program, address or block. Out:
//! the mailboxes it names, or that nobody meant it to name one.

use super::variables::Value;
use super::{Elaborator, expand, leading_name, recipe, shown};
use crate::ledger::{Code, Note, Verdict};
use crate::rules::model::{Action, Flags, Folder, Format, Piece, StatementId, Text};
use crate::rules::path;
use crate::syntax::Span;

impl Elaborator<'_, '_> {
    /// The action of a recipe whose action line is no other.
    pub(super) fn mailbox(
        &mut self,
        at: StatementId,
        span: Span,
        line: &str,
        flags: &mut Flags,
    ) -> Action {
        let home_path = &self.settings.home_path;
        if let Some(why) = accident(line) {
            // A blank ends the name.
            let name = line.split_whitespace().next().unwrap_or_default();
            let name = shown(name);
            self.ledger.find_in(at, Some(span), Note::adapted(Code::AccidentalMailbox, format!("{why}; procmail put the mail into a file called {name}, and here it goes to the inbox")));
            return Action::File(vec![self.inbox()]);
        }
        if flags.filter {
            flags.filter = false;
            flags.feed_header = true;
            flags.feed_body = true;
        }
        let words = expand::mailbox(leading_name(line), &self.variables);
        let folders = recipe::folders(words, &self.variables, self.ledger.home(), home_path);
        let first = folders.first().and_then(|folder| folder.path.known());
        if let Some(name) = first.filter(|name| is_nameless(name)) {
            // It is no directory that a file could be made in, and that is no
            // error in writing one.
            flags.ignore_errors &= name.is_empty();
            let (verdict, message) = nameless(flags.ignore_errors);
            self.ledger.find_in(
                at,
                Some(span),
                Note::new(verdict, Code::NamelessMailbox, message),
            );
            return Action::File(Vec::new());
        }
        let rootless = self.rootless(Some(line.trim_start()));
        if let Some(name) = first.filter(|name| name.starts_with('/'))
            && (rootless.is_some() || path::belongs_to_root(name, home_path))
        {
            let because = rootless.map_or(String::new(), |variable| {
                format!("{variable} has no value here, so ")
            });
            let message = format!(
                "{because}procmail looked for the mailbox {}, where users have none, and where it could not write there the mail went on; the script takes it for a folder",
                shown(name)
            );
            let note = Note::adapted(Code::RootlessMailbox, message);
            self.ledger.find_in(at, Some(span), note);
        }
        if self.variables.directory().is_none() && folders.iter().any(is_seen_from_directory) {
            self.ledger.find_in(
                at,
                Some(span),
                Note::adapted(Code::UnknownDirectory, WITHOUT_DIRECTORY),
            );
        }
        Action::File(folders)
    }

    pub(super) fn default_folder(&self) -> Folder {
        let name = match self.variables.get("DEFAULT") {
            Value::Text(text) => text,
            Value::Runtime => Text(vec![Piece::Variable("DEFAULT".to_owned())]),
            Value::Unset => match self.variables.get("ORGMAIL") {
                Value::Text(text) => text,
                _ => Text::default(),
            },
        };
        // It is no directory, and what goes wrong here is the system's mailbox.
        let name = match name.known() {
            Some("/dev/null/" | "/dev/null/.") => Text::default(),
            _ => name,
        };
        let home_path = &self.settings.home_path;
        recipe::folder(name, &self.variables, self.ledger.home(), home_path)
    }

    /// The default mailbox, or the system's where that is `/dev/null`.
    pub(super) fn inbox(&self) -> Folder {
        let folder = self.default_folder();
        match folder.format {
            Format::Null => Folder::absolute(
                Text::literal(format!("/var/mail/{}", self.settings.user)),
                Format::Mbox,
            ),
            _ => folder,
        }
    }
}

/// What there is to say of a folder whose directory is not known.
pub const WITHOUT_DIRECTORY: &str = "What MAILDIR is here is not known before a message is there, and the folder is called without it";

/// Whether where a mailbox lies depends on `MAILDIR`.
fn is_seen_from_directory(folder: &Folder) -> bool {
    match folder.path.0.first() {
        Some(Piece::Literal(first)) => !first.starts_with('/'),
        first => first.is_some(),
    }
}

/// Whether procmail cannot deliver to a mailbox called so.
pub fn is_nameless(path: &str) -> bool {
    matches!(path, "" | "/")
}

/// Whether a mailbox has a name, whatever the message makes of it.
pub(super) fn has_name(folder: &Folder) -> bool {
    let names = |piece: &Piece| matches!(piece, Piece::Literal(text) if !is_nameless(text));
    folder.path.0.iter().any(names)
}

/// What there is to say of a mailbox without a name.
pub fn nameless(ignores_errors: bool) -> (Verdict, &'static str) {
    match ignores_errors {
        true => (
            Verdict::Adapted,
            "The mailbox has no name, and with the flag i procmail took the mail for delivered, so that it was gone; here it goes on",
        ),
        false => (
            Verdict::Exact,
            "The mailbox has no name, so procmail could not deliver here and went on",
        ),
    }
}

/// Why nobody meant a line to name a mailbox.
fn accident(line: &str) -> Option<&'static str> {
    let (name, rest) = leading_name(line.trim_start());
    if line.ends_with('\r') {
        return Some("The line ends as on Windows");
    }
    if name.is_empty() {
        return match rest.chars().next()? {
            ':' => Some("The action is missing, and the next recipe stands in its place"),
            '}' => Some("The action is missing, and the end of the block stands in its place"),
            '{' => Some("A block needs a blank behind its opening brace"),
            '^' => Some("The star is missing before the condition"),
            _ => None,
        };
    }
    rest.trim_start_matches([' ', '\t'])
        .starts_with('=')
        .then_some("The action is missing, and an assignment stands in its place")
}
