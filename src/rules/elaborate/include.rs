//! In: the name of a file of rules. Out: what its rules do, or why it is not gone into.

use super::{
    Elaborator, End, MAX_BYTES, MAX_DEPTH, MAX_INCLUDES, MAX_STATEMENTS, leading_name, path, shown,
    statements,
};
use crate::home::ReadError;
use crate::ledger::{Code, Note, Verdict};
use crate::rules::model::{StatementId, Step, Text};
use crate::syntax::FileId;
use std::rc::Rc;

/// A file that is not there: procmail went on without it, too.
fn missing(message: String) -> Note {
    Note::dropped(Code::MissingInclude, message)
}

impl Elaborator<'_, '_> {
    /// `INCLUDERC=name`, or `SWITCHRC=name`, which ends the file that says so;
    /// `rootless` is the variable without a value that the name begins with.
    pub(super) fn include(
        &mut self,
        at: StatementId,
        name: &Text,
        switch: bool,
        rootless: Option<&str>,
    ) -> (Option<Step>, End) {
        if matches!(name.known(), Some("" | "/dev/null")) {
            let nothing = Step::Include {
                at,
                body: Vec::new(),
                switch,
            };
            return match switch {
                true => (Some(nothing), End::File),
                false => (None, End::Open),
            };
        }
        let entered = self.included(name, rootless).and_then(|(file, path)| {
            self.takes_in(file, &path)?;
            Ok((file, path))
        });
        let (file, absolute) = match entered {
            Ok(entered) => entered,
            Err(note) => {
                let is_manual = note.verdict == Verdict::Manual;
                self.ledger.find(at, note);
                let step = is_manual.then_some(Step::Unknown { at });
                return (step, End::Open);
            }
        };
        self.includes += 1;
        self.depth += 1;
        let outer = self.variables.enter_file(&absolute);
        let (body, end) = self.file(file);
        self.variables.enter_file(&outer);
        self.depth -= 1;
        self.includes -= 1;
        let end = match switch {
            true => end.max(End::File),
            false => end,
        };
        (Some(Step::Include { at, body, switch }), end)
    }

    /// The file of a name, and its absolute path.
    fn included(&mut self, name: &Text, rootless: Option<&str>) -> Result<(FileId, String), Note> {
        let known = name.known().ok_or_else(|| {
            Note::manual(
                Code::UnknownInclude,
                "Which file is read here is not known before a message is there",
            )
        })?;
        let absolute = match self.variables.directory() {
            _ if known.starts_with('/') => path::join("/", known),
            Some(directory) => path::join(directory, known),
            None => {
                return Err(Note::manual(
                    Code::UnknownInclude,
                    format!(
                        "The file {} could not be read: the directory it is looked for in is not known",
                        shown(known)
                    ),
                ));
            }
        };
        let asked_for = path::asked_for(&self.settings.home_path, &absolute);
        match (self.ledger.read(asked_for), rootless) {
            (Ok(file), _) => Ok((file, absolute)),
            (Err(ReadError::Outside), Some(variable)) => Err(missing(format!(
                "{variable} has no value here, so procmail looked for the file {}, where users have none, and went on without it",
                shown(&absolute)
            ))),
            (Err(ReadError::Missing | ReadError::NotAFile), _) => Err(missing(format!(
                "There is no file {} in the home, and procmail went on without it",
                shown(known)
            ))),
            (Err(error), _) => Err(Note::manual(
                Code::UnreadInclude,
                format!("The file {} was not read: {error}", shown(known)),
            )),
        }
    }

    /// Counts a file in, where no bound is passed by that.
    fn takes_in(&mut self, file: FileId, path: &str) -> Result<(), Note> {
        let source = self.ledger.source(file);
        self.bytes += source.map_or(0, |source| source.text.len());
        if self.bytes > MAX_BYTES || self.statements > MAX_STATEMENTS {
            let ledger = &mut *self.ledger;
            self.files
                .entry(file)
                .or_insert_with(|| Rc::new(statements::enter_whole(ledger, file)));
        }
        self.statements += self.items(file).len();
        if self.includes < MAX_INCLUDES
            && self.depth < MAX_DEPTH
            && self.bytes <= MAX_BYTES
            && self.statements <= MAX_STATEMENTS
        {
            return Ok(());
        }
        self.left_out.push(file);
        Err(Note::manual(
            Code::IncludeLimit,
            format!(
                "The file {} is not looked into here, because files that read each other make the rules grow past every bound",
                shown(path)
            ),
        ))
    }
}

/// The variable that a value begins with.
pub(super) fn leading_variable(value: &str) -> Option<&str> {
    let value = value
        .trim_start_matches([' ', '\t', '"'])
        .strip_prefix('$')?;
    let (name, rest) = match value.strip_prefix('{') {
        Some(inner) => leading_name(inner),
        None => (leading_name(value).0, "}"),
    };
    (!name.is_empty() && rest.starts_with('}')).then_some(name)
}
