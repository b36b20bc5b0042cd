//! In: paths. Out: the messages in them, one after the other; no more than one
//! is held in memory.

use super::letter::{Letter, Postmark};
use crate::home::{MailPlace, ReadError};
use crate::rules::program::is_field_name;
use mail_parser::mailbox::mbox::MessageIterator;
use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use thiserror::Error;

/// Bytes of a message; no server takes a larger one.
const MAX_MESSAGE: u64 = 100 << 20;

/// A mailbox that cannot be read.
#[derive(Debug, Error)]
#[error("{}: {error}", path.display())]
pub struct MailError {
    /// Its path.
    pub path: PathBuf,
    /// Why.
    pub error: Unread,
}

/// Why there is no message.
#[derive(Debug, Error)]
pub enum Unread {
    /// The file could not be read.
    #[error("{0}")]
    File(#[from] ReadError),
    /// It was named as mail, and is none.
    #[error(
        "it holds no mail: it begins neither with a field such as `Subject: …` nor with `From `, as a mailbox file does"
    )]
    NoMail,
}

fn too_large() -> ReadError {
    let limit = MAX_MESSAGE >> 20;
    ReadError::Limit(format!("a message in it is larger than {limit} MiB"))
}

/// What is read for one message of an mbox, within its limit.
struct Mbox {
    file: BufReader<File>,
    left: Rc<Cell<u64>>,
}

impl Read for Mbox {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Mbox {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.left.get() {
            0 => Err(io::Error::other(too_large())),
            _ => self.file.fill_buf(),
        }
    }

    fn consume(&mut self, length: usize) {
        let left = self.left.get().saturating_sub(length as u64);
        self.left.set(left);
        self.file.consume(length);
    }
}

/// The messages of an mbox that is open.
struct Messages {
    path: PathBuf,
    messages: MessageIterator<Mbox>,
    left: Rc<Cell<u64>>,
}

/// The messages of several mailboxes: mbox files, Maildirs with the folders in
/// them, directories of messages, single messages.
pub struct Mailboxes {
    paths: VecDeque<PathBuf>,
    walk: Option<(MailPlace, walkdir::IntoIter)>,
    mbox: Option<Messages>,
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
        let full = paths.iter().flat_map(|path| path.canonicalize());
        let files = full.flat_map(walkdir::WalkDir::new);
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

    /// The letter in a file; those of an mbox come next.
    fn open(
        &mut self,
        place: &MailPlace,
        below: &Path,
        path: &Path,
    ) -> Result<Option<Letter>, Unread> {
        let (file, size) = place.read(below)?;
        let is_named = below.as_os_str().is_empty();
        let mut file = BufReader::new(file);
        let is_mbox = file.fill_buf().map_err(failed)?.starts_with(b"From ");
        if is_mbox && !is_in_maildir(path) {
            let left = Rc::new(Cell::new(0));
            let mbox = Mbox {
                file,
                left: left.clone(),
            };
            self.mbox = Some(Messages {
                path: path.to_owned(),
                messages: MessageIterator::new(mbox),
                left,
            });
            return Ok(None);
        }
        self.read += size;
        if !is_named && !holds_a_message(path) {
            return Ok(None);
        }
        let mut text = Vec::new();
        // It may be growing.
        let mut file = file.take(MAX_MESSAGE + 1);
        if size > MAX_MESSAGE || file.read_to_end(&mut text).map_err(failed)? as u64 > MAX_MESSAGE {
            return Err(too_large().into());
        }
        match is_named && !is_mbox {
            // A mailbox from which all mail was taken.
            true if text.is_empty() => return Ok(None),
            true if !begins_with_field(&text) => return Err(Unread::NoMail),
            _ => {}
        }
        let postmark = match is_mbox {
            true => MessageIterator::new(text.as_slice()).next(),
            false => None,
        };
        let letter = match postmark.transpose().map_err(failed)? {
            Some(message) => in_mbox(message),
            None => Letter::new(text, None),
        };
        Ok(Some(shallow(letter)?))
    }
}

/// Whether a text begins as a message does: with the name of a field.
fn begins_with_field(text: &[u8]) -> bool {
    let name = text.split(|&byte| byte == b':').next();
    let is_blank = text.starts_with(b"\n") || text.starts_with(b"\r\n");
    is_blank || name.is_some_and(|name| is_field_name(&String::from_utf8_lossy(name)))
}

/// A letter that can be looked at.
fn shallow(letter: Letter) -> Result<Letter, ReadError> {
    match letter.is_too_deep() {
        true => Err(ReadError::Limit(
            "a message in it has too many parts in each other".to_owned(),
        )),
        false => Ok(letter),
    }
}

fn failed(error: io::Error) -> ReadError {
    ReadError::Io(error.to_string())
}

fn in_mbox(message: mail_parser::mailbox::mbox::Message) -> Letter {
    // The reader of the format ends it at a blank, also within quotes.
    let sender = message.from();
    let is_whole = sender.matches('"').count().is_multiple_of(2);
    let postmark = Postmark {
        sender: if is_whole { sender } else { "" }.to_owned(),
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
            if let Some(mbox) = &mut self.mbox {
                mbox.left.set(MAX_MESSAGE);
                match mbox.messages.next() {
                    Some(Ok(message)) => {
                        self.read += message.contents().len() as u64;
                        let path = &mbox.path;
                        return Some(shallow(in_mbox(message)).map_err(|error| MailError {
                            path: path.clone(),
                            error: error.into(),
                        }));
                    }
                    Some(Err(error)) => {
                        let path = mbox.path.clone();
                        let error = failed(error).into();
                        self.mbox = None;
                        return Some(Err(MailError { path, error }));
                    }
                    None => self.mbox = None,
                }
            } else if let Some((place, mut walk)) = self.walk.take() {
                let Some(entry) = walk.next() else {
                    continue;
                };
                let letter = entry.map_err(|error| {
                    let path = error.path().unwrap_or(Path::new("")).to_owned();
                    let error = failed(error.into()).into();
                    MailError { path, error }
                });
                let root = place.path();
                let letter = letter.and_then(|entry| {
                    // What is written to `tmp` is not delivered yet.
                    let is_below = entry.depth() > 0;
                    if entry.file_type().is_dir() && entry.file_name() == "tmp" && is_below {
                        walk.skip_current_dir();
                    }
                    if !entry.file_type().is_file() {
                        return Ok(None);
                    }
                    let path = entry.into_path();
                    let below = path.strip_prefix(root).unwrap_or(&path);
                    self.open(&place, below, &path)
                        .map_err(|error| MailError { path, error })
                });
                self.walk = Some((place, walk));
                if let Some(letter) = letter.transpose() {
                    return Some(letter);
                }
            } else {
                let path = self.paths.pop_front()?;
                match MailPlace::open(&path) {
                    Ok(place) => {
                        let walk = walkdir::WalkDir::new(place.path()).sort_by_file_name();
                        self.walk = Some((place, walk.into_iter()));
                    }
                    Err(error) => {
                        let error = error.into();
                        return Some(Err(MailError { path, error }));
                    }
                }
            }
        }
    }
}
