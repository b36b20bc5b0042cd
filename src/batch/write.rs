//! In: a directory of the output, names and bytes. Out: files that are whole or
//! absent, and left alone where they say the same already.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Makes a directory that only its owner can look into, unless it is there.
///
/// # Errors
/// What the operating system says, and where something else than a directory
/// has the name: a link is not followed.
pub fn private_directory(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match fs::symlink_metadata(path)?.is_dir() {
                true => Ok(()),
                false => Err(io::Error::new(
                    io::ErrorKind::NotADirectory,
                    "something other than a directory has this name",
                )),
            }
        }
        result => result,
    }
}

/// Writes a file beside its place and renames it there; `false` where it had
/// this content already. Only its owner can read it.
///
/// # Errors
/// What the operating system says; the file is then as it was before.
pub fn replace(directory: &Path, name: &str, content: &[u8]) -> io::Result<bool> {
    let path = directory.join(name);
    if holds(&path, content)? {
        return Ok(false);
    }
    let mut file = tempfile::Builder::new()
        .prefix(".writing-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(directory)?;
    file.write_all(content)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(true)
}

/// Whether a regular file of that name has exactly this content.
fn holds(path: &Path, content: &[u8]) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() == content.len() as u64 => {
            Ok(fs::read(path)? == content)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
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
    use std::os::unix::fs::{MetadataExt, symlink};

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
