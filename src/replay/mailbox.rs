//! In: paths. Out: the messages in them, one after the other; no more than one
//! is held in memory.

use super::letter::{Letter, Postmark};
use mail_parser::mailbox::mbox::MessageIterator;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A mailbox that cannot be read.
#[derive(Debug, Error)]
#[error("{}: {error}", path.display())]
pub struct MailError {
    /// Its path.
    pub path: PathBuf,
    /// What the operating system said.
    pub error: io::Error,
}

/// The messages of several mailboxes: mbox files, Maildirs with the folders in
/// them, directories of messages, single messages.
pub struct Mailboxes {
    paths: VecDeque<PathBuf>,
    walk: Option<walkdir::IntoIter>,
    mbox: Option<(PathBuf, MessageIterator<BufReader<File>>)>,
    /// Bytes of all that was read.
    read: u64,
}

impl Mailboxes {
    /// Opens them.
    pub fn new(paths: &[PathBuf]) -> Self {
        Mailboxes {
            paths: paths.iter().cloned().collect(),
            walk: None,
            mbox: None,
            read: 0,
        }
    }

    /// How many bytes there are in all of them.
    pub fn size(paths: &[PathBuf]) -> u64 {
        let files = paths.iter().flat_map(walkdir::WalkDir::new);
        let files = files.flatten().filter(|entry| entry.file_type().is_file());
        files
            .filter_map(|entry| entry.metadata().ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    /// How many of them were read.
    pub fn bytes(&self) -> u64 {
        self.read
    }

    /// The letter in a file, or the first of those in it.
    fn open(&mut self, path: &Path, is_named: bool) -> io::Result<Option<Letter>> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut reader = BufReader::new(file);
        let is_mbox = reader.fill_buf()?.starts_with(b"From ");
        let is_message = is_named || holds_a_message(path);
        if is_mbox && !is_in_maildir(path) {
            self.mbox = Some((path.to_owned(), MessageIterator::new(reader)));
            return Ok(None);
        }
        self.read += size;
        if !is_message {
            return Ok(None);
        }
        let mut text = Vec::new();
        reader.read_to_end(&mut text)?;
        let postmark = match is_mbox {
            true => MessageIterator::new(text.as_slice()).next().transpose()?,
            false => None,
        };
        Ok(Some(match postmark {
            Some(message) => in_mbox(message),
            None => Letter::new(text, None),
        }))
    }
}

fn in_mbox(message: mail_parser::mailbox::mbox::Message) -> Letter {
    let postmark = Postmark {
        sender: message.from().to_owned(),
        received: i64::try_from(message.internal_date()).unwrap_or(0),
    };
    let mut text = message.unwrap_contents();
    // The empty line before the next message is not part of this one.
    if text.ends_with(b"\n\n") {
        text.pop();
    }
    Letter::new(text, Some(postmark))
}

/// Whether a file in a directory is a message: in a Maildir, in a folder of MH,
/// or by its name.
fn holds_a_message(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    is_in_maildir(path) || is_number || name.to_lowercase().ends_with(".eml")
}

fn is_in_maildir(path: &Path) -> bool {
    let above = path.parent().and_then(Path::file_name).unwrap_or_default();
    above == "cur" || above == "new"
}

impl Iterator for Mailboxes {
    type Item = Result<Letter, MailError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((path, messages)) = &mut self.mbox {
                match messages.next() {
                    Some(Ok(message)) => {
                        self.read += message.contents().len() as u64;
                        return Some(Ok(in_mbox(message)));
                    }
                    Some(Err(error)) => {
                        let path = path.clone();
                        self.mbox = None;
                        return Some(Err(MailError { path, error }));
                    }
                    None => self.mbox = None,
                }
            } else if let Some(walk) = &mut self.walk {
                let entry = match walk.next() {
                    Some(Ok(entry)) => entry,
                    Some(Err(error)) => {
                        let path = error.path().unwrap_or(Path::new("")).to_owned();
                        let error = error.into();
                        return Some(Err(MailError { path, error }));
                    }
                    None => {
                        self.walk = None;
                        continue;
                    }
                };
                // What is written to `tmp` is not delivered yet.
                if entry.file_type().is_dir() && entry.file_name() == "tmp" && entry.depth() > 0 {
                    walk.skip_current_dir();
                    continue;
                }
                if !entry.file_type().is_file() {
                    continue;
                }
                let is_named = entry.depth() == 0;
                match self.open(entry.path(), is_named) {
                    Ok(Some(letter)) => return Some(Ok(letter)),
                    Ok(None) => {}
                    Err(error) => {
                        let path = entry.into_path();
                        return Some(Err(MailError { path, error }));
                    }
                }
            } else {
                let path = self.paths.pop_front()?;
                self.walk = Some(walkdir::WalkDir::new(path).sort_by_file_name().into_iter());
            }
        }
    }
}
