//! In: a directory on disk. Out: a [`Home`] that reads regular files of its
//! owner below it, and nothing else.

use super::{Home, Kind, MailboxSize, ReadError};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use std::cell::Cell;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// What a single home may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in one file.
    pub file_bytes: u64,
    /// Bytes in all files together; a file read twice counts twice.
    pub total_bytes: u64,
    /// Files; a file read twice counts twice.
    pub files: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            file_bytes: 16 << 20,
            total_bytes: 64 << 20,
            files: 1000,
        }
    }
}

/// Links followed before a path counts as a circle, as the kernel counts them.
const MAX_LINKS: u32 = 40;

/// A home directory on disk.
///
/// Everything is opened beneath the directory's handle, so that no `..` and no
/// link, not even one that changes in the meantime, leads out of it.
#[derive(Debug)]
pub struct DiskHome {
    dir: Dir,
    /// The path it was opened by, without links: absolute links into it are
    /// followed.
    path: PathBuf,
    owner: u32,
    limits: Limits,
    spent_bytes: Cell<u64>,
    spent_files: Cell<u32>,
}

impl DiskHome {
    /// Opens a home directory. The path itself is the caller's, and may lead
    /// anywhere and through links.
    ///
    /// # Errors
    /// What the operating system says, where it is no directory one can read.
    pub fn open(path: impl AsRef<Path>, limits: Limits) -> Result<DiskHome, ReadError> {
        let path = path.as_ref();
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(read_error)?;
        let owner = dir.dir_metadata().map_err(read_error)?.uid();
        Ok(DiskHome {
            dir,
            path: std::fs::canonicalize(path).map_err(read_error)?,
            owner,
            limits,
            spent_bytes: Cell::new(0),
            spent_files: Cell::new(0),
        })
    }

    /// With another owner of the files: whoever names a single file in a shared
    /// directory means it, whosoever the directory is.
    pub fn owned_by(self, owner: u32) -> DiskHome {
        DiskHome { owner, ..self }
    }

    /// The user id of the directory's owner.
    pub fn owner(&self) -> u32 {
        self.owner
    }

    /// Runs an operation on a path; where an absolute link on it leads back
    /// into the home, on what the path then means.
    fn beneath<T>(
        &self,
        path: &str,
        run: impl Fn(&Dir, &Path) -> io::Result<T>,
    ) -> Result<T, ReadError> {
        let mut path = PathBuf::from(path);
        for _ in 0..MAX_LINKS {
            match run(&self.dir, &path) {
                Ok(value) => return Ok(value),
                Err(error) => match (read_error(error), self.follow_absolute_link(&path)) {
                    (ReadError::Outside, Some(inside)) => path = inside,
                    (error, _) => return Err(error),
                },
            }
        }
        Err(ReadError::Limit(format!(
            "more than {MAX_LINKS} links lead to it"
        )))
    }

    /// The path with its first absolute link replaced by where it leads below
    /// the home; `None` where there is no such link, or it leads elsewhere.
    fn follow_absolute_link(&self, path: &Path) -> Option<PathBuf> {
        let mut walked = PathBuf::new();
        let mut parts = path.components();
        for part in parts.by_ref() {
            walked.push(part);
            match self.dir.read_link_contents(&walked) {
                Ok(target) if target.is_absolute() => {
                    let inside = target.strip_prefix(&self.path).ok()?;
                    return Some(inside.join(parts.as_path()));
                }
                Ok(target) => {
                    walked.pop();
                    walked.push(target);
                }
                Err(_) => {}
            }
        }
        None
    }

    pub(super) fn open_file(&self, path: &str) -> Result<(File, Metadata), ReadError> {
        // Asked before it is opened, for opening a device can do something to
        // it; and again afterwards, for it can have been exchanged.
        let before = self.beneath(path, |dir, path| dir.metadata(path))?;
        self.check(&before)?;
        let mut options = OpenOptions::new();
        options
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
        let file = self.beneath(path, |dir, path| dir.open_with(path, &options))?;
        let metadata = file.metadata().map_err(read_error)?;
        self.check(&metadata)?;
        Ok((file, metadata))
    }

    /// Counts the regular files of a directory whose names fit.
    pub(super) fn directory_size(
        &self,
        path: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Option<MailboxSize> {
        let entries = self.beneath(path, |dir, path| dir.read_dir(path)).ok()?;
        let mut size = MailboxSize::default();
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_file() && fits(&entry.file_name().to_string_lossy()) {
                size.messages += 1;
                size.bytes += metadata.len();
            }
        }
        Some(size)
    }

    /// A hard link makes a file of root's look like one of the home; such a
    /// one has a second name.
    fn check(&self, metadata: &Metadata) -> Result<(), ReadError> {
        if !metadata.is_file() {
            return Err(ReadError::NotAFile);
        }
        match metadata.uid() {
            uid if uid == self.owner => Ok(()),
            0 if metadata.nlink() == 1 => Ok(()),
            _ => Err(ReadError::Owner),
        }
    }
}

impl Home for DiskHome {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let path_is_inside = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !path_is_inside || path.contains('\0') {
            return Err(ReadError::Outside);
        }
        let files = self.spent_files.get().saturating_add(1);
        self.spent_files.set(files);
        if files > self.limits.files {
            let limit = self.limits.files;
            return Err(ReadError::Limit(format!(
                "more than {limit} files are read"
            )));
        }
        let (file, metadata) = self.open_file(path)?;
        let left = self.limits.total_bytes - self.spent_bytes.get();
        let limit = self.limits.file_bytes.min(left);
        let mut bytes = Vec::with_capacity(metadata.len().min(limit) as usize);
        // One byte more than the limit, to see whether there is one.
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(read_error)?;
        let length = bytes.len() as u64;
        self.spent_bytes
            .set(self.spent_bytes.get() + length.min(limit));
        match length > limit {
            false => Ok(bytes),
            true if limit < self.limits.file_bytes => Err(ReadError::Limit(format!(
                "the files of this home are larger than {} bytes together",
                self.limits.total_bytes
            ))),
            true => Err(ReadError::Limit(format!("it is larger than {limit} bytes"))),
        }
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        let kind_of = |path: &str| self.beneath(path, |dir, path| dir.metadata(path)).ok();
        let metadata = kind_of(path)?;
        if metadata.is_file() {
            return Some(Kind::File);
        }
        metadata.is_dir().then(|| {
            let is_directory = |part: &&str| {
                kind_of(&format!("{path}/{part}")).is_some_and(|metadata| metadata.is_dir())
            };
            match ["cur", "new", "tmp"].iter().all(is_directory) {
                true => Kind::Maildir,
                false => Kind::Directory,
            }
        })
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let entries = self.dir.entries().into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort();
        names.truncate(MAX_NAMES);
        names
    }
}

/// Names in a home that are given back; nobody has more of one kind.
const MAX_NAMES: usize = 1000;

/// What an error means for a file of a home. cap-std has an error of its own,
/// without a number, for a path that leads out of the directory.
fn read_error(error: io::Error) -> ReadError {
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::NotFound, _) => ReadError::Missing,
        (io::ErrorKind::NotADirectory, _) => ReadError::Missing,
        (io::ErrorKind::PermissionDenied, None) => ReadError::Outside,
        (io::ErrorKind::PermissionDenied, _) => {
            ReadError::Io("there is no permission to read it".to_owned())
        }
        _ => ReadError::Io(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::fs;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// A directory with `home` in it, and a secret beside that.
    fn stage() -> (TempDir, DiskHome) {
        let stage = tempfile::tempdir().unwrap();
        let home = stage.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(stage.path().join("secret"), "s3cret").unwrap();
        fs::write(home.join("rc"), "DEFAULT=x\n").unwrap();
        let opened = DiskHome::open(&home, Limits::default()).unwrap();
        (stage, opened)
    }

    #[test]
    fn reads_a_regular_file() {
        let (_stage, home) = stage();
        assert_eq!(home.read("rc").unwrap(), b"DEFAULT=x\n");
        assert_eq!(home.read("nothing"), Err(ReadError::Missing));
        assert_eq!(home.read("rc/below"), Err(ReadError::Missing));
    }

    #[test]
    fn nothing_outside_is_read() {
        let (stage, home) = stage();
        let inside = stage.path().join("home");
        symlink("../secret", inside.join("relative")).unwrap();
        symlink(stage.path().join("secret"), inside.join("absolute")).unwrap();
        symlink("..", inside.join("up")).unwrap();
        symlink("relative", inside.join("twice")).unwrap();
        symlink(inside.join("../secret"), inside.join("through")).unwrap();
        symlink("/proc/self/root/etc/passwd", inside.join("magic")).unwrap();
        for path in [
            "relative",
            "absolute",
            "up/secret",
            "twice",
            "through",
            "magic",
            "../secret",
            "x/../../secret",
            "/etc/passwd",
            "nul\0byte",
        ] {
            assert_eq!(home.read(path), Err(ReadError::Outside), "{path:?}");
        }
    }

    #[test]
    fn links_inside_are_followed() {
        let (stage, home) = stage();
        let inside = stage.path().join("home");
        fs::create_dir(inside.join("dotfiles")).unwrap();
        fs::write(inside.join("dotfiles/real"), "real").unwrap();
        symlink("dotfiles/real", inside.join("relative")).unwrap();
        symlink(inside.join("dotfiles"), inside.join("d")).unwrap();
        symlink("d/real", inside.join("chain")).unwrap();
        assert_eq!(home.read("relative").unwrap(), b"real");
        assert_eq!(home.read("d/real").unwrap(), b"real");
        assert_eq!(home.kind("d"), Some(Kind::Directory));
    }

    #[test]
    fn a_circle_of_links_ends() {
        let (stage, home) = stage();
        let inside = stage.path().join("home");
        symlink("b", inside.join("a")).unwrap();
        symlink("a", inside.join("b")).unwrap();
        symlink(inside.join("d"), inside.join("c")).unwrap();
        symlink(inside.join("c"), inside.join("d")).unwrap();
        assert!(matches!(home.read("a"), Err(ReadError::Io(_))));
        assert!(matches!(home.read("c"), Err(ReadError::Limit(_))));
    }

    #[test]
    fn only_regular_files_are_opened_and_nothing_blocks() {
        let (stage, home) = stage();
        let inside = stage.path().join("home");
        mknodat(CWD, inside.join("fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(inside.join("socket")).unwrap();
        fs::create_dir(inside.join("directory")).unwrap();
        for path in ["fifo", "socket", "directory"] {
            assert_eq!(home.read(path), Err(ReadError::NotAFile), "{path}");
        }
    }

    #[test]
    fn limits_hold() {
        let (stage, _) = stage();
        let path = stage.path().join("home");
        fs::write(path.join("ten"), "0123456789").unwrap();
        let with = |file_bytes, total_bytes, files| {
            let limits = Limits {
                file_bytes,
                total_bytes,
                files,
            };
            DiskHome::open(&path, limits).unwrap()
        };
        assert!(with(10, 100, 9).read("ten").is_ok());
        let too_big = with(9, 100, 9).read("ten").unwrap_err();
        assert_eq!(too_big.to_string(), "it is larger than 9 bytes");
        let total = with(10, 15, 9);
        assert!(total.read("ten").is_ok());
        assert!(matches!(total.read("ten"), Err(ReadError::Limit(_))));
        assert!(matches!(total.read("ten"), Err(ReadError::Limit(_))));
        let files = with(10, 100, 1);
        assert!(files.read("ten").is_ok());
        assert!(matches!(files.read("ten"), Err(ReadError::Limit(_))));
    }

    #[test]
    fn a_maildir_is_known_by_its_parts() {
        let (stage, home) = stage();
        let inside = stage.path().join("home");
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(inside.join("Maildir").join(part)).unwrap();
        }
        assert_eq!(home.kind("Maildir"), Some(Kind::Maildir));
        assert_eq!(home.kind("Maildir/cur"), Some(Kind::Directory));
        assert_eq!(home.kind("rc"), Some(Kind::File));
        assert_eq!(home.kind("nothing"), None);
        fs::write(inside.join("rc+b"), "").unwrap();
        fs::write(inside.join("Maildir/rc"), "").unwrap();
        assert_eq!(home.names("rc"), ["rc", "rc+b"]);
    }

    #[test]
    fn a_file_of_another_user_is_not_read() {
        let (stage, home) = stage();
        let file = stage.path().join("home/theirs");
        fs::write(&file, "theirs").unwrap();
        if std::os::unix::fs::chown(&file, Some(home.owner() + 1), None).is_err() {
            eprintln!("NOT TESTED: files of another user, for only root can make one");
            return;
        }
        assert_eq!(home.read("theirs"), Err(ReadError::Owner));
    }
}
