//! In: why a command could not run. Out: one line on standard error that names
//! the file and says what to do.

use super::{COULD_NOT_RUN, output};
use sievify::batch::{BatchError, MergeError};
use sievify::home::ReadError;
use sievify::ledger::Code;
use sievify::sieve::target::TargetError;
use sievify::translate::Bug;
use std::io;
use std::panic::PanicHookInfo;
use std::path::Path;
use thiserror::Error;

/// Why a command could not run.
#[derive(Debug, Error)]
pub enum Failure {
    /// A home, or a file of rules.
    #[error("{path}: {error}{}", way_out(error))]
    Rules { path: String, error: ReadError },
    /// A file of rules that holds something else.
    #[error("{path}: it is not a text file, so there are no rules in it")]
    Binary { path: String },
    /// A name that cannot be worked with.
    #[error("{path}: its name is not UTF-8: rename it, or copy it, first")]
    Name { path: String },
    /// No home was named, and there is none to take.
    #[error("$HOME is not set: name the home directory, as in `sievify translate /home/ann`")]
    NoHome,
    /// A file that the command line names.
    #[error("{path}: {}", reason(error))]
    Input { path: String, error: io::Error },
    /// Something could not be written.
    #[error("{what} could not be written: {}", reason(error))]
    Output { what: String, error: io::Error },
    /// Whoever read the output has gone away, and wants no more of it.
    #[error("nobody reads the output")]
    Unread,
    /// There is no such target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// There is no such code.
    #[error(
        "there is no code called `{name}`{} (`sievify explain` lists them all)",
        nearest.map_or(String::new(), |code| format!("; did you mean `{}`?", code.as_str()))
    )]
    Code { name: String, nearest: Option<Code> },
    /// There is no such command.
    #[error("there is no command called `{name}`: `sievify help` lists them all")]
    Command { name: String },
    /// A batch could not run.
    #[error("{0}")]
    Batch(BatchError),
    /// The parts of a batch could not be joined.
    #[error("{0}")]
    Merge(MergeError),
    /// No threads to work with.
    #[error("the threads that translate could not be started ({0}): try --jobs 1")]
    Threads(String),
    /// The script cannot be run here.
    #[error("the script cannot be run here, which is a bug in sievify: {0}")]
    Script(String),
    /// sievify is at fault, not the input.
    #[error("{path}: {bug}; nothing was written; please report it")]
    Bug { path: String, bug: Bug },
}

/// What the operating system said, in the words of a person.
fn reason(error: &io::Error) -> String {
    // Ours says more.
    if error.get_ref().is_some() {
        return error.to_string();
    }
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory: name a file".to_owned(),
        io::ErrorKind::NotADirectory => "it is a file: name a directory".to_owned(),
        io::ErrorKind::InvalidData => "it is not a text file".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error")
                .next()
                .unwrap_or_default()
                .to_lowercase()
        }
    }
}

/// What to do about a file of rules that is not read.
fn way_out(error: &ReadError) -> &'static str {
    match error {
        ReadError::Outside => ": name the file that the link leads to",
        ReadError::NotAFile => ": name a home directory, or a file of rules",
        _ => "",
    }
}

impl Failure {
    pub fn input(path: &Path, error: io::Error) -> Failure {
        let path = path.display().to_string();
        Failure::Input { path, error }
    }

    pub fn rules(path: &Path, error: ReadError) -> Failure {
        let path = path.display().to_string();
        Failure::Rules { path, error }
    }

    /// The exit status that tells of it.
    pub fn status(&self) -> u8 {
        match self {
            Failure::Unread => 0,
            _ => COULD_NOT_RUN,
        }
    }

    /// Prints it.
    pub fn tell(&self) {
        if !matches!(self, Failure::Unread) {
            output::problem("error", &self.to_string());
        }
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Failure {
        match error {
            BatchError::Input { path, error } => Failure::Input { path, error },
            BatchError::Output { path, error } => Failure::Output { what: path, error },
            error => Failure::Batch(error),
        }
    }
}

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Failure {
        match error {
            MergeError::Batch(error) => error.into(),
            error => Failure::Merge(error),
        }
    }
}

/// Says that the program panicked, which nothing in the input may cause.
pub fn fault(panic: &PanicHookInfo) {
    let message = format!("this is a bug in sievify, please report it: {panic}");
    output::problem("error", &message);
}
