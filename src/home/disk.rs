//! In: a directory on disk. Out: a [`Home`] that reads regular files of its
//! owner below it, and nothing else.

use super::beneath::Beneath;
use super::status::Status;
use super::{Home, Kind, Place, ReadError, Stamp};
use cap_std::fs::{File, OpenOptions, OpenOptionsExt};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// What a single home may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in one file.
    pub file_bytes: u64,
    /// Bytes in all files together; a file read twice counts twice.
    pub total_bytes: u64,
    /// Files; a file read twice counts twice.
    pub files: u32,
    /// Bytes of mailboxes that are read to count their messages.
    pub mailbox_bytes: u64,
    /// Time from the opening of the home on; later, nothing more is read.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            file_bytes: 4 << 20,
            total_bytes: 32 << 20,
            files: 1000,
            mailbox_bytes: 1 << 30,
            time: Duration::from_secs(60),
        }
    }
}

/// A directory outside the homes whose files rules may include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedDirectory {
    /// The path that rules name it by.
    pub named: PathBuf,
    /// Where it is, or a copy of it.
    pub path: PathBuf,
}

/// A home directory on disk.
#[derive(Debug)]
pub struct DiskHome {
    home: Beneath,
    owner: u32,
    /// The group of the directory, where it is that of users.
    group: Option<u32>,
    /// Directories whose files any home may include, by their paths.
    includes: Vec<(PathBuf, Beneath)>,
    pub(super) limits: Limits,
    opened: Instant,
    since: SystemTime,
    spent_bytes: Cell<u64>,
    spent_files: Cell<u32>,
    /// The home itself is not open to all: then modes say something. Copies on file
    /// systems without any are all open.
    has_modes: bool,
    place: Place,
    /// Files that were read, and that every user may write to.
    open_to_all: RefCell<BTreeSet<String>>,
    pub(super) spent_on_mailboxes: Cell<u64>,
}

impl DiskHome {
    /// Opens a home directory. The path itself is the caller's, and may lead
    /// anywhere and through links.
    ///
    /// # Errors
    /// What the operating system says, where it is no directory one can read.
    pub fn open(path: impl AsRef<Path>, limits: Limits) -> Result<DiskHome, ReadError> {
        let home = Beneath::open(path.as_ref())?;
        let found = home.own_status()?;
        Ok(DiskHome {
            owner: found.uid,
            group: Some(found.gid).filter(|&group| group != 0),
            home,
            includes: Vec::new(),
            limits,
            opened: Instant::now(),
            since: SystemTime::now(),
            spent_bytes: Cell::new(0),
            spent_files: Cell::new(0),
            open_to_all: RefCell::default(),
            has_modes: found.mode & 0o002 == 0,
            place: found.place(),
            spent_on_mailboxes: Cell::new(0),
        })
    }

    /// Which directory it is.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whose files it trusts, beside root's, and whether their modes count.
    pub fn trust(&self) -> (u32, Option<u32>, bool) {
        (self.owner, self.group, self.has_modes)
    }

    /// With another owner of the files: whoever names a single file in a shared
    /// directory means it, whosoever the directory is.
    pub fn owned_by(self, owner: u32) -> DiskHome {
        DiskHome {
            owner,
            group: None,
            ..self
        }
    }

    /// Lets absolute paths below these directories be read as well. What is
    /// read there belongs to root or the directory's owner, and everybody may
    /// read it: no home gets at more than its owner could.
    ///
    /// # Errors
    /// What the operating system says of a directory.
    pub fn allow_includes(
        mut self,
        directories: &[SharedDirectory],
    ) -> Result<DiskHome, ReadError> {
        for SharedDirectory { named, path } in directories {
            self.includes.push((named.clone(), Beneath::open(path)?));
        }
        Ok(self)
    }

    /// The user id of the directory's owner.
    pub fn owner(&self) -> u32 {
        self.owner
    }

    /// Whether there is time left for this home.
    pub(super) fn in_time(&self) -> Result<(), ReadError> {
        match self.opened.elapsed() > self.limits.time {
            true => Err(ReadError::Limit(format!(
                "reading this home took longer than {} seconds",
                self.limits.time.as_secs()
            ))),
            false => Ok(()),
        }
    }

    /// What is known of a path below the home.
    fn status(&self, path: &str) -> Result<Status, ReadError> {
        self.in_time()?;
        self.home.status(&self.home.on_disk(path))
    }

    /// Opens a regular file below the home.
    pub(super) fn open_file(&self, path: &str) -> Result<(File, Status), ReadError> {
        self.in_time()?;
        open_regular(&self.home, &self.home.on_disk(path), |found| {
            self.is_own(found)
        })
    }

    /// Opens a file below one of the directories that homes may include from.
    fn open_include(&self, path: &Path) -> Result<(File, Status), ReadError> {
        self.in_time()?;
        for (directory, beneath) in &self.includes {
            if let Some(path) = path.strip_prefix(directory).ok().and_then(Path::to_str) {
                let directory = beneath.own_status()?;
                let path = beneath.on_disk(path);
                let full = beneath.run(&path, |dir, path| dir.canonicalize(path))?;
                let mut above = full
                    .ancestors()
                    .skip(1)
                    .filter(|path| !path.as_os_str().is_empty());
                let is_public = directory.mode & 0o001 != 0
                    && above.all(|path| {
                        let above = beneath.status(path);
                        above.is_ok_and(|above| above.mode & 0o001 != 0)
                    });
                return open_regular(beneath, &full, |found| {
                    let is_public = is_public && found.mode & 0o004 != 0;
                    match found.uid {
                        uid if is_public && (uid == 0 || uid == directory.uid) => Ok(()),
                        _ => Err(ReadError::Owner),
                    }
                });
            }
        }
        Err(ReadError::Outside)
    }

    /// Goes through the names in a directory below the home.
    pub(super) fn entries(
        &self,
        path: &str,
    ) -> Result<impl Iterator<Item = cap_std::fs::DirEntry>, ReadError> {
        self.in_time()?;
        let path = self.home.on_disk(path);
        let entries = self.home.run(&path, |dir, path| dir.read_dir(path))?;
        Ok(entries.flatten().take_while(|_| self.in_time().is_ok()))
    }

    /// A hard link makes a file of root's look like one of the home; such a
    /// one has a second name, or had one, and then it is none that the user,
    /// and so the old mailer, could read.
    fn is_own(&self, found: &Status) -> Result<(), ReadError> {
        let is_of_group = self.group == Some(found.gid);
        let readable = if is_of_group { 0o044 } else { 0o004 };
        match found.uid {
            0 if found.names != 1 => Err(ReadError::Linked),
            uid if uid == self.owner => Ok(()),
            0 if found.mode & readable != 0 => Ok(()),
            _ => Err(ReadError::Owner),
        }
    }
}

/// Opens a regular file that passes a check.
pub(super) fn open_regular(
    beneath: &Beneath,
    path: &Path,
    check: impl Fn(&Status) -> Result<(), ReadError>,
) -> Result<(File, Status), ReadError> {
    let check = |found: &Status| match found.is_file() {
        true => check(found),
        false => Err(ReadError::NotAFile),
    };
    // Asked before it is opened, for opening a device can do something to
    // it; and again afterwards, for it can have been exchanged.
    check(&beneath.status(path)?)?;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    let file = beneath.run(path, |dir, path| dir.open_with(path, &options))?;
    let status = Status::of(&file).map_err(read_error)?;
    check(&status)?;
    Ok((file, status))
}

impl Home for DiskHome {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let path_is_normal = Path::new(path.trim_start_matches('/'))
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !path_is_normal || path.contains('\0') {
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
        let (file, status) = match path.starts_with('/') {
            true => self.open_include(Path::new(path))?,
            false => self.open_file(path)?,
        };
        if self.has_modes && status.mode & 0o002 != 0 {
            self.open_to_all.borrow_mut().insert(path.to_owned());
        }
        let left = self.limits.total_bytes - self.spent_bytes.get();
        let limit = self.limits.file_bytes.min(left);
        let too_large = || match limit < self.limits.file_bytes {
            true => ReadError::Limit(format!(
                "the files of this home are larger than {} bytes together",
                self.limits.total_bytes
            )),
            false => ReadError::Limit(format!("it is larger than {limit} bytes")),
        };
        if status.length > limit {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(status.length as usize);
        // One byte more than the limit: the file may be growing.
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(read_error)?;
        let length = bytes.len() as u64;
        self.spent_bytes
            .set(self.spent_bytes.get() + length.min(limit));
        match length > limit {
            true => Err(too_large()),
            false => Ok(bytes),
        }
    }

    fn is_open_to_all(&self, path: &str) -> bool {
        self.open_to_all.borrow().contains(path)
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        let found = self.status(path).ok()?;
        if found.is_file() {
            return Some(Kind::File);
        }
        found.is_dir().then(|| {
            let is_directory = |part: &&str| {
                let part = self.status(&format!("{path}/{part}"));
                part.is_ok_and(|found| found.is_dir())
            };
            match ["cur", "new", "tmp"].iter().all(is_directory) {
                true => Kind::Maildir,
                false => Kind::Directory,
            }
        })
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let mut names = BTreeSet::new();
        let entries = self.home.names().into_iter().flatten();
        for name in entries.take_while(|_| self.in_time().is_ok()) {
            let name = name.into_string().unwrap_or_else(|error| {
                let name = error.into_cstring();
                name.as_bytes().iter().map(|&byte| byte as char).collect()
            });
            if name.starts_with(prefix) {
                names.insert(name);
            }
            if names.len() > MAX_NAMES {
                names.pop_last();
            }
        }
        names.into_iter().collect()
    }

    fn stamp(&self, path: &str) -> Option<Stamp> {
        match path {
            "" => self.home.own_status().ok()?.stamp(self.since),
            path if path.starts_with('/') => None,
            path => self.status(path).ok()?.stamp(self.since),
        }
    }
}

/// Names in a home that are given back; nobody has more of one kind.
const MAX_NAMES: usize = 1000;

/// What an error means for a file of a home. cap-std has an error of its own,
/// without a number, for a path that leads out of the directory.
pub(super) fn read_error(error: io::Error) -> ReadError {
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
    use std::os::unix::ffi::OsStrExt as _;
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
    fn names_are_utf_8_or_latin_1() {
        let (stage, home) = stage();
        let inside = stage.path().join("home");
        let old = std::ffi::OsStr::from_bytes(b".forward+caf\xe9");
        fs::write(inside.join(old), "old").unwrap();
        fs::write(inside.join("r\u{e8}gles"), "new").unwrap();
        assert_eq!(home.names(".forward+"), [".forward+caf\u{e9}"]);
        assert_eq!(home.read(".forward+caf\u{e9}").unwrap(), b"old");
        assert_eq!(home.read("r\u{e8}gles").unwrap(), b"new");
        assert_eq!(home.read("r\u{c3}\u{a8}gles").unwrap(), b"new");
        assert_eq!(home.read("\u{20ac}"), Err(ReadError::Missing));
        fs::write(inside.join(".forward+caf\u{e9}"), "utf-8").unwrap();
        assert_eq!(home.read(".forward+caf\u{e9}").unwrap(), b"utf-8");
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
                ..Limits::default()
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
            crate::untested::untested("files of another user, for only root can make one");
            return;
        }
        assert_eq!(home.read("theirs"), Err(ReadError::Owner));
    }
}
