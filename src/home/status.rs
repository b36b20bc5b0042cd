//! In: what the system says of a file. Out: what reading it depends on, and a
//! stamp that tells whether it has changed.

use cap_std::fs::{Metadata, MetadataExt};
use rustix::fs::{AtFlags, FileType, Stat};
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What stays the same as long as a file or directory does: which one it is, its
/// length, and when it last changed in any way, which no user can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(u64);

/// Which file or directory of all it is, whatever its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    device: u64,
    inode: u64,
}

impl Place {
    /// Of an open file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn of(file: impl AsFd) -> io::Result<Place> {
        Status::of(file).map(|found| found.place())
    }
}

/// What is known of a file or directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Status {
    pub file_type: FileType,
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
    /// How many names it has.
    pub names: u64,
    pub length: u64,
    device: u64,
    inode: u64,
    /// Since 1970; a file of before that counts as one of 1970.
    changed: Duration,
}

/// The clock of a file system may tick as seldom as that. What changed so short
/// ago could change again and look the same.
const TICK: Duration = Duration::from_secs(2);

impl Status {
    /// Of an open file.
    pub fn of(file: impl AsFd) -> io::Result<Status> {
        Ok(Status::from(rustix::fs::fstat(file)?))
    }

    /// Of a name in a directory; a link is not followed.
    pub fn at(directory: impl AsFd, name: &Path) -> io::Result<Status> {
        let found = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(Status::from(found))
    }

    pub fn is_file(&self) -> bool {
        self.file_type.is_file()
    }

    pub fn is_dir(&self) -> bool {
        self.file_type.is_dir()
    }

    pub fn is_link(&self) -> bool {
        self.file_type.is_symlink()
    }

    /// Which file or directory it is, while it is there.
    pub fn place(&self) -> Place {
        Place {
            device: self.device,
            inode: self.inode,
        }
    }

    /// The stamp; `None` where a change after `then` could go unseen.
    pub fn stamp(&self, then: SystemTime) -> Option<Stamp> {
        let then = then.duration_since(UNIX_EPOCH).ok()?;
        (self.changed + TICK < then).then(|| {
            let mut hasher = DefaultHasher::new();
            (self.device, self.inode, self.length, self.changed).hash(&mut hasher);
            Stamp(hasher.finish())
        })
    }
}

fn since_1970(seconds: i64, nanoseconds: i64) -> Duration {
    let nanoseconds = u32::try_from(nanoseconds).unwrap_or(0);
    u64::try_from(seconds).map_or(Duration::ZERO, |seconds| {
        Duration::new(seconds, nanoseconds)
    })
}

// The fields have other types on other systems.
#[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
impl From<Stat> for Status {
    fn from(found: Stat) -> Self {
        Status {
            file_type: FileType::from_raw_mode(found.st_mode),
            uid: found.st_uid,
            gid: found.st_gid,
            mode: found.st_mode,
            names: u64::from(found.st_nlink),
            length: u64::try_from(found.st_size).unwrap_or(0),
            device: found.st_dev as u64,
            inode: found.st_ino,
            changed: since_1970(found.st_ctime as i64, found.st_ctime_nsec as i64),
        }
    }
}

impl From<Metadata> for Status {
    fn from(found: Metadata) -> Self {
        Status {
            file_type: FileType::from_raw_mode(found.mode()),
            uid: found.uid(),
            gid: found.gid(),
            mode: found.mode(),
            names: found.nlink(),
            length: found.len(),
            device: found.dev(),
            inode: found.ino(),
            changed: since_1970(found.ctime(), found.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::fs::{self, File};

    #[test]
    fn a_stamp_is_of_one_file_that_has_come_to_rest() {
        let stage = tempfile::tempdir().unwrap();
        fs::write(stage.path().join("a"), "one").unwrap();
        let directory = File::open(stage.path()).unwrap();
        let mut found = Status::at(&directory, Path::new("a")).unwrap();
        assert!(found.is_file() && found.length == 3);
        let now = SystemTime::now();
        assert_eq!(found.stamp(now), None, "it has just changed");
        found.changed -= 2 * TICK;
        let stamp = found.stamp(now);
        assert!(stamp.is_some());
        for other in [
            Status { length: 4, ..found },
            Status { inode: 0, ..found },
            Status {
                device: !found.device,
                ..found
            },
            Status {
                changed: found.changed - Duration::from_nanos(1),
                ..found
            },
        ] {
            assert_ne!(other.stamp(now), stamp);
        }
    }
}
