//! In: why a command could not run. Out: one line on standard error that names
//! the file and says what to do.

use super::output;
use sievify::home::ReadError;
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
    #[error("{path}: {error}")]
    Rules { path: String, error: ReadError },
    /// A file of rules that holds something else.
    #[error("{path}: it is not a text file, so it holds no rules")]
    Binary { path: String },
    /// A name that cannot be worked with.
    #[error("{path}: its name is not UTF-8; rename or copy it first")]
    Name { path: String },
    /// No home was named, and there is none to take.
    #[error("$HOME is not set: name the home directory, as in `sievify translate /home/ann`")]
    NoHome,
    /// A file the user of the program names on the command line.
    #[error("{path}: {error}")]
    Input { path: String, error: io::Error },
    /// Something could not be written.
    #[error("{what} could not be written: {error}")]
    Output { what: String, error: io::Error },
    /// There is no such target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// sievify is at fault, not the input.
    #[error("{path}: {bug}; nothing was written; please report it")]
    Bug { path: String, bug: Bug },
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

    /// Prints it.
    pub fn tell(&self) {
        output::problem("error", &self.to_string());
    }
}

/// Says that the program panicked, which nothing in the input may cause.
pub fn fault(panic: &PanicHookInfo) {
    let message = format!("this is a bug in sievify, please report it: {panic}");
    output::problem("error", &message);
}
