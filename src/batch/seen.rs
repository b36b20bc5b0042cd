//! In: a home, and the note of an earlier run. Out: whether everything that
//! was asked of the home then is answered alike now: then its report stands.

use crate::home::{Home, Kind, ReadError};
use crate::report::Summary;
use crate::report::code::Code;
use crate::rules::model::Format;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The note of a run about one home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// What the home was translated with: the program, the options, the user.
    pub with: u64,
    /// What was asked of the home, and the fingerprints of the answers.
    pub asked: Asked,
    /// The files that were written, and their lengths.
    pub files: Vec<(String, u64)>,
    pub counts: Summary,
    pub manual: BTreeSet<Code>,
    pub folders: Vec<(String, Format, String)>,
    pub redirects: Vec<String>,
}

/// What was asked of a home.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Asked {
    read: BTreeMap<String, u64>,
    kind: BTreeMap<String, u64>,
    names: BTreeMap<String, u64>,
}

impl Asked {
    /// Whether a home still gives the same answers.
    pub fn is_answered_alike(&self, home: &dyn Home) -> bool {
        let read = |(path, answer): (&String, &u64)| *answer == fingerprint(&home.read(path));
        let kind = |(path, answer): (&String, &u64)| *answer == kind_fingerprint(home.kind(path));
        let names = |(prefix, answer): (&String, &u64)| *answer == fingerprint(&home.names(prefix));
        self.read.iter().all(read) && self.kind.iter().all(kind) && self.names.iter().all(names)
    }
}

/// A home that notes what it is asked.
pub(super) struct Noting<'h> {
    home: &'h dyn Home,
    asked: RefCell<Asked>,
}

impl<'h> Noting<'h> {
    pub fn new(home: &'h dyn Home) -> Self {
        Noting {
            home,
            asked: RefCell::default(),
        }
    }

    pub fn asked(self) -> Asked {
        self.asked.into_inner()
    }
}

impl Home for Noting<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let answer = self.home.read(path);
        let print = fingerprint(&answer);
        let mut asked = self.asked.borrow_mut();
        asked.read.insert(path.to_owned(), print);
        answer
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        let answer = self.home.kind(path);
        let print = kind_fingerprint(answer);
        let mut asked = self.asked.borrow_mut();
        asked.kind.insert(path.to_owned(), print);
        answer
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let answer = self.home.names(prefix);
        let print = fingerprint(&answer);
        let mut asked = self.asked.borrow_mut();
        asked.names.insert(prefix.to_owned(), print);
        answer
    }
}

/// A fingerprint that stays the same from run to run of one program. Whoever
/// forges one keeps their own old report, and nothing else.
pub(super) fn fingerprint(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn kind_fingerprint(kind: Option<Kind>) -> u64 {
    fingerprint(&kind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::home::MemoryHome;

    #[test]
    fn a_changed_home_answers_otherwise() {
        let home = || MemoryHome::new().file("a", "1").directory("d");
        let before = home();
        let noting = Noting::new(&before);
        assert_eq!(noting.read("a").unwrap(), b"1");
        assert!(noting.read("b").is_err());
        assert_eq!(noting.kind("d"), Some(Kind::Directory));
        assert!(noting.names("a+").is_empty());
        let asked = noting.asked();
        assert!(asked.is_answered_alike(&before));
        assert!(asked.is_answered_alike(&home().file("unasked", "x")));
        for changed in [
            home().file("a", "2"),
            home().file("b", ""),
            home().file("a+x", ""),
            MemoryHome::new().file("a", "1"),
            home()
                .directory("d/cur")
                .directory("d/new")
                .directory("d/tmp"),
        ] {
            assert!(!asked.is_answered_alike(&changed));
        }
    }
}
