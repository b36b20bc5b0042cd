//! In: a directory of the output, names and bytes. Out: files that are whole or
//! absent, and left alone where they say the same already.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// Makes a directory that only its owner can look into, unless it is there.
///
/// # Errors
/// What the operating system says, and where something else than a directory
/// of one's own has the name: a link is not followed, and in a directory of
/// someone else files could be exchanged while they are written.
pub fn private_directory(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path)?;
            let refuse = |kind, why: &str| Err(io::Error::new(kind, why));
            if !found.is_dir() {
                return refuse(
                    io::ErrorKind::NotADirectory,
                    "something other than a directory has this name",
                );
            }
            if found.uid() != runner() {
                return refuse(
                    io::ErrorKind::PermissionDenied,
                    "the directory belongs to another user",
                );
            }
            if others_can_change(&found) {
                return refuse(
                    io::ErrorKind::PermissionDenied,
                    "every user can write to the directory",
                );
            }
            Ok(())
        }
        result => result,
    }
}

/// Makes sure that no other user can exchange a directory for another one:
/// that all above it belong to root or whoever runs this.
///
/// # Errors
/// Which one does not.
pub fn is_out_of_reach(path: &Path) -> io::Result<()> {
    let full = fs::canonicalize(path)?;
    for above in full.ancestors().skip(1) {
        let found = fs::metadata(above)?;
        let is_ours = [0, runner()].contains(&found.uid());
        if !is_ours || others_can_change(&found) {
            let why = format!(
                "another user could exchange it, by way of {}",
                above.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
    }
    Ok(())
}

/// Whether users can rename what others have in a directory.
fn others_can_change(directory: &fs::Metadata) -> bool {
    directory.mode() & 0o002 != 0 && directory.mode() & 0o1000 == 0
}

fn runner() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A file that is not yet in its place. Dropped, it leaves nothing behind.
pub struct Draft {
    file: tempfile::NamedTempFile,
}

impl Draft {
    /// A new file in a directory; only its owner can read it.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new(directory: &Path) -> io::Result<Draft> {
        let file = tempfile::Builder::new()
            .prefix(".writing-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)?;
        Ok(Draft { file })
    }

    /// Renames it to its place in the same directory; `false` where the file
    /// there has this content already, and stays.
    ///
    /// # Errors
    /// What the operating system says; the file there is then as it was.
    pub fn persist(mut self, directory: &Path, name: &str) -> io::Result<bool> {
        self.file.flush()?;
        let path = directory.join(name);
        if same(&path, self.file.path())? {
            return Ok(false);
        }
        self.file.persist(&path).map_err(|error| error.error)?;
        Ok(true)
    }
}

impl Write for Draft {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Whether two files have the same content; the first may be missing.
fn same(path: &Path, other: &Path) -> io::Result<bool> {
    let length = fs::metadata(other)?.len();
    match regular_length(path)? {
        Some(found) if found == length => {}
        _ => return Ok(false),
    }
    let mut left = BufReader::new(File::open(path)?);
    let mut right = BufReader::new(File::open(other)?);
    loop {
        let (a, b) = (left.fill_buf()?, right.fill_buf()?);
        let length = a.len().min(b.len());
        if a[..length] != b[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        left.consume(length);
        right.consume(length);
    }
}

/// Writes a file beside its place and renames it there; `false` where it had
/// this content already. Only its owner can read it.
///
/// # Errors
/// What the operating system says; the file is then as it was before.
pub fn replace(directory: &Path, name: &str, content: &[u8]) -> io::Result<bool> {
    let path = directory.join(name);
    if regular_length(&path)? == Some(content.len() as u64) && fs::read(&path)? == content {
        return Ok(false);
    }
    let mut draft = Draft::new(directory)?;
    draft.write_all(content)?;
    draft.file.persist(&path).map_err(|error| error.error)?;
    Ok(true)
}

/// The length of a regular file; `None` where there is none of that name.
///
/// # Errors
/// What the operating system says.
pub fn regular_length(path: &Path) -> io::Result<Option<u64>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes what an interrupted run left half-written.
///
/// # Errors
/// What the operating system says.
pub fn sweep(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(".writing-")
            && entry.file_type()?.is_file()
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Waits until all that was written below a directory is on disk.
///
/// # Errors
/// What the operating system says: not all is.
pub fn settle(directory: &Path) -> io::Result<()> {
    rustix::fs::syncfs(File::open(directory)?).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_same_content_is_not_written_again() {
        let stage = tempfile::tempdir().unwrap();
        let file = stage.path().join("a");
        assert!(replace(stage.path(), "a", b"one").unwrap());
        let before = fs::metadata(&file).unwrap();
        assert_eq!(before.mode() & 0o777, 0o600);
        assert!(!replace(stage.path(), "a", b"one").unwrap());
        assert_eq!(fs::metadata(&file).unwrap().ino(), before.ino());
        assert!(replace(stage.path(), "a", b"two").unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(stage.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_are_replaced_and_not_followed() {
        let stage = tempfile::tempdir().unwrap();
        let out = stage.path().join("out");
        private_directory(&out).unwrap();
        assert_eq!(fs::metadata(&out).unwrap().mode() & 0o777, 0o700);
        let outside = stage.path().join("outside");
        fs::write(&outside, "precious").unwrap();
        symlink(&outside, out.join("a")).unwrap();
        assert!(replace(&out, "a", b"precious").unwrap());
        assert!(fs::symlink_metadata(out.join("a")).unwrap().is_file());
        assert!(replace(&out, "a", b"mine").unwrap());
        assert_eq!(fs::read(&outside).unwrap(), b"precious");
        symlink(stage.path(), out.join("user")).unwrap();
        assert!(private_directory(&out.join("user")).is_err());
    }

    #[test]
    fn half_written_files_are_swept() {
        let stage = tempfile::tempdir().unwrap();
        fs::write(stage.path().join(".writing-x"), "half").unwrap();
        fs::write(stage.path().join("whole"), "whole").unwrap();
        sweep(stage.path()).unwrap();
        assert_eq!(fs::read_dir(stage.path()).unwrap().count(), 1);
        settle(stage.path()).unwrap();
    }
}
