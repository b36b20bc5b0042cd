//! In: the place of an old mailbox in a home. Out: how much mail lies there.

use super::{DiskHome, ReadError, Splitter};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read};

/// Mailbox formats.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One file.
    #[default]
    Mbox,
    /// `name/`.
    Maildir,
    /// `name/.`.
    Mh,
    /// A directory that was there: a file per message.
    Directory,
    /// `/dev/null`.
    Null,
}

/// What was found in a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailboxSize {
    /// Messages; `None` where the file is too large to count them in.
    pub messages: Option<u64>,
    /// Bytes of all messages, or of the one file.
    pub bytes: u64,
}

impl DiskHome {
    /// Counts the mail in a mailbox below the home; `None` where there is none
    /// that can be read.
    pub fn mailbox_size(&self, path: &str, format: Format) -> Option<MailboxSize> {
        let (messages, bytes) = match format {
            Format::Mbox => return self.mbox_size(path).ok(),
            Format::Maildir => {
                let new = self.directory_size(&format!("{path}/new"), |_| true)?;
                let cur = self.directory_size(&format!("{path}/cur"), |_| true)?;
                (new.0 + cur.0, new.1.saturating_add(cur.1))
            }
            Format::Mh => {
                let is_number = |name: &str| name.bytes().all(|b| b.is_ascii_digit());
                self.directory_size(path, is_number)?
            }
            Format::Directory => self.directory_size(path, |name| !name.starts_with('.'))?,
            Format::Null => return None,
        };
        Some(MailboxSize {
            messages: Some(messages),
            bytes,
        })
    }

    /// Counts the regular files of a directory whose names fit, and their bytes.
    fn directory_size(&self, path: &str, fits: impl Fn(&str) -> bool) -> Option<(u64, u64)> {
        let mut messages = 0;
        let mut bytes: u64 = 0;
        for entry in self.entries(path).ok()? {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_file() && fits(&entry.file_name().to_string_lossy()) {
                messages += 1;
                bytes = bytes.saturating_add(metadata.len());
            }
        }
        self.in_time().is_ok().then_some((messages, bytes))
    }

    fn mbox_size(&self, path: &str) -> Result<MailboxSize, ReadError> {
        let (file, status) = self.open_file(path)?;
        let mut size = MailboxSize {
            messages: None,
            bytes: status.length,
        };
        let left = self.limits.mailbox_bytes - self.spent_on_mailboxes.get();
        if size.bytes > left {
            return Ok(size);
        }
        self.spent_on_mailboxes
            .set(self.spent_on_mailboxes.get() + size.bytes);
        // It may be growing.
        let mut reader = BufReader::with_capacity(1 << 16, file.take(size.bytes));
        let mut splitter = Splitter::default();
        let mut messages = 0;
        loop {
            self.in_time()?;
            let buffer = match reader.fill_buf() {
                Ok([]) => break,
                Ok(buffer) => buffer,
                Err(error) => return Err(ReadError::Io(error.to_string())),
            };
            let beginning = splitter.next_in(buffer);
            messages += u64::from(beginning.is_some());
            let length = beginning.unwrap_or(buffer.len());
            reader.consume(length);
        }
        size.messages = Some(messages);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::home::Limits;
    use std::fs;

    #[test]
    fn messages_are_counted() {
        let stage = tempfile::tempdir().unwrap();
        let at = |path: &str| stage.path().join(path);
        let mail = "From a\nA: b\n\ntext\nFrom here\n\nFrom c\n\n\r\nFrom d\r\n";
        fs::write(at("mbox"), mail).unwrap();
        for part in ["new", "cur", "tmp"] {
            fs::create_dir_all(at("Maildir").join(part)).unwrap();
        }
        fs::write(at("Maildir/new/1"), "12345").unwrap();
        fs::write(at("Maildir/cur/2:2,S"), "123").unwrap();
        fs::create_dir(at("mh")).unwrap();
        fs::write(at("mh/1"), "1").unwrap();
        fs::write(at("mh/.mh_sequences"), "x").unwrap();
        let home = DiskHome::open(stage.path(), Limits::default()).unwrap();
        let size = |path, format| {
            let size = home.mailbox_size(path, format)?;
            Some((size.messages?, size.bytes))
        };
        assert_eq!(size("mbox", Format::Mbox), Some((3, mail.len() as u64)));
        assert_eq!(size("Maildir", Format::Maildir), Some((2, 8)));
        assert_eq!(size("mh", Format::Mh), Some((1, 1)));
        assert_eq!(size("mh", Format::Directory), Some((1, 1)));
        assert_eq!(size("nothing", Format::Mbox), None);
        assert_eq!(size("Maildir", Format::Mbox), None);
    }
}
