//! In: mailboxes and addresses as the rules name them, here and now. Out: where the
//! message went.

use super::machine::{Machine, Process};
use super::{Delivery, Unknown};
use crate::rules::model::{Folder, Format, StatementId, Text};
use crate::rules::path;
use crate::rules::program::Sendmail;
use crate::syntax::Encoding;

impl<'p> Machine<'_, 'p> {
    /// Delivers to the default mailbox.
    pub fn keep(&mut self, process: &mut Process<'p>) {
        let default = &process.run.default;
        let mut path = self.string(process, &default.path, Encoding::Utf8);
        if path.is_empty() {
            path = String::from_utf8_lossy(&process.variable("ORGMAIL")).into_owned();
        }
        let (path, format) = place(&process.directory, &path, default.format);
        self.deliver(path, format);
    }

    /// Files into mailboxes, as a `folders` line names them; `false` where they have no
    /// name.
    pub fn file(
        &mut self,
        process: &mut Process<'p>,
        at: StatementId,
        folders: &[Folder],
        encoding: Encoding,
    ) -> bool {
        let mut files = Vec::new();
        'folders: for folder in folders {
            let words = self.words(process, &folder.path, encoding);
            let last = words.len().saturating_sub(1);
            if last > 0 {
                // Which of them are directories, only the old host knows.
                self.unknown(Unknown::Statement(at));
            }
            for (number, word) in words.iter().enumerate() {
                // Where a value ends the name, no mark stands behind it.
                let format = if number == last {
                    folder.format
                } else {
                    Format::Mbox
                };
                let (path, format) = place(&process.directory, word, format);
                let is_file = matches!(format, Format::Mbox | Format::Null);
                let is_first = files.is_empty();
                let format = match is_first || !is_file {
                    true => format,
                    false => Format::Directory,
                };
                let written = match folder.is_relative {
                    true => path::below(&process.directory, word).unwrap_or(word),
                    false => word,
                };
                files.push(self.message_file(written, format));
                self.deliver(path, format);
                if is_first && is_file {
                    break 'folders;
                }
            }
        }
        let is_filed = !files.is_empty();
        let files = files.join(" ");
        process.set_last_folder(files.as_bytes());
        is_filed
    }

    /// The file that a message is in behind its delivery (`LASTFOLDER`). What
    /// procmail calls one in a directory, only it knows.
    fn message_file(&self, mailbox: &str, format: Format) -> String {
        let directory = mailbox.trim_end_matches('/');
        match format {
            Format::Mbox | Format::Null => mailbox.to_owned(),
            Format::Maildir => format!("{directory}/new/{}.1_0.localhost", self.mail.received),
            Format::Mh => format!("{directory}/1"),
            Format::Directory => format!("{directory}/msg.1"),
        }
    }

    /// The message is in a mailbox now.
    pub fn deliver(&mut self, path: String, format: Format) {
        if format != Format::Null {
            self.outcome
                .deliveries
                .insert(Delivery::Mailbox { path, format });
        }
    }

    /// The message is sent on.
    pub fn redirect(&mut self, addresses: impl IntoIterator<Item = String>) {
        let deliveries = addresses.into_iter().map(Delivery::Redirect);
        self.outcome.deliveries.extend(deliveries);
    }
}

/// A mailbox that is named like this, seen from a directory.
pub fn place(directory: &str, written: &str, format: Format) -> (String, Format) {
    let (name, format) = match format {
        // The mark of a format may only have come with a variable.
        Format::Mbox if written.len() > 2 && written.ends_with("/.") => {
            (written.strip_suffix('.').unwrap_or(written), Format::Mh)
        }
        Format::Mbox if written.len() > 1 && written.ends_with('/') => (written, Format::Maildir),
        format => (written, format),
    };
    let path = path::join(directory, name);
    let format = match path == "/dev/null" {
        true => Format::Null,
        false => format,
    };
    (path, format)
}

/// The addresses among the words that sendmail is given.
pub fn recipients(words: &[String]) -> Vec<String> {
    let words: Vec<Text> = words.iter().map(Text::literal).collect();
    let addresses = Sendmail::read(&words).addresses;
    addresses.iter().map(Text::shown).collect()
}
