//! In: directories with homes below them. Out: these homes. A directory in
//! which a user could make a home for another is not looked into.

use super::lines::Problem;
use super::users::User;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Directories between a root and a home: `root/department/user`.
const MAX_DEPTH: usize = 4;

/// The files by which a home is known.
const RULES: [&str; 2] = [".forward", ".procmailrc"];

/// Whether a directory has rules in it; an error where it does not let itself
/// be asked.
pub(super) fn rules_in(home: &Path) -> io::Result<bool> {
    for name in RULES {
        match home.join(name).symlink_metadata() {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// A directory that was named, and who may put homes into those below it.
pub(super) struct Root {
    path: PathBuf,
    /// Without links.
    full: PathBuf,
    users: [u32; 3],
    groups: [u32; 3],
}

impl Root {
    /// A root, whoever it belongs to: it was named.
    pub fn new(path: &Path) -> io::Result<Root> {
        let metadata = path.metadata()?;
        Ok(Root {
            path: path.to_owned(),
            full: path.canonicalize()?,
            users: [0, rustix::process::geteuid().as_raw(), metadata.uid()],
            groups: [0, rustix::process::getegid().as_raw(), metadata.gid()],
        })
    }

    /// Whether a directory is the administrator's. Those of users are homes
    /// without rules, or lie in them.
    fn owns(&self, directory: &Metadata) -> bool {
        self.users.contains(&directory.uid())
    }

    /// Whether users can put a home for another one into a directory.
    fn is_open(&self, directory: &Metadata) -> bool {
        let mode = directory.mode();
        mode & 0o002 != 0 || mode & 0o020 != 0 && !self.groups.contains(&directory.gid())
    }

    /// Where a home is that this root has a copy of, if it is there; an error
    /// says why it cannot be trusted.
    pub fn copy(&self, below: &str) -> Result<Option<PathBuf>, &'static str> {
        let home = self.path.join(below);
        let Some(full) = home.canonicalize().ok().filter(|full| full.is_dir()) else {
            return Ok(None);
        };
        if !full.starts_with(&self.full) {
            return Err("a link leads from the copy of the home to what is no copy");
        }
        let above = |home: &Path, root: &Path| {
            let above = home.ancestors().skip(1);
            let mut above = above.take_while(|above| above.starts_with(root));
            above.all(|above| {
                let above = above.metadata();
                above.is_ok_and(|above| self.owns(&above) && !self.is_open(&above))
            })
        };
        match above(&home, &self.path) && above(&full, &self.full) {
            true => Ok(Some(home)),
            false => Err("another user could have put the copy of the home there"),
        }
    }

    fn look(&self, below: &Path, depth: usize, found: io::Result<Metadata>, walk: &mut Walk) {
        let path = match below.as_os_str().is_empty() {
            true => self.path.clone(),
            false => self.path.join(below),
        };
        let place = path.display().to_string();
        let mut tell = |why: &str| walk.problems.push(Problem::with(&place, why));
        let metadata = match found {
            Ok(metadata) => metadata,
            Err(error) => return tell(&unreadable(&error)),
        };
        let is_hidden = below.file_name().is_some_and(is_hidden);
        if metadata.is_symlink() {
            let leads_to = path.canonicalize().ok().filter(|full| full.is_dir());
            if !is_hidden && leads_to.is_some_and(|full| !is_passed(&walk.named, &full, below)) {
                tell("a link to a directory, which is not followed: name the users with --passwd");
            }
            return;
        }
        match rules_in(&path) {
            Ok(true) => {
                return (walk.enter)(of_directory(path, &self.full.join(below), &metadata));
            }
            Ok(false) if is_hidden => return,
            Ok(false) => {}
            Err(error) => return tell(&unreadable(&error)),
        }
        if !self.owns(&metadata) {
            if has_homes(&path) {
                tell("it belongs to another user: homes below it are left out, unless it is named");
            }
            return;
        }
        if depth >= MAX_DEPTH {
            if has_homes(&path) {
                tell("homes below it lie too deep, and are left out, unless it is named");
            }
            return;
        }
        if self.is_open(&metadata) {
            return tell("others could make homes in it: it was not looked into");
        }
        let entries = fs::read_dir(&path).and_then(|entries| entries.collect());
        let mut entries: Vec<fs::DirEntry> = match entries {
            Ok(entries) => entries,
            Err(error) => return tell(&unreadable(&error)),
        };
        let may_lead_on = |kind: fs::FileType| kind.is_dir() || kind.is_symlink();
        entries.retain(|entry| entry.file_type().is_ok_and(may_lead_on));
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let below = below.join(entry.file_name());
            if !walk.named.contains(&self.full.join(&below)) {
                self.look(&below, depth + 1, entry.metadata(), walk);
            }
        }
    }
}

/// The way through the roots.
struct Walk<'a> {
    /// The roots without links: what was named is looked into there, and once.
    named: BTreeSet<PathBuf>,
    enter: &'a mut dyn FnMut(User),
    problems: Vec<Problem>,
}

/// Whether a directory is looked at without the link to it, and under the same name
/// where it is not a root.
fn is_passed(named: &BTreeSet<PathBuf>, full: &Path, link: &Path) -> bool {
    let mut above = full.ancestors();
    named.contains(full)
        || full.file_name() == link.file_name() && above.any(|above| named.contains(above))
}

/// Gives the homes below roots to a function, in the order of their names, and
/// says what could not be looked into. No link is followed.
pub(super) fn walk(mut roots: Vec<Root>, enter: &mut dyn FnMut(User)) -> Vec<Problem> {
    let mut named = BTreeSet::new();
    roots.retain(|root| named.insert(root.full.clone()));
    let mut walk = Walk {
        named,
        enter,
        problems: Vec::new(),
    };
    for root in &roots {
        root.look(Path::new(""), 0, root.path.metadata(), &mut walk);
    }
    walk.problems
}

/// Names that are looked at in a directory whose homes are left out.
const MAX_NAMES: usize = 10_000;

/// Whether homes lie directly below a directory, as far as can be seen.
fn has_homes(directory: &Path) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut entries = entries.take(MAX_NAMES).flatten();
    entries.any(|entry| {
        entry.file_type().is_ok_and(|kind| kind.is_dir())
            && !is_hidden(&entry.file_name())
            && rules_in(&entry.path()).unwrap_or(false)
    })
}

/// No home has such a name, but snapshots of homes lie below one.
fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Why a directory was passed over.
pub(super) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such directory".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        kind => format!("it cannot be looked into: {kind}"),
    }
}

fn of_directory(path: PathBuf, full: &Path, metadata: &Metadata) -> User {
    // A name that is not UTF-8 is none that a user can have.
    let name = full.file_name().and_then(OsStr::to_str).unwrap_or_default();
    User {
        new: name.to_owned(),
        name: name.to_owned(),
        address: None,
        home: path,
        home_path: full.to_string_lossy().into_owned(),
        uid: Some(metadata.uid()),
        alias: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::users::{of_passwd, walk};
    use crate::batch::passwd::PasswdUser;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::path::{Path, PathBuf};

    fn home(root: &Path, path: &str) {
        fs::create_dir_all(root.join(path)).unwrap();
        fs::write(root.join(path).join(".forward"), "a@b\n").unwrap();
    }

    #[test]
    fn homes_are_found_by_walking() {
        let stage = tempfile::tempdir().unwrap();
        home(stage.path(), "ann");
        home(stage.path(), "physics/bob");
        home(stage.path(), "ann/backup/ann");
        home(stage.path(), "chemistry/ann");
        home(stage.path(), "virtual");
        fs::create_dir(stage.path().join("empty")).unwrap();
        let (users, problems) = walk(&[stage.path().to_owned()]);
        let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
        assert_eq!(names, ["ann", "bob"]);
        assert_eq!(problems.len(), 2, "{problems:?}");
        let roots = ["nowhere", "bob/.forward"].map(|root| stage.path().join(root));
        home(stage.path(), "bob");
        let (users, problems) = walk(&roots);
        assert!(users.is_empty());
        let messages: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(
            messages,
            ["there is no such directory", "it is not a directory"]
        );
    }

    #[test]
    fn nobody_makes_a_home_for_another() {
        let stage = tempfile::tempdir().unwrap();
        home(stage.path(), "ann/bob");
        home(stage.path(), "bob");
        let claimed = stage.path().join("ann");
        if chown(&claimed, Some(54321), None).is_err() {
            crate::untested::untested("homes of several users, for only root can make them");
            return;
        }
        let (users, problems) = walk(&[stage.path().to_owned()]);
        let homes: Vec<_> = users.iter().map(|user| &user.home).collect();
        assert_eq!(homes, [&stage.path().join("bob")]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let told = problems[0].to_string();
        assert!(told.contains("ann: it belongs to another user"), "{told}");
        let (users, problems) = walk(&[stage.path().to_owned(), claimed.clone()]);
        assert_eq!((users.len(), problems.len()), (1, 1), "bob has two homes");
        fs::remove_dir_all(claimed.join("bob")).unwrap();
        assert_eq!(walk(&[stage.path().to_owned()]).1, []);
    }

    #[test]
    fn homes_that_are_left_out_are_named() {
        let stage = tempfile::tempdir().unwrap();
        let at = |path: &str| stage.path().join(path);
        home(stage.path(), "home/ann");
        home(stage.path(), "home/a/b/c/bob");
        home(stage.path(), "home/a/b/c/d/kim");
        home(stage.path(), "export/tom");
        home(stage.path(), ".snapshot/tom");
        fs::create_dir_all(at("home/a/b/c/e/empty")).unwrap();
        fs::write(at("home/passwd"), "").unwrap();
        for (leads_to, link) in [
            ("../export/tom", "home/tom"),
            ("../.snapshot", "home/.old"),
            ("passwd", "home/link"),
            ("nowhere", "home/broken"),
        ] {
            symlink(leads_to, at(link)).unwrap();
        }
        let found = |roots: &[&str]| {
            let roots: Vec<PathBuf> = roots.iter().map(|root| at(root)).collect();
            let (users, problems) = walk(&roots);
            let names: Vec<String> = users.into_iter().map(|user| user.name).collect();
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            (names.join(" "), told)
        };
        let (names, told) = found(&["home"]);
        assert_eq!(names, "ann bob");
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("home/a/b/c/d: homes below it lie too deep"),
            "{told:?}"
        );
        assert!(told[1].contains("home/tom: a link"), "{told:?}");
        let all = ["home", "home/a/b/c/d", "export/tom"];
        assert_eq!(found(&all), ("ann bob kim tom".to_owned(), Vec::new()));
        let (names, told) = found(&["home", "export"]);
        assert_eq!((names.as_str(), told.len()), ("ann bob tom", 1), "{told:?}");
        symlink("ann", at("home/eve")).unwrap();
        let told = found(&["home", "export"]).1;
        assert!(told[1].contains("home/eve: a link"), "{told:?}");
    }

    #[test]
    fn what_is_named_twice_is_looked_into_once() {
        let stage = tempfile::tempdir().unwrap();
        home(stage.path(), "home/bob");
        let roots = ["home", "home/bob", "home/../home", "home/bob/"];
        let (users, problems) = walk(&roots.map(|root| stage.path().join(root)));
        assert_eq!((users.len(), problems), (1, Vec::new()));
    }

    #[test]
    fn a_directory_that_is_open_to_others_makes_no_homes() {
        let stage = tempfile::tempdir().unwrap();
        home(stage.path(), "zoe");
        home(stage.path(), "shared/zoe");
        home(stage.path(), ".snapshot/hourly/zoe");
        let shared = stage.path().join("shared");
        let found = || {
            let (users, problems) = walk(&[stage.path().to_owned()]);
            let homes: Vec<PathBuf> = users.into_iter().map(|user| user.home).collect();
            (homes, problems.len())
        };
        let mode = |mode| fs::set_permissions(&shared, Permissions::from_mode(mode)).unwrap();
        assert_eq!(found(), (vec![shared.join("zoe")], 1));
        for open in [0o777, 0o1777] {
            mode(open);
            assert_eq!(found(), (vec![stage.path().join("zoe")], 1));
        }
        mode(0o775);
        if chown(&shared, None, Some(54321)).is_err() {
            crate::untested::untested("directories of other groups, for only root can make them");
            return;
        }
        assert_eq!(found(), (vec![stage.path().join("zoe")], 1));
    }

    #[test]
    fn a_copy_of_a_home_is_one_that_nobody_else_made() {
        let stage = tempfile::tempdir().unwrap();
        let copy = stage.path().join("copy");
        home(&copy, "home/ann");
        home(&copy, "home/home");
        home(&copy, "home/joe/sue");
        home(stage.path(), "export/tom");
        symlink("ann", copy.join("home/kim")).unwrap();
        symlink(stage.path().join("export/tom"), copy.join("home/tom")).unwrap();
        let user = |name: &str, home: &str| PasswdUser {
            name: name.to_owned(),
            uid: 1001,
            home: home.to_owned(),
        };
        let found = |user| {
            let (users, problems) = of_passwd(vec![user], std::slice::from_ref(&copy));
            (users.len(), problems.len())
        };
        assert_eq!(found(user("ann", "/home/ann")), (1, 0));
        assert_eq!(found(user("kim", "/home/kim")), (1, 0));
        assert_eq!(found(user("tom", "/home/tom")), (0, 1));
        assert_eq!(found(user("up", "/home/../../export/tom")), (0, 1));
        assert_eq!(found(user("sue", "/home/joe/sue")), (1, 0));
        if chown(copy.join("home/joe"), Some(54321), None).is_err() {
            crate::untested::untested("homes of several users, for only root can make them");
            return;
        }
        assert_eq!(found(user("joe", "/home/joe")), (1, 0));
        assert_eq!(found(user("sue", "/home/joe/sue")), (0, 1));
    }
}
