//! The judges: real procmail, real Sieve engines, and what they did with a
//! message, as values that can be compared.

pub mod cell;
pub mod compare;
pub mod cyrus;
pub mod exim;
pub mod expressions;
pub mod forward;
pub mod interpreter;
pub mod mailer;
pub mod messages;
pub mod pigeonhole;
pub mod postfix;
pub mod procmail;
pub mod random;
pub mod recorder;
pub mod rules;
pub mod stalwart;
#[path = "../untested/mod.rs"]
pub mod untested;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The user whose mail is delivered, everywhere in the tests.
pub const USER: &str = "u";
/// The domain of that user.
pub const DOMAIN: &str = "example.org";
/// The user's home on the old machine.
pub const HOME: &str = "/home/u";

/// What the old machine is called.
pub const HOST: &str = "old.example.org";

/// One place where a message ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// A mailbox: an absolute path for procmail, a folder's name for Sieve.
    Mailbox(String),
    /// Another address.
    Redirect(String),
    /// The sender was told that the message was refused.
    Reject,
}

/// Everything that became of a message; empty where it is gone.
pub type Outcome = BTreeSet<Delivery>;

/// The files of a home, by their path relative to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    /// A home with nothing but a `.procmailrc`.
    pub fn procmailrc(text: &str) -> Self {
        Files(BTreeMap::from([(
            ".procmailrc".to_string(),
            text.as_bytes().to_vec(),
        )]))
    }

    /// What lies below a directory; links are not followed.
    pub fn read(directory: &Path) -> std::io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in walkdir::WalkDir::new(directory) {
            let entry = entry?;
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.path().strip_prefix(directory).unwrap();
            files.insert(
                path.to_string_lossy().into_owned(),
                std::fs::read(entry.path())?,
            );
        }
        Ok(Files(files))
    }

    /// Writes them below a directory.
    pub fn write(&self, directory: &Path) -> std::io::Result<()> {
        for (path, bytes) in &self.0 {
            let path = directory.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(directory))?;
            std::fs::write(path, bytes)?;
        }
        Ok(())
    }
}

/// Says that a judge is missing; panics where all are required.
pub fn missing(judge: &str) {
    untested::missing(judge, "install-oracles.sh");
}
