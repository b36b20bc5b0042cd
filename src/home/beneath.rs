//! In: a directory that is open, and a path. Out: what stands at the path below
//! the directory; nothing outside is ever opened.

use super::ReadError;
use super::disk::read_error;
use super::status::Status;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ffi::{CString, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// Links followed before a path counts as a circle, as the kernel counts them.
const MAX_LINKS: u32 = 40;

/// A directory that is not left.
///
/// Everything is opened beneath its handle, so that no `..` and no link, not
/// even one that changes in the meantime, leads out of it.
#[derive(Debug)]
pub(super) struct Beneath {
    dir: Dir,
    /// The path it was opened by.
    path: PathBuf,
    /// The same without links: absolute links into it are followed.
    full_path: OnceCell<Option<PathBuf>>,
}

impl Beneath {
    /// Opens a directory. The path itself may lead anywhere and through links.
    pub fn open(path: &Path) -> Result<Beneath, ReadError> {
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(read_error)?;
        Ok(Beneath {
            dir,
            path: path.to_owned(),
            full_path: OnceCell::new(),
        })
    }

    /// What is known of the directory itself.
    pub fn own_status(&self) -> Result<Status, ReadError> {
        Status::of(&self.dir).map_err(read_error)
    }

    /// The names in the directory itself.
    pub fn names(&self) -> io::Result<impl Iterator<Item = CString>> {
        // The handle itself cannot be read.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let readable = rustix::fs::openat(&self.dir, ".", flags, Mode::empty())?;
        let entries = rustix::fs::Dir::new(readable)?.flatten();
        Ok(entries.map(|entry| entry.file_name().to_owned()))
    }

    /// A path of the rules as it is on disk, where names are bytes: rules that are
    /// not UTF-8 were read as Latin-1.
    pub fn on_disk<'p>(&self, path: &'p str) -> Cow<'p, Path> {
        let written = Path::new(path);
        if path.is_ascii() || !matches!(self.status(written), Err(ReadError::Missing)) {
            return Cow::Borrowed(written);
        }
        let bytes: Result<Vec<u8>, _> = path.chars().map(u8::try_from).collect();
        match bytes {
            Ok(bytes) => Cow::Owned(PathBuf::from(OsString::from_vec(bytes))),
            Err(_) => Cow::Borrowed(written),
        }
    }

    /// What is known of what stands at a path.
    pub fn status(&self, path: &Path) -> Result<Status, ReadError> {
        // What has its name in the directory itself, and is no link, needs no
        // opening.
        if path.components().count() == 1 && path.file_name() == Some(path.as_os_str()) {
            match Status::at(&self.dir, path).map_err(read_error)? {
                status if status.is_link() => {}
                status => return Ok(status),
            }
        }
        self.run(path, |dir, path| dir.metadata(path).map(Status::from))
    }

    /// Runs an operation on a path; where an absolute link on it leads back
    /// into the directory, on what the path then means.
    pub fn run<T>(
        &self,
        path: &Path,
        run: impl Fn(&Dir, &Path) -> io::Result<T>,
    ) -> Result<T, ReadError> {
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let error = match run(&self.dir, &path) {
                Ok(value) => return Ok(value),
                Err(error) => read_error(error),
            };
            match error {
                ReadError::Outside => match self.follow_absolute_link(&path) {
                    Some(inside) => path = inside,
                    None => return Err(ReadError::Outside),
                },
                error => return Err(error),
            }
        }
        Err(ReadError::Limit(format!(
            "more than {MAX_LINKS} links lead to it"
        )))
    }

    /// The path with its first absolute link replaced by where it leads below
    /// the directory; `None` where there is no such link, or it leads elsewhere.
    fn follow_absolute_link(&self, path: &Path) -> Option<PathBuf> {
        let mut walked = PathBuf::new();
        let mut parts = path.components();
        for part in parts.by_ref() {
            walked.push(part);
            match self.dir.read_link_contents(&walked) {
                Ok(target) if target.is_absolute() => {
                    let full = || std::fs::canonicalize(&self.path).ok();
                    let full = self.full_path.get_or_init(full).as_ref()?;
                    let inside = target.strip_prefix(full).ok()?;
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
}
