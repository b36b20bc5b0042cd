//! In: a call of vacation(1). Out: the answer that it sends.

use super::{Mailer, texts};
use crate::home::ReadError;
use crate::ledger::Code;
use crate::rules::model::{StatementId, Target, Text, Vacation};
use crate::rules::path;
use crate::rules::program;

impl Mailer<'_, '_> {
    /// The answer that `vacation` sends: a header, an empty line, the text.
    pub(super) fn vacation(&mut self, at: StatementId, call: &program::Vacation) -> Option<Target> {
        let written = match &call.message {
            Some(path) => path.known()?.to_owned(),
            None => program::VACATION_MESSAGE.to_owned(),
        };
        // The shell puts the home in place of the tilde.
        let in_home = path::from_home(&written);
        let absolute = path::join(&self.settings.home_path, in_home);
        let read = match path::below(&self.settings.home_path, &absolute) {
            Some(path) => self.ledger.read(path),
            None => Err(ReadError::Outside),
        };
        let file = match read {
            Ok(file) => file,
            Err(error) => {
                let message =
                    format!("The text of the answer, {written}, could not be read: {error}");
                self.manual(at, Code::AnswerUnreadable, message);
                return Some(Target::Unknown);
            }
        };
        let text = texts::enter(&mut self.ledger, file);
        let (subject, text) = program::answer(&text);
        let aliases = call.aliases.iter().filter_map(Text::known);
        Some(Target::Vacation(Vacation {
            subject,
            text,
            days: call.days,
            aliases: aliases.map(str::to_owned).collect(),
        }))
    }
}
