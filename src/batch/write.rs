//! In: a directory of the output, names and bytes. Out: files that are whole or
//! absent, and left alone where they say the same already.

use crate::home::Place;
use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A directory of the output. It is held open: what is written to it cannot end
/// elsewhere, whatever becomes of its path.
#[derive(Debug)]
pub struct Directory {
    file: File,
    path: PathBuf,
    /// There was none of this name before: no run left anything in it.
    is_new: bool,
}

/// When a file changed last, in any way, which no user can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed(i64, i64);

impl Changed {
    // The fields have other types on other systems.
    #[allow(clippy::unnecessary_cast)]
    fn of(found: &Stat) -> Self {
        Changed(found.st_ctime as i64, found.st_ctime_nsec as i64)
    }
}

impl Directory {
    /// Opens the directory of a file that whoever runs this named, whosesoever it is.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn around(file: &Path) -> io::Result<Directory> {
        let above = file.parent().filter(|above| !above.as_os_str().is_empty());
        let path = above.unwrap_or(Path::new("."));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Directory {
            file: File::from(opened),
            path: path.to_owned(),
            is_new: false,
        })
    }

    /// Opens a directory which only its owner can look into, or makes it.
    ///
    /// # Errors
    /// What the operating system says, and where something else than a directory
    /// of one's own has the name: a link is not followed, and in a directory of
    /// someone else files could be exchanged while they are written.
    pub fn private(path: &Path) -> io::Result<Directory> {
        private(CWD, path, path.to_owned())
    }

    /// One that lies in this one, as by [`Directory::private`].
    ///
    /// # Errors
    /// As there.
    pub fn below(&self, name: &str) -> io::Result<Directory> {
        private(self.file.as_fd(), Path::new(name), self.path.join(name))
    }

    /// Keeps other runs out of the directory, as long as it is open; where it is
    /// `shared`, those that share it may come in. File systems that know no locks have
    /// none.
    ///
    /// # Errors
    /// Where another run is there already.
    pub fn lock(&self, shared: bool) -> io::Result<()> {
        let operation = match shared {
            true => FlockOperation::NonBlockingLockShared,
            false => FlockOperation::NonBlockingLockExclusive,
        };
        match rustix::fs::flock(&self.file, operation) {
            Err(Errno::WOULDBLOCK) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "another run of sievify is writing there",
            )),
            _ => Ok(()),
        }
    }

    /// Which directory it is.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn place(&self) -> io::Result<Place> {
        Place::of(&self.file)
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a file has this content.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn has(&self, name: &str, content: &[u8]) -> io::Result<bool> {
        if self.is_new {
            return Ok(false);
        }
        match self.open(name)? {
            Some((file, length)) if length == content.len() as u64 => {
                let mut there = Vec::with_capacity(content.len());
                file.take(length).read_to_end(&mut there)?;
                Ok(there == content)
            }
            _ => Ok(false),
        }
    }

    /// Writes a file beside its place and renames it there. Only its owner can
    /// read it.
    ///
    /// # Errors
    /// What the operating system says; the file is then as it was before.
    pub fn put(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut draft = Draft::new(self, name)?;
        draft.write_all(content)?;
        draft.put_in_place()
    }

    /// The length of a regular file, and when it changed last; `None` where there is
    /// none of that name.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn length(&self, name: &str) -> io::Result<Option<(u64, Changed)>> {
        match rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(regular_length(&found).map(|length| (length, Changed::of(&found)))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A regular file and its length; `None` where there is none.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(&self, name: &str) -> io::Result<Option<(File, u64)>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.file, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            // The last is what a socket says.
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let length = regular_length(&rustix::fs::fstat(&file)?);
        Ok(length.map(|length| (file, length)))
    }

    /// Removes a file, where there is one.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.file, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Removes what an interrupted run left half-written.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn sweep(&self) -> io::Result<()> {
        if self.is_new {
            return Ok(());
        }
        for entry in rustix::fs::Dir::read_from(&self.file)? {
            let entry = entry?;
            if entry.file_name().to_bytes().starts_with(WRITING.as_bytes())
                && entry.file_type() == FileType::RegularFile
            {
                rustix::fs::unlinkat(&self.file, entry.file_name(), AtFlags::empty())?;
            }
        }
        Ok(())
    }

    /// Waits until all that was written below it is on disk.
    ///
    /// # Errors
    /// What the operating system says: not all is.
    pub fn settle(&self) -> io::Result<()> {
        rustix::fs::syncfs(&self.file).map_err(io::Error::from)
    }
}

/// Makes sure that no other user can exchange what a path leads to: that all
/// above it belong to root or whoever runs this.
///
/// # Errors
/// Which one does not.
pub fn is_out_of_reach(path: &Path) -> io::Result<()> {
    let full = fs::canonicalize(path)?;
    for above in full.ancestors().skip(1) {
        let found = fs::metadata(above)?;
        let is_ours = [0, runner()].contains(&found.uid());
        if !is_ours || others_can_change(found.mode()) {
            let why = format!(
                "another user could exchange it, by way of {}",
                above.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
    }
    Ok(())
}

/// Opens or makes a directory by its name in another one.
fn private(parent: BorrowedFd, name: &Path, path: PathBuf) -> io::Result<Directory> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(parent, name, flags, Mode::empty());
    let refuse = |kind, why: &str| Err(io::Error::new(kind, why));
    let (opened, is_new) = match open() {
        Err(Errno::NOENT) => {
            let is_new = match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
                Err(Errno::EXIST) => false,
                made => made.map(|()| true)?,
            };
            (open(), is_new)
        }
        opened => (opened, false),
    };
    let file = match opened {
        Ok(file) => File::from(file),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            return refuse(
                io::ErrorKind::NotADirectory,
                "something other than a directory has this name",
            );
        }
        Err(error) => return Err(error.into()),
    };
    let found = rustix::fs::fstat(&file)?;
    if found.st_uid != runner() {
        return refuse(
            io::ErrorKind::PermissionDenied,
            "the directory belongs to another user",
        );
    }
    if others_can_change(found.st_mode) {
        return refuse(
            io::ErrorKind::PermissionDenied,
            "every user can write to the directory",
        );
    }
    Ok(Directory { file, path, is_new })
}

/// Whether users can rename what others have in a directory of this mode.
fn others_can_change(mode: u32) -> bool {
    mode & 0o002 != 0 && mode & 0o1000 == 0
}

fn regular_length(found: &Stat) -> Option<u64> {
    let is_file = FileType::from_raw_mode(found.st_mode).is_file();
    is_file.then(|| u64::try_from(found.st_size).unwrap_or(0))
}

fn runner() -> u32 {
    static RUNNER: LazyLock<u32> = LazyLock::new(|| rustix::process::geteuid().as_raw());
    *RUNNER
}

/// How the names of files begin that are not yet in their places.
const WRITING: &str = ".writing-";

/// A file that is not yet in its place. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Draft<'d> {
    directory: &'d Directory,
    name: String,
    file: File,
    is_in_place: bool,
}

impl<'d> Draft<'d> {
    /// A new file beside its place in a directory; only its owner can read it.
    ///
    /// # Errors
    /// What the operating system says; also where another run is writing it.
    pub fn new(directory: &'d Directory, name: &str) -> io::Result<Draft<'d>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = match rustix::fs::openat(&directory.file, writing(name), flags, mode) {
            Err(Errno::EXIST) => {
                let left = writing(name);
                let why = format!("another run is writing it, or one that was killed left {left}");
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
            }
            opened => opened?,
        };
        Ok(Draft {
            directory,
            name: name.to_owned(),
            file: File::from(file),
            is_in_place: false,
        })
    }

    /// Renames it to its place; `false` where the file there has this content
    /// already, and stays.
    ///
    /// # Errors
    /// What the operating system says; the file there is then as it was.
    pub fn persist(mut self) -> io::Result<bool> {
        let is_new = !self.says_the_same()?;
        if is_new {
            self.put_in_place()?;
        }
        Ok(is_new)
    }

    fn put_in_place(&mut self) -> io::Result<()> {
        let directory = &self.directory.file;
        rustix::fs::renameat(directory, writing(&self.name), directory, &self.name)?;
        self.is_in_place = true;
        Ok(())
    }

    /// Whether the file that is in the place has the same content.
    fn says_the_same(&mut self) -> io::Result<bool> {
        use std::io::Seek;
        let Some((there, length)) = self.directory.open(&self.name)? else {
            return Ok(false);
        };
        if length != self.file.metadata()?.len() {
            return Ok(false);
        }
        self.file.rewind()?;
        let mut left = BufReader::new(there);
        let mut right = BufReader::new(&self.file);
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
}

fn writing(name: &str) -> String {
    format!("{WRITING}{name}")
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.is_in_place {
            // Left behind, it is swept by the next run.
            let name = writing(&self.name);
            let _ = rustix::fs::unlinkat(&self.directory.file, name, AtFlags::empty());
        }
    }
}

impl Write for Draft<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_same_content_is_not_written_again() {
        let stage = tempfile::tempdir().unwrap();
        let out = Directory::private(&stage.path().join("out")).unwrap();
        let file = stage.path().join("out/a");
        out.put("a", b"one").unwrap();
        let before = fs::metadata(&file).unwrap();
        assert_eq!(before.mode() & 0o777, 0o600);
        let out = Directory::private(&stage.path().join("out")).unwrap();
        assert!(out.has("a", b"one").unwrap());
        assert_eq!(fs::metadata(&file).unwrap().ino(), before.ino());
        assert!(!out.has("a", b"two").unwrap() && !out.has("a", b"").unwrap());
        out.put("a", b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        let draft = |content: &[u8]| {
            let mut draft = Draft::new(&out, "a").unwrap();
            draft.write_all(content).unwrap();
            draft
        };
        assert!(!draft(b"two").persist().unwrap());
        assert!(draft(b"six").persist().unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"six");
        drop(draft(b"ten"));
        assert_eq!(fs::read_dir(stage.path().join("out")).unwrap().count(), 1);
    }

    #[test]
    fn links_are_replaced_and_not_followed() {
        let stage = tempfile::tempdir().unwrap();
        let out = stage.path().join("out");
        drop(Directory::private(&out).unwrap());
        assert_eq!(fs::metadata(&out).unwrap().mode() & 0o777, 0o700);
        let outside = stage.path().join("outside");
        fs::write(&outside, "precious").unwrap();
        symlink(&outside, out.join("a")).unwrap();
        let directory = Directory::private(&out).unwrap();
        assert!(!directory.has("a", b"precious").unwrap());
        directory.put("a", b"precious").unwrap();
        assert!(fs::symlink_metadata(out.join("a")).unwrap().is_file());
        directory.put("a", b"mine").unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"precious");
        symlink(stage.path(), out.join("user")).unwrap();
        assert!(directory.below("user").is_err());
        fs::write(out.join("file"), "").unwrap();
        assert!(directory.below("file").is_err());
    }

    #[test]
    fn a_directory_that_is_exchanged_is_still_the_one_opened() {
        let stage = tempfile::tempdir().unwrap();
        let out = Directory::private(&stage.path().join("out")).unwrap();
        fs::rename(stage.path().join("out"), stage.path().join("away")).unwrap();
        fs::create_dir(stage.path().join("out")).unwrap();
        out.put("a", b"mine").unwrap();
        assert!(stage.path().join("away/a").exists());
        assert!(!stage.path().join("out/a").exists());
    }

    #[test]
    fn half_written_files_are_swept() {
        let stage = tempfile::tempdir().unwrap();
        fs::write(stage.path().join(".writing-x"), "half").unwrap();
        fs::write(stage.path().join("whole"), "whole").unwrap();
        let directory = Directory::private(stage.path()).unwrap();
        directory.sweep().unwrap();
        assert_eq!(fs::read_dir(stage.path()).unwrap().count(), 1);
        directory.settle().unwrap();
    }
}
