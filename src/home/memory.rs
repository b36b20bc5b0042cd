//! In: paths and bytes, put there by a test. Out: a [`Home`] made of them.

use super::{Home, Kind, ReadError};
use std::collections::{BTreeMap, BTreeSet};

/// A home that exists in memory only. Directories are there when a file is
/// below them, or when [`MemoryHome::directory`] named them.
#[derive(Debug, Clone, Default)]
pub struct MemoryHome {
    files: BTreeMap<String, Vec<u8>>,
    directories: BTreeSet<String>,
    open_to_all: BTreeSet<String>,
}

impl MemoryHome {
    /// A home without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, and the directories above it.
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        if let Some((above, _)) = path.rsplit_once('/') {
            self = self.directory(above);
        }
        self.files.insert(path.to_owned(), bytes.into());
        self
    }

    /// Lets every user write to a file.
    pub fn open_to_all(mut self, path: &str) -> Self {
        self.open_to_all.insert(path.to_owned());
        self
    }

    /// Adds a directory, and those above it.
    pub fn directory(mut self, path: &str) -> Self {
        let ends = path.match_indices('/').map(|(at, _)| at);
        for end in ends.chain([path.len()]) {
            self.directories.insert(path[..end].to_owned());
        }
        self
    }
}

impl Home for MemoryHome {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Err(ReadError::Outside);
        }
        match self.files.get(path) {
            Some(bytes) => Ok(bytes.clone()),
            None if self.directories.contains(path) => Err(ReadError::NotAFile),
            None => Err(ReadError::Missing),
        }
    }

    fn is_open_to_all(&self, path: &str) -> bool {
        self.open_to_all.contains(path)
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        if self.files.contains_key(path) {
            return Some(Kind::File);
        }
        let is_directory = |path: &str| self.directories.contains(path);
        is_directory(path).then(|| {
            let parts = ["cur", "new", "tmp"];
            match parts
                .iter()
                .all(|part| is_directory(&format!("{path}/{part}")))
            {
                true => Kind::Maildir,
                false => Kind::Directory,
            }
        })
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let names = self.files.keys().chain(&self.directories);
        let here = names.filter(|path| path.starts_with(prefix) && !path.contains('/'));
        here.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }
}
