//! In: directories with homes in them, or passwd(5). Out: the users with their
//! homes, in the order of their names.

use super::accounts::Accounts;
use super::lines::{Problem, is_safe_name};
use super::output::names;
use super::passwd::PasswdUser;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A user whose home is translated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct User {
    /// The login name on the old host.
    pub name: String,
    /// The name of the new account.
    pub new: String,
    /// The new address, where it is known.
    pub address: Option<String>,
    /// Where the home is now.
    pub home: PathBuf,
    /// Where it was on the old host.
    pub home_path: String,
    /// Whose it should be, where that is known.
    pub uid: Option<u32>,
    /// What `virtual` and `aliases` make of mail for this user, as an alias
    /// would name it; `None` where they say nothing.
    pub alias: Option<String>,
}

/// Directories between a root and a home: `root/department/user`.
const MAX_DEPTH: usize = 4;

/// The first user id of people (login.defs(5)).
const FIRST_PERSON: u32 = 1000;

/// The user id of nobody.
const NOBODY: u32 = 65534;

/// The files by which a home is known.
const RULES: [&str; 2] = [".forward", ".procmailrc"];

/// Finds the homes below the roots: directories with rules in them. What lies
/// in a home is not looked into, nor is a directory that belongs to neither root,
/// nor whoever runs this, nor the owner of the root: in a home without rules,
/// its owner could otherwise make one for another user.
pub fn walk(roots: &[PathBuf]) -> (Vec<User>, Vec<Problem>) {
    let mut found = BTreeMap::new();
    let mut problems = Vec::new();
    let runner = rustix::process::geteuid().as_raw();
    for root in roots {
        let trusted = [Some(0), Some(runner), owner(root)];
        // No link is followed below it.
        let full_root = root.canonicalize().unwrap_or_else(|_| root.clone());
        let mut entries = WalkDir::new(root)
            .max_depth(MAX_DEPTH)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let place = error.path().unwrap_or(root).display().to_string();
                    problems.push(Problem::with(&place, unreadable(error.io_error())));
                    continue;
                }
            };
            if !entry.file_type().is_dir() {
                if entry.depth() == 0 {
                    let place = root.display().to_string();
                    problems.push(Problem::with(&place, "it is not a directory"));
                }
                continue;
            }
            let owner = owner(entry.path());
            match rules_in(entry.path()) {
                Ok(true) => {
                    entries.skip_current_dir();
                    let full = match entry.path().strip_prefix(root) {
                        Ok(below) if !below.as_os_str().is_empty() => full_root.join(below),
                        _ => full_root.clone(),
                    };
                    let user = of_directory(entry.path(), &full, owner);
                    enter(&mut found, &mut problems, user);
                }
                Ok(false) if trusted.contains(&owner) => {}
                Ok(false) => entries.skip_current_dir(),
                Err(error) => {
                    entries.skip_current_dir();
                    let place = entry.path().display().to_string();
                    problems.push(Problem::with(&place, unreadable(Some(&error))));
                }
            }
        }
    }
    (found.into_values().collect(), problems)
}

/// Why a directory was passed over.
fn unreadable(error: Option<&io::Error>) -> String {
    match error.map(io::Error::kind) {
        Some(io::ErrorKind::NotFound) => "there is no such directory".to_owned(),
        Some(kind) => format!("it cannot be looked into: {kind}"),
        None => "it cannot be looked into".to_owned(),
    }
}

/// The owner of a directory.
fn owner(path: &Path) -> Option<u32> {
    path.metadata().ok().map(|metadata| metadata.uid())
}

/// Whether a directory has rules in it; an error where it does not let itself
/// be asked.
fn rules_in(home: &Path) -> io::Result<bool> {
    for name in RULES {
        match home.join(name).symlink_metadata() {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn of_directory(path: &Path, full: &Path, owner: Option<u32>) -> User {
    let name = full
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    User {
        new: name.clone(),
        name,
        address: None,
        home: path.to_owned(),
        home_path: full.to_string_lossy().into_owned(),
        uid: owner,
        alias: None,
    }
}

/// The users of passwd(5). Where roots are given, their homes are copies below
/// one of these: `root/home/user`, or `root/user`. Users that are programs count
/// where they have rules.
pub fn of_passwd(passwd: Vec<PasswdUser>, roots: &[PathBuf]) -> (Vec<User>, Vec<Problem>) {
    let mut found = BTreeMap::new();
    let mut problems = Vec::new();
    for user in passwd {
        let below = user.home.trim_start_matches('/');
        let copies = roots
            .iter()
            .flat_map(|root| [root.join(below), root.join(&user.name)]);
        let home = match roots {
            [] => Some(PathBuf::from(&user.home)),
            _ => copies.into_iter().find(|path| path.is_dir()),
        };
        // Programs have directories that belong to others, and seldom rules.
        let is_person = user.uid >= FIRST_PERSON && user.uid != NOBODY;
        if !is_person
            && !home
                .as_deref()
                .is_some_and(|home| rules_in(home).unwrap_or(false))
        {
            continue;
        }
        let Some(home) = home.filter(|path| path.is_dir()) else {
            let message = "there is no home directory".to_owned();
            problems.push(Problem::with(&user.name, message));
            continue;
        };
        let user = User {
            new: user.name.clone(),
            name: user.name,
            address: None,
            home,
            home_path: user.home,
            // Copies belong to whoever made them.
            uid: roots.is_empty().then_some(user.uid),
            alias: None,
        };
        enter(&mut found, &mut problems, user);
    }
    (found.into_values().collect(), problems)
}

fn enter(found: &mut BTreeMap<String, User>, problems: &mut Vec<Problem>, user: User) {
    let place = user.home.display().to_string();
    if !is_safe_name(&user.name) || names::ALL.contains(&user.name.as_str()) {
        let message = "its name cannot be the name of a directory of the output";
        problems.push(Problem::with(&place, message));
    } else if let Some(first) = found.get(&user.name) {
        let first = first.home.display();
        let message = format!("{} has a home already, {first}", user.name);
        problems.push(Problem::with(&place, message));
    } else {
        found.insert(user.name.clone(), user);
    }
}

/// Puts the new accounts in; accounts of nobody are problems.
pub fn assign(users: &mut [User], accounts: &Accounts, file: &str) -> Vec<Problem> {
    for user in users.iter_mut() {
        if let Some(account) = accounts.get(&user.name) {
            user.new.clone_from(&account.new);
            user.address = Some(account.address.clone()).filter(|address| !address.is_empty());
        }
    }
    let has_home = |name: &String| {
        users
            .binary_search_by(|user| user.name.as_str().cmp(name))
            .is_ok()
    };
    let homeless = accounts.iter().filter(|(name, _)| !has_home(name));
    let homeless = homeless.map(|(name, account)| {
        let message = format!("{name} has no home among those that were found");
        Problem::at(file, account.line, message)
    });
    let left_out = users
        .iter()
        .filter(|user| !accounts.contains_key(&user.name))
        .map(|user| Problem::with(&user.name, "there is no new account"));
    homeless.chain(left_out).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::fs;

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
        if std::os::unix::fs::chown(&claimed, Some(54321), None).is_err() {
            eprintln!("NOT TESTED: homes of several users, for only root can make them");
            return;
        }
        let (users, problems) = walk(&[stage.path().to_owned()]);
        let homes: Vec<_> = users.iter().map(|user| &user.home).collect();
        assert_eq!(homes, [&stage.path().join("bob")]);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn homes_are_found_by_passwd() {
        let stage = tempfile::tempdir().unwrap();
        home(stage.path(), "home/ann");
        home(stage.path(), "bob");
        let user = |name: &str| PasswdUser {
            name: name.to_owned(),
            uid: if name == "daemon" { 1 } else { 1001 },
            home: format!("/home/{name}"),
        };
        let passwd = vec![user("bob"), user("ann"), user("sue"), user("daemon")];
        let (mut users, problems) = of_passwd(passwd, &[stage.path().to_owned()]);
        assert_eq!(users[0].home_path, "/home/ann");
        assert_eq!(users[0].home, stage.path().join("home/ann"));
        assert_eq!(users[1].home, stage.path().join("bob"));
        assert_eq!(problems.len(), 1);
        let text = "old,new,address\nann,asmith,a@new.example\ntom,t,\n";
        let (accounts, _) = crate::batch::accounts::parse("a.csv", text);
        let problems = assign(&mut users, &accounts.unwrap(), "a.csv");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(users[0].new, "asmith");
        assert_eq!(users[0].address.as_deref(), Some("a@new.example"));
    }
}
