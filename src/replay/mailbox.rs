//! In: paths. Out: the messages in them, one after the other; no more than one
//! is held in memory.

use super::letter::{Letter, Postmark};
use crate::home::{FROM, MailPlace, ReadError, Splitter};
use crate::rules::program::is_field_name;
use mail_parser::mailbox::mbox::MessageIterator;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
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
    /// It was named as mail or lies where mail does, and is none.
    #[error(
        "it holds no mail: it begins neither with a field such as `Subject: …` nor with `From `, as a mailbox file does"
    )]
    NoMail,
    /// It is compressed.
    #[error("it is compressed with {0}: name a copy that is not")]
    Packed(&'static str),
}

fn too_large() -> ReadError {
    let limit = MAX_MESSAGE >> 20;
    ReadError::Limit(format!("a message in it is larger than {limit} MiB"))
}

/// The messages of an mbox that is open.
struct Messages {
    path: PathBuf,
    file: BufReader<File>,
    splitter: Splitter,
    /// A message has begun and not ended.
    has_begun: bool,
    /// Bytes of the file that were read.
    read: u64,
}

impl Messages {
    fn new(path: &Path, file: BufReader<File>) -> Self {
        Messages {
            path: path.to_owned(),
            file,
            splitter: Splitter::default(),
            has_begun: false,
            read: 0,
        }
    }

    /// Reads on to the beginning of the next message, or to the end, and gives back
    /// what ends there. One that is too large is read, but not kept.
    fn read(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut text = FROM.to_vec();
        let mut size = 0;
        loop {
            let buffer = self.file.fill_buf().map_err(failed)?;
            let beginning = self.splitter.next_in(buffer);
            let length = beginning.unwrap_or(buffer.len());
            let piece = buffer.get(..length).unwrap_or_default();
            size += length as u64;
            match size > MAX_MESSAGE {
                true => text = Vec::new(),
                false => text.extend_from_slice(piece),
            }
            self.file.consume(length);
            if beginning.is_some() {
                text.truncate(text.len().saturating_sub(FROM.len()));
            }
            if beginning.is_some() || length == 0 {
                self.has_begun = beginning.is_some();
                self.read += size;
                return match size > MAX_MESSAGE {
                    true => Err(too_large()),
                    false => Ok(text),
                };
            }
        }
    }
}

/// Each message, from its `From ` on.
impl Iterator for Messages {
    type Item = Result<Vec<u8>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.has_begun {
            // Empty lines stand before the first.
            if let Err(error) = self.read() {
                return Some(Err(error));
            }
        }
        self.has_begun.then(|| self.read())
    }
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
        let start = file.fill_buf().map_err(failed)?;
        let packer = packer(start);
        if begins_as_mbox(start) && !is_in_maildir(path) {
            self.mbox = Some(Messages::new(path, file));
            return Ok(None);
        }
        self.read += size;
        if !is_named && !holds_a_message(path) {
            return Ok(None);
        }
        if let Some(packer) = packer {
            return Err(Unread::Packed(packer));
        }
        let mut text = Vec::new();
        // It may be growing.
        let mut file = file.take(MAX_MESSAGE + 1);
        if size > MAX_MESSAGE || file.read_to_end(&mut text).map_err(failed)? as u64 > MAX_MESSAGE {
            return Err(too_large().into());
        }
        // A mailbox from which all mail was taken.
        if is_named && text.is_empty() {
            return Ok(None);
        }
        let has_postmark = text.starts_with(FROM);
        if !has_postmark && !begins_with_field(&text) {
            return Err(Unread::NoMail);
        }
        let letter = match has_postmark {
            true => in_mbox(&text),
            false => Letter::new(text, None),
        };
        Ok(Some(shallow(letter)?))
    }
}

/// Whether a file begins with the line of the mbox format; empty lines may stand
/// before it.
fn begins_as_mbox(start: &[u8]) -> bool {
    let mut lines = start.split_inclusive(|&byte| byte == b'\n');
    let first = lines.find(|line| !matches!(line, [b'\n'] | [b'\r', b'\n']));
    first.is_some_and(|first| first.starts_with(FROM))
}

/// The program that packed a file, as some servers store mail.
fn packer(start: &[u8]) -> Option<&'static str> {
    const PACKERS: [(&[u8], &str); 3] = [
        (b"\x1f\x8b", "gzip"),
        (b"BZh", "bzip2"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
    ];
    let packer = PACKERS.iter().find(|(magic, _)| start.starts_with(magic));
    packer.map(|&(_, packer)| packer)
}

/// Whether a text begins as a message does: with the name of a field, or with the
/// quoted line of a mailbox file, which some programs left in.
fn begins_with_field(text: &[u8]) -> bool {
    let is_blank = text.starts_with(b"\n") || text.starts_with(b"\r\n");
    let name = memchr::memchr(b':', text).and_then(|colon| text.get(..colon));
    let is_field = name.is_some_and(|name| is_field_name(&String::from_utf8_lossy(name)));
    is_blank || is_field || text.starts_with(b">From ")
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

/// The letter below the line of the mbox format.
fn in_mbox(message: &[u8]) -> Letter {
    let mut lines = message.split_inclusive(|&byte| byte == b'\n');
    let line = lines.next().unwrap_or_default();
    let mut text = Vec::with_capacity(message.len());
    lines.for_each(|line| text.extend_from_slice(unquoted(line)));
    // The empty line before the next message is not part of this one.
    if text.ends_with(b"\n\n") {
        text.pop();
    }
    let read = MessageIterator::new(line).next().and_then(Result::ok);
    let postmark = read.map(|read| {
        // The reader of the format ends it at a blank, also within quotes.
        let sender = read.from();
        let is_whole = sender.matches('"').count().is_multiple_of(2);
        Postmark {
            sender: if is_whole { sender } else { "" }.to_owned(),
            received: i64::try_from(read.internal_date()).unwrap_or(0),
        }
    });
    Letter::new(text, postmark)
}

/// A line of a message without the sign that keeps it from beginning one.
fn unquoted(line: &[u8]) -> &[u8] {
    let begins_one = |rest: &&[u8]| {
        let text = rest.iter().skip_while(|&&byte| byte == b'>');
        text.take(FROM.len()).eq(FROM)
    };
    line.strip_prefix(b">").filter(begins_one).unwrap_or(line)
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
                let before = mbox.read;
                let message = mbox.next();
                self.read += mbox.read - before;
                let path = mbox.path.clone();
                // Behind a message that is too large there are others.
                if matches!(message, None | Some(Err(ReadError::Io(_)))) {
                    self.mbox = None;
                }
                if let Some(message) = message {
                    let letter = message.and_then(|message| shallow(in_mbox(&message)));
                    return Some(letter.map_err(|error| MailError {
                        path,
                        error: error.into(),
                    }));
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
