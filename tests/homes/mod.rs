//! In: nothing. Out: the homes of `../shared/corpus/homes`, where these are there.

#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// The homes, in order; none where they are not there.
pub fn homes() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/homes");
    let Ok(entries) = fs::read_dir(&root) else {
        crate::untested::untested(&format!("there are no homes in {}", root.display()));
        return Vec::new();
    };
    let mut homes: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    homes.sort();
    homes
}
