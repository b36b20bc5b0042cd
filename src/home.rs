//! In: a home directory. Out: the bytes of the files the rules consist of.
//! The only code that reads a user's rules; it trusts nothing in them.

mod beneath;
mod disk;
mod letters;
mod mailbox;
mod mbox;
mod memory;
mod status;

pub use disk::{DiskHome, Limits, SharedDirectory};
pub use letters::MailPlace;
pub use mailbox::{Format, MailboxSize};
pub use mbox::{FROM, Splitter};
pub use memory::MemoryHome;
pub use status::{Place, Stamp};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What stands at a path below the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A directory with `cur`, `new` and `tmp` in it.
    Maildir,
}

/// Why a file could not be read. Never holds a byte of the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Error)]
pub enum ReadError {
    /// There is nothing of that name.
    #[error("there is no such file")]
    Missing,
    /// A directory, FIFO, device or socket.
    #[error("it is not a regular file")]
    NotAFile,
    /// The path, or a link on it, leads out of the home.
    #[error("it lies outside the home directory")]
    Outside,
    /// It is owned by neither the home's owner nor root.
    #[error("it belongs to another user")]
    Owner,
    /// Every user of the old host could have written it.
    #[error("every user can write to it")]
    OpenToAll,
    /// It is root's and has a second name, so that anyone may have put it here.
    #[error("it belongs to root and has a second name elsewhere")]
    Linked,
    /// A limit was passed; the text says which.
    #[error("{0}")]
    Limit(String),
    /// What the operating system said.
    #[error("{0}")]
    Io(String),
}

/// Where the core asks for files. Paths are relative to the home, normal
/// (no `.` or `..`), with `/` between their parts. To read an absolute path is
/// to ask for a file outside, which most homes refuse.
pub trait Home {
    /// The bytes of a file.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;
    /// What stands at a path, where anything does.
    fn kind(&self, path: &str) -> Option<Kind>;
    /// Whether every user of the old host could have written a file that was read.
    fn is_open_to_all(&self, _path: &str) -> bool {
        false
    }
    /// The names in the home itself that begin so, in order.
    fn names(&self, prefix: &str) -> Vec<String>;
    /// A stamp of the file at a path; `""` is the home itself, whose stamp is that
    /// of its names. While it stays the same, so does what stands there. `None`
    /// where there is nothing, or no stamp can be had.
    fn stamp(&self, _path: &str) -> Option<Stamp> {
        None
    }
}
