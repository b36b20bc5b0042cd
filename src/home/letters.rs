//! In: a path that was named, with a user's mail at or below it. Out: the files
//! there, opened so that nothing that the user put there leads elsewhere.

use super::ReadError;
use super::beneath::Beneath;
use super::disk::{open_regular, read_error};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// One file, or a directory with files in it.
#[derive(Debug)]
pub struct MailPlace {
    beneath: Beneath,
    /// Its path without links.
    full: PathBuf,
    /// The one file that was named.
    file: Option<PathBuf>,
    /// Whoever runs this, and root: what lies in their directories they put
    /// there.
    trusted: [u32; 2],
}

impl MailPlace {
    /// Opens a place that was named. A link of a user's leads to that user's own.
    ///
    /// # Errors
    /// What the operating system says, and where such a link leads elsewhere.
    pub fn open(path: &Path) -> Result<MailPlace, ReadError> {
        let trusted = [0, rustix::process::geteuid().as_raw()];
        for part in path.ancestors().filter(|part| !part.as_os_str().is_empty()) {
            let link = fs::symlink_metadata(part).map_err(read_error)?;
            if link.is_symlink() && !trusted.contains(&link.uid()) {
                let target = fs::metadata(part).map_err(read_error)?;
                if target.uid() != link.uid() {
                    return Err(ReadError::Owner);
                }
            }
        }
        let full = fs::canonicalize(path).map_err(read_error)?;
        let (directory, file) = match (full.is_dir(), full.parent(), full.file_name()) {
            (false, Some(above), Some(name)) => (above, Some(PathBuf::from(name))),
            _ => (full.as_path(), None),
        };
        Ok(MailPlace {
            beneath: Beneath::open(directory)?,
            file,
            full,
            trusted,
        })
    }

    /// Its path without links.
    pub fn path(&self) -> &Path {
        &self.full
    }

    /// Opens the file that was named, or one below the directory, and says how
    /// long it is. In a directory of a user's, only that user's files are read.
    ///
    /// # Errors
    /// Why it is not read.
    pub fn read(&self, below: &Path) -> Result<(File, u64), ReadError> {
        let path = self.file.as_deref().unwrap_or(below);
        let above = match path.parent().filter(|above| !above.as_os_str().is_empty()) {
            Some(above) => self.beneath.status(above)?,
            None => self.beneath.own_status()?,
        };
        let is_users = !self.trusted.contains(&above.uid);
        let (file, status) = open_regular(&self.beneath, path, |found| {
            match is_users && found.uid != above.uid {
                true => Err(ReadError::Owner),
                false => Ok(()),
            }
        })?;
        Ok((file.into_std(), status.length))
    }
}
