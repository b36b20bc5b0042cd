//! In: the name of a file of destinations. Out: what stands in it, each file
//! read once.

use super::{MAX_DESTINATIONS, Mailer};
use crate::home::ReadError;
use crate::ledger::Code;
use crate::rules::model::{Destination, StatementId, StatementKind, Target};
use crate::rules::path;
use crate::syntax::FileId;
use crate::syntax::forward::Forward;

/// Lists in lists that `:include:` reads.
const MAX_INCLUDES: usize = 8;
/// Bytes of one file of destinations: a larger one is no person's work.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// A file of destinations, as far as it could be read.
pub(super) enum Listed {
    Parsed(FileId, Forward),
    /// It is entered as this statement, and the finding is made.
    TooLarge(StatementId),
    Unread(ReadError),
}

impl Mailer<'_, '_> {
    pub(super) fn listed(&mut self, path: &str) -> Listed {
        let file = match self.ledger.read(path) {
            Ok(file) => file,
            Err(error) => return Listed::Unread(error),
        };
        let text = self.ledger.source(file).map_or("", |source| &source.text);
        if text.len() <= MAX_BYTES {
            return Listed::Parsed(file, Forward::parse(file, text));
        }
        let span = self.whole(file);
        let at = self.ledger.statement(StatementKind::Skipped, span);
        let message = format!("{path} is larger than {MAX_BYTES} bytes");
        self.manual(at, Code::FileUnreadable, message);
        Listed::TooLarge(at)
    }

    /// `:include:file`: the destinations in it, in its place.
    pub(super) fn include(&mut self, at: StatementId, written: &str, into: &mut Vec<Destination>) {
        let home = &self.settings.home_path;
        let relative = path::from_home(written);
        let absolute = path::join(home, relative);
        let is_open = self.includes.contains(&absolute);
        let read = match is_open || self.includes.len() >= MAX_INCLUDES {
            true => Err(ReadError::Limit("the lists include each other".to_owned())),
            false => self.included_file(path::asked_for(home, &absolute), &absolute),
        };
        match read {
            Ok(file) => {
                let list = self.included.get(&file).map_or(&[][..], Vec::as_slice);
                if into.len() + list.len() <= MAX_DESTINATIONS {
                    into.extend_from_slice(list);
                } else {
                    self.too_many(at);
                }
            }
            Err(error) => {
                let message = format!("The list {written} could not be read: {error}");
                self.manual(at, Code::ListUnreadable, message);
                into.push(Destination {
                    at,
                    to: Target::Unknown,
                });
            }
        }
    }

    /// Reads a list, unless it was read before.
    fn included_file(&mut self, path: &str, absolute: &str) -> Result<FileId, ReadError> {
        let file = self.ledger.read(path)?;
        if self.ledger.home().is_open_to_all(path) {
            return Err(ReadError::OpenToAll);
        }
        if self.included.contains_key(&file) {
            return Ok(file);
        }
        match self.listed(path) {
            Listed::Parsed(file, parsed) => {
                self.includes.push(absolute.to_owned());
                let list = self.destinations(&parsed);
                self.includes.pop();
                self.included.insert(file, list);
                Ok(file)
            }
            Listed::TooLarge(_) => Err(ReadError::Limit("it is too large".to_owned())),
            Listed::Unread(error) => Err(error),
        }
    }
}
