//! In: a home, and the note of the last run. Out: whether everything that
//! was asked of the home then is answered alike now: then its report stands.

use super::output::names;
use super::rows::{Translated, user_of};
use super::write::{Changed, Directory};
use crate::home::{Home, Kind, ReadError, Stamp};
use csv::StringRecord;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::iter::Peekable;

/// The head of the list of notes.
pub(super) const SEEN: [&str; 2] = ["user", "note"];

/// The notes of the last run, in the order of its users.
pub(super) struct Notes {
    rows: Peekable<Box<dyn Iterator<Item = StringRecord>>>,
    /// When they were written, behind all else of that run.
    written: Option<Changed>,
}

impl Notes {
    /// Those in a directory. What cannot be read is no note.
    pub fn open(directory: Option<&Directory>) -> Self {
        let found = directory.and_then(|directory| directory.open(names::SEEN).ok()?);
        let rows = found.into_iter().flat_map(|(file, _)| {
            let rows = csv::Reader::from_reader(file).into_records();
            rows.map_while(Result::ok)
        });
        let rows: Box<dyn Iterator<Item = StringRecord>> = Box::new(rows);
        let written = directory.and_then(|directory| directory.length(names::SEEN).ok()?);
        Notes {
            rows: rows.peekable(),
            written: written.map(|(_, written)| written),
        }
    }

    /// The note on a user, and when it was written. Users are asked for in their order.
    pub fn of(&mut self, user: &str) -> Option<(String, Changed)> {
        let order = |row: &StringRecord| user_of(row.get(0).unwrap_or_default()).cmp(user);
        while { self.rows.next_if(|row| order(row) == Ordering::Less) }.is_some() {}
        let row = self.rows.next_if(|row| order(row) == Ordering::Equal)?;
        row.get(1).map(str::to_owned).zip(self.written)
    }
}

/// The note of a run about one home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// What the home was translated with: the program, the options, the user.
    pub with: u64,
    /// What was asked of the home, and the fingerprints of the answers.
    pub asked: Asked,
    /// The files that were written, and their lengths.
    pub files: Vec<(String, u64)>,
    /// What it came to.
    pub translated: Translated,
}

impl Note {
    /// The note that a text is.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether it was made with the same, and its files are all in the user's directory,
    /// as the run left them that has `written` the note.
    pub fn stands(&self, with: u64, directory: &Directory, written: Changed) -> bool {
        let is_there = |(name, length): &(String, u64)| matches!(directory.length(name), Ok(Some((found, changed))) if found == *length && changed <= written);
        self.with == with && self.files.iter().all(is_there)
    }

    /// The files that may have been changed since.
    pub fn changed(&self, directory: &Directory, written: Changed) -> Vec<String> {
        let is_other = |(name, length): &&(String, u64)| matches!(directory.length(name), Ok(Some((found, changed))) if found != *length || changed > written);
        let changed = self.files.iter().filter(is_other);
        changed.map(|(name, _)| name.clone()).collect()
    }

    /// What is to be known of a translation by the next run.
    pub fn new(with: u64, asked: Asked, translated: Translated) -> Self {
        let files = translated.files.iter();
        Note {
            with,
            asked,
            files: files
                .map(|(name, content)| ((*name).to_owned(), content.len() as u64))
                .collect(),
            translated,
        }
    }
}

/// What was asked of a home.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Asked {
    read: BTreeMap<String, Answer>,
    kind: BTreeMap<String, u64>,
    names: BTreeMap<String, Answer>,
}

/// An answer, by its fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    print: u64,
    /// Of the file or directory that was read. What changed while it was has
    /// none: while it is the same, so is the answer.
    stamp: Option<Stamp>,
}

impl Answer {
    /// Whether it still holds, by the stamp now or else by the answer now.
    fn holds(&self, stamp: Option<Stamp>, answer: impl FnOnce() -> u64) -> bool {
        self.stamp.is_some() && self.stamp == stamp || self.print == answer()
    }
}

impl Asked {
    /// Whether a home still gives the same answers.
    pub fn is_answered_alike(&self, home: &dyn Home) -> bool {
        let here = (!self.names.is_empty()).then(|| home.stamp("")).flatten();
        let read = |(path, answer): (&String, &Answer)| {
            let stamp = answer.stamp.and_then(|_| home.stamp(path));
            answer.holds(stamp, || of_file(home, path, &home.read(path)))
        };
        let kind = |(path, answer): (&String, &u64)| *answer == fingerprint(&home.kind(path));
        let names = |(prefix, answer): (&String, &Answer)| {
            answer.holds(here, || fingerprint(&home.names(prefix)))
        };
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
        let stamp = answer.is_ok().then(|| self.home.stamp(path)).flatten();
        let print = of_file(self.home, path, &answer);
        let mut asked = self.asked.borrow_mut();
        asked.read.insert(path.to_owned(), Answer { print, stamp });
        answer
    }

    fn is_open_to_all(&self, path: &str) -> bool {
        self.home.is_open_to_all(path)
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        let answer = self.home.kind(path);
        let mut asked = self.asked.borrow_mut();
        asked.kind.insert(path.to_owned(), fingerprint(&answer));
        answer
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let stamp = self.home.stamp("");
        let answer = self.home.names(prefix);
        let print = fingerprint(&answer);
        let mut asked = self.asked.borrow_mut();
        asked
            .names
            .insert(prefix.to_owned(), Answer { print, stamp });
        answer
    }
}

/// The fingerprint of a file that was read: what it says, and whether that counts.
fn of_file(home: &dyn Home, path: &str, answer: &Result<Vec<u8>, ReadError>) -> u64 {
    fingerprint(&(answer, home.is_open_to_all(path)))
}

/// A fingerprint that stays the same from run to run of one program. Whoever
/// forges one keeps their own old report, and nothing else.
pub(super) fn fingerprint(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::home::MemoryHome;

    /// A home of which only a stamp is asked, or all.
    struct Stamped(Option<Stamp>);

    impl Home for Stamped {
        fn read(&self, _: &str) -> Result<Vec<u8>, ReadError> {
            assert!(self.0.is_none(), "it was read");
            Ok(b"new".to_vec())
        }

        fn kind(&self, _: &str) -> Option<Kind> {
            None
        }

        fn names(&self, _: &str) -> Vec<String> {
            assert!(self.0.is_none(), "its names were read");
            Vec::new()
        }

        fn stamp(&self, _: &str) -> Option<Stamp> {
            self.0
        }
    }

    #[test]
    fn what_has_its_stamp_is_not_read_again() {
        let stamp: Stamp = serde_json::from_str("7").unwrap();
        let answer = |stamp| Answer { print: 1, stamp };
        let asked = |stamp| Asked {
            read: BTreeMap::from([("a".to_owned(), answer(stamp))]),
            names: BTreeMap::from([("a".to_owned(), answer(stamp))]),
            ..Asked::default()
        };
        assert!(asked(Some(stamp)).is_answered_alike(&Stamped(Some(stamp))));
        // Without a stamp, then or now, the answers count.
        assert!(!asked(Some(stamp)).is_answered_alike(&Stamped(None)));
        assert!(!asked(None).is_answered_alike(&Stamped(None)));
    }

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
